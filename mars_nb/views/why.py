"""Why a step ran: the events that led to it, and the rule by which they did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.actions import Invoke, Parallel
from mars_nb.engine.folding import effective
from mars_nb.errors import SessionError, did_you_mean
from mars_nb.events import (
    BranchCreated,
    BranchesJoined,
    BranchMoved,
    BranchResumed,
    QuestionAnswered,
    RetryDue,
    RunResumed,
    StepCompleted,
    StepScheduled,
)
from mars_nb.state import positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.state.record import Record

Numbered = tuple[int, object]


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
    events = effective((record.seq, record.event) for record in records)
    index, started = _find(records, events, step)
    lines = [f"seq {events[index][0]}: {started.agent} was asked as {started.step_id} (attempt {started.attempt})"]
    lines += [f"seq {seq}: {text}" for seq, text in _causes(events[:index], started.branch)]
    return "\n".join(lines)


def _find(records: Sequence[Record], events: Sequence[Numbered], step: str) -> tuple[int, StepScheduled]:
    present = {seq for seq, _ in events}
    named = positions.completed_steps(record for record in records if record.seq in present)
    if step in named and isinstance(outcome := named[step].event, StepCompleted):
        step = outcome.step_id
    steps = {event.step_id: i for i, (_, event) in enumerate(events) if isinstance(event, StepScheduled)}
    if step not in steps:
        raise SessionError(f"there is no step {step!r}; expected an id such as 'b0#1'{did_you_mean(step, steps)}")
    found = events[steps[step]][1]
    assert isinstance(found, StepScheduled)  # noqa: S101 (tells the type checker what the line above chose)
    return steps[step], found


def _causes(events: Sequence[Numbered], branch: str) -> list[tuple[int, str]]:
    """Give what brought a branch to its next step, back to the replies that did."""
    found: list[tuple[int, str]] = []
    wanted = {branch}
    for seq, event in reversed(events):
        match event:
            case BranchMoved(branch=name) | BranchResumed(branch=name) | RetryDue(branch=name) if name in wanted:
                found.append((seq, _told(event)))
            case QuestionAnswered(branch=name) if name in wanted:
                found.append((seq, "a person answered, which is the agent's next request"))
                break
            case BranchesJoined(branch=name) if name in wanted:
                found.append((seq, _told(event)))
                wanted |= set(event.joined)
            case BranchCreated(branch=name) if name in wanted:
                found.append((seq, _told(event)))
                wanted |= {event.parent} if event.parent else set()
            case StepCompleted(branch=name) if name in wanted:
                found.append((seq, f"{event.step_id} replied with {_reply(event)}"))
                wanted.discard(name)
            case RunResumed() if not found:
                found.append((seq, "the run was resumed, and the step had no outcome yet"))
            case _:
                pass
        if not wanted:
            break
    return found


def _told(event: object) -> str:
    match event:
        case BranchMoved():
            return f"{event.branch} moved on to {event.agent}; nobody else could still arrive there"
        case BranchResumed(settled=settled):
            rule = f"; its quorum allowed to go on without {', '.join(settled)}" if settled else ""
            return f"{event.branch} went on: all it waited for was there{rule}"
        case BranchesJoined():
            rule = f"; its quorum allowed to go on without {', '.join(event.settled)}" if event.settled else ""
            return f"{', '.join(event.joined)} met at {event.agent}, when nobody else could still arrive{rule}"
        case BranchCreated(parent=None):
            return f"{event.agent} is an entry of the topology"
        case BranchCreated():
            how = "called, for it can answer" if event.called else "sent forward, for no edge leads back"
            return f"{event.agent} was {how}, by {event.parent}"
        case _:
            return "the pause before the next attempt was over, as the retry rule says"


def _reply(event: StepCompleted) -> str:
    match event.action:
        case None:
            return "plain content, which the topology routes"
        case Invoke(agent=agent):
            return f"Invoke({agent!r})"
        case Parallel(targets=targets):
            return f"Parallel to {', '.join(agent for agent, _ in targets)}"
        case action:
            return type(action).__name__
