"""The pieces of a laid-out topology: boxes, routes, arrowheads. Plain data, in pixels, from the upper left corner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from mars_nb.views.layering import Kind

ARROW_PX: Final = 7.0
"""Length of an arrowhead."""

LOOP_PX: Final = 16.0
"""Room that an edge from a node to itself needs beside it."""

LABEL_SIZE: Final = (32.0, 14.0)
"""Width and height of what may be written at a conversation."""


@dataclass(frozen=True)
class Box:
    """Where a node stands.

    Parameters
    ----------
    name : str
        Name of the node. ``User`` may stand in two places.
    kind : {"agent", "user", "start", "end"}
        All but agents are small round markers.
    x, y, width, height : float
        In pixels, from the upper left corner of the picture.
    lines : tuple of str
        The name as it is written, in one line or two.
    loop : bool
        Whether an edge leads from the node to itself.
    """

    name: str
    kind: Kind
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...] = ()
    loop: bool = False

    @property
    def right(self) -> float:
        """Right end."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower end."""
        return self.y + self.height

    @property
    def middle(self) -> tuple[float, float]:
        """Centre."""
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(frozen=True)
class Arrow:
    """An arrowhead: its tip, and the unit vector in which it points."""

    x: float
    y: float
    dx: float
    dy: float


@dataclass(frozen=True)
class Route:
    """How an edge runs.

    Parameters
    ----------
    source, target : str
        Names of its nodes.
    both : bool
        Whether it is a conversation.
    steps : tuple of tuple of float
        A start ``(x, y)``, then lines ``(x, y)`` and cubic curves ``(x1, y1, x2, y2, x, y)``.
    arrows : tuple of Arrow
        One arrowhead or two.
    label : (float, float) or None
        Middle of what may be written at it; None where there is no room.
    """

    source: str
    target: str
    both: bool
    steps: tuple[tuple[float, ...], ...]
    arrows: tuple[Arrow, ...]
    label: tuple[float, float] | None = None


@dataclass(frozen=True)
class Frame:
    """A thin frame around agents that are taken together.

    Parameters
    ----------
    names : tuple of str
        Those agents.
    x, y, width, height : float
        In pixels, from the upper left corner of the picture.
    """

    names: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right end."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower end."""
        return self.y + self.height


@dataclass(frozen=True)
class Layout:
    """A topology with a place for everything.

    Parameters
    ----------
    width, height : float
        Size in pixels.
    boxes : tuple of Box
    routes : tuple of Route
    is_down : bool
        Whether it reads from top to bottom.
    is_compact : bool
        Whether it has so many nodes that they show counts.
    frames : tuple of Frame
        Around agents that a rule takes together, where they stand together.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    routes: tuple[Route, ...]
    is_down: bool
    is_compact: bool
    frames: tuple[Frame, ...] = ()


Placed = TypeVar("Placed", Box, Frame)


def moved(box: Placed, dx: float, dy: float) -> Placed:
    """Give the same box or frame elsewhere."""
    return replace(box, x=box.x + dx, y=box.y + dy)


def moved_route(route: Route, dx: float, dy: float) -> Route:
    """Give the same route elsewhere."""
    shift = (dx, dy) * 3
    return replace(
        route,
        steps=tuple(tuple(at + by for at, by in zip(step, shift, strict=False)) for step in route.steps),
        arrows=tuple(replace(arrow, x=arrow.x + dx, y=arrow.y + dy) for arrow in route.arrows),
        label=route.label and (route.label[0] + dx, route.label[1] + dy),
    )


def turned(box: Placed) -> Placed:
    """Exchange across and down."""
    return replace(box, x=box.y, y=box.x, width=box.height, height=box.width)


def turned_route(route: Route) -> Route:
    """Exchange across and down."""
    return replace(
        route,
        steps=tuple(tuple(step[i ^ 1] for i in range(len(step))) for step in route.steps),
        arrows=tuple(Arrow(arrow.y, arrow.x, arrow.dy, arrow.dx) for arrow in route.arrows),
        label=route.label and (route.label[1], route.label[0]),
    )
