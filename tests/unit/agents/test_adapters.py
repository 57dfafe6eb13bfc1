"""Agents of other libraries join as they are."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic_ai import Agent as TheirAgent
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel

from mars_nb import Agent, AgentError, AgentRegistry, Orchestra


def echoing(messages: list[Any], _info: Any) -> ModelResponse:
    return ModelResponse([TextPart(f"heard: {messages[-1].parts[-1].content}")])


class Runnable:
    """What LangChain calls a runnable."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    async def ainvoke(self, asked: Any) -> Any:
        self.asked.append(asked)
        return self.answer


class Graph(Runnable):
    """What LangGraph compiles."""

    nodes = ()
    get_graph = None


async def asked(theirs: Any, request: Any = "hello", drawn: str = "User -> Them -> User") -> Any:
    registry = AgentRegistry()
    Agent(name="Them", answer=theirs, registry=registry)
    result = await Orchestra.run(request, drawn, registry, max_steps=9)
    assert result.success, result.error
    return result.final_response


async def test_a_pydantic_ai_agent_answers() -> None:
    assert await asked(TheirAgent(FunctionModel(echoing))) == "heard: hello"


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ("text", "text"),
        (SimpleNamespace(content="of a message"), "of a message"),
        ({"output": "of a chain"}, "of a chain"),
        ({"messages": [{"content": "no"}, {"content": "last"}]}, "last"),
        ({"messages": [SimpleNamespace(content="last")]}, "last"),
        ({"other": 1}, {"other": 1}),
    ],
)
async def test_a_runnable_answers(answer: Any, content: Any) -> None:
    runnable = Runnable(answer)
    assert await asked(runnable) == content
    assert runnable.asked == ["hello"]


async def test_a_graph_gets_messages() -> None:
    graph = Graph({"messages": [{"content": "x"}]})
    await asked(graph, {"a": 1})
    assert graph.asked == [{"messages": [{"role": "user", "content": '{"a": 1}'}]}]


async def test_what_was_said_before_is_told_again() -> None:
    runnable: Any = Runnable("x")
    registry = AgentRegistry()
    Agent(name="Them", answer=runnable, registry=registry)
    Agent(name="Hub", answer=lambda request: f"again {request}", registry=registry)
    await Orchestra.run("hello", "User -> Hub\nHub <-> Them\nHub -> User\nmax_turns(Hub <-> Them, 2)", registry)
    assert runnable.asked[1] == "Before:\n\nuser: again hello\n\nassistant: x\n\nNow:\n\nagain x"


def test_one_with_a_name_is_taken_wherever_an_agent_is() -> None:
    theirs = TheirAgent(FunctionModel(echoing), name="Them")
    registry = AgentRegistry()
    assert registry.register(theirs) is theirs
    assert registry.names() == ["Them"]
    drawn = {"nodes": ["User", theirs], "edges": ["User -> Them", "Them -> User"]}
    result = asyncio.run(Orchestra.run("hi", drawn, AgentRegistry()))
    assert result.final_response == "heard: hi"


def test_what_cannot_answer_is_refused() -> None:
    with pytest.raises(AgentError, match="answer is a int; expected a function"):
        Agent(name="Them", answer=3, registry=AgentRegistry())  # type: ignore[arg-type]
