"""A knock at a session's door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb import FileStorageBackend
from mars_nb.errors import SessionNotFound

if TYPE_CHECKING:
    from pathlib import Path


def test_a_knock_is_heard_once_and_leaves_nothing(tmp_path: Path) -> None:
    backend = FileStorageBackend(tmp_path / "runs")
    backend.create("s-1", {}).close()
    assert not backend.take_knock("s-1")
    backend.knock("s-1")
    backend.knock("s-1")
    assert [backend.take_knock("s-1"), backend.take_knock("s-1")] == [True, False]


def test_a_session_that_was_knocked_at_can_be_deleted_whole(tmp_path: Path) -> None:
    backend = FileStorageBackend(tmp_path / "runs")
    backend.create("s-1", {}).close()
    backend.knock("s-1")
    backend.delete("s-1")
    assert not (tmp_path / "runs" / "s-1").exists()


def test_nobody_knocks_where_there_is_no_session(tmp_path: Path) -> None:
    with pytest.raises(SessionNotFound, match="no session 's-9'"):
        FileStorageBackend(tmp_path).knock("s-9")


def test_the_size_of_a_journal_tells_that_something_was_written(tmp_path: Path) -> None:
    backend = FileStorageBackend(tmp_path)
    journal = backend.create("s-1", {})
    before = backend.n_bytes("s-1")
    from mars_nb.events import BranchMoved

    journal.append(BranchMoved("b0", "A"))
    assert backend.n_bytes("s-1") > before
    journal.close()
