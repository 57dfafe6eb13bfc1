"""One writer per session: a lock that the system takes back when its holder dies.

The lock is `filelock`'s, on a file that is never removed while the session lives. Who holds it stands in a file beside
it, so that the one who comes second learns whom to ask.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

import filelock
import msgspec

from mars_nb.errors import JournalLocked
from mars_nb.state import files

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "lock"
HOLDER_NAME = "holder"


class Holder(msgspec.Struct, frozen=True):
    """Who writes a session: a process and its machine."""

    pid: int
    host: str


class SessionLock:
    """The right to write one session.

    Parameters
    ----------
    folder : Path
        The session's folder.
    announced : bool
        Whether to leave word of who holds it.

    Raises
    ------
    JournalLocked
        When somebody else has it, in this process or another.
    """

    def __init__(self, folder: Path, *, announced: bool = True) -> None:
        self._lock = filelock.FileLock(
            folder / LOCK_NAME, timeout=0, mode=files.FILE_MODE, thread_local=False, is_singleton=False
        )
        try:
            self._lock.acquire()
        except filelock.Timeout as error:
            raise _locked(folder) from error
        except OSError as error:
            raise files.storage_error("lock", folder, error) from error
        if announced:
            _announce(folder)

    def release(self) -> None:
        """Let the next one write; harmless when done before."""
        self._lock.release()


def _announce(folder: Path) -> None:
    holder = Holder(os.getpid(), socket.gethostname())
    with contextlib.suppress(OSError):  # a courtesy to the next one, no part of the lock
        files.write_new(folder / HOLDER_NAME, msgspec.json.encode(holder), durable=False)


def _locked(folder: Path) -> JournalLocked:
    who = "another process"
    with contextlib.suppress(OSError, ValueError):
        holder = msgspec.json.decode(files.read(folder / HOLDER_NAME), type=Holder)
        who = f"process {holder.pid} on {holder.host!r}"
    return JournalLocked(f"session {folder.name!r} is being written by {who}; close it there, or only read it here")
