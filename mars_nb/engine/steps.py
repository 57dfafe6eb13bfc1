"""What happens to a step, written into the state: it is scheduled, completes, fails, is due again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.actions import said_by
from mars_nb.engine.branch import ASKING, READY, RETRYING, RUNNING, received
from mars_nb.engine.state import become, fail, make_ready, take_ready
from mars_nb.engine.trace import StepTrace
from mars_nb.events import (
    ApprovalAsked,
    ModelResponded,
    RetryDue,
    StepCompleted,
    StepCorrected,
    StepFailed,
    StepScheduled,
    ToolReturned,
    ToolStarted,
)

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
        case StepCorrected():
            _step_corrected(branch, event)
        case ModelResponded():
            _model_responded(state, branch, event)
        case ToolStarted() | ToolReturned():
            _trace(branch).say(event)
        case ApprovalAsked():
            _approval_asked(state, branch, event)


def _trace(branch: ExecutionBranch) -> StepTrace:
    """Give the trace of the step that a branch has begun; only a journal that no run wrote has none here."""
    if branch.trace is None:
        raise LookupError(f"branch {branch.id} has begun no step")
    return branch.trace


def _step_corrected(branch: ExecutionBranch, event: StepCorrected) -> None:
    trace = branch.trace
    if trace:
        trace.n_corrections += 1
        trace.say(event)


def _model_responded(state: RunState, branch: ExecutionBranch, event: ModelResponded) -> None:
    """Count what a response took as soon as it is there; a step that fails afterwards has spent it, too."""
    _trace(branch).respond(event)
    _spend(state, event)


def _approval_asked(state: RunState, branch: ExecutionBranch, event: ApprovalAsked) -> None:
    _trace(branch).say(event)
    state.n_in_flight -= 1
    branch.approval = event
    become(state, branch, ASKING)
    state.questions.append(branch)


def _spend(state: RunState, event: ModelResponded | StepCompleted) -> None:
    state.n_tokens += event.n_input_tokens + event.n_output_tokens
    state.cost_usd += event.cost_usd or 0.0
    state.is_priced = state.is_priced and event.cost_usd is not None


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
    if not (branch.trace and branch.trace.n_responses):
        _spend(state, event)
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
