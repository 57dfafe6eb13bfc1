"""The way back into a run: what has to be written first when it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mars_nb.engine.branch import BranchState
from mars_nb.engine.folding import effective, fold
from mars_nb.errors import TopologyError, did_you_mean
from mars_nb.events import RunResumed, RunStarted, TopologyChanged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.engine.state import RunState
    from mars_nb.events import Event
    from mars_nb.execution.loop import Cast
    from mars_nb.state.record import Record


class Resumption(NamedTuple):
    """Where a run goes on, and the events that let it."""

    state: RunState
    events: list[Event]


def resumption(records: Iterable[Record], cast: Cast) -> Resumption:
    """Give where a run stands and what lets it go on.

    Parameters
    ----------
    records : iterable of Record
        Its journal.
    cast : Cast
        Who takes part from here on, and by which rules.

    Returns
    -------
    Resumption
        First what its last reply still means, then `TopologyChanged` where the topology, a rule or an agent is another
        one now, then `RunResumed`.

    Raises
    ------
    TopologyError
        When a branch stands at an agent that is gone.
    """
    events: list[tuple[int, object]] = [(record.seq, record.event) for record in records]
    state, due = fold(events)
    _check_places(state, cast)
    changed = _changed(events, cast)
    return Resumption(state, [*due, *changed, RunResumed(has_person=cast.person is not None)])


def _check_places(state: RunState, cast: Cast) -> None:
    for branch in state.branches.values():
        is_over = branch.state is BranchState.ENDED or (branch.state is BranchState.FAILED and branch.settled_at)
        if not is_over and branch.agent not in cast.plan.ways:
            hint = did_you_mean(branch.agent, cast.plan.ways)
            raise TopologyError(
                f"branch {branch.id} stands at {branch.agent!r}, which the new topology does not have; keep that "
                f"agent, or fork from an earlier position{hint}"
            )


def _changed(events: list[tuple[int, object]], cast: Cast) -> list[TopologyChanged]:
    now = TopologyChanged(
        topology=cast.topology.to_text(),
        max_steps=cast.plan.rules.max_steps,
        agents=cast.digests(),
        max_branches=cast.plan.rules.max_branches,
    )
    for _, event in reversed(effective(events)):
        if isinstance(event, RunStarted | TopologyChanged):
            before = (event.topology, event.max_steps, event.agents, event.max_branches)
            return [] if before == (now.topology, now.max_steps, now.agents, now.max_branches) else [now]
    return [now]
