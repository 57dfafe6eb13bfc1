"""From a drawing with cycles to columns: who stands left of whom.

This is the first half of a layered drawing (Sugiyama, Tagawa and Toda 1981; Gansner and others 1993). Three steps:

1. *Vertices.* An agent is one vertex. ``User`` is two when work both starts and ends there, so that the drawing reads
   from the one to the other instead of running in a circle.
2. *Arcs.* Every edge is given a direction in which it can be drawn without a cycle. Edges that close a cycle are
   turned around (their arrowhead is not). A conversation has no direction of its own and follows the order of all
   others.
3. *Layers.* Longest path, then vertices that only send are drawn up to those they send to.

Examples
--------
>>> from types import SimpleNamespace as Edge
>>> ring = [Edge(source=a, target=b, bidirectional=False) for a, b in ("AB", "BC", "CA")]
>>> sheet = read(Edge(nodes=("A", "B", "C"), edges=tuple(ring)))
>>> [(arc.tail, arc.head, arc.turned) for arc in sheet.arcs], layers(sheet)
([(0, 1, False), (1, 2, False), (0, 2, True)], (0, 1, 2))
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal["agent", "user", "start", "end"]
_MARKERS: Final[dict[str, Kind]] = {"User": "user", "Start": "start", "End": "end"}


class DrawnEdge(Protocol):
    """What a picture needs of an edge."""

    @property
    def source(self) -> str:
        """Name of the node it leaves."""

    @property
    def target(self) -> str:
        """Name of the node it reaches."""

    @property
    def bidirectional(self) -> bool:
        """Whether it is a conversation."""


class Drawn(Protocol):
    """What a picture needs of a topology."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names, in the order they were drawn."""

    @property
    def edges(self) -> Sequence[DrawnEdge]:
        """Edges, in the order they were drawn."""


@dataclass(frozen=True)
class Vertex:
    """A place in the drawing: an agent, or one of the small round markers."""

    name: str
    kind: Kind = "agent"


@dataclass(frozen=True)
class Arc:
    """An edge as it is drawn, from a lower layer to a higher one.

    Parameters
    ----------
    tail, head : int
        Vertices, by their position in the sheet.
    turned : bool
        The edge leads from ``head`` to ``tail``: its arrowhead is at the tail.
    both : bool
        A conversation, with two arrowheads.
    """

    tail: int
    head: int
    turned: bool = False
    both: bool = False


@dataclass(frozen=True)
class Sheet:
    """A topology made ready for drawing: no cycles, no duplicates, loops apart.

    Parameters
    ----------
    vertices : tuple of Vertex
    arcs : tuple of Arc
    loops : frozenset of int
        Vertices that have an edge to themselves.
    order : tuple of int
        Vertices such that every arc leads forward.
    """

    vertices: tuple[Vertex, ...]
    arcs: tuple[Arc, ...]
    loops: frozenset[int]
    order: tuple[int, ...]


@dataclass(frozen=True)
class _Link:
    source: int
    target: int
    both: bool


def read(topology: Drawn) -> Sheet:
    """Give every edge of a topology a direction to be drawn in.

    Parameters
    ----------
    topology : Drawn
        Nodes and edges, with any cycles.

    Returns
    -------
    Sheet
        The same, without cycles.
    """
    vertices, links = _vertices(topology)
    n = len(vertices)
    loops = frozenset(link.source for link in links if link.source == link.target)
    links = [link for link in links if link.source != link.target]
    directed = _break_cycles(n, [link for link in links if not link.both], _roots(vertices, links))
    order = _linear(n, directed, _depths(n, links, _roots(vertices, links)))
    place = {vertex: i for i, vertex in enumerate(order)}
    talks = [_along(link, place) for link in links if link.both]
    return Sheet(vertices, (*directed, *talks), loops, order)


def _vertices(topology: Drawn) -> tuple[tuple[Vertex, ...], list[_Link]]:
    ends = (name for edge in topology.edges for name in (edge.source, edge.target))
    names = tuple(dict.fromkeys([*topology.nodes, *ends]))
    sources = {edge.source for edge in topology.edges if not edge.bidirectional}
    targets = {edge.target for edge in topology.edges if not edge.bidirectional}
    split = {name for name in names if name in _MARKERS and name in sources and name in targets}
    vertices = [Vertex(name, _MARKERS.get(name, "agent")) for name in names]
    tail_of = head_of = {name: i for i, name in enumerate(names)}
    if split:
        head_of = tail_of | {name: len(names) + i for i, name in enumerate(sorted(split))}
        vertices += [Vertex(name, _MARKERS[name]) for name in sorted(split)]
    links: dict[tuple[int, int, bool], _Link] = {}
    for edge in topology.edges:
        link = _Link(tail_of[edge.source], head_of[edge.target], edge.bidirectional)
        if not (link.both and (link.target, link.source, True) in links):
            links.setdefault((link.source, link.target, link.both), link)
    return tuple(vertices), list(links.values())


def _roots(vertices: Sequence[Vertex], links: Sequence[_Link]) -> list[int]:
    """Order the vertices by how likely a reader starts at them: the user, the entries, then as drawn."""
    reached = {link.target for link in links} | {link.source for link in links if link.both}
    first = [i for i, vertex in enumerate(vertices) if vertex.kind in {"user", "start"} and i not in reached]
    entries = [i for i in range(len(vertices)) if i not in reached]
    return list(dict.fromkeys([*first, *entries, *range(len(vertices))]))


def _break_cycles(n: int, links: Sequence[_Link], roots: Sequence[int]) -> list[Arc]:
    """Turn around every link that leads back to a vertex which a depth-first walk has not left yet."""
    out: list[list[int]] = [[] for _ in range(n)]
    for link in links:
        out[link.source].append(link.target)
    back = _backward(n, out, roots)
    return [
        Arc(link.target, link.source, turned=True)
        if (link.source, link.target) in back
        else Arc(link.source, link.target)
        for link in links
    ]


def _backward(n: int, out: list[list[int]], roots: Sequence[int]) -> set[tuple[int, int]]:
    """Find those links, walking with a stack of our own: a chain may be longer than Python's."""
    new, open_, left = 0, 1, 2
    state = [new] * n
    back: set[tuple[int, int]] = set()
    for root in roots:
        stack = [(root, iter(out[root]))] if state[root] == new else []
        state[root] = open_ if stack else state[root]
        while stack:
            vertex, followers = stack[-1]
            follower = next(followers, None)
            if follower is None:
                state[vertex] = left
                stack.pop()
            elif state[follower] == open_:
                back.add((vertex, follower))
            elif state[follower] == new:
                state[follower] = open_
                stack.append((follower, iter(out[follower])))
    return back


def _depths(n: int, links: Sequence[_Link], roots: Sequence[int]) -> list[int]:
    """Count the hops from where a reader starts; conversations are walked both ways."""
    out: list[list[int]] = [[] for _ in range(n)]
    for link in links:
        out[link.source].append(link.target)
        if link.both:
            out[link.target].append(link.source)
    depths = [-1] * n
    for root in roots:
        if depths[root] < 0:
            _spread(root, out, depths)
    return depths


def _spread(root: int, out: list[list[int]], depths: list[int]) -> None:
    depths[root] = 0
    queue = deque([root])
    while queue:
        vertex = queue.popleft()
        for follower in out[vertex]:
            if depths[follower] < 0:
                depths[follower] = depths[vertex] + 1
                queue.append(follower)


def _linear(n: int, arcs: Iterable[Arc], depths: Sequence[int]) -> tuple[int, ...]:
    """Sort topologically; among those that may come next, the one nearest to the start comes first."""
    out: list[list[int]] = [[] for _ in range(n)]
    n_missing = [0] * n
    for arc in arcs:
        out[arc.tail].append(arc.head)
        n_missing[arc.head] += 1
    heap = [(depths[v], v) for v in range(n) if not n_missing[v]]
    heapq.heapify(heap)
    order: list[int] = []
    while heap:
        _, vertex = heapq.heappop(heap)
        order.append(vertex)
        for follower in out[vertex]:
            n_missing[follower] -= 1
            if not n_missing[follower]:
                heapq.heappush(heap, (depths[follower], follower))
    return tuple(order)


def _along(link: _Link, place: dict[int, int]) -> Arc:
    ends = sorted((link.source, link.target), key=place.__getitem__)
    return Arc(ends[0], ends[1], turned=ends[0] != link.source, both=True)


def layers(sheet: Sheet, *, n_most: int | None = None) -> tuple[int, ...]:
    """Give every vertex a layer, so that each arc leads to a higher one.

    Parameters
    ----------
    sheet : Sheet
        What is drawn.
    n_most : int, optional
        How many vertices of one component a layer may hold; more go to the next one.

    Returns
    -------
    tuple of int
        Layer of each vertex, from 0.
    """
    before: list[list[int]] = [[] for _ in sheet.vertices]
    after: list[list[int]] = [[] for _ in sheet.vertices]
    for arc in sheet.arcs:
        before[arc.head].append(arc.tail)
        after[arc.tail].append(arc.head)
    layer = [0] * len(sheet.vertices)
    part = {vertex: number for number, group in enumerate(components(sheet)) for vertex in group}
    n_in: Counter[tuple[int, int]] = Counter()
    for vertex in sheet.order:
        wanted = max((layer[v] + 1 for v in before[vertex]), default=0)
        while n_most is not None and n_in[part[vertex], wanted] >= n_most:
            wanted += 1
        layer[vertex] = wanted
        n_in[part[vertex], wanted] += 1
    if n_most is None:
        _draw_up(sheet.order, before, after, layer)
    return tuple(layer)


def _draw_up(order: Sequence[int], before: list[list[int]], after: list[list[int]], layer: list[int]) -> None:
    """Move vertices that send more than they receive next to their receivers: shorter edges."""
    for vertex in reversed(order):
        if len(after[vertex]) > len(before[vertex]):
            layer[vertex] = min(layer[v] for v in after[vertex]) - 1


def components(sheet: Sheet) -> tuple[tuple[int, ...], ...]:
    """Group the vertices that are connected, in the order they were drawn.

    Parameters
    ----------
    sheet : Sheet
        What is drawn.

    Returns
    -------
    tuple of tuple of int
        Vertices of each component.
    """
    group = list(range(len(sheet.vertices)))

    def leader(v: int) -> int:
        while group[v] != v:
            group[v] = group[group[v]]
            v = group[v]
        return v

    for arc in sheet.arcs:
        a, b = sorted((leader(arc.tail), leader(arc.head)))
        group[b] = a
    found: dict[int, list[int]] = {}
    for vertex in range(len(sheet.vertices)):
        found.setdefault(leader(vertex), []).append(vertex)
    return tuple(tuple(each) for each in found.values())
