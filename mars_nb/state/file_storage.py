"""Sessions in a folder beside the notebook.

::

    .mars/                 made with the first session
      .gitattributes       line ends are part of the checksum: git must not change them
      .gitignore           what only this machine needs
      <session_id>/        see `mars_nb.state.folder`

A session appears by one rename, so it is there whole or not at all, and it is one writer's at a time. Reading takes no
lock and never disturbs the writer.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mars_nb.errors import (
    ContentError,
    JournalCorrupt,
    JournalLocked,
    MarsError,
    SessionError,
    SessionNotFound,
    StorageError,
    did_you_mean,
)
from mars_nb.state import files, folder, knock
from mars_nb.state.file_journal import MAX_BYTES, SEGMENT_BYTES, FileJournal, spill
from mars_nb.state.lock import SessionLock
from mars_nb.state.names import check_id
from mars_nb.state.record import Head, Header, encode_header, encode_line
from mars_nb.state.recovery import recover
from mars_nb.state.trust import is_signed, sign, untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mars_nb.state.file_journal import Durability
    from mars_nb.state.journal import Journal
    from mars_nb.state.record import Record

_OWN_FILES = {
    ".gitattributes": b"*.jsonl -text\n**/blobs/* binary\n",
    ".gitignore": b"lock\nholder\nsignature\npause-asked\ncache/\ntorn-*\n*.tmp\n",
}

Names = list[str]


class FileStorageBackend:
    """Sessions in a folder, one folder each.

    Parameters
    ----------
    path : str or Path
        The folder; made when the first session is.
    durability : {"process", "power", "memory"}
        What an appended event survives; see `mars_nb.state.file_journal`.
    segment_bytes : int
        Size at which a journal goes on in a new file.
    max_bytes : int
        Most that one journal may hold.

    Examples
    --------
    >>> FileStorageBackend("my runs")
    FileStorageBackend('my runs', durability='process')
    """

    def __init__(
        self,
        path: str | Path = ".mars",
        *,
        durability: Durability = "process",
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        if durability not in ("process", "power", "memory"):
            raise ValueError(f"{durability!r} is no durability; expected 'process', 'power' or 'memory'")
        self.path = Path(path)
        self.durability: Durability = durability
        self._segment_bytes, self._max_bytes = segment_bytes, max_bytes

    def __repr__(self) -> str:
        """Show where it is."""
        return f"FileStorageBackend({str(self.path)!r}, durability={self.durability!r})"

    def create(
        self, session_id: str, header: Mapping[str, Any], *, records: Iterable[Record] = (), trusted: bool = True
    ) -> Journal:
        """Make a session and open its journal for writing."""
        session = self.path / check_id(session_id)
        first = Header(uuid=str(uuid.uuid4()), at=time.time(), session=dict(header), package=_version())
        _check_free(session)
        with _disk("make", session):
            self._make_folders(session)
        with _locked(session) as lock, _disk("make", session):
            _check_free(session)
            _write_first(session, first, records, trusted=trusted)
            return self._start(session, lock, trusted=trusted)

    def open(self, session_id: str, *, trust: bool = False) -> Journal:
        """Open a session's journal for writing, as its only writer, and drop a torn tail."""
        session = self._session(session_id)
        if not trust and not self.is_trusted(session_id):
            raise untrusted(session_id)
        with _locked(session) as lock:
            if trust:
                _sign(session)
            return self._start(session, lock, trusted=True)

    def is_trusted(self, session_id: str) -> bool:
        """Tell whether a session was made here; see `mars_nb.state.trust`."""
        session = self._session(session_id)
        paths = folder.segment_paths(session)
        with _disk("read", session):
            return is_signed(session, folder.first_line(paths[0]), sum(path.stat().st_size for path in paths))

    def has_writer(self, session_id: str) -> bool:
        """Tell whether somebody writes the session now, in this process or another."""
        try:
            SessionLock(self._session(session_id), announced=False).release()
        except JournalLocked:
            return True
        return False

    def knock(self, session_id: str) -> None:
        """Ask whoever writes the session, in this process or another, to pause it."""
        session = self._session(session_id)
        with _disk("ask for a pause of", session):
            knock.knock(session)

    def take_knock(self, session_id: str) -> bool:
        """Tell whether somebody asked for a pause, and take that away."""
        return knock.take(self.path / check_id(session_id))

    def n_bytes(self, session_id: str) -> int:
        """Give the size of a session's journal, which tells cheaply whether something was written."""
        return sum(path.stat().st_size for path in folder.segment_paths(self._session(session_id)))

    def read(self, session_id: str) -> Iterator[Record]:
        """Give the events of a session as they are now; `JournalCorrupt` after the last good one of a damaged one."""
        return folder.read_records(self._session(session_id))

    def header(self, session_id: str) -> dict[str, Any]:
        """Give what `create` was told, with ``uuid`` and ``created_at``."""
        header = folder.read_header(self._session(session_id))
        return header.session | {"uuid": header.uuid, "created_at": header.at}

    def list(self) -> Names:
        """Give the ids of all sessions, sorted."""
        if not self.path.is_dir():
            return []
        return sorted(each.name for each in self.path.iterdir() if _is_id(each.name) and folder.has_journal(each))

    def delete(self, session_id: str) -> None:
        """Remove a session and its blobs; what is not a session's stays, and its folder with it."""
        session = self._session(session_id)
        with _locked(session) as lock, _disk("delete", session):
            folder.remove_content(session)
            lock.release()
            folder.remove_rest(session)

    def put_blob(self, session_id: str, data: bytes) -> str:
        """Keep bytes with a session, durably, and give their SHA-256 in hex."""
        session = self._session(session_id)
        digest = hashlib.sha256(data).hexdigest()
        with _disk("write a blob of", session):
            folder.write_blob(session, digest, data, durable=True)
        return digest

    def get_blob(self, session_id: str, digest: str) -> bytes:
        """Give the bytes of this name back."""
        return folder.read_blob(self._session(session_id), digest)

    def blobs(self, session_id: str) -> Names:
        """Give the names of what `put_blob` kept, and of large events, sorted."""
        return folder.blob_names(self._session(session_id))

    def salvage(self, session_id: str, new_id: str) -> int:
        """Copy the undamaged beginning of a session into a new one and give its number of events."""
        session = self._session(session_id)
        records = list(_good(self.read(session_id)))
        trusted = self.is_trusted(session_id)
        about = folder.read_header(session).session | {"parent": {"session": session_id, "seq": len(records)}}
        self.create(new_id, about, records=records, trusted=trusted).close()
        for digest in folder.blob_names(session):
            with contextlib.suppress(JournalCorrupt):
                self.put_blob(new_id, folder.read_blob(session, digest))
        return len(records)

    def _session(self, session_id: str) -> Path:
        """Give the folder of a session that exists."""
        session = self.path / check_id(session_id)
        if not folder.has_journal(session):
            hint = did_you_mean(session_id, self.list())
            raise SessionNotFound(
                f"there is no session {session_id!r} in {str(self.path)!r}{hint}; list() gives the ids"
            )
        return session

    def _make_folders(self, session: Path) -> None:
        self.path.mkdir(files.FOLDER_MODE, parents=True, exist_ok=True)
        for name, content in _OWN_FILES.items():
            if not (self.path / name).exists():
                files.write_new(self.path / name, content, durable=False)
        files.make_folder(session)

    def _start(self, session: Path, lock: SessionLock, *, trusted: bool) -> Journal:
        """Become the writer of a session: read it, drop a torn tail, say in it that a new epoch begins."""

        def end(n_bytes: int) -> None:
            if trusted:
                with contextlib.suppress(StorageError):  # the signature that is there holds as well
                    _sign(session, n_bytes)
            lock.release()

        with _disk("open", session):
            position, ats = recover(session)
            journal = FileJournal(
                position,
                ats,
                durability=self.durability,
                segment_bytes=self._segment_bytes,
                max_bytes=self._max_bytes,
                on_close=end,
            )
        try:
            journal.mark("JournalOpened")
        except BaseException:
            journal.abandon()
            raise
        return journal


def _version() -> str:
    return str(getattr(sys.modules["mars_nb"], "__version__", ""))  # no import: layers point down


def _check_free(session: Path) -> None:
    if folder.has_journal(session):
        raise SessionError(f"there is a session {session.name!r} already; choose another id or delete it first")


def _sign(session: Path, n_bytes: int = 0) -> None:
    with _disk("sign", session):
        sign(session, folder.first_line(folder.segment_path(session, 1)), n_bytes)


def _write_first(session: Path, header: Header, records: Iterable[Record], *, trusted: bool) -> None:
    """Write the first file of a journal, whole or not at all, and its signature before it."""
    try:
        lines = [encode_header(header)]
    except (TypeError, ValueError, RecursionError) as error:
        raise ContentError(f"the header of session {session.name!r} is no JSON: {error}") from error
    for seq, (_, at, event) in enumerate(records, 1):
        payload = spill(session, event, durable=True)[0]
        lines.append(encode_line(payload, Head(seq=seq, type="", at=at), seed=header.seed))
    if trusted:
        sign(session, lines[0], 0)
    files.write_new(folder.segment_path(session, 1), b"".join(lines))


@contextlib.contextmanager
def _locked(session: Path) -> Iterator[SessionLock]:
    """Hold the lock of a session; keep holding it unless the block fails."""
    lock = SessionLock(session)
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


@contextlib.contextmanager
def _disk(what: str, session: Path) -> Iterator[None]:
    """Turn what the system says about the disk into a `StorageError`."""
    try:
        yield
    except MarsError:
        raise
    except OSError as error:
        raise files.storage_error(what, session, error) from error


def _good(records: Iterator[Record]) -> Iterator[Record]:
    """Give the records before the damage."""
    with contextlib.suppress(JournalCorrupt):
        yield from records


def _is_id(name: str) -> bool:
    try:
        return bool(check_id(name))
    except SessionError:
        return False
