"""A run that is going on, and what may be done to it from anywhere: pause, cancel, ask, answer.

A run belongs to the loop it is on, which may be that of the kernel or that of the thread beside it. Whatever comes from
elsewhere (a cell, a click, the stop button) is handed over to that loop; a bare flag would wake nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from mars_nb.errors import MarsError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

    from mars_nb.jupyter.records import RunRecord
    from mars_nb.session import Session

Result = TypeVar("Result")

LOOK_S = 1.0
"""How long somebody who looks at a run waits for its loop; what keeps the loop for longer is no step of the run."""
GRACE_S = 5.0
"""How long a cell waits for the running steps after its run was told to pause."""
N_PRESSES = 2
"""The first interrupt pauses, the second one cancels the running steps; any more end the run."""


def at_once(work: Coroutine[Any, Any, Result]) -> Result:
    """Carry out a coroutine that waits for nothing, with or without a loop around.

    Raises
    ------
    MarsError
        If it does wait.

    Examples
    --------
    >>> async def answer():
    ...     return 42
    >>> at_once(answer())
    42
    """
    try:
        work.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    work.close()
    raise MarsError("this has to wait for something; await it instead")


class Live:
    """A run that is going on.

    Made on the loop of the run.

    Parameters
    ----------
    session : Session
        What is run.
    task : asyncio.Task
        Who runs it.

    Attributes
    ----------
    session : Session
        The same.
    question : str
        What a person is asked now and may answer with ``%mars answer``; empty if nothing is.
    """

    def __init__(self, session: Session, task: asyncio.Future[Any]) -> None:
        self.question = ""
        self.session = session
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._answer: asyncio.Future[str] | None = None
        self._pausing: asyncio.Future[bool] | None = None

    def pause(self, reason: str = "you asked for it", *, now: bool = False) -> None:
        """Let no further step start; ``now`` cancels the running ones too, which are asked again later."""
        self.call(lambda: self._pause(reason, now=now))

    def _pause(self, reason: str, *, now: bool) -> None:
        self._pausing = asyncio.ensure_future(self.session.pause(now=now, reason=reason))

    def call(self, work: Callable[[], object]) -> None:
        """Carry something out on the loop of the run, where nothing changes meanwhile."""
        self._loop.call_soon_threadsafe(work)

    def read(self, look: Callable[[], Result]) -> Result:
        """Look at the run on its own loop, where nothing changes meanwhile, and give what was seen."""
        if self.is_here:
            return look()

        async def looked() -> Result:
            return look()

        seen = asyncio.run_coroutine_threadsafe(looked(), self._loop)
        try:
            return seen.result(LOOK_S)
        except TimeoutError:
            seen.cancel()
            return look()

    @property
    def is_here(self) -> bool:
        """Whether the run is on the loop of this thread, and so stands still while this thread waits for it."""
        return threading.get_ident() == self._thread

    def cancel(self) -> None:
        """End the run; what it has is kept."""
        self._loop.call_soon_threadsafe(self._task.cancel)

    def checkpoint(self, name: str) -> str:
        """Name the present position; give the checkpoint's id."""
        work = self.session.checkpoint(name)
        if self.is_here:
            return at_once(work)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(GRACE_S)

    async def ask(self, question: str, show: Callable[[], object]) -> str:
        """Ask whoever looks: show that there is a question, and wait for `answer`."""
        self.question, self._answer = question, self._loop.create_future()
        show()
        try:
            return await self._answer
        finally:
            self.question = ""

    def answer(self, text: str) -> None:
        """Answer the question that is open."""
        self._loop.call_soon_threadsafe(self._take, text)

    def _take(self, text: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(text)


class Presses:
    """The presses of the stop button while a cell waits for a run.

    Parameters
    ----------
    record : RunRecord
        The run.

    Attributes
    ----------
    n : int
        How many there were.
    """

    def __init__(self, record: RunRecord) -> None:
        self.n = 0
        self._record = record
        self._until = 0.0

    def press(self) -> None:
        """Pause the run; at once, if it was told to before; cancel it if that did not help either."""
        self.n += 1
        self._until = time.monotonic() + GRACE_S
        live = self._record.live
        if live is None:
            return
        if self.n > N_PRESSES:
            live.cancel()
        else:
            live.pause("you pressed the stop button", now=self.n == N_PRESSES)

    @property
    def is_late(self) -> bool:
        """Whether the run was given all the time it gets to come to rest."""
        return bool(self.n) and time.monotonic() > self._until

    @contextlib.contextmanager
    def heard(self) -> Iterator[Presses]:
        """Take the kernel's interrupts, in place of whoever takes them otherwise."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        def press(_number: int, _frame: FrameType | None) -> None:
            self.press()

        before = signal.signal(signal.SIGINT, press)
        try:
            yield self
        finally:
            signal.signal(signal.SIGINT, before)
