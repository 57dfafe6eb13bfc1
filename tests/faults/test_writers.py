"""Two who want to write the same session: one does, the other is told who, and whoever lost his right notices."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from mars_nb.errors import JournalLocked, JournalPoisoned, SessionError, StorageError
from mars_nb.events import BranchMoved, StepCompleted
from mars_nb.state.storage import FileStorageBackend

if TYPE_CHECKING:
    from pathlib import Path

OPENS = """
import sys
from mars_nb.errors import JournalLocked
from mars_nb.state.storage import FileStorageBackend
try:
    FileStorageBackend(sys.argv[1]).open("s").close()
    print("opened")
except JournalLocked as error:
    print(error)
"""

HOLDS = """
import sys
from mars_nb.events import BranchMoved
from mars_nb.state.storage import FileStorageBackend
journal = FileStorageBackend(sys.argv[1]).open("s")
journal.append(BranchMoved("b0", "A"))
print("held", flush=True)
sys.stdin.read()
"""


def run(code: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_second_process_learns_who_writes_and_may_read(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    assert f"process {os.getpid()} on " in run(OPENS, tmp_path)
    journal.close()
    assert run(OPENS, tmp_path) == "opened"


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path)
    storage.create("s", {}).close()
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(JournalLocked, match=f"process {holder.pid} on "):
            storage.open("s")
        assert len(list(storage.read("s"))) == 1
        holder.kill()
    journal = storage.open("s")
    assert journal.n_events == 1
    journal.close()


def test_a_writer_who_lost_his_file_to_another_is_stopped(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    with (tmp_path / "s" / "journal.jsonl").open("ab") as other:
        other.write(b"x")
    with pytest.raises(JournalPoisoned, match="somebody else changed it"):
        journal.append(BranchMoved("b0", "A"))
    journal.close()


def test_a_writer_whose_file_was_replaced_is_stopped(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    path = tmp_path / "s" / "journal.jsonl"
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").replace(path)
    journal.append(BranchMoved("b0", "A"))
    with pytest.raises(JournalPoisoned, match="moved, deleted or replaced"):
        journal.sync()
    journal.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_cannot_write_its_parents_journal(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path).create("s", {})
    code = """
import os, sys
from mars_nb.errors import StorageError
from mars_nb.events import BranchMoved
from mars_nb.state.storage import FileStorageBackend
journal = FileStorageBackend(sys.argv[1]).create("forked", {})
child = os.fork()
if child == 0:
    try:
        journal.append(BranchMoved("b0", "child"))
    except StorageError:
        journal.close()
        os._exit(7)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
print(journal.append(BranchMoved("b0", "parent")))
journal.close()
"""
    assert run(code, tmp_path) == "1"
    journal.close()


def test_threads_that_append_together_get_a_seq_each(tmp_path: Path) -> None:
    journal = FileStorageBackend(tmp_path, durability="power", segment_bytes=5_000).create("s", {})

    def append_some(branch: str) -> None:
        for step in range(1, 26):
            journal.append(StepCompleted(branch, step))

    threads = [threading.Thread(target=append_some, args=(f"b{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = list(journal.records())
    journal.close()
    assert [record.seq for record in records] == list(range(1, 101))
    for branch in ("b0", "b1", "b2", "b3"):
        steps = [record.event for record in records if getattr(record.event, "branch", None) == branch]
        assert steps == [StepCompleted(branch, step) for step in range(1, 26)]


def test_of_many_who_create_the_same_session_one_does(tmp_path: Path) -> None:
    outcomes: list[object] = []

    def create() -> None:
        try:
            outcomes.append(FileStorageBackend(tmp_path).create("s", {}))
        except (SessionError, StorageError) as error:
            outcomes.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    created = [each for each in outcomes if not isinstance(each, Exception)]
    assert len(created) == 1
    created[0].close()  # type: ignore[attr-defined]
