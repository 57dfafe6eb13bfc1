"""The loop beside the kernel's: where a run goes on while its cell waits, or while nobody does."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from concurrent.futures import Future

CLOSE_S = 5.0
"""How long the loop thread may take to end."""


class LoopThread:
    """One event loop in a daemon thread of its own, started when first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def submit(self, work: Coroutine[Any, Any, bool]) -> Future[bool]:
        """Start a coroutine there; where there can be no thread (Pyodide), on the loop that runs here."""
        if self._loop is None:
            loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_live, args=(loop,), name="mars_nb-loop", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                loop.close()
                return asyncio.run_coroutine_threadsafe(work, asyncio.get_running_loop())
            self._loop, self._thread = loop, thread
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the loop, and with it whatever still runs there; a later `submit` starts another one."""
        loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(CLOSE_S)


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
