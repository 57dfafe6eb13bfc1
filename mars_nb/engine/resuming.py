"""Resuming: pause, crash, failure and restart share one way back.

What was running becomes ready, for its outcome is not known; what failed for good becomes ready, unless a join or a
caller went on without it; what waits goes on waiting. Then the index of who waits for whom is made anew from where
everybody stands, since the topology or its rules may be others now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.engine.branch import CALLING, ENDED, FAILED, READY, RETRYING, RUNNING, WAITING
from mars_nb.engine.join import enter, join_at
from mars_nb.events import ToolReturned, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mars_nb.engine.branch import ExecutionBranch, Frame
    from mars_nb.engine.state import RunState
    from mars_nb.events import Event

_ASKED_AGAIN = frozenset({RUNNING, RETRYING})


def resume(state: RunState) -> None:
    """Let a run go on from where it stands."""
    was_paused = state.status == "paused"
    state.status, state.error, state.deadline_s, state.is_pausing = "running", None, None, False
    state.n_in_flight = 0
    again = [each for each in state.branches.values() if each.state in _ASKED_AGAIN or _is_retried(each)]
    for branch in again:
        _ask_again(state, branch)
    # Before those that never began, so that a limit which leaves room for one step leaves it to the one in doubt.
    state.ready.extendleft(reversed(again))
    state.let_through = frozenset(branch.id for branch in (state.ready if was_paused else again))
    reindex(state)


def change_agents(state: RunState, agents: dict[str, str]) -> None:
    """Let a step that a changed agent had begun begin anew: what was said in it was said by another one.

    Not so where a call that cannot be taken back is in doubt, for then a person has to be asked about it.
    """
    for branch in state.branches.values():
        is_changed = state.agents.get(branch.agent) != agents.get(branch.agent)
        if branch.trace and is_changed and not _is_in_doubt(branch.trace.record):
            branch.trace.record = ()
    state.agents = agents


def _is_in_doubt(record: Sequence[Event]) -> bool:
    """Tell whether a tool was started of which nobody knows whether it ran."""
    returned = {event.call_id for event in record if isinstance(event, ToolReturned)}
    return any(isinstance(event, ToolStarted) and event.call_id not in returned for event in record)


def _is_retried(branch: ExecutionBranch) -> bool:
    return branch.state is FAILED and not branch.settled_at


def _ask_again(state: RunState, branch: ExecutionBranch) -> None:
    if branch.state is FAILED:
        del branch.frame.failed[branch.id]
        branch.error = None
        branch.attempt = 1
        state.n_live += 1
    branch.state = READY


def reindex(state: RunState) -> None:
    """Count again who is live where, what moves by itself, and who waits for whom."""
    frames = list(_frames(state.root, state))
    for frame in frames:
        frame.live, frame.watched, frame.joins = {}, {}, {}
        frame.n_live = frame.n_active = frame.n_blocked = 0
        frame.is_quiet = False
    state.dirty.clear()
    for branch in state.branches.values():
        if branch.state not in (FAILED, ENDED):
            _count(state, branch)
    for frame in reversed(frames):
        if frame.n_active and frame.parent:
            frame.parent.n_active += 1
    state.quiet = [frame for frame in frames if not frame.n_active]


def _count(state: RunState, branch: ExecutionBranch) -> None:
    enter(branch)
    if branch.state.is_active:
        branch.frame.n_active += 1
    elif branch.state in (WAITING, CALLING):
        join = join_at(branch.frame, branch.agent)
        join.add(branch)
        join.n_busy += len(branch.frames)
        state.dirty[join] = None


def _frames(root: Frame, state: RunState) -> Iterator[Frame]:
    """Give every frame that somebody still waits for, outer ones first.

    A frame whose caller went on without it is none of them, even though a branch that failed still stands there.
    """
    found: dict[int, Frame] = {id(root): root}
    for branch in state.branches.values():
        if branch.state is CALLING:
            found |= {id(frame): frame for frame in branch.frames}
    return iter(sorted(found.values(), key=lambda frame: frame.depth))
