from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import AgentRegistry, AskUser, MarsError, NobodyToAsk, Orchestra, StateManager, agent
from mars_nb.jupyter import asking, live, runner
from mars_nb.jupyter.live import Presses, at_once
from mars_nb.jupyter.loop_thread import LOOP
from mars_nb.jupyter.records import RunRecord
from mars_nb.jupyter.runner import Job, run_here, run_there
from mars_nb.jupyter.runs import paused_text
from mars_nb.jupyter.screens import Painter, Screen
from mars_nb.topology.model import Topology
from tests.unit.jupyter.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Gallery(Screen):
    """A screen that keeps its pictures, and the threads that painted them."""

    def __init__(self) -> None:
        super().__init__("live")
        self.pictures: list[str] = []
        self.threads: set[str] = set()

    def repaint(self, bundle: Mapping[str, str]) -> None:
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


def job(answer: Any, *, user: object = None, keyboard: Any = None, drawn: str = "User -> A -> User") -> Job:
    registry, manager = AgentRegistry(), StateManager()
    agent("A", registry=registry)(answer)
    agent("B", registry=registry)(hello)
    manager.create("run-1", "x", {})
    topology = Topology.from_text(drawn)
    record = RunRecord("run", "x", topology, session_id="run-1")
    orchestra = Orchestra(registry, state_manager=manager)
    return Job(record, orchestra, lambda session: session.run(topology), user=user, keyboard=keyboard)


async def hello(_request: object) -> str:
    return "hello"


async def asks(request: object, context: Any) -> Any:
    return f"you chose {request}" if context.step_id.endswith("#2") else AskUser("red or\nblue?")


async def raises_at_once(_session: object) -> Any:
    raise OSError("disk full")


async def test_a_run_on_the_loop_of_its_cell_comes_to_its_end() -> None:
    work = job(hello)
    assert await run_here(work, Gallery())
    assert (work.record.status, work.record.end.result().final_response) == ("succeeded", "hello")


def test_a_run_on_the_loop_thread_is_painted_in_the_thread_of_its_cell() -> None:
    work, gallery = job(hello), Gallery()
    assert run_there(work, gallery)
    assert work.record.end.result().final_response == "hello"
    assert gallery.threads == {threading.current_thread().name}


class Slow:
    """An agent that takes until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.is_done: Callable[[], object] = self.go_on.is_set

    async def __call__(self, _request: object) -> str:
        self.begun.set()
        await until(lambda: self.is_done())  # noqa: PLW0108 (it is replaced meanwhile)
        return "slow"


async def test_the_first_interrupt_of_a_cell_pauses_its_run_when_the_step_is_over() -> None:
    slow = Slow()
    work = job(slow, drawn="User -> A -> B -> User")
    cell = asyncio.ensure_future(run_here(work, Gallery()))
    await until(slow.begun.is_set)
    slow.is_done = lambda: work.record.history and work.record.history.state.is_pausing
    cell.cancel()
    assert await cell is False
    result = work.record.end.result()
    assert (work.record.status, result.total_steps) == ("paused", 1)


async def test_the_second_interrupt_pauses_at_once_and_the_third_ends_the_run() -> None:
    for n_presses, status in ((2, "paused"), (3, "cancelled")):
        slow = Slow()
        work = job(slow, drawn="User -> A -> B -> User")
        cell = asyncio.ensure_future(run_here(work, Gallery()))
        await until(slow.begun.is_set)
        for _ in range(n_presses):
            signal.raise_signal(signal.SIGINT)
        assert await cell is False
        assert (work.record.status, work.record.end.result().total_steps) == (status, 0)


async def test_a_run_whose_step_goes_on_is_left_to_pause_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GRACE_S", 0.0)
    slow = Slow()
    work = job(slow, drawn="User -> A -> B -> User")
    cell = asyncio.ensure_future(run_here(work, Gallery()))
    await until(slow.begun.is_set)
    signal.raise_signal(signal.SIGINT)
    assert await cell is False
    assert work.record.live
    assert paused_text(work.record).startswith("run 'run' pauses when A is done; not to wait: %mars pause run --now")
    slow.go_on.set()
    await until(lambda: work.record.status == "paused")


def test_the_stop_button_pauses_a_run_on_the_loop_thread() -> None:
    slow = Slow()

    class Presser(Gallery):
        def paint(self, bundle: Mapping[str, str]) -> None:
            if "▶ A" in bundle["text/plain"]:
                signal.raise_signal(signal.SIGINT)

    work = job(slow, drawn="User -> A -> B -> User")
    slow.is_done = lambda: work.record.history and work.record.history.state.is_pausing
    assert not run_there(work, Presser())
    assert (work.record.status, work.record.end.result().total_steps) == ("paused", 1)


def test_a_run_that_was_paused_when_nothing_was_left_has_ended() -> None:
    work = job(hello)
    work.is_one_step = True
    assert run_there(work, Gallery())
    assert work.record.status == "succeeded"


def test_a_run_that_was_stopped_before_it_began_says_so() -> None:
    record = job(hello).record
    runner._cancelled(record)
    assert record.end.result().error == "MarsError: run 'run' was stopped before it began"


def test_what_breaks_the_run_itself_reaches_the_cell() -> None:
    work = job(hello)
    work.go = raises_at_once
    with pytest.raises(OSError, match="disk full"):
        run_there(work, Gallery())
    assert work.record.end.result().error == "OSError: disk full"


async def test_a_question_in_an_awaited_cell_is_typed_below_the_picture() -> None:
    keyboard = Keyboard()
    work, gallery = job(asks, keyboard=keyboard), Gallery()
    assert await run_here(work, gallery)
    assert work.record.end.result().final_response == "you chose blue"
    assert keyboard.prompts == ["red or\nblue?\n> "]
    assert gallery.pictures[-1].startswith("? A")


def test_a_question_on_the_loop_thread_is_typed_in_the_thread_of_the_cell() -> None:
    keyboard = Keyboard()
    work = job(asks, keyboard=keyboard)
    assert run_there(work, Gallery())
    assert work.record.end.result().final_response == "you chose blue"
    assert keyboard.threads == [threading.current_thread().name]


def test_whoever_is_named_with_user_is_asked_instead_of_the_keyboard() -> None:
    work = job(asks, user=["green"], keyboard=lambda _: pytest.fail("the keyboard was asked"))
    assert run_there(work, Gallery())
    assert work.record.end.result().final_response == "you chose green"


async def test_the_end_of_the_input_fails_the_run_and_names_the_option() -> None:
    def ends(_prompt: str) -> str:
        raise EOFError

    work = job(asks, keyboard=ends)
    assert await run_here(work, Gallery())
    assert "'red or\\nblue?' was asked, and the input ended; answer with -u VAR" in str(work.record.end.result().error)


def test_the_end_of_the_input_is_told_from_the_cells_thread_too() -> None:
    def ends(_prompt: str) -> str:
        raise NobodyToAsk("nobody there")

    work = job(asks, keyboard=ends)
    assert run_there(work, Gallery())
    assert "nobody there" in str(work.record.end.result().error)


async def test_the_stop_button_while_a_question_is_open_pauses_the_run() -> None:
    before = signal.getsignal(signal.SIGINT)

    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    work = job(asks, keyboard=interrupted)
    assert not await run_here(work, Gallery())
    assert work.record.status == "paused"
    assert signal.getsignal(signal.SIGINT) is before
    assert paused_text(work.record) == "run 'run' asks 'red or\\nblue?'; answer and go on: %mars answer TEXT"


def test_the_stop_button_while_the_waiting_cell_asks_pauses_the_run() -> None:
    def interrupted(_prompt: str) -> str:
        raise KeyboardInterrupt

    work = job(asks, keyboard=interrupted)
    assert not run_there(work, Gallery())
    assert work.record.status == "paused"


def test_signals_are_left_alone_outside_the_main_thread() -> None:
    done: list[str] = []
    before = signal.getsignal(signal.SIGINT)

    def ask() -> None:
        with asking._interruptible(), Presses(job(hello).record).heard():
            done.append("asked")

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert done == ["asked"]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_press_before_the_run_began_is_no_error() -> None:
    presses = Presses(job(hello).record)
    presses.press()
    assert (presses.n, presses.is_late) == (1, False)


async def test_only_what_waits_for_nothing_can_be_carried_out_at_once() -> None:
    async def waits() -> None:
        await asyncio.Event().wait()

    with pytest.raises(MarsError, match="await it instead"):
        at_once(waits())


async def test_a_run_is_painted_when_something_happened_and_not_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gallery, "every_s", 0)
    pictures: list[object] = []
    monkeypatch.setattr(Gallery, "show", lambda _, record: pictures.append(record))
    record = RunRecord("run", "x", Topology.from_text("User -> A -> User"))
    record.attach(Gallery())
    painter = Painter(record)
    painting = asyncio.ensure_future(painter.keep_painting())
    for is_due in (False, True, False):
        painter.is_due = is_due
        for _ in range(3):
            await asyncio.sleep(0)
    painting.cancel()
    assert len(pictures) == 1


async def test_a_picture_that_stands_still_is_not_painted_on_the_way() -> None:
    work, gallery = job(hello), Gallery()
    gallery.view = "static"
    await run_here(work, gallery)
    assert gallery.pictures == []


def test_the_loop_thread_starts_again_after_it_was_closed() -> None:
    for _ in range(2):
        assert run_there(job(hello), Gallery())
        LOOP.close()
    LOOP.close()


async def test_where_no_thread_can_be_started_a_run_goes_to_the_loop_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_thread: object) -> None:
        raise RuntimeError("can't start new thread")

    async def work() -> bool:
        return asyncio.get_running_loop() is here

    here = asyncio.get_running_loop()
    LOOP.close()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        submitted = LOOP.submit(work())
    assert await asyncio.wrap_future(submitted)
