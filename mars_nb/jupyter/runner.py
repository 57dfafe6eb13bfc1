"""How a run lives in a kernel: awaited where the cell is, or on a loop of its own while the cell waits.

A ``%%mars`` cell that stands by itself is awaited on the kernel's loop (`run_here`). Where one cannot await (below
``%%time`` or ``%%capture``, in ``run_cell_magic``, in a terminal) the run goes to one loop thread, and the cell waits
for it and does whatever needs its own thread: painting, and asking the person (`run_there`). In both the stop button
cancels the run and keeps what it has.

Nothing is ever printed from the loop thread: its words would land in whichever cell happens to run.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import signal
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from mars_nb.errors import MarsError, NobodyToAsk
from mars_nb.events import RunStarted
from mars_nb.orchestra import Orchestra
from mars_nb.topology.names import quoted
from mars_nb.views.labels import clean
from mars_nb.views.result import result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from concurrent.futures import Future

    from mars_nb.agents.registry import AgentRegistry
    from mars_nb.jupyter.display import Screen
    from mars_nb.jupyter.runs import RunRecord

PAINT_EVERY_S = 0.25
"""Least time between two pictures of one run."""
GRACE_S = 5.0
"""How long a stopped run may take to come to its end."""
LOOK_EVERY_S = 0.1
"""How often a waiting cell looks up, so that the stop button is heard everywhere."""


@dataclass
class Job:
    """All that a run needs.

    Parameters
    ----------
    record : RunRecord
        Where what happens is noted.
    registry : AgentRegistry
        Who can be asked.
    context : dict
        Given to every agent.
    max_steps : int or None
        Steps that may complete.
    user : object
        As `Orchestra` takes it; None if nobody was named.
    keyboard : callable or None
        Asks whoever sits at the notebook, in the cell's own thread; None if nobody does.
    """

    record: RunRecord
    registry: AgentRegistry
    context: dict[str, Any] = field(default_factory=dict)
    max_steps: int | None = None
    user: object = None
    keyboard: Callable[[str], str] | None = None


async def run_here(job: Job, screen: Screen) -> bool:
    """Carry out a run on the loop of the caller.

    Parameters
    ----------
    job : Job
        What to run.
    screen : Screen
        Where it is painted.

    Returns
    -------
    bool
        Whether it came to its end; False if the person stopped it.

    Raises
    ------
    MarsError
        If it could not be carried out.
    """
    painter = Painter(job.record, screen.paint, live=screen.view == "live")
    person = None if job.keyboard is None else _Here(job.keyboard, painter.paint)
    running = asyncio.ensure_future(_carry_out(job, painter, person))
    if person is not None:
        person.stop = running.cancel
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait([running], timeout=GRACE_S)
        return False


def run_there(job: Job, screen: Screen) -> bool:
    """Carry out a run on the loop thread while this thread waits, paints and asks; see `run_here`."""
    inbox: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    painter = Painter(job.record, lambda bundle: inbox.put(partial(screen.paint, bundle)), live=screen.view == "live")
    person = None if job.keyboard is None else _There(job.keyboard, painter.paint, inbox)
    running = LOOP.submit(_carry_out(job, painter, person))
    try:
        _serve(running, inbox)
        return running.result()
    except KeyboardInterrupt:
        running.cancel()
        _wait_for_end(job.record, inbox)
        return False


async def _carry_out(job: Job, painter: Painter, person: object) -> bool:
    record = job.record
    orchestra = Orchestra(job.registry, user=person if job.user is None else job.user)
    orchestra.event_bus.subscribe("*", partial(_note, record, orchestra, painter))
    record.status = "running"
    painting = asyncio.ensure_future(painter.keep_painting())
    try:
        result = await orchestra.execute(record.task, record.topology, job.context, job.max_steps)
        record.finish(result, result.metadata["status"])
    except asyncio.CancelledError:
        _cancelled(record)
        raise
    except BaseException as error:
        record.break_off(error)
        raise
    finally:
        painting.cancel()
    return True


def _note(record: RunRecord, orchestra: Orchestra, painter: Painter, event: object) -> None:
    record.history = orchestra.history
    painter.is_due = True
    if isinstance(event, RunStarted):
        record.session_id = event.session_id


def _cancelled(record: RunRecord) -> None:
    """Make the result of what happened until the run was stopped."""
    history = record.history
    if history is None:
        record.break_off(MarsError(f"run {record.name!r} was stopped before it began"))
        return
    n_running = sum(step.status == "running" for step in history.state.steps)
    record.finish(result_of(history, session_id=record.session_id, n_cancelled=n_running), "cancelled")


# ------------------------------------------------------------------------------------------------------------ painting


class Painter:
    """Paints a run at most four times a second, and less often where painting is slow.

    Parameters
    ----------
    record : RunRecord
        What is painted.
    show : callable
        Takes each picture.
    live : bool
        Paint while the run goes on, too.

    Attributes
    ----------
    is_due : bool
        Whether something happened since the last picture.
    """

    def __init__(self, record: RunRecord, show: Callable[[dict[str, str]], None], *, live: bool) -> None:
        self.is_due = False
        self._record = record
        self._show = show
        self._live = live
        if live:
            self.paint()

    def paint(self) -> float:
        """Paint now; give the seconds it took."""
        began = time.perf_counter()
        self.is_due = False
        self._show(self._record.bundle())
        return time.perf_counter() - began

    async def keep_painting(self) -> None:
        """Paint whenever something happened, until cancelled."""
        took_s = 0.0
        while self._live:
            # Large pictures take long; the agents get at least four fifths of the loop.
            await asyncio.sleep(max(PAINT_EVERY_S, 4 * took_s))
            took_s = self.paint() if self.is_due else 0.0


# -------------------------------------------------------------------------------------------------------------- asking


class _Here:
    """Asks in the middle of a cell that is awaited: everything else waits for the answer."""

    def __init__(self, keyboard: Callable[[str], str], paint: Callable[[], object]) -> None:
        self._keyboard = keyboard
        self._paint = paint
        self.stop: Callable[[], object] = lambda: None

    async def ask(self, question: str) -> str:
        self._paint()
        try:
            with _interruptible():
                return _answer(self._keyboard, question)
        except KeyboardInterrupt:
            self.stop()
            raise asyncio.CancelledError from None


class _There:
    """Asks in the thread of the cell that waits; the other agents go on."""

    def __init__(
        self,
        keyboard: Callable[[str], str],
        paint: Callable[[], object],
        inbox: queue.SimpleQueue[Callable[[], object]],
    ) -> None:
        self._keyboard = keyboard
        self._paint = paint
        self._inbox = inbox

    async def ask(self, question: str) -> str:
        self._paint()
        answer: Future[str] = _new_future()
        self._inbox.put(partial(_resolve, answer, partial(_answer, self._keyboard, question)))
        return await asyncio.wrap_future(answer)


def _new_future() -> Future[str]:
    from concurrent.futures import Future

    return Future()


def _resolve(answer: Future[str], ask: Callable[[], str]) -> None:
    """Ask, unless the run is over by now; an error of asking is for the run to tell."""
    if not answer.set_running_or_notify_cancel():
        return
    try:
        answer.set_result(ask())
    except Exception as error:  # noqa: BLE001 (whoever awaits the answer hears of it)
        answer.set_exception(error)


def _answer(keyboard: Callable[[str], str], question: str) -> str:
    try:
        return keyboard("\n".join(map(clean, question.splitlines())) + "\n> ")
    except EOFError:
        raise NobodyToAsk(f"{quoted(question)} was asked, and the input ended; answer with -u VAR instead") from None


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let the stop button interrupt ``input()``: while a cell is awaited, the kernel only tells the blocked loop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# --------------------------------------------------------------------------------------------------------- loop thread


class LoopThread:
    """One event loop in a daemon thread of its own, started when first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, work: Coroutine[Any, Any, bool]) -> Future[bool]:
        """Start a coroutine there."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=_live, args=(self._loop,), name="mars_nb-loop", daemon=True)
            self._thread.start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the loop, and with it whatever still runs there; a later `submit` starts another one."""
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(GRACE_S)


def _live(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped, and then let what is left come to its end."""
    loop.run_forever()
    loop.run_until_complete(_cancel_all())
    loop.close()


async def _cancel_all() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


LOOP = LoopThread()


def _serve(running: Future[bool], inbox: queue.SimpleQueue[Callable[[], object]]) -> None:
    """Do what the run asks for in this thread, until it ends."""
    running.add_done_callback(lambda _: inbox.put(lambda: None))
    while not running.done() or not inbox.empty():
        with contextlib.suppress(queue.Empty):
            inbox.get(timeout=LOOK_EVERY_S)()


def _wait_for_end(record: RunRecord, inbox: queue.SimpleQueue[Callable[[], object]]) -> None:
    """Let a cancelled run come to its end, and do what it still asked for."""
    with contextlib.suppress(Exception, KeyboardInterrupt):
        record.end.result(GRACE_S)
    while not inbox.empty():
        inbox.get()()
