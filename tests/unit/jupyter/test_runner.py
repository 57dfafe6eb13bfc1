from __future__ import annotations

import asyncio
import signal
import threading
from typing import Any

import pytest

from mars_nb import AgentRegistry, AskUser, NobodyToAsk, agent
from mars_nb.jupyter import runner
from mars_nb.jupyter.runner import LOOP, Job, Painter, run_here, run_there
from mars_nb.jupyter.runs import RunRecord
from mars_nb.topology.model import Topology


class Gallery:
    """A screen that keeps its pictures, and the threads that painted them."""

    view = "live"

    def __init__(self) -> None:
        self.pictures: list[str] = []
        self.threads: set[str] = set()

    def paint(self, bundle: dict[str, str]) -> None:
        self.pictures.append(bundle["text/plain"])
        self.threads.add(threading.current_thread().name)


class Keyboard:
    """Someone who types ``blue``."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.threads: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        self.threads.append(threading.current_thread().name)
        return "blue"


def job(answer: Any, *, user: object = None, keyboard: Any = None) -> Job:
    registry = AgentRegistry()
    agent("A", registry=registry)(answer)
    return Job(RunRecord("run", "x", Topology.from_text("User -> A -> User")), registry, user=user, keyboard=keyboard)


async def hello(_request: object) -> str:
    return "hello"


async def asks(request: object, context: Any) -> Any:
    return f"you chose {request}" if context.step_id.endswith("#2") else AskUser("red or\nblue?")


async def raises_at_once(*_: object, **__: object) -> None:
    raise OSError("disk full")


async def test_a_run_on_the_loop_of_its_cell_comes_to_its_end() -> None:
    work = job(hello)
    assert await run_here(work, Gallery())  # type: ignore[arg-type]  # has what a screen has
    assert (work.record.status, work.record.end.result().final_response) == ("succeeded", "hello")


def test_a_run_on_the_loop_thread_is_painted_in_the_thread_of_its_cell() -> None:
    work, gallery = job(hello), Gallery()
    assert run_there(work, gallery)  # type: ignore[arg-type]
    assert work.record.end.result().final_response == "hello"
    assert gallery.threads == {threading.current_thread().name}


async def test_cancelling_the_cell_cancels_the_run_and_keeps_what_it_has() -> None:
    begun = asyncio.Event()

    async def waits(_request: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    work = job(waits)
    cell = asyncio.ensure_future(run_here(work, Gallery()))  # type: ignore[arg-type]
    await begun.wait()
    cell.cancel()
    assert await cell is False
    result = work.record.end.result()
    assert (work.record.status, result.metadata["cancelled_tasks"]) == ("cancelled", 1)
    assert result.metadata["session_id"] == work.record.session_id
    assert len(result.timeline()) == 1


def test_the_stop_button_cancels_a_run_on_the_loop_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    async def waits(_request: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    def serve(*_: object) -> None:
        begun.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_serve", serve)
    work = job(waits)
    assert not run_there(work, Gallery())  # type: ignore[arg-type]
    assert work.record.status == "cancelled"


def test_a_run_that_was_stopped_before_it_began_says_so() -> None:
    record = job(hello).record
    runner._cancelled(record)
    assert record.end.result().error == "MarsError: run 'run' was stopped before it began"


def test_what_breaks_the_run_itself_reaches_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.orchestra.Orchestra.execute", raises_at_once)
    work = job(hello)
    with pytest.raises(OSError, match="disk full"):
        run_there(work, Gallery())  # type: ignore[arg-type]
    assert work.record.end.result().error == "OSError: disk full"


async def test_a_question_in_an_awaited_cell_is_typed_below_the_picture() -> None:
    keyboard = Keyboard()
    work, gallery = job(asks, keyboard=keyboard), Gallery()
    assert await run_here(work, gallery)  # type: ignore[arg-type]
    assert work.record.end.result().final_response == "you chose blue"
    assert keyboard.prompts == ["red or\nblue?\n> "]
    assert gallery.pictures[-1].startswith("? A")


def test_a_question_on_the_loop_thread_is_typed_in_the_thread_of_the_cell() -> None:
    keyboard = Keyboard()
    work = job(asks, keyboard=keyboard)
    assert run_there(work, Gallery())  # type: ignore[arg-type]
    assert work.record.end.result().final_response == "you chose blue"
    assert keyboard.threads == [threading.current_thread().name]


def test_whoever_is_named_with_user_is_asked_instead_of_the_keyboard() -> None:
    work = job(asks, user=["green"], keyboard=lambda _: pytest.fail("the keyboard was asked"))
    assert run_there(work, Gallery())  # type: ignore[arg-type]
    assert work.record.end.result().final_response == "you chose green"


async def test_the_end_of_the_input_fails_the_run_and_names_the_option() -> None:
    def ends(_prompt: str) -> str:
        raise EOFError

    work = job(asks, keyboard=ends)
    assert await run_here(work, Gallery())  # type: ignore[arg-type]
    assert "'red or\\nblue?' was asked, and the input ended; answer with -u VAR" in str(work.record.end.result().error)


def test_the_end_of_the_input_is_told_from_the_cells_thread_too() -> None:
    def ends(_prompt: str) -> str:
        raise NobodyToAsk("nobody there")

    work = job(asks, keyboard=ends)
    assert run_there(work, Gallery())  # type: ignore[arg-type]
    assert "nobody there" in str(work.record.end.result().error)


async def test_the_stop_button_while_a_question_is_open_cancels_the_run() -> None:
    before = signal.getsignal(signal.SIGINT)

    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    work = job(asks, keyboard=interrupted)
    assert not await run_here(work, Gallery())  # type: ignore[arg-type]
    assert work.record.status == "cancelled"
    assert signal.getsignal(signal.SIGINT) is before


def test_the_stop_button_while_the_waiting_cell_asks_cancels_the_run() -> None:
    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    work = job(asks, keyboard=interrupted)
    assert not run_there(work, Gallery())  # type: ignore[arg-type]
    assert work.record.status == "cancelled"


def test_signals_are_left_alone_outside_the_main_thread() -> None:
    done: list[str] = []

    def ask() -> None:
        with runner._interruptible():
            done.append("asked")

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert done == ["asked"]


async def test_a_run_is_painted_when_something_happened_and_not_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "PAINT_EVERY_S", 0)
    pictures: list[object] = []
    painter = Painter(RunRecord("run", "x", Topology.from_text("User -> A -> User")), pictures.append, live=True)
    painting = asyncio.ensure_future(painter.keep_painting())
    for is_due in (False, True, False):
        painter.is_due = is_due
        for _ in range(3):
            await asyncio.sleep(0)
    painting.cancel()
    assert len(pictures) == 2


async def test_a_picture_that_stands_still_is_not_painted_on_the_way() -> None:
    work, gallery = job(hello), Gallery()
    gallery.view = "static"
    await run_here(work, gallery)  # type: ignore[arg-type]
    assert gallery.pictures == []


def test_the_loop_thread_starts_again_after_it_was_closed() -> None:
    for _ in range(2):
        assert run_there(job(hello), Gallery())  # type: ignore[arg-type]
        LOOP.close()
    LOOP.close()
