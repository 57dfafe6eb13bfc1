"""Measures of a laid-out drawing: what touches what. Independent of how the layout is worked out."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING, NamedTuple

from mars_nb.views.shapes import ARROW_PX, LABEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mars_nb.views.shapes import Arrow, Box, Frame, Layout, Route

SLACK_PX = 0.2
"""Coordinates are rounded to a tenth of a pixel."""


class Area(NamedTuple):
    """A rectangle, by its sides."""

    x: float
    y: float
    right: float
    bottom: float

    @classmethod
    def of(cls, box: Box | Frame) -> Area:
        return cls(box.x, box.y, box.right, box.bottom)

    @classmethod
    def around(cls, points: list[tuple[float, float]]) -> Area:
        """Give a little more than what holds all points: a straight line has no area."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        return cls(min(xs) - 1, min(ys) - 1, max(xs) + 1, max(ys) + 1)

    def touches(self, other: Area) -> bool:
        across = self.x < other.right - SLACK_PX and other.x < self.right - SLACK_PX
        return across and self.y < other.bottom - SLACK_PX and other.y < self.bottom - SLACK_PX

    def holds(self, point: tuple[float, float]) -> bool:
        x, y = point
        return self.x + SLACK_PX < x < self.right - SLACK_PX and self.y + SLACK_PX < y < self.bottom - SLACK_PX

    def lies_in(self, other: Area) -> bool:
        across = other.x - SLACK_PX <= self.x and self.right <= other.right + SLACK_PX
        return across and other.y - SLACK_PX <= self.y and self.bottom <= other.bottom + SLACK_PX


def sampled(route: Route) -> Iterator[tuple[float, float]]:
    """Walk along a route, some thirty points a step."""
    at = (route.steps[0][0], route.steps[0][1])
    for step in route.steps[1:]:
        points = [at, *zip(step[::2], step[1::2], strict=True)]
        yield from (bezier(points, i / 32) for i in range(33))
        at = points[-1]


def bezier(points: list[tuple[float, float]], t: float) -> tuple[float, float]:
    while len(points) > 1:
        points = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(points)]
    return points[0]


def arrow_area(arrow: Arrow) -> Area:
    half = ARROW_PX * 0.55
    xs = (arrow.x, arrow.x - arrow.dx * ARROW_PX)
    ys = (arrow.y, arrow.y - arrow.dy * ARROW_PX)
    side_x, side_y = abs(arrow.dy) * half, abs(arrow.dx) * half
    return Area(min(xs) - side_x, min(ys) - side_y, max(xs) + side_x, max(ys) + side_y)


def label_area(route: Route) -> Area | None:
    if not route.both or route.label is None:
        return None
    (x, y), (width, height) = route.label, LABEL_SIZE
    return Area(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def names(route: Route) -> str:
    return f"{route.source} to {route.target}"


def flaws(layout: Layout) -> list[str]:
    """Give everything that touches what it should not; nothing for a good drawing."""
    return [*_boxes(layout), *_routes(layout), *_arrows(layout), *_labels(layout), *_frames(layout), *_outside(layout)]


def _boxes(layout: Layout) -> Iterator[str]:
    for a, b in combinations(layout.boxes, 2):
        if Area.of(a).touches(Area.of(b)):
            yield f"boxes {a.name} and {b.name} overlap"


def _routes(layout: Layout) -> Iterator[str]:
    """Tell of routes through a box, also one of their own: they end at its outline."""
    areas = [(box.name, Area.of(box)) for box in layout.boxes]
    for route in layout.routes:
        points = list(sampled(route))
        around = Area.around(points)
        for name, area in areas:
            if area.touches(around) and any(area.holds(point) for point in points):
                yield f"the edge {names(route)} runs through {name}"


def _arrows(layout: Layout) -> Iterator[str]:
    areas = [(box.name, Area.of(box)) for box in layout.boxes]
    for route in layout.routes:
        for head in map(arrow_area, route.arrows):
            yield from (f"an arrowhead of {names(route)} lies on {name}" for name, area in areas if area.touches(head))


def _labels(layout: Layout) -> Iterator[str]:
    labelled = [(names(route), area) for route in layout.routes if (area := label_area(route))]
    for (one, a), (other, b) in combinations(labelled, 2):
        if a.touches(b):
            yield f"the labels of {one} and {other} overlap"
    heads = [(names(route), arrow_area(arrow)) for route in layout.routes for arrow in route.arrows]
    for name, area in labelled:
        yield from (f"the label of {name} lies on {box.name}" for box in layout.boxes if area.touches(Area.of(box)))
        yield from (f"the label of {name} lies on an arrowhead of {it}" for it, head in heads if area.touches(head))


def _frames(layout: Layout) -> Iterator[str]:
    """Tell of frames that do not hold their own agents whole, or touch somebody else."""
    for frame in layout.frames:
        for box in layout.boxes:
            area, own = Area.of(frame), box.name in frame.names and box.kind == "agent"
            if own and not Area.of(box).lies_in(area):
                yield f"{box.name} sticks out of its frame"
            if not own and area.touches(Area.of(box)):
                yield f"the frame of {', '.join(frame.names)} touches {box.name}"


def _outside(layout: Layout) -> Iterator[str]:
    canvas = Area(0, 0, layout.width, layout.height)
    parts = [(box.name, Area.of(box)) for box in layout.boxes]
    parts += [(", ".join(frame.names), Area.of(frame)) for frame in layout.frames]
    for route in layout.routes:
        left, top, right, bottom = Area.around(list(sampled(route)))
        parts += [(names(route), Area(left + 1, top + 1, right - 1, bottom - 1))]
        parts += [(f"arrowhead of {names(route)}", arrow_area(arrow)) for arrow in route.arrows]
        parts += [(f"label of {names(route)}", area)] if (area := label_area(route)) else []
    yield from dict.fromkeys(f"{name} lies outside" for name, area in parts if not area.lies_in(canvas))
