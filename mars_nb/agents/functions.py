"""How a function is asked: decided once, when the agent is made, so that a step costs next to nothing.

Two questions settle it. *What does it take?* ``(request)``, ``(request, context)`` or ``(request, context, memory)``;
parameters with a default are its own business. *What kind of function is it?*

==================  =========================================================================
``async def``       runs on the event loop
``def``             runs in a worker thread, so that it may block; on the loop if ``inline``
async generator     runs on the loop; each text that it yields is streamed
generator           the same in a worker thread
==================  =========================================================================

The reply of a generator is the text that it streamed, joined; or what it yields last (or returns) that is not text.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from mars_nb.agents.threads import in_thread
from mars_nb.errors import AgentError, ReplyError

if TYPE_CHECKING:
    from mars_nb.agents.context import StepContext

Answer = Callable[..., Any]
"""A function that answers: ``(request)``, ``(request, context)`` or ``(request, context, memory)``."""

Ask = Callable[[Any, "StepContext"], Awaitable[Any]]
"""How the function of an agent is asked, whatever it takes and whatever kind it is."""

_Call = Callable[[Any, "StepContext"], Any]
_MOST = 3  # request, context, memory
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_EXPECTED = "expected (request), (request, context) or (request, context, memory)"


def asking(answer: Answer, *, inline: bool = False) -> Ask:
    """Choose how to ask a function.

    Parameters
    ----------
    answer : callable
        The function.
    inline : bool
        Run a plain function on the event loop instead of in a worker thread.

    Returns
    -------
    callable
        Takes ``(request, context)`` and gives an awaitable of the reply.

    Raises
    ------
    AgentError
        If the function takes something else than a request, a context and a memory.
    """
    call = _uniform(answer)
    kind = body(answer)
    if inspect.iscoroutinefunction(kind):
        return call
    if inspect.isasyncgenfunction(kind):
        return _streaming(call)
    if inspect.isgeneratorfunction(kind):
        return _streaming_inline(call) if inline else _streaming_in_thread(call)
    return _inline(call) if inline else _blocking(call)


def label(answer: Answer) -> str:
    """Name a function in a message: ``function 'plan'``."""
    return f"function {getattr(answer, '__name__', None) or type(answer).__name__!r}"


# ----------------------------------------------------------------------------------------------------- what it takes


def _uniform(answer: Answer) -> _Call:
    """Make every function take ``(request, context)``, with as few calls in between as possible."""
    match _n_arguments(answer):
        case 1:
            return lambda request, _context: answer(request)
        case 2:
            return answer
        case _:
            return lambda request, context: answer(request, context, context.memory)


def _n_arguments(answer: Answer) -> int:
    positional = [each for each in _parameters(answer) if each.kind in _POSITIONAL]
    n_needed = sum(each.default is each.empty for each in positional)
    takes_rest = any(each.kind is each.VAR_POSITIONAL for each in _parameters(answer))
    takes_all = takes_rest and len(positional) == n_needed
    if n_needed > _MOST or (n_needed == 0 and not takes_all):
        raise AgentError(f"{label(answer)} takes {n_needed} arguments without a default; {_EXPECTED}")
    return _MOST if takes_all else n_needed


def _parameters(answer: Answer) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(answer).parameters.values())
    except ValueError:  # some builtins do not tell; what they take first is the request
        return [inspect.Parameter("request", inspect.Parameter.POSITIONAL_ONLY)]
    for each in parameters:
        if each.kind is each.KEYWORD_ONLY and each.default is each.empty:
            raise AgentError(f"{label(answer)} needs the keyword {each.name!r}; {_EXPECTED}, others with a default")
    return parameters


# ------------------------------------------------------------------------------------------------ what kind it is


def body(answer: Answer) -> Answer:
    """Give what tells the kind and the source of a function: the method behind a callable object."""
    inner = answer.func if isinstance(answer, functools.partial) else answer
    return inner if inspect.isroutine(inner) else type(inner).__call__


def _inline(call: _Call) -> Ask:
    async def ask(request: Any, context: StepContext) -> Any:
        return await _settled(call(request, context))

    return ask


def _blocking(call: _Call) -> Ask:
    async def ask(request: Any, context: StepContext) -> Any:
        inside = context.for_thread(asyncio.get_running_loop())
        return await _settled(await in_thread(call, request, inside))

    return ask


async def _settled(reply: Any) -> Any:
    # A plain function may well return a coroutine: a decorated ``async def``, or a lambda around one.
    return await reply if inspect.isawaitable(reply) else reply


# ------------------------------------------------------------------------------------------------------ streams


class _Stream:
    """Collects what a generator yields: text is streamed, anything else has to be the last."""

    def __init__(self, context: StepContext) -> None:
        self._emit = context.emit
        self._texts: list[str] = []
        self._others: list[Any] = []

    def take(self, piece: Any) -> None:
        if self._others:
            raise ReplyError(
                f"a {type(self._others[0]).__name__} was yielded before the end; expected text, and other content last",
            )
        if isinstance(piece, str):
            self._texts.append(piece)
            self._emit(piece)
        else:
            self._others.append(piece)

    def reply(self) -> Any:
        return self._others[0] if self._others else "".join(self._texts)


def _streaming(call: _Call) -> Ask:
    async def ask(request: Any, context: StepContext) -> Any:
        stream = _Stream(context)
        async with aclosing(call(request, context)) as pieces:
            async for piece in pieces:
                stream.take(piece)
        return stream.reply()

    return ask


def _streaming_inline(call: _Call) -> Ask:
    async def ask(request: Any, context: StepContext) -> Any:
        return _drained(call, request, context, threading.Event())

    return ask


def _streaming_in_thread(call: _Call) -> Ask:
    async def ask(request: Any, context: StepContext) -> Any:
        inside = context.for_thread(asyncio.get_running_loop())
        abandoned = threading.Event()
        try:
            return await in_thread(_drained, call, request, inside, abandoned)
        finally:
            abandoned.set()

    return ask


def _drained(call: _Call, request: Any, context: StepContext, abandoned: threading.Event) -> Any:
    pieces: Generator[Any, None, Any] = call(request, context)
    stream = _Stream(context)
    try:
        while not abandoned.is_set():
            stream.take(next(pieces))
    except StopIteration as end:
        return stream.reply() if end.value is None else end.value
    finally:
        pieces.close()
    return None  # nobody waits for it any more
