"""A run as the notebook holds it: one handle under one name, from before it starts until long after it ended.

``%%mars report`` binds a `Run` to ``report``. It can be awaited, it knows its status, and once it has ended it answers
for its result: every field and table of `OrchestraResult` is also one of the run. Who runs it writes to its
`RunRecord`; the handle only reads.

Examples
--------
>>> from mars_nb.topology.model import Topology
>>> run = Run(RunRecord("report", "Say hello", Topology.from_text("User -> A -> User")))
>>> run
<Run 'report' drawn>
>>> run.final_response
Traceback (most recent call last):
mars_nb.errors.RunNotFound: run 'report' was only drawn; run its cell without --dry-run
"""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import TimeoutError as TooLate
from typing import TYPE_CHECKING, Any

from mars_nb.agents.replies import as_text
from mars_nb.errors import RunNotFound, RunPaused
from mars_nb.jupyter.live import Presses
from mars_nb.jupyter.records import LOOK_EVERY_S, RunRecord
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from concurrent.futures import Future

    import pandas as pd
    from matplotlib.axes import Axes

    from mars_nb.jupyter.records import Status
    from mars_nb.topology.model import Topology
    from mars_nb.views.charts import PlotKind
    from mars_nb.views.result import BranchResult, OrchestraResult


def record_of(run: Run) -> RunRecord:
    """Give what is known of a run."""
    return run._record  # noqa: SLF001 (the handle hides it from users, not from us)


class Run:
    """A run: await it, look at it, ask it for its result.

    Parameters
    ----------
    record : RunRecord
        What is known of it.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    @property
    def name(self) -> str:
        """The variable that the run was bound to."""
        return self._record.name

    @property
    def task(self) -> Any:
        """What was asked."""
        return self._record.task

    @property
    def topology(self) -> Topology:
        """Who may talk to whom."""
        return self._record.topology

    @property
    def status(self) -> Status:
        """``"drawn"``, ``"running"``, ``"paused"``, ``"succeeded"``, ``"failed"`` or ``"cancelled"``."""
        return self._record.status

    @property
    def result(self) -> OrchestraResult:
        """The result.

        Raises
        ------
        RunNotFound
            Before the end.
        """
        if self._record.end.done():
            return self._record.end.result()
        if self.status == "drawn":
            raise RunNotFound(f"run {self.name!r} was only drawn; run its cell without --dry-run")
        raise RunNotFound(f"run {self.name!r} has not ended yet; wait for it: await {self.name}")

    @property
    def success(self) -> bool:
        """Whether nothing failed that was not made up for."""
        return self.result.success

    @property
    def final_response(self) -> Any:
        """The answer."""
        return self.result.final_response

    @property
    def branch_results(self) -> Sequence[BranchResult]:
        """What each branch did, in branch order."""
        return self.result.branch_results

    @property
    def total_steps(self) -> int:
        """Steps that completed."""
        return self.result.total_steps

    @property
    def total_duration(self) -> float:
        """Seconds from the first event to the last."""
        return self.result.total_duration

    @property
    def metadata(self) -> dict[str, Any]:
        """Facts about the run; see `OrchestraResult`."""
        return self.result.metadata

    @property
    def error(self) -> str | None:
        """Why it failed, as a chain of causes."""
        return self.result.error

    @property
    def usage(self) -> dict[str, int]:
        """Tokens that models read and wrote, and their responses."""
        return self.result.usage

    @property
    def cost_usd(self) -> float | None:
        """What models cost in US dollars; None when a price is not known."""
        return self.result.cost_usd

    @property
    def responses(self) -> dict[str, Any]:
        """Every answer, ``{agent: content}`` in branch order."""
        return self.result.responses

    def timeline(self) -> pd.DataFrame:
        """Give one row a step; see `mars_nb.views.frames.timeline`."""
        return self.result.timeline()

    def branches(self) -> pd.DataFrame:
        """Give one row a branch; see `mars_nb.views.frames.branches`."""
        return self.result.branches()

    def events(self) -> pd.DataFrame:
        """Give one row an event; see `mars_nb.views.frames.events`."""
        return self.result.events()

    def messages(self) -> pd.DataFrame:
        """Give one row a message; see `mars_nb.views.frames.messages`."""
        return self.result.messages()

    def plot(self, ax: Axes | None = None, *, kind: PlotKind = "gantt") -> Axes:
        """Draw the branches over time, or ``"topology"``, ``"cost"``, ``"tokens"``; see `mars_nb.views.charts.draw`."""
        return self.result.plot(ax, kind=kind)

    def wait(self, timeout_s: float | None = None) -> OrchestraResult:
        """Wait for the end, or the next pause, of a run in the background; the stop button pauses it.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait; default: as long as it takes.

        Returns
        -------
        OrchestraResult
            What it gave.

        Raises
        ------
        RunNotFound
            If it was only drawn, or has not ended in that time.
        RunPaused
            If the stop button paused it.
        """
        presses, end, waited_s = Presses(self._record), self._record.end, 0.0
        if self.status == "drawn":
            return self.result
        with presses.heard():
            while not (end.done() or presses.is_late or (timeout_s is not None and waited_s >= timeout_s)):
                look_s = LOOK_EVERY_S if timeout_s is None else min(LOOK_EVERY_S, timeout_s - waited_s)
                waited_s += look_s
                _look(end, look_s)
        return self._given(presses)

    def _given(self, presses: Presses) -> OrchestraResult:
        self._record.repaint()
        if presses.n:
            raise RunPaused(paused_text(self._record))
        return self.result

    def print(self) -> None:
        """Print where everybody stands, as text."""
        print(self._record.bundle()["text/plain"])  # noqa: T201  (what the method is for)

    def __await__(self) -> Generator[Any, None, OrchestraResult]:
        return self._awaited().__await__()

    async def _awaited(self) -> OrchestraResult:
        presses, end = Presses(self._record), self._record.end
        if self.status == "drawn":
            return self.result
        waited = asyncio.wrap_future(end)
        with presses.heard():
            while not (end.done() or presses.is_late):
                # `wait` leaves it alone: whoever gives up waiting must not take the result away from the others.
                await asyncio.wait([waited], timeout=LOOK_EVERY_S)
        return self._given(presses)

    def __repr__(self) -> str:
        if not self._record.end.done():
            return f"<Run {self.name!r} {self.status}>"
        return f"<Run {self.name!r}{repr(self.result).removeprefix('<OrchestraResult')}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        bundle = self._record.bundle()
        return {**bundle, "text/plain": f"{self!r}\n{bundle['text/plain']}"}


def _look(end: Future[OrchestraResult], timeout_s: float) -> None:
    with contextlib.suppress(TooLate):
        end.result(timeout_s)


def paused_text(record: RunRecord) -> str:
    """Say that a run is paused, or will be, and how to go on."""
    state = None if record.history is None else record.history.state
    if record.status == "running" or state is None:
        busy = sorted({step.agent for step in state.steps if step.status == "running"}) if state else []
        return (
            f"run {record.name!r} pauses when {', '.join(busy) or 'its step'} is done; not to wait: %mars pause "
            f"{record.handle} --now; then go on: %mars resume {record.handle}"
        )
    if state.questions:
        question = as_text(state.questions[0].question)
        return f"run {record.name!r} asks {quoted(question)}; answer and go on: %mars answer TEXT"
    steps = f"{state.n_completed} step{'' if state.n_completed == 1 else 's'}"
    reason = f" ({state.pause_reason})" if state.pause_reason else ""
    return f"run {record.name!r} paused after {steps}{reason}; nothing is lost, go on: %mars resume {record.handle}"
