"""Where to write at a conversation: on its line if there is room, else beside it, else nowhere.

Boxes and edges have their places when this begins. A label never lies on a box, on an arrowhead or on another label;
among the places that are left, the one is best that hides no other edge and is near to where one would look first. In
a drawing so dense that nothing is left the label is not drawn; the title of its edge still tells it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mars_nb.views.shapes import ARROW_PX, LABEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mars_nb.views.shapes import Arrow, Box, Layout, Route

    Point = tuple[float, float]
    Area = tuple[float, float, float, float]

N_LABELLED: Final = 300
"""Above so many conversations nobody could read what is written at them."""
_SQUARE_PX: Final = 32.0
_NONE: Final[frozenset[int]] = frozenset()
_EVERY_PX: Final = 4.0
_MOST_SPOTS: Final = 24
_LEAST_STEP_PX: Final = 8.0
_BOX_CLEAR_PX: Final = 1.0
_CLEAR_PX: Final = 6.0
_MOST_HIDDEN: Final = 5
_HIDES, _AT_END, _ASIDE, _PER_PX = 1.0, 0.4, 0.8, 0.01


class _Taken:
    """Areas in which nothing may be written, by the squares that they lie in: only neighbours are compared."""

    def __init__(self) -> None:
        self._areas: defaultdict[tuple[int, int], list[Area]] = defaultdict(list)

    def add(self, area: Area) -> None:
        for cell in _cells(area, _SQUARE_PX):
            self._areas[cell].append(area)

    def touches(self, area: Area) -> bool:
        left, top, right, bottom = area
        near = (each for cell in _cells(area, _SQUARE_PX) for each in self._areas.get(cell, ()))
        return any(x < right and left < r and y < bottom and top < b for x, y, r, b in near)


class _Lines:
    """Which edges run through which small square."""

    def __init__(self, paths: Sequence[Sequence[Point]]) -> None:
        self._owners: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
        for i, path in enumerate(paths):
            for x, y in path:
                self._owners[int(x // _EVERY_PX), int(y // _EVERY_PX)].add(i)

    def n_others(self, area: Area, own: int, most: int) -> int:
        """Count the other edges in an area; beyond ``most`` it does not matter how many."""
        found: set[int] = set()
        for cell in _cells(area, _EVERY_PX):
            found |= self._owners.get(cell, _NONE)
            if len(found) > most + 1:
                break
        return len(found - {own})


def _cells(area: Area, size: float) -> Iterator[tuple[int, int]]:
    left, top, right, bottom = (int(side // size) for side in area)
    return ((i, j) for i in range(left, right + 1) for j in range(top, bottom + 1))


def place_labels(layout: Layout) -> Layout:
    """Give every conversation the place where something may be written at it.

    Parameters
    ----------
    layout : Layout
        With a first guess for each.

    Returns
    -------
    Layout
        The same with ``label`` set for each conversation, to None where there is no room.
    """
    talks = [i for i, route in enumerate(layout.routes) if route.both]
    found: dict[int, Point | None] = dict.fromkeys(talks)
    if len(talks) <= N_LABELLED:
        paths = [_sampled(route) for route in layout.routes]
        taken, lines = _taken(layout.boxes, layout.routes), _Lines(paths)
        spots = {i: [spot for spot in _spots(layout.routes[i], paths[i]) if _is_inside(spot, layout)] for i in talks}
        for i in sorted(talks, key=lambda i: len(spots[i])):
            if spot := _best(spots[i], i, taken, lines):
                found[i] = spot.at
                taken.add(spot.area)
    routes = (replace(route, label=found[i]) if i in found else route for i, route in enumerate(layout.routes))
    return replace(layout, routes=tuple(routes))


def _is_inside(spot: _Spot, layout: Layout) -> bool:
    left, top, right, bottom = spot.area
    return left >= 0 and top >= 0 and right <= layout.width and bottom <= layout.height


def _taken(boxes: Iterable[Box], routes: Iterable[Route]) -> _Taken:
    taken = _Taken()
    for box in boxes:
        taken.add(_grown((box.x, box.y, box.right, box.bottom), _BOX_CLEAR_PX))
    for route in routes:
        for arrow in route.arrows:
            taken.add(_head(arrow))
    return taken


def _head(arrow: Arrow) -> Area:
    half = ARROW_PX * 0.55
    x, y = arrow.x - arrow.dx * ARROW_PX, arrow.y - arrow.dy * ARROW_PX
    side_x, side_y = abs(arrow.dy) * half, abs(arrow.dx) * half
    return min(x, arrow.x) - side_x, min(y, arrow.y) - side_y, max(x, arrow.x) + side_x, max(y, arrow.y) + side_y


def _sampled(route: Route) -> list[Point]:
    """Walk along a route in small steps."""
    points = [(route.steps[0][0], route.steps[0][1])]
    for step in route.steps[1:]:
        corners = [points[-1], *((step[k], step[k + 1]) for k in range(0, len(step), 2))]
        n = max(1, math.ceil(sum(math.dist(a, b) for a, b in pairwise(corners)) / _EVERY_PX))
        points += [_on(corners, k / n) for k in range(1, n + 1)]
    return points


def _on(corners: Sequence[Point], t: float) -> Point:
    """Give a point of a line, or of a curve by its four corners."""
    while len(corners) > 1:
        corners = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(corners)]
    return corners[0]


@dataclass(frozen=True)
class _Spot:
    """A place to try: its middle, what it costs, and how far around it no other edge may run."""

    at: Point
    cost: float
    clear_px: float = 0.0
    n_hidden: int = 0

    @property
    def area(self) -> Area:
        (x, y), (width, height) = self.at, LABEL_SIZE
        return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def _spots(route: Route, path: Sequence[Point]) -> list[_Spot]:
    """Give the places to try: along the line, right at its ends, and beside it where it runs alone."""
    first = route.label or path[len(path) // 2]
    every = max(1, math.ceil(max(_LEAST_STEP_PX / _EVERY_PX, len(path) / _MOST_SPOTS)))
    on_line = [first, *path[every:-1:every]]
    dx, dy = LABEL_SIZE[0] / 2 + 4, LABEL_SIZE[1] / 2 + 4
    aside = [(x + a, y + b) for x, y in on_line for a, b in ((0.0, -dy), (0.0, dy), (dx, 0.0), (-dx, 0.0))]
    at_ends = [spot for arrow in route.arrows for spot in _beside_head(arrow)]
    far = [_PER_PX * math.dist(spot, first) for spot in (*on_line, *at_ends, *aside)]
    return [
        *(_Spot(at, cost, n_hidden=_MOST_HIDDEN) for at, cost in zip(on_line, far, strict=False)),
        *(_Spot(at, cost + _AT_END, n_hidden=2) for at, cost in zip(at_ends, far[len(on_line) :], strict=False)),
        *(_Spot(at, cost + _ASIDE, clear_px=_CLEAR_PX) for at, cost in zip(aside, far[-len(aside) :], strict=True)),
    ]


def _beside_head(arrow: Arrow) -> tuple[Point, Point]:
    """Give the places on both sides of an arrowhead, right at the box that it points to."""
    (width, height), side = LABEL_SIZE, ARROW_PX * 0.55 + 2
    if arrow.dy:
        y = arrow.y - arrow.dy * (height / 2 + 2)
        return (arrow.x + side + width / 2, y), (arrow.x - side - width / 2, y)
    x = arrow.x - arrow.dx * (width / 2 + 2)
    return (x, arrow.y - side - height / 2), (x, arrow.y + side + height / 2)


def _best(spots: Iterable[_Spot], own: int, taken: _Taken, lines: _Lines) -> _Spot | None:
    """Give the cheapest place that touches nothing; to hide a piece of an edge or two is dear, and only on the line."""
    best, least = None, math.inf
    for spot in sorted(spots, key=lambda spot: spot.cost):
        if spot.cost >= least:
            break
        if taken.touches(spot.area):
            continue
        n_hidden = lines.n_others(_grown(spot.area, spot.clear_px), own, spot.n_hidden)
        if n_hidden <= spot.n_hidden and spot.cost + _HIDES * n_hidden < least:
            best, least = spot, spot.cost + _HIDES * n_hidden
    return best


def _grown(area: Area, by: float) -> Area:
    return area[0] - by, area[1] - by, area[2] + by, area[3] + by
