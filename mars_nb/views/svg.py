"""A laid-out topology as SVG that is safe to show and looks the same everywhere.

Sites that show notebooks strip styles, scripts and identifiers, so the picture uses none: every colour is an
attribute, what many elements share stands once at the group around them, fills are opaque on a white ground,
arrowheads and glyphs are plain paths. A widget finds a box by ``data-box`` and ``data-node``, its pieces by
``data-part``, what they show by the nearest ``data-state``, and the direction of reading by ``data-flow``. Everything
that comes from outside is cleaned and escaped on its way in.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mars_nb.views import labels
from mars_nb.views.layout import DETAIL_FONT_PX, FONT_PX, GLYPH_ROOM_PX, MAX_WIDTH_PX
from mars_nb.views.palette import EDGE, GLYPH_SIZE, GROUND, INK, SIGNS, NodeState, NodeView
from mars_nb.views.shapes import ARROW_PX, LABEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mars_nb.views.palette import Border
    from mars_nb.views.shapes import Arrow, Box, Frame, Layout, Route

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_CORNER: Final = 7.0
_CUT: Final = 10.0
_RADIUS: Final = 14.0
_LINE_PX: Final = 14.0
_COUNT_GLYPH_PX: Final = 9.0
_BOLD: Final = f'font-size="{FONT_PX:g}" font-weight="600"'
_SMALL: Final = f'font-size="{DETAIL_FONT_PX:g}"'
_AROUND_COMMAND: Final = re.compile(r" ?([MLCZ]) ?")


def number(value: float) -> str:
    """Write a coordinate with one decimal at most.

    Examples
    --------
    >>> number(3.0), number(-0.01), number(2.26)
    ('3', '0', '2.3')
    """
    rounded = round(value, 1) + 0.0
    return f"{rounded:.1f}".removesuffix(".0")


def draw(
    layout: Layout,
    states: Mapping[str, NodeView],
    turns: Mapping[frozenset[str], str],
    *,
    title: str,
) -> str:
    """Write a layout as SVG.

    Parameters
    ----------
    layout : Layout
        Where everything stands.
    states : mapping of str to NodeView
        What each node shows; without any, the nodes show their names alone.
    turns : mapping of frozenset of str to str
        What is written at a conversation, by its two names.
    title : str
        Title of the picture.

    Returns
    -------
    str
        One ``svg`` element.
    """
    width = min(layout.width, MAX_WIDTH_PX)
    height = layout.height * width / layout.width
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}"'
        f' viewBox="0 0 {number(layout.width)} {number(layout.height)}" data-flow="{_flow(layout)}" role="img"'
        f' aria-label={labels.attribute(title or "topology")} font-family="{FONT}">'
    )
    size = f'width="{number(layout.width)}" height="{number(layout.height)}"'
    parts = [
        opening,
        f"<title>{labels.escape(title)}</title>" if title else "",
        f'<rect data-part="ground" {size} fill="{GROUND}"/>',
        *map(_frame, layout.frames),
        f'<g data-part="edges" fill="none" stroke="{EDGE}" stroke-width="1.5">',
        *(_edge(route, _turn_of(route, turns), has_title=not layout.is_compact) for route in layout.routes),
        "</g>",
        *node_groups(layout, states),
        turns_group(layout, turns),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def _flow(layout: Layout) -> str:
    return "down" if layout.is_down else "across"


def node_groups(layout: Layout, states: Mapping[str, NodeView]) -> list[str]:
    """Write each box as a group of its own, which a live view puts in the place of the one before.

    Parameters
    ----------
    layout : Layout
        Where everything stands.
    states : mapping of str to NodeView
        What each node shows; without any, the nodes show their names alone.

    Returns
    -------
    list of str
        One ``g`` element a box, in their order.
    """
    plain = not states
    return [node_group(layout, i, states.get(box.name), is_plain=plain) for i, box in enumerate(layout.boxes)]


def turns_group(layout: Layout, turns: Mapping[frozenset[str], str]) -> str:
    """Write what stands at the conversations, as one group."""
    labelled = [(route, _turn_of(route, turns)) for route in layout.routes]
    written = "".join(_label(route, turn) for route, turn in labelled if turn)
    return f'<g data-turns="1" data-part="label" {_SMALL} fill="{INK}" text-anchor="middle">{written}</g>'


def _turn_of(route: Route, turns: Mapping[frozenset[str], str]) -> str:
    return turns.get(frozenset((route.source, route.target)), "") if route.both else ""


def _edge(route: Route, turn: str, *, has_title: bool) -> str:
    says = f"{route.source} {'↔' if route.both else '→'} {route.target}{', ' + turn if turn else ''}"
    title = f"<title>{labels.escape(says)}</title>" if has_title else ""
    return (
        f"<g data-source={labels.attribute(route.source)} data-target={labels.attribute(route.target)}>{title}"
        f'<path data-part="line" d="{_path(route.steps)}"/>'
        f'<path data-part="head" d="{"".join(map(_arrowhead, route.arrows))}" fill="{EDGE}" stroke="none"/></g>'
    )


def _path(steps: Sequence[Sequence[float]]) -> str:
    """Write a route with the shortest command for each step."""
    start = steps[0]
    return f"M{_points(start)}" + "".join(
        f"C{_points(step)}" if len(step) > len(start) else _line(before[-2:], step) for before, step in pairwise(steps)
    )


def _points(step: Sequence[float]) -> str:
    return " ".join(map(number, step))


def _line(start: Sequence[float], end: Sequence[float]) -> str:
    (x1, y1), (x2, y2) = map(number, start), map(number, end)
    if y1 == y2:
        return f"H{x2}"
    return f"V{y2}" if x1 == x2 else f"L{x2} {y2}"


def _frame(frame: Frame) -> str:
    """Draw a thin dashed frame around agents that are taken together."""
    says = f"in parallel: {', '.join(frame.names)}"
    return (
        f'<g data-frame="1"><title>{labels.escape(says)}</title><rect x="{number(frame.x)}" y="{number(frame.y)}"'
        f' width="{number(frame.width)}" height="{number(frame.height)}" rx="11" fill="none" stroke="{EDGE}"'
        ' stroke-dasharray="2 3"/></g>'
    )


def _arrowhead(arrow: Arrow) -> str:
    """Write an arrowhead from its tip, in steps relative to it."""
    back_x, back_y = -arrow.dx * ARROW_PX, -arrow.dy * ARROW_PX
    side_x, side_y = arrow.dy * ARROW_PX * 0.55, arrow.dx * ARROW_PX * 0.55
    steps = (back_x + side_x, back_y + side_y), (-2 * side_x, -2 * side_y)
    return f"M{_points((arrow.x, arrow.y))}l{' '.join(map(_points, steps))}Z"


def _label(route: Route, text: str) -> str:
    if route.label is None:
        return ""
    x, y = route.label
    text = labels.shorten(labels.clean(text), LABEL_SIZE[0] - 2, DETAIL_FONT_PX)
    width = labels.width_px(text, DETAIL_FONT_PX) + 2
    ground = f'<rect data-part="ground" x="{number(x - width / 2)}" y="{number(y - 7)}" width="{number(width)}"'
    return f'{ground} height="14" rx="3" fill="{GROUND}"/>{_text(text, x, y + 3.6)}'


def _text(text: str, x: float, y: float, look: str = "") -> str:
    return f'<text x="{number(x)}" y="{number(y)}"{look and " "}{look}>{labels.escape(text)}</text>'


def node_group(layout: Layout, i: int, view: NodeView | None, *, is_plain: bool = False) -> str:
    """Write box number ``i``; the name alone if it is plain."""
    box, view = layout.boxes[i], view or NodeView(NodeState.IDLE)
    if box.kind != "agent":
        inside, spoken = _marker(box, view, is_down=layout.is_down), box.name
    elif is_plain:
        inside, spoken = _outline(box, view.state) + _name(box), box.name
    else:
        inside, spoken = _outline(box, view.state) + _contents(box, view), f"{box.name}, {view.spoken}"
    return (
        f'<g data-box="{i}" data-node={labels.attribute(box.name)} data-state="{view.state.value}"'
        f' fill="{view.state.light.text}"><title>{labels.escape(spoken)}</title>{inside}</g>'
    )


def _outline(box: Box, state: NodeState) -> str:
    """Draw the box; weight, dash and corner tell the state as well as the colour does."""
    border, colours = state.border, state.light
    shape = _cut(box) if border.shape == "cut" else _rounded(box)
    look = f'fill="{colours.fill}" stroke="{colours.border}"'
    width = f' stroke-width="{number(border.width)}"' if border.width != 1 else ""
    inner = f'<{shape} data-part="inner" fill="none" stroke="{colours.fill}"/>' if border.shape == "double" else ""
    return f'<{shape} data-part="box" {look}{width}{_dash(border)}/>{inner}'


def _dash(border: Border) -> str:
    return f' stroke-dasharray="{border.dash}"' if border.dash else ""


def _rounded(box: Box) -> str:
    place = f'x="{number(box.x)}" y="{number(box.y)}" width="{number(box.width)}" height="{number(box.height)}"'
    return f'rect {place} rx="{number(_CORNER)}"'


def _cut(box: Box) -> str:
    """Give the outline of a box with round corners, but for the upper right one, which is cut off."""
    left, top, right, bottom = box.x + _CORNER, box.y + _CORNER, box.right - _CUT, box.bottom - _CORNER
    c, cut = number(_CORNER), number(_CUT)
    return (
        f'path d="M{number(left)} {number(box.y)}H{number(right)}l{cut} {cut}V{number(bottom)}a{c} {c} 0 0 1 -{c} {c}'
        f'H{number(left)}a{c} {c} 0 0 1 -{c} -{c}V{number(top)}a{c} {c} 0 0 1 {c} -{c}Z"'
    )


def _name(box: Box) -> str:
    """Write the name alone, in the middle of its box."""
    x, y = box.middle
    first = y - (len(box.lines) - 1) * _LINE_PX / 2 + FONT_PX * 0.36
    look = f'{_BOLD} text-anchor="middle"'
    return "".join(_text(line, x, first + i * _LINE_PX, look) for i, line in enumerate(box.lines))


def _contents(box: Box, view: NodeView) -> str:
    """Write glyph, name and detail, in places that are the same for every state."""
    n_px = len(box.lines) * _LINE_PX + _LINE_PX - 1
    first = box.middle[1] - n_px / 2 + FONT_PX * 0.9
    lines = "".join(_text(line, box.x + GLYPH_ROOM_PX, first + i * _LINE_PX, _BOLD) for i, line in enumerate(box.lines))
    below = first + len(box.lines) * _LINE_PX - 1
    detail = _counts(box, view, below) if view.counts else _detail(box, view, below)
    return _glyph(view.state, box.x + 8, first - 10.2, GLYPH_SIZE) + lines + detail


def _detail(box: Box, view: NodeView, y: float) -> str:
    text = labels.shorten(labels.clean(view.detail or view.state.word), box.width - GLYPH_ROOM_PX - 6, DETAIL_FONT_PX)
    return _text(text, box.x + GLYPH_ROOM_PX, y, _SMALL)


def _counts(box: Box, view: NodeView, y: float) -> str:
    """Write how many branches are in each state, the most pressing first, as far as there is room."""
    if len(view.pressing) == 1 and view.pressing[0][0] is view.state:
        return _text(f"\N{MULTIPLICATION SIGN}{view.pressing[0][1]}", box.x + GLYPH_ROOM_PX, y, _SMALL)
    x, drawn = box.x + 8, []
    for state, n in view.pressing:
        width = _COUNT_GLYPH_PX + 1.5 + labels.width_px(str(n), DETAIL_FONT_PX)
        if x + width > box.right - 4:
            break
        drawn.append(_glyph(state, x, y - 8.2, _COUNT_GLYPH_PX) + _text(str(n), x + _COUNT_GLYPH_PX + 1.5, y, _SMALL))
        x += width + 4
    return "".join(drawn)


def _glyph(state: NodeState, x: float, y: float, size: float) -> str:
    ink, glyph = state.light.border, state.look.glyph
    paint = f'fill="{ink}"' if glyph.filled else f'fill="none" stroke="{ink}" stroke-width="2" stroke-linecap="round"'
    scale = "" if size == GLYPH_SIZE else f" scale({size / GLYPH_SIZE:g})"
    where = f"translate({number(x)} {number(y)}){scale}"
    return f'<path data-part="glyph" data-state="{state.value}" transform="{where}" d="{joined(glyph.path)}" {paint}/>'


def joined(path: str) -> str:
    """Leave out the blanks that a path does not need."""
    return _AROUND_COMMAND.sub(r"\1", path)


def _marker(box: Box, view: NodeView, *, is_down: bool) -> str:
    """Draw a small round marker, and its name where no edge runs."""
    x, y = box.middle
    line = EDGE if view.state is NodeState.IDLE else view.state.light.border
    fill = GROUND if view.state is NodeState.IDLE else view.state.light.fill
    circle = f'<circle data-part="box" cx="{number(x)}" cy="{number(y)}" r="{number(_RADIUS)}" fill="{fill}"'
    where = (x + _RADIUS + 4, y + 3.5) if is_down else (x, y + _RADIUS + 11)
    name = _text(
        box.name, *where, f'data-part="label" {_SMALL} fill="{INK}"' + ("" if is_down else ' text-anchor="middle"')
    )
    at = f"translate({number(x)} {number(y)})"
    sign = f'<path data-part="sign" transform="{at}" d="{joined(SIGNS[box.kind])}" fill="{line}"/>'
    return f'{circle} stroke="{line}" stroke-width="1.5"/>{sign}{name}'
