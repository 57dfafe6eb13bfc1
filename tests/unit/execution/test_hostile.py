"""What agents, people and callers do wrong: nothing hangs, and each is one clear line."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import (
    Agent,
    AgentRegistry,
    AskUser,
    FileStorageBackend,
    Final,
    Orchestra,
    OrchestraResult,
    Parallel,
    StateManager,
)
from mars_nb.errors import AgentError, MarsError, ReplyError, SessionError, TopologyError

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = "User -> A -> User"


class Severe(BaseException):
    """What is no Exception."""


class Unreadable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def registry(**answers: Callable[..., Any]) -> AgentRegistry:
    known = AgentRegistry()
    for name, answer in answers.items():
        Agent(name=name, answer=answer, registry=known)
    return known


async def run(answer: Callable[..., Any], **options: Any) -> OrchestraResult:
    async with asyncio.timeout(10):
        return await Orchestra.run("task", ONE, registry(A=answer), **options)


def raising(error: BaseException) -> Callable[[Any], Any]:
    def fail(_request: Any) -> Any:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Severe("a\nb"), "Severe: a b"),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "the agent cancelled itself"),
        (Unreadable(), "Unreadable: (its text cannot be read)"),
        (ValueError("\x1b[31mred\x07\r\n"), "ValueError: [31mred"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_whatever_an_agent_raises_fails_its_step_in_one_line(error: BaseException, text: str) -> None:
    result = await run(raising(error))
    assert str(result.error).startswith("A (b0#1) failed: ")
    assert str(result.error).endswith(text)


async def test_an_agent_that_cancels_its_own_task_fails() -> None:
    async def cancels(_request: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    assert "the agent cancelled itself" in str((await run(cancels)).error)


async def test_a_job_that_ends_in_its_own_way_ends_the_run() -> None:
    async def closes(_request: Any) -> Any:
        raise GeneratorExit

    with pytest.raises(RuntimeError, match="GeneratorExit stopped a step's task"):
        await run(closes)


@pytest.mark.parametrize("error", [Severe("gone"), asyncio.CancelledError(), SystemExit(2)])
@pytest.mark.parametrize("is_async", [False, True])
async def test_whatever_a_person_raises_fails_the_step_that_asked(error: BaseException, is_async: bool) -> None:  # noqa: FBT001
    async def also_raising(_question: str) -> str:
        raise error

    user = also_raising if is_async else raising(error)
    result = await run(lambda request: AskUser("Well?") if request == "task" else Final(request), user=user)
    assert "A (b0#1) failed: NobodyToAsk" in str(result.error)


@pytest.mark.parametrize("error", [Severe("heard"), SystemExit(1), asyncio.CancelledError()])
async def test_whatever_a_listener_raises_does_not_hurt_the_run(error: BaseException) -> None:
    orchestra = Orchestra(registry(A=lambda request: request))
    orchestra.event_bus.subscribe("*", raising(error))
    async with asyncio.timeout(10):
        result = await orchestra.execute("task", ONE)
    assert result.success
    assert {kept for _, kept in orchestra.event_bus.failures} == {error}


@pytest.mark.parametrize("how", ["a task", "wait_for", "a thread"])
async def test_an_agent_pauses_its_own_run_from_whatever_it_starts(how: str) -> None:
    loop = asyncio.get_running_loop()

    async def from_a_task(_request: Any) -> bool:
        return await asyncio.create_task(session.pause())

    async def waiting_for(_request: Any) -> bool:
        return await asyncio.wait_for(session.pause(), 5)

    def from_a_thread(_request: Any) -> bool:
        return asyncio.run_coroutine_threadsafe(session.pause(), loop).result(5)

    ways = {"a task": from_a_task, "wait_for": waiting_for, "a thread": from_a_thread}
    orchestra = Orchestra(registry(A=ways[how], B=str), state_manager=StateManager())
    session = await orchestra.create_session("task")
    async with asyncio.timeout(10):
        result = await session.run("User -> A -> B -> User")
    assert (result.metadata["status"], result.total_steps) == ("paused", 1)


async def test_a_pause_from_a_run_within_a_step_does_not_wait_for_that_step() -> None:
    async def pausing(_request: Any) -> bool:
        return await session.pause()

    async def nesting(_request: Any) -> Any:
        return (await Orchestra.run("inner", ONE, registry(A=pausing))).final_response

    session = await Orchestra(registry(A=nesting), state_manager=StateManager()).create_session("task")
    async with asyncio.timeout(10):
        assert (await session.run(ONE)).metadata["status"] == "paused"


async def test_runs_that_share_a_context_do_not_get_in_each_others_way() -> None:
    orchestra = Orchestra(registry(A=lambda request: request))
    runs = [orchestra.execute(n, ONE, {"session_id": "shared"}) for n in range(3)]
    assert [each.final_response for each in await asyncio.gather(*runs)] == [0, 1, 2]


def test_a_program_does_not_wait_for_a_function_that_was_given_up() -> None:
    program = (
        "import time; from mars_nb import Agent, Orchestra;"
        "Agent(name='A', answer=lambda request: time.sleep(3600));"
        "print(Orchestra.run_sync('t', 'User -> A -> User\\ntimeout(0.1)').error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("timeout(0.1) reached")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_has_threads_of_its_own() -> None:
    program = (
        "import os; from mars_nb import Agent, Orchestra;"
        "Agent(name='A', answer=lambda request: request);"
        "run = lambda: Orchestra.run_sync('t', 'User -> A -> User\\ntimeout(20)').success;"
        "first = run();"
        "child = os.fork();"
        "child or os._exit(0 if run() else 1);"
        "print(first, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "0"]


async def test_an_error_names_the_first_of_very_many_failures() -> None:
    names = [f"W{n}" for n in range(50)]
    failing = registry(**{name: raising(ValueError(name)) for name in names})
    result = await Orchestra.run("task", f"User -> {', '.join(names)}", failing)
    assert str(result.error).endswith("W9 (b9#1) failed: ValueError: W9; and 40 more like this")


async def test_a_wide_fork_that_is_past_the_cap_fails_soon() -> None:
    firsts, seconds = ([f"{side}{n}" for n in range(150)] for side in "FS")
    wide = AgentRegistry()
    for name in ("Hub", *firsts, *seconds, "End of it"):
        Agent(name=name, answer=lambda request: request, inline=True, registry=wide)
    async with asyncio.timeout(20):
        topology = f"User -> Hub -> {', '.join(firsts)} -> {', '.join(seconds)} -> End of it -> User"
        result = await Orchestra.run("task", topology, wide, max_steps=2_000)
    assert "more than max_branches=1000" in str(result.error)


@pytest.mark.parametrize("targets", [["AB", "CD"], [("A",)], [None], "AB"])
def test_parallel_says_what_it_takes(targets: Any) -> None:
    with pytest.raises(ReplyError, match="is no target of Parallel; expected pairs"):
        Parallel(targets)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Orchestra(rule_factory_config="timeout(3)"), TopologyError, "expected a list"),
        (lambda: Orchestra(rule_factory_config=[5]), TopologyError, "5 is no rule"),  # type: ignore[list-item]
        (lambda: Orchestra(max_branches=0), TopologyError, "max_branches=0 does not fit"),
        (lambda: Orchestra({"A": str}), AgentError, "agent_registry= is a dict"),  # type: ignore[arg-type]
        (
            lambda: Orchestra(state_manager=FileStorageBackend(".mars")),  # type: ignore[arg-type]
            SessionError,
            "is a FileStorageBackend; expected StateManager",
        ),
        (lambda: StateManager(".mars"), SessionError, "keeps nothing; expected a backend"),  # type: ignore[arg-type]
        (lambda: Orchestra().event_bus.subscribe(5, print), MarsError, "there is no event 5"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(make: Callable[[], object], error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        make()


async def test_an_object_that_only_has_a_name_is_no_agent() -> None:
    drawn = {"nodes": [SimpleNamespace(name="A")], "edges": ["User -> A"]}
    with pytest.raises(AgentError, match="a SimpleNamespace is no agent"):
        await Orchestra.run("task", drawn)
