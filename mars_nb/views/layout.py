"""Where everything stands: one layered layout for every picture of a topology.

The layout depends on the topology alone, never on states, so nothing jumps while a run goes on. It reads from left to
right while that fits into 900 px, else from top to bottom, and is never wider.

Nothing touches by construction, not by search. Boxes stand in layers; edges bend only in the gaps between layers,
where no box is; and where an edge passes a layer, it runs straight in a lane of its own (see ``ordering``).

All of this is worked out along two axes, *main* (in which the drawing reads) and *cross*, and turned at the very end.

Examples
--------
>>> from types import SimpleNamespace as Edge
>>> drawn = lay_out(Edge(nodes=("A", "B"), edges=(Edge(source="A", target="B", bidirectional=False),)))
>>> [box.name for box in drawn.boxes], drawn.boxes[0].right < drawn.boxes[1].x, drawn.boxes[0].y == drawn.boxes[1].y
(['A', 'B'], True, True)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mars_nb.views import framing, labels, layering, ordering, routing
from mars_nb.views.placing import place_labels
from mars_nb.views.shapes import LOOP_PX, Box, Frame, Layout, Route, moved, moved_route, turned, turned_route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.views.layering import Drawn, Sheet, Vertex

MAX_WIDTH_PX: Final = 900
FONT_PX: Final = 12.0
NAME_PX: Final = 13.8
"""Names are set bold, which is wider: measure them as if they were this large."""

DETAIL_FONT_PX: Final = 10.0
GLYPH_ROOM_PX: Final = 24.0
N_COMPACT: Final = 40
"""Above this many nodes, boxes are smaller and show counts."""

_MARGIN = 14.0
_NARROWEST, _WIDEST = 86.0, 148.0
_PITCH_GAP = 38.0
_WIDEST_GAP, _TALKING_GAP = 56.0, 76.0
_MARKER, _MARKER_LABEL_DOWN, _MARKER_LABEL_ACROSS = 30.0, 58.0, 100.0
_LANE, _LANE_GAP, _BOX_GAP = 2.0, 10.0, 14.0
_TALLEST_COLUMN = 16
_ROW_GAP = 46.0
_PART_GAP = 26.0
_PADDING = 9.0
_NARROW_ROOM = 600.0
_N_ROOMY = 2


@dataclass(frozen=True)
class _Plan:
    """What is the same for all components: direction and sizes."""

    sheet: Sheet
    layer: tuple[int, ...]
    is_down: bool
    is_compact: bool
    width: float
    height: float
    gap: float
    room: float

    def is_agent(self, vertex: int) -> bool:
        return vertex < len(self.sheet.vertices) and self.sheet.vertices[vertex].kind == "agent"

    def main(self, each: int) -> float:
        """Give the extent in the direction of reading; lanes have none of their own."""
        if each >= len(self.sheet.vertices):
            return 0.0
        if not self.is_agent(each):
            return _MARKER
        return self.height if self.is_down else self.width

    def cross(self, each: int) -> float:
        """Give the extent across the direction of reading, with room for a loop on either side."""
        if each >= len(self.sheet.vertices):
            return _LANE
        agent, marker = (self.width, _MARKER_LABEL_ACROSS) if self.is_down else (self.height, _MARKER_LABEL_DOWN)
        size = agent if self.is_agent(each) else marker
        return size + 2 * LOOP_PX * (each in self.sheet.loops)

    def between(self, a: int, b: int) -> float:
        """Give the distance to keep between two that stand side by side."""
        n_lanes = (a >= len(self.sheet.vertices)) + (b >= len(self.sheet.vertices))
        gap = (_BOX_GAP, _LANE_GAP, _LANE_GAP)[n_lanes]
        return gap * 0.6 if self.is_compact and n_lanes else gap


@dataclass(frozen=True)
class _Part:
    """One component, laid out for itself from its own upper left corner."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    frames: tuple[Frame, ...] = ()


def lay_out(topology: Drawn, *, max_width: float = MAX_WIDTH_PX) -> Layout:
    """Give everything in a topology its place.

    Parameters
    ----------
    topology : Drawn
        Nodes and edges.
    max_width : float
        How wide the drawing may be, in pixels.

    Returns
    -------
    Layout
        The same for the same topology, always.
    """
    plan = _plan(layering.read(topology), max_width - 2 * _MARGIN)
    together = framing.together(topology)
    parts = [_part(plan, group, together) for group in layering.components(plan.sheet)]
    placed, width, height = _shelve(parts, plan.room, is_down=plan.is_down)
    layout = Layout(
        width + 2 * _MARGIN,
        height + 2 * _MARGIN,
        tuple(box for part in placed for box in part.boxes),
        tuple(route for part in placed for route in part.routes),
        plan.is_down,
        plan.is_compact,
        tuple(frame for part in placed for frame in part.frames),
    )
    return place_labels(layout)


def reading_order(topology: Drawn) -> tuple[tuple[str, ...], ...]:
    """Give the agents layer by layer, as a reader meets them.

    Parameters
    ----------
    topology : Drawn
        Nodes and edges.

    Returns
    -------
    tuple of tuple of str
        Names in each layer; layers that hold markers alone are left out.
    """
    sheet = layering.read(topology)
    rows: dict[int, list[str]] = {}
    for vertex, at in zip(sheet.vertices, layering.layers(sheet), strict=True):
        if vertex.kind == "agent":
            rows.setdefault(at, []).append(vertex.name)
    return tuple(tuple(rows[at]) for at in sorted(rows))


def _plan(sheet: Sheet, room: float) -> _Plan:
    """Choose direction and sizes: they depend on how many layers there are and on how long the names are."""
    n_agents = sum(vertex.kind == "agent" for vertex in sheet.vertices)
    is_compact = n_agents > N_COMPACT
    layer = layering.layers(sheet)
    widths = [labels.width_px(labels.clean(v.name), NAME_PX) for v in sheet.vertices if v.kind == "agent"]
    wanted = min(_WIDEST, max(_NARROWEST, math.ceil(max(widths, default=0.0) + GLYPH_ROOM_PX + _PADDING)))
    across = _across(sheet, layer, wanted, room)
    if across:
        return _Plan(
            sheet,
            layer,
            is_down=False,
            is_compact=is_compact,
            width=across[0],
            height=_height(sheet, across[0], is_compact=is_compact),
            gap=across[1],
            room=room,
        )
    is_narrow = room < _NARROW_ROOM
    are_few = max((layer.count(at) for at in set(layer)), default=0) <= _N_ROOMY
    widest = 88.0 if is_narrow else 100.0 if is_compact else _WIDEST if are_few else 116.0
    width = math.floor(min(wanted, widest))
    widest = max(width + 2 * LOOP_PX * bool(sheet.loops), _MARKER_LABEL_ACROSS * (n_agents < len(sheet.vertices)))
    n_most = int((room - _n_lanes(room) * (_LANE + _LANE_GAP)) / (widest + _BOX_GAP))
    layer = layering.layers(sheet, n_most=max(1, n_most))
    return _Plan(
        sheet,
        layer,
        is_down=True,
        is_compact=is_compact,
        width=width,
        height=_height(sheet, width, is_compact=is_compact),
        gap=_ROW_GAP,
        room=room,
    )


def _n_lanes(room: float) -> int:
    """Give how many lanes a layer has room for, beside its boxes, if the drawing reads downwards."""
    return 8 if room < _NARROW_ROOM else 22


def _across(sheet: Sheet, layer: Sequence[int], wanted: float, room: float) -> tuple[float, float] | None:
    """Give width of a box and of a gap if the drawing fits from left to right, else None."""
    agents = {at for at, vertex in zip(layer, sheet.vertices, strict=True) if vertex.kind == "agent"}
    n_wide, n_thin = len(agents), len(set(layer) - agents)
    tallest = max((layer.count(at) for at in agents), default=0)
    n_gaps = max(n_wide + n_thin - 1, 1)
    room -= n_thin * _MARKER
    width = math.floor(min(wanted, (room - n_gaps * _PITCH_GAP) / max(n_wide, 1)))
    if width < _NARROWEST or tallest > _TALLEST_COLUMN:
        return None
    widest = _TALKING_GAP if any(arc.both for arc in sheet.arcs) else _WIDEST_GAP
    return width, math.floor(min(widest, (room - n_wide * width) / n_gaps))


def _height(sheet: Sheet, width: float, *, is_compact: bool) -> float:
    """Make every box as high as the one with the longest name needs to be, and a line for its detail."""
    if is_compact:
        return 36.0
    n_lines = max((len(_lines(vertex, width, is_compact=False)) for vertex in sheet.vertices), default=1)
    return 27.0 + 14.0 * n_lines


def _lines(vertex: Vertex, width: float, *, is_compact: bool) -> tuple[str, ...]:
    name, room = labels.clean(vertex.name), width - GLYPH_ROOM_PX - _PADDING
    if vertex.kind != "agent":
        return (name,)
    return (labels.shorten(name, room, NAME_PX),) if is_compact else labels.wrap(name, room, NAME_PX)


def _part(plan: _Plan, group: Sequence[int], together: Sequence[frozenset[str]]) -> _Part:
    """Lay out one component: order, places, boxes, routes; then turn it if it reads downwards."""
    members = frozenset(group)
    arcs = [arc for arc in plan.sheet.arcs if arc.tail in members]
    ranks = ordering.rank(group, arcs, plan.layer, len(plan.sheet.vertices), n_side_by_side=_n_lanes(plan.room))
    room = plan.room if plan.is_down else math.inf
    centre = _from_zero(ordering.spread(ranks, ordering.Measure(plan.cross, plan.between, room)), plan)
    columns = _columns(plan, ranks.rows)
    first = min(plan.layer[v] for v in group)
    boxes = {v: _box(plan, v, columns[plan.layer[v] - first], centre[v]) for v in group}
    routes = routing.routes(
        arcs, ranks.chains, routing.Ground(plan.sheet.vertices, plan.layer, first, columns, boxes, centre)
    )
    loops = [routing.loop(boxes[v], is_down=plan.is_down) for v in group if v in plan.sheet.loops]
    across = max(at + plan.cross(each) / 2 for each, at in centre.items())
    rows = [[boxes[v] for v in row if v in boxes] for row in ranks.rows]
    frames = framing.frames(rows, together, {boxes[v].name for v in group if v in plan.sheet.loops})
    part = _Part(columns[-1][1], across, tuple(boxes.values()), (*routes, *loops), frames)
    return _turn(part) if plan.is_down else part


def _from_zero(centre: dict[int, float], plan: _Plan) -> dict[int, float]:
    low = min(at - plan.cross(each) / 2 for each, at in centre.items())
    return {each: round(at - low, 1) for each, at in centre.items()}


def _columns(plan: _Plan, rows: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    """Give where each layer begins and ends."""
    columns, at = [], 0.0
    for row in rows:
        size = max(plan.main(each) for each in row)
        columns.append((at, at + size))
        at += size + plan.gap
    return columns


def _box(plan: _Plan, v: int, column: tuple[float, float], centre: float) -> Box:
    vertex, main = plan.sheet.vertices[v], plan.main(v)
    cross = plan.cross(v) - 2 * LOOP_PX * (v in plan.sheet.loops)
    return Box(
        vertex.name,
        vertex.kind,
        sum(column) / 2 - main / 2,
        centre - cross / 2,
        main,
        cross,
        _lines(vertex, plan.width, is_compact=plan.is_compact),
    )


def _turn(part: _Part) -> _Part:
    boxes, frames = tuple(map(turned, part.boxes)), tuple(map(turned, part.frames))
    return _Part(part.height, part.width, boxes, tuple(map(turned_route, part.routes)), frames)


def _shelve(parts: Sequence[_Part], room: float, *, is_down: bool) -> tuple[list[_Part], float, float]:
    """Put the components on shelves: side by side if reading downwards or single, else one below another."""
    placed: list[_Part] = []
    x = y = deepest = width = 0.0
    for before, part in zip((None, *parts), parts, strict=False):
        beside = is_down or (before is not None and not before.routes and not part.routes)
        if placed and (not beside or x + part.width > room):
            x, y, deepest = 0.0, deepest + _PART_GAP, 0.0
        placed.append(_move(part, x + _MARGIN, y + _MARGIN))
        width, deepest = max(width, x + part.width), max(deepest, y + part.height)
        x += part.width + _PART_GAP
    return placed, width, deepest


def _move(part: _Part, dx: float, dy: float) -> _Part:
    boxes = tuple(moved(box, dx, dy) for box in part.boxes)
    routes = tuple(moved_route(route, dx, dy) for route in part.routes)
    return _Part(part.width, part.height, boxes, routes, tuple(moved(frame, dx, dy) for frame in part.frames))
