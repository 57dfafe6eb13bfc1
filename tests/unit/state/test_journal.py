from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb.errors import ContentError
from mars_nb.events import BranchesJoined, BranchMoved, StepCompleted
from mars_nb.state.file_journal import BLOB_BYTES
from mars_nb.state.journal import Journal, MemoryJournal
from mars_nb.state.storage import FileStorageBackend

if TYPE_CHECKING:
    from pathlib import Path


def test_both_are_journals(tmp_path: Path) -> None:
    with_files = FileStorageBackend(tmp_path).create("s", {})
    assert isinstance(MemoryJournal(), Journal)
    assert isinstance(with_files, Journal)
    with_files.close()


def test_journals_show_how_much_they_hold(tmp_path: Path) -> None:
    with_files = FileStorageBackend(tmp_path).create("s", {})
    with_files.append(BranchMoved("b0", "A"))
    assert repr(with_files).endswith("of 1 events>")
    assert repr(MemoryJournal()) == "<MemoryJournal of 0 events>"
    with_files.close()


def test_a_process_journal_has_handed_an_event_to_the_system_when_append_returns(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    journal.append(BranchMoved("b0", "A"))
    assert b'"agent":"A"' in (tmp_path / "s" / "journal.jsonl").read_bytes()
    journal.close()


def test_a_memory_journal_writes_at_sync(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path, durability="memory").create("s", {})
    journal.append(BranchMoved("b0", "A"))
    journal.append_many([BranchMoved("b0", "B"), BranchMoved("b0", "C")])
    assert (journal.n_events, list(FileStorageBackend(tmp_path).read("s"))) == (3, [])
    journal.sync()
    assert [record.seq for record in FileStorageBackend(tmp_path).read("s")] == [1, 2, 3]
    journal.append(BranchMoved("b0", "D"))
    assert [record.seq for record in journal.records(after=2)] == [3, 4]
    journal.close()


def test_lines_say_what_was_on_the_disk_when_they_were_written(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path, durability="power").create("s", {})
    journal.append(BranchMoved("b0", "A"))
    journal.append(BranchMoved("b0", "B"))
    journal.close()
    lines = (tmp_path / "s" / "journal.jsonl").read_text().splitlines()
    assert ['"seq":2,"d":1,' in line for line in lines] == [False, False, False, True, False]
    assert '"seq":2,"d":2,' in lines[-1]
    assert "JournalClosed" in lines[-1]


def test_a_session_that_was_only_looked_at_does_not_grow_much(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    storage.open("s").close()
    lines = (tmp_path / "s" / "journal.jsonl").read_text().splitlines()
    assert [line.split('"type":"')[1].split('"')[0] for line in lines] == [
        "JournalHeader",
        "JournalOpened",
        "JournalOpened",
    ]


def test_a_join_is_synced_at_once(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    journal.append(BranchesJoined("b0", "A", ("b1",)))
    journal.sync()
    journal.append(BranchMoved("b0", "B"))
    journal.close()
    assert '"seq":2,"d":1,' in (tmp_path / "s" / "journal.jsonl").read_text()


def test_what_is_no_json_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    with pytest.raises(ContentError):
        journal.append_many([BranchMoved("b0", "A"), StepCompleted("b0", 1, content=object())])
    assert journal.append(BranchMoved("b0", "B")) == 1
    journal.close()


def test_nothing_appended_is_nothing_written(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    assert journal.append_many([]) == 0
    journal.close()


def test_a_large_event_goes_to_a_blob_and_a_small_one_does_not(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    journal = storage.create("s", {})
    journal.append(StepCompleted("b0", 1, content="x" * (BLOB_BYTES - 200)))
    assert storage.blobs("s") == []
    large = StepCompleted("b0", 2, content="x" * BLOB_BYTES)
    journal.append(large)
    [digest] = storage.blobs("s")
    assert [record.event for record in journal.records(after=1)] == [large]
    journal.close()
    assert f'"type":"StepCompleted","blob":"{digest}","crc":' in (tmp_path / "s" / "journal.jsonl").read_text()
