"""A laid-out topology as SVG that is safe to show and looks the same everywhere.

Sites that show notebooks strip styles, scripts and identifiers, so the picture uses none: every colour is an
attribute of its own element, fills are opaque on a white ground, arrowheads and glyphs are plain paths. A widget
finds a box by ``data-box`` and ``data-node``, its pieces by ``data-part``, what it shows by ``data-state``. Everything that comes
from outside is cleaned and escaped on its way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mars_nb.views import labels
from mars_nb.views.layout import DETAIL_FONT_PX, FONT_PX, GLYPH_ROOM_PX, MAX_WIDTH_PX
from mars_nb.views.palette import EDGE, GLYPH_SIZE, GROUND, INK, SIGNS, NodeState, NodeView
from mars_nb.views.shapes import ARROW_PX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mars_nb.views.palette import Border
    from mars_nb.views.shapes import Arrow, Box, Layout, Route

_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_CORNER: Final = 7.0
_CUT: Final = 10.0
_RADIUS: Final = 14.0
_LINE_PX: Final = 14.0
_COUNT_GLYPH_PX: Final = 9.0


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
    digest: str,
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
    title, digest : str
        Title of the picture, and the digest of the run it shows.

    Returns
    -------
    str
        One ``svg`` element.
    """
    width = min(layout.width, MAX_WIDTH_PX)
    height = layout.height * width / layout.width
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{number(width)}" height="{number(height)}"'
        f' viewBox="0 0 {number(layout.width)} {number(layout.height)}" role="img"'
        f' aria-label={labels.attribute(title or "topology")} font-family="{_FONT}">'
    )
    return "\n".join(
        [
            opening,
            f"<title>{labels.escape(title)}</title>" if title else "",
            f"<metadata>mars-run {labels.escape(digest)}</metadata>" if digest else "",
            f'<rect data-part="ground" width="{number(layout.width)}" height="{number(layout.height)}" fill="{GROUND}"/>',
            *(_edge(route, _turn_of(route, turns)) for route in layout.routes),
            *node_groups(layout, states),
            turns_group(layout, turns),
            "</svg>",
        ]
    ).replace("\n\n", "\n")


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
    return [_node(i, box, states.get(box.name), layout, is_plain=not states) for i, box in enumerate(layout.boxes)]


def turns_group(layout: Layout, turns: Mapping[frozenset[str], str]) -> str:
    """Write what stands at the conversations, as one group."""
    labelled = [(route, _turn_of(route, turns)) for route in layout.routes]
    return f'<g data-turns="1">{"".join(_label(route, turn) for route, turn in labelled if turn)}</g>'


def _turn_of(route: Route, turns: Mapping[frozenset[str], str]) -> str:
    return turns.get(frozenset((route.source, route.target)), "") if route.both else ""


def _edge(route: Route, turn: str) -> str:
    start = route.steps[0]
    path = f"M{_points(start)}" + "".join(
        f"{'L' if len(step) == len(start) else 'C'}{_points(step)}" for step in route.steps[1:]
    )
    says = f"{route.source} {'↔' if route.both else '→'} {route.target}{', ' + turn if turn else ''}"
    return (
        f"<g data-source={labels.attribute(route.source)} data-target={labels.attribute(route.target)}>"
        f"<title>{labels.escape(says)}</title>"
        f'<path d="{path}" fill="none" stroke="{EDGE}" stroke-width="1.5"/>'
        f'<path d="{"".join(map(_arrowhead, route.arrows))}" fill="{EDGE}"/></g>'
    )


def _points(step: Sequence[float]) -> str:
    return " ".join(map(number, step))


def _arrowhead(arrow: Arrow) -> str:
    back_x, back_y = arrow.x - arrow.dx * ARROW_PX, arrow.y - arrow.dy * ARROW_PX
    side_x, side_y = arrow.dy * ARROW_PX * 0.55, arrow.dx * ARROW_PX * 0.55
    corners = ((arrow.x, arrow.y), (back_x + side_x, back_y + side_y), (back_x - side_x, back_y - side_y))
    return "M" + "L".join(map(_points, corners)) + "Z"


def _label(route: Route, text: str) -> str:
    x, y = route.label
    text = labels.shorten(labels.clean(text), 40, DETAIL_FONT_PX)
    width = labels.width_px(text, DETAIL_FONT_PX) + 4
    return (
        f'<rect data-part="ground" x="{number(x - width / 2)}" y="{number(y - 7)}" width="{number(width)}" height="14"'
        f' rx="3" fill="{GROUND}"/>' + _text(text, x, y + 3.6, size=DETAIL_FONT_PX, fill=INK, anchor="middle")
    )


def _text(text: str, x: float, y: float, *, size: float, fill: str, anchor: str = "", weight: str = "") -> str:
    extra = (f' text-anchor="{anchor}"' if anchor else "") + (f' font-weight="{weight}"' if weight else "")
    return (
        f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" fill="{fill}"{extra}>'
        f"{labels.escape(text)}</text>"
    )


def _node(i: int, box: Box, view: NodeView | None, layout: Layout, *, is_plain: bool) -> str:
    view = view or NodeView(NodeState.IDLE)
    if box.kind != "agent":
        inside, spoken = _marker(box, view, is_down=layout.is_down), box.name
    elif is_plain:
        inside, spoken = _outline(box, view.state) + _name(box, view.state), box.name
    else:
        inside, spoken = _outline(box, view.state) + _contents(box, view), f"{box.name}, {view.spoken}"
    return (
        f'<g data-box="{i}" data-node={labels.attribute(box.name)} data-state="{view.state.value}">'
        f"<title>{labels.escape(spoken)}</title>{inside}</g>"
    )


def _outline(box: Box, state: NodeState) -> str:
    """Draw the box; weight, dash and corner tell the state as well as the colour does."""
    border, colours = state.border, state.light
    inner = f'<path d="{_rounded(box, border)}" fill="none" stroke="{colours.fill}" stroke-width="1"/>'
    return (
        f'<path data-part="box" d="{_rounded(box, border)}" fill="{colours.fill}" stroke="{colours.border}"'
        f' stroke-width="{number(border.width)}"{_dash(border)}/>' + (inner if border.shape == "double" else "")
    )


def _dash(border: Border) -> str:
    return f' stroke-dasharray="{border.dash}"' if border.dash else ""


def _rounded(box: Box, border: Border) -> str:
    """Give the outline of a box, with round corners, and the upper right one cut if the state wants it."""
    size = _CUT if border.shape == "cut" else _CORNER
    left, top, right, bottom = box.x + _CORNER, box.y + _CORNER, box.right - size, box.bottom - _CORNER
    c = number(_CORNER)
    corner = f"l{number(_CUT)} {number(_CUT)}" if border.shape == "cut" else f"a{c} {c} 0 0 1 {c} {c}"
    return (
        f"M{number(left)} {number(box.y)}H{number(right)}{corner}V{number(bottom)}a{c} {c} 0 0 1 -{c} {c}"
        f"H{number(left)}a{c} {c} 0 0 1 -{c} -{c}V{number(top)}a{c} {c} 0 0 1 {c} -{c}Z"
    )


def _name(box: Box, state: NodeState) -> str:
    """Write the name alone, in the middle of its box."""
    x, y = box.middle
    first = y - (len(box.lines) - 1) * _LINE_PX / 2 + FONT_PX * 0.36
    return "".join(
        _text(line, x, first + i * _LINE_PX, size=FONT_PX, fill=state.light.text, anchor="middle", weight="600")
        for i, line in enumerate(box.lines)
    )


def _contents(box: Box, view: NodeView) -> str:
    """Write glyph, name and detail, in places that are the same for every state."""
    ink = view.state.light.text
    n_px = len(box.lines) * _LINE_PX + _LINE_PX - 1
    first = box.middle[1] - n_px / 2 + FONT_PX * 0.9
    lines = "".join(
        _text(line, box.x + GLYPH_ROOM_PX, first + i * _LINE_PX, size=FONT_PX, fill=ink, weight="600")
        for i, line in enumerate(box.lines)
    )
    below = first + len(box.lines) * _LINE_PX - 1
    detail = _counts(box, view, below) if view.counts else _detail(box, view, below)
    return _glyph(view.state, box.x + 8, first - 10.2, GLYPH_SIZE) + lines + detail


def _detail(box: Box, view: NodeView, y: float) -> str:
    text = labels.shorten(labels.clean(view.detail or view.state.word), box.width - GLYPH_ROOM_PX - 6, DETAIL_FONT_PX)
    return _text(text, box.x + GLYPH_ROOM_PX, y, size=DETAIL_FONT_PX, fill=view.state.light.text)


def _counts(box: Box, view: NodeView, y: float) -> str:
    """Write how many branches are in each state, the most pressing first, as far as there is room."""
    x, drawn = box.x + 8, []
    for state, n in view.pressing:
        width = _COUNT_GLYPH_PX + 1.5 + labels.width_px(str(n), DETAIL_FONT_PX)
        if x + width > box.right - 4:
            break
        glyph = _glyph(state, x, y - 8.2, _COUNT_GLYPH_PX)
        drawn.append(
            glyph + _text(str(n), x + _COUNT_GLYPH_PX + 1.5, y, size=DETAIL_FONT_PX, fill=view.state.light.text)
        )
        x += width + 4
    return "".join(drawn)


def _glyph(state: NodeState, x: float, y: float, size: float) -> str:
    ink, glyph = state.light.border, state.look.glyph
    paint = f'fill="{ink}"' if glyph.filled else f'fill="none" stroke="{ink}" stroke-width="2" stroke-linecap="round"'
    scale = "" if size == GLYPH_SIZE else f" scale({size / GLYPH_SIZE:g})"
    return f'<path transform="translate({number(x)} {number(y)}){scale}" d="{glyph.path}" {paint}/>'


def _marker(box: Box, view: NodeView, *, is_down: bool) -> str:
    """Draw a small round marker, and its name where no edge runs."""
    x, y = box.middle
    line = EDGE if view.state is NodeState.IDLE else view.state.light.border
    fill = GROUND if view.state is NodeState.IDLE else view.state.light.fill
    circle = f'<circle data-part="box" cx="{number(x)}" cy="{number(y)}" r="{number(_RADIUS)}" fill="{fill}"'
    where = (x + _RADIUS + 4, y + 3.5) if is_down else (x, y + _RADIUS + 11)
    name = _text(box.name, *where, size=DETAIL_FONT_PX, fill=INK, anchor="" if is_down else "middle")
    sign = f'<path transform="translate({number(x)} {number(y)})" d="{SIGNS[box.kind]}" fill="{line}"/>'
    return f'{circle} stroke="{line}" stroke-width="1.5"/>{sign}{name}'
