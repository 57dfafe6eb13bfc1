"""Frames around agents that a ``parallel`` rule takes together, where they stand side by side.

A frame says no more than the rule does. Where the agents are not neighbours in one layer there is none: it would
cross somebody whom the rule does not name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mars_nb.topology.rules import ParallelRule
from mars_nb.views.shapes import LOOP_PX, Frame

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from mars_nb.views.layering import Drawn
    from mars_nb.views.shapes import Box

_ALONG: Final = 9.0
_ASIDE: Final = 5.0


def together(topology: Drawn) -> tuple[frozenset[str], ...]:
    """Give the groups of agents that the rules of a topology take together; a plain drawing has none."""
    rules = getattr(topology, "rules", ())
    return tuple(dict.fromkeys(frozenset(rule.agents) for rule in rules if isinstance(rule, ParallelRule)))


def frames(
    rows: Sequence[Sequence[Box]], groups: Sequence[frozenset[str]], with_loop: AbstractSet[str] = frozenset()
) -> tuple[Frame, ...]:
    """Draw a frame around each group that stands together.

    Parameters
    ----------
    rows : sequence of sequence of Box
        The boxes of each layer in their order, read from left to right.
    groups : sequence of frozenset of str
        Who is taken together.
    with_loop : set of str
        Agents that have an edge to themselves, which needs room as well.

    Returns
    -------
    tuple of Frame
        None of them touches a box outside its group.
    """
    found = (_stretch(row, group) for group in groups for row in rows)
    return tuple(_frame(boxes, with_loop) for boxes in found if boxes)


def _stretch(row: Sequence[Box], group: frozenset[str]) -> Sequence[Box]:
    """Give the boxes of a group if they are all in this layer, and nobody else is between them."""
    places = [i for i, box in enumerate(row) if box.kind == "agent" and box.name in group]
    is_whole = 1 < len(places) == len(group) == places[-1] - places[0] + 1
    return row[places[0] : places[-1] + 1] if is_whole else ()


def _frame(boxes: Sequence[Box], with_loop: AbstractSet[str]) -> Frame:
    first, last = boxes[0], boxes[-1]
    top = first.y - _ASIDE - LOOP_PX * (first.name in with_loop)
    bottom = last.bottom + _ASIDE + LOOP_PX * (last.name in with_loop)
    names = tuple(box.name for box in boxes)
    return Frame(names, first.x - _ALONG, top, first.width + 2 * _ALONG, bottom - top)
