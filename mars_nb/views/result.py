"""What a run gave: `OrchestraResult`, and for each branch a `BranchResult`.

Examples
--------
>>> result = OrchestraResult(success=True, final_response="done", total_steps=3, total_duration=0.5)
>>> result
<OrchestraResult succeeded: 3 steps, 0.50 s, 'done'>
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from mars_nb.actions import said_by
from mars_nb.engine.branch import BranchState
from mars_nb.errors import RunNotFound
from mars_nb.views import answer, spending

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.trace import StepTrace
    from mars_nb.views.charts import PlotKind
    from mars_nb.views.history import History

SHORT = 60
"""Characters of an answer that a one-line summary shows."""


@dataclass(eq=False)
class BranchResult:
    """What one branch did.

    Attributes
    ----------
    branch_id : str
        Its position in the run, as ``"b0.1"``.
    success : bool
        Whether it ended without a failure.
    final_response : JSON value
        What its last step said; None for a branch that forked.
    total_steps : int
        Steps it completed.
    execution_trace : list of dict
        One entry a step: ``step_id``, ``agent``, ``attempt``, ``status``, ``request``, ``response``, ``action``,
        ``error``.
    branch_memory : dict of str to list of dict
        For each agent in its lineage the messages ``{"role", "content"}`` it exchanged, oldest first.
    usage : dict of str to int
        What models took: ``n_input_tokens``, ``n_output_tokens``, ``n_responses``.
    cost_usd : float or None
        What its steps cost in US dollars; None when a price is not known.
    metadata : dict
        ``agent``, ``parent_id``, ``state``, ``ended`` and ``ended_at_convergence``.
    error : str or None
        Why it failed.
    """

    branch_id: str
    success: bool
    final_response: Any = None
    total_steps: int = 0
    execution_trace: Sequence[dict[str, Any]] = ()
    branch_memory: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    usage: dict[str, int] = field(default_factory=dict)
    cost_usd: float | None = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def __repr__(self) -> str:
        word = "succeeded" if self.success else "failed"
        return f"<BranchResult {self.branch_id} {word}: {_n_steps(self.total_steps)}>"


@dataclass(eq=False)
class OrchestraResult:
    """What a run gave.

    Attributes
    ----------
    success : bool
        Whether nothing failed that was not made up for.
    final_response : JSON value
        The answer; see `mars_nb.views.answer`.
    branch_results : sequence of BranchResult
        One for each branch, in branch order.
    total_steps : int
        Steps that completed.
    total_duration : float
        Seconds from the start to the last event, pauses included.
    metadata : dict
        ``session_id``, ``status``, ``topology_nodes``, ``topology_edges``, ``completed_branches``,
        ``cancelled_tasks``.
    error : str or None
        Why it failed, as a chain of causes.
    """

    success: bool
    final_response: Any = None
    branch_results: Sequence[BranchResult] = ()
    total_steps: int = 0
    total_duration: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    history: History | None = field(default=None, repr=False)

    @property
    def responses(self) -> dict[str, Any]:
        """Every answer, ``{agent: content}`` in branch order."""
        return answer.responses(self._history.state)

    @property
    def usage(self) -> dict[str, int]:
        """What models read, wrote and answered: ``n_input_tokens``, ``n_output_tokens``, ``n_responses``."""
        return spending.usage(self._history.state.steps)

    @property
    def cost_usd(self) -> float | None:
        """What the run cost in US dollars: the sum of its steps; None when a price is not known."""
        return spending.cost_usd(self._history.state.steps)

    def timeline(self) -> pd.DataFrame:
        """Give one row a step; see `mars_nb.views.frames.timeline`."""
        from mars_nb.views import frames

        return frames.timeline(self._history)

    def branches(self) -> pd.DataFrame:
        """Give one row a branch; see `mars_nb.views.frames.branches`."""
        from mars_nb.views import frames

        return frames.branches(self._history)

    def events(self) -> pd.DataFrame:
        """Give one row an event; see `mars_nb.views.frames.events`."""
        from mars_nb.views import frames

        return frames.events(self._history)

    def messages(self) -> pd.DataFrame:
        """Give one row a message; see `mars_nb.views.frames.messages`."""
        from mars_nb.views import frames

        return frames.messages(self._history)

    def plot(self, ax: Axes | None = None, *, kind: PlotKind = "gantt") -> Axes:
        """Draw the branches over time, or ``"topology"``, ``"cost"``, ``"tokens"``; see `mars_nb.views.charts.draw`."""
        from mars_nb.views import charts

        return charts.draw(self._history, kind, ax)

    def __repr__(self) -> str:
        word = self.metadata.get("status") or ("succeeded" if self.success else "failed")
        text = " ".join((repr(self.final_response) if self.error is None else self.error).split())
        text = text if len(text) <= SHORT else text[: SHORT - 1] + "…"
        return f"<OrchestraResult {word}: {_n_steps(self.total_steps)}, {self.total_duration:.2f} s, {text}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        if self.history is None:
            return {"text/plain": repr(self)}
        from mars_nb.views.nodes import run_mimebundle

        bundle = run_mimebundle(self.history)
        return {**bundle, "text/plain": f"{self!r}\n{bundle['text/plain']}"}

    @property
    def _history(self) -> History:
        if self.history is None:
            raise RunNotFound("this result was made by hand and has no history; run something: Orchestra.run(...)")
        return self.history


class _Lazily(Sequence[BranchResult]):
    """A sequence that is made when somebody looks at it: most results are never read branch by branch."""

    def __init__(self, make: Callable[[], list[BranchResult]]) -> None:
        self._make = make
        self._items: list[BranchResult] | None = None

    def _all(self) -> list[BranchResult]:
        if self._items is None:
            self._items = self._make()
        return self._items

    @overload
    def __getitem__(self, index: int) -> BranchResult: ...

    @overload
    def __getitem__(self, index: slice) -> list[BranchResult]: ...

    def __getitem__(self, index: int | slice) -> BranchResult | list[BranchResult]:
        return self._all()[index]

    def __iter__(self) -> Iterator[BranchResult]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


def result_of(history: History, *, session_id: str, n_cancelled: int = 0) -> OrchestraResult:
    """Give the result of a run.

    Parameters
    ----------
    history : History
        What happened.
    session_id : str
        Id of its session.
    n_cancelled : int
        Steps that were running when it ended.

    Returns
    -------
    OrchestraResult
        Its branches are made when they are looked at.
    """
    state, journal, topology = history.state, history.journal, history.topology
    duration_s = journal.at(journal.n_events) - journal.at(state.began_seq) if journal.n_events else 0.0
    return OrchestraResult(
        success=state.status == "succeeded",
        final_response=answer.final_response(state),
        branch_results=_Lazily(lambda: branch_results(history)),
        total_steps=state.n_completed,
        total_duration=duration_s,
        metadata={
            "session_id": session_id,
            "status": state.status,
            "topology_nodes": len(topology.nodes),
            "topology_edges": len(topology.edges),
            "completed_branches": sum(branch.state is BranchState.ENDED for branch in state.branches.values()),
            "cancelled_tasks": n_cancelled,
        },
        error=state.error,
        history=history,
    )


def describe_state(history: History) -> dict[str, Any]:
    """Give where everybody stands as plain JSON."""
    state = history.state
    branches = {
        branch.id: {"agent": branch.agent, "state": branch.state.value, "n_steps": branch.n_done}
        for branch in state.branches.values()
    }
    return {
        "status": state.status,
        "task": state.task,
        "context": state.context,
        "total_steps": state.n_completed,
        "branches": branches,
        "responses": answer.responses(state),
    }


def branch_results(history: History) -> list[BranchResult]:
    """Give one result a branch, in branch order."""
    steps: dict[str, list[StepTrace]] = {}
    for step in history.state.steps:
        steps.setdefault(step.branch_id, []).append(step)
    branches = sorted(history.state.branches.values(), key=lambda branch: branch.position)
    return [_branch_result(branch, steps.get(branch.id, [])) for branch in branches]


def trace_entry(step: StepTrace) -> dict[str, Any]:
    """Give one entry of an execution trace."""
    return {
        "step_id": step.step_id,
        "agent": step.agent,
        "attempt": step.attempt,
        "status": step.status,
        "request": step.request,
        "response": response_of(step),
        "action": type(step.action).__name__ if step.action else None,
        "error": step.error if step.status == "failed" else None,
    }


def response_of(step: StepTrace) -> Any:
    """Give what a step said: plain content, or the content of its action."""
    return said_by(step.action) if step.action else step.content


def _branch_result(branch: ExecutionBranch, steps: Sequence[StepTrace]) -> BranchResult:
    is_failed = branch.state is BranchState.FAILED
    return BranchResult(
        branch_id=branch.id,
        success=branch.state is BranchState.ENDED,
        final_response=branch.content if branch.ended else branch.said,
        total_steps=branch.n_done,
        execution_trace=[trace_entry(step) for step in steps],
        usage=spending.usage(steps),
        cost_usd=spending.cost_usd(steps),
        branch_memory={agent: link.messages() for agent, link in branch.memory.items()},
        metadata={
            "agent": branch.agent,
            "parent_id": branch.parent_id,
            "state": branch.state.value,
            "ended": branch.ended or None,
            "ended_at_convergence": branch.ended == "joined",
        },
        error=": ".join(branch.error) if is_failed and branch.error else None,
    )


def _n_steps(n: int) -> str:
    return f"{n} step" if n == 1 else f"{n} steps"
