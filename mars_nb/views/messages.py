"""Messages: whom each reply reached, which is what went over the edges of a drawing.

The state keeps where everybody stands, not how they came there. So the events are looked through once more: whatever a
branch does after a reply, and before its next one, is what that reply did.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from mars_nb.events import (
    AboutBranch,
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchMoved,
    ContentDelivered,
    ContentReturned,
    QuestionAsked,
    StepCompleted,
)
from mars_nb.topology.model import END, USER
from mars_nb.views.history import present

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.views.history import History

TASK: Final = ""
"""What stands for the task, which no step replied."""


def receivers(history: History) -> dict[str, set[str]]:
    """Give whom each reply reached.

    Parameters
    ----------
    history : History
        What happened.

    Returns
    -------
    dict of str to set of str
        Names in the drawing, by the id of the step that replied; those whom the task reached by `TASK`.
    """
    stands: dict[str, str] = {}
    newest: dict[str, str] = {}
    reached: dict[str, set[str]] = defaultdict(set)
    for record in present(list(history.journal.records())):
        match record.event:
            case StepCompleted() as reply:
                newest[reply.branch] = reply.step_id
            case AboutBranch() as event:
                sender = event.parent or TASK if isinstance(event, BranchCreated) else event.branch
                reached[newest.get(sender, TASK)].update(_to(event, stands, history.state.branches))
                if isinstance(event, BranchCreated | BranchMoved | BranchesJoined):
                    stands[event.branch] = event.agent
            case _:
                pass
    return dict(reached)


def _to(event: AboutBranch, stands: Mapping[str, str], branches: Mapping[str, ExecutionBranch]) -> tuple[str, ...]:
    match event:
        case BranchCreated(agent=agent) | BranchMoved(agent=agent):
            return (agent,)
        case ContentDelivered(target=target):
            return (target,)
        case QuestionAsked():
            return (USER,)
        case BranchEnded(how="delivered" | "answered"):
            return USER, END
        case BranchEnded(how="returned") | ContentReturned():
            caller = branches[event.branch].frame.caller
            return (stands[caller.id],) if caller else ()
        case _:
            return ()
