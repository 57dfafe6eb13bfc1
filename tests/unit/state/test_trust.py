from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from mars_nb.errors import SessionError
from mars_nb.events import BranchMoved
from mars_nb.state import trust
from mars_nb.state.archive import export_session, import_session
from mars_nb.state.storage import FileStorageBackend, MemoryStorageBackend

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARS_NB_HOME", str(tmp_path / "home"))
    trust._key.cache_clear()
    return tmp_path / "home"


def made(folder: Path) -> FileStorageBackend:
    storage = FileStorageBackend(folder)
    journal = storage.create("s", {})
    journal.append(BranchMoved("b0", "A"))
    journal.close()
    return storage


def moved_to_another_account(home: Path) -> None:
    shutil.rmtree(home)
    trust._key.cache_clear()


def test_a_session_made_here_is_trusted_in_any_process_of_this_account(tmp_path: Path) -> None:
    storage = made(tmp_path / "runs")
    trust._key.cache_clear()
    assert storage.is_trusted("s")
    storage.open("s").close()
    assert storage.is_trusted("s")


def test_a_session_is_trusted_after_its_writer_was_killed(tmp_path: Path) -> None:
    storage = FileStorageBackend(tmp_path / "runs")
    journal = storage.create("s", {})
    assert storage.is_trusted("s")
    journal.append(BranchMoved("b0", "A"))
    shutil.copytree(tmp_path / "runs", tmp_path / "after")
    journal.close()
    FileStorageBackend(tmp_path / "after").open("s").close()


def test_a_session_of_another_account_is_read_and_continued_only_with_trust(tmp_path: Path, home: Path) -> None:
    storage = made(tmp_path / "runs")
    moved_to_another_account(home)
    with pytest.raises(SessionError, match=r"not made here.*trust=True"):
        storage.open("s")
    assert len(list(storage.read("s"))) == 1
    storage.open("s", trust=True).close()
    storage.open("s").close()


def test_an_imported_session_is_not_trusted_and_neither_is_what_is_salvaged_from_it(tmp_path: Path) -> None:
    path = export_session(made(tmp_path / "runs"), "s", tmp_path / "s.zip")
    for storage in (FileStorageBackend(tmp_path / "two"), MemoryStorageBackend()):
        import_session(storage, path)
        storage.salvage("s", "saved")
        assert not storage.is_trusted("s")
        assert not storage.is_trusted("saved")
        with pytest.raises(SessionError, match="trust=True"):
            storage.open("saved")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"n_bytes":0,"hmac":"00"}', b'{"n_bytes":0,"hmac":"\xc3\xa4"}'])
def test_a_forged_signature_is_none(tmp_path: Path, content: bytes) -> None:
    storage = made(tmp_path / "runs")
    (tmp_path / "runs" / "s" / "signature").write_bytes(content)
    assert not storage.is_trusted("s")


def test_a_signature_holds_for_its_own_session_and_no_shorter_one(tmp_path: Path) -> None:
    storage = made(tmp_path / "runs")
    storage.create("t", {}).close()
    shutil.copy(tmp_path / "runs" / "s" / "signature", tmp_path / "runs" / "t" / "signature")
    assert not storage.is_trusted("t")
    path = tmp_path / "runs" / "s" / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    assert not storage.is_trusted("s")


def test_without_a_place_for_a_key_this_process_trusts_what_it_made(tmp_path: Path, home: Path) -> None:
    home.write_text("a file in the way")
    storage = made(tmp_path / "runs")
    storage.open("s").close()
    trust._key.cache_clear()
    with pytest.raises(SessionError):
        storage.open("s")


def test_the_key_is_for_its_owner_only(tmp_path: Path, home: Path) -> None:
    made(tmp_path / "runs")
    assert (home / "session_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in home.iterdir()] == ["session_key"]


def test_the_key_lies_in_the_users_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARS_NB_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made(tmp_path / "runs")
    assert (tmp_path / "data" / "mars_nb" / "session_key").is_file()
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    made(tmp_path / "more")
    assert (tmp_path / "me" / ".local" / "share" / "mars_nb" / "session_key").is_file()
