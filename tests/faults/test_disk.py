"""A disk that fails: at every operation, in every way, only typed errors, and nothing acknowledged is lost.

The disk is replaced where the journal's file operations meet it, ``mars_nb.state.files.os``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mars_nb.errors import JournalPoisoned, StorageError
from mars_nb.events import BranchMoved, RunEnded, StepCompleted
from mars_nb.state import files
from mars_nb.state.storage import FileStorageBackend
from tests.faults.disks import FaultyDisk, ShortWrites

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.events import Event
    from mars_nb.state.file_journal import Durability

LARGE = StepCompleted("b0", 9, content="x" * 40_000)


def live(storage: FileStorageBackend, acknowledged: list[Event]) -> None:
    """Create, write, close, open, write, close; note every event whose append returned."""
    journal = storage.create("s", {})
    try:
        for event in (BranchMoved("b0", "A"), LARGE, BranchMoved("b0", "B")):
            journal.append(event)
            acknowledged.append(event)
        pair = [BranchMoved("b0", "C"), BranchMoved("b0", "D")]
        journal.append_many(pair)
        acknowledged.extend(pair)
        journal.sync()
    finally:
        journal.close()
    journal = storage.open("s")
    try:
        journal.append(RunEnded("succeeded"))
        acknowledged.append(RunEnded("succeeded"))
    finally:
        journal.close()


def lived(folder: Path, durability: Durability, disk: object, monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Give what was acknowledged when `live` meets a failing disk; only a `StorageError` may come of it."""
    acknowledged: list[Event] = []
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", disk)
        with contextlib.suppress(StorageError):
            live(FileStorageBackend(folder, durability=durability, segment_bytes=600), acknowledged)
    return acknowledged


def check_kept(folder: Path, acknowledged: list[Event], *, durable: bool) -> None:
    """Open what is left on a disk that works again: all acknowledged events, at most the failed ones more."""
    storage = FileStorageBackend(folder)
    if "s" not in storage.list():
        assert not acknowledged
        return
    journal = storage.open("s")
    kept = [record.event for record in journal.records()]
    assert kept[: len(acknowledged)] == acknowledged[: None if durable else len(kept)]
    assert len(kept) <= len(acknowledged) + 2
    seq = journal.append(BranchMoved("b0", "E"))
    journal.close()
    assert [record.event for record in storage.read("s")][seq - 1 :] == [BranchMoved("b0", "E")]


def n_operations(folder: Path, durability: Durability, monkeypatch: pytest.MonkeyPatch) -> int:
    disk = FaultyDisk(1_000_000, 0)
    assert len(lived(folder, durability, disk, monkeypatch)) == 6
    return disk.n_operations


@pytest.mark.parametrize("durability", ["power", "process", "memory"])
@pytest.mark.parametrize(("error", "for_good"), [("EIO", False), ("ENOSPC", True)], ids=["once", "from then on"])
def test_whichever_operation_fails_nothing_acknowledged_is_lost(
    error: str,
    for_good: bool,  # noqa: FBT001 - a parameter
    durability: Durability,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for fails_at in range(1, n_operations(tmp_path / "none", durability, monkeypatch) + 1):
        folder = tmp_path / str(fails_at)
        disk = FaultyDisk(fails_at, getattr(errno, error), for_good=for_good)
        acknowledged = lived(folder, durability, disk, monkeypatch)
        check_kept(folder, acknowledged, durable=durability != "memory")


def test_short_and_interrupted_writes_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    acknowledged = lived(tmp_path, "process", ShortWrites(), monkeypatch)
    assert [record.event for record in FileStorageBackend(tmp_path).read("s")] == acknowledged
    assert len(acknowledged) == 6


def test_a_full_disk_takes_events_again_when_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    journal.append(BranchMoved("b0", "A"))
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", FaultyDisk(2, errno.ENOSPC))
        with pytest.raises(StorageError, match="No space left") as refused:
            journal.append(BranchMoved("b0", "B"))
    assert refused.value.errno == errno.ENOSPC
    assert not isinstance(refused.value, JournalPoisoned)
    assert journal.append(BranchMoved("b0", "C")) == 2
    assert [record.at for record in journal.records()] == [journal.at(1), journal.at(2)]
    journal.close()
    assert [record.event for record in FileStorageBackend(tmp_path).read("s")] == [
        BranchMoved("b0", "A"),
        BranchMoved("b0", "C"),
    ]


def test_a_failed_sync_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FileStorageBackend(tmp_path, durability="power").create("s", {})
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", FaultyDisk(3, errno.EIO, for_good=True))
        with pytest.raises(JournalPoisoned, match="sync failed"):
            journal.append(BranchMoved("b0", "A"))
    with pytest.raises(JournalPoisoned, match="open the session again"):
        journal.append(BranchMoved("b0", "B"))
    with pytest.raises(JournalPoisoned):
        journal.sync()
    journal.close()
    reopened = FileStorageBackend(tmp_path).open("s")
    assert reopened.append(BranchMoved("b0", "B")) == reopened.n_events
    reopened.close()


def test_an_interrupt_in_the_middle_of_a_write_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(ShortWrites):
        def _write(self, fd: int, data: bytes) -> int:
            os.write(fd, bytes(data)[:20])
            raise KeyboardInterrupt

    journal = FileStorageBackend(tmp_path).create("s", {})
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            journal.append(BranchMoved("b0", "A"))
    assert journal.append(BranchMoved("b0", "B")) == 1
    journal.close()
    assert [record.event for record in FileStorageBackend(tmp_path).read("s")] == [BranchMoved("b0", "B")]


FILLS_ITS_QUOTA = """
import resource, signal, sys
from mars_nb.errors import StorageError
from mars_nb.events import StepCompleted
from mars_nb.state.storage import FileStorageBackend

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = FileStorageBackend(sys.argv[1]).create("s", {})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
n_acknowledged = 0
try:
    while True:
        n_acknowledged = journal.append(StepCompleted("b0", 1, content="x" * 999))
except StorageError as error:
    print(n_acknowledged, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert journal.append(StepCompleted("b0", 1)) == n_acknowledged + 1
journal.close()
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes here")
def test_a_quota_stops_the_writer_with_a_typed_error_and_lets_it_go_on(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FILLS_ITS_QUOTA, str(tmp_path)], check=True, capture_output=True, text=True
    )
    n_acknowledged, _, message = done.stdout.partition(" ")
    assert "File too large" in message
    assert len(list(FileStorageBackend(tmp_path).read("s"))) == int(n_acknowledged) + 1


def test_a_place_that_cannot_be_written_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    storage = FileStorageBackend(tmp_path / "file")
    with pytest.raises(StorageError, match="could not make"):
        storage.create("s", {})
    assert storage.list() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_a_typed_error_and_can_be_read(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    (tmp_path / "s").chmod(0o500)
    try:
        with pytest.raises(StorageError):
            storage.open("s")
        assert list(storage.read("s")) == []
    finally:
        (tmp_path / "s").chmod(0o700)
