"""How edges run: straight through their lanes, bent only in the gaps between layers.

A box keeps two ports a side at most: one for edges that arrive with an arrowhead and one for those that leave, so
that a hub shows one clean arrowhead and not twelve. All is worked out as if the drawing read from left to right.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from mars_nb.views.shapes import ARROW_PX, Arrow, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mars_nb.views.layering import Arc, Vertex
    from mars_nb.views.shapes import Box

_WIDEST_PORT = 12.0
_LOOP_REACH = 20.0
_STRAIGHT = 0.3
_CLEAR = 1.0
_CORNER = 11.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Ground:
    """What the edges of a component run across.

    Parameters
    ----------
    vertices : sequence of Vertex
    layer : sequence of int
        Layer of each vertex of the sheet.
    first : int
        The component's first layer.
    columns : sequence of (float, float)
        Where each of the component's layers begins and ends.
    boxes : mapping
        Box of each vertex.
    centre : mapping
        Centre of each vertex and lane, across.
    """

    vertices: Sequence[Vertex]
    layer: Sequence[int]
    first: int
    columns: Sequence[Point]
    boxes: Mapping[int, Box]
    centre: Mapping[int, float]


def routes(arcs: Sequence[Arc], chains: Sequence[Sequence[int]], ground: Ground) -> list[Route]:
    """Draw the edges of a component.

    Parameters
    ----------
    arcs : sequence of Arc
    chains : sequence of sequence of int
        Of each arc: its tail, the lanes it runs through, its head.
    ground : Ground
        Where everything stands.

    Returns
    -------
    list of Route
        One for each arc.
    """
    leave, arrive = _ports(arcs, chains, ground)
    n_out, n_in = Counter(arc.tail for arc in arcs), Counter(arc.head for arc in arcs)
    drawn = []
    for arc, chain in zip(arcs, chains, strict=True):
        at_tail, at_head = _heads(arc)
        heights = [leave[arc.tail, at_tail], *(ground.centre[lane] for lane in chain[1:-1]), arrive[arc.head, at_head]]
        if n_in[arc.head] == 1:
            heights[-1] = _slid(arc.head, ground, towards=heights[-2])
        if n_out[arc.tail] == 1:
            heights[0] = _slid(arc.tail, ground, towards=heights[1])
        drawn.append(_route(arc, heights, ground, crowd=(n_out[arc.tail], n_in[arc.head])))
    return drawn


def _slid(vertex: int, ground: Ground, *, towards: float) -> float:
    """Place the only port of a side where its edge runs straight, if it is near; else in the middle."""
    centre = ground.centre[vertex]
    reach = ground.boxes[vertex].height / 2 - _CORNER if ground.vertices[vertex].kind == "agent" else 0.0
    return towards if abs(towards - centre) <= reach else centre


def loop(box: Box, *, is_down: bool) -> Route:
    """Draw an edge from a node to itself, at the side where the layout keeps room for it.

    Parameters
    ----------
    box : Box
        The node.
    is_down : bool
        The drawing will be turned: what is below here will be to the right.

    Returns
    -------
    Route
        A small bow with one arrowhead.
    """
    edge, away = (box.bottom, 1.0) if is_down else (box.y, -1.0)
    a, b = box.x + box.width * 0.3, box.x + box.width * 0.7
    if not is_down:
        a, b = box.right - 36, box.right - 14
    reach = edge + away * _LOOP_REACH
    steps = ((a, edge), (a, reach, b, reach, b, edge + away * ARROW_PX * 0.7))
    return Route(box.name, box.name, both=False, steps=steps, arrows=(Arrow(b, edge, 0.0, -away),), label=(a, reach))


def _heads(arc: Arc) -> tuple[bool, bool]:
    """Tell whether there is an arrowhead at the tail and at the head."""
    return arc.both or arc.turned, arc.both or not arc.turned


Ports = dict[tuple[int, bool], float]


def _ports(arcs: Sequence[Arc], chains: Sequence[Sequence[int]], ground: Ground) -> tuple[Ports, Ports]:
    """Give the place across of each port, by vertex and by whether arrowheads meet there."""
    leave: dict[tuple[int, bool], list[float]] = {}
    arrive: dict[tuple[int, bool], list[float]] = {}
    for arc, chain in zip(arcs, chains, strict=True):
        leave.setdefault((arc.tail, _heads(arc)[0]), []).append(ground.centre[chain[1]])
    left = _part_ports(leave, ground, upper=False)
    for arc, chain in zip(arcs, chains, strict=True):
        at_tail, at_head = _heads(arc)
        # Where it really comes from, so that an edge and one that leads back do not cross each other.
        before = left[arc.tail, at_tail] if chain[-2] == arc.tail else ground.centre[chain[-2]]
        arrive.setdefault((arc.head, at_head), []).append(before)
    return left, _part_ports(arrive, ground, upper=True)


def _part_ports(ends: dict[tuple[int, bool], list[float]], ground: Ground, *, upper: bool) -> Ports:
    """Hold the two ports of a side apart, ordered by where their edges go; ``upper`` decides among equals."""
    ports = {}
    for (vertex, has_head), others in ends.items():
        rival = ends.get((vertex, not has_head))
        apart = 0.0
        if rival and ground.vertices[vertex].kind == "agent":
            own, its = sum(others) / len(others), sum(rival) / len(rival)
            is_first = own < its or (own == its and has_head == upper)
            apart = min(_WIDEST_PORT, ground.boxes[vertex].height / 5) * (-1 if is_first else 1)
        ports[vertex, has_head] = ground.centre[vertex] + apart
    return ports


def _route(arc: Arc, heights: Sequence[float], ground: Ground, *, crowd: tuple[int, int]) -> Route:
    """Draw one edge through its lanes."""
    at_tail, at_head = _heads(arc)
    start, end = _edge_of(ground, arc.tail, after=True), _edge_of(ground, arc.head, after=False)
    skip = ground.layer[arc.tail] - ground.first
    gaps = [
        (ground.columns[skip + i][1], y, ground.columns[skip + i + 1][0], z)
        for i, (y, z) in enumerate(pairwise(heights))
    ]
    inset = ARROW_PX * 0.7
    steps = [(start + inset * at_tail, heights[0]), *(step for gap in gaps for step in _bend(*gap))]
    steps.append((end - inset * at_head, heights[-1]))
    tips = [Arrow(start, heights[0], -1.0, 0.0)] * at_tail + [Arrow(end, heights[-1], 1.0, 0.0)] * at_head
    names = ground.vertices[arc.tail].name, ground.vertices[arc.head].name
    source, target = reversed(names) if arc.turned else names
    return Route(source, target, arc.both, _straightened(steps), tuple(tips), _spot(gaps, crowd))


def _spot(gaps: Sequence[tuple[float, float, float, float]], crowd: tuple[int, int]) -> Point:
    """Find where to write at an edge: in the middle, or towards the end where fewer edges meet."""
    tail, head = crowd
    if tail == head:
        x1, y1, x2, y2 = gaps[len(gaps) // 2]
        return (x1 + x2) / 2, (y1 + y2) / 2
    x1, y1, x2, y2 = gaps[-1 if tail > head else 0]
    t = 0.66 if tail > head else 0.34
    return x1 + (x2 - x1) * t, y1 + (y2 - y1) * (3 - 2 * t) * t * t


def _edge_of(ground: Ground, vertex: int, *, after: bool) -> float:
    """Give where edges meet a node; a marker is a circle in the middle of its place."""
    box = ground.boxes[vertex]
    return box.right + _CLEAR if after else box.x - _CLEAR


def _bend(x1: float, y1: float, x2: float, y2: float) -> list[tuple[float, ...]]:
    """Cross a gap: out of the one layer straight, into the next straight, and an S between."""
    if abs(y1 - y2) < _STRAIGHT:
        return [(x2, y2)]
    a, b = x1 + ARROW_PX, x2 - ARROW_PX
    middle = (a + b) / 2
    return [(a, y1), (middle, y1, middle, y2, b, y2), (x2, y2)]


def _straightened(steps: Sequence[tuple[float, ...]]) -> tuple[tuple[float, ...], ...]:
    """Leave out the points inside a straight run: long edges through shared lanes have many."""
    kept: list[tuple[float, ...]] = [steps[0]]
    for step, following in pairwise(steps[1:]):
        are_lines = len(step) == len(following) == len(steps[0])
        if not (are_lines and step[1] == following[1] == kept[-1][-1]):
            kept.append(step)
    return (*kept, steps[-1])
