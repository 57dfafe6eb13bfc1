"""Becoming the writer of a journal that somebody else, perhaps a dead process, left.

What a crash cut in half at the end is kept aside and cut off. Everything before it is proven by its checksums.
"""

from __future__ import annotations

import contextlib
import dataclasses
from array import array
from typing import TYPE_CHECKING

from mars_nb.errors import StorageError
from mars_nb.state import files
from mars_nb.state.folder import BLOBS_NAME, Position, advance, read_segments
from mars_nb.state.record import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.state.folder import Segment


def recover(folder: Path) -> tuple[Position, array[float]]:
    """Make a journal ready for its next writer.

    Parameters
    ----------
    folder : Path
        The session's folder, locked by the caller.

    Returns
    -------
    position : Position
        Where the last line stands, with the epoch of the next writer.
    ats : array of float
        The time of each event.

    Raises
    ------
    JournalCorrupt
        When acknowledged history is damaged.
    StorageError
        When a newer version of the package wrote to it: it may be read but not continued.
    """
    position: Position | None = None
    ats = array("d")
    for segment in read_segments(folder):
        _check_version(folder, segment)
        ats.extend(line.head.at for line in segment.scan.lines if not line.head.is_mark)
        position = advance(position, segment)
    if position is None:  # read_segments gives one or raises
        raise StorageError(f"session {folder.name!r} has no journal")
    if position.segment.scan.status == "torn":
        _cut(position.segment, position.seq)
    _make_durable(folder, position)
    _tidy(folder)
    return dataclasses.replace(position, epoch=position.epoch + 1), ats


def _check_version(folder: Path, segment: Segment) -> None:
    newest = max((line.head.v for line in segment.scan.lines), default=VERSION)
    if newest > VERSION:
        raise StorageError(
            f"session {folder.name!r} was continued by a newer version (its lines are of version {newest}, this writes "
            f"{VERSION}); read it, or update mars_nb to go on"
        )


def _make_durable(folder: Path, position: Position) -> None:
    """Sync what a killed writer left to the system: the next writer's lines will say that it is on the disk."""
    lines = position.segment.scan.lines
    blobs = {line.head.blob for line in lines if line.head.blob and line.head.seq > position.n_durable}
    for digest in blobs:
        files.sync_path(folder / BLOBS_NAME / str(digest))
    if blobs:
        files.sync_folder(folder / BLOBS_NAME)
    files.sync_path(position.segment.path)


def _cut(segment: Segment, seq: int) -> None:
    """Keep a torn tail aside, durably, then cut it off."""
    good_bytes = segment.scan.good_bytes
    files.write_new(segment.path.with_name(f"torn-{seq:06d}-{good_bytes}"), segment.data[good_bytes:])
    fd = files.open_to_append(segment.path)
    try:
        files.truncate(fd, good_bytes)
        files.sync(fd)
    finally:
        files.close(fd)


def _tidy(folder: Path) -> None:
    """Remove the new files that a crash kept from getting their names."""
    for path in folder.glob("*.tmp"):
        with contextlib.suppress(OSError):
            path.unlink()
