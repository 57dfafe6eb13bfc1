"""The few file operations that a journal needs, each done so that a crash in the middle of it does no harm.

Everything that touches the disk for the journal goes through this module: files are opened without following a link
and readable by their owner only, a short write goes on, a new file appears whole or not at all. Tests replace ``os``
here to make the disk fail.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from typing import TYPE_CHECKING

from mars_nb.errors import StorageError

# pathlib has an os of its own, and all of the journal's file operations are to go through the one here.
# ruff: noqa: PTH102, PTH105, PTH108, PTH116

if TYPE_CHECKING:
    from pathlib import Path

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_LONGEST_PATH = 100
_CHUNK_BYTES = 1 << 24
_LINE_BYTES = 1 << 12


def storage_error(what: str, path: Path, error: OSError) -> StorageError:
    """Give the error to raise when the disk refused.

    Parameters
    ----------
    what : str
        What could not be done, as ``"write"``.
    path : Path
        The file.
    error : OSError
        What the system said.

    Returns
    -------
    StorageError
        With the same ``errno``.
    """
    reason = error.strerror or str(error)
    remedy = "check its name, and that it may be read" if what == "read" else "make room or access for it and try again"
    shown = str(path) if len(str(path)) <= _LONGEST_PATH else f"…{str(path)[-_LONGEST_PATH:]}"
    failed = StorageError(f"could not {what} {shown!r}: {reason}; {remedy}")
    failed.errno = error.errno
    return failed


def open_to_append(path: Path) -> int:
    """Open an existing file for reading and appending, never through a link."""
    return os.open(path, os.O_RDWR | os.O_APPEND | _SAFE)


def write_all(fd: int, data: bytes) -> None:
    """Write all of ``data``, however few bytes the system takes at a time."""
    rest = memoryview(data)
    while rest:
        with contextlib.suppress(InterruptedError):
            rest = rest[os.write(fd, rest) :]


def size_bytes(fd: int) -> int:
    """Give the size of an open file; a fifth of the cost of ``fstat``."""
    return os.lseek(fd, 0, os.SEEK_END)


def truncate(fd: int, n_bytes: int) -> None:
    """Cut an open file to ``n_bytes``."""
    os.ftruncate(fd, n_bytes)


def sync(fd: int) -> None:
    """Return when the content of an open file is on the disk. A failure must never be tried again."""
    getattr(os, "fdatasync", os.fsync)(fd)


def close(fd: int) -> None:
    """Close an open file; a complaint is of no use, for what counts was synced before."""
    with contextlib.suppress(OSError):
        os.close(fd)


def is_at(fd: int, path: Path) -> bool:
    """Tell whether ``path`` still names the open file."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


def sync_path(path: Path) -> None:
    """Return when the content of a file is on the disk."""
    fd = os.open(path, os.O_RDWR | _SAFE)
    try:
        sync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Return when the names in a folder are on the disk; nothing where folders cannot be opened (Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _SAFE)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may look into, unless it is there; refuse a link in its place."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, FOLDER_MODE)
        sync_folder(folder.parent)
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise NotADirectoryError(20, "is no folder", str(folder))


def write_new(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write a file that appears under its name whole or not at all.

    Parameters
    ----------
    path : Path
        Where; a file that is there is replaced.
    data : bytes
        Its content.
    durable : bool
        Whether to return only when it is on the disk.
    """
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE, FILE_MODE)
    try:
        _fill(fd, data, durable=durable)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    if durable:
        sync_folder(path.parent)


def write_exclusive(path: Path, data: bytes) -> None:
    """Write a file unless there is one of this name (`FileExistsError`), of two who try at once only the first."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    write_new(temporary, data)
    try:
        os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _fill(fd: int, data: bytes, *, durable: bool) -> None:
    try:
        write_all(fd, data)
        if durable:
            os.fsync(fd)
    finally:
        os.close(fd)


def read(path: Path) -> bytes:
    """Read a file that is no link, to the end that it has now."""
    fd = os.open(path, os.O_RDONLY | _SAFE)
    try:
        return _read_all(fd)
    finally:
        os.close(fd)


def first_line(path: Path) -> bytes:
    """Read a file that is no link up to its first line end, which is included."""
    fd = os.open(path, os.O_RDONLY | _SAFE)
    try:
        line = b""
        while b"\n" not in line and (chunk := os.read(fd, _LINE_BYTES)):
            line += chunk
        return line[: line.find(b"\n") + 1]
    finally:
        os.close(fd)


def _read_all(fd: int) -> bytes:
    chunks = []
    while chunk := os.read(fd, _CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)
