"""The banner of a live view: one of five situations, what it means, and what can be done.

While a run just runs there is none. Else it says why nothing moves, that nothing is lost, and which command goes on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mars_nb.agents.replies import as_text
from mars_nb.engine.branch import BranchState
from mars_nb.engine.join import first_position, standing
from mars_nb.events import ModelResponded
from mars_nb.views.amounts import clock_text, counted, cut, dollars, named
from mars_nb.views.labels import clean
from mars_nb.views.spending import cost_usd
from mars_nb.views.waits import awaited

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch, Frame
    from mars_nb.engine.join import Join
    from mars_nb.engine.state import RunState
    from mars_nb.engine.trace import StepTrace
    from mars_nb.views.history import History
    from mars_nb.views.onlooker import Onlooker

TEXT_LENGTH: Final = 40_000
"""Characters of a question, and of what the asker had read, that are sent; the page folds away the end of long ones."""
N_NAMED: Final = 5
TORN_OFF: Final = "Its process ended in the middle · nothing that was replied is lost"
SHORT: Final = 300

Banner = dict[str, Any]


def banner_of(history: History, onlooker: Onlooker, status: str, handle: str, *, at: float) -> Banner | None:
    """Give the banner of a run.

    Parameters
    ----------
    history : History
        What happened.
    onlooker : Onlooker
        Knows the times.
    status : str
        Where the run stands, as `mars_nb.views.scene.status_of` gives it.
    handle : str
        What the run is called after ``%mars``.
    at : float
        When it is looked at, in seconds since 1970 (UTC).

    Returns
    -------
    dict or None
        JSON; None while it just runs.
    """
    state = history.state
    if state.questions and status in ("asking", "running", "pausing"):
        return _asking(state)
    if status == "pausing":
        return _pausing(history, onlooker, handle, at)
    return _at_rest(history, onlooker, status, handle)


def _at_rest(history: History, onlooker: Onlooker, status: str, handle: str) -> Banner | None:
    match status:
        case "paused":
            return _paused(history.state, handle)
        case "interrupted":
            return _paused(history.state, handle) | {"text": TORN_OFF}
        case "failed":
            return _failed(history.state, handle)
        case "succeeded" | "cancelled":
            return _done(history, onlooker, status)
        case _:
            return None


def _pausing(history: History, onlooker: Onlooker, handle: str, at: float) -> Banner:
    running = [step for step in history.state.steps if step.status == "running"]
    finishing = [
        f"{clean(step.agent)} finishes, {clock_text(onlooker.worked_s(at) - _began_s(history, onlooker, step))}"
        for step in running
    ]
    text = f"Pausing ({named(finishing, N_NAMED)})"
    return {"kind": "pausing", "text": text, "line": f"%mars pause {handle} --now"}


def _began_s(history: History, onlooker: Onlooker, step: StepTrace) -> float:
    return onlooker.worked_s(history.journal.at(step.began_seq))


def _paused(state: RunState, handle: str) -> Banner:
    reason = f" · {clean(state.pause_reason)}" if state.pause_reason else ""
    banner = {
        "kind": "paused",
        "text": f"Paused at step {state.n_completed}{reason} · nothing is running, nothing is lost",
        "line": f"%mars resume {handle}",
    }
    following = _next(state)
    return banner | {"next": following} if following else banner


def _next(state: RunState) -> str:
    """Name who starts when the run goes on, and how many had arrived there."""
    ready = [branch for branch in state.branches.values() if branch.state is BranchState.READY]
    return named([f"{clean(branch.agent)}{_arrived(branch)}" for branch in ready], N_NAMED)


def _arrived(branch: ExecutionBranch) -> str:
    n = len(branch.inbox)
    return f" ({n} of {n + len(branch.failures)} arrived)" if n > 1 else ""


def _asking(state: RunState) -> Banner:
    branch = state.questions[0]
    others = "; the other branches go on" if state.n_in_flight and state.status == "running" else ""
    others = "; the run is paused until there is an answer" if state.status == "paused" else others
    banner: Banner = {
        "kind": "asking",
        "agent": clean(branch.agent),
        "text": f"{clean(branch.agent)} asks you",
        "question": cut(as_text(branch.question), TEXT_LENGTH),
        "place_in_line": f"question 1 of {len(state.questions)}{others}",
        "had_read": cut(as_text(branch.request), TEXT_LENGTH),
        "line": "%mars answer TEXT",
    }
    call = _call(branch)
    return banner if call is None else banner | {"tool": call}


def _call(branch: ExecutionBranch) -> Banner | None:
    """Give the call of a tool that a person is to approve."""
    if branch.approval is None or branch.trace is None:
        return None
    calls = [call for event in branch.trace.record if isinstance(event, ModelResponded) for call in event.calls]
    found = next((call for call in calls if call.id == branch.approval.call_id), None)
    if found is None:
        return None
    return {"name": clean(found.name), "arguments": json.dumps(found.arguments, ensure_ascii=False)}


def _failed(state: RunState, handle: str) -> Banner:
    failed = [b for b in state.branches.values() if b.state is BranchState.FAILED and not b.settled_at]
    blocked = _first_blocked(state, state.root)
    banner: Banner = {
        "kind": "failed",
        "text": _what_failed(failed[0]) if failed else f"Failed: {_short(state.error or 'nobody knows why')}",
        "kept": f"kept: {state.n_completed:,} of {len(state.steps):,} steps",
        "line": f"%mars resume {handle}",
        "actions": _remedies(state, failed, blocked),
    }
    return banner | {"because": _because(state, blocked)} if blocked else banner


def _what_failed(branch: ExecutionBranch) -> str:
    kind, message = branch.error or ("Error", "")
    tries = f" after {branch.attempt} attempts" if branch.attempt > 1 else ""
    return _short(f"Failed at {branch.agent} ({branch.step_id}): {kind}: {message}") + tries


def _short(text: str) -> str:
    plain = clean(text)
    return plain if len(plain) <= SHORT else f"{plain[: SHORT - 1]}…"


def _remedies(state: RunState, failed: list[ExecutionBranch], blocked: Join | None) -> list[Banner]:
    """Give what helps: ask again, go on without what is missing, look at what failed."""
    names = sorted({clean(branch.agent) for branch in failed})
    retry = f"Retry only {', '.join(names)}" if 0 < len(names) <= N_NAMED else "Retry only what failed"
    found: list[Banner] = [{"label": retry, "do": "resume"}]
    if blocked and (rule := _quorum(state, blocked)):
        found.append({"label": f"Continue without it: {rule}", "do": "resume", "rule": rule})
    if failed:
        found.append({"label": "Open step", "do": "detail", "step": failed[0].step_id})
    return found


def _quorum(state: RunState, join: Join) -> str:
    """Give the rule under which a join goes on with what it has; nothing if it has nothing."""
    stand = standing(state.plan.graph, join)
    if not stand.n_succeeded:
        return ""
    share = int(100 * stand.n_succeeded / (stand.n_succeeded + stand.n_lost)) / 100
    return f"quorum({join.agent}, {share:g})" if share else ""


def _because(state: RunState, join: Join) -> str:
    share = state.plan.rules.quorum(join.agent)
    needs, rule = ("all", "no quorum rule") if share >= 1 else (f"{share:.0%}", f"quorum {share:g}")
    arrived, missing = awaited(state, join)
    return f"{clean(join.agent)} needs {needs} of {len(arrived) + len(missing)} ({rule}) and has {len(arrived)}"


def _first_blocked(state: RunState, frame: Frame) -> Join | None:
    """Give the innermost join that a failure keeps from going on."""
    for join in sorted(frame.joins.values(), key=first_position):
        inner = [_first_blocked(state, one) for branch in join.in_order() for one in branch.frames]
        return next((each for each in inner if each), join)
    return None


def _done(history: History, onlooker: Onlooker, status: str) -> Banner:
    state = history.state
    took = clock_text(onlooker.worked_s(history.journal.at(history.journal.n_events)))
    word = "Done" if status == "succeeded" else "Stopped"
    parts = [word, counted(state.n_completed, "step"), took, dollars(cost_usd(state.steps))]
    return {"kind": "done", "text": " · ".join(part for part in parts if part)}
