"""Who waits for whom: at each agent where branches wait, what is there, and what could still come.

How many will arrive is not settled while branches run: one of them may yet fork, fail, or turn elsewhere. What is told
is how it looks now, by the rule by which a join waits.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from mars_nb.engine.branch import BranchState
from mars_nb.engine.join import given_up_in, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.engine.branch import Contribution, Frame
    from mars_nb.engine.join import Join
    from mars_nb.engine.state import RunState


MANY: Final = 100
"""From how many on a count is written as shortly as can be."""


class Awaited(NamedTuple):
    """How it looks at a join.

    Parameters
    ----------
    arrived : list of str
        Agents whose contributions are there.
    missing : list of str
        Agents that may still contribute, and those that failed to.
    """

    arrived: list[str]
    missing: list[str]

    @property
    def text(self) -> str:
        """How many of how many, as ``"2 of 4"``, or ``"2/400"`` to fit a box; empty where only one is expected."""
        total = len(self.arrived) + len(self.missing)
        sign = " of " if total < MANY else "/"
        return f"{len(self.arrived)}{sign}{total}" if total > 1 else ""


def joins(state: RunState) -> list[Join]:
    """Give every join at which somebody waits, frame by frame."""
    frames = {id(branch.frame): branch.frame for branch in state.branches.values() if not _is_over(branch.state)}
    return [join for frame in frames.values() for join in frame.joins.values()]


def _is_over(state: BranchState) -> bool:
    return state is BranchState.ENDED


def awaited(state: RunState, join: Join) -> Awaited:
    """Give who has arrived at a join, and who has not."""
    arrived = [
        each.agent
        for branch in join.in_order()
        for each in (branch.inbox if branch.state is BranchState.WAITING else _answers(branch.frames))
    ]
    calls = [frame for branch in join.in_order() for frame in branch.frames if not frame.answers]
    missing = [frame.asked for frame in calls if not given_up_in(frame)]
    missing += sorted(_coming(state, join))
    n_lost = standing(state.plan.graph, join).n_lost
    return Awaited(arrived, missing + _lost(join, calls)[:n_lost])


def _lost(join: Join, calls: Sequence[Frame]) -> list[str]:
    """Give the agents that will not contribute: what was called and failed, what failed on the way, what is blocked."""
    called = [frame.asked for frame in calls if given_up_in(frame)]
    failed = [branch.agent for branch in join.frame.failed.values() if not branch.settled_at]
    blocked = [other.agent for other in join.frame.joins.values() if other.is_blocked and other is not join]
    return called + failed + blocked


def _answers(frames: Sequence[Frame]) -> list[Contribution]:
    return [answer for frame in frames for answer in frame.answers]


def _coming(state: RunState, join: Join) -> list[str]:
    """Give the agents at which a live branch stands that could still arrive."""
    if join.frame.n_live == len(join.waiting) or join.is_blocked:
        return []
    found: dict[tuple[int, str], int] = {}
    for mine, other in product(join.lineages, join.frame.live):
        counts = join.frame.live[other]
        sources = state.plan.graph.sources(join.agent, mine.common(other))
        here = {agent: counts[agent] for agent in counts.keys() & sources}
        if mine is other and join.agent in here:
            here[join.agent] -= join.lineages[mine]
        found |= {(id(other), agent): n for agent, n in here.items()}
    return [agent for (_, agent), n in found.items() for _ in range(n)]
