"""Golden journals: what an earlier release wrote replays identically, for ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import AgentRegistry, FileStorageBackend, Orchestra, ScriptedAgent, StateManager
from mars_nb.events import EVENT_TYPES
from tests.golden.make import LARGE, expected

if TYPE_CHECKING:
    from mars_nb import Session
    from mars_nb.events import Event

GOLDEN = Path(__file__).parent
FOLDERS = sorted(path.parent for path in GOLDEN.glob("*/expected.json"))
SESSIONS = [(folder, name) for folder in FOLDERS for name in json.loads((folder / "expected.json").read_text())]


def opened(folder: Path, name: str) -> tuple[Session, list[Event]]:
    """Give a session and what is told of it from now on."""
    orchestra = Orchestra(AgentRegistry(), state_manager=StateManager(FileStorageBackend(folder)))
    heard: list[Event] = []
    orchestra.event_bus.subscribe("*", heard.append)
    return orchestra.session(name), heard


def wanted(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text())[name]
    return found


@pytest.mark.parametrize(("folder", "name"), SESSIONS, ids=lambda each: getattr(each, "name", each))
async def test_a_golden_session_still_gives_what_it_gave(folder: Path, name: str) -> None:
    session, _ = opened(folder, name)
    assert expected(session.result) == wanted(folder, name)


@pytest.mark.parametrize(("folder", "name"), SESSIONS, ids=lambda each: getattr(each, "name", each))
async def test_a_golden_session_replays_event_by_event(folder: Path, name: str) -> None:
    session, heard = opened(folder, name)
    records = [record.event for record in FileStorageBackend(folder).read(name)]
    result = await session.replay()
    assert expected(result) == wanted(folder, name)
    assert all(event in records for event in heard)
    assert len(heard) == len(records) or any(type(event).__name__ == "Restored" for event in records)


@pytest.mark.parametrize(("folder", "name"), SESSIONS, ids=lambda each: getattr(each, "name", each))
async def test_every_position_of_a_golden_session_can_be_looked_at(folder: Path, name: str) -> None:
    session, _ = opened(folder, name)
    for seq in range(1, wanted(folder, name)["n_events"] + 1):
        assert len(session.at(seq).events()) == seq


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda each: each.name)
async def test_a_golden_session_can_still_go_on(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "copy")
    session, _ = opened(tmp_path / "copy", "deadline")
    agents = [ScriptedAgent(name, [f"{name} again"], registry=AgentRegistry()) for name in ("Quick", "Slow")]
    result = await session.resume(agents=agents, rules=["timeout(60)"], trust=True)
    assert (result.final_response, result.total_steps) == ("Slow again", 2)


def test_a_large_reply_is_read_from_its_blob() -> None:
    for folder in FOLDERS:
        events = [record.event for record in FileStorageBackend(folder).read("calls")]
        assert any(getattr(event, "content", None) == LARGE for event in events)
        assert LARGE not in (folder / "calls" / "journal.jsonl").read_text(encoding="utf-8")


def test_the_golden_journals_hold_every_kind_of_event() -> None:
    kinds = {
        type(record.event).__name__ for folder, name in SESSIONS for record in FileStorageBackend(folder).read(name)
    }
    assert set(EVENT_TYPES) <= kinds, "a new kind of event: write the journals of this release, see README.md"
