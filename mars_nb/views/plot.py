"""Pictures for papers: a topology and the Gantt chart of a run, with matplotlib.

The topology is drawn from the very layout that the SVG is drawn from. matplotlib is imported when something is drawn,
and names are never read as mathematics, so that a ``$`` in a name stays a ``$``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mars_nb.views import labels
from mars_nb.views.layout import DETAIL_FONT_PX, FONT_PX, GLYPH_ROOM_PX, NAME_PX
from mars_nb.views.palette import EDGE, GLYPH_SIZE, INK, SIGNS, NodeState, NodeView
from mars_nb.views.shapes import ARROW_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.path import Path

    from mars_nb.views.shapes import Arrow, Box, Layout, Route

_POINTS_PER_INCH: Final = 72
_PX_PER_INCH: Final = 100
_LINE_PX: Final = 14.0
_RADIUS: Final = 14.0
_CUT: Final = 10.0
_BAR_HEIGHT: Final = 0.62
_LEAST_BAR: Final = 0.004
_TALLEST_CHART: Final = 28.0
_MOST_BRANCH_LABELS: Final = 80
_CHAR_SHARE: Final = 0.014
_NO_STATES: Final[Mapping[str, NodeView]] = {}
_STATUS: Final = {
    "completed": NodeState.DONE,
    "success": NodeState.DONE,
    "ok": NodeState.DONE,
    "error": NodeState.FAILED,
    "timeout": NodeState.FAILED,
    "timed_out": NodeState.FAILED,
    "cancelled": NodeState.PAUSED,
    "asked": NodeState.ASKING,
    "retrying": NodeState.READY,
    "scheduled": NodeState.READY,
}


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


def topology(layout: Layout, ax: Axes | None = None, *, states: Mapping[str, NodeView] = _NO_STATES) -> Axes:
    """Draw a layout.

    Parameters
    ----------
    layout : Layout
        Where everything stands.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of the layout's size is made otherwise.
    states : mapping of str to NodeView
        What each node shows; without any, the nodes show their names alone.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, without frame or ticks, one unit a pixel, y downwards.
    """
    canvas = _canvas(layout, ax)
    for route in layout.routes:
        _route(canvas, route)
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


def gantt(rows: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the steps of a run as bars, one line a branch.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row a step: ``branch_id``, ``agent``, ``step``, ``started_at``, ``ended_at``, ``duration_s``, ``status``. A
        step that has not ended is drawn up to the last time in the table.
    ax : matplotlib Axes, optional
        Where to draw; a new figure is made otherwise.

    Returns
    -------
    matplotlib.axes.Axes
        Time in seconds since the first step began; branches in the order they began, downwards.
    """
    import matplotlib.pyplot as plt

    branches = list(dict.fromkeys(rows["branch_id"].astype(str)))
    if ax is None:
        height = min(1.1 + 0.34 * max(len(branches), 1), _TALLEST_CHART)
        _, ax = plt.subplots(figsize=(9.0, height), layout="constrained")
    bars = _bars(rows)
    end_s = max((start + length for start, length in bars), default=1.0) or 1.0
    place = {branch: i for i, branch in enumerate(branches)}
    for (start_s, length_s), row in zip(bars, rows.to_dict("records"), strict=True):
        at = place[str(row["branch_id"])]
        _bar(ax, (start_s, max(length_s, end_s * _LEAST_BAR), at), end_s, (str(row["agent"]), str(row["status"])))
    ax.set(xlim=(0, end_s * 1.01), ylim=(len(branches) - 0.4, -0.6), xlabel="seconds")
    every = math.ceil(len(branches) / _MOST_BRANCH_LABELS) or 1
    named = [labels.clean(branch) for branch in branches[::every]]
    ax.set_yticks(range(0, len(branches), every), named, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x", color="#E5E7EB", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def _bars(rows: pd.DataFrame) -> list[tuple[float, float]]:
    """Give start and length of each step in seconds, from the first start."""
    import pandas as pd

    started, ended = pd.to_datetime(rows["started_at"], utc=True), pd.to_datetime(rows["ended_at"], utc=True)
    starts = (started - started.min()).dt.total_seconds()
    known = starts + pd.to_numeric(rows["duration_s"])
    ends = (ended - started.min()).dt.total_seconds().fillna(known)
    last = max([0.0, *starts.dropna(), *ends.dropna()])
    starts, ends = starts.fillna(last), ends.fillna(last)
    return [(float(start), max(0.0, float(end - start))) for start, end in zip(starts, ends, strict=True)]


def _bar(ax: Axes, place: tuple[float, float, int], end_s: float, says: tuple[str, str]) -> None:
    """Draw one step: outline, dash and hatch tell the status as well as the colour does."""
    start_s, length_s, at = place
    agent, status = says
    state = _state_of(status)
    ax.barh(
        at,
        length_s,
        left=start_s,
        height=_BAR_HEIGHT,
        facecolor=state.light.fill,
        edgecolor=state.light.border,
        linewidth=1.6 if state is NodeState.FAILED else 1.0,
        linestyle="--" if state.border.dash else "-",
        hatch="///" if state is NodeState.FAILED else None,
    )
    n_chars = int(length_s / end_s / _CHAR_SHARE)
    name = labels.shorten(labels.clean(agent), n_chars * NAME_PX * 0.6, NAME_PX)
    if n_chars > 1:
        middle = start_s + length_s / 2
        ground = {"facecolor": state.light.fill, "edgecolor": "none", "pad": 1.0}
        ax.text(
            middle,
            at,
            name,
            ha="center",
            va="center",
            fontsize=8,
            color=state.light.text,
            parse_math=False,
            bbox=ground,
        )


def _state_of(status: str) -> NodeState:
    try:
        return NodeState(status)
    except ValueError:
        return _STATUS.get(status, NodeState.IDLE)
