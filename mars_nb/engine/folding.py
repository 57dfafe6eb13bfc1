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
    ApprovalAsked,
    BranchCreated,
    BranchesJoined,
    BranchMoved,
    CheckpointCreated,
    DeadlinePassed,
    Event,
    ModelResponded,
    PauseRequested,
    QuestionAnswered,
    Restored,
    RetryDue,
    RunEnded,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepCorrected,
    StepFailed,
    ToolReturned,
    ToolStarted,
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
            kept = _until(everything, kept, event.to_seq)
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
    is_unrouted : bool
        Whether nothing of that is written, so that another topology may give the reply another meaning.
    """

    state: RunState
    due: list[Event]
    is_unrouted: bool


class Due:
    """What a reply means and is not written yet, as a journal is read event by event.

    Attributes
    ----------
    routed : deque of Event
        What follows from the last reply, and will be written sooner or later.
    cause : Event or None
        That reply, as long as nothing of what follows from it is written.
    """

    def __init__(self) -> None:
        self.routed: deque[Event] = deque()
        self.cause: Event | None = None

    def take(self, event: Event) -> bool:
        """Strike an event off; False when it was not due."""
        if not self.routed or event != self.routed[0]:
            return False
        self.routed.popleft()
        self.cause = None
        return True

    def add(self, state: RunState, event: Event) -> None:
        """Note what an event means; under a changed topology a reply means something else."""
        if isinstance(event, TopologyChanged) and self.cause:
            self.routed = deque(_meaning(state, self.cause))
        elif following := _meaning(state, event):
            self.routed.extend(following)
            self.cause = event


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
        When they do not begin with `RunStarted` (the session was created and never ran), or do not fit together.
    """
    kept = known(events)
    if not kept or not isinstance(kept[0][1], RunStarted):
        raise SessionError("this session was created and has not run yet; run it first: await session.run(topology)")
    state, due = RunState(plan_of(kept[0][1])), Due()
    last = max(i for i, (_, event) in enumerate(kept) if type(event) in ROUTED)
    for i, (seq, event) in enumerate(kept):
        due.take(event)
        write(state, seq, event)
        if i >= last:
            due.add(state, event)
    return Folded(state, list(due.routed), due.cause is not None)


def write(state: RunState, seq: int, event: Event) -> None:
    """Write an event that was read from a journal into the state.

    Raises
    ------
    SessionError
        When it does not fit the ones before it: no run wrote this journal.
    """
    state.n_events = seq - 1
    if isinstance(event, PLACED) and event.agent not in state.plan.ways:
        raise _unfit(event, seq)
    try:
        evolve(state, event)
    except MISFITS as error:
        raise _unfit(event, seq) from error


def _meaning(state: RunState, event: Event) -> list[Event]:
    """Give what follows at once from an event that was read from a journal and just written into the state."""
    try:
        return list(route(state, event))
    except MISFITS as error:
        raise _unfit(event, state.n_events) from error


def _unfit(event: Event, seq: int) -> SessionError:
    return SessionError(f"the {type(event).__name__} at seq {seq} does not fit the events before it; was it edited?")


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
    due = Due()
    settled: deque[Event] = deque()
    for seq, event in known(events):
        if state is None:
            state = RunState(plan_of(begun(event)))
        if not due.routed and not settled and not _came_at_once(event):
            settled.extend(settle(state))
        if not due.take(event):
            _check_settled(seq, event, settled, due)
        write(state, seq, event)
        yield seq, event, state
        due.add(state, event)


def _check_settled(seq: int, event: Event, settled: deque[Event], due: Due) -> None:
    """Refuse an event that neither followed nor could have come from outside now."""
    if not due.routed and settled and event == settled[0]:
        settled.popleft()
    elif _breaks_off(event) and (not due.routed or _may_come_first(event, due)):
        settled.clear()
    elif type(event) not in ANY_TIME and (due.routed or settled or type(event) not in FROM_OUTSIDE):
        expected = next(iter([*due.routed, *settled]), None)
        wanted = type(expected).__name__ if expected else "nothing"
        raise SessionError(f"replay differs at seq {seq}: the journal has {event!r}, the engine expects {wanted}")


def _came_at_once(event: Event) -> bool:
    """Tell whether an event came before anybody looked what follows: a question to which the answer was on record."""
    return isinstance(event, QuestionAnswered) and event.recorded


def _breaks_off(event: Event) -> bool:
    """Tell whether what was to be settled may have been lost here: in a crash, a cancelled run, a changed topology."""
    match event:
        case RunResumed() | TopologyChanged() | Restored():
            return True
        case RunEnded(status=status):
            return status == "cancelled"
        case _:
            return False


def _may_come_first(event: Event, due: Due) -> bool:
    """Tell whether an event may come before what the last reply means."""
    return isinstance(event, Restored) or (isinstance(event, TopologyChanged) and due.cause is not None)


def known(events: Iterable[Numbered]) -> list[tuple[int, Event]]:
    """Give the effective events of kinds that this version knows."""
    return [(seq, cast("Event", event)) for seq, event in effective(events) if type(event) in KNOWN]


def begun(event: Event) -> RunStarted:
    """Give the first event of a journal back, if it is one with which a run begins."""
    if not isinstance(event, RunStarted):
        raise SessionError(f"this journal begins with {type(event).__name__}; expected RunStarted")
    return event


FROM_OUTSIDE = frozenset(
    {
        RunStarted,
        StepCompleted,
        StepFailed,
        StepCorrected,
        ModelResponded,
        ToolStarted,
        ToolReturned,
        ApprovalAsked,
        RetryDue,
        QuestionAnswered,
        DeadlinePassed,
        PauseRequested,
    }
)
"""Events that an agent, a person, a clock or a user caused; all others follow from them."""

PLACED = (BranchCreated, BranchMoved, BranchesJoined)
"""Events that put a branch at an agent."""

MISFITS = (LookupError, AttributeError, TypeError, ValueError)
"""What the engine raises at an event that no run could have written there."""

ANY_TIME = frozenset({CheckpointCreated})
"""Events that change nothing, so that they may come between any two."""


def _until(everything: Sequence[Numbered], kept: list[Numbered], seq: int) -> list[Numbered]:
    """Give the effective events up to a seq, which may itself lie in what an earlier restore left behind."""
    if any(number == seq for number, _ in kept):
        return [each for each in kept if each[0] <= seq]
    return effective(each for each in everything if each[0] <= seq)
