"""Agents whose replies are known beforehand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mars_nb import AgentError, AgentRegistry, AskUser, EndConversation, Final, Invoke, Parallel, StepContext
from mars_nb.testing.scripted import PlainAgent, ScriptedAgent, ScriptEnded, Stage, plain

HERE = StepContext(branch_id="b0", memory=lambda: [{"role": "user", "content": "before"}])


def scripted(*replies: Any, **options: Any) -> ScriptedAgent:
    return ScriptedAgent("A", replies, registry=AgentRegistry(), **options)


async def play(agent: ScriptedAgent | PlainAgent, n_steps: int) -> list[Any]:
    return [await agent._run(f"request {each}", HERE) for each in range(n_steps)]


async def test_replies_come_in_order() -> None:
    assert await play(scripted("one", {"two": 2}, Final("three")), 3) == ["one", {"two": 2}, Final("three")]


async def test_directions_become_actions() -> None:
    agent = scripted(
        {"action": "invoke", "target": "B", "request": "r"},
        {"action": "invoke", "target": None},
        {"action": "parallel", "targets": [["B", "b"], ["C", "c"]]},
        {"action": "final", "content": {"n": 3}, "delay": 0.001},
        {"action": "ask_user", "prompt": "colour?"},
        {"action": "end_conversation", "content": "enough"},
        {"action": "reply", "content": "plain"},
    )
    assert await play(agent, 7) == [
        Invoke("B", "r"),
        Invoke(""),
        Parallel([("B", "b"), ("C", "c")]),
        Final({"n": 3}),
        AskUser("colour?"),
        EndConversation("enough"),
        "plain",
    ]


async def test_a_direction_can_be_repeated() -> None:
    again = {"action": "final", "content": "again"}
    assert await play(scripted({**again, "repeat": 2}, "last"), 3) == [Final("again"), Final("again"), "last"]
    assert await play(scripted({**again, "repeat": "forever"}), 5) == [Final("again")] * 5


async def test_functions_see_the_request_and_the_context() -> None:
    async def later(request: str, context: StepContext) -> str:
        return f"{request} in {context.branch_id}"

    agent = scripted(lambda request, _context: request.upper(), later)
    assert await play(agent, 2) == ["REQUEST 0", "request 1 in b0"]


@pytest.mark.parametrize("failure", [RuntimeError("no"), RuntimeError, {"action": "raise", "message": "no"}])
async def test_failures_are_raised(failure: Any) -> None:
    with pytest.raises(RuntimeError):
        await play(scripted(failure), 1)


async def test_a_script_that_has_ended_says_so() -> None:
    agent = scripted("only")
    with pytest.raises(ScriptEnded, match=r"'A' was asked 2 times, which is more than it has replies; .*'request 1'"):
        await play(agent, 2)


async def test_a_script_goes_on_where_another_process_left_it() -> None:
    assert await play(scripted("one", "two", n_played=1), 1) == ["two"]


def test_an_unknown_direction_is_found_at_once() -> None:
    with pytest.raises(AgentError, match="no action 'finale'; did you mean 'final'"):
        scripted({"action": "finale"})


async def test_each_call_is_written_down_as_it_was() -> None:
    agent = scripted("one")
    request = ["a"]
    await agent._run(request, HERE)
    request.append("b")
    call = agent.calls[0]
    assert (call.agent, call.request, call.step_id, call.branch_id, call.position) == ("A", ["a"], "b0#1", "b0", 0)
    assert call.memory == ({"role": "user", "content": "before"},)


async def test_a_stage_knows_who_started_when_and_how_many_worked_at_once() -> None:
    stage = Stage()
    gate = asyncio.Event()

    async def wait(_request: Any, _context: Any) -> str:
        await gate.wait()
        return "done"

    registry = AgentRegistry()
    agents = [ScriptedAgent(name, [wait, "second"], registry=registry, stage=stage) for name in "ABC"]
    jobs = [asyncio.ensure_future(each._run("go", HERE)) for each in agents]
    for _ in jobs:
        await asyncio.sleep(0)
    assert stage.n_running == stage.n_running_max == 3
    gate.set()
    assert await asyncio.gather(*jobs) == ["done"] * 3
    await agents[0]._run("go", HERE)
    assert stage.n_running == 0
    assert stage.n_running_max == 3
    assert stage.order == ["A", "B", "C", "A"]
    assert [call.position for call in agents[0].calls] == [0, 3]


async def test_plain_agents_count_their_steps() -> None:
    registry = AgentRegistry()
    assert await play(plain("P", registry=registry), 2) == ["P#1", "P#2"]
    assert await play(PlainAgent("P", registry=registry, n_played=2), 1) == ["P#3"]


def test_scripted_agents_accept_two_corrections_and_plain_ones_none() -> None:
    assert scripted().corrections == 2
    assert scripted(corrections=5).corrections == 5
    assert plain("P", registry=AgentRegistry()).corrections == 0
