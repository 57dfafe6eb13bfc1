"""A run in numbers over time, and by agent, with matplotlib: the Gantt chart, and bars of dollars and tokens.

A chart always says something: where there is nothing to draw, it says in words why. matplotlib is imported when
something is drawn, and names are never read as mathematics, so that a ``$`` in a name stays a ``$``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from mars_nb.errors import FigureError, did_you_mean
from mars_nb.views import labels, picture
from mars_nb.views.bars import chart as chart_of
from mars_nb.views.frames import timeline
from mars_nb.views.gantt import NOTHING_YET
from mars_nb.views.lanes import condensed, ends_s, tick_text, ticks
from mars_nb.views.nodes import node_views, turns
from mars_nb.views.palette import EDGE, INK, NodeState

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from mars_nb.views.bars import Bar, Chart, Link
    from mars_nb.views.history import History

PlotKind = Literal["topology", "gantt", "cost", "tokens"]
"""What can be drawn of a run."""

WIDTH_IN: Final = 9.0
N_AGENTS: Final = 30
"""Agents that have a bar of their own; the others share one."""
_BAR, _WAIT = 0.64, 0.24
_LANE_IN: Final = 0.27
_POINTS_PER_INCH: Final = 72
_FONT_PT: Final = 8.0
_INPUT, _OUTPUT = "#93C5FD", "#1D4ED8"
_NAMES: Final = 0.3
"""Share of the width that the names of the rows may have."""
_GRID: Final = "#E5E7EB"
_NO_STEPS: Final = "no step has ended yet"


def draw(history: History, kind: PlotKind = "gantt", ax: Axes | None = None) -> Axes:
    """Draw one of the pictures of a run.

    Parameters
    ----------
    history : History
        What happened.
    kind : {"gantt", "topology", "cost", "tokens"}
        The branches over time; the topology with what every agent did; US dollars, or tokens, of each agent.
    ax : matplotlib Axes, optional
        Where to draw; a new figure is made otherwise.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    FigureError
        If there is no such kind.
    """
    match kind:
        case "gantt":
            return gantt(chart_of(history), ax)
        case "topology":
            return picture.plot(history.topology, ax, states=node_views(history), turns=turns(history.state))
        case "cost":
            return cost(timeline(history), ax)
        case "tokens":
            return tokens(timeline(history), ax)
    kinds = get_args(PlotKind)  # type: ignore[unreachable]  # what a type checker would not let pass
    near = did_you_mean(str(kind)[:80], kinds)
    raise FigureError(f"kind={str(kind)[:80]!r}: there is no such picture{near}; expected {', '.join(kinds)}")


def gantt(chart: Chart, ax: Axes | None = None) -> Axes:
    """Draw a run over time: a row for each branch, in it a bar for each step and a thin hatched one for each wait.

    Parameters
    ----------
    chart : Chart
        A run over time; one with many branches or steps is condensed (`mars_nb.views.lanes`).
    ax : matplotlib Axes, optional
        Where to draw; a new figure is made otherwise.

    Returns
    -------
    matplotlib.axes.Axes
        Time in seconds of work since the run began: a pause takes no room, and a dotted line marks it. Branches in the
        order in which they were made, downwards. Thin lines lead from those that joined to what they became.
    """
    small = condensed(chart)
    ax = ax or _axes(height_in(small))
    if not small.bars:
        return _say(ax, NOTHING_YET)
    span_s = small.span_s or 1.0
    ax.set(xlim=(0, span_s * 1.005), ylim=(len(small.lanes) - 0.4, -0.6), xlabel="seconds of work")
    marks = ticks(span_s)
    ax.set_xticks(marks, [f"{mark:g}" if span_s < 120 else tick_text(mark) for mark in marks])  # noqa: PLR2004
    _rows(ax, small.lanes)
    for began_s, ended_s in small.pauses:
        _pause(ax, small.worked_s(began_s), ended_s - began_s)
    if small.n_left_out:
        ax.set_title(f"without {small.n_left_out:,} agents that worked less", fontsize=_FONT_PT, color=INK)
    for link in small.links:
        _link(ax, link, small)
    _settle(ax)
    for bar in small.bars:
        _bar(ax, bar, small)
    return ax


def height_in(chart: Chart) -> float:
    """Give the height in inches that a Gantt chart should have."""
    return 0.75 + _LANE_IN * max(len(condensed(chart).lanes), 1)


def bars_height_in(n_agents: int) -> float:
    """Give the height in inches that bars of dollars or tokens should have."""
    return 0.9 + _LANE_IN * min(max(n_agents, 1), N_AGENTS)


def _axes(height_in: float) -> Axes:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots(figsize=(WIDTH_IN, height_in), layout="constrained")
    return ax


def _rows(ax: Axes, names: Any) -> None:
    """Name the rows, and take away what does not help to read them."""
    room_pt = _width_pt(ax) * _NAMES
    shown = [labels.shorten(labels.clean(name), room_pt, _FONT_PT) for name in names]
    ax.set_yticks(range(len(shown)), shown, parse_math=False)
    ax.tick_params(axis="both", labelsize=_FONT_PT, labelcolor=INK)
    ax.tick_params(axis="y", length=0)
    ax.xaxis.label.set(size=_FONT_PT, color=INK)
    ax.grid(visible=True, axis="x", color=_GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _say(ax: Axes, words: str) -> Axes:
    """Draw words instead of an empty chart."""
    ax.text(0.5, 0.5, words, ha="center", va="center", transform=ax.transAxes, color=INK, parse_math=False)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def _link(ax: Axes, link: Link, chart: Chart) -> None:
    style: Literal[":", "-"] = ":" if link.kind == "fork" else "-"
    ax.vlines(chart.worked_s(link.at_s), link.source, link.target, colors=EDGE, linewidths=0.8, linestyles=style)


def _bar(ax: Axes, bar: Bar, chart: Chart) -> None:
    """Draw one bar: outline, dash, height and hatch tell what it is as well as the colour does."""
    start_s, state, is_step = chart.worked_s(bar.start_s), bar.state, bar.kind == "step"
    length_s = max(ends_s(bar, chart) - start_s, chart.span_s * 0.002)
    look, is_failed = state.light, state is NodeState.FAILED
    ax.barh(
        bar.lane,
        length_s,
        left=start_s,
        height=_BAR if is_step else _WAIT,
        facecolor=look.fill,
        edgecolor=look.border,
        linewidth=1.4 if is_failed else 0.8 if is_step else 0.4,
        linestyle="--" if is_step and state.border.dash else "-",
        hatch=("///" if is_failed else None) if is_step else "||||||",
        zorder=2,
    )
    if is_step:
        _name(ax, bar, start_s, length_s)


def _name(ax: Axes, bar: Bar, start_s: float, length_s: float) -> None:
    """Write the agent's name into its bar as far as there is room for it; nothing rather than a letter or two."""
    low, high = ax.get_xlim()
    room_pt = length_s / (high - low) * _width_pt(ax) - 3
    name = labels.clean(bar.agent)
    short = name if labels.width_px(name, _FONT_PT) <= room_pt else labels.shorten(name, room_pt, _FONT_PT)
    if short == name or len(short) > 4:  # noqa: PLR2004 - three letters and an ellipsis say too little
        look = bar.state.light
        ground = {"facecolor": look.fill, "edgecolor": "none", "pad": 0.5} if bar.state is NodeState.FAILED else None
        ax.text(
            start_s + length_s / 2,
            bar.lane,
            short,
            ha="center",
            va="center_baseline",
            fontsize=_FONT_PT,
            color=look.text,
            parse_math=False,
            bbox=ground,
            clip_on=True,
            zorder=3,
        )


def _settle(ax: Axes) -> None:
    """Let the axes take their place in the figure now: how wide they are decides which names fit."""
    figure = ax.get_figure(root=True)
    if figure and (engine := figure.get_layout_engine()):
        engine.execute(figure)


def _width_pt(ax: Axes) -> float:
    """Give the width of the axes in points."""
    figure = ax.get_figure(root=True)
    dpi = figure.dpi if figure else _POINTS_PER_INCH
    return float(ax.get_window_extent().width) * _POINTS_PER_INCH / dpi


def _pause(ax: Axes, at_s: float, length_s: float) -> None:
    look = NodeState.PAUSED.light
    ax.axvline(at_s, color=look.border, linewidth=1.0, linestyle=":")
    says = f"paused {tick_text(round(length_s, 1))}"
    ax.annotate(
        says, (at_s, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points", ha="center",
        va="bottom", fontsize=_FONT_PT - 1, color=look.text,
    )  # fmt: skip


def cost(steps: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw what each agent cost.

    Parameters
    ----------
    steps : pandas.DataFrame
        One row a step, as `mars_nb.views.frames.timeline` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure is made otherwise.

    Returns
    -------
    matplotlib.axes.Axes
        US dollars, one bar an agent, the dearest on top. Steps whose cost nobody knows are counted above.
    """
    sums = _by_agent(steps, ["cost_usd"])
    n_unknown = int(steps["cost_usd"].isna().sum())
    note = f"the cost of {n_unknown:,} {'step is' if n_unknown == 1 else 'steps is'} unknown" if n_unknown else ""
    if not sums["cost_usd"].any():
        return _say(ax or _axes(1.2), note or _nothing(steps, "cost anything"))
    ax = _across(sums, {"cost": ("cost_usd", _OUTPUT)}, ax, "US dollars")
    if note:
        ax.set_title(note, fontsize=_FONT_PT, color=INK)
    for i, value in enumerate(sums["cost_usd"]):
        _value(ax, i, float(value), f"${value:,.4f}" if value < 1 else f"${value:,.2f}")
    return ax


def tokens(steps: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw how many tokens each agent read and wrote.

    Parameters
    ----------
    steps : pandas.DataFrame
        One row a step, as `mars_nb.views.frames.timeline` gives it.
    ax : matplotlib Axes, optional
        Where to draw; a new figure is made otherwise.

    Returns
    -------
    matplotlib.axes.Axes
        Tokens, one bar an agent in two parts, the longest on top.
    """
    sums = _by_agent(steps, ["n_input_tokens", "n_output_tokens"])
    totals = sums.sum(axis=1)
    if not totals.any():
        return _say(ax or _axes(1.2), _nothing(steps, "used tokens"))
    parts = {"read": ("n_input_tokens", _INPUT), "written": ("n_output_tokens", _OUTPUT)}
    ax = _across(sums, parts, ax, "tokens")
    for i, value in enumerate(totals):
        _value(ax, i, float(value), f"{value:,.0f}")
    ax.legend(fontsize=_FONT_PT, frameon=False, loc="lower right")
    return ax


def _nothing(steps: pd.DataFrame, what: str) -> str:
    if steps.empty:
        return _NO_STEPS
    return f"none of the {len(steps):,} steps {what}" if len(steps) > 1 else f"the only step did not {_stem(what)}"


def _stem(what: str) -> str:
    return what.replace("used", "use")


def _by_agent(steps: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sum up by agent, the largest first; beyond thirty agents the others are one."""
    import pandas as pd

    sums = pd.DataFrame(steps[columns]).fillna(0).groupby(steps["agent"].astype(str), sort=False).sum()
    order = sums.sum(axis=1).sort_values(ascending=False, kind="stable").index
    sums = sums.loc[order]
    if len(sums) <= N_AGENTS:
        return sums
    others = sums.iloc[N_AGENTS - 1 :].sum().to_frame(f"{len(sums) - N_AGENTS + 1:,} others").T
    return pd.concat([sums.iloc[: N_AGENTS - 1], others])


def _across(sums: pd.DataFrame, parts: dict[str, tuple[str, str]], ax: Axes | None, unit: str) -> Axes:
    """Draw horizontal bars, the parts of each one after another."""
    ax = ax or _axes(bars_height_in(len(sums)))
    ax.set(ylim=(len(sums) - 0.4, -0.6), xlabel=unit)
    left = [0.0] * len(sums)
    for label, (column, colour) in parts.items():
        values = [float(value) for value in sums[column]]
        ax.barh(range(len(sums)), values, left=left, height=_BAR, color=colour, label=label, zorder=2)
        left = [a + b for a, b in zip(left, values, strict=True)]
    ax.set_xlim(0, (max(left) or 1.0) * 1.15)
    _rows(ax, sums.index)
    return ax


def _value(ax: Axes, row: int, value: float, text: str) -> None:
    if not math.isnan(value):
        ax.annotate(
            text, (value, row), (3, 0), textcoords="offset points", va="center", fontsize=_FONT_PT, color=INK,
            parse_math=False,
        )  # fmt: skip
