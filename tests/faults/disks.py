"""Disks to put in the place of the real one, ``mars_nb.state.files.os``."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS = ("open", "write", "read", "fsync", "fdatasync", "ftruncate", "lseek", "replace", "mkdir", "fstat", "close")


class QuietDisk:
    """The ``os`` module, but a sync costs nothing: for tests that do it thousands of times."""

    def __getattr__(self, name: str) -> Any:
        return _done if name in ("fsync", "fdatasync") else getattr(os, name)


def _done(_fd: int) -> None:
    pass


class FaultyDisk(QuietDisk):
    """A quiet disk, but for the operation number ``fails_at``, and all after it if ``for_good``."""

    def __init__(self, fails_at: int, error: int, *, for_good: bool = False) -> None:
        self.fails_at, self.error, self.for_good = fails_at, error, for_good
        self.n_operations = 0

    def __getattr__(self, name: str) -> Any:
        real = super().__getattr__(name)
        return self._guarded(name, real) if name in OPERATIONS else real

    def _guarded(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            self.n_operations += 1
            if self.n_operations < self.fails_at or (self.n_operations > self.fails_at and not self.for_good):
                return real(*args, **kwargs)
            if name == "close":
                real(*args, **kwargs)  # a close that complains has closed
            if name == "write":
                real(args[0], bytes(args[1])[: len(args[1]) // 2])  # half of it gets in
            raise OSError(self.error, os.strerror(self.error))

        return operation


class ShortWrites(QuietDisk):
    """A quiet disk that takes seven bytes at a time and is interrupted now and then."""

    def __init__(self) -> None:
        self.n_writes = 0

    def __getattr__(self, name: str) -> Any:
        return self._write if name == "write" else super().__getattr__(name)

    def _write(self, fd: int, data: bytes) -> int:
        self.n_writes += 1
        if self.n_writes % 5 == 0:
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        return os.write(fd, bytes(data)[:7])
