"""A topology: who may talk to whom.

Nodes are agents and three reserved names (``User``, ``Start``, ``End``), edges are arrows between them, rules are
limits. This is what the user drew, as frozen data: nothing here is checked against agents and nothing is looked up
(that is `mars_nb.topology.graph`). A one-way edge hands over; a two-way edge is a conversation.

Examples
--------
>>> drawn = Topology.from_text("User -> Writer <-> Reviewer -> User")
>>> drawn.nodes
('User', 'Writer', 'Reviewer')
>>> print(drawn.edges[1])
Writer <-> Reviewer
>>> Topology.from_text(drawn.to_text()) == drawn
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from mars_nb.errors import TopologyError, did_you_mean
from mars_nb.topology.names import END, RESERVED, START, USER, name_of, quoted, written
from mars_nb.topology.rules import Rule, without_repetition

if TYPE_CHECKING:
    from networkx import DiGraph

__all__ = ["END", "MAX_EDGES", "MAX_NODES", "RESERVED", "START", "USER", "Edge", "Topology"]

_MEANS_SOMETHING = re.compile(r'[\x00-\x1f\x7f"#$%&;<>`\\\[\]{}|()]')
MAX_NODES = 100_000
MAX_EDGES = 1_000_000


class Edge(BaseModel):
    """One arrow, or one conversation.

    Parameters
    ----------
    source, target : str or agent
        The two ends. An agent object stands for its name.
    bidirectional : bool
        Whether it is a conversation (``A <-> B``).

    Raises
    ------
    TopologyError
        If an end is no name, or a conversation has the same agent at both ends.

    Examples
    --------
    >>> str(Edge(source="Writer", target="Reviewer", bidirectional=True))
    'Writer <-> Reviewer'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    target: str
    bidirectional: bool = False
    _ends: tuple[object, ...] = PrivateAttr(default=())

    def __init__(self, *, source: object, target: object, bidirectional: bool = False) -> None:
        one, other = name_of(source), name_of(target)
        if not isinstance(bidirectional, bool):
            raise TopologyError(f"bidirectional={quoted(bidirectional)}: expected True or False")
        if bidirectional and one == other:
            raise TopologyError(f"'{one} <-> {one}': nobody talks with themselves; did you mean '{one} -> {one}'?")
        super().__init__(source=one, target=other, bidirectional=bidirectional)
        if not (isinstance(source, str) and isinstance(target, str)):
            self._ends = (source, target)

    @property
    def kind(self) -> str:
        """``"->"`` or ``"<->"``."""
        return "<->" if self.bidirectional else "->"

    @property
    def ends(self) -> tuple[object, object]:
        """The two ends as they were given: names or agent objects."""
        return (self._ends[0], self._ends[1]) if self._ends else (self.source, self.target)

    @property
    def arrows(self) -> tuple[tuple[str, str], ...]:
        """Its one or two directions."""
        one_way = (self.source, self.target)
        return (one_way, (self.target, self.source)) if self.bidirectional else (one_way,)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Edge):
            return NotImplemented
        return (self.source, self.target, self.bidirectional) == (other.source, other.target, other.bidirectional)

    def __hash__(self) -> int:
        return hash((self.source, self.target, self.bidirectional))

    def __str__(self) -> str:
        return f"{written(self.source)} {'<->' if self.bidirectional else '->'} {written(self.target)}"


@dataclass(frozen=True, init=False, repr=False)
class Topology:
    """What the user drew: nodes, edges and rules.

    Parameters
    ----------
    nodes : iterable of str or agent, optional
        Left out, they are the ends of the edges in the order in which those name them. Reserved names need not be
        listed.
    edges : iterable of Edge
        Strings and tuples are accepted as `ensure_topology` accepts them. The same edge twice is one edge.
    rules : iterable of Rule
        Rule objects or their text.
    entry : iterable of str
        Where the task goes when the edges do not say it (a pure cycle).

    Attributes
    ----------
    agents : mapping of str to object
        The agent objects that stood among the nodes or at the ends of edges, by name.

    Raises
    ------
    TopologyError
        If an edge or the entry names something that is not among the nodes, or two rules contradict each other.
    """

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    rules: tuple[Rule, ...]
    entry: tuple[str, ...]
    agents: Mapping[str, object] = field(compare=False)

    def __init__(
        self,
        nodes: Iterable[object] = (),
        edges: Iterable[object] = (),
        rules: Iterable[object] = (),
        entry: Iterable[object] = (),
    ) -> None:
        declared = _listed(nodes, "nodes")
        drawn = _unique_edges(_as_edges(edges))
        agents = _objects(chain(declared, chain.from_iterable(edge.ends for edge in drawn)))
        names = _nodes([name_of(node) for node in declared], drawn)
        entries = tuple(dict.fromkeys(name_of(node) for node in _listed(entry, "entry")))
        _check_entry(entries, names)
        for key, value in (
            ("nodes", names),
            ("edges", drawn),
            ("rules", without_repetition(_as_rules(rules))),
            ("entry", entries),
            ("agents", MappingProxyType(agents)),
        ):
            object.__setattr__(self, key, value)

    def __reduce__(self) -> tuple[object, ...]:
        nodes = tuple(self.agents.get(name, name) for name in self.nodes)
        return (Topology, (nodes, self.edges, self.rules, self.entry))

    @classmethod
    def from_text(cls, text: str) -> Topology:
        """Read the notation: lines of edges, rules and ``entry:``.

        Raises
        ------
        NotationError
            If a line is none of them; the message quotes it and says what was expected.
        """
        from mars_nb.topology.notation import parse_topology

        return parse_topology(text)

    def to_text(self) -> str:
        """Write the notation; reading it again gives an equal topology.

        Examples
        --------
        >>> print(Topology(edges=["A -> B", "B -> A"], rules=["timeout(60)"], entry=["A"]).to_text())
        A -> B
        B -> A
        entry: A
        timeout(60)
        """
        from mars_nb.topology.notation import write_topology

        return write_topology(self)

    def directed_edges(self) -> tuple[tuple[str, str], ...]:
        """Give each arrow once, in the order in which the edges name them; a conversation is two."""
        found: dict[tuple[str, str], None] = {}
        for edge in self.edges:
            found[edge.source, edge.target] = None
            if edge.bidirectional:
                found[edge.target, edge.source] = None
        return tuple(found)

    def to_networkx(self) -> DiGraph[str]:
        """Give a ``networkx.DiGraph`` with each arrow once.

        Returns
        -------
        networkx.DiGraph
            Edge attribute ``kind``: ``"->"`` or, for the two arrows of a conversation, ``"<->"``.
        """
        from networkx import DiGraph

        graph: DiGraph[str] = DiGraph()
        graph.add_nodes_from(self.nodes)
        for edge in sorted(self.edges, key=lambda edge: edge.bidirectional):
            graph.add_edges_from(edge.arrows, kind=edge.kind)
        return graph

    def to_mermaid(self) -> str:
        """Give a Mermaid flowchart, for documents that draw those.

        Examples
        --------
        >>> print(Topology.from_text("User -> A <-> B").to_mermaid())
        flowchart LR
            n0(["User"])
            n1["A"]
            n2["B"]
            n0 --> n1
            n1 <--> n2
        """
        ids = {name: f"n{position}" for position, name in enumerate(self.nodes)}
        labels = {name: _as_label(name) for name in ids}
        boxes = [f'    {ids[n]}(["{labels[n]}"])' if n in RESERVED else f'    {ids[n]}["{labels[n]}"]' for n in ids]
        arrows = [f"    {ids[e.source]} {e.kind.replace('-', '--')} {ids[e.target]}" for e in self.edges]
        return "\n".join(["flowchart LR", *boxes, *arrows])

    def plot(self, ax: Any = None) -> Any:
        """Draw with matplotlib, for papers.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Axes
            What was drawn on.
        """
        from mars_nb.views import picture

        return picture.plot(self, ax=ax)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:  # noqa: ARG002
        from mars_nb.views import picture

        return dict(picture.mimebundle(self))

    def __repr__(self) -> str:
        drawn = ", ".join(str(edge) for edge in self.edges[:4]) + (", …" if len(self.edges) > 4 else "")  # noqa: PLR2004
        return f"<Topology of {len(self.nodes)} nodes, {len(self.edges)} edges, {len(self.rules)} rules: {drawn}>"


def _as_label(name: str) -> str:
    """Write a name as the inside of a quoted Mermaid label: what could mean anything there is a number."""
    return _MEANS_SOMETHING.sub(lambda found: f"#{ord(found[0])};", name)


def _listed(values: Iterable[object], what: str) -> list[object]:
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TopologyError(f"{what}={quoted(values)}: expected a list")
    listed: list[object] = []
    for value in values:  # an endless generator must end here
        listed.append(value)
        if len(listed) > MAX_EDGES:
            raise TopologyError(f"{what}: more than {MAX_EDGES:,}; a topology cannot be larger")
    return listed


def _as_edges(edges: Iterable[object]) -> list[Edge]:
    listed = _listed(edges, "edges")
    drawn = [edge for edge in listed if isinstance(edge, Edge)]
    if len(drawn) == len(listed):
        return drawn
    from mars_nb.topology.convert import edges_of

    return edges_of(listed)


def _as_rules(rules: Iterable[object]) -> list[Rule]:
    listed = _listed(rules, "rules")
    given = [rule for rule in listed if isinstance(rule, Rule)]
    if len(given) == len(listed):
        return given
    from mars_nb.topology.convert import rules_of

    return rules_of(listed)


def _unique_edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    unique: dict[object, Edge] = {}
    for edge in edges:
        same = (min(edge.arrows), edge.bidirectional) if edge.bidirectional else (edge.arrows[0], False)
        unique.setdefault(same, edge)
    return tuple(unique.values())


def _objects(nodes: Iterable[object]) -> dict[str, object]:
    """Collect the agent objects by name; a person's object under a reserved name is that marker and no agent."""
    agents: dict[str, object] = {}
    for node in nodes:
        if isinstance(node, str) or name_of(node) in RESERVED:
            continue
        name = name_of(node)
        if agents.setdefault(name, node) is not node:
            raise TopologyError(f"two different agents are called {name!r}; give one of them another name")
    return agents


def _nodes(declared: list[str], edges: Iterable[Edge]) -> tuple[str, ...]:
    """Give the nodes in order: as declared, else as the edges name them; reserved ones are added where they stand."""
    used = dict.fromkeys(chain.from_iterable((edge.source, edge.target) for edge in edges))
    nodes = dict.fromkeys(declared) if declared else used
    _check_declared(nodes, used, edges)
    missing = [name for name in used if name not in nodes]
    before = [name for name in missing if name != END]
    everything = (*before, *nodes, *(name for name in missing if name == END))
    if len(everything) > MAX_NODES:
        raise TopologyError(f"{len(everything):,} nodes; a topology has at most {MAX_NODES:,}")
    return everything


def _check_declared(nodes: Mapping[str, None], used: Mapping[str, None], edges: Iterable[Edge]) -> None:
    unknown = next((name for name in used if name not in nodes and name not in RESERVED), None)
    if unknown is not None:
        edge = next(edge for edge in edges if unknown in (edge.source, edge.target))
        near = did_you_mean(unknown, (*nodes, *RESERVED)) or f"; add it to the nodes: {quoted(', '.join(nodes))}"
        raise TopologyError(f"{quoted(str(edge))}: {unknown!r} is not among the nodes{near}")


def _check_entry(entries: Iterable[str], nodes: tuple[str, ...]) -> None:
    known = set(nodes)
    for name in entries:
        if name in RESERVED:
            raise TopologyError(f"entry {name!r}: expected an agent, where the task goes first")
        if name not in known:
            raise TopologyError(f"entry {name!r} is not in the topology{did_you_mean(name, nodes)}")
