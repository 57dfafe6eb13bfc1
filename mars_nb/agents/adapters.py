"""Agents that were made elsewhere: what already is an agent joins a team as it is.

A pydantic-ai ``Agent`` (it has ``run``), a LangChain or LangGraph runnable (it has ``ainvoke``) and any callable are
told apart by what they can do, so nothing of theirs is imported here. They keep their own loop, tools and keys; what
they say is plain content, and the topology decides where it goes.

Examples
--------
>>> class Runnable:
...     async def ainvoke(self, request):
...         return {"output": request.upper()}
>>> import asyncio
>>> from mars_nb.agents.context import StepContext
>>> asyncio.run(answering(Runnable())("hello", StepContext()))
'HELLO'
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mars_nb.agents.content import as_content
from mars_nb.agents.replies import as_text
from mars_nb.errors import AgentError

if TYPE_CHECKING:
    from mars_nb.agents.context import StepContext
    from mars_nb.agents.functions import Answer

_OUTPUTS = ("output", "answer", "result", "text", "content")


def answering(given: Any) -> Answer:
    """Give a function that answers in the way of what was given.

    Parameters
    ----------
    given : pydantic-ai Agent, runnable or callable
        Who answers.

    Returns
    -------
    callable
        Takes a request, or a request and a context.

    Raises
    ------
    AgentError
        If it is nothing that could answer.
    """
    if is_foreign(given):
        return _runnable(given) if _can(given, "ainvoke") else _running(given)
    if callable(given):
        answer: Answer = given
        return answer
    raise AgentError(
        f"answer is a {type(given).__name__}; expected a function that takes a request, a pydantic-ai Agent (it has an "
        "async run) or a runnable (ainvoke)"
    )


def is_foreign(given: Any) -> bool:
    """Tell whether it is an agent of another library."""
    return not isinstance(given, type) and (_can(given, "ainvoke") or _can(given, "run"))


def _can(given: Any, verb: str) -> bool:
    return inspect.iscoroutinefunction(getattr(given, verb, None))


def name_of(given: Any) -> str | None:
    """Give the name that it has already, None if it has none."""
    name = getattr(given, "name", None)
    return name if isinstance(name, str) and name else None


def _running(given: Any) -> Answer:
    async def answer(request: Any, context: StepContext) -> Any:
        said = await given.run(_with_memory(request, context))
        found = getattr(said, "output", said)
        return as_content(found.model_dump(mode="json") if hasattr(found, "model_dump") else found)

    return answer


def _runnable(given: Any) -> Answer:
    """Ask a runnable; a graph over messages gets messages, and its last one is what it says."""
    is_graph = hasattr(given, "get_graph") and hasattr(given, "nodes")

    async def answer(request: Any, context: StepContext) -> Any:
        if is_graph:
            turns = [*context.memory, {"role": "user", "content": request}]
            asked: Any = {"messages": [{"role": each["role"], "content": as_text(each["content"])} for each in turns]}
        else:
            asked = _with_memory(request, context)
        return _said(await given.ainvoke(asked))

    return answer


def _with_memory(request: Any, context: StepContext) -> str:
    """Give the request as text, after what was said before, which is not theirs to remember."""
    before = "\n\n".join(f"{each['role']}: {as_text(each['content'])}" for each in context.memory)
    asked = as_text(request)
    return f"Before:\n\n{before}\n\nNow:\n\n{asked}" if before else asked


def _said(given: Any) -> Any:
    """Give the content of what a runnable returned: a message, a state with messages, a mapping with an output."""
    content = getattr(given, "content", None)
    if content is not None:
        return as_content(content)
    if not isinstance(given, Mapping):
        return as_content(given)
    if given.get("messages"):
        last = given["messages"][-1]
        return as_content(last["content"] if isinstance(last, Mapping) else last.content)
    key = next((name for name in _OUTPUTS if name in given), None)
    return as_content(given if key is None else given[key])
