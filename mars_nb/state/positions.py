"""Positions of a journal: by seq, by checkpoint name, or as an agent's n-th step (``Writer#2``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mars_nb.actions import ACTIONS
from mars_nb.errors import SessionError, did_you_mean
from mars_nb.events import CheckpointCreated, StepCompleted, StepScheduled
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from mars_nb.state.record import Record


MAX_DIGITS = 20
"""Most digits of a seq; Python reads no number of thousands."""


def find(records: Sequence[Record], where: int | str, *, present: Sequence[Record] | None = None) -> int:
    """Give the seq of a position.

    Parameters
    ----------
    records : sequence of Record
        The journal.
    where : int or str
        A seq, the name of a checkpoint, or ``"Writer#2"``: right after Writer's second step completed.
    present : sequence of Record, optional
        Those that led to the present, among which steps are counted; default: all. What an earlier restore left behind
        is found by its seq or by a checkpoint.

    Returns
    -------
    int
        Seq of the last event that counts.

    Raises
    ------
    SessionError
        When there is no such position; the message names the nearest one.
    """
    text = str(where).strip()
    named = checkpoints(records)
    if text in named and isinstance(where, str):
        return named[text]
    if text.isdecimal() and len(text) < MAX_DIGITS:
        return _existing_seq(records, int(text))
    steps = completed_steps(records if present is None else present)
    if text in steps:
        return steps[text].seq
    hint = did_you_mean(text, [*named, *steps])
    raise SessionError(
        f"there is no position {quoted(text)}; expected a seq, a checkpoint or a step such as 'Writer#2'{hint}"
    )


def checkpoints(records: Iterable[Record]) -> dict[str, int]:
    """Give the seq that each checkpoint names: the event before it."""
    return {each.event.name: each.seq - 1 for each in records if isinstance(each.event, CheckpointCreated)}


def completed_steps(records: Iterable[Record]) -> dict[str, Record]:
    """Give the outcome of each completed step, by agent and visit, as ``"Writer#2"``."""
    found: dict[str, Record] = {}
    visits: dict[str, int] = {}
    for agent, record in _completed(records):
        visits[agent] = visits.get(agent, 0) + 1
        found[f"{agent}#{visits[agent]}"] = record
    return found


def until(records: Sequence[Record], seq: int) -> list[Record]:
    """Give the records up to a position."""
    return [record for record in records if record.seq <= seq]


def edited(records: Sequence[Record], reply: Any) -> list[Record]:
    """Give records in which the reply of the last one, the outcome of a step, is another one: content or an action.

    Raises
    ------
    SessionError
        When the last record is no outcome of a step.
    """
    last = records[-1]
    if not isinstance(last.event, StepCompleted):
        kind = type(last.event).__name__
        raise SessionError(
            f"seq {last.seq} is a {kind}; only a completed step's reply can be edited: fork at 'Writer#2'"
        )
    is_action = type(reply) in ACTIONS
    event = msgspec.structs.replace(
        last.event, content=None if is_action else reply, action=reply if is_action else None
    )
    return [*records[:-1], last._replace(event=event)]


def _completed(records: Iterable[Record]) -> Iterator[tuple[str, Record]]:
    agents: dict[tuple[str, int], str] = {}
    for record in records:
        match record.event:
            case StepScheduled() as event:
                agents[event.branch, event.step] = event.agent
            case StepCompleted() as event:
                yield _agent(agents, event, record.seq), record
            case _:
                pass


def _agent(agents: Mapping[tuple[str, int], str], event: StepCompleted, seq: int) -> str:
    agent = agents.get((event.branch, event.step))
    if agent is None:
        raise SessionError(f"the StepCompleted at seq {seq} is of a step that never started; was it edited?")
    return agent


def _existing_seq(records: Sequence[Record], seq: int) -> int:
    if not 1 <= seq <= len(records):
        raise SessionError(f"there is no seq {seq}; this session has events 1 to {len(records)}")
    return seq
