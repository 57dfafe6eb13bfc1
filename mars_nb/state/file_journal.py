"""A journal in files: one line per event, handed to the system before `append` returns.

Three promises to choose from:

``"process"`` (default)
    An appended event survives the death of the process. A thread makes it survive the loss of power within 50 ms, and
    at once after a join, a question, a pause, a checkpoint and the end. `append` never waits for the disk.
``"power"``
    `append` returns when the event would survive the loss of power; threads that append together share one sync.
``"memory"``
    Events are gathered in memory and written by `sync` and `close`.

When the disk is full the half-written line is cut off again and the append may be repeated. When a sync fails, or
somebody else changed the file, the journal is poisoned: the session has to be opened again.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Literal

import msgspec

from mars_nb.errors import StorageError
from mars_nb.events import BranchesJoined, BranchResumed, CheckpointCreated, QuestionAsked, RunEnded, RunPaused
from mars_nb.state import files, folder
from mars_nb.state.codec import UnknownEvent, encode_event, encode_events
from mars_nb.state.journal import check_seq
from mars_nb.state.record import Head, encode_lines, encode_mark
from mars_nb.state.segment import SegmentWriter
from mars_nb.state.syncer import Syncer

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from mars_nb.events import Event
    from mars_nb.state.record import Record

Durability = Literal["process", "power", "memory"]

BLOB_BYTES = 32 * 1024
"""A larger event goes to a blob, and its line names the blob."""

SEGMENT_BYTES = 64 * 1024 * 1024
"""A file that has grown to this gets a successor."""

MAX_BYTES = 1 << 30
"""Most that a journal may grow to unless more is allowed."""

_URGENT = frozenset({BranchesJoined, BranchResumed, CheckpointCreated, QuestionAsked, RunEnded, RunPaused})


class FileJournal:
    """The journal of one session's folder, open for writing; made by `FileStorageBackend`.

    Parameters
    ----------
    position : Position
        Where the last line stands, and the epoch of this writer.
    ats : array of float
        The time of each event so far.
    durability : {"process", "power", "memory"}
        What `append` promises.
    segment_bytes : int
        Size at which a new file is begun.
    max_bytes : int
        Most that the journal may hold, blobs not counted.
    on_close : callable
        Called once with the journal's size in bytes, when nothing will be written any more.
    """

    def __init__(
        self,
        position: folder.Position,
        ats: array[float],
        *,
        durability: Durability = "process",
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
        on_close: Callable[[int], None],
    ) -> None:
        self._writer = SegmentWriter(position, limit_bytes=segment_bytes)
        self._folder: Path = self._writer.path.parent
        self._epoch, self._n_durable = position.epoch, position.seq
        self._ats, self._durability, self._max_bytes = ats, durability, max_bytes
        self._on_close = on_close
        self._seq_marked = position.seq
        self._waiting: list[tuple[int, bytes]] = []  # lines not yet written, each with its seq ("memory" only)
        self._lock = threading.Lock()  # one append at a time
        self._syncer = Syncer(self._sync, f"mars journal {self._folder.name}")
        self._closed = False
        _open_journals.add(self)

    def __repr__(self) -> str:
        """Show where it is and how much it holds."""
        return f"<FileJournal {str(self._folder)!r} of {self.n_events} events>"

    @property
    def n_events(self) -> int:
        """Number of events, which is the seq of the last."""
        return self._waiting[-1][0] if self._waiting else self._writer.seq

    @property
    def epoch(self) -> int:
        """Number of writers so far, this one included."""
        return self._epoch

    def append(self, event: Event | UnknownEvent) -> int:
        """Keep one event and give its seq."""
        return self.append_many((event,))

    def append_many(self, events: Iterable[Event | UnknownEvent]) -> int:
        """Keep several events, all or none, with one write, and give the seq of the last."""
        events = tuple(events)
        if not events:
            return self.n_events
        payloads = self._payloads(events)
        with self._lock:
            seq = self._put(payloads)
        self._keep_promise(urgent=not _URGENT.isdisjoint(map(type, events)))
        return seq

    def records(self, after: int = 0) -> Iterator[Record]:
        """Give the events whose seq is greater than ``after``, in order, read back from the files."""
        with self._lock:
            self._flush()
        return folder.read_records(self._folder, after=after)

    def at(self, seq: int) -> float:
        """Give the time at which an event was appended, in seconds since 1970 (UTC)."""
        return self._ats[check_seq(seq, self.n_events) - 1]

    def sync(self) -> None:
        """Return when every event so far is on the disk.

        Raises
        ------
        JournalPoisoned
            When the disk failed: open the session again to learn what it kept.
        """
        with self._lock:
            self._check_open()
            self._flush()
        self._syncer.wait()

    def mark(self, name: str) -> None:
        """Write a mark of the journal's own, which repeats the last seq, and sync."""
        with self._lock:
            self._flush()
            seq = self.n_events
            head = Head(seq, "", time.time(), d=self._n_durable, ep=self._epoch)
            self._writer.write(encode_mark(name, head, seed=self._writer.seed), seq)
            self._seq_marked = seq
        self._syncer.wait()

    def close(self) -> None:
        """Sync, say in the file that it ends here, and let another writer open the session."""
        if self._closed:
            return
        try:
            if self._writer.broken is None:
                self._end()
        finally:
            self.abandon()

    def _end(self) -> None:
        self.sync()
        if self._seq_marked != self.n_events:
            self.mark("JournalClosed")

    def abandon(self) -> None:
        """Give the session up without another write; harmless when closed before."""
        self._closed = True
        self._syncer.stop()
        self._writer.close()
        self._on_close(self._writer.n_bytes)

    def disown(self) -> None:
        """Forget the session in a forked process, without touching what the parent goes on with."""
        self._closed = True

    def _payloads(self, events: Sequence[Event | UnknownEvent]) -> list[bytes]:
        """Give what the lines of events hold; the large ones are in blobs then."""
        payloads = encode_events(events)
        if max(map(len, payloads)) <= BLOB_BYTES:
            return payloads
        return [self._spilled(payload, event) for payload, event in zip(payloads, events, strict=True)]

    def _spilled(self, payload: bytes, event: Event | UnknownEvent) -> bytes:
        durable = self._durability == "power"
        payload, blob = _spill(self._folder, *_place(payload, event), durable=durable)
        if blob is not None and not durable:
            self._writer.note_blob(blob)
        return payload

    def _put(self, payloads: Sequence[bytes]) -> int:
        """Write one commit and give the seq of its last event."""
        self._check_open()
        before = self.n_events
        at = time.time_ns() // 1_000 / 1e6  # as it will be read back
        head = Head(before + 1, "", at, d=self._n_durable, ep=self._epoch)
        data, seq = encode_lines(payloads, head, seed=self._writer.seed), before + len(payloads)
        if self._writer.n_bytes + len(data) > self._max_bytes:
            raise StorageError(
                f"the journal of session {self._folder.name!r} would be larger than {self._max_bytes:,} bytes; "
                "give FileStorageBackend(max_bytes=...) more to go on"
            )
        del self._ats[before:]  # of an append that failed
        self._ats.extend([at] * len(payloads))
        if self._durability == "memory":
            self._waiting.append((seq, data))
        else:
            self._writer.write(data, seq)
        return seq

    def _check_open(self) -> None:
        if self._closed:
            raise StorageError("the journal is closed; open its session again to append")

    def _flush(self) -> None:
        data = b"".join([lines for seq, lines in self._waiting if seq > self._writer.seq])
        if data:
            self._writer.write(data, self.n_events)
        self._waiting.clear()

    def _keep_promise(self, *, urgent: bool) -> None:
        match self._durability:
            case "process":
                self._syncer.soon(urgent=urgent)
            case "power":
                self._syncer.wait()
            case "memory":
                pass

    def _sync(self) -> None:
        """Make durable what is written, the blobs first; the thread calls this."""
        self._n_durable = self._writer.sync()


_open_journals: weakref.WeakSet[FileJournal] = weakref.WeakSet()


def _disown_all() -> None:
    for journal in list(_open_journals):
        journal.disown()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_disown_all)


def spill(session: Path, event: Event | UnknownEvent, *, durable: bool) -> tuple[bytes, Path | None]:
    """Give what to write of an event into its line, and the blob that a large one went to.

    Raises
    ------
    ContentError
        When the event is no JSON.
    StorageError
        When the blob could not be written.
    """
    return _spill(session, *place(event), durable=durable)


def _spill(session: Path, payload: bytes, blobs: dict[str, bytes], *, durable: bool) -> tuple[bytes, Path | None]:
    for digest, data in blobs.items():
        try:
            return payload, folder.write_blob(session, digest, data, durable=durable)
        except OSError as error:
            raise files.storage_error("write a blob of", session, error) from error
    return payload, None


def place(event: Event | UnknownEvent) -> tuple[bytes, dict[str, bytes]]:
    """Give what an event's line holds, and the blob, by its name, of one that is too large for a line."""
    return _place(encode_event(event), event)


def _place(payload: bytes, event: Event | UnknownEvent) -> tuple[bytes, dict[str, bytes]]:
    if len(payload) <= BLOB_BYTES:
        return payload, {}
    name = event.type if isinstance(event, UnknownEvent) else type(event).__name__
    digest = hashlib.sha256(payload).hexdigest()
    return msgspec.json.encode({"type": name, "blob": digest}), {digest: payload}
