"""How whoever sits at the notebook is asked: in the live view, by ``%mars answer``, or with an input line.

The question stands in the live view. A kernel that hears no clicks in the middle of a cell cannot take the answer from
there; then the cell asks with an input line of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from mars_nb.errors import NobodyToAsk
from mars_nb.topology.names import quoted
from mars_nb.views.labels import clean

if TYPE_CHECKING:
    import queue
    from collections.abc import Callable, Iterator

    from mars_nb.jupyter.live import Live, Presses
    from mars_nb.jupyter.records import RunRecord

LOOK_S = 0.1
N_LOOKS = 12
"""How often a page is given another moment to say that it is there, before the question goes to the keyboard."""


class Here:
    """Asks in the middle of a cell that is awaited: everything else waits for the answer."""

    def __init__(
        self, keyboard: Callable[[str], str], paint: Callable[[], object], presses: Presses, record: RunRecord
    ) -> None:
        self._keyboard = keyboard
        self._paint = paint
        self._presses = presses
        self._record = record

    async def ask(self, question: str) -> str:
        """Ask, and wait for the reply."""
        self._paint()
        if await _is_heard(self._record) and (live := self._record.live):
            return await live.ask(question, self._paint)
        try:
            return _answer(self._keyboard, question)
        except KeyboardInterrupt:
            self._presses.press()
            never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            return await never  # the pause cancels the question


class There:
    """Asks in the thread of the cell that waits; the other agents go on."""

    def __init__(
        self,
        keyboard: Callable[[str], str],
        paint: Callable[[], object],
        inbox: queue.SimpleQueue[Callable[[], object]],
        record: RunRecord,
    ) -> None:
        self._keyboard = keyboard
        self._paint = paint
        self._inbox = inbox
        self._record = record

    async def ask(self, question: str) -> str:
        """Ask, and wait for the reply."""
        self._paint()
        if await _is_heard(self._record) and (live := self._record.live):
            return await live.ask(question, self._paint)
        answer: Future[str] = Future()
        self._inbox.put(partial(_resolve, answer, partial(_answer, self._keyboard, question)))
        return await asyncio.wrap_future(answer)


class Later:
    """Lets the question stand until somebody says ``%mars answer``; the other agents go on."""

    def __init__(self, live: Live, paint: Callable[[], object]) -> None:
        self._live = live
        self._paint = paint

    async def ask(self, question: str) -> str:
        """Ask, and wait for the reply."""
        return await self._live.ask(question, self._paint)


async def _is_heard(record: RunRecord) -> bool:
    """Tell whether the question box of a live view is heard in the middle of this cell; a page needs a moment."""
    for _ in range(N_LOOKS if any(screen.can_be_heard for screen in record.screens) else 0):
        if record.is_heard:
            return True
        await asyncio.sleep(LOOK_S)
    return False


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
        with _interruptible():
            return keyboard("\n".join(map(clean, question.splitlines())) + "\n> ")
    except EOFError:
        raise NobodyToAsk(f"{quoted(question)} was asked, and the input ended; answer with -u VAR instead") from None


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Let the stop button interrupt ``input()``: else it is only noted, by us or by the kernel's blocked loop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
