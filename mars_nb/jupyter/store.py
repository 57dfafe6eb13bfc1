"""The store: where the runs of a notebook are kept as sessions.

Beside the notebook, in ``.mars``, unless the cell says ``--in-memory``. Nothing is written before the first run. A run
called ``report`` becomes the sessions ``report-1``, ``report-2``, …, one each time its cell runs.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mars_nb.errors import MarsError, StorageError
from mars_nb.jupyter.records import base_of
from mars_nb.state.file_storage import FileStorageBackend
from mars_nb.state.manager import StateManager
from mars_nb.state.names import check_id

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = ".mars"
UNFINISHED = ("interrupted", "paused")
"""Statuses of sessions that wait for somebody."""
N_LOOKED_AT = 50
"""Sessions, the newest ones, among which unfinished ones are looked for."""
LONGEST_BASE = 50


class Store:
    """The sessions of a notebook.

    Parameters
    ----------
    folder : str
        Where they are kept; relative to the working directory of now, not of later.

    Attributes
    ----------
    files, memory : StateManager
        Those in the folder, and those that are gone with the kernel.
    backend : FileStorageBackend
        The folder.
    """

    def __init__(self, folder: str = FOLDER) -> None:
        self.memory = StateManager()
        self._places: dict[str, FileStorageBackend] = {}
        self.move(folder)

    def move(self, folder: str) -> None:
        """Keep what is to come in another folder; the runs so far stay within reach where they are."""
        self.path = Path(folder).expanduser().absolute()
        self.backend = self._places.setdefault(str(self.path), FileStorageBackend(self.path))
        self.files = StateManager(self.backend)

    def manager(self, *, in_memory: bool) -> StateManager:
        """Give who keeps new sessions."""
        return self.memory if in_memory else self.files

    def holder(self, session_id: str, place: str = "") -> StateManager:
        """Give who keeps a session, in a folder if one is named; if nobody does, who would say so best."""
        if place in self._places and place != str(self.path):
            return StateManager(self._places[place])
        return self.memory if session_id in self.memory.backend.list() else self.files

    def ids(self) -> list[str]:
        """Give the ids of all sessions."""
        return sorted({*self.files.backend.list(), *self.memory.backend.list()})

    def next_id(self, name: str) -> str:
        """Give the id of the next session of a run."""
        base = slug(name)
        numbers = [int(each.rpartition("-")[2]) for each in self.ids() if each != base and base_of(each) == base]
        return f"{base}-{max(numbers, default=0) + 1}"

    def last_of(self, name: str) -> str | None:
        """Give the id of the last session of a run."""
        found = [each for each in self.ids() if each != name and base_of(each) == name]
        return max(found, key=lambda each: int(each.rpartition("-")[2]), default=None)

    def describe(self, session_id: str) -> dict[str, Any]:
        """Give what is known of a session, as `StateManager.list_sessions` does; a damaged one is no error."""
        manager = self.holder(session_id)
        try:
            return manager.describe(session_id)
        except StorageError as error:
            return {"session_id": session_id, "status": "damaged", "task": str(error), "created_at": 0.0}

    def described(self, ids: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Give what is known of sessions, the oldest first; of all of them by default."""
        found = [self.describe(each) for each in (self.ids() if ids is None else ids)]
        return sorted(found, key=lambda each: float(each["created_at"]))

    def unfinished(self) -> list[str]:
        """Give the ids of the sessions that wait for somebody, the newest first."""
        newest = sorted(self.ids(), key=self._created_at)[-N_LOOKED_AT:]
        found = [each["session_id"] for each in self.described(newest) if each["status"] in UNFINISHED]
        return [each for each in reversed(found) if not self.holder(each).backend.has_writer(each)]

    def _created_at(self, session_id: str) -> float:
        with contextlib.suppress(MarsError):
            return float(self.holder(session_id).backend.header(session_id)["created_at"])
        return 0.0


def slug(name: str) -> str:
    """Give what of a name may stand in a session's id.

    Examples
    --------
    >>> slug("report"), slug("größe"), slug("con")
    ('report', 'gr_e', 'run')
    """
    text = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")[:LONGEST_BASE]
    with contextlib.suppress(MarsError):
        return base_of(check_id(text))
    return "run"
