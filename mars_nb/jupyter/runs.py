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
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mars_nb.errors import RunNotFound
from mars_nb.views import nodes, picture
from mars_nb.views.result import OrchestraResult

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from mars_nb.topology.model import Topology
    from mars_nb.views.history import History
    from mars_nb.views.result import BranchResult

Status = Literal["drawn", "running", "paused", "succeeded", "failed", "cancelled"]
"""Where a run stands; ``"drawn"`` before it starts."""


@dataclass(eq=False)
class RunRecord:
    """What is known of a run; written by whoever runs it.

    Parameters
    ----------
    name : str
        The variable that it is bound to.
    task : JSON value
        What is asked.
    topology : Topology
        Who may talk to whom.
    stubs : tuple of str
        Agents that only repeat what they are asked, because nobody defined them.
    """

    name: str
    task: Any
    topology: Topology
    stubs: tuple[str, ...] = ()
    status: Status = "drawn"
    session_id: str = ""
    history: History | None = field(default=None, repr=False)
    end: Future[OrchestraResult] = field(default_factory=Future, repr=False)

    def finish(self, result: OrchestraResult, status: Status) -> None:
        """Note how the run ended, and wake whoever waits for it."""
        self.status = status
        self.end.set_result(result)

    def break_off(self, error: BaseException) -> None:
        """Note that the run could not be carried out at all."""
        reason = f"{type(error).__name__}: {error}"
        facts = {"session_id": self.session_id, "status": "failed"}
        self.finish(OrchestraResult(success=False, error=reason, metadata=facts, history=self.history), "failed")

    def bundle(self) -> dict[str, str]:
        """Give the picture: of where everybody stands, or of what is drawn."""
        return picture.mimebundle(self.topology) if self.history is None else nodes.run_mimebundle(self.history)


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

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the branches over time; see `mars_nb.views.plot.gantt`."""
        return self.result.plot(ax)

    def print(self) -> None:
        """Print where everybody stands, as text."""
        print(self._record.bundle()["text/plain"])  # noqa: T201  (what the method is for)

    def __await__(self) -> Generator[Any, None, OrchestraResult]:
        if self.status == "drawn":
            return self._at_once().__await__()
        # Shielded: whoever gives up waiting must not take the result away from the others.
        return asyncio.shield(asyncio.wrap_future(self._record.end)).__await__()

    async def _at_once(self) -> OrchestraResult:
        return self.result

    def __repr__(self) -> str:
        if not self._record.end.done():
            return f"<Run {self.name!r} {self.status}>"
        return f"<Run {self.name!r}{repr(self.result).removeprefix('<OrchestraResult')}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        bundle = self._record.bundle()
        return {**bundle, "text/plain": f"{self!r}\n{bundle['text/plain']}"}
