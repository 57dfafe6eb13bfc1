"""Comparing two runs: which steps are the same, which changed, and where they first went apart.

Two runs over the same nodes and edges are aligned by branch and step, whose ids are positions and do not depend on
time. Runs over different topologies have no positions in common; they are aligned by agent and visit: the first time
that each asked the Writer, the second time, and so on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from mars_nb.errors import MarsError
from mars_nb.views.frames import categories, objects, strings
from mars_nb.views.result import OrchestraResult, response_of
from mars_nb.views.table import tabled

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from mars_nb.actions import Action
    from mars_nb.engine.trace import StepTrace
    from mars_nb.views.history import History

Kind = Literal["same", "changed", "only in a", "only in b"]


class HasResult(Protocol):
    """Whatever can tell what it gave, such as a `Session`."""

    @property
    def result(self) -> OrchestraResult:
        """What it gave so far."""
        ...


class Side(NamedTuple):
    """What a step was in one of the two runs."""

    agent: str
    request: Any
    response: Any
    source: str
    outcome: tuple[str, Action | None, str | None]


def compare(a: OrchestraResult | HasResult, b: OrchestraResult | HasResult) -> pd.DataFrame:
    """Compare two runs step by step.

    Parameters
    ----------
    a, b : OrchestraResult or Session
        The runs.

    Returns
    -------
    pandas.DataFrame
        One row a step, in the order in which the steps of ``a`` began: ``step`` (str; ``"b0.1#2"`` or ``"Writer#2"``),
        ``agent`` (str), ``kind`` (category: same, changed, only in a, only in b), ``request_a``, ``request_b``,
        ``response_a``, ``response_b`` (object; None where there is no such step), ``source_a``, ``source_b`` (category:
        asked, recorded), ``is_first_divergence`` (bool). ``attrs["aligned_by"]`` is ``"branch and step"`` or ``"agent
        and visit"``, ``attrs["first_divergence"]`` the ``step`` of the first row that is not the same, or None.

    Raises
    ------
    MarsError
        When one of them is neither a result nor a session.

    Examples
    --------
    >>> from mars_nb import Orchestra, agent
    >>> @agent
    ... async def Echo(request):
    ...     return f"you said {request}"
    >>> runs = [Orchestra.run_sync(task, "User -> Echo -> User") for task in ("one", "two")]
    >>> differences = compare(*runs)
    >>> list(differences["kind"]), differences.attrs["first_divergence"]
    (['changed'], 'b0#1')
    """
    one, other = _history(a), _history(b)
    by_branch = _is_same_drawing(one, other)
    left, right = (_steps(each, by_branch=by_branch) for each in (one, other))
    table = _table(_merged(list(left), list(right)), left, right)
    table.attrs["aligned_by"] = "branch and step" if by_branch else "agent and visit"
    return table


def _history(run: OrchestraResult | HasResult) -> History:
    found = run if isinstance(run, OrchestraResult) else getattr(run, "result", None)
    if not isinstance(found, OrchestraResult) or found.history is None:
        raise MarsError(f"compare() was given a {type(run).__name__}; expected two results of runs, or two sessions")
    return found.history


def _is_same_drawing(one: History, other: History) -> bool:
    drawn = [(set(each.topology.nodes), set(each.topology.directed_edges())) for each in (one, other)]
    return drawn[0] == drawn[1]


def _steps(history: History, *, by_branch: bool) -> dict[str, Side]:
    """Give the steps of a run by the key under which they are compared."""
    found: dict[str, Side] = {}
    visits: dict[str, int] = {}
    for step in history.state.steps:
        visits[step.agent] = visits.get(step.agent, 0) + 1
        key = step.step_id if by_branch else f"{step.agent}#{visits[step.agent]}"
        found[key] = _side(step)
    return found


def _side(step: StepTrace) -> Side:
    error = step.error if step.status == "failed" else None
    source = "recorded" if step.is_recorded else "asked"
    return Side(step.agent, step.request, response_of(step), source, (step.status, step.action, error))


def _merged(left: list[str], right: list[str]) -> list[str]:
    """Give all keys in the order of the first list, those of the second alone after what came before them there."""
    after: dict[str | None, list[str]] = {}
    shared: str | None = None
    known = set(left)
    for key in right:
        if key in known:
            shared = key
        else:
            after.setdefault(shared, []).append(key)
    return [*after.get(None, ()), *(each for key in left for each in (key, *after.get(key, ())))]


def _kind(left: Side | None, right: Side | None) -> Kind:
    if left is None:
        return "only in b"
    if right is None:
        return "only in a"
    return "same" if left._replace(source="") == right._replace(source="") else "changed"


def _table(keys: list[str], left: Mapping[str, Side], right: Mapping[str, Side]) -> pd.DataFrame:
    import pandas as pd

    kinds = [_kind(left.get(key), right.get(key)) for key in keys]
    first = next((key for key, kind in zip(keys, kinds, strict=True) if kind != "same"), None)
    table = tabled(
        {
            "step": strings(keys),
            "agent": strings((left.get(key) or right[key]).agent for key in keys),
            "kind": categories(kinds),
            "request_a": objects(getattr(left.get(key), "request", None) for key in keys),
            "request_b": objects(getattr(right.get(key), "request", None) for key in keys),
            "response_a": objects(getattr(left.get(key), "response", None) for key in keys),
            "response_b": objects(getattr(right.get(key), "response", None) for key in keys),
            "source_a": categories(getattr(left.get(key), "source", None) for key in keys),
            "source_b": categories(getattr(right.get(key), "source", None) for key in keys),
            "is_first_divergence": pd.Series([key == first for key in keys], dtype="bool"),
        }
    )
    table.attrs["first_divergence"] = first
    return table
