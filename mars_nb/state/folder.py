"""What the folder of one session holds, and how it is read back.

::

    <session_id>/journal.jsonl           the oldest events
                /journal-000002.jsonl    the next ones: its header repeats the last CRC and seq of the file before
                /blobs/<sha256>          large payloads and what `put_blob` kept
                /cache/                  may be deleted at any time
                /lock  /holder           who writes
                /signature               that it was made here, see `mars_nb.state.trust`
                /pause-asked             somebody asks for a pause, see `mars_nb.state.knock`
                /torn-…                  what a crash cut off, kept aside

Only the last file of a journal may end in a torn tail; the end of every other is proven by the header after it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import re
import shutil
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mars_nb.errors import JournalCorrupt, SessionNotFound
from mars_nb.state import codec, files
from mars_nb.state.knock import NAME as KNOCK_NAME
from mars_nb.state.lock import HOLDER_NAME, LOCK_NAME
from mars_nb.state.record import RESERVED, VERSION, Header, Record, Scan, decode_header, scan
from mars_nb.state.trust import SIGNATURE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mars_nb.state.record import Line

JOURNAL = re.compile(r"journal(?:-(\d{6}))?\.jsonl", re.ASCII)
BLOB = re.compile(r"[0-9a-f]{64}", re.ASCII)
BLOBS_NAME = "blobs"
CACHE_NAME = "cache"
_N_SHOWN = 80
_RECORD_ONLY = RESERVED - {"type"}


class Segment(NamedTuple):
    """One file of a journal: where it is, its first line, and what it holds."""

    path: Path
    header: Header
    scan: Scan
    data: bytes

    @property
    def header_bytes(self) -> int:
        """Where the first line ends."""
        return self.data.find(b"\n") + 1


@dataclass(frozen=True)
class Position:
    """Where the last line of a journal stands that was read to its end, all of its files together."""

    segment: Segment
    seq: int = 0
    epoch: int = 0
    crc: str = ""
    n_durable: int = 0
    n_bytes: int = 0


def segment_path(folder: Path, number: int) -> Path:
    """Give the path of the file of this number, counted from 1."""
    return folder / ("journal.jsonl" if number == 1 else f"journal-{number:06d}.jsonl")


def has_journal(folder: Path) -> bool:
    """Tell whether the folder is a session's; a link to one is not."""
    return segment_path(folder, 1).is_file() and not folder.is_symlink()


def segment_paths(folder: Path) -> list[Path]:
    """Give the files of a journal, oldest first.

    Raises
    ------
    SessionNotFound
        When there is none.
    """
    if not has_journal(folder):
        raise SessionNotFound(f"there is no session {folder.name!r} in {str(folder.parent)!r}; list() gives the ids")
    numbers = [int(found[1] or 1) for each in folder.iterdir() if (found := JOURNAL.fullmatch(each.name))]
    return [segment_path(folder, number) for number in range(1, max(numbers) + 1)]


def read_header(folder: Path) -> Header:
    """Give the first line of a journal."""
    path = segment_paths(folder)[0]
    return _header(path, first_line(path), seq=0)


def first_line(path: Path) -> bytes:
    """Give the first line of a file, with its end."""
    try:
        return files.first_line(path)
    except OSError as error:
        raise files.storage_error("read", path, error) from error


def read_segments(folder: Path) -> Iterator[Segment]:
    """Give the files of a journal one after the other, as far as they can be trusted.

    Parameters
    ----------
    folder : Path
        The session's folder.

    Yields
    ------
    Segment
        The last may be torn, or damaged after its good lines.

    Raises
    ------
    JournalCorrupt
        After the last good line, when what follows it is damaged history.
    """
    last: Position | None = None
    paths = segment_paths(folder)
    for path in paths:
        segment = _read_segment(path, last)
        segment = _without_lost_blobs(segment, advance(last, segment).n_durable)
        last = advance(last, segment)
        yield segment
        if segment.scan.status == "corrupt" or (segment.scan.status == "torn" and path != paths[-1]):
            raise JournalCorrupt(
                f"{str(path)!r} is damaged after event {last.seq}; salvage() copies what comes before",
                last_good_seq=last.seq,
            )


def _without_lost_blobs(segment: Segment, n_durable: int) -> Segment:
    """Cut a segment before the first line whose blob the loss of power took, which is a torn tail as well."""
    lines = segment.scan.lines
    for position, line in enumerate(lines):
        if line.head.seq > n_durable and line.head.blob and not _has_blob(segment.path.parent, line.head.blob):
            good_bytes = lines[position - 1].end if position else segment.header_bytes
            return segment._replace(scan=Scan(lines[:position], good_bytes, "torn"))
    return segment


def _has_blob(folder: Path, digest: str) -> bool:
    try:
        return bool(read_blob(folder, digest))
    except (LookupError, JournalCorrupt):
        return False


def _read_segment(path: Path, last: Position | None) -> Segment:
    seq = last.seq if last else 0
    try:
        data = _read(path)
    except FileNotFoundError as error:
        raise JournalCorrupt(f"{str(path)!r} is missing; the journal ends at event {seq}", last_good_seq=seq) from error
    header = _header(path, data, seq=seq)
    if last and (header.prev, header.seq, header.uuid) != (last.crc, last.seq, last.segment.header.uuid):
        raise JournalCorrupt(
            f"{str(path)!r} does not go on from event {seq}; salvage() copies what comes before", last_good_seq=seq
        )
    return Segment(path, header, scan(data, header=header, epoch=last.epoch if last else 0), data)


def _read(path: Path) -> bytes:
    try:
        return files.read(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise files.storage_error("read", path, error) from error


def _header(path: Path, data: bytes, *, seq: int) -> Header:
    header = decode_header(data)
    if header is None:
        raise JournalCorrupt(f"the first line of {str(path)!r} is damaged; restore the file", last_good_seq=seq)
    return header


def advance(last: Position | None, segment: Segment) -> Position:
    """Give the position after a segment."""
    before = last or Position(segment)
    n_bytes = before.n_bytes + segment.scan.good_bytes
    if not segment.scan.lines:
        return dataclasses.replace(before, segment=segment, n_bytes=n_bytes)
    end = segment.scan.lines[-1]
    n_durable = max(before.n_durable, end.head.d)
    return Position(segment, end.head.seq, end.head.ep, end.crc, n_durable, n_bytes)


def read_record(line: Line, blob: Callable[[str], bytes]) -> Record:
    """Give the event of a line.

    Parameters
    ----------
    line : Line
        No mark.
    blob : callable
        Gives the bytes of a blob by its name.

    Raises
    ------
    JournalCorrupt
        When it is no event, though its CRC holds, or its blob is missing or damaged.
    """
    head = line.head
    try:
        payload = line.raw if head.blob is None else blob(head.blob)
        event = codec.decode_event(payload, head.type, known=head.v <= VERSION, skip=_RECORD_ONLY)
    except (ValueError, LookupError, JournalCorrupt, RecursionError) as error:
        raise JournalCorrupt(
            f"event {head.seq} cannot be read: {error}; salvage() copies what comes before", last_good_seq=head.seq - 1
        ) from error
    return Record(head.seq, head.at, event)


def read_blob(folder: Path, digest: str) -> bytes:
    """Give the bytes of a blob; for the errors see `check_blob`."""
    try:
        data = _read(folder / BLOBS_NAME / digest) if BLOB.fullmatch(digest) else None
    except FileNotFoundError:
        data = None
    return check_blob(data, digest)


def check_blob(data: bytes | None, digest: str) -> bytes:
    """Give ``data`` back if it is what its name says.

    Raises
    ------
    LookupError
        When there is none.
    JournalCorrupt
        When it is damaged.
    """
    if data is None:
        raise LookupError(f"there is no blob {digest[:_N_SHOWN]!r}")
    if hashlib.sha256(data).hexdigest() != digest:
        raise JournalCorrupt(f"blob {digest!r} is damaged")
    return data


def write_blob(folder: Path, digest: str, data: bytes, *, durable: bool) -> Path:
    """Keep bytes under their SHA-256 and give the file."""
    blobs = folder / BLOBS_NAME
    files.make_folder(blobs)
    files.write_new(blobs / digest, data, durable=durable)
    return blobs / digest


def read_records(folder: Path, *, after: int = 0) -> Iterator[Record]:
    """Give the events of a journal whose seq is greater than ``after``, up to a torn tail."""
    blob = partial(read_blob, folder)
    for segment in read_segments(folder):
        for line in segment.scan.lines:
            if line.head.seq > after and not line.head.is_mark:
                yield read_record(line, blob)


def blob_names(folder: Path) -> list[str]:
    """Give the names of all blobs, sorted."""
    blobs = folder / BLOBS_NAME
    return sorted(each.name for each in blobs.iterdir() if BLOB.fullmatch(each.name)) if blobs.is_dir() else []


def remove_content(folder: Path) -> None:
    """Remove what a session's folder holds, but for its lock, in an order that a crash may interrupt anywhere."""
    for path in reversed(segment_paths(folder)):
        path.unlink()
    for digest in blob_names(folder):
        (folder / BLOBS_NAME / digest).unlink()
    for path in [*folder.glob("torn-*"), *folder.glob("*.tmp")]:
        path.unlink()


def remove_rest(folder: Path) -> None:
    """Remove the lock, and the folders unless somebody keeps something of his own in them."""
    shutil.rmtree(folder / CACHE_NAME, ignore_errors=True)
    for name in (SIGNATURE_NAME, HOLDER_NAME, KNOCK_NAME, LOCK_NAME):
        (folder / name).unlink(missing_ok=True)
    for path in (folder / BLOBS_NAME, folder):
        with contextlib.suppress(OSError):
            path.rmdir()
