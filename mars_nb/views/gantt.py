"""A run over time as SVG and as text: a lane for each branch, safe to show, and without matplotlib.

A bar is an attempt of a step, and a thin hatched one is a wait: for others at a join, for those that were called, for
a person. Thin lines lead from those that joined to what they became. Pauses take no room; a dotted line marks each.
The rules for the markup are those of `mars_nb.views.svg`.

Examples
--------
>>> from mars_nb.views.bars import Bar
>>> chart = Chart(("b0",), (Bar(0, "b0", "Writer", "b0#1", 0.0, 2.0, NodeState.DONE, 4),), end_s=4.0)
>>> print(text(chart, width=8))
b0 ████     Writer
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mars_nb.views import labels
from mars_nb.views.amounts import named
from mars_nb.views.bars import Chart
from mars_nb.views.bars import chart as chart_of
from mars_nb.views.lanes import condensed, ends_s, spoken, tick_text, ticks
from mars_nb.views.palette import EDGE, GLYPH_SIZE, GROUND, INK, NodeState
from mars_nb.views.svg import FONT, joined, number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mars_nb.views.bars import Bar, Link
    from mars_nb.views.history import History

WIDTH_PX: Final = 900.0
NOTHING_YET: Final = "nothing has run yet"
_LANE_PX, _BAR_PX, _WAIT_PX = 24.0, 16.0, 6.0
_TOP_PX, _PAUSE_PX, _AXIS_PX, _RIGHT_PX = 8.0, 14.0, 24.0, 16.0
_WIDEST_NAME_PX = 170.0
_FONT_PX = 10.0
_LEAST_BAR_PX = 2.0
_GLYPH_SCALE = 0.75
_GRID: Final = "#E5E7EB"
_MOST_LINKS: Final = 150


def mimebundle(history: History, *, title: str = "") -> dict[str, str]:
    """Give the chart of a run as a notebook keeps it: SVG and text.

    Parameters
    ----------
    history : History
        What happened.
    title : str
        Title of the picture, for screen readers.

    Returns
    -------
    dict of str to str
        By media type.
    """
    chart = chart_of(history)
    return {"image/svg+xml": svg(chart, title=title), "text/plain": text(chart)}


def svg(chart: Chart, *, title: str = "") -> str:
    """Draw a chart as SVG.

    Parameters
    ----------
    chart : Chart
        A run over time.
    title : str
        Title of the picture.

    Returns
    -------
    str
        One ``svg`` element, 900 px wide and at most some 80 kB large; a run that is larger is condensed
        (`mars_nb.views.lanes`).
    """
    sheet = _Sheet(condensed(chart))
    height = number(sheet.height)
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX:g}" height="{height}"'
        f' viewBox="0 0 {WIDTH_PX:g} {height}" role="img" aria-label={labels.attribute(title or "run over time")}'
        f' font-family="{FONT}" font-size="{_FONT_PX:g}" fill="{INK}">'
    )
    parts = [
        opening,
        f"<title>{labels.escape(title)}</title>" if title else "",
        f'<rect data-part="ground" width="{WIDTH_PX:g}" height="{height}" fill="{GROUND}"/>',
        *(sheet.drawn() if chart.bars else [_text(NOTHING_YET, WIDTH_PX / 2, sheet.height / 2, "middle")]),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


class _Sheet:
    """A chart with the measures of its drawing."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        names = [labels.shorten(labels.clean(name), _WIDEST_NAME_PX, _FONT_PX) for name in chart.lanes]
        self.names = names
        self.left = 14 + max((labels.width_px(name, _FONT_PX) for name in names), default=0.0)
        self.top = _TOP_PX + _PAUSE_PX * bool(chart.pauses)
        self.bottom = self.top + _LANE_PX * max(len(names), 1)
        self.height = self.bottom + _AXIS_PX + (16 if chart.n_left_out else 0)

    def x(self, at_s: float) -> float:
        """Give the place of a moment, in seconds of work."""
        room = WIDTH_PX - self.left - _RIGHT_PX
        return self.left + room * at_s / (self.chart.span_s or 1.0)

    def y(self, lane: int) -> float:
        """Give the middle of a lane."""
        return self.top + _LANE_PX * (lane + 0.5)

    def drawn(self) -> Iterator[str]:
        yield from self._axis()
        yield from (_text(name, self.left - 8, self.y(i) + 3.5, "end") for i, name in enumerate(self.names))
        if len(self.chart.links) <= _MOST_LINKS:
            yield f'<g data-part="links" fill="none" stroke="{EDGE}">'
            yield from map(self._link, self.chart.links)
            yield "</g>"
        yield from map(self._bar, self.chart.bars)
        yield from self._pauses()
        if self.chart.n_left_out:
            more = f"and {self.chart.n_left_out:,} more agents that worked less"
            yield _text(more, self.left, self.height - 6, "start")

    def _axis(self) -> Iterator[str]:
        marks = ticks(self.chart.span_s)
        lines = "".join(f"M{number(self.x(at))} {self.top:g}V{number(self.bottom)}" for at in marks)
        yield f'<path data-part="grid" d="{lines}" stroke="{_GRID}"/>'
        yield from (_text(tick_text(at), self.x(at), self.bottom + 15, "middle") for at in marks)

    def _link(self, link: Link) -> str:
        x, above, below = self.x(self.chart.worked_s(link.at_s)), self.y(link.source), self.y(link.target)
        dash = ' stroke-dasharray="2 2"' if link.kind == "fork" else ""
        source, target = labels.clean(self.chart.lanes[link.source]), labels.clean(self.chart.lanes[link.target])
        says = f"{source} {'forks into' if link.kind == 'fork' else 'joins'} {target}"
        return (
            f'<g data-link="{link.kind}"><title>{labels.escape(says)}</title>'
            f'<path d="M{number(x)} {number(above)}V{number(below)}"{dash}/></g>'
        )

    def _bar(self, bar: Bar) -> str:
        start = self.x(self.chart.worked_s(bar.start_s))
        width = max(_LEAST_BAR_PX, self.x(ends_s(bar, self.chart)) - start)
        middle = self.y(bar.lane)
        inside = _wait(bar, start, middle, width) if bar.kind == "wait" else _step(bar, start, middle, width)
        return (
            f'<g data-bar={labels.attribute(bar.step_id)} data-state="{bar.state.value}" data-seq="{bar.seq}">'
            f"<title>{labels.escape(spoken(bar, self.chart))}</title>{inside}</g>"
        )

    def _pauses(self) -> Iterator[str]:
        """Mark where the run stood still; what is written there is left out where it would not fit."""
        free = 0.0
        for began_s, ended_s in self.chart.pauses:
            x, says = self.x(self.chart.worked_s(began_s)), f"paused {tick_text(round(ended_s - began_s, 1))}"
            half = labels.width_px(says, _FONT_PX) / 2 + 4
            line = f'<path d="M{number(x)} {self.top - 4:g}V{number(self.bottom)}" stroke="{_PAUSE.border}"'
            written = ""
            if x - half >= free and x + half <= WIDTH_PX:
                written, free = _text(says, x, self.top - 8, "middle", _PAUSE.text), x + half
            yield f'<g data-part="pause"><title>{says}</title>{line} stroke-dasharray="1 3"/>{written}</g>'


_PAUSE: Final = NodeState.PAUSED.light


def _step(bar: Bar, start: float, middle: float, width: float) -> str:
    """Draw a bar; one that failed has a cross, one that goes on no right end, one that was broken off a dotted line."""
    state, top = bar.state, middle - _BAR_PX / 2
    look = state.light
    dash = f' stroke-dasharray="{state.border.dash}"' if state.border.dash else ""
    weight = f' stroke-width="{min(state.border.width, 2):g}"' if state.border.width > 1 else ""
    box = (
        f'<rect x="{number(start)}" y="{number(top)}" width="{number(width)}" height="{_BAR_PX:g}" rx="2"'
        f' fill="{look.fill}" stroke="{look.border}"{weight}{dash}/>'
    )
    glyph = GLYPH_SIZE * _GLYPH_SCALE + 3 if state in (NodeState.FAILED, NodeState.RUNNING) else 0.0
    mark = _glyph(state, start + 3, middle) if 0 < glyph + 4 <= width and glyph else ""
    room = width - 6 - (glyph if mark else 0)
    name = _fitting(bar.agent, room)
    x = start + width / 2 + (glyph / 2 if mark else 0)
    return box + mark + (_text(name, x, middle + 3.5, "middle", look.text) if name else "")


def _fitting(agent: str, room: float) -> str:
    """Give the name of an agent as far as there is room for it; nothing rather than a letter or two."""
    name = labels.clean(agent)
    if labels.width_px(name, _FONT_PX) <= room:
        return name
    short = labels.shorten(name, room, _FONT_PX)
    return short if len(short) > 4 else ""  # noqa: PLR2004 - three letters and an ellipsis say too little


def _wait(bar: Bar, start: float, middle: float, width: float) -> str:
    """Draw a thin bar with a hatch, which is a dashed line as thick as the bar."""
    look, top = bar.state.light, middle - _WAIT_PX / 2
    end = number(start + width)
    return (
        f'<rect x="{number(start)}" y="{number(top)}" width="{number(width)}" height="{_WAIT_PX:g}"'
        f' fill="{look.fill}" stroke="{look.border}" stroke-width="0.5"/>'
        f'<path d="M{number(start)} {number(middle)}H{end}" stroke="{look.border}" stroke-width="{_WAIT_PX:g}"'
        ' stroke-dasharray="1 3"/>'
    )


def _glyph(state: NodeState, x: float, middle: float) -> str:
    ink, glyph = state.light.border, state.look.glyph
    paint = f'fill="{ink}"' if glyph.filled else f'fill="none" stroke="{ink}" stroke-width="2" stroke-linecap="round"'
    y = middle - GLYPH_SIZE * _GLYPH_SCALE / 2
    place = f"translate({number(x)} {number(y)}) scale({_GLYPH_SCALE:g})"
    return f'<path transform="{place}" d="{joined(glyph.path)}" {paint}/>'


def _text(text: str, x: float, y: float, anchor: str, colour: str = "") -> str:
    ink = f' fill="{colour}"' if colour else ""
    return f'<text x="{number(x)}" y="{number(y)}" text-anchor="{anchor}"{ink}>{labels.escape(text)}</text>'


def text(chart: Chart, width: int = 60) -> str:
    """Write a chart with characters: a line for each lane, full where somebody worked, light where it waited.

    Parameters
    ----------
    chart : Chart
        A run over time.
    width : int
        Characters for the time.

    Returns
    -------
    str
        At most 40 lines.
    """
    if not chart.bars:
        return NOTHING_YET
    small = condensed(chart)
    names = [labels.shorten(labels.clean(name), _WIDEST_NAME_PX, _FONT_PX) for name in small.lanes]
    widest = max(map(len, names))
    rows = [
        f"{labels.isolate(name)}{' ' * (widest - len(name))} {_row(_in_lane(small, i), small, width)}"
        for i, name in enumerate(names)
    ]
    more = [f"and {small.n_left_out:,} more agents that worked less"] if small.n_left_out else []
    return "\n".join([*rows, *more])


def _in_lane(chart: Chart, lane: int) -> list[Bar]:
    return [bar for bar in chart.bars if bar.lane == lane]


def _row(bars: Iterable[Bar], chart: Chart, width: int) -> str:
    cells = [" "] * width
    agents: dict[str, None] = {}
    for bar in sorted(bars, key=lambda bar: bar.kind == "step"):
        start, end = (
            int(width * at / (chart.span_s or 1.0)) for at in (chart.worked_s(bar.start_s), ends_s(bar, chart))
        )
        filled = "█" if bar.kind == "step" else "░"
        start = min(start, width - 1)
        cells[start : max(start + 1, end)] = filled * (max(start + 1, end) - start)
        if bar.state is NodeState.FAILED:
            cells[max(start, end - 1)] = NodeState.FAILED.glyph
        if bar.kind == "step":
            agents[labels.isolate(labels.clean(bar.agent))] = None
    return f"{''.join(cells)} {named(list(agents), 3)}"
