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

from mars_nb.engine.branch import ASKING
from mars_nb.engine.ending import ending
from mars_nb.engine.movements import evolve_branch
from mars_nb.engine.plan import plan_of
from mars_nb.engine.resuming import change_agents, resume
from mars_nb.engine.routing import route_after_person, route_reply
from mars_nb.engine.settling import settled_events
from mars_nb.engine.state import RunState
from mars_nb.engine.steps import evolve_step, will_retry
from mars_nb.events import (
    AboutBranch,
    AboutRun,
    AboutStep,
    BranchCreated,
    CheckpointCreated,
    DeadlinePassed,
    PauseRequested,
    QuestionAnswered,
    Restored,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    TopologyChanged,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.events import Event, RunEvent

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
            evolve_step(state, event)
        case AboutBranch():
            evolve_branch(state, event)
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
            return route_after_person(state, branch) if branch.state is ASKING else ()
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


def _evolve_run(state: RunState, event: RunEvent) -> None:
    match event:
        case RunStarted():
            state.status, state.began_seq = "running", state.n_events
            state.task, state.context = event.task, event.context
            state.can_ask, state.has_person = event.can_ask, event.has_person
            state.agents, state.profiles = event.agents, event.profiles
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
            change_agents(state, event.agents)
            state.profiles = event.profiles
        case RunEnded():
            state.status, state.error = event.status, event.error
        case Restored():
            state.status, state.is_pausing = "paused", False
        case CheckpointCreated():
            pass
