"""The way back into a run: what has to be written first when it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mars_nb.engine.branch import BranchState
from mars_nb.engine.folding import effective, fold
from mars_nb.engine.validation import check_reply
from mars_nb.errors import TopologyError, did_you_mean
from mars_nb.events import BranchCreated, BranchMoved, RunResumed, RunStarted, StepCompleted, TopologyChanged
from mars_nb.topology.rules import MaxStepsRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.folding import Folded
    from mars_nb.engine.state import RunState
    from mars_nb.events import Event, Profile
    from mars_nb.execution.loop import Cast
    from mars_nb.topology.model import Topology


class Resumption(NamedTuple):
    """Where a run goes on, and the events that let it."""

    state: RunState
    events: list[Event]


def resumption(events: Sequence[tuple[int, object]], folded: Folded, cast: Cast) -> Resumption:
    """Give where a run stands and what lets it go on.

    Parameters
    ----------
    events : sequence of (int, object)
        Its journal: seq and event.
    folded : Folded
        The fold of it; its state is the one that goes on.
    cast : Cast
        Who takes part from here on, and by which rules.

    Returns
    -------
    Resumption
        What its last reply still means, `TopologyChanged` where the topology, a rule or an agent is another one now,
        and `RunResumed`. A reply of which nothing is written yet is routed by the new topology.

    Raises
    ------
    TopologyError
        When a branch stands, or is about to stand, at an agent that is gone.
    """
    changed = _changed(events, cast)
    state, due, is_unrouted = folded
    if changed and is_unrouted:
        _check_places(state, (), cast)
        due = fold([*events, *enumerate(changed, len(events) + 1)]).due
    _check_places(state, due, cast)
    first: list[Event] = [*changed, *due] if is_unrouted else [*due, *changed]
    return Resumption(state, [*first, RunResumed(has_person=cast.person is not None)])


def check_edited(events: Sequence[tuple[int, object]]) -> None:
    """Refuse an action as the last reply, which was edited, where its agent could not have given it.

    Raises
    ------
    ReplyError
        When the topology did not allow it there.
    """
    *before, (_, last) = events
    if isinstance(last, StepCompleted) and last.action is not None:
        state = fold(before).state
        check_reply(state, state.branches[last.branch], last.action)


def _check_places(state: RunState, due: Iterable[Event], cast: Cast) -> None:
    """Refuse a topology in which a branch would stand nowhere."""
    places = {branch.id: branch.agent for branch in state.branches.values() if _goes_on(branch)}
    places |= {event.branch: event.agent for event in due if isinstance(event, BranchMoved | BranchCreated)}
    for branch, agent in places.items():
        if agent not in cast.plan.ways:
            raise TopologyError(
                f"branch {branch} stands at {agent!r}, which the new topology does not have; keep that agent, or fork "
                f"from an earlier position{did_you_mean(agent, cast.plan.ways)}"
            )


def _goes_on(branch: ExecutionBranch) -> bool:
    is_over = branch.state is BranchState.ENDED or (branch.state is BranchState.FAILED and bool(branch.settled_at))
    return not is_over


def _changed(events: Sequence[tuple[int, object]], cast: Cast) -> list[TopologyChanged]:
    now = TopologyChanged(
        topology=cast.topology.to_text(),
        max_steps=cast.plan.rules.max_steps,
        agents=cast.digests(),
        max_branches=cast.plan.rules.max_branches,
        profiles=cast.profiles(),
    )
    for _, event in reversed(effective(events)):
        if isinstance(event, RunStarted | TopologyChanged):
            before = (event.topology, event.max_steps, event.agents, event.max_branches, event.profiles)
            same = (now.topology, now.max_steps, now.agents, now.max_branches, now.profiles)
            return [] if before == same else [now]
    return [now]


def profiles_of(events: Iterable[tuple[int, object]]) -> dict[str, Profile]:
    """Give who spoke last for the agents for which a model speaks."""
    return [event.profiles for _, event in events if isinstance(event, RunStarted | TopologyChanged)][-1]


def limit_of(events: Iterable[tuple[int, object]], before: Topology, now: Topology) -> int | None:
    """Give the step limit that a run had, None where a rule gives another one now."""
    had, has = ([rule for rule in each.rules if isinstance(rule, MaxStepsRule)] for each in (before, now))
    if has and has != had:
        return None
    return [event.max_steps for _, event in events if isinstance(event, RunStarted | TopologyChanged)][-1]
