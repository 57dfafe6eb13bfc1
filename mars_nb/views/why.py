"""Why a step ran: the events that led to it, and the rule by which they did.

The journal is folded once more up to the step. Every reply on the way is looked at where it stands then: which group of
implicit routing it took, or which action it was, and whose answers a caller had waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mars_nb.actions import Invoke, Parallel
from mars_nb.engine.folding import begun, known, write
from mars_nb.engine.plan import plan_of
from mars_nb.engine.routing import deliveries, early_replies, implicit, late_replies, onward, openings, person
from mars_nb.engine.state import RunState
from mars_nb.errors import SessionError, did_you_mean
from mars_nb.events import (
    AboutBranch,
    AboutStep,
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchMoved,
    BranchResumed,
    ContentReturned,
    QuestionAnswered,
    RetryDue,
    RunResumed,
    StepCompleted,
    StepFailed,
    StepScheduled,
)
from mars_nb.state import positions
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.events import Event
    from mars_nb.state.record import Record


GROUPS = {
    openings: "conversations it may open or go on with",
    person: "the person it talks with",
    early_replies: "a reply to who opened the conversation, with turns left",
    onward: "one-way edges not taken yet",
    deliveries: "delivery",
    late_replies: "the reply to the last turn of a conversation",
}
"""The groups of implicit routing, in the order in which they are tried, in words."""


def why(records: Sequence[Record], step: str) -> str:
    """Say which events and which rule made a step run.

    Parameters
    ----------
    records : sequence of Record
        The journal.
    step : str
        A step id (``"b0.1#2"``) or an agent's n-th step (``"Writer#2"``).

    Returns
    -------
    str
        One line an event, the last one first.

    Raises
    ------
    SessionError
        When there is no such step.
    """
    events = known((record.seq, record.event) for record in records)
    index, started = _find(records, events, step)
    lines = [f"seq {events[index][0]}: {started.agent} was asked as {started.step_id} (attempt {started.attempt})"]
    lines += [f"seq {seq}: {text}" for seq, text in _causes(events[:index], started)]
    return "\n".join(lines)


def _find(records: Sequence[Record], events: Sequence[tuple[int, Event]], step: str) -> tuple[int, StepScheduled]:
    present = {seq for seq, _ in events}
    named = positions.completed_steps(record for record in records if record.seq in present)
    if step in named and isinstance(outcome := named[step].event, StepCompleted):
        step = outcome.step_id
    found = {event.step_id: (i, event) for i, (_, event) in enumerate(events) if isinstance(event, StepScheduled)}
    if step not in found:
        hint = did_you_mean(step, [*named, *found])
        raise SessionError(f"there is no step {quoted(step)}; expected an id such as 'b0#1', or 'Writer#2'{hint}")
    return found[step]


class _Past(NamedTuple):
    """What only the states on the way tell, by seq: how a reply was routed, and to whom an answer came back."""

    routed: dict[int, str]
    returned: dict[int, str]


def _past(events: Sequence[tuple[int, Event]]) -> _Past:
    past = _Past({}, {})
    state: RunState | None = None
    for seq, event in events:
        if state is None:
            state = RunState(plan_of(begun(event)))
        write(state, seq, event)
        match event:
            case StepCompleted():
                past.routed[seq] = f"{event.step_id} replied with {_reply(state, state.branches[event.branch])}"
            case BranchEnded(how="returned") | ContentReturned() if caller := state.branches[event.branch].frame.caller:
                past.returned[seq] = caller.id
            case _:
                pass
    return past


def _causes(events: Sequence[tuple[int, Event]], started: StepScheduled) -> list[tuple[int, str]]:
    """Give what brought a branch to its next step, back to the replies that did."""
    past = _past(events)
    found: list[tuple[int, str]] = []
    wanted, waited = {started.branch}, set[str]()
    for i in range(len(events) - 1, -1, -1):
        seq, event = events[i]
        match event:
            case RunResumed() if not found:
                found.append((seq, _resumed(events[:i], started)))
            case BranchEnded() | ContentReturned() if past.returned.get(seq) in waited:
                found.append((seq, f"{event.branch} answered {past.returned[seq]}"))
            case AboutBranch() | AboutStep() if event.branch in wanted and type(event) in DECISIVE:
                found.append((seq, past.routed.get(seq) or _told(event)))
                _look_further(event, wanted, waited)
            case _:
                pass
        if not wanted:
            break
    return found


DECISIVE = frozenset(
    {BranchMoved, BranchResumed, BranchesJoined, BranchCreated, QuestionAnswered, RetryDue, StepCompleted}
)
"""Events of a branch that bring it to its next step."""


def _look_further(event: Event, wanted: set[str], waited: set[str]) -> None:
    """Note whose events are of interest before this one."""
    match event:
        case BranchesJoined(joined=joined):
            wanted.update(joined)
            waited.update(joined)
            wanted.discard(event.branch)
        case BranchResumed(branch=name):
            waited.add(name)
        case BranchCreated(branch=name, parent=parent):
            wanted.discard(name)
            wanted.update({parent} if parent else ())
        case StepCompleted(branch=name):
            wanted.discard(name)
            waited.discard(name)
        case _:
            pass


def _resumed(before: Sequence[tuple[int, Event]], started: StepScheduled) -> str:
    for _, event in reversed(before):
        if isinstance(event, AboutStep) and (event.branch, event.step) == (started.branch, started.step):
            if isinstance(event, StepFailed):
                return "the run was resumed, which retries what failed"
            return "the run was resumed, and the step had no outcome yet"
    return "the run was resumed, and the step had not begun yet"


def _told(event: Event) -> str:  # noqa: PLR0911 (one sentence an event)
    match event:
        case BranchMoved():
            return f"{event.branch} moved on to {event.agent}; nobody else could still arrive there"
        case BranchResumed(settled=settled):
            return f"{event.branch} went on: all it waited for was there{_without(settled)}"
        case BranchesJoined(settled=settled):
            joined = ", ".join(event.joined)
            return f"{joined} met at {event.agent}, when nobody else could still arrive{_without(settled)}"
        case BranchCreated(parent=None):
            return f"{event.agent} is an entry of the topology"
        case BranchCreated():
            how = "called, for it can answer" if event.called else "sent forward, for no edge leads back"
            return f"{event.agent} was {how}, by {event.parent}"
        case QuestionAnswered():
            return "a person answered, which is the agent's next request"
        case _:
            return "the pause before the next attempt was over, as the retry rule says"


def _without(settled: Sequence[str]) -> str:
    return f"; its quorum allowed to go on without {', '.join(settled)}" if settled else ""


def _reply(state: RunState, branch: ExecutionBranch) -> str:
    """Say what the last reply of a branch was, and which rule it took."""
    match branch.action:
        case None:
            return f"plain content, for which the topology had: {_group(state, branch)}"
        case Invoke(agent=agent):
            return f"Invoke({agent!r})"
        case Parallel(targets=targets):
            return f"Parallel to {', '.join(agent for agent, _ in targets)}"
        case action:
            return type(action).__name__


def _group(state: RunState, branch: ExecutionBranch) -> str:
    """Say which group of implicit routing plain content took."""
    chosen = set(implicit(state, branch))
    return next((text for group, text in GROUPS.items() if chosen & set(group(state, branch))), "nowhere to go")
