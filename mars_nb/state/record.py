"""One event, one line; the lines of one commit, one write.

::

    {"seq":7,"d":5,"ep":2,"at":1767225600.25,"type":"StepCompleted","branch":"b0","step":3,"crc":"9f3a1c02"}
    {"seq":8,"type":"BranchMoved","branch":"b0","agent":"Writer","crc":"52b1e07d"}
    {"seq":9,"d":5,"type":"StepScheduled","branch":"b0","step":4,"agent":"Writer","crc":"c04419fa"}

A line is plain JSON, so that any tool reads it, and its last member is the CRC32 of every byte before it, seeded with
the id of the journal, so that neither a flipped bit nor a line of another journal passes. ``seq`` counts events from 1
without a gap. ``ep`` counts writers. ``d`` is the last seq that was known to be on the disk when the line was written:
it tells a torn tail (the power went while the last lines were on their way: they are dropped) from damaged history
(a line that once was on the disk cannot be read: refused).

What follows from the line before is left out. Events that were appended together have ``ep`` and ``at`` in common:
only the first of them has both (``frame["at"].ffill()`` in pandas). ``d`` is in every second of them, so that of any
two lines that survive a damage one can tell of it; no ``d`` at all means 0. ``v``, the version of a line, is written
when it is not 1.

Lines whose type begins with ``Journal`` are marks, not events: the header, first in every file, ``JournalOpened`` and
``JournalClosed``. A mark repeats the seq of the event before it. Wall time, ``at``, is a label: only ``seq`` orders.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from mars_nb.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.events import Event
    from mars_nb.state.codec import UnknownEvent

FORMAT = "mars_nb journal"
VERSION = 1
"""Version of a line that this package writes, and the newest that it can continue."""

RESERVED = frozenset({"v", "seq", "d", "ep", "at", "type", "blob", "crc"})
"""Members of a record that no event may have as a field."""

_TRAILER_BYTES = len(b',"crc":"9f3a1c02"}')
_RESTART = re.compile(rb'\{(?:"v":\d+,)?"seq":\d+,"(?:d|ep|at|type)":')
_AS_BEFORE = -1.0
"""In the place of a time that is not written, because the line before has it."""


class Record(NamedTuple):
    """An event with its place in the journal.

    Parameters
    ----------
    seq : int
        Its number, from 1.
    at : float
        When it was appended, in seconds since 1970 (UTC); a label, never an order.
    event : Event or UnknownEvent
        What happened.
    """

    seq: int
    at: float
    event: Event | UnknownEvent


class Head(msgspec.Struct, frozen=True, gc=False):
    """What a line says about itself. ``d``, ``ep`` and ``blob`` are explained in the module."""

    seq: int
    type: str
    at: float = _AS_BEFORE
    v: int = VERSION
    d: int = 0
    ep: int = 0
    blob: str | None = None

    @property
    def is_mark(self) -> bool:
        """Whether the line is a mark of the journal's own and no event."""
        return self.type.startswith("Journal")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a file of a journal.

    Parameters
    ----------
    uuid : str
        Id of the journal: seeds every CRC.
    session : dict
        What the session said about itself when it was created.
    package : str
        Version of the package that wrote it.
    segment : int
        Number of the file, from 1.
    seq : int
        Last seq of the files before.
    prev : str
        CRC of the last line of the file before.
    """

    uuid: str
    at: float
    session: dict[str, Any] = {}
    package: str = ""
    segment: int = 1
    seq: int = 0
    prev: str = ""
    format: str = FORMAT
    min_reader: int = VERSION

    @property
    def seed(self) -> int:
        """Where the CRC of every other line starts."""
        return zlib.crc32(self.uuid.encode())


class Line(NamedTuple):
    """A line whose CRC holds: what it says about itself, all of its bytes but the line end, and where it ends."""

    head: Head
    raw: bytes
    end: int

    @property
    def crc(self) -> str:
        """Its checksum, as it is written."""
        return self.raw[-10:-2].decode()


@dataclass(frozen=True)
class Scan:
    """What a file holds.

    Parameters
    ----------
    lines : list of Line
        The good lines, in order, marks included, the header not.
    good_bytes : int
        Where the last good line ends.
    status : str
        ``"clean"``; ``"torn"``: what follows never was acknowledged as durable, drop it; ``"corrupt"``: acknowledged
        history is damaged.
    """

    lines: list[Line] = field(default_factory=list)
    good_bytes: int = 0
    status: Literal["clean", "torn", "corrupt"] = "clean"


_head_decoder = msgspec.json.Decoder(Head)
_header_decoder = msgspec.json.Decoder(Header)
_encoder = msgspec.json.Encoder()
_UNREADABLE = Head(seq=-1, type="", at=0.0, ep=-1)


def encode_line(payload: bytes, head: Head, *, seed: int) -> bytes:
    r"""Give the line of an event.

    Parameters
    ----------
    payload : bytes
        The event as a JSON object that begins with its type.
    head : Head
        Its place; ``type`` and ``blob`` are taken from the payload.
    seed : int
        Where the CRC starts.

    Returns
    -------
    bytes
        The line with its end.

    Examples
    --------
    >>> encode_line(b'{"type":"Ended"}', Head(seq=1, type="", at=2.5, ep=1), seed=0)
    b'{"seq":1,"ep":1,"at":2.500000,"type":"Ended","crc":"1c10bc79"}\n'
    """
    return encode_lines((payload,), head, seed=seed)


def encode_lines(payloads: Iterable[bytes], head: Head, *, seed: int) -> bytes:
    r"""Give the lines of events that are one commit.

    Parameters
    ----------
    payloads : iterable of bytes
        The events as JSON objects that begin with their type.
    head : Head
        The place of the first; ``type`` and ``blob`` are taken from the payloads.
    seed : int
        Where each CRC starts.

    Examples
    --------
    >>> print(encode_lines([b'{"type":"Asked"}'] * 3, Head(seq=6, type="", at=2.5, d=4, ep=1), seed=0).decode(), end="")
    {"seq":6,"d":4,"ep":1,"at":2.500000,"type":"Asked","crc":"64faaa3b"}
    {"seq":7,"type":"Asked","crc":"045e768b"}
    {"seq":8,"d":4,"type":"Asked","crc":"429c8137"}
    """
    bare, durable = b",", b',"d":%d,' % head.d if head.d else b","
    start = b'{"seq":%d%b%b' if head.v == 1 else b'{"v":%d,"seq":%%d%%b%%b' % head.v
    seq, place, lines = head.seq, b'%b"ep":%d,"at":%.6f,' % (durable, head.ep, head.at), []
    for payload in payloads:
        body = start % (seq, place, payload[1:-1])
        lines.append(b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body, seed)))
        seq, place = seq + 1, durable if place is bare else bare
    return b"".join(lines)


def seal(body: bytes, *, seed: int) -> bytes:
    """Give a line from everything before its checksum."""
    return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(body, seed))


def encode_mark(name: str, head: Head, *, seed: int) -> bytes:
    """Give the line of a mark, as ``"JournalOpened"``."""
    return encode_line(_encoder.encode({"type": name}), head, seed=seed)


def encode_header(header: Header) -> bytes:
    """Give the first line of a file."""
    fields = {"v": VERSION, "seq": header.seq, "type": "JournalHeader"} | msgspec.to_builtins(header)
    return seal(_encoder.encode(fields)[:-1], seed=0)


def decode_header(data: bytes) -> Header | None:
    """Read the first line of a file.

    Parameters
    ----------
    data : bytes
        The file, or its beginning.

    Returns
    -------
    Header or None
        None when the line is damaged or no header.

    Raises
    ------
    StorageError
        When a newer version of the package is needed to read the file.
    """
    line = data[: data.find(b"\n") + 1].rstrip(b"\r\n")
    if not crc_holds(line, seed=0):
        return None
    try:
        header = _header_decoder.decode(line)
    except (ValueError, RecursionError):
        return None
    if header.min_reader > VERSION:
        raise StorageError(
            f"the journal needs a reader of version {header.min_reader}, this is version {VERSION}; update mars_nb"
        )
    return header if header.format == FORMAT else None


def crc_holds(line: bytes, *, seed: int) -> bool:
    """Tell whether a line, without its end, is as it was written."""
    body = line[:-_TRAILER_BYTES]
    return bool(body) and line[-_TRAILER_BYTES:] == b',"crc":"%08x"}' % zlib.crc32(body, seed)


def _head(line: bytes, seed: int) -> Head | None:
    """Give the head that is written; None when the CRC does not hold, `_UNREADABLE` when only the JSON does not."""
    if not crc_holds(line, seed=seed):
        return None
    try:
        return _head_decoder.decode(line)
    except (ValueError, RecursionError):
        return _UNREADABLE


def _filled(head: Head, last: Head) -> Head:
    """Give the head of a line with what it has in common with the line before."""
    if head.at != _AS_BEFORE:
        return head
    return Head(head.seq, head.type, last.at, head.v, head.d or last.d, last.ep, head.blob)


def scan(data: bytes, *, header: Header, epoch: int = 0) -> Scan:
    """Read the lines of a file up to its end, or to the first that does not hold.

    Parameters
    ----------
    data : bytes
        The whole file.
    header : Header
        Its first line.
    epoch : int
        Epoch of the last line of the file before.

    Returns
    -------
    Scan
        The good lines, and what is the matter with the rest.
    """
    seed, start = header.seed, data.find(b"\n") + 1
    last = Head(seq=header.seq, type="", at=header.at, ep=epoch)
    lines: list[Line] = []
    while (end := data.find(b"\n", start)) >= 0:
        raw = data[start:end].removesuffix(b"\r")  # git may have made Windows line ends
        written = _head(raw, seed)
        if written is None or written.seq != last.seq + (not written.is_mark):
            break
        head = _filled(written, last)
        if head.ep < last.ep:
            break
        last, start = head, end + 1
        lines.append(Line(head, raw, start))
    if start == len(data):
        return Scan(lines, start)
    return Scan(lines, start, "corrupt" if _proves_damage(data[start:], seed, last) else "torn")


def _proves_damage(rest: bytes, seed: int, last: Head) -> bool:
    """Tell whether anything after the last good line proves that more than that line was acknowledged as durable.

    That is: a line whose CRC holds and which is no record, or goes back, or says that a later seq was on the disk. A
    line that lost its end is looked for inside the one it became part of.
    """
    heads = (_head(raw.removesuffix(b"\r"), seed) for line in rest.split(b"\n") for raw in _candidates(line))
    return any(head is not None and _contradicts(head, last) for head in heads)


def _candidates(line: bytes) -> tuple[bytes, ...]:
    inner = _RESTART.search(line, 1)
    return (line, line[inner.start() :]) if inner else (line,)


def _contradicts(written: Head, last: Head) -> bool:
    goes_back = written.seq < last.seq + (not written.is_mark) or _filled(written, last).ep < last.ep
    return goes_back or written.d > last.seq
