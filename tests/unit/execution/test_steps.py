"""What happens around an agent while it is asked: corrections, failures, timeouts, retries, cancelling, people."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import Agent, AgentRegistry, Final, Invoke, Orchestra, OrchestraResult, StepContext
from mars_nb.testing import PlainAgent, ScriptedAgent, Stage

if TYPE_CHECKING:
    from mars_nb.events import StepStreamed


@pytest.fixture
def registry() -> AgentRegistry:
    return AgentRegistry()


def made(registry: AgentRegistry, name: str, answer: Any, **options: Any) -> Agent:
    return Agent(name=name, answer=answer, registry=registry, **options)


async def run(registry: AgentRegistry, topology: str, **options: Any) -> OrchestraResult:
    return await Orchestra.run("task", topology, registry, **options)


async def test_a_correction_is_the_next_request_and_the_first_exchange_is_in_memory(registry: AgentRegistry) -> None:
    stage = Stage()
    ScriptedAgent("A", [Invoke("Nobody", "x"), Final("fine")], registry=registry, stage=stage)
    result = await run(registry, "User -> A -> User")
    assert result.final_response == "fine"
    assert result.total_steps == 1
    second = stage.calls[1]
    assert "no edge leads from 'A' to 'Nobody'" in second.request
    assert "'A' may ask 'User'" in second.request
    assert next(message["content"] for message in second.memory) == "task"


async def test_an_agent_that_is_not_corrected_fails_at_once(registry: AgentRegistry) -> None:
    made(registry, "A", lambda _request: Invoke("Nobody"), inline=True)
    result = await run(registry, "User -> A -> User")
    assert not result.success
    assert "ReplyError: no edge leads from 'A' to 'Nobody'; 'A' may ask 'User'" in str(result.error)


async def test_corrections_are_counted_and_then_the_step_fails(registry: AgentRegistry) -> None:
    stage = Stage()
    ScriptedAgent("A", [Invoke("Nobody")] * 3, registry=registry, stage=stage, corrections=2)
    result = await run(registry, "User -> A -> User")
    assert not result.success
    assert len(stage.calls) == 3
    assert result.history is not None
    assert result.history.state.steps[0].n_corrections == 2


async def test_a_step_that_is_too_slow_fails_and_is_retried(registry: AgentRegistry) -> None:
    n_asked = 0

    async def slow_at_first(_request: str) -> str:
        nonlocal n_asked
        n_asked += 1
        await asyncio.sleep(10 if n_asked == 1 else 0)
        return "done"

    made(registry, "A", slow_at_first)
    result = await run(registry, "User -> A -> User\ntimeout(A, 0.05)\nretry(A, 2)")
    assert result.final_response == "done"
    assert list(result.timeline()["attempt"]) == [2]


async def test_a_step_that_swallows_its_timeout_has_failed_all_the_same(registry: AgentRegistry) -> None:
    async def stubborn(_request: str) -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "I do not care"
        return "never"

    made(registry, "A", stubborn)
    result = await run(registry, "User -> A -> User\ntimeout(A, 0.05)")
    assert "StepTimeout: timeout(A, 0.05)" in str(result.error)


async def test_an_agent_that_cancels_itself_fails_and_does_not_take_the_run_along(registry: AgentRegistry) -> None:
    async def give_up(_request: str) -> str:
        raise asyncio.CancelledError

    made(registry, "A", give_up)
    PlainAgent("B", registry=registry)
    result = await run(registry, "User -> A, B -> User")
    assert "the agent cancelled itself" in str(result.error)
    assert result.responses == {"B": "B#1"}


async def test_cancelling_the_awaiting_task_cancels_the_running_steps(registry: AgentRegistry) -> None:
    is_cancelled = asyncio.Event()
    has_begun = asyncio.Event()

    async def wait(_request: str) -> str:
        has_begun.set()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            is_cancelled.set()
            raise
        return "never"

    made(registry, "A", wait)
    orchestra = Orchestra(registry)
    task = asyncio.ensure_future(orchestra.execute("task", "User -> A -> User"))
    await has_begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert is_cancelled.is_set()
    assert orchestra.history is not None
    assert orchestra.history.state.status == "cancelled"


async def test_a_run_that_takes_too_long_keeps_what_it_has_and_says_how_many_steps_it_cancelled(
    registry: AgentRegistry,
) -> None:
    PlainAgent("A", registry=registry)
    made(registry, "B", lambda _request: asyncio.sleep(10))
    result = await run(registry, "User -> A -> B -> User\ntimeout(0.1)")
    assert "timeout(0.1) reached" in str(result.error)
    assert result.total_steps == 1
    assert result.metadata["cancelled_tasks"] == 1


async def test_streamed_text_is_published_and_never_journalled(registry: AgentRegistry) -> None:
    async def speak(_request: str) -> Any:
        for word in ("one ", "two"):
            yield word

    made(registry, "A", speak)
    orchestra = Orchestra(registry)
    heard: list[StepStreamed] = []
    orchestra.event_bus.subscribe("StepStreamed", heard.append)
    result = await orchestra.execute("task", "User -> A -> User")
    assert result.final_response == "one two"
    assert [(event.step_id, event.agent, event.text) for event in heard] == [
        ("b0#1", "A", "one "),
        ("b0#1", "A", "two"),
    ]
    assert "StepStreamed" not in set(result.events()["type"])


async def test_what_an_agent_does_to_its_request_changes_nobody_elses(registry: AgentRegistry) -> None:
    async def spoil(request: dict[str, Any], context: StepContext) -> Any:
        request["by"] = context.agent
        return request

    async def begin(_request: str) -> Any:
        return {"by": "nobody"}

    made(registry, "P", begin)
    for name in ("A", "B"):
        made(registry, name, spoil)
    result = await run(registry, "User -> P -> A, B -> User")
    assert result.responses == {"A": {"by": "A"}, "B": {"by": "B"}}
    assert list(result.timeline()["request"])[1:] == [{"by": "nobody"}] * 2


async def test_one_question_is_open_at_a_time(registry: AgentRegistry) -> None:
    from mars_nb import AskUser

    asked: list[str] = []
    n_open = n_open_max = 0

    async def person(question: str) -> str:
        nonlocal n_open, n_open_max
        asked.append(question)
        n_open += 1
        n_open_max = max(n_open, n_open_max)
        await asyncio.sleep(0)
        n_open -= 1
        return f"about {question}"

    for name in ("A", "B"):
        ScriptedAgent(name, [AskUser(name), Final("ok")], registry=registry)
    result = await run(registry, "User -> A, B -> User", user=person)
    assert result.success
    assert (asked, n_open_max) == (["A", "B"], 1)


async def test_a_person_who_fails_fails_the_step_that_asked(registry: AgentRegistry) -> None:
    from mars_nb import AskUser

    def person(_question: str) -> str:
        raise EOFError("nobody there")

    ScriptedAgent("A", [AskUser("colour?")], registry=registry)
    result = await run(registry, "User -> A -> User", user=person)
    assert not result.success
    assert "NobodyToAsk" in str(result.error)


async def test_a_chain_of_instant_steps_lets_the_event_loop_breathe(registry: AgentRegistry) -> None:
    names = [f"A{i}" for i in range(64)]
    for name in names:
        PlainAgent(name, registry=registry)
    n_turns = 0

    async def count() -> None:
        nonlocal n_turns
        while True:
            await asyncio.sleep(0)
            n_turns += 1

    counting = asyncio.ensure_future(count())
    await run(registry, " -> ".join(["User", *names, "User"]))
    counting.cancel()
    assert n_turns >= 4


NESTED = """
import asyncio
from mars_nb import Orchestra
from mars_nb.testing import PlainAgent

PlainAgent("A")

async def inside():
    return Orchestra.run_sync("task", "User -> A -> User").final_response

print(Orchestra.run_sync("task", "User -> A -> User").final_response, asyncio.run(inside()))
"""


def test_run_sync_works_inside_and_outside_a_running_loop() -> None:
    # In a process of its own: to let a loop nest changes asyncio for good.
    done = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["A#1", "A#2"]


async def test_rules_of_an_orchestra_hold_for_every_run(registry: AgentRegistry) -> None:
    PlainAgent("A", registry=registry)
    PlainAgent("B", registry=registry)
    orchestra = Orchestra(registry, ["max_steps(1)"])
    result = await orchestra.execute("task", "User -> A -> B -> User")
    assert "max_steps(1) reached" in str(result.error)
    assert str(orchestra._ensure_topology("User -> A").rules[0]) == "max_steps(1)"
