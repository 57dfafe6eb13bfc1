"""The answer of a run: which of all that was said is its final response.

First what was delivered, or given to the run by `Final`. Where nothing was, the run answers with what its branches
ended on: those that came out of a join before the others, and among them the one with the most steps behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.agents.replies import as_text
from mars_nb.engine.branch import Contribution, received
from mars_nb.engine.state import in_branch_order

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.state import RunState


def final_response(state: RunState) -> Any:
    """Give the final response of a run, None when there is none.

    Returns
    -------
    JSON value
        A single delivery as it is, several as ``{agent: content}`` in branch order; else the content of the branch that
        came furthest.
    """
    if state.deliveries:
        return received(in_branch_order(state.deliveries))
    ended = _ended_with_content(state)
    return max(ended, key=lambda branch: _rank(state, branch)).content if ended else None


def responses(state: RunState) -> dict[str, Any]:
    """Give every answer of a run, ``{agent: content}`` in branch order; a second one of an agent is ``"name#2"``."""
    ended = [Contribution(branch.position, branch.agent, branch.content) for branch in _ended_with_content(state)]
    answers = in_branch_order([*state.deliveries, *ended])
    if len(answers) == 1:
        return {answers[0].agent: answers[0].content}
    return dict(received(answers)) if answers else {}


def _ended_with_content(state: RunState) -> list[ExecutionBranch]:
    return [branch for branch in state.branches.values() if branch.ended == "exhausted"]


def _rank(state: RunState, branch: ExecutionBranch) -> tuple[bool, int, int, int]:
    return branch.from_join, branch.depth, len(as_text(branch.content)), -state.plan.index[branch.agent]
