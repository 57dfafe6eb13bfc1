"""A chart that a person can read: fewer lanes, and bars that are not slivers.

A run may have a thousand branches, or ten thousand steps in one. Then a lane is an agent instead of a branch, only
those that worked longest are shown, and bars that would be slivers are one. What is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mars_nb.views.amounts import clock_text
from mars_nb.views.palette import NodeState, NodeView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.views.bars import Bar, Chart

N_LANES: Final = 40
"""Most lanes of a chart."""
N_BARS: Final = 240
"""Bars up to which each is drawn by itself."""


def condensed(chart: Chart) -> Chart:
    """Make a chart small enough to be drawn and read.

    Parameters
    ----------
    chart : Chart
        A run over time.

    Returns
    -------
    Chart
        The same if it is small enough; else by agent, with bars merged, and ``n_left_out`` lanes missing.
    """
    if len(chart.lanes) > N_LANES:
        chart = _longest(_by_agent(chart))
    return _merged(chart) if len(chart.bars) > N_BARS else chart


def _by_agent(chart: Chart) -> Chart:
    """Give one lane an agent, in which only its work is shown."""
    steps = [bar for bar in chart.bars if bar.kind == "step"]
    lanes = {agent: i for i, agent in enumerate(dict.fromkeys(bar.agent for bar in steps))}
    bars = tuple(replace(bar, lane=lanes[bar.agent]) for bar in steps)
    return replace(chart, lanes=tuple(lanes), bars=bars, links=())


def _longest(chart: Chart) -> Chart:
    """Keep the lanes in which most was done."""
    worked = dict.fromkeys(range(len(chart.lanes)), 0.0)
    for bar in chart.bars:
        worked[bar.lane] += ends_s(bar, chart) - chart.worked_s(bar.start_s)
    kept = sorted(sorted(worked, key=lambda lane: -worked[lane])[:N_LANES])
    place = {lane: i for i, lane in enumerate(kept)}
    bars = tuple(replace(bar, lane=place[bar.lane]) for bar in chart.bars if bar.lane in place)
    return replace(
        chart,
        lanes=tuple(chart.lanes[lane] for lane in kept),
        bars=bars,
        n_left_out=len(chart.lanes) - len(kept),
    )


def _merged(chart: Chart) -> Chart:
    """Make one bar of those in a lane that would be slivers side by side."""
    least_s = chart.span_s * max(len(chart.lanes), 1) / N_BARS
    found: list[Bar] = []
    for lane in range(len(chart.lanes)):
        group: list[Bar] = []
        for bar in (bar for bar in chart.bars if bar.lane == lane and bar.kind == "step"):
            if group and ends_s(bar, chart) - chart.worked_s(group[0].start_s) > least_s:
                found.append(_one(group))
                group = []
            group.append(bar)
        found += [_one(group)] if group else []
    return replace(chart, bars=tuple(sorted(found, key=lambda bar: bar.start_s)), links=())


def _one(group: Sequence[Bar]) -> Bar:
    """Give one bar for several; it shows what matters most of what they show."""
    if len(group) == 1:
        return group[0]
    counts = Counter(bar.state for bar in group)
    ends = [bar.end_s for bar in group]
    agents = list(dict.fromkeys(bar.agent for bar in group))
    return replace(
        group[0],
        agent=f"{agents[0]} \N{MULTIPLICATION SIGN}{len(group):,}" if len(agents) == 1 else f"{len(group):,} steps",
        step_id=f"{group[0].step_id} to {group[-1].step_id}",
        end_s=None if None in ends else max(end for end in ends if end is not None),
        state=NodeView(NodeState.IDLE, counts=counts).pressing[0][0],
        says=", ".join(f"{n:,} {state.word}" for state, n in NodeView(NodeState.IDLE, counts=counts).pressing),
    )


def ends_s(bar: Bar, chart: Chart) -> float:
    """Give when a bar ends, in seconds of work; one that goes on ends where the chart does."""
    return chart.worked_s(chart.end_s if bar.end_s is None else bar.end_s)


def spoken(bar: Bar, chart: Chart) -> str:
    """Say in words what a bar shows."""
    took = f"{ends_s(bar, chart) - chart.worked_s(bar.start_s):.3g} s"
    says = bar.says or bar.state.word
    return " · ".join(part for part in (bar.agent, bar.step_id, took, says) if part)


def ticks(span_s: float, n_most: int = 8) -> list[float]:
    """Give round places for the marks of an axis of seconds.

    Examples
    --------
    >>> ticks(1.0), ticks(95, 4)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 50.0])
    """
    if span_s <= 0:
        return [0.0]
    steps = (float(f"{digit}e{power}") for power in range(-6, 12) for digit in (1, 2, 5))
    step = next((step for step in steps if span_s / step <= n_most), span_s)
    return [round(i * step, 9) for i in range(int(span_s / step + 1e-9) + 1)]


def tick_text(at_s: float) -> str:
    """Write a number of seconds at an axis.

    Examples
    --------
    >>> tick_text(0.25), tick_text(30.0), tick_text(150.0), tick_text(7_200.0)
    ('0.25 s', '30 s', '2:30', '2:00:00')
    """
    if at_s < 120:  # noqa: PLR2004 - two minutes
        return f"{at_s:g} s"
    return clock_text(round(at_s))
