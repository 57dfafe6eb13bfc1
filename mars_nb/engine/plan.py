"""The plan of a run: the graph and the rules, turned into the look-ups that routing needs.

What may follow a reply is the same question at every step, so the answer is prepared once per agent: with whom it can
converse, where it can go on to, and where it can deliver, each in the order in which the topology's edges name them
(which is branch order).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mars_nb.engine.rules import RulesEngine
from mars_nb.topology.graph import TopologyAnalyzer, TopologyGraph
from mars_nb.topology.model import Topology

if TYPE_CHECKING:
    from mars_nb.events import RunStarted, TopologyChanged


class Ways(msgspec.Struct, frozen=True, gc=False):
    """Where one agent can send what it says.

    Parameters
    ----------
    targets : tuple of str
        Every neighbour, ``User`` and ``End`` included.
    partners : tuple of str
        Agents with whom it has a conversation.
    conversing : frozenset of str
        The same agents, to look one up.
    onward : tuple of str
        Agents at the end of its one-way edges.
    deliveries : tuple of str
        ``User`` and ``End`` at the end of its one-way edges.
    talks_to_user : bool
        Whether it has a conversation with the person.
    can_ask_user : bool
        Whether any edge leads from it to ``User``.
    """

    targets: tuple[str, ...]
    partners: tuple[str, ...]
    conversing: frozenset[str]
    onward: tuple[str, ...]
    deliveries: tuple[str, ...]
    talks_to_user: bool
    can_ask_user: bool


class Plan:
    """A graph and its rules, ready to be asked.

    Parameters
    ----------
    graph : TopologyGraph
        What the user drew, analysed.
    rules : RulesEngine
        What the rules allow.
    """

    __slots__ = ("graph", "index", "rules", "ways")

    def __init__(self, graph: TopologyGraph, rules: RulesEngine) -> None:
        self.graph = graph
        self.rules = rules
        self.ways = {agent: ways_of(graph, agent) for agent in graph.agents}
        self.index = {agent: i for i, agent in enumerate(graph.agents)}


def plan_of(event: RunStarted | TopologyChanged) -> Plan:
    """Give the plan that a run began with, or goes on under."""
    topology = Topology.from_text(event.topology)
    rules = RulesEngine(topology.rules, max_steps=event.max_steps, max_branches=event.max_branches)
    return Plan(TopologyAnalyzer().analyze(topology), rules)


def ways_of(graph: TopologyGraph, agent: str) -> Ways:
    """Give where an agent can send what it says."""
    return Ways(
        graph.targets(agent),
        graph.partners(agent),
        frozenset(graph.partners(agent)),
        graph.onward(agent),
        graph.deliveries(agent),
        graph.talks_to_user(agent),
        graph.can_ask_user(agent),
    )
