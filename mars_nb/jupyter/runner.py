"""How a run lives in a kernel: awaited where the cell is, or on a loop of its own while the cell waits, or goes on.

A ``%%mars`` cell that stands by itself is awaited on the kernel's loop (`run_here`). Where one cannot await (below
``%%time`` or ``%%capture``, in ``run_cell_magic``, in a terminal) the run goes to one loop thread, and the cell waits
for it and does whatever needs its own thread: painting, and asking the person (`run_there`). With ``-b`` nobody waits
(`run_behind`). In each the stop button pauses the run: no step starts, the running ones finish, nothing is lost.

Nothing is ever printed from the loop thread: its words would land in whichever cell happens to run.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mars_nb.engine.branch import BranchState
from mars_nb.errors import MarsError
from mars_nb.events import BranchesJoined, StepCompleted, StepScheduled
from mars_nb.jupyter.asking import Here, Later, There
from mars_nb.jupyter.live import Live, Presses
from mars_nb.jupyter.loop_thread import CLOSE_S, LOOP
from mars_nb.jupyter.records import LOOK_EVERY_S
from mars_nb.jupyter.screens import Painter, in_place
from mars_nb.state.file_storage import FileStorageBackend
from mars_nb.views.onlooker import Onlooker
from mars_nb.views.result import result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Future

    from mars_nb.jupyter.records import RunRecord
    from mars_nb.jupyter.screens import Screen
    from mars_nb.orchestra import Orchestra
    from mars_nb.session import Session
    from mars_nb.state.record import Record
    from mars_nb.views.result import OrchestraResult

START_S = 1.0
"""How long a cell waits for its run in the background to begin, so that the next one can pause it."""
KNOCK_EVERY_S = 0.5
"""How often a run looks whether another process asks it to pause."""
DRAIN_S = 1.5
"""How long running steps may go on when the kernel ends; after two and a half seconds Jupyter ends its process."""


@dataclass
class Job:
    """All that a run needs.

    Parameters
    ----------
    record : RunRecord
        Where what happens is noted; its session exists.
    orchestra : Orchestra
        Who runs it.
    go : callable
        Runs the session, or goes on with it.
    user : object
        As `Orchestra` takes it; None if nobody was named.
    keyboard : callable or None
        Asks whoever sits at the notebook, in the cell's own thread; None if nobody does.
    checkpoint_every : "join", "step", int or None
        How often to give the position a name.
    is_one_step : bool
        Pause as soon as steps run, so that each branch that can go on does one.
    """

    record: RunRecord
    orchestra: Orchestra
    go: Callable[[Session], Coroutine[Any, Any, OrchestraResult]]
    user: object = None
    keyboard: Callable[[str], str] | None = None
    checkpoint_every: str | int | None = None
    is_one_step: bool = False


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
        Whether it came to rest by itself; False if the person pressed the stop button.

    Raises
    ------
    MarsError
        If it could not be carried out.
    """
    presses = Presses(job.record)
    painter = _painter(job.record, screen)
    person = None if job.keyboard is None else Here(job.keyboard, painter.paint, presses, job.record)
    running = asyncio.ensure_future(_carry_out(job, painter, person))
    with presses.heard():
        while not (running.done() or presses.is_late):
            try:
                await asyncio.wait([running], timeout=LOOK_EVERY_S)
            except asyncio.CancelledError:  # a kernel that has no signals stops its cells so
                presses.press()
    if not running.done():
        _leave(running, job.record)
    elif not running.cancelled():
        running.result()
    return not presses.n


def run_there(job: Job, screen: Screen) -> bool:
    """Carry out a run on the loop thread while this thread waits, paints and asks; see `run_here`."""
    inbox: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
    presses = Presses(job.record)
    painter = _painter(job.record, screen)
    screen.relay = inbox.put
    person = None if job.keyboard is None else There(job.keyboard, painter.paint, inbox, job.record)
    running = LOOP.submit(_carry_out(job, painter, person))
    running.add_done_callback(lambda _: inbox.put(lambda: None))
    with presses.heard():
        while not presses.is_late and not (running.done() and inbox.empty()):
            try:
                _serve(inbox)
            except KeyboardInterrupt:  # while the person is asked
                presses.press()
    screen.relay = in_place
    if not running.done():
        _leave(running, job.record)
    elif not running.cancelled():
        running.result()
    return not presses.n


def _painter(record: RunRecord, screen: Screen) -> Painter:
    """Show a run that is about to begin, and give who shows it from then on."""
    record.attach(screen)
    screen.open(record)
    return Painter(record)


def _leave(running: asyncio.Future[bool] | Future[bool], record: RunRecord) -> None:
    """Let a run go on without its cell: it is shown once more when it comes to rest."""

    def settle(done: asyncio.Future[bool] | Future[bool]) -> None:
        if not done.cancelled():
            done.exception()  # told by the handle of the run
        record.settle()

    record.screens = [screen for screen in record.screens if screen.repaints]
    running.add_done_callback(settle)


def run_behind(job: Job, screen: Screen | None = None) -> None:
    """Start a run on the loop thread, where it is shown from, too; nobody waits.

    Parameters
    ----------
    job : Job
        What to run.
    screen : Screen, optional
        Where it is shown; default: wherever it was.
    """
    record = job.record
    if screen is not None:
        record.attach(screen)
        if screen.repaints:
            screen.open(record)
    record.begin()
    record.say()
    _leave(LOOP.submit(_carry_out(job, Painter(record), None, is_behind=True)), record)
    until = time.monotonic() + START_S
    while record.live is None and not record.end.done() and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S / 100)


async def _carry_out(job: Job, painter: Painter, person: object, *, is_behind: bool = False) -> bool:
    record = job.record
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 (a coroutine runs in a task)
    live = Live(job.orchestra.session(record.session_id), task)
    record.begin(live)
    record.onlooker = Onlooker.of(_told(job))
    _listen(job, live, painter)
    beside = [asyncio.ensure_future(painter.keep_painting()), asyncio.ensure_future(_hear_knocks(job, live))]
    asked = Later(live, painter.paint) if is_behind else person
    try:
        session = job.orchestra.session(record.session_id, user=asked if job.user is None else job.user)
        result = await job.go(session)
        if result.metadata["status"] == "paused" and _is_over(result):
            result = await session.resume()
        record.history = result.history
        record.finish(result, result.metadata["status"])
    except asyncio.CancelledError:
        _cancelled(record)
        raise
    except BaseException as error:
        record.break_off(error)
        raise
    finally:
        for each in beside:
            each.cancel()
    return True


async def _hear_knocks(job: Job, live: Live) -> None:
    """Pause the run when another process asks for it; what was asked before it began does not count."""
    backend = getattr(job.orchestra.state_manager, "backend", None)
    if not isinstance(backend, FileStorageBackend):
        return
    backend.take_knock(job.record.session_id)
    while True:
        await asyncio.sleep(KNOCK_EVERY_S)
        if backend.take_knock(job.record.session_id):
            live.pause("somebody who watches asked for it")


def _told(job: Job) -> list[Record]:
    """Give what had happened before a run goes on."""
    manager = job.orchestra.state_manager
    return [] if manager is None else manager.records(job.record.session_id)


def _is_over(result: OrchestraResult) -> bool:
    """Tell whether a run was paused when nothing was left to do."""
    history = result.history
    return history is not None and all(branch.state is BranchState.ENDED for branch in history.state.branches.values())


def _listen(job: Job, live: Live, painter: Painter) -> None:
    """Hear what happens in a run: to paint it, to name positions, to pause after a step."""
    bus, record = job.orchestra.event_bus, job.record

    def note(event: object) -> None:
        record.history = job.orchestra.history
        record.onlooker.note(event, time.time())
        painter.is_due = True

    bus.subscribe("*", note)
    if job.is_one_step:
        bus.subscribe(StepScheduled, lambda _: live.pause())
    if job.checkpoint_every == "join":
        naming = _Naming(record, live.session, "join")
        for kind in (StepCompleted, BranchesJoined):
            bus.subscribe(kind, naming)
    elif job.checkpoint_every is not None:
        every = 1 if job.checkpoint_every == "step" else int(job.checkpoint_every)
        bus.subscribe(StepCompleted, _Naming(record, live.session, "step", every))


class _Naming:
    """Makes a checkpoint, ``step-4`` or ``join-4``, whose number is that of the steps that are done."""

    def __init__(self, record: RunRecord, session: Session, what: str, every: int = 1) -> None:
        self._session = session
        self._what = what
        self._every = every
        self._n_completed = record.history.state.n_completed if record.history else 0

    def __call__(self, event: object) -> Coroutine[Any, Any, str] | None:
        # Counted by itself: when several steps land at once, the state is ahead of the events.
        if isinstance(event, StepCompleted):
            self._n_completed += 1
            if self._what == "join" or self._n_completed % self._every:
                return None
        return self._session.checkpoint(f"{self._what}-{self._n_completed}")


def _cancelled(record: RunRecord) -> None:
    """Make the result of what happened until the run was stopped."""
    history = record.history
    if history is None:
        record.break_off(MarsError(f"run {record.name!r} was stopped before it began"))
        return
    n_running = sum(step.status == "running" for step in history.state.steps)
    record.finish(result_of(history, session_id=record.session_id, n_cancelled=n_running), "cancelled")


def come_to_rest(records: list[RunRecord], *, at_once: bool = False) -> None:
    """Pause what runs in the background: let the running steps finish, but not for ever, or not at all."""
    for now in (True,) if at_once else (False, True):
        going = [(record.live, record.end) for record in records if record.live is not None]
        until = time.monotonic() + (CLOSE_S - DRAIN_S if now else DRAIN_S)
        for live, _ in going:
            live.pause(now=now)
        for live, end in going:
            if live.is_here:
                continue
            with contextlib.suppress(Exception):
                end.exception(max(0.0, until - time.monotonic()))


def _serve(inbox: queue.SimpleQueue[Callable[[], object]]) -> None:
    """Do one thing that the run asks for in this thread, if there is any."""
    with contextlib.suppress(queue.Empty):
        inbox.get(timeout=LOOK_EVERY_S)()
