"""How a person is reached: whatever ``user=`` was given, one coroutine from a question to a reply.

A notebook gives an input box, a script ``input``, a test a list of replies. A blocking handler runs in a worker thread,
so that the other agents go on while somebody thinks.

Examples
--------
>>> import asyncio
>>> person = as_person(["blue", "round"])
>>> asyncio.run(person.ask("which colour?")), asyncio.run(person.ask("which shape?"))
('blue', 'round')
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from mars_nb.agents.functions import body, label
from mars_nb.agents.replies import as_text, to_content
from mars_nb.agents.threads import in_thread
from mars_nb.errors import AgentError, NobodyToAsk, did_you_mean

_LONGEST_QUOTE = 60


@runtime_checkable
class Person(Protocol):
    """Someone who can be asked."""

    async def ask(self, question: str) -> str:
        """Ask, and wait for the reply.

        Parameters
        ----------
        question : str
            What to ask.

        Returns
        -------
        str
            The reply; empty if there is none.

        Raises
        ------
        NobodyToAsk
            If nobody can answer this question.
        """
        ...


def as_person(user: object) -> Person | None:
    """Read what was given as ``user=``.

    Parameters
    ----------
    user : callable, list of str, mapping of str to str, Person or None
        A function from a question to a reply, sync or async; the replies in order; or the reply to each question. A
        list is copied, so that each run starts with its first reply.

    Returns
    -------
    Person or None
        None if nobody can be asked.

    Raises
    ------
    AgentError
        If it is none of these.
    """
    match user:
        case None:
            return None
        case str() | bytes() | type():
            raise _no_person(user)
        case Mapping():
            return _Answers(user)
        case list() | tuple() | deque():
            return _Replies(user)
        case Person():
            return user
        case _ if callable(user):
            return _Handler(user)
        case _:
            raise _no_person(user)


def _no_person(user: object) -> AgentError:
    kind = user.__name__ if isinstance(user, type) else type(user).__name__
    return AgentError(
        f"user= is of type {kind}; expected a function question -> reply, a list of replies, or a mapping"
    )


class _Handler:
    """Asks by calling a function."""

    def __init__(self, handler: Callable[[str], Any]) -> None:
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(body(handler))

    async def ask(self, question: str) -> str:
        try:
            reply = self._handler(question) if self._is_async else await in_thread(self._handler, question)
            return _read(await reply if inspect.isawaitable(reply) else reply)
        except EOFError:  # what input() raises where there is no keyboard
            raise NobodyToAsk(
                f"{_quoted(question)} was asked, but {label(self._handler)} met the end of input"
            ) from None


class _Replies:
    """Gives prepared replies in their order."""

    def __init__(self, replies: Iterable[Any]) -> None:
        self._left = deque(replies)
        self._n_given = 0

    async def ask(self, question: str) -> str:
        if not self._left:
            raise NobodyToAsk(f"{_quoted(question)} was asked, but all {self._n_given} replies of user= are used up")
        self._n_given += 1
        return _read(self._left.popleft())


class _Answers:
    """Gives the prepared reply to each question."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    async def ask(self, question: str) -> str:
        if question not in self._answers:
            hint = did_you_mean(question, [str(each) for each in self._answers])
            raise NobodyToAsk(f"{_quoted(question)} was asked, but user= holds no reply to it{hint}")
        return _read(self._answers[question])


def _read(reply: Any) -> str:
    return "" if reply is None else as_text(to_content(reply))


def _quoted(question: str) -> str:
    return repr(question if len(question) <= _LONGEST_QUOTE else question[: _LONGEST_QUOTE - 3] + "...")
