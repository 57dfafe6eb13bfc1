"""How a person is reached."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mars_nb import AgentError, NobodyToAsk
from mars_nb.agents.people import Person, as_person


def person(user: Any) -> Person:
    found = as_person(user)
    assert found is not None
    return found


def test_without_a_user_there_is_nobody() -> None:
    assert as_person(None) is None


async def test_a_plain_function_is_asked_outside_the_loop() -> None:
    asked_in: list[threading.Thread] = []

    def reply(question: str) -> str:
        asked_in.append(threading.current_thread())
        return question.upper()

    assert await person(reply).ask("colour?") == "COLOUR?"
    assert asked_in[0] is not threading.current_thread()


async def test_async_functions_and_objects_are_awaited() -> None:
    async def reply(question: str) -> str:
        return question[::-1]

    class Desk:
        async def __call__(self, question: str) -> str:
            return await reply(question)

    assert await person(reply).ask("abc") == "cba"
    assert await person(Desk()).ask("abc") == "cba"
    assert await person(lambda question: reply(question + "")).ask("abc") == "cba"


async def test_a_list_is_given_in_order_and_never_changed() -> None:
    replies = ["blue", 7, None]
    first = person(replies)
    assert [await first.ask("?") for _ in replies] == ["blue", "7", ""]
    with pytest.raises(NobodyToAsk, match=r"'more\?' was asked, but all 3 replies of user= are used up"):
        await first.ask("more?")
    assert replies == ["blue", 7, None]
    assert await person(replies).ask("?") == "blue"


async def test_a_mapping_answers_its_questions_only() -> None:
    desk = person({"colour?": "blue"})
    assert await desk.ask("colour?") == await desk.ask("colour?") == "blue"
    with pytest.raises(NobodyToAsk, match=r"holds no reply to it; did you mean 'colour\?'"):
        await desk.ask("color?")


async def test_a_closed_keyboard_is_nobody() -> None:
    def closed(_question: str) -> str:
        raise EOFError

    with pytest.raises(NobodyToAsk, match="function 'closed' met the end of input"):
        await person(closed).ask("x" * 100)


async def test_a_person_stays_the_same_person() -> None:
    desk = person(["yes"])
    assert as_person(desk) is desk


@pytest.mark.parametrize("user", ["yes", 7, str])
def test_anything_else_is_an_error(user: object) -> None:
    with pytest.raises(AgentError, match=r"user= is of type (str|int); expected a function"):
        as_person(user)
