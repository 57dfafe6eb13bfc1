"""Jobs: the asyncio tasks in which steps run.

A job runs one step after another: when its step lands and the engine says what starts next, the job goes on with the
first of those itself and leaves the others to new jobs. A chain of a thousand steps is one task; a fan-out of a
thousand is a thousand tasks, so they truly run at once.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING

from mars_nb.errors import StepTimeout
from mars_nb.execution.step import failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.execution.step import Outcome, StepExecutor, StepRequest
    from mars_nb.execution.timers import Deadlines

STEPS_PER_TURN = 16
"""Steps after which a job lets the event loop see to others, even if none waited; 1 where a run can be paused."""

_AROUND: ContextVar[tuple[BranchExecutor, ...]] = ContextVar("mars_nb_around", default=())
"""The runs in one of whose steps the caller is, the innermost last."""


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

    def is_running(self) -> bool:
        """Tell whether the task runs now; a coroutine that is thrown away does not."""
        try:
            return asyncio.current_task() is self.task
        except RuntimeError:  # no loop is running
            return False

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
    broke : callable
        Told what stopped a job that should have gone on, so that nobody waits for it.
    steps_per_turn : int
        Steps after which a job lets the event loop see to others.
    """

    def __init__(
        self,
        steps: StepExecutor,
        *,
        deadlines: Deadlines,
        timeout_s: Callable[[str], float | None],
        land: Callable[[Outcome], list[StepRequest]],
        broke: Callable[[BaseException], None],
        steps_per_turn: int = STEPS_PER_TURN,
    ) -> None:
        self._steps_per_turn = steps_per_turn
        self._steps = steps
        self._deadlines = deadlines
        self._timeout_s = timeout_s
        self._land = land
        self._broke = broke
        self._is_stopping = False
        self._around = (*_AROUND.get(), self)
        self._jobs: set[asyncio.Task[None]] = set()

    def start(self, requests: list[StepRequest]) -> None:
        """Run each of these steps in a job of its own."""
        if not requests:
            return
        create_task = asyncio.get_running_loop().create_task
        around = _AROUND.set(self._around)  # each job takes a copy, and so does all that its agents start
        for asked in requests:
            job = Job()
            job.task = create_task(self._work(job, asked))
            self._jobs.add(job.task)
        _AROUND.reset(around)

    def is_around(self) -> bool:
        """Tell whether the caller is one of these steps, or a task, a thread or a run that one of them started."""
        return self in _AROUND.get()

    async def stop(self, patience_s: float = 2.0) -> int:
        """Cancel all running steps and wait for them a little; give their number."""
        self._is_stopping = True
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
        except BaseException as error:
            if job.is_running() and not self._is_stopping:
                self._broke(error)
            raise
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

    async def _execute(self, job: Job, asked: StepRequest) -> Outcome:
        seconds = self._timeout_s(asked.agent.name)
        if seconds is not None:
            self._deadlines.add(job, seconds)
        try:
            outcome = await self._steps.execute(asked)
        except asyncio.CancelledError:
            if not job.is_expired and await self._was_stopped(job):
                raise
            outcome = failure(asked, RuntimeError("the agent cancelled itself"))
        if seconds is None or not job.was_expired():
            return outcome
        return failure(asked, _too_slow(asked, seconds))

    async def _was_stopped(self, job: Job) -> bool:
        """Tell whether a step was cancelled by somebody else than its agent."""
        while job.task and job.task.cancelling():
            job.task.uncancel()
        await asyncio.sleep(0)  # a program that ends cancels everything at once: the run itself hears of it, too
        return self._is_stopping


def _too_slow(asked: StepRequest, seconds: float) -> StepTimeout:
    return StepTimeout(f"timeout({asked.agent.name}, {seconds:g}): {asked.agent.name!r} took longer than {seconds:g} s")
