"""Joins: who waits at an agent, who could still arrive there, and whether enough came.

A branch that arrives at an agent waits while another live branch *of its frame* could still get there; then all that
wait become one branch. The question "could anybody still arrive?" is asked at every arrival, so it is never answered by
looking at every branch. Each frame counts its live branches by lineage and agent (`enter`, `leave`); the graph knows
from where an agent can be reached; and one position that lies in both, the *witness*, is enough to keep waiting. The
join is looked at again only when its witness leaves.

A path does not count when it runs through an agent at which the two branches' common lineage forked: whoever came back
that way would belong to the next round.

A caller waits at its own agent like an arrival, since its resumption is one. A join that lost too many contributors to
meet its quorum is *blocked*: that is derived here whenever it is asked, never stored in the journal, and a blocked join
counts as one lost contributor in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mars_nb.engine.branch import WAITING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mars_nb.engine.branch import ExecutionBranch, Forks, Frame, Position
    from mars_nb.topology.graph import TopologyGraph


class Join:
    """The branches that wait at one agent of one frame.

    Parameters
    ----------
    frame : Frame
        The frame they live in.
    agent : str
        Where they wait.
    """

    __slots__ = ("agent", "frame", "is_blocked", "lineages", "n_busy", "waiting")

    def __init__(self, frame: Frame, agent: str) -> None:
        self.frame = frame
        self.agent = agent
        self.waiting: dict[str, ExecutionBranch] = {}
        self.lineages: dict[Forks, int] = {}
        self.n_busy = 0
        self.is_blocked = False

    def add(self, branch: ExecutionBranch) -> None:
        """Let a branch wait here."""
        self.waiting[branch.id] = branch
        self.lineages[branch.forks] = self.lineages.get(branch.forks, 0) + 1

    def remove(self, branch: ExecutionBranch) -> None:
        """Take a branch away; the join is closed when it was the last."""
        del self.waiting[branch.id]
        self.lineages[branch.forks] -= 1
        if not self.lineages[branch.forks]:
            del self.lineages[branch.forks]
        if not self.waiting:
            del self.frame.joins[self.agent]
            self.frame.n_blocked -= self.is_blocked

    def in_order(self) -> list[ExecutionBranch]:
        """Give who waits, in branch order."""
        return sorted(self.waiting.values(), key=lambda branch: branch.position)


class Standing(NamedTuple):
    """How a join stands when nobody can arrive any more.

    Parameters
    ----------
    n_succeeded : int
        Contributions that are there: one for each arrival and each answer of a call.
    n_lost : int
        Contributions that will not come.
    given_up : tuple of str
        Branches that are settled, or given up, if the join goes on without them.
    """

    n_succeeded: int
    n_lost: int
    given_up: tuple[str, ...]

    def meets(self, share: float) -> bool:
        """Tell whether at least this share, and at least one, succeeded."""
        total = self.n_succeeded + self.n_lost
        return self.n_succeeded > 0 and self.n_succeeded >= share * total - 1e-9


def join_at(frame: Frame, agent: str) -> Join:
    """Give the open join at an agent, or open one."""
    join = frame.joins.get(agent)
    if join is None:
        join = frame.joins[agent] = Join(frame, agent)
    return join


def enter(branch: ExecutionBranch) -> None:
    """Count a live branch where it stands."""
    frame = branch.frame
    frame.n_live += 1
    counts = frame.live.get(branch.forks)
    if counts is None:
        counts = frame.live[branch.forks] = {}
    counts[branch.agent] = counts.get(branch.agent, 0) + 1


def move(branch: ExecutionBranch, agent: str) -> Iterable[Join]:
    """Count a branch at another agent of its frame, and give the joins that it held up."""
    counts = branch.frame.live[branch.forks]
    counts[agent] = counts.get(agent, 0) + 1
    old, branch.agent = branch.agent, agent
    _uncount(counts, old)
    return _held_by(branch.frame, branch.forks, old)


def leave(branch: ExecutionBranch) -> Iterable[Join]:
    """Stop counting a branch where it stands, and give the joins that it held up."""
    frame, forks = branch.frame, branch.forks
    frame.n_live -= 1
    counts = frame.live[forks]
    _uncount(counts, branch.agent)
    if not counts:
        del frame.live[forks]
    return _held_by(frame, forks, branch.agent)


def _uncount(counts: dict[str, int], agent: str) -> None:
    if counts[agent] > 1:
        counts[agent] -= 1
    else:
        del counts[agent]


def _held_by(frame: Frame, forks: Forks, agent: str) -> Iterable[Join]:
    if not frame.watched:
        return ()
    held = frame.watched.pop((forks, agent), ())
    return [frame.joins[name] for name in held if name in frame.joins]


def witness(graph: TopologyGraph, join: Join) -> tuple[Forks, str] | None:
    """Give one position from which a live branch could still arrive, None when there is none."""
    if join.frame.n_live == len(join.waiting):
        return None
    for mine in join.lineages:
        for other, counts in join.frame.live.items():
            sources = graph.sources(join.agent, mine.common(other))
            agent = _stands_in(join, other, counts, sources)
            if agent is not None:
                return other, agent
    return None


def _stands_in(join: Join, forks: Forks, counts: dict[str, int], sources: frozenset[str]) -> str | None:
    few, many = (sources, counts) if len(sources) < len(counts) else (counts, sources)
    for agent in few:
        if agent in many and (agent != join.agent or counts[agent] > join.lineages.get(forks, 0)):
            return agent
    return None


def first_position(join: Join) -> Position:
    """Give the position of who comes first in branch order; it is that of the join."""
    return min(branch.position for branch in join.waiting.values())


def watch(join: Join, position: tuple[Forks, str]) -> None:
    """Look at a join again when a branch leaves this position."""
    join.frame.watched.setdefault(position, set()).add(join.agent)


def block(join: Join) -> Iterable[Join]:
    """Count a join as lost: nobody who waits there will go on, so they hold up nobody; give the joins they held."""
    join.is_blocked = True
    join.frame.n_blocked += 1
    held = [other for branch in join.waiting.values() for other in leave(branch)]
    return (other for other in held if other is not join)


def unblock(join: Join) -> None:
    """Count those who wait at a blocked join as live again."""
    join.is_blocked = False
    join.frame.n_blocked -= 1
    for branch in join.waiting.values():
        enter(branch)


def standing(graph: TopologyGraph, join: Join) -> Standing:
    """Tell how many contributions a join has and how many it lost."""
    n_succeeded = n_lost = 0
    given_up: list[str] = []
    for branch in join.waiting.values():
        if branch.state is WAITING:
            n_succeeded += 1
        for frame in branch.frames:
            inside = given_up_in(frame)
            given_up += inside
            n_succeeded += len(frame.answers)
            n_lost += bool(inside) and not frame.answers
    seen = {join}
    for missing in _lost_on_the_way(graph, join):
        n_lost += isinstance(missing, Join) or not missing.settled_at
        given_up += _taken_along(graph, missing, seen)
    return Standing(n_succeeded, n_lost, tuple(dict.fromkeys(given_up)))


def _taken_along(graph: TopologyGraph, lost: ExecutionBranch | Join, seen: set[Join]) -> list[str]:
    """Give the branches that are given up with a failed branch, or with a blocked join and what blocks it."""
    if not isinstance(lost, Join):
        return [lost.id]
    if lost in seen:
        return []
    seen.add(lost)
    causes = [name for cause in _lost_on_the_way(graph, lost) for name in _taken_along(graph, cause, seen)]
    return given_up_at(lost) + causes


def _lost_on_the_way(graph: TopologyGraph, join: Join) -> Iterator[ExecutionBranch | Join]:
    """Give each failed branch and blocked join that could have reached this join first, settled elsewhere or not."""
    frame = join.frame
    if not frame.failed and not frame.n_blocked:
        return
    blocked = [other for other in frame.joins.values() if other.is_blocked and other is not join]
    closed = frozenset(frame.joins)
    for branch in frame.failed.values():
        passed = closed | branch.settled_at
        if join.agent not in branch.settled_at and _reaches(graph, join, branch.agent, branch.forks, passed):
            yield branch
    for other in blocked:
        if any(_reaches(graph, join, other.agent, forks, closed) for forks in other.lineages):
            yield other


def _reaches(graph: TopologyGraph, join: Join, agent: str, forks: Forks, closed: frozenset[str]) -> bool:
    if not graph.can_reach(agent, join.agent):
        return False
    passed = closed - {agent, join.agent}
    return any(graph.can_reach(agent, join.agent, forks.common(mine) | passed) for mine in join.lineages)


def given_up_at(join: Join) -> list[str]:
    """Give the branches that end when a join is given up: those that wait and, for callers, what failed for them."""
    inside = [name for branch in join.waiting.values() for frame in branch.frames for name in given_up_in(frame)]
    return [*join.waiting, *inside]


def given_up_in(frame: Frame) -> list[str]:
    """Give the branches of a frame that neither ended nor were settled: what failed and whom that blocks."""
    failed = [branch.id for branch in frame.failed.values() if not branch.settled_at]
    if not frame.joins:
        return failed
    return failed + [name for join in frame.joins.values() for name in given_up_at(join)]
