"""The stage: a topology with its layout, worked out once, on which a run is shown over and over.

Laying out a large topology takes longer than a run may be kept waiting, and most boxes look as they did a moment ago.
A `Stage` keeps both: where everything stands, and the markup of each box until it shows something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.views import layout, picture
from mars_nb.views import svg as svg_writer
from mars_nb.views.grouping import Grouped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.topology.model import Topology
    from mars_nb.views.palette import NodeView


class Stage:
    """A topology, laid out.

    Parameters
    ----------
    topology : Topology
        What is drawn; its layers with counts, if it is too large to be read.

    Attributes
    ----------
    topology : Topology
        The same.
    layout : Layout
        Where everything stands.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self._drawn = picture.drawable(topology, {})[0]
        self.layout = layout.lay_out(self._drawn)
        self._text_rows = layout.reading_order(topology)
        self._known: dict[str, NodeView | None] = {}
        self._boxes: dict[str, str] = {}

    def boxes(self, views: Mapping[str, NodeView]) -> dict[str, str]:
        """Give the markup of each box, by its number.

        Parameters
        ----------
        views : mapping of str to NodeView
            What each node of the topology shows.
        """
        shown = self._shown(views)
        for i, box in enumerate(self.layout.boxes):
            key, view = str(i), shown.get(box.name)
            if key not in self._boxes or self._known[key] != view:
                self._known[key] = view
                self._boxes[key] = svg_writer.node_group(self.layout, i, view)
        return dict(self._boxes)

    def agents(self, name: str) -> tuple[str, ...]:
        """Give the agents that a box stands for: one, or those of a layer that is drawn as one box."""
        members = self._drawn.members if isinstance(self._drawn, Grouped) else {}
        return members.get(name, (name,))

    def is_talk(self, source: str, target: str) -> bool:
        """Tell whether messages go both ways over the edge between two boxes."""
        ends = {source, target}
        return any(edge.bidirectional and {edge.source, edge.target} == ends for edge in self._drawn.edges)

    def turns(self, turns: Mapping[frozenset[str], str]) -> str:
        """Give the markup of what stands at the conversations."""
        return svg_writer.turns_group(self.layout, turns)

    def svg(self, views: Mapping[str, NodeView], turns: Mapping[frozenset[str], str], *, title: str = "") -> str:
        """Give the whole picture."""
        return svg_writer.draw(self.layout, self._shown(views), turns, title=title)

    def blank(self, name: str) -> str:
        """Give the picture of a run, by its name, in which nothing has happened yet."""
        return self.svg({}, {}, title=f"run {name}")

    def mimebundle(self, views: Mapping[str, NodeView], turns: Mapping[frozenset[str], str]) -> dict[str, str]:
        """Give the picture as a notebook keeps it; the same as `mars_nb.views.picture.mimebundle`."""
        return {"image/svg+xml": self.svg(views, turns), "text/plain": picture.rows_text(self._text_rows, views)}

    def _shown(self, views: Mapping[str, NodeView]) -> Mapping[str, NodeView]:
        return self._drawn.shown(views) if isinstance(self._drawn, Grouped) else views
