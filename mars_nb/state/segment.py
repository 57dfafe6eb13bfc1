"""The last file of a journal, open for writing by its only writer.

A write that the disk refuses is undone by cutting the file back, and may be repeated. Three things end the right to
write for good, because nobody can know any more what the file holds: the cut fails, a sync fails (the system forgets
what it could not write, so a second sync would lie), or the file is not as this writer left it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mars_nb.errors import JournalPoisoned
from mars_nb.state import files, folder
from mars_nb.state.record import encode_header

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.state.record import Header


class _End(NamedTuple):
    n_bytes: int
    seq: int
    crc: bytes


class SegmentWriter:
    """The open end of a journal.

    Parameters
    ----------
    position : Position
        Where the last line stands.
    limit_bytes : int
        Size at which the next file is begun.

    Attributes
    ----------
    broken : str or None
        Why nothing may be written any more.
    """

    def __init__(self, position: folder.Position, *, limit_bytes: int) -> None:
        self.path: Path = position.segment.path
        self.header: Header = position.segment.header
        self.seed = self.header.seed
        self.broken: str | None = None
        self._limit_bytes = limit_bytes
        self._fd = files.open_to_append(self.path)
        self._end = _End(files.size_bytes(self._fd), position.seq, position.crc.encode())
        self._n_bytes_before = position.n_bytes - self._end.n_bytes
        self._new_blobs: deque[Path] = deque()
        self._turning = threading.Lock()  # no next file while this one is synced

    @property
    def seq(self) -> int:
        """Seq of the last line written."""
        return self._end.seq

    @property
    def n_bytes(self) -> int:
        """Size of the journal, all of its files together."""
        return self._n_bytes_before + self._end.n_bytes

    def note_blob(self, path: Path) -> None:
        """Remember a blob that has to be durable before the line that names it."""
        self._new_blobs.append(path)

    def write(self, data: bytes, seq: int) -> None:
        """Write whole lines, all or none.

        Parameters
        ----------
        data : bytes
            The lines.
        seq : int
            Seq of the last.

        Raises
        ------
        StorageError
            When the disk refused; nothing was written.
        JournalPoisoned
            When this writer may not write any more.
        """
        if self.broken is not None:
            self._refuse()
        if self._end.n_bytes >= self._limit_bytes:
            self._turn()
        self._check_size()
        try:
            files.write_all(self._fd, data)
        except BaseException as error:  # an interrupt leaves half a line just as a full disk does
            self._undo()
            if isinstance(error, OSError):
                raise files.storage_error("write", self.path, error) from error
            raise
        # One assignment: an interrupt leaves the line counted, or uncounted, which the next write notices.
        self._end = _End(self._end.n_bytes + len(data), seq, data[-11:-3])

    def sync(self) -> int:
        """Make durable what is written and give its last seq.

        Raises
        ------
        JournalPoisoned
            When that failed, now or before.
        """
        if self.broken is not None:
            self._refuse()
        with self._turning:
            seq = self.seq
            try:
                self._sync_blobs()
                files.sync(self._fd)
            except OSError as error:
                self.broken = "a sync failed"  # first of all, so that no interrupt comes between
                self._break(f"a sync failed ({error.strerror or error})", error)
            if not files.is_at(self._fd, self.path):
                self._break("the file was moved, deleted or replaced")
        return seq

    def close(self) -> None:
        """Give the file up; harmless when done before."""
        if self._fd >= 0:
            fd, self._fd, self.broken = self._fd, -1, self.broken or "it is closed"
            files.close(fd)

    def _sync_blobs(self) -> None:
        if self._new_blobs:
            files.sync_folder(self._new_blobs[0].parent)
        while self._new_blobs:
            files.sync_path(self._new_blobs[0])
            self._new_blobs.popleft()  # not before: the sync may be interrupted

    def _check_size(self) -> None:
        """Notice a second writer, whom the lock should have kept away."""
        try:
            n_bytes = files.size_bytes(self._fd)
        except OSError as error:
            raise files.storage_error("write", self.path, error) from error
        if n_bytes != self._end.n_bytes:
            self._break("somebody else changed it")

    def _undo(self) -> None:
        try:
            files.truncate(self._fd, self._end.n_bytes)
        except OSError as error:
            self._break(f"half a line could not be cut off ({error.strerror or error})", error)

    def _turn(self) -> None:
        """Begin the next file; its header proves the end of this one."""
        number = self.header.segment + 1
        header = msgspec.structs.replace(
            self.header, at=time.time(), session={}, segment=number, seq=self.seq, prev=self._end.crc.decode()
        )
        self.sync()
        path = folder.segment_path(self.path.parent, number)
        data = encode_header(header)
        with self._turning:
            try:
                files.write_new(path, data)
                fd = files.open_to_append(path)
            except OSError as error:
                raise files.storage_error("begin", path, error) from error
            files.close(self._fd)
            self._n_bytes_before += self._end.n_bytes
            self._fd, self.path, self.header = fd, path, header
            self._end = self._end._replace(n_bytes=len(data))

    def _break(self, why: str, cause: OSError | None = None) -> None:
        self.broken = why
        self._refuse(cause)

    def _refuse(self, cause: OSError | None = None) -> None:
        raise JournalPoisoned(
            f"{str(self.path)!r} cannot be written any more: {self.broken}; open the session again"
        ) from cause
