"""Folding: from the events of a journal to where everybody stands.

A journal only grows. Where it says that the run was restored to an earlier position, the events in between stay
readable and no longer count: the *effective* events are those that led to the present.

Examples
--------
>>> from mars_nb.events import BranchMoved, Restored
>>> events = [(1, BranchMoved("b0", "A")), (2, BranchMoved("b0", "B")), (3, Restored(1)), (4, BranchMoved("b0", "C"))]
>>> [seq for seq, _ in effective(events)]
[1, 3, 4]
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple, cast, get_args

from mars_nb.engine.machine import ROUTED, evolve, route, settle
from mars_nb.engine.plan import plan_of
from mars_nb.engine.state import RunState
from mars_nb.errors import SessionError
from mars_nb.events import (
    CheckpointCreated,
    DeadlinePassed,
    Event,
    PauseRequested,
    QuestionAnswered,
    Restored,
    RetryDue,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepCorrected,
    StepFailed,
    TopologyChanged,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Numbered = tuple[int, object]

KNOWN: frozenset[type] = frozenset(get_args(Event))


def effective(events: Iterable[Numbered]) -> list[Numbered]:
    """Give the events that led to the present, each with its seq.

    Parameters
    ----------
    events : iterable of (int, Event)
        The whole journal, in order.
    """
    everything: list[Numbered] = []
    kept: list[Numbered] = []
    for seq, event in events:
        if isinstance(event, Restored):
            kept = _until(everything, kept, event.seq)
        kept.append((seq, event))
        everything.append((seq, event))
    return kept


class Folded(NamedTuple):
    """Where a journal leaves everybody.

    Parameters
    ----------
    state : RunState
        The fold of its events.
    due : list of Event
        What its last reply means and the journal does not have, since its writer died between the two.
    """

    state: RunState
    due: list[Event]


def fold(events: Iterable[Numbered]) -> Folded:
    """Give where everybody stands after these events.

    Parameters
    ----------
    events : iterable of (int, object)
        Seq and event, in order; kinds of events that this version does not know are passed over.

    Returns
    -------
    Folded
        With a state equal to that of the run that wrote them.

    Raises
    ------
    SessionError
        When they do not begin with `RunStarted`: the session was created and never ran.
    """
    kept = [(seq, event) for seq, event in effective(events) if type(event) in KNOWN]
    if not kept or not isinstance(kept[0][1], RunStarted):
        raise SessionError("this session was created and has not run yet; run it first: await session.run(topology)")
    state = RunState(plan_of(kept[0][1]))
    last = max(i for i, (_, event) in enumerate(kept) if type(event) in ROUTED)
    due: deque[Event] = deque()
    for i, (seq, each) in enumerate(kept):
        event = cast("Event", each)
        state.n_events = seq - 1
        if due and event == due[0]:
            due.popleft()
        elif isinstance(event, RunResumed):
            due.clear()
        evolve(state, event)
        if i >= last:
            due.extend(route(state, event))
    return Folded(state, list(due))


def replay(events: Iterable[Numbered]) -> Iterator[tuple[int, Event, RunState]]:
    """Play a run again: only what came from outside is taken from the journal, all else follows anew.

    Parameters
    ----------
    events : iterable of (int, object)
        Seq and event, in order.

    Yields
    ------
    tuple of (int, Event, RunState)
        Each event, right after it was written into the state.

    Raises
    ------
    SessionError
        When what follows is not what the journal has: it was written under other rules, or changed.
    """
    state: RunState | None = None
    due: deque[Event] = deque()
    for seq, each in effective(events):
        event = cast("Event", each)
        if type(event) not in KNOWN:
            continue
        if state is None:
            state = RunState(plan_of(cast("RunStarted", event)))
        if not due:
            due.extend(settle(state))
        if due and event == due[0]:
            due.popleft()
        elif type(event) in BREAKS_OFF:
            due.clear()
        elif due or type(event) not in FROM_OUTSIDE:
            wanted = type(due[0]).__name__ if due else "nothing"
            raise SessionError(f"replay differs at seq {seq}: the journal has {event!r}, the engine expects {wanted}")
        state.n_events = seq - 1
        evolve(state, event)
        yield seq, event, state
        due.extend(route(state, event))


FROM_OUTSIDE = frozenset(
    {
        RunStarted,
        StepCompleted,
        StepFailed,
        StepCorrected,
        RetryDue,
        QuestionAnswered,
        DeadlinePassed,
        PauseRequested,
        CheckpointCreated,
    }
)
"""Events that an agent, a person, a clock or a user caused; all others follow from them."""

BREAKS_OFF = frozenset({RunResumed, TopologyChanged, Restored, RunEnded, RunPaused})
"""Events before which what was due may have been lost: a crash, a cancelled run, a changed topology."""


def _until(everything: Sequence[Numbered], kept: list[Numbered], seq: int) -> list[Numbered]:
    """Give the effective events up to a seq, which may itself lie in what an earlier restore left behind."""
    if any(number == seq for number, _ in kept):
        return [each for each in kept if each[0] <= seq]
    return effective(each for each in everything if each[0] <= seq)
