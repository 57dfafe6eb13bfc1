"""Where sessions are kept: one small protocol, and its two implementations.

`FileStorageBackend` keeps every session in a folder of its own beside the notebook, `MemoryStorageBackend` in the
object itself. Another one (a database, say) is right when `mars_nb.testing.check_storage` passes on it.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from mars_nb.errors import JournalLocked, SessionError, SessionNotFound, did_you_mean
from mars_nb.state.file_storage import FileStorageBackend
from mars_nb.state.journal import Journal, MemoryJournal, MemoryLog
from mars_nb.state.names import check_id
from mars_nb.state.trust import untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mars_nb.state.record import Record

__all__ = ["FileStorageBackend", "MemoryStorageBackend", "StorageBackend"]

Names = list[str]


@runtime_checkable
class StorageBackend(Protocol):
    """What keeps sessions. Every method raises `SessionError` for an id that `check_id` refuses."""

    def create(
        self, session_id: str, header: Mapping[str, Any], *, records: Iterable[Record] = (), trusted: bool = True
    ) -> Journal:
        """Make a session and open its journal for writing.

        Parameters
        ----------
        session_id : str
            A free id.
        header : mapping
            JSON values that say what the session is; never changed later.
        records : iterable of Record
            Events that it starts with, their times kept: for a fork, a copy, an import.
        trusted : bool
            False for what somebody else made: to open it again takes ``trust=True``.

        Returns
        -------
        Journal
            To be closed by the caller.

        Raises
        ------
        SessionError
            When the id is taken.
        """
        ...

    def open(self, session_id: str, *, trust: bool = False) -> Journal:
        """Open a session's journal for writing, as its only writer.

        Parameters
        ----------
        session_id : str
            Its id.
        trust : bool
            Whether to go on even from a session that was made elsewhere; it is trusted from then on.

        Returns
        -------
        Journal
            To be closed by the caller.

        Raises
        ------
        SessionNotFound
            When there is none of this id.
        SessionError
            When it was made elsewhere, without ``trust``.
        JournalLocked
            When it has a writer; the message names its process and machine. It can be read even so.
        JournalCorrupt
            When acknowledged history is damaged; `salvage` copies the good part.
        """
        ...

    def is_trusted(self, session_id: str) -> bool:
        """Tell whether a session was made here, or opened with ``trust`` once."""
        ...

    def has_writer(self, session_id: str) -> bool:
        """Tell whether somebody writes the session now; changes nothing."""
        ...

    def read(self, session_id: str) -> Iterator[Record]:
        """Give the events of a session as they are now, whoever writes; takes no lock."""
        ...

    def header(self, session_id: str) -> dict[str, Any]:
        """Give what `create` was told, with ``uuid`` and ``created_at`` (seconds since 1970, UTC)."""
        ...

    def list(self) -> Names:
        """Give the ids of all sessions, sorted."""
        ...

    def delete(self, session_id: str) -> None:
        """Remove a session and its blobs; `JournalLocked` while it has a writer."""
        ...

    def put_blob(self, session_id: str, data: bytes) -> str:
        """Keep bytes with a session, durably, and give their SHA-256 in hex, the name to get them by."""
        ...

    def get_blob(self, session_id: str, digest: str) -> bytes:
        """Give the bytes of this name back; `LookupError` when there are none."""
        ...

    def blobs(self, session_id: str) -> Names:
        """Give the names of what `put_blob` kept, sorted."""
        ...

    def salvage(self, session_id: str, new_id: str) -> int:
        """Copy the undamaged beginning of a session into a new one and give its number of events."""
        ...


@dataclass(eq=False)
class _Kept:
    header: dict[str, Any]
    log: MemoryLog
    trusted: bool = True
    blobs: dict[str, bytes] = field(default_factory=dict)
    writer: MemoryJournal | None = None


class MemoryStorageBackend:
    """Sessions in memory: for tests, and for runs that leave nothing behind.

    Examples
    --------
    >>> storage = MemoryStorageBackend()
    >>> storage.create("first", {"title": "My first"}).close()
    >>> storage.list()
    ['first']
    """

    def __init__(self) -> None:
        self._sessions: dict[str, _Kept] = {}

    def __repr__(self) -> str:
        """Show how much it holds."""
        return f"<MemoryStorageBackend of {len(self._sessions)} sessions>"

    def create(
        self, session_id: str, header: Mapping[str, Any], *, records: Iterable[Record] = (), trusted: bool = True
    ) -> Journal:
        """Make a session and open its journal for writing."""
        if check_id(session_id) in self._sessions:
            raise SessionError(f"there is a session {session_id!r} already; choose another id or delete it first")
        about = dict(header) | {"uuid": str(uuid.uuid4()), "created_at": time.time()}
        self._sessions[session_id] = _Kept(about, MemoryLog(records), trusted)
        return self._start(self._sessions[session_id])

    def open(self, session_id: str, *, trust: bool = False) -> Journal:
        """Open a session's journal for writing, as its only writer."""
        if not trust and not self.is_trusted(session_id):
            raise untrusted(session_id)
        kept = self._unlocked(session_id)
        kept.trusted = True
        return self._start(kept)

    def is_trusted(self, session_id: str) -> bool:
        """Tell whether a session was made here, or opened with ``trust`` once."""
        return self._kept(session_id).trusted

    def has_writer(self, session_id: str) -> bool:
        """Tell whether somebody writes the session now."""
        return self._kept(session_id).writer is not None

    def _start(self, kept: _Kept) -> Journal:
        journal = MemoryJournal(kept.log, on_close=lambda: _release(kept))
        kept.writer = journal
        return journal

    def read(self, session_id: str) -> Iterator[Record]:
        """Give the events of a session as they are now."""
        return self._kept(session_id).log.records()

    def header(self, session_id: str) -> dict[str, Any]:
        """Give what `create` was told, with ``uuid`` and ``created_at``."""
        return dict(self._kept(session_id).header)

    def list(self) -> Names:
        """Give the ids of all sessions, sorted."""
        return sorted(self._sessions)

    def delete(self, session_id: str) -> None:
        """Remove a session and its blobs."""
        self._unlocked(session_id)
        del self._sessions[session_id]

    def put_blob(self, session_id: str, data: bytes) -> str:
        """Keep bytes with a session and give their SHA-256 in hex."""
        digest = hashlib.sha256(data).hexdigest()
        self._kept(session_id).blobs[digest] = bytes(data)
        return digest

    def get_blob(self, session_id: str, digest: str) -> bytes:
        """Give the bytes of this name back."""
        blobs = self._kept(session_id).blobs
        if digest not in blobs:
            raise LookupError(f"session {session_id!r} has no blob {digest!r}")
        return blobs[digest]

    def blobs(self, session_id: str) -> Names:
        """Give the names of what `put_blob` kept, sorted."""
        return sorted(self._kept(session_id).blobs)

    def salvage(self, session_id: str, new_id: str) -> int:
        """Copy a session into a new one and give its number of events."""
        kept = self._kept(session_id)
        n_events = len(kept.log.events)
        about = kept.header | {"parent": {"session": session_id, "seq": n_events}}
        self.create(new_id, about, records=kept.log.records(), trusted=kept.trusted).close()
        self._sessions[new_id].blobs.update(kept.blobs)
        return n_events

    def _kept(self, session_id: str) -> _Kept:
        if check_id(session_id) not in self._sessions:
            hint = did_you_mean(session_id, self._sessions)
            raise SessionNotFound(f"there is no session {session_id!r}{hint}; list() gives the ids")
        return self._sessions[session_id]

    def _unlocked(self, session_id: str) -> _Kept:
        kept = self._kept(session_id)
        if kept.writer is not None:
            raise JournalLocked(f"session {session_id!r} is being written by this process; close it first, or read it")
        return kept


def _release(kept: _Kept) -> None:
    kept.writer = None
