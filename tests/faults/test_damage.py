"""Damage to the file: it is read as it was, or as its exact beginning, or refused; never as something else."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

import pytest

from mars_nb.errors import JournalCorrupt, SessionNotFound
from mars_nb.events import BranchCreated, BranchMoved, RunEnded, StepCompleted
from mars_nb.state import syncer
from mars_nb.state.storage import FileStorageBackend

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.events import Event

EVENTS: list[Event] = [
    BranchCreated("b0", "Writer"),
    StepCompleted("b0", 1, content={"v": 1, "text": "Grüße\n"}),
    BranchMoved("b0", "Critic"),
    RunEnded("succeeded"),
]


def written(folder: Path, *, crashed: bool = False) -> Path:
    """Give the journal file of a session with `EVENTS`, as its writer left it when it closed it or died."""
    journal = FileStorageBackend(folder).create("s", {"title": "x"})
    for event in EVENTS:
        journal.append(event)
        journal.sync()
    path = folder / "s" / "journal.jsonl"
    crashed_bytes = path.read_bytes()
    journal.close()
    if crashed:
        path.write_bytes(crashed_bytes)
    return path


def read(folder: Path) -> tuple[list[object], Exception | None]:
    """Read the session as far as it goes, and give what stopped that."""
    events: list[object] = []
    try:
        events.extend(record.event for record in FileStorageBackend(folder).read("s"))
    except (JournalCorrupt, SessionNotFound) as error:
        return events, error
    return events, None


def test_a_journal_cut_at_any_byte_is_opened_as_its_exact_beginning_or_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    header_bytes = whole.index(b"\n") + 1
    for n_bytes in range(len(whole)):
        path.write_bytes(whole[:n_bytes])
        if n_bytes < header_bytes:
            with pytest.raises(JournalCorrupt):
                FileStorageBackend(tmp_path).open("s", trust=True)
            continue
        whole_lines = whole[header_bytes:n_bytes].split(b"\n")[:-1]
        n_whole = sum(b'"type":"Journal' not in line for line in whole_lines)
        journal = FileStorageBackend(tmp_path).open("s", trust=True)  # it is shorter than it was
        events = [record.event for record in journal.records()]
        journal.append(EVENTS[0])
        journal.close()
        assert events == EVENTS[:n_whole]
        assert read(tmp_path) == ([*events, EVENTS[0]], None)


def test_no_flipped_bit_of_a_closed_journal_goes_unnoticed(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = bytearray(path.read_bytes())
    for position in range(len(whole)):
        for bit in range(8):
            whole[position] ^= 1 << bit
            path.write_bytes(whole)
            whole[position] ^= 1 << bit
            events, error = read(tmp_path)
            assert events == EVENTS[: len(events)]
            assert error is not None or len(events) == len(EVENTS)


def test_a_flipped_bit_in_a_crashed_journal_costs_at_most_the_last_event(tmp_path: Path) -> None:
    path = written(tmp_path, crashed=True)
    whole = bytearray(path.read_bytes())
    for position in range(len(whole)):
        whole[position] ^= 4
        path.write_bytes(whole)
        whole[position] ^= 4
        events, error = read(tmp_path)
        assert events == EVENTS[: len(events)]
        assert error is not None or len(events) >= len(EVENTS) - 1


@pytest.mark.parametrize("crashed", [False, True], ids=["closed", "crashed"])
def test_a_missing_or_repeated_line_is_noticed(tmp_path: Path, crashed: bool) -> None:  # noqa: FBT001 - a parameter
    path = written(tmp_path, crashed=crashed)
    lines = path.read_bytes().splitlines(keepends=True)
    for position in range(1, len(lines) - 1):
        path.write_bytes(b"".join(lines[:position] + lines[position + 1 :]))
        events, error = read(tmp_path)
        is_mark = b'"type":"Journal' in lines[position]
        assert events == EVENTS[: len(events)]
        assert error is not None or is_mark or (crashed and position == len(lines) - 2)
        path.write_bytes(b"".join(lines[: position + 1] + lines[position:]))
        events, error = read(tmp_path)
        assert error is not None or is_mark


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read(tmp_path) == (EVENTS, None)
    journal = FileStorageBackend(tmp_path).open("s")
    journal.append(EVENTS[0])
    journal.close()
    assert read(tmp_path) == ([*EVENTS, EVENTS[0]], None)


def test_a_line_of_another_journal_is_noticed(tmp_path: Path) -> None:
    first, second = written(tmp_path / "a"), written(tmp_path / "b")
    lines, others = (each.read_bytes().splitlines(keepends=True) for each in (first, second))
    lines[3] = others[3]
    first.write_bytes(b"".join(lines))
    events, error = read(tmp_path / "a")
    assert events == EVENTS[:1]
    assert isinstance(error, JournalCorrupt)


def test_a_sector_of_zeros_at_the_end_is_dropped_and_in_the_middle_refused(tmp_path: Path) -> None:
    path = written(tmp_path, crashed=True)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(512))
    assert read(tmp_path) == (EVENTS, None)
    middle = whole.index(b'"StepCompleted"')
    path.write_bytes(whole[:middle] + bytes(100) + whole[middle + 100 :])
    assert isinstance(read(tmp_path)[1], JournalCorrupt)


def test_the_loss_of_power_costs_only_what_was_not_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syncer, "INTERVAL_S", 1_000)  # so that only sync() syncs
    storage = FileStorageBackend(tmp_path / "live")
    journal = storage.create("s", {})
    events: list[Event] = [StepCompleted("b0", step, content="x" * (step % 200)) for step in range(1, 61)]
    journal.append_many(events[:20])
    journal.sync()
    n_synced = (tmp_path / "live" / "s" / "journal.jsonl").stat().st_size
    journal.append_many(events[20:])
    chance = random.Random(4)  # noqa: S311 - which sectors are lost need not be a secret
    whole = (tmp_path / "live" / "s" / "journal.jsonl").read_bytes()
    for each in range(60):
        lost = tmp_path / str(each)
        shutil.copytree(tmp_path / "live", lost)
        (lost / "s" / "journal.jsonl").write_bytes(without_sectors(whole, n_synced, chance))
        after = FileStorageBackend(lost).open("s")
        kept = [record.event for record in after.records()]
        after.close()
        assert kept == events[: len(kept)]
        assert len(kept) >= 20
    journal.close()


def without_sectors(whole: bytes, n_synced: int, chance: random.Random) -> bytes:
    """Give a file of which some sectors that were not synced never reached the disk."""
    data = bytearray(whole)
    for start in range(0, len(whole), 512):
        if chance.random() < 0.2:
            begin, end = max(start, n_synced), min(start + 512, len(whole))
            data[begin:end] = bytes(max(0, end - begin))
    return bytes(data[: chance.randint(n_synced, len(data))])


def test_a_damaged_session_is_refused_for_writing_and_salvaged(tmp_path: Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"Critic"', b'"Cynic!"'))
    storage = FileStorageBackend(tmp_path)
    with pytest.raises(JournalCorrupt, match="after event 2; salvage") as refused:
        storage.open("s")
    assert refused.value.last_good_seq == 2
    assert storage.salvage("s", "saved") == 2
    assert [record.event for record in storage.read("saved")] == EVENTS[:2]
    assert path.read_bytes() == whole.replace(b'"Critic"', b'"Cynic!"')


def test_a_missing_file_in_the_middle_is_noticed(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path, segment_bytes=300)
    journal = storage.create("s", {})
    for seq in range(1, 30):
        journal.append(StepCompleted("b0", seq))
    journal.close()
    segments = sorted((tmp_path / "s").glob("journal-*.jsonl"))
    assert len(segments) > 3
    kept = segments[1].read_bytes()
    segments[1].unlink()
    with pytest.raises(JournalCorrupt, match="is missing"):
        list(storage.read("s"))
    shutil.copy(segments[2], segments[1])
    with pytest.raises(JournalCorrupt, match="does not go on"):
        list(storage.read("s"))
    segments[1].write_bytes(kept[:-10])
    with pytest.raises(JournalCorrupt, match="is damaged"):
        list(storage.read("s"))
