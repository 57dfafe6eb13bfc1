"""The topology with look-ups: who may go where, who can still arrive.

`TopologyAnalyzer` checks everything about a drawing that can be known before anything runs and gives a
`TopologyGraph`: the same edges, indexed by agent. Building it takes time and memory linear in the edges. Reachability
is the one question that could cost more; it is answered when first asked and remembered, and nodes with the same
predecessors share the answer.

Examples
--------
>>> from mars_nb.topology.model import Topology
>>> graph = TopologyAnalyzer().analyze(Topology.from_text("User -> A -> B, C -> D -> User"))
>>> graph.entries, graph.targets("A"), graph.deliveries("D")
(('A',), ('B', 'C'), ('User',))
>>> sorted(graph.sources("D")), sorted(graph.sources("D", avoiding=frozenset({"B"})))
(['A', 'B', 'C'], ['A', 'C'])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mars_nb.errors import RuleError, TopologyError, did_you_mean
from mars_nb.topology.names import END, RESERVED, START, USER, quoted
from mars_nb.topology.rules import MaxTurnsRule

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mars_nb.topology.model import Topology
    from mars_nb.topology.rules import Rule

NOWHERE: frozenset[str] = frozenset()
MAX_REMEMBERED = 5_000_000
"""Names in remembered answers; about 200 MB."""


class TopologyGraph:
    """A topology, indexed by agent. Immutable; `TopologyAnalyzer` makes one that is known to be sound.

    Parameters
    ----------
    topology : Topology
        What the user drew.

    Attributes
    ----------
    topology : Topology
        The same.
    agents : tuple of str
        The nodes that are agents, in the order of the nodes.
    entries : tuple of str
        The agents that receive the task, in branch order.

    Raises
    ------
    TopologyError
        If the drawing does not say where the task goes.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.agents: tuple[str, ...] = tuple(name for name in topology.nodes if name not in RESERVED)
        self._index = {name: position for position, name in enumerate(self.agents)}
        written = [(edge.source, edge.target) for edge in topology.edges if edge.bidirectional]
        arrows = topology.directed_edges()
        self._targets, self._sources = _ends(topology.nodes, arrows)
        self._people = {name for pair in written if USER in pair for name in pair if name != USER}
        self._deliveries = _deliveries(topology)
        self._partners, self._onward = _neighbours(self.agents, arrows)
        self._n_remembered = 0
        self._reach: dict[tuple[frozenset[str], frozenset[str]], frozenset[str]] = {}
        self._before: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        self.entries: tuple[str, ...] = _entries(self)

    def __contains__(self, agent: object) -> bool:
        return agent in self._index

    def __repr__(self) -> str:
        return f"<TopologyGraph of {len(self.agents)} agents, entry {', '.join(self.entries[:3])}>"

    def index(self, agent: str) -> int:
        """Give the position of an agent among the agents."""
        return self._index[agent]

    def targets(self, agent: str) -> tuple[str, ...]:
        """Give all that an arrow leads to, in the order of the edges; ``User`` and ``End`` included."""
        return self._targets[agent]

    def predecessors(self, node: str) -> tuple[str, ...]:
        """Give all that have an arrow to this node, in the order of the edges; ``User`` and ``Start`` included."""
        return self._sources[node]

    def partners(self, agent: str) -> tuple[str, ...]:
        """Give the agents with whom it has a conversation: one ``<->``, or two opposite one-way edges."""
        return self._partners[agent]

    def onward(self, agent: str) -> tuple[str, ...]:
        """Give the agents that a one-way edge leads to; an edge to itself is one."""
        return self._onward[agent]

    def deliveries(self, agent: str) -> tuple[str, ...]:
        """Give ``User`` and ``End`` as far as a one-way edge leads there."""
        return self._deliveries.get(agent, ())

    def talks_to_user(self, agent: str) -> bool:
        """Tell whether ``User <-> agent`` was written: a conversation with a person."""
        return agent in self._people

    def can_ask_user(self, agent: str) -> bool:
        """Tell whether any arrow leads from the agent to ``User``."""
        return agent in self._people or USER in self._deliveries.get(agent, ())

    def sources(self, target: str, avoiding: frozenset[str] = NOWHERE) -> frozenset[str]:
        """Find the agents from which something could still arrive at ``target``.

        Parameters
        ----------
        target : str
            An agent.
        avoiding : frozenset of str
            Agents that may not stand on the way: at no place before ``target``, the first one included. ``target``
            itself may be among them.

        Returns
        -------
        frozenset of str
            The agents with such a path of at least one edge; paths run over agents only, and a conversation counts in
            both directions.
        """
        asked = (target, avoiding)
        found = self._before.get(asked)
        if found is None:
            found = self._before[asked] = self._closure(self._free(target, avoiding), avoiding)
        return found

    def can_reach(self, source: str, target: str, avoiding: frozenset[str] = NOWHERE) -> bool:
        """Tell whether a path leads from ``source`` to ``target``, as in `sources`; most often without a walk."""
        if source in avoiding or source not in self.sources(target):
            return False
        return target in self._targets[source] or source in self.sources(target, avoiding)

    def _free(self, target: str, avoiding: frozenset[str]) -> frozenset[str]:
        return frozenset(name for name in self._sources[target] if name in self._index and name not in avoiding)

    def _closure(self, last: frozenset[str], avoiding: frozenset[str]) -> frozenset[str]:
        """Walk back from the agents that could make the last move; those with the same last agents share the walk."""
        found = self._reach.get((last, avoiding))
        if found is None:
            found = frozenset(_walk(last, lambda name: self._free(name, avoiding)))
            self._remember(last, avoiding, found)
        return found

    def _remember(self, last: frozenset[str], avoiding: frozenset[str], found: frozenset[str]) -> None:
        """Keep an answer; forget all of them before they fill the memory (a chain asked at every link)."""
        self._n_remembered += len(found)
        if self._n_remembered > MAX_REMEMBERED:
            self._reach.clear()
            self._before.clear()
            self._n_remembered = len(found)
        self._reach[last, avoiding] = found


def _ends(
    nodes: Iterable[str], arrows: Iterable[tuple[str, str]]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Give where the arrows from each node lead, and where those to it come from."""
    targets: dict[str, list[str]] = {name: [] for name in nodes}
    sources: dict[str, list[str]] = {name: [] for name in targets}
    for source, target in arrows:
        targets[source].append(target)
        sources[target].append(source)
    listed = tuple({name: tuple(others) for name, others in each.items()} for each in (targets, sources))
    return listed[0], listed[1]


def _grouped(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    lists: dict[str, list[str]] = {name: [] for name in nodes}
    for one, other in pairs:
        lists[one].append(other)
    return {name: tuple(others) for name, others in lists.items()}


def _deliveries(topology: Topology) -> dict[str, tuple[str, ...]]:
    one_way = [edge for edge in topology.edges if not edge.bidirectional and edge.target in (USER, END)]
    found: dict[str, tuple[str, ...]] = {}
    for edge in one_way:
        found[edge.source] = (*found.get(edge.source, ()), edge.target)
    return found


def _neighbours(
    agents: Iterable[str], arrows: Iterable[tuple[str, str]]
) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Split the arrows between agents into conversations and one-way edges."""
    known = set(agents)
    between = [pair for pair in arrows if pair[0] in known and pair[1] in known]
    drawn = set(between)
    partners = [pair for pair in between if pair[::-1] in drawn and pair[0] != pair[1]]
    talking = set(partners)
    return _grouped(agents, partners), _grouped(agents, (pair for pair in between if pair not in talking))


def _walk(start: Iterable[str], following: Callable[[str], Iterable[str]]) -> dict[str, None]:
    """Give all that can be reached, the start included, in the order in which it is found."""
    seen = dict.fromkeys(start)
    waiting = list(seen)
    while waiting:
        for name in following(waiting.pop()):
            if name not in seen:
                seen[name] = None
                waiting.append(name)
    return seen


def _entries(graph: TopologyGraph) -> tuple[str, ...]:
    """Find who receives the task: after ``Start``, after ``User``, with whom ``User`` talks, whom nobody asks."""
    drawn = _drawn_entries(graph)
    declared = graph.topology.entry
    if drawn and declared and set(drawn) != set(declared):
        raise TopologyError(
            f"entry {quoted(', '.join(declared))}, but the edges give the task to {quoted(', '.join(drawn))}; "
            f"leave the entry out, or draw '{USER} -> {declared[0]}'"
        )
    entries = drawn or declared or tuple(name for name in graph.agents if not graph.predecessors(name))
    if not entries:
        raise TopologyError(_no_entry(graph))
    return entries


def _drawn_entries(graph: TopologyGraph) -> tuple[str, ...]:
    edges = graph.topology.edges
    started = [name for edge in edges for source, name in edge.arrows if source == START]
    given = [edge.target for edge in edges if edge.source == USER and not edge.bidirectional]
    talking = [name for edge in edges if edge.bidirectional for source, name in edge.arrows if source == USER]
    choices = ([name for name in dict.fromkeys(group) if name in graph] for group in (started, given, talking))
    return tuple(next(filter(None, choices), ()))


def _no_entry(graph: TopologyGraph) -> str:
    if not graph.agents:
        return f"the topology has no agent to run; expected something like '{USER} -> A -> {USER}'"
    if marker := next((name for name in graph.agents if name.capitalize() in RESERVED), ""):
        return f"no entry: {quoted(marker)} is drawn as an agent; did you mean {marker.capitalize()!r}?"
    trail = dict.fromkeys([graph.agents[0]])
    while (before := next(name for name in graph.predecessors(next(reversed(trail))))) not in trail:
        trail[before] = None
    names = list(trail)
    cycle = [before, *reversed(names[names.index(before) :])]
    return (
        f"no entry: everybody waits for somebody in the cycle {quoted(' -> '.join(cycle))}; "
        f"draw '{USER} -> {graph.agents[0]}', or say entry=[{graph.agents[0]!r}] ('entry: {graph.agents[0]}' in text)"
    )


@dataclass(frozen=True)
class TopologyAnalyzer:
    """Checks a topology, everything that can be known before anything runs."""

    def analyze(self, topology: Topology, known_agents: Collection[str] | None = None) -> TopologyGraph:
        """Check a topology and give it with look-ups.

        Parameters
        ----------
        topology : Topology
            What the user drew.
        known_agents : collection of str, optional
            The agents that are registered; without it, that is not checked. Agent objects among the topology's nodes
            count as registered.

        Returns
        -------
        TopologyGraph
            The graph.

        Raises
        ------
        TopologyError
            For the first thing that is wrong; the message names the culprit and the fix.

        Examples
        --------
        >>> from mars_nb.topology.model import Topology
        >>> TopologyAnalyzer().analyze(Topology.from_text("A -> B -> A"))
        Traceback (most recent call last):
        mars_nb.errors.TopologyError: no entry: everybody waits for somebody in the cycle 'A -> B -> A'; draw
        'User -> A', or say entry=['A'] ('entry: A' in text)
        """
        _check_markers(topology)
        graph = TopologyGraph(topology)
        _check_reachable(graph)
        _check_rules(topology)
        if known_agents is not None:
            _check_known(graph, known_agents)
        return graph


def _check_markers(topology: Topology) -> None:
    if RESERVED.isdisjoint(topology.nodes):
        return
    for source, target in topology.directed_edges():
        if source == END:
            raise TopologyError(f"'{source} -> {target}': no edge leads out of {END!r}; the run is over there")
        if target == START:
            raise TopologyError(f"'{source} -> {target}': no edge leads into {START!r}; go back to an agent instead")
        if source in RESERVED and target in RESERVED:
            raise TopologyError(f"'{source} -> {target}': expected an agent at one end at least")


def _check_reachable(graph: TopologyGraph) -> None:
    reached = _walk(graph.entries, lambda name: (*graph.partners(name), *graph.onward(name)))
    lost = [name for name in graph.agents if name not in reached]
    if lost:
        more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
        raise TopologyError(
            f"{lost[0]!r}{more} cannot be reached from the entry {quoted(', '.join(graph.entries))}; "
            f"draw an edge to {lost[0]!r}, or leave it out{did_you_mean(lost[0], reached)}"
        )


def _check_rules(topology: Topology) -> None:
    nodes, arrows = set(topology.nodes), set(topology.directed_edges())
    written = {pair for edge in topology.edges if edge.bidirectional for pair in edge.arrows}
    for rule in topology.rules:
        problem = unknown_node(rule, nodes)
        if problem is None and isinstance(rule, MaxTurnsRule):
            problem = _no_conversation(rule, written if USER in rule.agents_named else arrows)
        if problem:
            raise RuleError(f"{quoted(str(rule))}: {problem}")


def unknown_node(rule: Rule, nodes: Collection[str]) -> str | None:
    """Say which node of a rule is not in the topology, or cannot have a rule; None when all is well."""
    for name in rule.agents_named:
        if name not in nodes:
            return f"{name!r} is not in the topology{did_you_mean(name, nodes)}"
        if name in RESERVED and not (name == USER and isinstance(rule, MaxTurnsRule)):
            return f"{name!r} executes no step; expected an agent"
    return None


def _no_conversation(rule: MaxTurnsRule, arrows: Collection[tuple[str, str]]) -> str | None:
    one, other = rule.agents_named
    if one != other and (one, other) in arrows and (other, one) in arrows:
        return None
    return f"there is no conversation between them; draw '{one} <-> {other}', or leave the rule out"


def _check_known(graph: TopologyGraph, known_agents: Collection[str]) -> None:
    known: Mapping[str, object] = {**dict.fromkeys(known_agents), **graph.topology.agents}
    unknown = [name for name in graph.agents if name not in known]
    if unknown:
        more = f" (and {len(unknown) - 1:,} more)" if len(unknown) > 1 else ""
        registered = quoted(", ".join(known)) if known else "nobody"
        near = did_you_mean(unknown[0], (*known, *RESERVED)) or f"; registered: {registered}"
        raise TopologyError(f"{unknown[0]!r}{more} is not a registered agent{near}")
