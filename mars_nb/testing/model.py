"""A model that says what was written down for it: for tests of agents that a model speaks for.

Examples
--------
>>> import asyncio
>>> from mars_nb.agents.dialogue import ModelRequest, UserSaid
>>> model = ScriptedModel(["hello", call("look_up", word="mars")])
>>> request = ModelRequest("", (UserSaid("hi"),))
>>> asyncio.run(model.respond(request, emit=print)).text
hello
'hello'
>>> asyncio.run(model.respond(request, emit=print)).calls[0].name
'look_up'
"""

from __future__ import annotations

import inspect
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.agents.dialogue import ModelResponse, ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mars_nb.agents.dialogue import Emit, ModelRequest

    Line = str | ToolCall | list[ToolCall] | ModelResponse | Exception


def call(tool: str, /, **arguments: Any) -> ToolCall:
    """Write down a call of a tool."""
    return ToolCall("", tool, arguments)


class ScriptedModel:
    """Says what was written down for it, and remembers what it was asked.

    Parameters
    ----------
    lines : iterable or callable
        What it says, one after another: text, a call of a tool or several, a whole response, or an error to raise. Or a
        function from a request to one of these, sync or async.
    name : str
        Under which it speaks.

    Attributes
    ----------
    requests : list of ModelRequest
        What it was asked.
    """

    def __init__(self, lines: Iterable[Line] | Callable[[ModelRequest], Any], *, name: str = "scripted") -> None:
        self._name = name
        self._answer = lines if callable(lines) else None
        self._left = deque(() if callable(lines) else lines)
        self.requests: list[ModelRequest] = []

    @property
    def name(self) -> str:
        """Under which it speaks."""
        return self._name

    async def respond(self, request: ModelRequest, *, emit: Emit) -> ModelResponse:
        """Say the next line; see `Model.respond`."""
        self.requests.append(request)
        line = await self._next(request)
        if isinstance(line, Exception):
            raise line
        answer = _response(line)
        if answer.text:
            emit(answer.text)
        return msgspec.structs.replace(answer, model=answer.model or self._name)

    async def _next(self, request: ModelRequest) -> Any:
        if self._answer:
            line = self._answer(request)
            return await line if inspect.isawaitable(line) else line
        if not self._left:
            raise AssertionError(f"{self._name!r} was asked {len(self.requests)} times, and its script is over")
        return self._left.popleft()


def _response(line: Any) -> ModelResponse:
    match line:
        case ModelResponse():
            return line
        case str():
            return ModelResponse(line, cost_usd=0.0)
        case ToolCall():
            return ModelResponse(calls=(line,), cost_usd=0.0)
        case _:
            return ModelResponse(calls=tuple(line), cost_usd=0.0)
