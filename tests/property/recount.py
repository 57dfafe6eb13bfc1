"""Counts again, by looking at every branch, what the engine keeps in step with every event."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from mars_nb.engine.branch import BranchState

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch, Frame
    from mars_nb.engine.state import RunState

OVER = (BranchState.FAILED, BranchState.ENDED)
WAITING = (BranchState.WAITING, BranchState.CALLING)


def counted(state: RunState) -> dict[str, Any]:
    """Give the counts that the engine keeps."""
    frames = frames_of(state)
    return {
        "n_live": state.n_live,
        "n_in_flight": state.n_in_flight,
        "n_completed": state.n_completed,
        "ready": sorted(branch.id for branch in state.ready),
        "frames": [_counted(frame) for frame in frames],
    }


def _counted(frame: Frame) -> dict[str, Any]:
    joins = frame.joins.values()
    return {
        "n_live": frame.n_live,
        "n_active": frame.n_active,
        "n_blocked": frame.n_blocked,
        "live": Counter({(id(forks), name): n for forks, counts in frame.live.items() for name, n in counts.items()}),
        "waiting": {join.agent: sorted(join.waiting) for join in joins},
        "lineages": {join.agent: sum(join.lineages.values()) for join in joins},
        "n_busy": {join.agent: join.n_busy for join in joins},
    }


def recounted(state: RunState) -> dict[str, Any]:
    """Give the same counts from where everybody stands."""
    everybody = state.branches.values()
    return {
        "n_live": sum(branch.state not in OVER for branch in everybody),
        "n_in_flight": sum(step.status == "running" for step in state.steps),
        "n_completed": sum(step.status == "completed" for step in state.steps),
        "ready": sorted(branch.id for branch in everybody if branch.state is BranchState.READY),
        "frames": [_recounted(state, frame) for frame in frames_of(state)],
    }


def _recounted(state: RunState, frame: Frame) -> dict[str, Any]:
    here = [branch for branch in state.branches.values() if branch.frame is frame and branch.state not in OVER]
    waiting = [branch for branch in here if branch.state in WAITING]
    blocked = {join.agent for join in frame.joins.values() if join.is_blocked}
    live = [branch for branch in here if not (branch.state in WAITING and branch.agent in blocked)]
    at = {name: [branch for branch in waiting if branch.agent == name] for name in (each.agent for each in waiting)}
    return {
        "n_live": len(live),
        "n_active": sum(branch.state.is_active for branch in here) + sum(map(_moves, _called(here))),
        "n_blocked": len(blocked),
        "live": Counter((id(branch.forks), branch.agent) for branch in live),
        "waiting": {name: sorted(branch.id for branch in branches) for name, branches in at.items()},
        "lineages": {name: len(branches) for name, branches in at.items()},
        "n_busy": {name: sum(not each.is_quiet for each in _called(branches)) for name, branches in at.items()},
    }


def _called(branches: list[ExecutionBranch]) -> list[Frame]:
    return [frame for branch in branches for frame in branch.frames]


def _moves(frame: Frame) -> bool:
    return frame.n_active > 0


def frames_of(state: RunState) -> list[Frame]:
    """Give every frame in which somebody still stands, the run itself first."""
    found = {id(state.root): state.root}
    for branch in state.branches.values():
        if branch.state not in OVER:
            found |= {id(frame): frame for frame in (branch.frame, *branch.frames)}
    return list(found.values())
