"""Too large to draw agent by agent: the layers of a drawing, each as one box with a count.

A picture of a thousand boxes is read by nobody and fills a notebook. From a certain size on a layer of agents is one
box, ``layer 3: 84 agents``, which shows how many of them are in each state; a layer of one keeps its name, and so does
``User``. A drawing with many layers has several of them in a box.

Examples
--------
>>> from types import SimpleNamespace as Edge
>>> fan = [Edge(source="Hub", target=f"s{i}", bidirectional=True) for i in range(400)]
>>> groups = grouped(Edge(nodes=("Hub", *(f"s{i}" for i in range(400))), edges=fan))
>>> groups.nodes, [(edge.source, edge.target, edge.bidirectional) for edge in groups.edges]
(('Hub', 'layer 2: 400 agents'), [('Hub', 'layer 2: 400 agents', True)])
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mars_nb.views import layering
from mars_nb.views.palette import NodeState, NodeView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.views.layering import Drawn

N_BANDS: Final = 8
"""Most boxes of a grouped drawing, besides the markers."""
N_SKIPPING: Final = 12
"""Most edges that pass a layer; where there would be more, only those between neighbours are drawn."""


@dataclass(frozen=True)
class GroupEdge:
    """An edge between two groups, for one or many between their agents."""

    source: str
    target: str
    bidirectional: bool = False


@dataclass(frozen=True)
class Grouped:
    """A drawing whose nodes stand for many.

    Parameters
    ----------
    nodes : tuple of str
        Names of groups, agents and markers.
    edges : tuple of GroupEdge
        Between them.
    members : dict of str to tuple of str
        Agents of each group.
    """

    nodes: tuple[str, ...]
    edges: tuple[GroupEdge, ...]
    members: Mapping[str, tuple[str, ...]]

    def shown(self, states: Mapping[str, NodeView]) -> dict[str, NodeView]:
        """Give what the groups show, given what the agents show; nothing for nothing."""
        found = {name: view for name, view in states.items() if name in self.nodes}
        return found | {name: _summed(each, states) for name, each in self.members.items() if states}


def grouped(topology: Drawn) -> Grouped:
    """Put the agents of each layer into one group.

    Parameters
    ----------
    topology : Drawn
        Nodes and edges, however many.

    Returns
    -------
    Grouped
        At most eight groups, and the markers.
    """
    sheet = layering.read(topology)
    bands = _bands([v.name for v in sheet.vertices if v.kind == "agent"], _layer_of(sheet))
    members = {_name(layers, names): tuple(names) for layers, names in bands if len(names) > 1}
    group_of = {name: group for group, names in members.items() for name in names}
    nodes = tuple(dict.fromkeys(group_of.get(name, name) for name in topology.nodes))
    place = {group_of.get(names[0], names[0]): i for i, (_, names) in enumerate(bands)}
    return Grouped(nodes, _edges(topology, group_of, place), members)


def _layer_of(sheet: layering.Sheet) -> dict[str, int]:
    """Give the layer of each agent, counted from 0 without those that hold markers alone."""
    agents = [(v.name, at) for v, at in zip(sheet.vertices, layering.layers(sheet), strict=True) if v.kind == "agent"]
    rank = {at: i for i, at in enumerate(sorted({at for _, at in agents}))}
    return {name: rank[at] for name, at in agents}


def _bands(names: Sequence[str], layer_of: Mapping[str, int]) -> list[tuple[range, list[str]]]:
    """Give the agents of each band: one layer, or as many as it takes for the boxes to be few."""
    n_layers = max(layer_of.values(), default=-1) + 1
    size = math.ceil(n_layers / N_BANDS) or 1
    found: dict[int, list[str]] = {}
    for name in names:
        found.setdefault(layer_of[name] // size, []).append(name)
    return [(range(i * size, min(n_layers, (i + 1) * size)), found[i]) for i in sorted(found)]


def _name(layers: range, names: Sequence[str]) -> str:
    """Name a group; no agent can be called so, since their names hold no colon."""
    where = f"layer {layers[0] + 1}" if len(layers) == 1 else f"layers {layers[0] + 1}\N{EN DASH}{layers[-1] + 1}"
    return f"{where}: {len(names):,} agents"


def _edges(topology: Drawn, group_of: Mapping[str, str], place: Mapping[str, int]) -> tuple[GroupEdge, ...]:
    """Give each edge between two groups once; a conversation where there is any, or edges lead both ways."""
    found: dict[tuple[str, str], bool] = {}
    groups = set(group_of.values())
    for edge in topology.edges:
        ends = group_of.get(edge.source, edge.source), group_of.get(edge.target, edge.target)
        if ends[0] == ends[1]:
            continue
        if ends[::-1] in found and groups & set(ends):
            found[ends[::-1]] = True
        else:
            found[ends] = edge.bidirectional or found.get(ends, False)
    edges = [GroupEdge(one, other, both) for (one, other), both in found.items()]
    skipping = {edge for edge in edges if _skips(edge, place)}
    return tuple(edge for edge in edges if len(skipping) <= N_SKIPPING or edge not in skipping)


def _skips(edge: GroupEdge, place: Mapping[str, int]) -> bool:
    """Tell whether an edge leads further than to the next group; one from or to a marker never counts."""
    ends = place.get(edge.source), place.get(edge.target)
    return ends[0] is not None and ends[1] is not None and abs(ends[0] - ends[1]) > 1


def _summed(names: Iterable[str], states: Mapping[str, NodeView]) -> NodeView:
    """Give what a group shows: how many of its agents are in each state."""
    counts: Counter[NodeState] = Counter(states[name].state if name in states else NodeState.IDLE for name in names)
    view = NodeView(NodeState.IDLE, counts=dict(counts))
    return NodeView(view.pressing[0][0], counts=view.counts)
