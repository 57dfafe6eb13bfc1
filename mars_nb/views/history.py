"""The history of a run: what was drawn, what happened, and where that left everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mars_nb.engine.folding import effective, fold
from mars_nb.events import RunStarted, TopologyChanged
from mars_nb.state.journal import MemoryJournal, MemoryLog
from mars_nb.topology.model import Topology

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.engine.state import RunState
    from mars_nb.state.journal import Journal
    from mars_nb.state.record import Record


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All that is known of a run; every view is a function of this.

    Parameters
    ----------
    topology : Topology
        What the user drew.
    state : RunState
        The fold of the events.
    journal : Journal
        The events and their times.
    """

    topology: Topology
    state: RunState
    journal: Journal


def history_of(records: list[Record]) -> History:
    """Give the history that a journal, or the beginning of one, tells.

    Raises
    ------
    SessionError
        When it does not begin with `RunStarted`.
    """
    return told_by(records, fold(numbered(records)).state)


def told_by(records: list[Record], state: RunState) -> History:
    """Give the history of records of which the fold is known."""
    return History(drawn_in(present(records)), state, MemoryJournal(MemoryLog(records)))


def numbered(records: list[Record]) -> list[tuple[int, object]]:
    """Give the events with their seqs, which is what the engine folds."""
    return [(record.seq, record.event) for record in records]


def present(records: list[Record]) -> list[Record]:
    """Give the records that led to the present: what an earlier restore left behind is not among them."""
    kept = effective(numbered(records))
    if len(kept) == len(records):
        return records
    seqs = {seq for seq, _ in kept}
    return [record for record in records if record.seq in seqs]


def drawn_in(records: list[Record]) -> Topology:
    """Give the topology under which the last of these records was written."""
    return Topology.from_text(drawings(records)[-1].topology)


def drawings(records: Iterable[Record]) -> list[RunStarted | TopologyChanged]:
    """Give the events that say what is drawn and who takes part: how the run began, and each change since."""
    return [record.event for record in records if isinstance(record.event, RunStarted | TopologyChanged)]
