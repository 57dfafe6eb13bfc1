"""A figure for a paper: one of the pictures of a run in the width of a column, or of a page.

Text is about as large as a caption whatever the width: a topology is laid out anew for a narrow column, and never
shrunk until nobody can read it. The figure belongs to nobody: unlike one of pyplot, no notebook shows it by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mars_nb.views import charts, layout, picture
from mars_nb.views.bars import chart as chart_of
from mars_nb.views.nodes import node_views, turns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mars_nb.topology.model import Topology
    from mars_nb.views.charts import PlotKind
    from mars_nb.views.history import History

_PX_PER_INCH: Final = 123.5
"""A name, 12 pixels high, is then set in 7 points."""


def figure(history: History, kind: PlotKind = "topology", width_in: float = 7.0) -> Figure:
    """Make a figure of a run.

    Parameters
    ----------
    history : History
        What happened.
    kind : {"topology", "gantt", "cost", "tokens"}
        As for `mars_nb.views.charts.draw`.
    width_in : float
        Width in inches: 3.5 for a column, 7 for a page. The height follows from what is drawn.

    Returns
    -------
    matplotlib.figure.Figure
        Not known to pyplot.

    Raises
    ------
    FigureError
        If there is no such kind.
    """
    if kind == "topology":
        return topology_figure(history.topology, width_in, history)
    from matplotlib.figure import Figure

    height_in = (
        charts.height_in(chart_of(history))
        if kind == "gantt"
        else charts.bars_height_in(len({step.agent for step in history.state.steps}))
    )
    made = Figure(figsize=(width_in, height_in), layout="constrained")
    charts.draw(history, kind, made.add_subplot())
    return made


def topology_figure(topology: Topology, width_in: float = 7.0, history: History | None = None) -> Figure:
    """Make a figure of a topology, with what every agent did if a history is given."""
    from matplotlib.figure import Figure

    from mars_nb.views import plot

    drawn, shown = picture.drawable(topology, node_views(history) if history else {})
    placed = layout.lay_out(drawn, max_width=width_in * _PX_PER_INCH)
    share = placed.width / _PX_PER_INCH / width_in
    made = Figure(figsize=(width_in, placed.height / _PX_PER_INCH))
    ax = made.add_axes(((1 - share) / 2, 0.0, share, 1.0))
    plot.topology(placed, ax, states=shown, turns=turns(history.state) if history else {})
    return made
