"""Settling: what follows from where everybody stands, once every reply has been routed.

Four questions, in this order: which joins are ripe, since nobody could still arrive; which frames are stuck, since
every join in them waits for another; which branches can start a step; and whether the run is over. Each is answered by
looking only at what something happened to.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mars_nb.engine.branch import ASKING, CALLING, WAITING, common_position, name_of
from mars_nb.engine.ending import ending, limit_reached
from mars_nb.engine.join import block, first_position, given_up_in, standing, watch, witness
from mars_nb.events import BranchEnded, BranchesJoined, BranchResumed, PauseRequested, RunPaused, StepScheduled

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch, Frame, Position
    from mars_nb.engine.join import Join
    from mars_nb.engine.state import RunState
    from mars_nb.events import Event


def settled_events(state: RunState) -> list[Event]:
    """Give what follows; empty when only an agent, a person or a clock can go on."""
    while state.dirty or state.quiet:
        events = _ripe(state) or _stuck(state)
        if events:
            return events
    return _held(state) or _startable(state) or _over(state)


def _ripe(state: RunState) -> list[Event]:
    """Look at the joins that something happened to, and let those go on for which nobody is left to wait.

    One that makes a branch ends the round: the next branch gets its id when this one has its own.
    """
    found: dict[Join, Event] = {}
    joins: deque[Join] = deque()
    n_started = 0
    while joins or state.dirty:
        joins.extend(state.dirty)
        state.dirty.clear()
        join = joins.popleft()
        event = None if join in found else _next_of(state, join, n_started)
        if event:
            found[join] = event
            n_started += isinstance(event, StepScheduled)
        if isinstance(event, BranchesJoined):
            state.dirty |= dict.fromkeys(joins)
            break
    return list(found.values())


def _next_of(state: RunState, join: Join, n_started: int) -> Event | None:
    """Give what a join does now, None while it waits for somebody."""
    if not join.waiting or join.n_busy:
        return None
    position = witness(state.plan.graph, join)
    if position:
        watch(join, position)
        return None
    return None if join.is_blocked else _gone_on(state, join, n_started)


def _gone_on(state: RunState, join: Join, n_started: int) -> Event | None:
    """Let a join go on if enough came, else block it."""
    branch = next(iter(join.waiting.values()))
    is_alone = len(join.waiting) == 1
    given_up: tuple[str, ...] = ()
    if not is_alone or branch.frames or join.frame.failed or join.frame.n_blocked:
        stand = standing(state.plan.graph, join)
        if not stand.meets(state.plan.rules.quorum(join.agent)):
            state.dirty |= dict.fromkeys(block(join))
            return None
        given_up = tuple(sorted(stand.given_up, key=lambda name: state.branches[name].position))
    if not is_alone:
        return _joined(state, join, given_up)
    if branch.state is WAITING and not given_up and _can_start_at_once(state, branch, n_started):
        return _scheduled(branch)
    return BranchResumed(branch.id, given_up)


def _can_start_at_once(state: RunState, branch: ExecutionBranch, n_started: int) -> bool:
    return not state.ready and _has_room(state, n_started) and branch.agent not in state.plan.rules.pause_before


def _joined(state: RunState, join: Join, given_up: tuple[str, ...]) -> BranchesJoined:
    arms = join.in_order()
    position = join_position(state, join.agent, arms[0], arms[-1])
    name = name_of(position)
    while name in state.branches:
        name += "'"  # an agent "D2" beside the second visit of "D"
    return BranchesJoined(name, join.agent, tuple(branch.id for branch in arms), given_up)


def join_position(state: RunState, agent: str, first: ExecutionBranch, last: ExecutionBranch) -> Position:
    """Give the position of the branch that a join makes: under what its first and last arm have in common."""
    prefix = common_position(first.position, last.position)
    visit = state.visits.get((prefix, agent), 0) + 1
    return (*prefix, (1, state.plan.index[agent], visit, agent))


def _stuck(state: RunState) -> list[Event]:
    """Take the innermost frame in which nothing moves: let its first join go on, or tell its caller."""
    if not state.quiet:
        return []
    frame = max(state.quiet, key=lambda each: each.depth) if len(state.quiet) > 1 else state.quiet[0]
    state.quiet.remove(frame)
    if frame.n_active or frame.is_quiet:
        return []
    held = [join for join in frame.joins.values() if not join.is_blocked]
    if held:
        state.quiet.append(frame)
        event = _gone_on(state, min(held, key=first_position), 0)
        return [event] if event else []
    return _tell_caller(state, frame)


def _tell_caller(state: RunState, frame: Frame) -> list[Event]:
    """Note that a call is over, one way or another; a caller to whom nothing at all came back just ends."""
    caller = frame.caller
    if not caller or caller.state is not CALLING:
        return []
    frame.is_quiet = True
    join = caller.frame.joins[caller.agent]
    join.n_busy -= 1
    state.dirty[join] = None
    is_over = _came_to_nothing(frame) and all(each.is_quiet and _came_to_nothing(each) for each in caller.frames)
    return [BranchEnded(caller.id, "empty")] if is_over else []


def _came_to_nothing(frame: Frame) -> bool:
    """Tell whether a call ended with neither an answer nor a failure: all was delivered, or moved on."""
    return not frame.answers and not given_up_in(frame)


def _held(state: RunState) -> list[Event]:
    """Ask for a pause before an agent that a ``pause_before`` rule names, unless the run was resumed there."""
    names = state.plan.rules.pause_before
    if state.is_pausing or not names:
        return []
    held = next((each for each in state.ready if each.agent in names and _is_held(state, each)), None)
    return [PauseRequested(f"pause_before({held.agent})")] if held else []


def _is_held(state: RunState, branch: ExecutionBranch) -> bool:
    """Tell whether a pause comes first: not before a step that had begun, nor where the run was resumed from it."""
    return branch.attempt == 1 and branch.n_steps == branch.n_done and branch.id not in state.let_through


def _startable(state: RunState) -> list[Event]:
    """Give the steps that can start, first come first served."""
    found: list[Event] = []
    for branch in state.ready:
        if not _has_room(state, len(found)):
            break
        found.append(_scheduled(branch))
    return found


def _scheduled(branch: ExecutionBranch) -> StepScheduled:
    return StepScheduled(branch.id, branch.n_done + 1, branch.agent, branch.attempt)


def _has_room(state: RunState, n_started: int) -> bool:
    """Tell whether one more step may start; steps that run count, for they may complete."""
    if state.is_pausing:
        return False
    rules = state.plan.rules
    n_running = state.n_in_flight + n_started
    if rules.max_parallel is not None and n_running >= rules.max_parallel:
        return False
    if state.n_completed + n_running >= rules.max_steps:
        return False
    return limit_reached(state) is None


def _over(state: RunState) -> list[Event]:
    """End or pause the run when nothing runs, nothing can start, and nothing will move by itself."""
    if state.is_pausing and (state.pauses_now or not state.n_in_flight):
        return [RunPaused(state.pause_reason)]
    if state.n_in_flight:
        return []
    if state.root.n_active and not state.ready:
        return [] if state.has_person or not _all_ask(state) else [RunPaused(_question(state))]
    return [ending(state)]


def _all_ask(state: RunState) -> bool:
    return all(branch.state is ASKING for branch in state.branches.values() if branch.state.is_active)


def _question(state: RunState) -> str:
    first = state.questions[0]
    return f"{first.agent} asks a person, and nobody can be reached; answer it when the run is resumed"
