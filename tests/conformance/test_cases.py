"""Every conformance case, run through the public API with scripted agents.

A case is data (see ``cases.json``): a topology, a script for each agent, and what is to be expected. The checks below
are its vocabulary; each gives the first thing that does not hold, as a sentence.
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import (
    AgentRegistry,
    FileStorageBackend,
    Orchestra,
    StateManager,
    TopologyError,
    ensure_topology,
)
from mars_nb.testing.scripted import PlainAgent, ScriptedAgent, Stage
from mars_nb.topology.patterns import parse_pattern

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb import OrchestraResult

CASES = json.loads((Path(__file__).parent / "cases.json").read_text())
RUNS = [case for case in CASES if "raises" not in case["expect"] and "edges_one_of" not in case["expect"]]


class Play:
    """One case: its agents, what they heard, and what the person was asked."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.stage = Stage()
        self.prompts: list[str] = []
        self.n_open = self.n_open_max = 0
        self.topology = ensure_topology(parse_pattern(case["pattern"]) if "pattern" in case else case["topology"])
        self.replies: Any = case.get("user_replies")
        self.registry = self.fresh_agents()
        self.started = time.monotonic()

    def fresh_agents(self) -> AgentRegistry:
        registry = AgentRegistry()
        for name in self.topology.nodes:
            if name in ("User", "Start", "End"):
                continue
            n_played = sum(call.agent == name for call in self.stage.calls)
            script = self.case.get("script", {}).get(name)
            if script is None:
                PlainAgent(name, registry=registry, stage=self.stage)
            else:
                ScriptedAgent(name, script, registry=registry, stage=self.stage, n_played=n_played)
        return registry

    @property
    def user(self) -> Callable[[str], Any] | None:
        return None if self.replies is None else self.answer

    async def answer(self, prompt: str) -> str:
        self.prompts.append(prompt)
        self.n_open += 1
        self.n_open_max = max(self.n_open, self.n_open_max)
        reply = self.replies[prompt] if isinstance(self.replies, dict) else self.replies[len(self.prompts) - 1]
        self.n_open -= 1
        return str(reply)

    def calls(self, agent: str) -> list[Any]:
        return [call for call in self.stage.calls if call.agent == agent]

    async def run(self, folder: Path) -> OrchestraResult:
        case = self.case
        if "pause_after_steps" in case:
            result = await self.run_with_a_pause(folder)
        else:
            result = await Orchestra.run(
                case["task"], self.topology, self.registry, max_steps=case["max_steps"], user=self.user
            )
        self.wall_s = time.monotonic() - self.started
        return result

    async def run_with_a_pause(self, folder: Path) -> OrchestraResult:
        case = self.case
        orchestra = Orchestra(self.registry, state_manager=StateManager(FileStorageBackend(folder)))
        session = await orchestra.create_session(case["task"], user=self.user)
        pauses: list[asyncio.Task[bool]] = []
        n_started = 0

        def count(_event: object) -> None:
            nonlocal n_started
            n_started += 1
            if n_started == case["pause_after_steps"]:
                pauses.append(asyncio.ensure_future(session.pause()))

        orchestra.event_bus.subscribe("StepScheduled", count)
        paused = await session.run(self.topology, max_steps=case["max_steps"])
        assert await pauses[0], "the session could not be paused"
        assert paused.metadata["status"] == "paused"
        if case.get("fresh_process"):
            orchestra = Orchestra(self.fresh_agents(), state_manager=StateManager(FileStorageBackend(folder)))
        return await orchestra.resume_session(session.id, user=self.user)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def memory_text(call: Any) -> str:
    return "\n".join([*(as_text(message["content"]) for message in call.memory), as_text(call.request)])


def received(play: Play, want: dict[str, Any]) -> str | None:
    calls = play.calls(want["agent"])
    if len(calls) < want["call"]:
        return f"{want['agent']} was asked {len(calls)} times only"
    got = calls[want["call"] - 1].request
    if "equals" in want and got != want["equals"]:
        return f"{want['agent']} got {got!r}"
    missing = [each for each in want.get("contains", ()) if each not in as_text(got)]
    excess = [each for each in want.get("not_contains", ()) if each in as_text(got)]
    return f"{want['agent']} got {got!r}" if missing or excess else None


def problems(play: Play, result: OrchestraResult) -> list[str]:  # noqa: C901, PLR0912 (one branch a word of the vocabulary)
    found: list[str] = []
    for key, want in play.case["expect"].items():
        n_runs = {name: len(play.calls(name)) for name in play.topology.nodes}
        match key:
            case "success":
                bad = result.success != want
            case "final_response":
                bad = result.final_response != want
            case "final_response_contains":
                bad = any(each not in as_text(result.final_response) for each in want)
            case "total_steps":
                bad = result.total_steps != want
            case "max_total_steps":
                bad = result.total_steps > want
            case "runs":
                bad = any(n_runs[name] != n for name, n in want.items())
            case "max_runs":
                bad = any(n_runs[name] > n for name, n in want.items())
            case "agents_run":
                bad = [call.agent for call in play.stage.calls] != want
            case "agents_not_run":
                bad = any(n_runs[name] for name in want)
            case "received":
                bad = any(received(play, each) for each in want)
            case "error_contains":
                bad = any(each not in (result.error or "") for each in want)
            case "max_concurrency":
                bad = play.stage.n_running_max > want
            case "min_concurrency":
                bad = play.stage.n_running_max < want
            case "user_prompts":
                bad = play.prompts != want
            case "max_open_prompts":
                bad = play.n_open_max > want
            case "history_contains":
                bad = any(not _remembers(play, each) for each in want)
            case "history_disjoint":
                memories = [memory_text(call) for call in play.calls(want["agent"])]
                bad = any(all(text in memory for text in want["texts"]) for memory in memories)
            case "max_wall_seconds":
                bad = play.wall_s > want
            case "min_wall_seconds":
                bad = play.wall_s < want
            case _:
                raise AssertionError(f"no check for {key!r}")
        if bad:
            found.append(f"{key}: expected {want!r}")
    return found


def _remembers(play: Play, want: dict[str, Any]) -> bool:
    text = memory_text(play.calls(want["agent"])[want["call"] - 1])
    return all(each in text for each in want["texts"])


@pytest.mark.parametrize("case", RUNS, ids=lambda case: case["id"])
async def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    play = Play(case)
    result = await play.run(tmp_path)
    assert not problems(play, result), f"{problems(play, result)}\n{result!r}\n{result.timeline()}"


@pytest.mark.parametrize("case", [case for case in CASES if "raises" in case["expect"]], ids=lambda case: case["id"])
async def test_case_that_is_refused(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(TopologyError) as caught:
        await Play(case).run(tmp_path)
    assert caught.type.__name__ == case["expect"]["raises"]
    assert all(each in str(caught.value) for each in case["expect"]["message_contains"])


@pytest.mark.parametrize(
    "case", [case for case in CASES if "edges_one_of" in case["expect"]], ids=lambda case: case["id"]
)
def test_case_of_notation(case: dict[str, Any]) -> None:
    try:
        got: Any = [[edge.source, edge.target] for edge in ensure_topology(case["topology"]).edges]
    except TopologyError:
        got = "error"
    assert got in case["expect"]["edges_one_of"]
