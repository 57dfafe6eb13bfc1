"""Sessions, checkpoints and persistence, called the way the reference documents them: the same calls, word for word.

Only imports, agents and the folder are ours.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mars_nb import Agent, AgentRegistry, FileStorageBackend, Orchestra, OrchestraResult, Session, StateManager
from mars_nb.testing.scripted import PlainAgent

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb import StepContext

TOPOLOGY = {
    "nodes": ["User", "PlannerAgent", "ExecutorAgent1", "ExecutorAgent2"],
    "edges": ["User -> PlannerAgent", "PlannerAgent <-> ExecutorAgent1", "PlannerAgent <-> ExecutorAgent2"],
}


@pytest.fixture
def agent_registry() -> AgentRegistry:
    registry = AgentRegistry()
    for name in ("PlannerAgent", "ExecutorAgent1", "ExecutorAgent2"):
        PlainAgent(name, registry=registry)
    return registry


async def test_session_based_execution_with_a_state_manager(agent_registry: AgentRegistry, tmp_path: Path) -> None:
    topology = TOPOLOGY

    backend = FileStorageBackend(str(tmp_path / "path" / "to" / "state" / "storage"))
    state_manager = StateManager(backend)

    orchestra = Orchestra(agent_registry, state_manager=state_manager)

    session = await orchestra.create_session(
        task="Long-running analysis", context={"session_id": "analysis_123"}, enable_pause=True
    )

    result = await session.run(topology)

    await session.pause()

    await session.resume()

    assert isinstance(session, Session)
    assert session.id == "analysis_123"
    assert isinstance(result, OrchestraResult)
    assert result.success
    assert result.metadata["session_id"] == "analysis_123"
    assert (tmp_path / "path/to/state/storage/analysis_123").is_dir()


async def test_a_session_is_paused_while_it_runs_and_resumed_later(tmp_path: Path) -> None:
    registry, working, go_on = AgentRegistry(), asyncio.Event(), asyncio.Event()

    async def planned(request: str, _context: StepContext) -> str:
        working.set()
        await go_on.wait()
        return f"planned {request}"

    Agent(name="Planner", answer=planned, registry=registry)
    PlainAgent("Writer", registry=registry)
    state_manager = StateManager(FileStorageBackend(tmp_path))
    orchestra = Orchestra(registry, state_manager=state_manager)
    session = await orchestra.create_session(task="Long-running analysis", enable_pause=True)
    session_id = session.id

    running = asyncio.ensure_future(session.run("User -> Planner -> Writer -> User"))
    await working.wait()
    pausing = asyncio.ensure_future(orchestra.pause_session(session_id))
    await asyncio.sleep(0)
    go_on.set()
    success = await pausing
    assert success is True
    assert (await running).metadata["status"] == "paused"
    paused = await state_manager.list_sessions(include_paused=True)
    assert [each["status"] for each in paused] == ["paused"]
    assert await state_manager.list_sessions(include_paused=False) == []

    # even after a restart: new objects over the same folder
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    result = await orchestra.resume_session(session_id)
    assert (result.success, result.total_steps) == (True, 2)


async def test_checkpoint_and_restore(agent_registry: AgentRegistry, tmp_path: Path) -> None:
    state_manager = StateManager(FileStorageBackend(tmp_path))
    orchestra = Orchestra(agent_registry, state_manager=state_manager)
    session = await orchestra.create_session("TASK", {"department": "sales"}, "first", True)  # noqa: FBT003 (as documented)
    await session.run(TOPOLOGY)
    listed = []

    checkpoint_id = await orchestra.create_checkpoint(
        session.id,
        "milestone_1",
    )

    restored_state = await orchestra.restore_checkpoint(checkpoint_id)

    sessions = await state_manager.list_sessions()
    for session in sessions:  # type: ignore[assignment] # the reference names it so
        listed.append(f"Session {session['session_id']}: {session['status']}")  # type: ignore[index] # noqa: PERF401

    assert isinstance(checkpoint_id, str)
    assert isinstance(restored_state, dict)
    assert restored_state["context"] == {"department": "sales"}
    assert listed == ["Session first: paused"]


async def test_sessions_are_listed_and_deleted(agent_registry: AgentRegistry, tmp_path: Path) -> None:
    state_manager = StateManager(FileStorageBackend(tmp_path))
    orchestra = Orchestra(agent_registry, state_manager=state_manager)
    session_id = (await orchestra.create_session("TASK")).id

    sessions = await state_manager.list_sessions(include_paused=True)

    await state_manager.delete_session(session_id)

    assert [each["session_id"] for each in sessions] == [session_id]
    assert await state_manager.list_sessions() == []


async def test_a_one_line_run_with_a_state_manager_is_kept(agent_registry: AgentRegistry, tmp_path: Path) -> None:
    state_manager = StateManager(FileStorageBackend(tmp_path))
    context = {"session_id": "123", "user_id": "user_456", "environment": "production"}
    result = await Orchestra.run("task", TOPOLOGY, agent_registry, context, 100, state_manager)
    assert result.metadata["session_id"] == "123"
    assert (await state_manager.list_sessions())[0]["status"] == "succeeded"
