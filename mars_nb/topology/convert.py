"""Every way of writing a topology, made into one `Topology`.

A topology may be a `Topology`, a pattern, text, a dict of nodes, edges and rules, or a list of edges; names may be
strings or agent objects, edges strings, tuples or `Edge`, rules strings or objects, all mixed.

Examples
--------
>>> ensure_topology("User -> A -> User").nodes
('User', 'A')
>>> str(ensure_topology({"nodes": ["User", "A"], "edges": ["User -> A", ("A", "User")]}).edges[1])
'A -> User'
>>> ensure_topology(42)
Traceback (most recent call last):
mars_nb.errors.TopologyTypeError: 42 (int) is no topology; expected text, a dict with nodes and edges, a list of edges,
a PatternConfig or a Topology
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mars_nb.errors import TopologyError, TopologyTypeError, did_you_mean
from mars_nb.topology.model import MAX_EDGES, Edge, Topology
from mars_nb.topology.names import quoted
from mars_nb.topology.notation import parse_edges, parse_topology, visible, without_comment
from mars_nb.topology.patterns import PatternConfig, is_pattern, parse_pattern
from mars_nb.topology.rules import Rule, parse_rule

_SPELLINGS = {
    "nodes": "nodes",
    "agents": "nodes",
    "edges": "edges",
    "flows": "edges",
    "rules": "rules",
    "entry": "entry",
}
_ARROWS = {"->": False, "<->": True}


def ensure_topology(value: Any) -> Topology:
    """Make a topology of whatever was given for one.

    Parameters
    ----------
    value : Topology, PatternConfig, str, mapping or list
        The keys of a mapping are ``nodes``, ``edges``, ``rules`` and ``entry`` (``agents`` and ``flows`` are other
        spellings of the first two). Text is the notation, or a pattern such as ``ring(agents=[A, B])``.

    Returns
    -------
    Topology
        The topology.

    Raises
    ------
    TopologyError
        If it is one of these, but something in it is wrong.
    TopologyTypeError
        If it is none of these; a ``TypeError``.
    """
    match value:
        case Topology():
            return value
        case PatternConfig():
            return value.topology()
        case str():
            return _from_text(value)
        case Mapping():
            return _from_mapping(value)
        case list() | tuple():
            return Topology(edges=edges_of(value))
        case _:
            raise TopologyTypeError(
                f"{quoted(value)} ({type(value).__name__}) is no topology; expected text, a dict with nodes and edges, "
                "a list of edges, a PatternConfig or a Topology"
            )


def _from_text(text: str) -> Topology:
    if is_pattern(text):
        return parse_pattern(text).topology()
    topology = parse_topology(text)
    if not topology.nodes:
        raise TopologyError("the topology's text is empty; expected something like 'User -> A -> User'")
    return topology


def _from_mapping(value: Mapping[Any, object]) -> Topology:
    parts: dict[str, list[object]] = {"nodes": [], "edges": [], "rules": [], "entry": []}
    given: dict[str, object] = {}
    for key, part in value.items():
        name = _SPELLINGS.get(key) if isinstance(key, str) else None
        if name is None:
            near = did_you_mean(str(key)[:80], _SPELLINGS)
            raise TopologyError(f"unknown key {quoted(key)}; expected nodes, edges, rules or entry{near}")
        if name in given:
            raise TopologyError(f"the keys {quoted(given[name])} and {quoted(key)} mean the same; give one of them")
        given[name] = key
        parts[name] = _items(key, part)
    if not parts["nodes"] and not parts["edges"]:
        raise TopologyError("the topology is empty; expected nodes and edges, such as edges=['User -> A']")
    return Topology(parts["nodes"], edges_of(parts["edges"]), rules_of(parts["rules"]), parts["entry"])


def _items(key: str, part: object) -> list[object]:
    """Give the items of one part; text is its lines, and a single entry needs no list."""
    if part is None:
        return []
    if isinstance(part, str):
        return [part] if key == "entry" else [line for line in part.splitlines() if without_comment(line)]
    if isinstance(part, bytes | Mapping) or not isinstance(part, list | tuple | set | frozenset | Iterable):
        raise TopologyError(f"{key}={quoted(part)}: expected a list")
    return _bounded(key, part)


def _bounded(key: str, part: Iterable[object]) -> list[object]:
    items: list[object] = []
    for item in part:  # an endless generator must end here
        items.append(item)
        if len(items) > MAX_EDGES:
            raise TopologyError(f"{key}: more than {MAX_EDGES:,}; a topology cannot be larger")
    return items


def edges_of(items: Iterable[object]) -> list[Edge]:
    """Make edges of strings, tuples and `Edge` objects, mixed.

    Raises
    ------
    TopologyError
        If one of them is no edge.
    """
    edges: list[Edge] = []
    for item in items:
        made = _edge(item, MAX_EDGES - len(edges))
        edges.extend(made)
    return edges


def _edge(item: object, max_edges: int) -> list[Edge]:
    match item:
        case Edge():
            return [item]
        case str():
            return parse_edges(item, max_edges=max_edges)
        case (source, target):
            return [_pair(item, source, target, two_way=False)]
        case (source, target, str(kind)) if kind in _ARROWS:
            return [_pair(item, source, target, two_way=_ARROWS[kind])]
        case _:
            raise TopologyError(
                f"{quoted(item)} is no edge; expected 'A -> B', ('A', 'B'), or Edge(source=…, target=…)"
            )


def _pair(item: object, source: object, target: object, *, two_way: bool) -> Edge:
    try:
        return Edge(source=source, target=target, bidirectional=two_way)
    except TopologyError as error:
        raise TopologyError(f"edge {quoted(item)}: {error}") from None


def rules_of(items: Iterable[object]) -> list[Rule]:
    """Make rules of strings and rule objects, mixed.

    Raises
    ------
    RuleError
        If a text is no rule.
    TopologyError
        If something is neither.
    """
    return [_rule(item) for item in items]


def _rule(item: object) -> Rule:
    if isinstance(item, Rule):
        return item
    if isinstance(item, str):
        return parse_rule(visible(without_comment(item)))
    raise TopologyError(
        f"{quoted(item)} is no rule; expected text like 'timeout(300)' or TimeoutRule(max_duration=300)"
    )
