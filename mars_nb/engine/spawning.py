"""Spawning: a reply that goes to several agents at once forks its branch.

A target that can answer, because an edge leads back to whoever asks, is *called*: it works in a frame of its own, and
the asking branch waits for what comes back. Any other target is *sent forward*: a new branch of the same frame.
Content for ``User`` or ``End`` is delivered, and content for the caller of this frame is an answer to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mars_nb.events import BranchCreated, BranchEnded, BranchForked, ContentDelivered, ContentReturned
from mars_nb.topology.model import END, USER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.machine import RunState
    from mars_nb.engine.plan import Plan
    from mars_nb.events import BranchEvent


def fork(state: RunState, branch: ExecutionBranch, targets: Sequence[str], *, is_explicit: bool) -> list[BranchEvent]:
    """Give the events by which a branch forks.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    branch : ExecutionBranch
        The branch that forks.
    targets : sequence of str
        Whom its content goes to, in branch order.
    is_explicit : bool
        Whether the agent named them itself, by `Parallel`.
    """
    caller = branch.frame.caller
    handed: list[BranchEvent] = []
    born: list[BranchEvent] = []
    n_called = 0
    for slot, target in enumerate(targets):
        if target in (USER, END):
            handed.append(ContentDelivered(branch.id, target, slot))
        elif caller and caller.agent == target:
            handed.append(ContentReturned(branch.id, slot))
        else:
            called = is_called(state.plan, branch.agent, target, is_explicit=is_explicit)
            n_called += called
            name = f"{branch.id}.{branch.n_children + len(born)}"
            born.append(BranchCreated(name, target, branch.id, called, slot))
    over = BranchForked(branch.id, n_called) if born else BranchEnded(branch.id, "empty")
    return [*handed, over, *born]


def is_called(plan: Plan, asker: str, target: str, *, is_explicit: bool) -> bool:
    """Tell whether a target of a fork answers whoever asked it, instead of going on."""
    back = plan.ways[target].targets
    return asker in back or (is_explicit and not back)


@dataclass(frozen=True, slots=True)
class DynamicBranchSpawner:
    """Makes branches while a run goes on.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    """

    state: RunState

    def spawn(self, branch: ExecutionBranch, targets: Sequence[str], *, is_explicit: bool = True) -> list[BranchEvent]:
        """Give the events by which a branch forks; see `fork`."""
        return fork(self.state, branch, targets, is_explicit=is_explicit)
