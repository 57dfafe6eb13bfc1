"""Agents: how they are made, and how their functions are asked."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import (
    Agent,
    AgentError,
    AgentRegistry,
    Invoke,
    ModelUnavailable,
    ReplyError,
    ScriptedModel,
    StepContext,
    agent,
)
from mars_nb.agents.threads import N_THREADS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence

MEMORY: Sequence[Mapping[str, Any]] = ({"role": "user", "content": "before"},)


@pytest.fixture
def registry() -> AgentRegistry:
    return AgentRegistry()


def made(answer: Any, *, inline: bool = False) -> Agent:
    return Agent(name="A", answer=answer, inline=inline, registry=AgentRegistry())


async def ask(answer: Any, request: Any = "hello", *, inline: bool = False) -> Any:
    return await made(answer, inline=inline)._run(request, StepContext(agent="A", memory=lambda: MEMORY))


async def heard_from(answer: Any, *, inline: bool = False) -> tuple[Any, list[str]]:
    heard: list[str] = []
    return await made(answer, inline=inline)._run("hello", StepContext(emit=heard.append)), heard


# ------------------------------------------------------------------------------------------------------ making


def test_both_calls_of_the_reference_work(registry: AgentRegistry) -> None:
    first = Agent({"name": "offline"}, "Assistant", registry=registry)
    second = Agent(name="Analyst", model_config={"name": "offline"}, registry=registry)
    assert registry.names() == ["Assistant", "Analyst"]
    assert first.model_config == second.model_config
    assert first.kind == "model"
    assert first.corrections == 2


def test_the_decorator_works_bare_named_and_with_options(registry: AgentRegistry) -> None:
    @agent
    def bare(request: str) -> str:
        return request

    @agent("By position", registry=registry)
    def second(request: str) -> str:
        return request

    @agent(name="By keyword", corrections=3, description="knows it all", registry=registry)
    def third(request: str) -> str:
        return request

    AgentRegistry.default().unregister("bare")
    assert (bare.name, second.name, third.name) == ("bare", "By position", "By keyword")
    assert (bare.corrections, third.corrections) == (0, 3)
    assert third.description == "knows it all"
    assert registry.names() == ["By position", "By keyword"]


async def test_calling_an_agent_calls_its_function(registry: AgentRegistry) -> None:
    @agent(registry=registry)
    def double(request: int, times: int = 2) -> int:
        return request * times

    @agent(registry=registry)
    async def later(request: int) -> int:
        return request

    assert double(3, times=3) == 9
    assert await later(4) == 4
    with pytest.raises(AgentError, match="'M' has no function to call"):
        Agent(name="M", registry=registry)("hello")


def test_the_description_is_the_first_line_of_the_docstring(registry: AgentRegistry) -> None:
    @agent(registry=registry)
    def planner(request: str) -> str:
        """Plan the work.

        In detail.
        """
        return request

    assert planner.description == "Plan the work."
    assert Agent(name="Model", registry=registry).description == ""


@pytest.mark.parametrize("name", ["A", "Über Agent 2", "x" * 80, "it's", "a-b", "User", "研究"])
def test_good_names(name: str, registry: AgentRegistry) -> None:
    assert Agent(name=name, answer=str, registry=registry).name == name


def test_runs_of_space_in_a_name_count_as_one(registry: AgentRegistry) -> None:
    assert Agent(name="  Lead \t  Writer ", answer=str, registry=registry).name == "Lead Writer"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "cannot be empty"),
        ("x" * 81, "this one has 81"),
        ("A -> B", "cannot contain '>'"),
        ("A#2", "cannot contain '#'"),
        ("A, B", "cannot contain ','"),
        ("A--B", "cannot contain '--'"),
        ("-A", "cannot start or end with '-'"),
        ("A\u200bB", r"invisible character U\+200B"),
        ("Start", "reserved"),
        ("End", "reserved"),
        (7, "an agent name is a int"),
    ],
)
def test_bad_names(name: Any, message: str, registry: AgentRegistry) -> None:
    with pytest.raises(AgentError, match=message):
        Agent(name=name, answer=str, registry=registry)
    assert len(registry) == 0


def test_an_agent_needs_a_name() -> None:
    with pytest.raises(AgentError, match="an agent needs a name"):
        Agent({"name": "offline"})
    with pytest.raises(AgentError, match="an agent needs a name"):
        Agent("Writer", answer=str)
    with pytest.raises(AgentError, match="an agent needs a name"):
        agent(lambda request: request)


def test_wrong_options_are_errors() -> None:
    answer: Any = "not a function"
    with pytest.raises(AgentError, match="answer is a str; expected a function"):
        Agent(name="A", answer=answer)
    with pytest.raises(AgentError, match="corrections=-1 does not fit"):
        Agent(name="A", answer=str, corrections=-1)


def test_it_shows_itself_in_one_line() -> None:
    writer = made(str)
    assert repr(writer) == "Agent('A', function)"
    assert writer._repr_mimebundle_() == {"text/plain": "Agent('A', function)"}


# ----------------------------------------------------------------------------------------------------- arguments


async def test_a_function_gets_what_it_takes() -> None:
    assert await ask(lambda request: request) == "hello"
    assert await ask(lambda request, context: (request, context.agent)) == ("hello", "A")
    assert await ask(lambda request, context, memory: (request, context.agent, memory)) == ("hello", "A", MEMORY)


async def test_parameters_with_a_default_are_left_alone() -> None:
    def f(request: str, limit: int = 3, *, loud: bool = False) -> tuple[str, int, bool]:
        return request, limit, loud

    assert await ask(f) == ("hello", 3, False)


async def test_star_arguments_get_everything() -> None:
    assert len(await ask(lambda *everything: everything)) == 3
    assert len(await ask(lambda request, *rest: (request, *rest))) == 3
    assert await ask(lambda request, limit=3, *rest: (request, limit, rest)) == ("hello", 3, ())


async def test_partials_methods_objects_and_builtins_work() -> None:
    class Desk:
        async def __call__(self, request: str) -> str:
            return request.title()

        def method(self, request: str) -> str:
            return request.upper()

    assert await ask(functools.partial(lambda mode, request: mode + request, "loud ")) == "loud hello"
    assert await ask(Desk()) == "Hello"
    assert await ask(Desk().method) == "HELLO"
    assert await ask(len) == 5
    assert await ask(str) == "hello"


@pytest.mark.parametrize(
    "answer",
    [lambda: 1, lambda a, b, c, d: a + b + c + d, lambda a=1: a, lambda a, *, key: (a, key)],
)
def test_a_function_that_takes_something_else_is_an_error(answer: Any) -> None:
    with pytest.raises(AgentError, match=r"function '<lambda>' .*expected \(request\), \(request, context\)"):
        made(answer)


# --------------------------------------------------------------------------------------------------------- kinds


async def test_async_functions_run_on_the_loop() -> None:
    async def where(_request: str) -> threading.Thread:
        return threading.current_thread()

    assert await ask(where) is threading.current_thread()


async def test_plain_functions_run_in_a_thread_unless_inline() -> None:
    def where(_request: str) -> threading.Thread:
        return threading.current_thread()

    assert await ask(where) is not threading.current_thread()
    assert await ask(where, inline=True) is threading.current_thread()


async def test_context_variables_are_carried_into_the_thread() -> None:
    variable = contextvars.ContextVar("variable", default="nothing")
    variable.set("carried")
    assert await ask(lambda _request: variable.get()) == "carried"


async def test_a_plain_function_may_return_a_coroutine() -> None:
    async def inner(request: str) -> str:
        return request.upper()

    assert await ask(lambda request: inner(request + "")) == "HELLO"
    assert await ask(lambda request: inner(request + ""), inline=True) == "HELLO"


async def test_a_hundred_blocking_functions_run_at_once() -> None:
    n_callers = 100
    assert n_callers <= N_THREADS
    barrier = threading.Barrier(n_callers, timeout=20)
    waiting = made(lambda _request: barrier.wait())
    arrived = await asyncio.gather(*(waiting._run(each, StepContext()) for each in range(n_callers)))
    assert sorted(arrived) == list(range(n_callers))


async def test_an_error_in_a_thread_is_the_agents_error() -> None:
    def fail(_request: str) -> str:
        raise KeyError("the agent's own")

    with pytest.raises(KeyError, match="the agent's own"):
        await ask(fail)


async def test_stop_iteration_fails_instead_of_hanging() -> None:
    def exhausted(_request: str) -> Any:
        return next(iter(()))

    async with asyncio.timeout(10):
        with pytest.raises(RuntimeError, match="StopIteration instead of a reply"):
            await ask(exhausted)


# ------------------------------------------------------------------------------------------------------- streams


async def test_an_async_generator_streams_its_text() -> None:
    async def tokens(request: str) -> AsyncIterator[str]:
        yield request
        yield " world"

    assert await heard_from(tokens) == ("hello world", ["hello", " world"])


@pytest.mark.parametrize("inline", [True, False])
async def test_a_generator_streams_its_text(inline: bool) -> None:  # noqa: FBT001
    def tokens(request: str) -> Iterator[str]:
        yield request
        yield " world"

    assert await heard_from(tokens, inline=inline) == ("hello world", ["hello", " world"])


async def test_other_content_yielded_last_is_the_reply() -> None:
    async def single(_request: str) -> AsyncIterator[Any]:
        yield {"rows": 3}

    async def after_text(_request: str) -> AsyncIterator[Any]:
        yield "thinking"
        yield Invoke("B", "go")

    assert await heard_from(single) == ({"rows": 3}, [])
    assert await heard_from(after_text) == (Invoke("B", "go"), ["thinking"])


async def test_what_a_generator_returns_is_the_reply() -> None:
    def tokens(_request: str) -> Generator[str, None, Invoke]:
        yield "thinking"
        return Invoke("B", "go")

    assert await heard_from(tokens) == (Invoke("B", "go"), ["thinking"])


async def test_other_content_before_the_end_is_an_error() -> None:
    async def tokens(_request: str) -> AsyncIterator[Any]:
        yield 1
        yield "more"

    with pytest.raises(ReplyError, match="a int was yielded before the end"):
        await ask(tokens)


async def test_a_function_in_a_thread_may_stream_by_hand() -> None:
    def work(_request: str, context: StepContext) -> str:
        context.emit("half")
        context.emit("way")
        return "done"

    assert await heard_from(work) == ("done", ["half", "way"])


async def test_a_generator_is_closed_when_its_step_is_cancelled() -> None:
    started, release, closed = threading.Event(), threading.Event(), threading.Event()

    def endless(_request: str) -> Iterator[str]:
        try:
            while True:
                started.set()
                release.wait(10)
                yield "more"
        finally:
            closed.set()

    job = asyncio.ensure_future(ask(endless))
    await asyncio.to_thread(started.wait, 10)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    release.set()
    assert await asyncio.to_thread(closed.wait, 10)


# ------------------------------------------------------------------------------------------- models and subclasses


async def test_a_model_that_has_no_key_says_what_to_do(
    registry: AgentRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    nobody = Agent({"name": "openai:gpt-5"}, "Assistant", registry=registry)
    with pytest.raises(ModelUnavailable, match=r"OPENAI_API_KEY is not set") as caught:
        await nobody._run("hello", StepContext())
    assert len(str(caught.value)) < 300


async def test_an_agent_with_a_model_can_be_asked_outside_of_a_run(registry: AgentRegistry) -> None:
    assert await Agent(ScriptedModel(["hello back"]), "Assistant", registry=registry)._run("hi", StepContext()) == (
        "hello back"
    )


async def test_a_subclass_answers_by_its_own_run(registry: AgentRegistry) -> None:
    class Echo(Agent):
        async def _run(self, request: Any, context: StepContext) -> Any:
            return [self.name, request, context.step_id]

    echo = Echo(name="Echo", registry=registry)
    assert await echo._run("hello", StepContext(branch_id="b0")) == ["Echo", "hello", "b0#1"]
    assert echo.kind == "custom"
    assert echo.corrections == 0


# -------------------------------------------------------------------------------------------------------- digest


def test_the_digest_notices_what_decides_the_answers(registry: AgentRegistry) -> None:
    def one(request: str) -> str:
        return request

    def two(request: str) -> str:
        return request + "!"

    digest = Agent(name="A", answer=one, registry=registry).digest
    assert Agent(name="A", answer=one, registry=registry).digest == digest
    assert Agent(name="A", answer=two, registry=registry).digest != digest
    assert Agent(name="B", answer=one, registry=registry).digest != digest
    assert Agent(name="A", answer=one, instructions="Be kind.", registry=registry).digest != digest
    assert len(digest) == 16


def test_the_digest_of_a_model_ignores_its_key(registry: AgentRegistry) -> None:
    digests = [
        Agent({"name": name, "api_key": key}, "A", registry=registry).digest
        for name, key in [("a", "one"), ("a", "two"), ("b", "one")]
    ]
    assert digests[0] == digests[1] != digests[2]


def test_functions_without_source_have_a_digest_too(registry: AgentRegistry) -> None:
    namespace: dict[str, Any] = {}
    for name, value in (("f", 1), ("g", 2)):
        code = compile(f"def {name}(request): return {value}", "<made up>", "exec")
        exec(code, namespace)  # noqa: S102
    f, g = (Agent(name="A", answer=namespace[each], registry=registry).digest for each in "fg")
    assert f != g
    assert len(Agent(name="A", answer=len, registry=registry).digest) == 16
    assert Agent(name="A", answer=functools.partial(max, 1), registry=registry).digest
