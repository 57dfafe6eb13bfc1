from __future__ import annotations

import json
import zlib

import pytest

from mars_nb.errors import StorageError
from mars_nb.state.record import (
    Head,
    Header,
    crc_holds,
    decode_header,
    encode_header,
    encode_line,
    encode_lines,
    encode_mark,
    scan,
    seal,
)

HEADER = Header(uuid="u", at=1.5, session={"title": "x"})


def line(seq: int, *, d: int = 0, ep: int = 1, body: bytes = b'"type":"E"') -> bytes:
    return encode_line(b"{" + body + b"}", Head(seq=seq, type="", at=2.0, d=d, ep=ep), seed=HEADER.seed)


def seqs(data: bytes) -> tuple[list[int], str]:
    found = scan(encode_header(HEADER) + data, header=HEADER)
    return [each.head.seq for each in found.lines], found.status


def test_a_header_comes_back() -> None:
    assert decode_header(encode_header(HEADER)) == HEADER


def test_a_damaged_header_is_none() -> None:
    whole = encode_header(HEADER)
    assert decode_header(whole.replace(b"x", b"y")) is None
    assert decode_header(whole[:-1]) is None
    assert decode_header(b"") is None
    assert decode_header(b"\n") is None
    assert decode_header(seal(b'{"v":1', seed=0)) is None


def test_a_header_of_another_format_is_none_and_one_for_newer_readers_is_refused() -> None:
    other = seal(b'{"uuid":"u","at":1,"format":"other"', seed=0)
    assert decode_header(other) is None
    newer = seal(b'{"uuid":"u","at":1,"format":"mars_nb journal","min_reader":2', seed=0)
    with pytest.raises(StorageError, match="update mars_nb"):
        decode_header(newer)


def test_the_checksum_of_a_line_depends_on_the_journal() -> None:
    raw = line(1).rstrip()
    assert crc_holds(raw, seed=HEADER.seed)
    assert not crc_holds(raw, seed=zlib.crc32(b"v"))
    assert not crc_holds(raw.upper(), seed=HEADER.seed)


def test_whole_lines_are_clean() -> None:
    mark = encode_mark("JournalOpened", Head(seq=2, type="", at=3.0, ep=1), seed=HEADER.seed)
    assert seqs(b"") == ([], "clean")
    assert seqs(line(1) + line(2) + mark + line(3)) == ([1, 2, 2, 3], "clean")


@pytest.fixture
def commit() -> list[bytes]:
    """Give the lines of five events that were appended together."""
    head = Head(seq=1, type="", at=2.5, d=9, ep=3)
    return encode_lines([b'{"type":"E"}'] * 5, head, seed=HEADER.seed).splitlines(keepends=True)


def test_only_the_first_line_of_a_commit_has_its_time_and_writer_and_every_second_what_is_on_the_disk(
    commit: list[bytes],
) -> None:
    assert [sorted(json.loads(each).keys() - {"type", "crc"}) for each in commit] == [
        ["at", "d", "ep", "seq"],
        ["seq"],
        ["d", "seq"],
        ["seq"],
        ["d", "seq"],
    ]


def test_what_a_line_has_in_common_with_the_one_before_is_read_with_it(commit: list[bytes]) -> None:
    found = scan(encode_header(HEADER) + b"".join(commit), header=HEADER)
    assert [each.head for each in found.lines] == [Head(seq=seq, type="E", at=2.5, d=9, ep=3) for seq in range(1, 6)]


def test_of_two_lines_that_outlive_a_damaged_commit_one_tells_what_was_on_the_disk(commit: list[bytes]) -> None:
    for first in range(1, 4):
        assert seqs(b"lost\n" + b"".join(commit[first : first + 2])) == ([], "corrupt")


@pytest.mark.parametrize("tail", [b"x", line(2)[:-1], line(2)[:-9] + b"\n", line(2)[:20], b"\n", bytes(512)])
def test_half_a_line_at_the_end_is_torn(tail: bytes) -> None:
    assert seqs(line(1) + tail) == ([1], "torn")


def test_what_was_written_after_a_lost_line_is_torn_unless_it_was_on_the_disk() -> None:
    assert seqs(line(1) + b"lost\n" + line(3, d=1)) == ([1], "torn")
    assert seqs(line(1) + b"lost\n" + line(3, d=2)) == ([1], "corrupt")


def test_a_lost_line_end_is_seen_through() -> None:
    assert seqs(line(1) + line(2)[:-1] + b"?" + line(3, d=2)) == ([1], "corrupt")
    said = line(2, body=b'"type":"E","content":{"seq":7,"of":1}')
    assert seqs(line(1) + said[:-1] + b"?" + line(3, d=2)) == ([1], "corrupt")


def test_lines_that_repeat_themselves_are_read_as_well() -> None:
    as_before = b'{"v":1,"seq":%d,"d":%d,"ep":1,"at":2.5,"type":"E"'
    assert seqs(b"".join(seal(as_before % (seq, 0), seed=HEADER.seed) for seq in (1, 2))) == ([1, 2], "clean")
    assert seqs(line(1)[:-1] + b"?" + seal(as_before % (2, 1), seed=HEADER.seed)) == ([], "corrupt")


@pytest.mark.parametrize(
    "bad",
    [
        line(1),
        line(2, ep=0),
        seal(b'{"v":1,"seq":"2"', seed=HEADER.seed),
        seal(b"[1,2", seed=HEADER.seed),
        seal(b'{"v":1,"seq":2,"type":"E","at":1,"x":' + b"[" * 5_000, seed=HEADER.seed),
    ],
    ids=["repeated", "of an earlier writer", "wrong type", "no object", "too deep"],
)
def test_a_line_whose_checksum_holds_but_which_is_no_next_record_is_damage(bad: bytes) -> None:
    assert seqs(line(1) + bad) == ([1], "corrupt")
