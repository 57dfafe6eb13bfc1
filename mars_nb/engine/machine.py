"""The heart: a pure state machine over events.

``evolve(state, event)`` is the only writer of the state. Deciding has two halves: ``route(state, event)`` tells what
a reply means (its branch moves, forks, ends or asks), and ``settle(state)`` tells what follows from where everybody
stands (a join fires, a caller resumes, steps start, the run ends). The loop of a run is: append an event, evolve,
publish, route; when nothing is left to do, settle.

The state is a fold of the events, so a run that is read back from its journal stands exactly where it stood. What
`settle` writes is only the index of who waits for whom, which is derived and found again after a fold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.actions import AskUser, said_by
from mars_nb.engine.branch import (
    NO_FORKS,
    BranchState,
    Contribution,
    ExecutionBranch,
    Forks,
    Frame,
    Talk,
    merged_memory,
    received,
)
from mars_nb.engine.ending import ending
from mars_nb.engine.join import enter
from mars_nb.engine.plan import plan_of
from mars_nb.engine.resuming import resume
from mars_nb.engine.routing import route_after_person, route_reply
from mars_nb.engine.rules import pair
from mars_nb.engine.settling import join_position, settled_events
from mars_nb.engine.state import (
    RunState,
    arrive,
    be_born,
    become,
    contribution,
    end,
    fail,
    give_up,
    in_branch_order,
    make_ready,
    say,
    step_away,
    take_answers,
    take_ready,
    wait,
)
from mars_nb.engine.trace import StepTrace
from mars_nb.events import (
    AboutBranch,
    AboutRun,
    AboutStep,
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchForked,
    BranchMoved,
    BranchResumed,
    CheckpointCreated,
    ContentDelivered,
    ContentReturned,
    DeadlinePassed,
    PauseRequested,
    QuestionAnswered,
    QuestionAsked,
    Restored,
    RetryDue,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepCorrected,
    StepFailed,
    StepScheduled,
    TopologyChanged,
)
from mars_nb.topology.model import USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.engine.plan import Plan
    from mars_nb.events import BranchEvent, Event, RunEvent, StepEvent

__all__ = ["RunState", "evolve", "route", "settle", "will_retry"]


def evolve(state: RunState, event: Event) -> None:
    """Write one event into the state.

    Parameters
    ----------
    state : RunState
        Changed in place; copying it would make a run of n branches cost n squared.
    event : Event
        What happened.
    """
    state.n_events += 1
    match event:
        case AboutStep():
            _evolve_step(state, event)
        case AboutBranch():
            _evolve_branch(state, event)
        case AboutRun():
            _evolve_run(state, event)


def route(state: RunState, event: Event) -> Sequence[Event]:
    """Tell what an event means for its branch.

    Parameters
    ----------
    state : RunState
        Where everybody stands, the event included.
    event : Event
        What happened last.

    Returns
    -------
    sequence of Event
        The branch moves, forks, ends or asks; empty for an event that means nothing more.
    """
    if type(event) not in ROUTED:
        return ()
    match event:
        case StepCompleted():
            return route_reply(state, state.branches[event.branch])
        case QuestionAnswered():
            branch = state.branches[event.branch]
            return route_after_person(state, branch) if branch.state is BranchState.ASKING else ()
        case RunStarted():
            return [BranchCreated(f"b{i}", agent) for i, agent in enumerate(state.plan.graph.entries)]
        case _:
            return ()


ROUTED = frozenset({StepCompleted, QuestionAnswered, RunStarted})
"""Events that mean something more for their branch."""


def settle(state: RunState) -> Sequence[Event]:
    """Tell what follows from where everybody stands, when no reply is left to route.

    Returns
    -------
    sequence of Event
        The next events of one kind; ask again after they are written. Empty when only an agent, a person or a clock
        can go on.
    """
    if state.status != "running":
        return ()
    return [ending(state)] if state.deadline_s else settled_events(state)


def will_retry(plan: Plan, branch: ExecutionBranch, failed: StepFailed) -> bool:
    """Tell whether a ``retry`` rule gives a failed step another attempt."""
    return not failed.final and failed.attempt < plan.rules.attempts(branch.agent)


def _evolve_run(state: RunState, event: RunEvent) -> None:
    match event:
        case RunStarted():
            state.status, state.task, state.context = "running", event.task, event.context
            state.can_ask, state.has_person = event.can_ask, event.has_person
        case DeadlinePassed():
            state.deadline_s = event.limit_s
        case PauseRequested():
            state.is_pausing, state.pauses_now, state.pause_reason = True, event.now, event.reason
        case RunPaused():
            state.status, state.is_pausing, state.pause_reason = "paused", False, event.reason
        case RunResumed():
            state.has_person = event.has_person
            resume(state)
        case TopologyChanged():
            state.plan = plan_of(event)
        case RunEnded():
            state.status, state.error = event.status, event.error
        case Restored():
            state.status, state.is_pausing = "paused", False
        case CheckpointCreated():
            pass


# ------------------------------------------------------------------------------------------------------------- steps


def _evolve_step(state: RunState, event: StepEvent) -> None:
    branch = state.branches[event.branch]
    match event:
        case StepScheduled():
            _step_scheduled(state, branch, event)
        case StepCompleted():
            _step_completed(state, branch, event)
        case StepFailed():
            _step_failed(state, branch, event)
        case RetryDue():
            make_ready(state, branch)
        case StepCorrected() if branch.trace:
            branch.trace.n_corrections += 1
        case StepCorrected():
            pass


def _step_scheduled(state: RunState, branch: ExecutionBranch, event: StepScheduled) -> None:
    if branch.state is BranchState.READY:
        take_ready(state, branch)
    else:
        branch.frame.joins[branch.agent].remove(branch)
    if branch.id in state.let_through:
        state.let_through -= {branch.id}
    if event.step > branch.n_steps or branch.trace is None:
        branch.request = received(branch.inbox)
        branch.n_steps = event.step
        branch.trace = StepTrace(branch, state.n_events)
        state.steps.append(branch.trace)
    branch.attempt = branch.trace.attempt = event.attempt
    branch.trace.status = "running"
    become(state, branch, BranchState.RUNNING)
    state.n_in_flight += 1


def _step_completed(state: RunState, branch: ExecutionBranch, event: StepCompleted) -> None:
    state.n_in_flight -= 1
    state.n_completed += 1
    state.n_tokens += event.n_input_tokens + event.n_output_tokens
    state.cost_usd += event.cost_usd or 0.0
    branch.action = event.action
    branch.said = event.content if event.action is None else said_by(event.action)
    branch.remember()
    branch.failures = []
    branch.attempt = 1
    branch.depth += 1
    branch.n_done += 1
    if branch.trace:
        branch.trace.complete(event, state.n_events)


def _step_failed(state: RunState, branch: ExecutionBranch, event: StepFailed) -> None:
    state.n_in_flight -= 1
    branch.error = (event.error, event.message)
    if branch.trace:
        branch.trace.fail(event, state.n_events)
    if will_retry(state.plan, branch, event):
        branch.attempt = event.attempt + 1
        become(state, branch, BranchState.RETRYING)
    else:
        fail(state, branch)


# ---------------------------------------------------------------------------------------------------------- branches


def _evolve_branch(state: RunState, event: BranchEvent) -> None:  # noqa: C901 (one case an event, each of one line)
    branches = state.branches
    match event:
        case BranchMoved():
            _branch_moved(state, branches[event.branch], event.agent)
        case BranchCreated():
            _branch_created(state, event)
        case BranchForked():
            _branch_forked(state, branches[event.branch], event.n_called)
        case BranchesJoined():
            _branches_joined(state, event)
        case BranchResumed():
            _branch_resumed(state, branches[event.branch], event.settled)
        case BranchEnded():
            _branch_ended(state, branches[event.branch], event.how)
        case ContentDelivered():
            state.deliveries.append(contribution(branches[event.branch], event.slot))
        case ContentReturned():
            _content_returned(branches[event.branch], event.slot)
        case QuestionAsked():
            _question_asked(state, branches[event.branch])
        case QuestionAnswered():
            _question_answered(state, branches[event.branch], event)


def _branch_created(state: RunState, event: BranchCreated) -> None:
    if event.parent is None:
        branch = ExecutionBranch(event.branch, ((0, state.n_entries),), event.agent, state.root, NO_FORKS)
        branch.inbox = [Contribution(branch.position, USER, state.task)]
        state.n_entries += 1
    else:
        branch = _child(state, state.branches[event.parent], event)
    be_born(state, branch)
    if event.called:
        make_ready(state, branch)
    else:
        arrive(state, branch)


def _child(state: RunState, parent: ExecutionBranch, event: BranchCreated) -> ExecutionBranch:
    position = (*parent.position, (0, parent.n_children))
    parent.n_children += 1
    say(state, parent.frame, parent.agent, event.agent)
    frame = _called_frame(parent, event.agent) if event.called else parent.frame
    branch = ExecutionBranch(event.branch, position, event.agent, frame, parent.forks)
    branch.parent_id, branch.depth, branch.from_join = parent.id, parent.depth, parent.from_join
    branch.inbox = [contribution(parent, event.slot)]
    if not event.called:
        branch.memory, branch.owns_memory = parent.memory, False
    return branch


def _called_frame(caller: ExecutionBranch, agent: str) -> Frame:
    frame = Frame(caller, agent)
    caller.frames.append(frame)
    caller.frame.joins[caller.agent].n_busy += 1
    conversation = pair(caller.agent, agent)
    talk = caller.frame.talks.get(conversation)
    if talk:
        frame.talks[conversation] = Talk(talk.opener, talk.n_sent, unanswered=talk.unanswered)
    return frame


def _branch_moved(state: RunState, branch: ExecutionBranch, agent: str) -> None:
    branch.inbox = [contribution(branch)]
    say(state, branch.frame, branch.agent, agent)
    step_away(state, branch)
    branch.agent = agent
    enter(branch)
    arrive(state, branch)


def _branch_forked(state: RunState, branch: ExecutionBranch, n_called: int) -> None:
    step_away(state, branch)
    state.n_forks += 1
    branch.forks = Forks(branch.forks.agents | {state.n_forks: branch.agent})
    branch.owns_memory = False
    if n_called:
        enter(branch)
        become(state, branch, BranchState.CALLING)
        wait(state, branch)
    else:
        state.n_live -= 1
        branch.ended = "empty"
        become(state, branch, BranchState.ENDED)


def _branch_resumed(state: RunState, branch: ExecutionBranch, settled: tuple[str, ...]) -> None:
    branch.failures = give_up(state, settled, branch.agent)
    branch.frame.joins[branch.agent].remove(branch)
    if branch.state is BranchState.CALLING:
        branch.inbox = in_branch_order(take_answers(branch))
    branch.frames = []
    make_ready(state, branch)


def _branches_joined(state: RunState, event: BranchesJoined) -> None:
    arms = [state.branches[name] for name in event.joined]
    position = join_position(state, event.agent, arms[0], arms[-1])
    state.visits[position[:-1], event.agent] = state.visits.get((position[:-1], event.agent), 0) + 1
    forks = arms[0].forks.union({arm.forks for arm in arms})
    branch = ExecutionBranch(event.branch, position, event.agent, arms[0].frame, forks)
    branch.failures = give_up(state, event.settled, event.agent)
    branch.inbox = in_branch_order(each for arm in arms for each in _brought(arm))
    branch.memory, branch.owns_memory = merged_memory([arm.memory for arm in arms]), False
    branch.depth = max(arm.depth for arm in arms)
    branch.from_join = True
    for arm in arms:
        end(state, arm, "joined")
    be_born(state, branch)
    make_ready(state, branch)


def _brought(arm: ExecutionBranch) -> list[Contribution]:
    return take_answers(arm) if arm.state is BranchState.CALLING else arm.inbox


def _content_returned(branch: ExecutionBranch, slot: int = 0) -> None:
    frame = branch.frame
    frame.answers.append(contribution(branch, slot))
    talk = frame.talks.get(pair(branch.agent, frame.caller.agent)) if frame.caller else None
    if talk and talk.opener != branch.agent:
        talk.unanswered = False


def _branch_ended(state: RunState, branch: ExecutionBranch, how: str) -> None:
    match how:
        case "delivered" | "answered":
            state.deliveries.append(contribution(branch))
        case "returned":
            _content_returned(branch)
        case _:
            pass
    branch.content = None if how == "empty" else branch.said
    end(state, branch, how)


# ------------------------------------------------------------------------------------------------------------ people


def _question_asked(state: RunState, branch: ExecutionBranch) -> None:
    if not isinstance(branch.action, AskUser):
        say(state, branch.frame, branch.agent, USER)
    become(state, branch, BranchState.ASKING)
    state.questions.append(branch)


def _question_answered(state: RunState, branch: ExecutionBranch, event: QuestionAnswered) -> None:
    state.questions.remove(branch)
    talk = branch.frame.talks.get(pair(branch.agent, USER))
    if talk and not event.answer and not isinstance(branch.action, AskUser):
        talk.close()
    elif event.error:
        branch.error = ("NobodyToAsk", event.error)
        fail(state, branch)
    else:
        branch.inbox = [Contribution(branch.position, USER, event.answer)]
        make_ready(state, branch)
