"""The journal: the ordered events of a session, which are the only truth about it.

`Journal` is what the shell writes to and everything else is folded from. `MemoryJournal` keeps it in a list;
`mars_nb.state.file_journal.FileJournal` in files. Both stamp the time of an event as they take it: events hold none.
"""

from __future__ import annotations

from array import array
from time import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from mars_nb.errors import StorageError
from mars_nb.state.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mars_nb.events import Event
    from mars_nb.state.codec import UnknownEvent


@runtime_checkable
class Journal(Protocol):
    """What every journal does. One writer appends; anyone may read."""

    @property
    def n_events(self) -> int:
        """Number of events, which is the seq of the last."""
        ...

    def append(self, event: Event | UnknownEvent) -> int:
        """Keep one event.

        Parameters
        ----------
        event : Event
            What happened.

        Returns
        -------
        int
            Its seq: 1 for the first, no gaps. When this returns, the event is as safe as the journal was asked to be.

        Raises
        ------
        ContentError
            When the event is no JSON; nothing was written.
        StorageError
            When it could not be written; nothing was, and it may be tried again (`JournalPoisoned`: it may not).
        """
        ...

    def append_many(self, events: Iterable[Event | UnknownEvent]) -> int:
        """Keep several events, all or none, at the price of one; give the seq of the last."""
        ...

    def records(self, after: int = 0) -> Iterator[Record]:
        """Give the events whose seq is greater than ``after``, in order."""
        ...

    def at(self, seq: int) -> float:
        """Give the time at which an event was appended, in seconds since 1970 (UTC)."""
        ...

    def sync(self) -> None:
        """Return when every event so far is on the disk."""
        ...

    def close(self) -> None:
        """Sync, and let another writer open the journal. May be called twice."""
        ...


class MemoryJournal:
    """A journal in memory: as fast as a list, and gone with the process.

    Parameters
    ----------
    log : MemoryLog or None
        What happened before; the journal appends to this very log, so that readers of it see what comes.
    on_close : callable or None
        Called once, when the journal is closed.

    Examples
    --------
    >>> from mars_nb.events import BranchMoved
    >>> journal = MemoryJournal()
    >>> journal.append(BranchMoved("b0", "Writer"))
    1
    >>> [record.event.agent for record in journal.records()]
    ['Writer']
    """

    def __init__(self, log: MemoryLog | None = None, *, on_close: Callable[[], None] | None = None) -> None:
        self._log = log or MemoryLog()
        self._events, self._ats = self._log.events, self._log.ats
        self._on_close = on_close
        self._closed = False

    def __repr__(self) -> str:
        """Show how much it holds."""
        return f"<MemoryJournal of {self.n_events} events>"

    @property
    def n_events(self) -> int:
        """Number of events, which is the seq of the last."""
        return len(self._events)

    def append(self, event: Event | UnknownEvent) -> int:
        """Keep one event and give its seq."""
        if self._closed:
            raise StorageError("the journal is closed; open its session again to append")
        self._ats.append(time())
        self._events.append(event)
        return len(self._events)

    def append_many(self, events: Iterable[Event | UnknownEvent]) -> int:
        """Keep several events and give the seq of the last."""
        if self._closed:
            raise StorageError("the journal is closed; open its session again to append")
        new = tuple(events)
        self._ats.extend((time(),) * len(new))
        self._events.extend(new)
        return len(self._events)

    def records(self, after: int = 0) -> Iterator[Record]:
        """Give the events whose seq is greater than ``after``, in order."""
        return self._log.records(after)

    def at(self, seq: int) -> float:
        """Give the time at which an event was appended, in seconds since 1970 (UTC)."""
        return self._log.at(check_seq(seq, self.n_events))

    def sync(self) -> None:
        """Do nothing: memory is as durable as it gets."""

    def close(self) -> None:
        """Let another writer open the journal."""
        if not self._closed and self._on_close is not None:
            self._on_close()
        self._closed = True


class MemoryLog:
    """The events of a journal in memory, and their times.

    Parameters
    ----------
    records : iterable of Record
        What it begins with.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.events: list[Event | UnknownEvent] = []
        self.ats = array("d")
        for record in records:
            self.events.append(record.event)
            self.ats.append(record.at)

    def records(self, after: int = 0) -> Iterator[Record]:
        """Give the events that are here now, from the one after ``after`` on."""
        for seq in range(after + 1, len(self.events) + 1):
            yield Record(seq, self.at(seq), self.events[seq - 1])

    def at(self, seq: int) -> float:
        """Give the time of an event to the microsecond, as a file would keep it."""
        return round(self.ats[seq - 1], 6)


def check_seq(seq: int, n_events: int) -> int:
    """Give ``seq`` back if the journal has it.

    Raises
    ------
    IndexError
        When it does not.
    """
    if 1 <= seq <= n_events:
        return seq
    raise IndexError(f"the journal has no event {seq!r}; expected 1 to {n_events}")
