"""How a run ends: well, at a limit, or with a failure that nobody settled, and the chain of causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.engine.branch import BranchState
from mars_nb.engine.join import first_position, given_up_in, standing
from mars_nb.events import RunEnded

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch, Frame
    from mars_nb.engine.join import Join
    from mars_nb.engine.state import RunState


MAX_SHOWN = 10
"""Most failures, and most of what they block, that an error names."""


def limit_reached(state: RunState) -> str | None:
    """Give why no further step may start, None while one may."""
    rules = state.plan.rules
    if state.n_completed >= rules.max_steps:
        done = "1 step is" if state.n_completed == 1 else f"{state.n_completed} steps are"
        return f"max_steps({rules.max_steps}) reached: {done} done and another was to start"
    spent = overspent(state)
    return f"{spent} and another step was to start" if spent else None


def overspent(state: RunState) -> str | None:
    """Give which limit on money or tokens is used up, None while there is some left."""
    rules = state.plan.rules
    if rules.budget_usd is not None and state.cost_usd >= rules.budget_usd:
        return f"budget({rules.budget_usd:g}) reached: ${state.cost_usd:.4f} are spent"
    if rules.budget_usd is not None and not state.is_priced:
        return f"budget({rules.budget_usd:g}) cannot be kept, since the price of a response is not known,"
    if rules.max_tokens is not None and state.n_tokens >= rules.max_tokens:
        return f"max_tokens({rules.max_tokens}) reached: {state.n_tokens} tokens are used"
    return None


def ending(state: RunState) -> RunEnded:
    """Give the end of a run in which nothing can go on.

    Returns
    -------
    RunEnded
        Failed at a deadline, at a limit, or when a failure is not settled; else succeeded.
    """
    if state.deadline_s:
        return RunEnded("failed", f"timeout({state.deadline_s:g}) reached: the run worked for {state.deadline_s:g} s")
    if state.ready and (limit := limit_reached(state)):
        return RunEnded("failed", f"{limit}; every result so far is kept, raise the limit to go on")
    if given_up_in(state.root):
        return RunEnded("failed", chain_of_causes(state))
    return RunEnded("succeeded")


def chain_of_causes(state: RunState) -> str:
    """Give what failed and what that blocks, as one line.

    Examples
    --------
    ``"South (b0.1#2) failed after 3 attempts: ConnectError: refused; Merger needs all of its contributors and has 1 of
    2"``
    """
    everybody = state.branches.values()
    failed = [branch for branch in everybody if branch.state is BranchState.FAILED and not branch.settled_at]
    causes = [_cause(branch) for branch in sorted(failed, key=lambda branch: branch.position)]
    return "; ".join(_shown(causes) + _shown(_blocked(state, state.root)))


def _shown(texts: list[str]) -> list[str]:
    """Give the first few of many; a line that nobody can read tells nothing."""
    n_more = len(texts) - MAX_SHOWN
    return [*texts[:MAX_SHOWN], f"and {n_more:,} more like this"] if n_more > 0 else texts


def _cause(branch: ExecutionBranch) -> str:
    kind, message = branch.error or ("Error", "")
    tries = f" after {branch.attempt} attempts" if branch.attempt > 1 else ""
    return f"{branch.agent} ({branch.step_id}) failed{tries}: {kind}: {message}"


def _blocked(state: RunState, frame: Frame) -> list[str]:
    found: list[str] = []
    for join in sorted(frame.joins.values(), key=first_position):
        inner = [each for branch in join.in_order() for one in branch.frames for each in _blocked(state, one)]
        found += [*inner, _needs(state, join)]
    return found


def _needs(state: RunState, join: Join) -> str:
    stand = standing(state.plan.graph, join)
    share = state.plan.rules.quorum(join.agent)
    need = "all" if share >= 1 else f"{share:.0%}"
    total = stand.n_succeeded + stand.n_lost
    return f"this blocks {join.agent}, which needs {need} of its contributors and has {stand.n_succeeded} of {total}"
