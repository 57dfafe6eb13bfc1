"""The state manager: the sessions that are kept, by id.

A session is a run that is kept, with an id and, where the backend has files, a folder. What is kept is the journal
alone; everything this class says about a session is read from it.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING, Any

from mars_nb.errors import JournalCorrupt, SessionError, StorageError
from mars_nb.events import Restored, RunEnded, RunPaused, RunResumed, RunStarted
from mars_nb.state.codec import decode_content, encode_content
from mars_nb.state.names import check_id, new_session_id
from mars_nb.state.storage import MemoryStorageBackend, StorageBackend

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mars_nb.events import Event
    from mars_nb.state.journal import Journal
    from mars_nb.state.record import Record


class StateManager:
    """Keeps sessions in a storage backend.

    Parameters
    ----------
    backend : StorageBackend, optional
        Where the files live; default: in memory, gone with the process.

    Examples
    --------
    >>> import asyncio
    >>> asyncio.run(StateManager().list_sessions())
    []
    """

    def __init__(self, backend: StorageBackend | None = None) -> None:
        self.backend: StorageBackend = MemoryStorageBackend() if backend is None else backend
        if not isinstance(self.backend, StorageBackend):
            raise SessionError(f"{backend!r:.80} keeps nothing; expected a backend: FileStorageBackend('.mars')")

    def __repr__(self) -> str:
        return f"StateManager({self.backend!r})"

    async def list_sessions(self, *, include_paused: bool = True) -> list[dict[str, Any]]:
        """Give what is known of each session, the oldest first.

        Parameters
        ----------
        include_paused : bool
            Whether to list those that were paused.

        Returns
        -------
        list of dict
            ``session_id``, ``status`` (``"created"``, ``"running"``, ``"interrupted"``, ``"paused"``, ``"succeeded"``,
            ``"failed"``, ``"cancelled"`` or ``"damaged"``), ``task``, ``created_at`` (seconds since 1970,
            UTC), ``n_events`` and ``parent`` (where a fork came from).
        """
        found = [self.describe(name) for name in self.backend.list()]
        kept = [each for each in found if include_paused or each["status"] != "paused"]
        return sorted(kept, key=lambda each: each["created_at"])

    async def delete_session(self, session_id: str) -> bool:
        """Delete a session and all that was kept of it.

        Returns
        -------
        bool
            True.

        Raises
        ------
        SessionNotFound
            When there is no session of this id.
        JournalLocked
            While it is running.
        """
        self.backend.delete(session_id)
        return True

    def make(self, session_id: str | None, header: Mapping[str, Any], *, records: Iterable[Record] = ()) -> str:
        """Make a session and give its id.

        Raises
        ------
        SessionError
            When the id is malformed or taken.
        """
        name = new_session_id() if session_id is None else check_id(session_id)
        self.backend.create(name, header, records=records).close()
        return name

    def create(self, session_id: str | None, task: Any, context: Mapping[str, Any]) -> str:
        """Make a session that will be run later, and give its id.

        Parameters
        ----------
        session_id : str or None
            Its id; None for a new one.
        task : JSON value
            What the user asks.
        context : mapping
            What every agent will be given.

        Raises
        ------
        SessionError
            When the id is malformed or taken.
        """
        data = encode_content({"task": task, "context": dict(context)})
        name = self.make(session_id, {"commission": hashlib.sha256(data).hexdigest()})
        self.backend.put_blob(name, data)
        return name

    def commission(self, session_id: str) -> tuple[Any, dict[str, Any]]:
        """Give the task and the context for which a session was created; None and nothing for one that ran at once."""
        digest = self.backend.header(session_id).get("commission")
        if digest is None:
            return None, {}
        try:
            kept = decode_content(self.backend.get_blob(session_id, digest))
        except LookupError:
            raise SessionError(
                f"session {session_id!r} lost its task: the process that created it died meanwhile; delete it"
            ) from None
        return kept["task"], kept["context"]

    def open(self, session_id: str, *, trust: bool = False) -> Journal:
        """Open the journal of a session as its only writer.

        Raises
        ------
        SessionNotFound
            When there is no session of this id.
        SessionError
            When it was made elsewhere, without ``trust``.
        JournalLocked
            When somebody else writes it.
        """
        return self.backend.open(session_id, trust=trust)

    def records(self, session_id: str) -> list[Record]:
        """Give the whole journal of a session."""
        return list(self.backend.read(session_id))

    def append(self, session_id: str, event: Event) -> int:
        """Write one event to a session that is not running; give its seq."""
        journal = self.open(session_id)
        try:
            return journal.append(event)
        finally:
            journal.close()

    def parent_events(self, session_id: str) -> list[tuple[int, object]]:
        """Give the events of the session that this one was forked from; none when it is gone."""
        parent = self.backend.header(session_id).get("parent")
        if not parent or parent["session"] not in self.backend.list():
            return []
        return [(record.seq, record.event) for record in self.backend.read(parent["session"])]

    def describe(self, session_id: str) -> dict[str, Any]:
        """Give what is known of one session; the fields are those of `list_sessions`."""
        header: dict[str, Any] = {}
        status, task, n_events = "created", None, 0
        try:
            header = self.backend.header(session_id)
            for record in self.backend.read(session_id):
                n_events = record.seq
                status = _status_after(record.event, status)
                task = record.event.task if isinstance(record.event, RunStarted) else task
        except JournalCorrupt:
            status = "damaged"
        if not n_events:
            with contextlib.suppress(SessionError, StorageError):  # one damaged session must not hide the others
                task = self.commission(session_id)[0]
        if status == "running" and not self.backend.has_writer(session_id):
            status = "interrupted"
        return {
            "session_id": session_id,
            "status": status,
            "task": task,
            "created_at": header.get("created_at", 0.0),
            "n_events": n_events,
            "parent": header.get("parent"),
        }


def _status_after(event: object, status: str) -> str:
    match event:
        case RunStarted() | RunResumed():
            return "running"
        case RunPaused() | Restored():
            return "paused"
        case RunEnded():
            return event.status
        case _:
            return status


def worked_s(records: Iterable[Record]) -> float:
    """Give the seconds during which a run was at work: from each start or resumption to the next stop.

    Parameters
    ----------
    records : iterable of Record
        Those that led to the present; what a restore left behind is not held against the run.
    """
    total = 0.0
    began: float | None = None
    last = 0.0
    for record in records:
        starts = isinstance(record.event, RunStarted | RunResumed)
        if began is not None and (starts or isinstance(record.event, RunPaused | RunEnded | Restored)):
            # A process that died, or a position that was restored, left no later trace than the event before.
            ended = record.at if isinstance(record.event, RunPaused | RunEnded) else last
            total, began = total + max(0.0, ended - began), None
        began, last = record.at if starts else began, record.at
    return total + (max(0.0, last - began) if began is not None else 0.0)


def run_key(session_id: str, records: Iterable[Record]) -> str:
    """Give what makes step keys unique: a step that is done again on purpose, after a restore, is another step."""
    restored = [record.seq for record in records if isinstance(record.event, Restored)]
    return f"{session_id}@{restored[-1]}" if restored else session_id
