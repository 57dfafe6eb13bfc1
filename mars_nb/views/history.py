"""The history of a run: what was drawn, what happened, and where that left everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mars_nb.engine.state import RunState
    from mars_nb.state.journal import Journal
    from mars_nb.topology.model import Topology


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """All that is known of a run; every view is a function of this.

    Parameters
    ----------
    topology : Topology
        What the user drew.
    state : RunState
        The fold of the events.
    journal : Journal
        The events and their times.
    """

    topology: Topology
    state: RunState
    journal: Journal
