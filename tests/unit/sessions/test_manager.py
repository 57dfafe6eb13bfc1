"""The list of sessions: what is known of each, also of one that is damaged or was never finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb import FileStorageBackend, MarsError, SessionError, StateManager
from tests.unit.sessions.team import Team

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.state.storage import StorageBackend


def journals(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.glob("*/journal.jsonl")}


async def test_sessions_are_listed_with_what_is_known_of_them(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=ValueError("no"))
    await team.session("waiting", name="created")
    await team.run("User -> A -> User", "done", name="succeeded")
    await team.run("User -> A -> B -> User", "not done", name="failed")
    await team.run("User -> A -> User\npause_before(A)", "held", name="paused")
    listed = await team.manager.list_sessions()
    assert [(each["session_id"], each["status"], each["task"]) for each in listed] == [
        ("created", "created", "waiting"),
        ("succeeded", "succeeded", "done"),
        ("failed", "failed", "not done"),
        ("paused", "paused", "held"),
    ]
    without = await team.manager.list_sessions(include_paused=False)
    assert "paused" not in [each["status"] for each in without]


async def test_looking_at_a_session_writes_nothing(tmp_path: Path) -> None:
    team = Team(FileStorageBackend(tmp_path), A="a", B="b")
    await team.run("User -> A -> B -> User")
    team.cut(team.records()[:5], "cut")
    before = journals(tmp_path)
    listed = await team.manager.list_sessions()
    session = team.orchestra.session("cut")
    assert (session.status, session.at(4).total_steps, session.result.total_steps) == ("interrupted", 1, 1)
    assert session.why("A#1")
    await session.replay()
    assert len(listed) == 2
    assert journals(tmp_path) == before


async def test_a_damaged_session_hides_no_other(tmp_path: Path) -> None:
    team = Team(FileStorageBackend(tmp_path), A="a")
    await team.run("User -> A -> User", name="good")
    await team.run("User -> A -> User", name="bad")
    journal = tmp_path / "bad" / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], lines[3].replace(b'"A"', b'"B"'), *lines[4:]]))
    listed = {each["session_id"]: each["status"] for each in await team.manager.list_sessions()}
    assert listed == {"good": "succeeded", "bad": "damaged"}
    with pytest.raises(MarsError):
        await team.orchestra.resume_session("bad")


async def test_a_session_whose_creator_died_too_early_says_so_and_hides_no_other(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    storage.create("torn", {"commission": "0" * 64}).close()
    await team.run("User -> A -> User", name="good")
    assert sorted(each["session_id"] for each in await team.manager.list_sessions()) == ["good", "torn"]
    with pytest.raises(SessionError, match="session 'torn' lost its task"):
        await team.orchestra.session("torn").run("User -> A -> User")
    assert await team.manager.delete_session("torn")


async def test_a_session_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    manager = StateManager(FileStorageBackend(tmp_path))
    for name in ("good", "bad"):
        manager.create(name, "task", {})
    (tmp_path / "bad" / "journal.jsonl").write_bytes(b"\x00\xff")
    listed = {each["session_id"]: each["status"] for each in await manager.list_sessions()}
    assert listed == {"good": "created", "bad": "damaged"}
