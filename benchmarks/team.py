"""Teams: topologies with agents that do next to nothing, so that a run costs what the orchestration costs.

Every agent has a step deadline. A team is built before anything is measured; to analyse and to plan it is part of the
run. Each run gets a topology object of its own, so that nothing remembered from the run before makes it cheap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from benchmarks import floor
from mars_nb import Agent, AgentRegistry, Edge, MaxTurnsRule, Orchestra, TimeoutRule, Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mars_nb import OrchestraResult, StateManager

STEP_DEADLINE_S = 60.0
MOST = 10_000_000
"""Steps and live branches that a run may have: no limit is to be met here."""


@dataclass(frozen=True)
class Team:
    """A topology and its agents.

    Parameters
    ----------
    topology : Topology
        Who talks to whom.
    registry : AgentRegistry
        Who they are.
    n_steps : int
        Steps that a run takes.
    """

    topology: Topology
    registry: AgentRegistry
    n_steps: int

    def redrawn(self) -> Team:
        """Give the same team with a new topology object, about which nothing is known yet."""
        drawn = self.topology
        return replace(self, topology=Topology(drawn.nodes, drawn.edges, drawn.rules, drawn.entry))

    async def run(self, state_manager: StateManager | None = None, task: str = "task") -> OrchestraResult:
        """Run once, with a journal and one subscriber to everything.

        Parameters
        ----------
        state_manager : StateManager, optional
            Keeps the journal; without one it is kept in memory.
        task : str
            What the first agent is asked, and what every agent says.

        Raises
        ------
        RuntimeError
            When the run did not do what it is measured for.
        """
        orchestra = Orchestra(self.registry, None, state_manager, max_branches=MOST)
        orchestra.event_bus.subscribe("*", _hear)
        result = await orchestra.execute(task, self.topology, None, MOST)
        if not result.success or result.total_steps != self.n_steps:
            raise RuntimeError(f"expected {self.n_steps} steps that succeed, got {result!r}")
        return result


def chain(n_steps: int) -> Team:
    """Draw agents that hand on to the next, one after another."""
    names = [f"A{i}" for i in range(n_steps)]
    edges = [Edge(source=one, target=other) for one, other in pairwise(names)]
    return _team(names, edges, n_steps=n_steps)


def fan(n_branches: int, answer: Callable[[Any], Any] = floor.answer) -> Team:
    """Draw a planner, so many workers at once, and an agent that receives what they all say."""
    workers = [f"W{i}" for i in range(n_branches)]
    edges = [
        *(Edge(source="Planner", target=name) for name in workers),
        *(Edge(source=name, target="Writer") for name in workers),
    ]
    team = _team(["Planner", "Writer"], edges, deadlines_of=workers, n_steps=n_branches + 2)
    for name in workers:
        Agent(name=name, answer=answer, registry=team.registry)
    return team


def talk(n_turns: int) -> Team:
    """Draw two agents in a conversation: so many messages, the replies to them, and what the opener makes of it."""
    edges = [Edge(source="User", target="A"), Edge(source="A", target="B", bidirectional=True)]
    turns = MaxTurnsRule(source="A", target="B", turns=n_turns)
    return _team(["A", "B"], edges, rules=[turns], n_steps=2 * n_turns + 1)


def _team(
    names: Iterable[str],
    edges: Iterable[Edge],
    *,
    n_steps: int,
    deadlines_of: Iterable[str] = (),
    rules: Iterable[object] = (),
) -> Team:
    registry = AgentRegistry()
    for name in names:
        Agent(name=name, answer=floor.answer, registry=registry)
    deadlines = [TimeoutRule(agent=name, max_duration=STEP_DEADLINE_S) for name in (*names, *deadlines_of)]
    return Team(Topology(edges=edges, rules=[*rules, *deadlines]), registry, n_steps)


def _hear(_event: object) -> None:
    """Listen, and do nothing."""
