"""What each node of the picture shows, given where everybody stands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mars_nb.engine.branch import BranchState
from mars_nb.topology.model import END, START, USER
from mars_nb.views import picture
from mars_nb.views.palette import NodeState, NodeView
from mars_nb.views.waits import awaited, joins

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.state import RunState
    from mars_nb.views.history import History

MANY_NODES = 40
MANY_BRANCHES = 8
TIMES = "\N{MULTIPLICATION SIGN}"

_SHOWN = {
    BranchState.READY: NodeState.READY,
    BranchState.RUNNING: NodeState.RUNNING,
    BranchState.RETRYING: NodeState.RUNNING,
    BranchState.ASKING: NodeState.ASKING,
    BranchState.WAITING: NodeState.WAITING,
    BranchState.CALLING: NodeState.WAITING,
    BranchState.FAILED: NodeState.FAILED,
}

INTERRUPTED = "interrupted"
_AT_REST = {
    "paused": NodeState.PAUSED,
    INTERRUPTED: NodeState.PAUSED,
    "failed": NodeState.READY,
    "cancelled": NodeState.READY,
}

_LOUDEST_FIRST = (
    NodeState.ASKING,
    NodeState.RUNNING,
    NodeState.FAILED,
    NodeState.PAUSED,
    NodeState.WAITING,
    NodeState.READY,
    NodeState.DONE,
)


def run_mimebundle(history: History) -> dict[str, str]:
    """Give the picture of a run as SVG and as text."""
    state = history.state
    return picture.mimebundle(history.topology, node_views(history), turns=turns(state))


def node_views(history: History, known: str = "") -> dict[str, NodeView]:
    """Give what each node shows.

    Parameters
    ----------
    history : History
        What happened.
    known : str
        Where the run stands as the notebook knows it: ``"interrupted"`` is what no event tells.

    Returns
    -------
    dict of str to NodeView
        For every agent that did something, and for ``User``, ``Start`` and ``End``.
    """
    state = history.state
    counts = _counts(state, known if known == INTERRUPTED else state.status)
    many = len(history.topology.nodes) > MANY_NODES
    waiting = _waiting(state)
    views = {agent: _view(agent, each, waiting, many=many) for agent, each in counts.items() if each}
    return views | _markers(history)


def turns(state: RunState) -> dict[frozenset[str], str]:
    """Give how far each limited conversation has come, as ``"1/3"``, by its two names."""
    found = {}
    for talks in _all_talks(state):
        for (one, other), talk in talks:
            limit = state.plan.rules.turns(one, other)
            if limit:
                found[frozenset((one, other))] = f"{min(talk, limit)}/{limit}"
    return found


def _all_talks(state: RunState) -> list[list[tuple[tuple[str, str], int]]]:
    frames = {id(branch.frame): branch.frame for branch in state.branches.values()}
    return [[(names, talk.n_sent) for names, talk in frame.talks.items()] for frame in frames.values()]


def _counts(state: RunState, status: str) -> dict[str, Counter[NodeState]]:
    counts: dict[str, Counter[NodeState]] = {agent: Counter() for agent in state.plan.graph.agents}
    for step in state.steps:
        if step.status == "completed":
            counts[step.agent][NodeState.DONE] += 1
    for branch in state.branches.values():
        shown = _shown(branch, status)
        if shown:
            counts[branch.agent][shown] += 1
    return counts


def _shown(branch: ExecutionBranch, status: str) -> NodeState | None:
    """Give what a branch shows; in a run that is paused or over nobody runs, they only could."""
    shown = _SHOWN.get(branch.state)
    if shown in (NodeState.READY, NodeState.RUNNING):
        return _AT_REST.get(status, shown)
    return shown


def _waiting(state: RunState) -> dict[str, str]:
    """Give, for each agent at which a join waits, how many have arrived, as ``"2 of 4"``."""
    found = {join.agent: awaited(state, join).text for join in joins(state)}
    return {agent: text for agent, text in found.items() if text}


def _view(agent: str, counts: Counter[NodeState], waiting: dict[str, str], *, many: bool) -> NodeView:
    loudest = next(state for state in _LOUDEST_FIRST if counts[state])
    if many or counts.total() > MANY_BRANCHES:
        return NodeView(loudest, counts=dict(counts))
    n = counts[loudest]
    detail = waiting.get(agent, "") if loudest is NodeState.WAITING else ""
    return NodeView(loudest, detail or (f"{TIMES}{n}" if n > 1 else ""))


def _markers(history: History) -> dict[str, NodeView]:
    status = history.state.status
    reached = NodeState.DONE if status == "succeeded" else NodeState.IDLE
    shown = {START: NodeState.DONE, USER: reached, END: reached}
    if history.state.questions:
        shown[USER] = NodeState.ASKING
    return {name: NodeView(state) for name, state in shown.items() if name in history.topology.nodes}
