"""What happens to a branch, written into the state: it is created, moves, forks, joins, ends, asks a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mars_nb.actions import AskUser
from mars_nb.engine.branch import (
    ASKING,
    CALLING,
    ENDED,
    NO_FORKS,
    Contribution,
    ExecutionBranch,
    Forks,
    Frame,
    Talk,
    merged_memory,
)
from mars_nb.engine.join import enter
from mars_nb.engine.rules import pair
from mars_nb.engine.settling import join_position
from mars_nb.engine.state import (
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
    wait,
    walk,
)
from mars_nb.events import (
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchForked,
    BranchMoved,
    BranchResumed,
    ContentDelivered,
    ContentReturned,
    QuestionAnswered,
    QuestionAsked,
)
from mars_nb.topology.model import USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.engine.state import RunState
    from mars_nb.events import BranchEvent


def evolve_branch(state: RunState, event: BranchEvent) -> None:  # noqa: C901 (one case an event, each of one line)
    """Write what happened to a branch."""
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
        branch.inbox = (Contribution(branch.position, USER, state.task),)
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
    branch.inbox = (contribution(parent, event.slot),)
    if not event.called:
        branch.memory = parent.share_memory()
    return branch


def _called_frame(caller: ExecutionBranch, agent: str) -> Frame:
    frame = Frame(caller, agent)
    cast("list[Frame]", caller.frames).append(frame)
    caller.frame.joins[caller.agent].n_busy += 1
    conversation = pair(caller.agent, agent)
    talk = caller.frame.talks.get(conversation)
    if talk:
        frame.talks[conversation] = Talk(talk.opener, talk.n_sent, unanswered=talk.unanswered)
    return frame


def _branch_moved(state: RunState, branch: ExecutionBranch, agent: str) -> None:
    branch.inbox = (contribution(branch),)
    say(state, branch.frame, branch.agent, agent)
    walk(state, branch, agent)
    arrive(state, branch)


def _branch_forked(state: RunState, branch: ExecutionBranch, n_called: int) -> None:
    step_away(state, branch)
    state.n_forks += 1
    branch.forks = Forks(branch.forks.agents | {state.n_forks: branch.agent})
    branch.share_memory()
    if n_called:
        branch.frames = []
        enter(branch)
        become(state, branch, CALLING)
        wait(state, branch)
    else:
        state.n_live -= 1
        branch.ended = "forked"
        become(state, branch, ENDED)


def _branch_resumed(state: RunState, branch: ExecutionBranch, settled: tuple[str, ...]) -> None:
    branch.failures = give_up(state, settled, branch.agent)
    branch.frame.joins[branch.agent].remove(branch)
    if branch.state is CALLING:
        branch.inbox = in_branch_order(take_answers(branch))
    branch.frames = ()
    make_ready(state, branch)


def _branches_joined(state: RunState, event: BranchesJoined) -> None:
    arms = [state.branches[name] for name in event.joined]
    position = join_position(state, event.agent, arms[0], arms[-1])
    state.visits[position[:-1], event.agent] = state.visits.get((position[:-1], event.agent), 0) + 1
    forks = arms[0].forks.union({arm.forks for arm in arms})
    branch = ExecutionBranch(event.branch, position, event.agent, arms[0].frame, forks)
    branch.failures = give_up(state, event.settled, event.agent)
    branch.inbox = in_branch_order(each for arm in arms for each in _brought(arm))
    branch.memory = merged_memory([arm.share_memory() for arm in arms])
    branch.depth = max(arm.depth for arm in arms)
    branch.from_join = True
    for arm in arms:
        end(state, arm, "joined")
    be_born(state, branch)
    make_ready(state, branch)


def _brought(arm: ExecutionBranch) -> Sequence[Contribution]:
    return take_answers(arm) if arm.state is CALLING else arm.inbox


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


def _question_asked(state: RunState, branch: ExecutionBranch) -> None:
    if not isinstance(branch.action, AskUser):
        say(state, branch.frame, branch.agent, USER)
    become(state, branch, ASKING)
    state.questions.append(branch)


def _question_answered(state: RunState, branch: ExecutionBranch, event: QuestionAnswered) -> None:
    state.questions.remove(branch)
    if branch.approval:
        _approval_answered(state, branch, event)
        return
    talk = branch.frame.talks.get(pair(branch.agent, USER))
    if talk and not event.answer and not isinstance(branch.action, AskUser):
        talk.close()
    elif event.error:
        branch.error = ("NobodyToAsk", event.error)
        fail(state, branch)
    else:
        branch.inbox = (Contribution(branch.position, USER, event.answer),)
        make_ready(state, branch)


def _approval_answered(state: RunState, branch: ExecutionBranch, event: QuestionAnswered) -> None:
    """Let the step that asked go on from its record, or fail where nobody could be asked."""
    branch.approval = None
    trace = branch.trace
    if event.error:
        branch.error = ("NobodyToAsk", event.error)
        fail(state, branch)
    else:
        make_ready(state, branch)
    if trace:
        trace.answer(event, state.n_events)
