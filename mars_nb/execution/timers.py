"""The clock of a run: step deadlines, and the pause before a retry.

A deadline per step would cost a timer per step. Here they wait in one heap, and the event loop knows only of the next;
a step that is over in time is never touched again.
"""

from __future__ import annotations

import random
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from mars_nb.execution.branch import Job

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 30.0


class Deadlines:
    """Stops jobs that take too long with one step.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The loop that the jobs run on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heap: list[tuple[float, int, int, Job]] = []
        self._n_added = 0
        self._timer: asyncio.TimerHandle | None = None
        self._most = 1_000

    def add(self, job: Job, seconds: float) -> None:
        """Stop a job unless its current step is over in so many seconds."""
        when = self._loop.time() + seconds
        is_next = not self._heap or when < self._heap[0][0]
        self._n_added += 1  # tells entries of the same moment apart
        heappush(self._heap, (when, self._n_added, job.serial, job))
        if is_next:
            self._arm()
        elif len(self._heap) > self._most:
            self._forget_done()

    def close(self) -> None:
        """Forget all deadlines."""
        self._heap.clear()
        if self._timer:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._heap[0][0], self._expire)

    def _expire(self) -> None:
        now = self._loop.time()
        while self._heap and self._heap[0][0] <= now:
            _, _, serial, job = heappop(self._heap)
            if job.serial == serial:
                job.expire()
        self._timer = None
        if self._heap:
            self._arm()

    def _forget_done(self) -> None:
        self._heap = [entry for entry in self._heap if entry[3].serial == entry[2]]
        heapify(self._heap)
        self._most = max(1_000, 2 * len(self._heap))


class Alarms:
    """Calls back after a while, unless the run is over by then.

    Parameters
    ----------
    loop : asyncio.AbstractEventLoop
        The loop to call back on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timers: set[asyncio.TimerHandle] = set()

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Call back in so many seconds."""

        def ring() -> None:
            self._timers.discard(timer)
            act()

        timer = self._loop.call_later(seconds, ring)
        self._timers.add(timer)

    def close(self) -> None:
        """Call nobody back any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()


def retry_pause_s(failed_attempt: int) -> float:
    """Give the seconds before the next attempt: doubled each time, with jitter so that many do not come at once."""
    pause_s = FIRST_PAUSE_S * 2.0 ** (failed_attempt - 1)
    return min(pause_s, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)  # noqa: S311 (not for secrets)
