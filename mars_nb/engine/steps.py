"""What happens to a step, written into the state: it is scheduled, completes, fails, is due again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.actions import said_by
from mars_nb.engine.branch import READY, RETRYING, RUNNING, received
from mars_nb.engine.state import become, fail, make_ready, take_ready
from mars_nb.engine.trace import StepTrace
from mars_nb.events import RetryDue, StepCompleted, StepCorrected, StepFailed, StepScheduled

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.plan import Plan
    from mars_nb.engine.state import RunState
    from mars_nb.events import StepEvent


def evolve_step(state: RunState, event: StepEvent) -> None:
    """Write what happened to a step."""
    branch = state.branches[event.branch]
    match event:
        case StepScheduled():
            _step_scheduled(state, branch, event)
        case StepCompleted():
            _step_completed(state, branch, event)
        case StepFailed():
            _step_failed(state, branch, event)
        case RetryDue():
            make_ready(state, branch)
        case StepCorrected() if branch.trace:
            branch.trace.n_corrections += 1
        case StepCorrected():
            pass


def _step_scheduled(state: RunState, branch: ExecutionBranch, event: StepScheduled) -> None:
    if branch.state is READY:
        take_ready(state, branch)
    else:
        branch.frame.joins[branch.agent].remove(branch)
    if state.let_through:
        state.let_through -= {branch.id}
    if event.step > branch.n_steps or branch.trace is None:
        branch.request = received(branch.inbox)
        branch.n_steps = event.step
        branch.trace = StepTrace(branch, state.n_events)
        state.steps.append(branch.trace)
    branch.attempt = branch.trace.attempt = event.attempt
    branch.trace.status = "running"
    become(state, branch, RUNNING)
    state.n_in_flight += 1


def _step_completed(state: RunState, branch: ExecutionBranch, event: StepCompleted) -> None:
    state.n_in_flight -= 1
    state.n_completed += 1
    state.n_tokens += event.n_input_tokens + event.n_output_tokens
    state.cost_usd += event.cost_usd or 0.0
    branch.action = event.action
    branch.said = event.content if event.action is None else said_by(event.action)
    branch.remember()
    branch.failures = ()
    branch.attempt = 1
    branch.depth += 1
    branch.n_done += 1
    if branch.trace:
        branch.trace.complete(event, state.n_events)


def _step_failed(state: RunState, branch: ExecutionBranch, event: StepFailed) -> None:
    state.n_in_flight -= 1
    branch.error = (event.error, event.message)
    if branch.trace:
        branch.trace.fail(event, state.n_events)
    if will_retry(state.plan, branch, event):
        branch.attempt = event.attempt + 1
        become(state, branch, RETRYING)
    else:
        fail(state, branch)


def will_retry(plan: Plan, branch: ExecutionBranch, failed: StepFailed) -> bool:
    """Tell whether a ``retry`` rule gives a failed step another attempt."""
    return not failed.final and failed.attempt < plan.rules.attempts(branch.agent)
