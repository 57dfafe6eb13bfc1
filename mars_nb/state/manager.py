"""The state manager: the sessions that are kept, by id.

A session is a run that is kept, with an id and, where the backend has files, a folder. What is kept is the journal
alone; everything this class says about a session is read from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.events import RunEnded, RunStarted
from mars_nb.state.names import check_id, new_session_id
from mars_nb.state.storage import MemoryStorageBackend, StorageBackend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.state.journal import Journal


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

    def __repr__(self) -> str:
        return f"StateManager({self.backend!r})"

    def open_new(self, session_id: str | None, header: Mapping[str, Any]) -> tuple[str, Journal]:
        """Make a session and give its id and its journal.

        Raises
        ------
        SessionError
            When the id is malformed or taken.
        """
        name = new_session_id() if session_id is None else check_id(session_id)
        return name, self.backend.create(name, header)

    async def list_sessions(self, *, include_paused: bool = True) -> list[dict[str, Any]]:
        """Give what is known of each session, the oldest first.

        Parameters
        ----------
        include_paused : bool
            Whether to list those that were paused.

        Returns
        -------
        list of dict
            ``session_id``, ``status`` (``"created"``, ``"running"``, ``"succeeded"``, ``"failed"`` …), ``task``,
            ``created_at`` (seconds since 1970, UTC) and ``n_events``.
        """
        found = [self._describe(name) for name in self.backend.list()]
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

    def _describe(self, session_id: str) -> dict[str, Any]:
        header = self.backend.header(session_id)
        status, task, n_events = "created", header.get("task"), 0
        for record in self.backend.read(session_id):
            n_events = record.seq
            match record.event:
                case RunStarted():
                    status, task = "running", record.event.task
                case RunEnded():
                    status = record.event.status
                case _:
                    pass
        return {
            "session_id": session_id,
            "status": status,
            "task": task,
            "created_at": header.get("created_at", 0.0),
            "n_events": n_events,
        }
