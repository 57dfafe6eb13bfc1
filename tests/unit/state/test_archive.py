from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from mars_nb.errors import JournalCorrupt, SessionError, SessionNotFound, StorageError
from mars_nb.events import BranchMoved, StepCompleted
from mars_nb.state.archive import export_session, import_session
from mars_nb.state.record import Header, encode_header
from mars_nb.state.storage import FileStorageBackend, MemoryStorageBackend, StorageBackend

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.events import Event

EVENTS: list[Event] = [BranchMoved("b0", "A"), StepCompleted("b0", 1, content="x" * 40_000), BranchMoved("b0", "B")]


@pytest.fixture(params=["files", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageBackend:
    made: StorageBackend = FileStorageBackend(tmp_path / "one") if request.param == "files" else MemoryStorageBackend()
    journal = made.create("s", {"title": "x"})
    journal.append_many(EVENTS)
    journal.close()
    made.put_blob("s", b"picture")
    return made


def exported(storage: StorageBackend, tmp_path: Path) -> Path:
    return export_session(storage, "s", tmp_path / "s.zip")


def rewritten(path: Path, changes: dict[str, bytes]) -> Path:
    """Give a copy of an archive with other contents."""
    packed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as new:
        for name, data in ({name: old.read(name) for name in old.namelist()} | changes).items():
            new.writestr(name, data)
    path.write_bytes(packed.getvalue())
    return path


def test_a_session_travels_as_one_file(storage: StorageBackend, tmp_path: Path) -> None:
    path = exported(storage, tmp_path)
    elsewhere = FileStorageBackend(tmp_path / "two")
    assert import_session(elsewhere, path) == "s"
    assert list(elsewhere.read("s")) == list(storage.read("s"))
    assert set(storage.blobs("s")) <= set(elsewhere.blobs("s"))
    header = elsewhere.header("s")
    assert header["title"] == "x"
    assert header["imported"] == {"session": "s", "uuid": storage.header("s")["uuid"]}


def test_the_same_session_gives_the_same_file(storage: StorageBackend, tmp_path: Path) -> None:
    first = exported(storage, tmp_path).read_bytes()
    assert exported(storage, tmp_path).read_bytes() == first


def test_an_id_that_is_taken_is_not_overwritten(storage: StorageBackend, tmp_path: Path) -> None:
    path = exported(storage, tmp_path)
    with pytest.raises(SessionError, match="already"):
        import_session(storage, path)
    assert import_session(storage, path, session_id="again") == "again"
    assert storage.list() == ["again", "s"]


def test_what_is_not_there_is_not_exported(storage: StorageBackend, tmp_path: Path) -> None:
    with pytest.raises(SessionNotFound):
        export_session(storage, "t", tmp_path / "t.zip")
    assert not (tmp_path / "t.zip").exists()


@pytest.mark.parametrize("name", ["../up", "/abs", "blobs/../../up", "blobs/x", "journal.jsonl/", "notes", "blobs\\x"])
def test_an_archive_with_a_strange_name_is_refused(storage: StorageBackend, tmp_path: Path, name: str) -> None:
    path = rewritten(exported(storage, tmp_path), {name: b"x"})
    with pytest.raises(StorageError, match="nothing was imported"):
        import_session(MemoryStorageBackend(), path)


def test_an_archive_that_is_too_large_is_refused_before_it_is_unpacked(storage: StorageBackend, tmp_path: Path) -> None:
    path = exported(storage, tmp_path)
    with pytest.raises(StorageError, match="expected at most 1,000"):
        import_session(MemoryStorageBackend(), path, max_bytes=1_000)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_a_name_twice_is_refused(storage: StorageBackend, tmp_path: Path) -> None:
    path = exported(storage, tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("journal.jsonl", b"other")
    with pytest.raises(StorageError, match="nothing was imported"):
        import_session(MemoryStorageBackend(), path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"x" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(StorageError, match="is no archive"):
        import_session(MemoryStorageBackend(), path)
    with pytest.raises(StorageError, match="No such file"):
        import_session(MemoryStorageBackend(), tmp_path / "missing.zip")


def test_damage_is_noticed(storage: StorageBackend, tmp_path: Path) -> None:
    path = exported(storage, tmp_path)
    with zipfile.ZipFile(path) as archive:
        journal = archive.read("journal.jsonl")
        blob = next(name for name in archive.namelist() if len(archive.read(name)) > 30_000)
    changes = [
        {"journal.jsonl": b""},
        {"journal.jsonl": journal[:-30]},
        {"journal.jsonl": journal.replace(b'"agent":"A"', b'"agent":"Z"')},
        {blob: b"other"},
    ]
    for change in changes:
        damaged = rewritten(exported(storage, tmp_path), change)
        into = MemoryStorageBackend()
        with pytest.raises(JournalCorrupt):
            import_session(into, damaged)
        assert into.list() == []


def test_an_archive_that_does_not_say_its_id_takes_the_files_name(tmp_path: Path) -> None:
    header = Header(uuid="u", at=1.0, session={"title": "x"})
    path = tmp_path / "found.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("journal.jsonl", encode_header(header))
    assert import_session(MemoryStorageBackend(), path) == "found"


def test_an_archive_packed_in_an_unusual_way_is_refused(storage: StorageBackend, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("journal.jsonl", b"x")
    with pytest.raises(StorageError, match="nothing was imported"):
        import_session(storage, tmp_path / "x.zip")


def test_a_place_that_cannot_be_written_is_a_typed_error(storage: StorageBackend, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="could not write"):
        export_session(storage, "s", tmp_path / "missing" / "s.zip")


def test_a_hostile_id_is_refused(tmp_path: Path) -> None:
    storage = MemoryStorageBackend()
    storage.create("s", {}).close()
    path = export_session(storage, "s", tmp_path / "s.zip")
    with pytest.raises(SessionError, match="expected 1 to 64"):
        import_session(FileStorageBackend(tmp_path / "x"), path, session_id="../up")
