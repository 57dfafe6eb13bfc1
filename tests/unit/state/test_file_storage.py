from __future__ import annotations

import json
import os
import stat
from array import array
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from mars_nb.errors import ContentError, JournalCorrupt, SessionError, SessionNotFound, StorageError
from mars_nb.events import BranchMoved, RunEnded, StepCompleted
from mars_nb.state.codec import UnknownEvent
from mars_nb.state.record import Head, Record, decode_header, encode_line
from mars_nb.state.storage import FileStorageBackend

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (BranchMoved("b0", name) for name in "ABC")


def kept(storage: FileStorageBackend, session_id: str = "s") -> list[object]:
    return [record.event for record in storage.read(session_id)]


def append_raw(path: Path, payload: bytes, head: Head) -> None:
    """Append a line as another version would have written it."""
    header = decode_header(path.read_bytes())
    assert header is not None
    with path.open("ab") as file:
        file.write(encode_line(payload, head, seed=header.seed))


def test_nothing_is_made_before_the_first_session(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path / "runs")
    assert storage.list() == []
    with pytest.raises(SessionNotFound):
        storage.open("s")
    assert list(tmp_path.iterdir()) == []


def test_git_is_told_what_to_leave_alone(tmp_path: Path) -> None:
    FileStorageBackend(str(tmp_path / "deep" / "runs")).create("s", {}).close()
    assert "*.jsonl -text" in (tmp_path / "deep" / "runs" / ".gitattributes").read_text()
    assert {"lock", "cache/", "torn-*"} <= set((tmp_path / "deep" / "runs" / ".gitignore").read_text().splitlines())


@pytest.mark.skipif(os.name == "nt", reason="no such modes here")
def test_only_its_owner_can_look_into_a_session(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    journal = storage.create("s", {})
    journal.append(StepCompleted("b0", 1, content="x" * 40_000))
    journal.close()
    for path in [tmp_path / "s", *(tmp_path / "s").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_any_tool_can_read_a_journal(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {"title": "x"})
    journal.append_many([A, RunEnded("succeeded")])
    journal.close()
    path = tmp_path / "s" / "journal.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["session"] == {"title": "x"}
    assert [line["type"] for line in lines[2:4]] == ["BranchMoved", "RunEnded"]
    frame = pd.read_json(path, lines=True)
    assert list(frame["type"]) == [line["type"] for line in lines]


def test_every_writer_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    epochs = []
    storage.create("s", {}).close()
    for _ in range(2):
        journal = storage.open("s")
        epochs.append(journal.epoch)  # type: ignore[attr-defined]
        journal.close()
    assert epochs == [2, 3]


def test_half_a_line_is_kept_aside_and_the_session_goes_on(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    journal = storage.create("s", {})
    journal.append(A)
    journal.close()
    with (tmp_path / "s" / "journal.jsonl").open("ab") as file:
        file.write(b'{"v":1,"seq":2,"d"')
    assert kept(storage) == [A]
    journal = storage.open("s")
    assert journal.append(B) == 2
    journal.close()
    assert kept(storage) == [A, B]
    [torn] = (tmp_path / "s").glob("torn-*")
    assert torn.read_bytes() == b'{"v":1,"seq":2,"d"'


def test_new_files_that_a_crash_left_unfinished_are_removed(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    left = tmp_path / "s" / "journal-000002.jsonl.0123abcd.tmp"
    left.write_text("half")
    storage.open("s").close()
    assert not left.exists()


def test_a_folder_that_a_crash_left_without_a_journal_is_no_session_and_can_become_one(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    (tmp_path / "s").mkdir()
    assert storage.list() == []
    storage.create("s", {}).close()
    assert storage.list() == ["s"]


def test_a_blob_that_the_loss_of_power_took_takes_its_event_with_it(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    journal = storage.create("s", {})
    journal.append(A)
    journal.append(StepCompleted("b0", 1, content="x" * 40_000))
    journal.append(B)
    path = tmp_path / "s" / "journal.jsonl"
    as_written = path.read_bytes()
    journal.close()
    path.write_bytes(as_written)
    [blob] = (tmp_path / "s" / "blobs").iterdir()
    blob.write_bytes(b"")
    assert kept(storage) == [A]
    journal = storage.open("s", trust=True)  # it is shorter than it was
    assert journal.append(C) == 2
    journal.close()
    assert kept(storage) == [A, C]


def test_a_blob_that_is_lost_later_is_damage(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    journal = storage.create("s", {})
    journal.append_many([A, StepCompleted("b0", 1, content="x" * 40_000)])
    journal.close()
    [blob] = (tmp_path / "s" / "blobs").iterdir()
    blob.write_bytes(b"x" * 50)
    with pytest.raises(JournalCorrupt, match="is damaged") as refused:
        kept(storage)
    assert refused.value.last_good_seq == 1
    blob.unlink()
    with pytest.raises(JournalCorrupt, match="there is no blob"):
        kept(storage)
    assert storage.salvage("s", "saved") == 1


def test_a_journal_goes_on_in_a_new_file_when_one_is_full(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path, segment_bytes=1_000)
    journal = storage.create("s", {"title": "x"})
    events = [StepCompleted("b0", step) for step in range(1, 41)]
    for event in events:
        journal.append(event)
    assert len(list((tmp_path / "s").glob("journal*.jsonl"))) > 3
    assert [record.event for record in journal.records(after=20)] == events[20:]
    journal.close()
    assert kept(storage) == events
    assert storage.header("s")["title"] == "x"
    journal = storage.open("s")
    assert journal.append(A) == 41
    journal.close()
    storage.delete("s")
    assert not (tmp_path / "s").exists()


def test_an_event_of_a_newer_version_is_kept_and_handed_on(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    append_raw(
        tmp_path / "s" / "journal.jsonl", b'{"type":"BranchDreamt","of":"sheep"}', Head(seq=1, type="", at=2.0, ep=1)
    )
    journal = storage.open("s")
    assert journal.append(A) == 2
    journal.close()
    dreamt = UnknownEvent("BranchDreamt", {"of": "sheep"})
    assert kept(storage) == [dreamt, A]
    storage.create("copy", {}, records=storage.read("s")).close()
    assert kept(storage, "copy") == [dreamt, A]


def test_a_journal_with_lines_of_a_newer_version_can_be_read_but_not_continued(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    append_raw(
        tmp_path / "s" / "journal.jsonl", b'{"type":"BranchMoved","to":"A"}', Head(seq=1, type="", at=2.0, v=2, ep=1)
    )
    assert kept(storage) == [UnknownEvent("BranchMoved", {"to": "A"})]
    with pytest.raises(StorageError, match="continued by a newer version"):
        storage.open("s")


def test_a_line_that_is_no_event_though_its_checksum_holds_is_damage(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    append_raw(
        tmp_path / "s" / "journal.jsonl", b'{"type":"BranchMoved","agent":7}', Head(seq=1, type="", at=2.0, ep=1)
    )
    with pytest.raises(JournalCorrupt, match="event 1 cannot be read"):
        kept(storage)


def test_a_session_that_is_a_link_is_refused(tmp_path: Path) -> None:
    FileStorageBackend(tmp_path / "theirs").create("s", {}).close()
    storage = FileStorageBackend(tmp_path / "ours")
    storage.create("t", {}).close()
    (tmp_path / "ours" / "s").symlink_to(tmp_path / "theirs" / "s")
    for use in (storage.open, storage.delete, storage.read):
        with pytest.raises(SessionNotFound):
            use("s")
    assert storage.list() == ["t"]
    with pytest.raises((SessionError, StorageError)):
        storage.create("s", {})


def test_a_journal_that_is_a_link_is_refused(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    path = tmp_path / "s" / "journal.jsonl"
    path.rename(tmp_path / "elsewhere.jsonl")
    path.symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(StorageError):
        storage.open("s")
    with pytest.raises(StorageError):
        kept(storage)


def test_deleting_leaves_what_is_not_a_sessions(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    (tmp_path / "s" / "notes.txt").write_text("mine")
    (tmp_path / "s" / "cache").mkdir()
    (tmp_path / "s" / "cache" / "fold").write_text("disposable")
    storage.delete("s")
    assert storage.list() == []
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["notes.txt"]


def test_the_nearest_session_is_suggested(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("report", {}).close()
    with pytest.raises(SessionNotFound, match="did you mean 'report'"):
        storage.open("raport")


def test_a_header_that_is_no_json_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    with pytest.raises(ContentError, match="header of session 's'"):
        storage.create("s", {"what": object()})
    assert storage.list() == []


def test_a_journal_that_grows_too_large_stops_with_a_typed_error_and_can_be_closed(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path, segment_bytes=500, max_bytes=2_000).create("s", {})
    journal.append_many([A] * 12)
    with pytest.raises(StorageError, match="larger than 2,000 bytes"):
        journal.append_many([A] * 12)
    journal.append(B)
    journal.close()
    assert kept(FileStorageBackend(tmp_path)) == [A] * 12 + [B]


def test_a_closed_journal_does_not_sync(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    journal.close()
    with pytest.raises(StorageError, match="closed"):
        journal.sync()


def test_a_file_where_a_folder_should_be_is_a_typed_error(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    journal = storage.create("s", {})
    (tmp_path / "s" / "blobs").write_text("in the way")
    large = StepCompleted("b0", 1, content="x" * 40_000)
    with pytest.raises(StorageError, match="could not write a blob"):
        journal.append(large)
    with pytest.raises(StorageError, match="could not write a blob"):
        storage.put_blob("s", b"x")
    assert journal.append(A) == 1
    journal.close()


def test_a_folder_where_the_lock_should_be_is_a_typed_error(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    (tmp_path / "s" / "lock").unlink()
    (tmp_path / "s" / "lock").mkdir()
    with pytest.raises(StorageError, match="could not lock"):
        storage.open("s")


def test_deleting_removes_what_crashes_left(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    (tmp_path / "s" / "torn-000000-5").write_text("torn")
    (tmp_path / "s" / "x.tmp").write_text("half")
    storage.delete("s")
    assert not (tmp_path / "s").exists()


def test_an_unknown_durability_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'process', 'power' or 'memory'"):
        FileStorageBackend(tmp_path, durability="eternal")  # type: ignore[arg-type]


def test_a_copy_keeps_times(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}, records=[Record(1, 12.5, A), Record(2, 13.5, B)]).close()
    assert [record.at for record in storage.read("s")] == list(array("d", [12.5, 13.5]))


def test_many_events_are_read_over_many_files(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path, segment_bytes=1_000_000)
    journal = storage.create("s", {})
    journal.append_many([A] * 10_000)
    journal.append_many([B] * 10_000)
    journal.close()
    assert sum(1 for _ in storage.read("s")) == 20_000
