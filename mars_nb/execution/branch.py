"""Jobs: the asyncio tasks in which steps run.

A job runs one step after another: when its step lands and the engine says what starts next, the job goes on with the
first of those itself and leaves the others to new jobs. A chain of a thousand steps is one task; a fan-out of a
thousand is a thousand tasks, so they truly run at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mars_nb.errors import StepTimeout
from mars_nb.execution.step import failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.events import StepCompleted, StepFailed
    from mars_nb.execution.step import StepExecutor, StepRequest
    from mars_nb.execution.timers import Deadlines

STEPS_PER_TURN = 16
"""Steps after which a job lets the event loop see to others, even if none waited; 1 where a run can be paused."""


class Job:
    """A task that runs steps one after another.

    Attributes
    ----------
    serial : int
        Counts the steps; a deadline set for an earlier one is void.
    """

    __slots__ = ("is_expired", "serial", "task")

    def __init__(self) -> None:
        self.serial = 0
        self.is_expired = False
        self.task: asyncio.Task[None] | None = None

    def expire(self) -> None:
        """Stop the current step."""
        if self.task:
            self.is_expired = True
            self.task.cancel()

    def was_expired(self) -> bool:
        """Tell whether the step was stopped by `expire`, and forget it."""
        expired, self.is_expired = self.is_expired, False
        if expired and self.task:
            self.task.uncancel()
        return expired


class BranchExecutor:
    """Runs the steps of branches, each branch's one after another.

    Parameters
    ----------
    steps : StepExecutor
        Asks the agents.
    deadlines : Deadlines
        Stops steps that take too long.
    timeout_s : callable
        Gives the seconds that a step of an agent may take, or None.
    land : callable
        Takes the outcome of a step and gives the requests that start next.
    steps_per_turn : int
        Steps after which a job lets the event loop see to others.
    """

    def __init__(
        self,
        steps: StepExecutor,
        *,
        deadlines: Deadlines,
        timeout_s: Callable[[str], float | None],
        land: Callable[[StepCompleted | StepFailed], list[StepRequest]],
        steps_per_turn: int = STEPS_PER_TURN,
    ) -> None:
        self._steps_per_turn = steps_per_turn
        self._steps = steps
        self._deadlines = deadlines
        self._timeout_s = timeout_s
        self._land = land
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, requests: list[StepRequest]) -> None:
        """Run each of these steps in a job of its own."""
        if not requests:
            return
        create_task = asyncio.get_running_loop().create_task
        for asked in requests:
            job = Job()
            job.task = create_task(self._work(job, asked))
            self._jobs.add(job.task)

    def owns(self, task: asyncio.Task[Any] | None) -> bool:
        """Tell whether a task is one of these jobs."""
        return task in self._jobs

    async def stop(self, patience_s: float = 2.0) -> int:
        """Cancel all running steps and wait for them a little; give their number."""
        mine = asyncio.current_task()
        running = [task for task in self._jobs if task is not mine and not task.done()]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=patience_s)
        return len(running)

    async def _work(self, job: Job, asked: StepRequest) -> None:
        try:
            await self._run(job, asked)
        finally:
            if job.task:
                self._jobs.discard(job.task)

    async def _run(self, job: Job, asked: StepRequest) -> None:
        while True:
            outcome = await self._execute(job, asked)
            job.serial += 1
            if job.serial % self._steps_per_turn == 0:
                await asyncio.sleep(0)  # before the outcome lands, so that a pause asked for meanwhile is heard in time
            following = self._land(outcome)
            if not following:
                return
            asked = following.pop(0)
            self.start(following)

    async def _execute(self, job: Job, asked: StepRequest) -> StepCompleted | StepFailed:
        seconds = self._timeout_s(asked.agent.name)
        if seconds is None:
            return await self._steps.execute(asked)
        self._deadlines.add(job, seconds)
        try:
            outcome = await self._steps.execute(asked)
        except asyncio.CancelledError:
            if not job.was_expired():
                raise
            return failure(asked, _too_slow(asked, seconds))
        return failure(asked, _too_slow(asked, seconds)) if job.was_expired() else outcome


def _too_slow(asked: StepRequest, seconds: float) -> StepTimeout:
    return StepTimeout(f"timeout({asked.agent.name}, {seconds:g}): {asked.agent.name!r} took longer than {seconds:g} s")
