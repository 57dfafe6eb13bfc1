"""Pictures of a topology: as SVG, as a line of text, and for matplotlib.

A picture is a pure function of what is drawn and of what each node shows. The same input gives the same picture, byte
for byte; live views and saved notebooks therefore agree.

Examples
--------
>>> from types import SimpleNamespace as Edge
>>> edges = (Edge(source="Planner", target="Writer", bidirectional=False),)
>>> plan = Edge(nodes=("Planner", "Writer"), edges=edges)
>>> text(plan, {"Planner": NodeView(NodeState.DONE), "Writer": NodeView(NodeState.RUNNING, "0:06")})
'✓ Planner → ▶ Writer (0:06)'
>>> sorted(mimebundle(plan))
['image/svg+xml', 'text/plain']
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from mars_nb.views import labels, layout
from mars_nb.views import svg as svg_writer
from mars_nb.views.grouping import Grouped, grouped
from mars_nb.views.palette import NodeState, NodeView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from mars_nb.views.layering import Drawn

__all__ = ["NodeState", "NodeView", "mimebundle", "plot", "svg", "text"]

_PART_OF: Final = re.compile(r"(\d+) of (\d+)")
_TIMES: Final = re.compile(r"[\u00d7x]\s?(\d+)")
LARGEST_BYTES: Final = 80_000
"""How large a picture in a notebook may be."""
_NODE_BYTES, _EDGE_BYTES, _TALK_BYTES = 1_200, 290, 140  # as measured, with three counts in a node
_N_NODES_LAYERED: Final = 10_000
_N_EDGES_LAYERED: Final = 50_000
_N_MENTIONED: Final = 12
_IDLE: Final = NodeView(NodeState.IDLE)
_NO_STATES: Final[Mapping[str, NodeView]] = {}
_NO_TURNS: Final[Mapping[frozenset[str], str]] = {}


def svg(
    topology: Drawn,
    states: Mapping[str, NodeView] = _NO_STATES,
    *,
    turns: Mapping[frozenset[str], str] = _NO_TURNS,
    title: str = "",
) -> str:
    """Draw a topology as SVG.

    Parameters
    ----------
    topology : Topology
        What was drawn.
    states : mapping of str to NodeView
        What each node shows. A node that is missing is idle; without any, the names stand alone.
    turns : mapping of frozenset of str to str
        What is written at a conversation, such as ``1/3``, by its two names.
    title : str
        Title of the picture, for screen readers and as a tooltip.

    Returns
    -------
    str
        One ``svg`` element, at most 900 px wide and about 80 kB large: what would be larger is drawn layer by
        layer, with counts (`mars_nb.views.grouping`).
    """
    drawn, shown = drawable(topology, states)
    return svg_writer.draw(layout.lay_out(drawn), shown, turns, title=title)


def drawable(topology: Drawn, states: Mapping[str, NodeView]) -> tuple[Drawn, Mapping[str, NodeView]]:
    """Give what is drawn and what it shows: the topology itself, or its layers if nobody could read it.

    Which of them depends on the topology alone, so that no picture changes while a run goes on.
    """
    n_nodes, n_edges = len(topology.nodes), len(topology.edges)
    n_talks = sum(edge.bidirectional for edge in topology.edges)
    if n_nodes * _NODE_BYTES + n_edges * _EDGE_BYTES + n_talks * _TALK_BYTES <= LARGEST_BYTES:
        return topology, states
    if n_nodes > _N_NODES_LAYERED or n_edges > _N_EDGES_LAYERED:
        name = f"{n_nodes:,} nodes"
        groups = Grouped((name,), (), {name: topology.nodes})
    else:
        groups = grouped(topology)
    return groups, groups.shown(states)


def text(topology: Drawn, states: Mapping[str, NodeView] = _NO_STATES, *, ascii: bool = False) -> str:  # noqa: A002
    """Write a topology in a line: layers from left to right, agents of a layer in the order they were drawn.

    Parameters
    ----------
    topology : Topology
        What was drawn.
    states : mapping of str to NodeView
        What each node shows; without any, the names stand alone.
    ascii : bool
        Use ASCII characters only, but for the names.

    Returns
    -------
    str
        Above 40 agents: how many are in each state, and those a person should know of.
    """
    return rows_text(layout.reading_order(topology), states, ascii=ascii)


def rows_text(
    rows: Sequence[Sequence[str]],
    states: Mapping[str, NodeView] = _NO_STATES,
    *,
    ascii: bool = False,  # noqa: A002
) -> str:
    """Write the agents of each layer in a line; see `text`."""
    if sum(map(len, rows)) > layout.N_COMPACT:
        return _summary(rows, states, ascii=ascii)
    arrow = " -> " if ascii else " → "
    return arrow.join(", ".join(_mention(name, states, ascii=ascii) for name in row) for row in rows)


def _mention(name: str, states: Mapping[str, NodeView], *, ascii: bool) -> str:  # noqa: A002
    shown = labels.isolate(labels.clean(name))
    if not states:
        return shown
    view = states.get(name, _IDLE)
    return f"{_glyph(view.state, ascii=ascii)} {shown}{_aside(view, ascii=ascii)}"


def _glyph(state: NodeState, *, ascii: bool) -> str:  # noqa: A002
    return state.ascii if ascii else state.glyph


def _aside(view: NodeView, *, ascii: bool) -> str:  # noqa: A002
    """Write what stands after the name: counts, ``2/4``, ``x2``, or the detail in brackets."""
    if view.pressing:
        return " " + _tally(view.pressing, ascii=ascii)
    detail = labels.clean(view.detail)
    if part := _PART_OF.fullmatch(detail):
        return f" {part[1]}/{part[2]}"
    if times := _TIMES.fullmatch(detail):
        return f" x{times[1]}"
    return f" ({detail})" if detail else ""


def _tally(counts: Sequence[tuple[NodeState, int]], *, ascii: bool) -> str:  # noqa: A002
    return " ".join(f"{_glyph(state, ascii=ascii)}{n}" for state, n in counts)


def _summary(rows: Sequence[Sequence[str]], states: Mapping[str, NodeView], *, ascii: bool) -> str:  # noqa: A002
    """Count the agents by state, and name those that ask, failed or run."""
    names = [name for row in rows for name in row]
    head = f"{len(names):,} agents in {len(rows):,} layers"
    if not states:
        return head
    views = {name: states.get(name, _IDLE) for name in names}
    tally = NodeView(NodeState.IDLE, counts=Counter(view.state for view in views.values())).pressing
    urgent = (NodeState.FAILED, NodeState.ASKING, NodeState.RUNNING)
    mentioned = [
        _mention(name, states, ascii=ascii) for state in urgent for name in names if views[name].state is state
    ]
    more = f", and {len(mentioned) - _N_MENTIONED} more" if len(mentioned) > _N_MENTIONED else ""
    named = f": {', '.join(mentioned[:_N_MENTIONED])}{more}" if mentioned else ""
    return f"{head}: {_tally(tally, ascii=ascii)}{named}"


def mimebundle(
    topology: Drawn,
    states: Mapping[str, NodeView] = _NO_STATES,
    *,
    turns: Mapping[frozenset[str], str] = _NO_TURNS,
    title: str = "",
) -> dict[str, str]:
    """Give the picture as a notebook keeps it: SVG and text, and nothing that could hide them.

    Parameters
    ----------
    topology, states, turns, title
        As for `svg`.

    Returns
    -------
    dict of str to str
        By media type.
    """
    return {
        "image/svg+xml": svg(topology, states, turns=turns, title=title),
        "text/plain": text(topology, states),
    }


def plot(
    topology: Drawn,
    ax: Axes | None = None,
    *,
    states: Mapping[str, NodeView] = _NO_STATES,
    turns: Mapping[frozenset[str], str] = _NO_TURNS,
) -> Axes:
    """Draw a topology with matplotlib, for papers.

    Parameters
    ----------
    topology : Topology
        What was drawn.
    ax : matplotlib Axes, optional
        Where to draw; a new figure of the right size is made otherwise.
    states : mapping of str to NodeView
        What each node shows.
    turns : mapping of frozenset of str to str
        What is written at a conversation.

    Returns
    -------
    matplotlib.axes.Axes
        The axes, without frame or ticks, one unit a pixel.
    """
    from mars_nb.views import plot as plotting

    drawn, shown = drawable(topology, states)
    return plotting.topology(layout.lay_out(drawn), ax, states=shown, turns=turns)
