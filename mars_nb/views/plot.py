"""A topology for papers, with matplotlib.

It is drawn from the very layout that the SVG is drawn from. matplotlib is imported when something is drawn,
and names are never read as mathematics, so that a ``$`` in a name stays a ``$``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mars_nb.views import labels
from mars_nb.views.layout import DETAIL_FONT_PX, FONT_PX, GLYPH_ROOM_PX
from mars_nb.views.palette import EDGE, GLYPH_SIZE, INK, SIGNS, NodeState, NodeView
from mars_nb.views.shapes import ARROW_PX, LABEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.path import Path

    from mars_nb.views.shapes import Arrow, Box, Frame, Layout, Route

_POINTS_PER_INCH: Final = 72
_PX_PER_INCH: Final = 100
_LINE_PX: Final = 14.0
_RADIUS: Final = 14.0
_CUT: Final = 10.0
_NO_STATES: Final[Mapping[str, NodeView]] = {}
_NO_TURNS: Final[Mapping[frozenset[str], str]] = {}


@dataclass(frozen=True)
class _Canvas:
    """Axes in which one unit is one pixel of the layout; ``points`` converts sizes of type and line."""

    ax: Axes
    points: float

    def text(
        self, x: float, y: float, text: str, *, size: float, colour: str, middle: bool, bold: bool = False
    ) -> None:
        self.ax.text(
            x,
            y,
            labels.clean(text),
            fontsize=size * self.points,
            color=colour,
            ha="center" if middle else "left",
            va="center",
            fontweight="bold" if bold else "normal",
            parse_math=False,
            clip_on=True,
        )


def topology(
    layout: Layout,
    ax: Axes | None = None,
    *,
    states: Mapping[str, NodeView] = _NO_STATES,
    turns: Mapping[frozenset[str], str] = _NO_TURNS,
) -> Axes:
    """Draw a layout.

    Parameters
    ----------
    layout : Layout
        Where everything stands.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of the layout's size is made otherwise.
    states : mapping of str to NodeView
        What each node shows; without any, the nodes show their names alone.
    turns : mapping of frozenset of str to str
        What is written at a conversation, by its two names.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, without frame or ticks, one unit a pixel, y downwards.
    """
    canvas = _canvas(layout, ax)
    for frame in layout.frames:
        _frame(canvas, frame)
    for route in layout.routes:
        _route(canvas, route)
        if route.both and (turn := turns.get(frozenset((route.source, route.target)))):
            _label(canvas, route, turn)
    for box in layout.boxes:
        _node(canvas, box, states.get(box.name), is_plain=not states, is_down=layout.is_down)
    return canvas.ax


def _canvas(layout: Layout, ax: Axes | None) -> _Canvas:
    import matplotlib.pyplot as plt

    if ax is None:
        size = (layout.width / _PX_PER_INCH, layout.height / _PX_PER_INCH)
        ax = plt.figure(figsize=size, dpi=_PX_PER_INCH).add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set(xlim=(0, layout.width), ylim=(layout.height, 0), aspect="equal")
    ax.set_axis_off()
    area = ax.get_window_extent()
    figure = ax.get_figure(root=True)
    dpi = figure.dpi if figure else _PX_PER_INCH
    scale = min(area.width / layout.width, area.height / layout.height)
    return _Canvas(ax, scale * _POINTS_PER_INCH / dpi)


def _route(canvas: _Canvas, route: Route) -> None:
    from matplotlib.patches import PathPatch, Polygon
    from matplotlib.path import Path

    points = [route.steps[0]]
    codes = [Path.MOVETO]
    for step in route.steps[1:]:
        points += [step[i : i + 2] for i in range(0, len(step), 2)]
        codes += [Path.LINETO] if len(step) == len(route.steps[0]) else [Path.CURVE4] * 3
    width = 1.5 * canvas.points
    canvas.ax.add_patch(PathPatch(Path(points, codes), fill=False, edgecolor=EDGE, linewidth=width, zorder=1))
    for arrow in route.arrows:
        canvas.ax.add_patch(Polygon(_arrowhead(arrow), facecolor=EDGE, edgecolor="none", zorder=1))


def _frame(canvas: _Canvas, frame: Frame) -> None:
    """Draw a thin dashed frame around agents that are taken together."""
    from matplotlib.patches import FancyBboxPatch

    patch = FancyBboxPatch((frame.x, frame.y), frame.width, frame.height, boxstyle="round,pad=0,rounding_size=11")
    patch.set(fill=False, edgecolor=EDGE, linewidth=canvas.points, linestyle=(0, (2, 3)), zorder=0)
    canvas.ax.add_patch(patch)


def _label(canvas: _Canvas, route: Route, turn: str) -> None:
    from matplotlib.patches import Rectangle

    if route.label:
        (x, y), text = route.label, labels.shorten(labels.clean(turn), LABEL_SIZE[0] - 2, DETAIL_FONT_PX)
        width = labels.width_px(text, DETAIL_FONT_PX) + 2
        canvas.ax.add_patch(Rectangle((x - width / 2, y - 7), width, 14, facecolor="white", linewidth=0, zorder=2))
        canvas.text(x, y, text, size=DETAIL_FONT_PX, colour=INK, middle=True)


def _arrowhead(arrow: Arrow) -> list[tuple[float, float]]:
    back = arrow.x - arrow.dx * ARROW_PX, arrow.y - arrow.dy * ARROW_PX
    side = arrow.dy * ARROW_PX * 0.55, arrow.dx * ARROW_PX * 0.55
    return [(arrow.x, arrow.y), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])]


def _node(canvas: _Canvas, box: Box, view: NodeView | None, *, is_plain: bool, is_down: bool) -> None:
    view = view or NodeView(NodeState.IDLE)
    if box.kind != "agent":
        _marker(canvas, box, view, is_down=is_down)
        return
    _outline(canvas, box, view.state)
    ink, n_lines = view.state.light.text, len(box.lines) + (not is_plain)
    x, top = box.middle[0], box.middle[1] - (n_lines - 1) * _LINE_PX / 2
    if not is_plain:
        x = box.x + GLYPH_ROOM_PX
        _glyph(canvas, view.state, box.x + 8, top - GLYPH_SIZE / 2)
        detail = labels.shorten(_detail(view), box.width - GLYPH_ROOM_PX - 6, DETAIL_FONT_PX)
        canvas.text(x, top + len(box.lines) * _LINE_PX, detail, size=DETAIL_FONT_PX, colour=ink, middle=False)
    for i, line in enumerate(box.lines):
        canvas.text(x, top + i * _LINE_PX, line, size=FONT_PX, colour=ink, middle=is_plain, bold=True)


def _detail(view: NodeView) -> str:
    if view.pressing:
        return " ".join(f"{n} {state.word}" for state, n in view.pressing)
    return labels.clean(view.detail or view.state.word)


def _outline(canvas: _Canvas, box: Box, state: NodeState) -> None:
    from matplotlib.patches import FancyBboxPatch, Polygon

    border, colours = state.border, state.light
    dash = [float(n) / max(border.width, 1) for n in border.dash.split()]
    corners = [
        (box.x, box.y),
        (box.right - _CUT, box.y),
        (box.right, box.y + _CUT),
        (box.right, box.bottom),
        (box.x, box.bottom),
    ]
    patch = (
        Polygon(corners, joinstyle="round")
        if border.shape == "cut"
        else FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=0,rounding_size=7")
    )
    patch.set(facecolor=colours.fill, edgecolor=colours.border, linewidth=border.width * canvas.points, zorder=2)
    if dash:
        patch.set_linestyle((0, tuple(dash)))
    canvas.ax.add_patch(patch)
    if border.shape == "double":
        inner = FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle="round,pad=0,rounding_size=7")
        inner.set(fill=False, edgecolor=colours.fill, linewidth=canvas.points, zorder=2)
        canvas.ax.add_patch(inner)


def _glyph(canvas: _Canvas, state: NodeState, x: float, y: float) -> None:
    from matplotlib.patches import PathPatch

    ink, is_filled = state.light.border, state.look.glyph.filled
    patch = PathPatch(_path(state.path, x, y), fill=is_filled, zorder=3, capstyle="round")
    patch.set(facecolor=ink if is_filled else "none", edgecolor=ink, linewidth=(0 if is_filled else 2) * canvas.points)
    canvas.ax.add_patch(patch)


def _path(drawing: str, x: float, y: float) -> Path:
    """Read the four commands that glyphs are written with."""
    from matplotlib.path import Path

    vertices, codes = [], []
    meaning = {"M": [Path.MOVETO], "L": [Path.LINETO], "C": [Path.CURVE4] * 3, "Z": [Path.CLOSEPOLY]}
    words = iter(drawing.split())
    for word in words:
        for code in meaning[word]:
            at = (0.0, 0.0) if word == "Z" else (float(next(words)), float(next(words)))
            vertices.append((at[0] + x, at[1] + y))
            codes.append(code)
    return Path(vertices, codes)


def _marker(canvas: _Canvas, box: Box, view: NodeView, *, is_down: bool) -> None:
    from matplotlib.patches import Circle, PathPatch

    x, y = box.middle
    line = EDGE if view.state is NodeState.IDLE else view.state.light.border
    canvas.ax.add_patch(
        Circle((x, y), _RADIUS, facecolor="white", edgecolor=line, linewidth=1.5 * canvas.points, zorder=2)
    )
    canvas.ax.add_patch(PathPatch(_path(SIGNS[box.kind], x, y), facecolor=line, edgecolor="none", zorder=3))
    where = (x + _RADIUS + 4, y) if is_down else (x, y + _RADIUS + 8)
    canvas.text(*where, box.name, size=DETAIL_FONT_PX, colour=INK, middle=not is_down)
