"""The scene: everything that a live view shows of a run, as one JSON object.

A scene is a pure function of the run's history, of what an onlooker noticed, and of when it is looked at. A live view
holds one and is told how it changes (`mars_nb.views.patch`), so there are no nulls in it: what is not there is left
out. The picture's boxes are in it as the very pieces of SVG that a saved picture is made of.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mars_nb.agents.replies import as_text
from mars_nb.engine.branch import BranchState
from mars_nb.views import nodes
from mars_nb.views.amounts import dollars, short_number
from mars_nb.views.banner import banner_of
from mars_nb.views.labels import clean
from mars_nb.views.onlooker import SPOKEN_LENGTH
from mars_nb.views.spending import cost_usd

if TYPE_CHECKING:
    from mars_nb.engine.state import RunState
    from mars_nb.engine.trace import StepTrace
    from mars_nb.views.history import History
    from mars_nb.views.onlooker import Onlooker
    from mars_nb.views.stage import Stage

N_BARS: Final = 400
"""Bars of the small chart, those of the newest steps."""
N_LANES: Final = 12
"""Lanes of the small chart; where more steps run at once, they share them."""

_COUNTED: Final = (
    ("running", frozenset({BranchState.RUNNING, BranchState.RETRYING})),
    ("ready", frozenset({BranchState.READY})),
    ("waiting", frozenset({BranchState.WAITING, BranchState.CALLING})),
    ("asking", frozenset({BranchState.ASKING})),
    ("failed", frozenset({BranchState.FAILED})),
    ("done", frozenset({BranchState.ENDED})),
)
_WHILE_RUNNING: Final = ("pause", "stop", "checkpoint", "fork", "look")
_AT_REST: Final = ("resume", "step", "stop", "checkpoint", "restore", "fork", "look")
_CONTROLS: Final[dict[str, tuple[str, ...]]] = {
    "drawn": (),
    "running": _WHILE_RUNNING,
    "asking": _WHILE_RUNNING,
    "pausing": _WHILE_RUNNING,
    "paused": _AT_REST,
    "interrupted": _AT_REST,
    "failed": ("resume", "step", "checkpoint", "restore", "fork", "look"),
    "cancelled": ("resume", "checkpoint", "restore", "fork", "look"),
    "succeeded": ("checkpoint", "restore", "fork", "look"),
}
_BAR: Final = {"completed": "done", "failed": "failed"}
WORDS: Final = {
    "running": "Running",
    "pausing": "Pausing",
    "paused": "Paused",
    "asking": "Asks you",
    "failed": "Failed",
    "succeeded": "Done",
    "cancelled": "Stopped",
    "interrupted": "Interrupted",
    "drawn": "Drawn",
}


@dataclass(frozen=True)
class Caption:
    """What stands around a run, and no event tells.

    Parameters
    ----------
    name, session : str
        The variable and the id of the session.
    handle : str
        What it is called after ``%mars``.
    place : str
        Where the session is kept; empty if only in memory.
    model : str
        Which model speaks.
    status : str
        Where the run stands as the notebook knows it.
    """

    name: str
    session: str = ""
    handle: str = ""
    place: str = ""
    model: str = ""
    status: str = "running"


def scene(history: History, onlooker: Onlooker, stage: Stage, caption: Caption, *, at: float) -> dict[str, Any]:
    """Give what a live view shows.

    Parameters
    ----------
    history : History
        What happened.
    onlooker : Onlooker
        Who was shown the same events.
    stage : Stage
        The topology, laid out.
    caption : Caption
        What stands around.
    at : float
        When it is looked at, in seconds since 1970 (UTC).

    Returns
    -------
    dict
        JSON without nulls.
    """
    state = history.state
    status = status_of(state, caption.status)
    shown = _headed(caption, status) | {
        "line": _line(state, is_at_rest="resume" in _CONTROLS[status]),
        "cost": dollars(cost_usd(state.steps)),
        "clock": {"s": onlooker.worked_s(at), "runs": onlooker.is_at_work},
        "seq": onlooker.seq,
        "controls": list(_controls(status, caption.status)),
        "nodes": stage.boxes(nodes.node_views(history, caption.status)),
        "turns": stage.turns(nodes.turns(state)),
        "spoken": _spoken(state, status, is_at_work=onlooker.is_at_work),
        "bars": _bars(history, onlooker),
        "n_lanes": min(onlooker.n_lanes, N_LANES),
        "hidden_bars": max(0, len(state.steps) - N_BARS),
        "marks": {str(i): [name, seq] for i, (name, seq) in enumerate(onlooker.marks.items())},
        "speaker": _speaker(onlooker),
        "banner": banner_of(history, onlooker, status, caption.handle, at=at),
    }
    return {key: value for key, value in shown.items() if value is not None}


def drawn_scene(stage: Stage, caption: Caption) -> dict[str, Any]:
    """Give what a live view shows of a run before its first event."""
    return _headed(caption, caption.status) | {
        "line": "",
        "cost": "",
        "clock": {"s": 0.0, "runs": False},
        "seq": 0,
        "controls": list(_CONTROLS["running"]) if caption.status == "running" else [],
        "nodes": {},
        "turns": stage.turns({}),
        "spoken": "",
        "bars": {},
        "n_lanes": 0,
        "hidden_bars": 0,
        "marks": {},
    }


def _headed(caption: Caption, status: str) -> dict[str, Any]:
    """Give the keys that a run has before anything happened, and keeps."""
    return {
        "name": caption.name,
        "session": caption.session,
        "place": caption.place,
        "model": caption.model,
        "status": status,
        "word": WORDS[status],
    }


def status_of(state: RunState, known: str) -> str:
    """Give where a run stands in one word.

    Parameters
    ----------
    state : RunState
        The fold of its events.
    known : str
        What the notebook knows besides: that it is running, or that its process died.
    """
    if state.status == "created":
        return known
    if state.questions and not state.n_in_flight and state.status in ("running", "paused"):
        return "asking"
    if state.status == "running":
        return "interrupted" if known == "interrupted" else "pausing" if state.is_pausing else "running"
    return state.status


def _controls(status: str, known: str) -> tuple[str, ...]:
    """Give what can be done; with a run that has come to rest, not before whoever ran it has put it down."""
    if known == "running":
        return _WHILE_RUNNING
    return _AT_REST if status == "asking" else _CONTROLS[status]


def _line(state: RunState, *, is_at_rest: bool) -> str:
    """Count steps, branches and tokens; in a run at rest nothing runs, and what did will be asked again."""
    counts = Counter(branch.state for branch in state.branches.values())
    if is_at_rest:
        counts[BranchState.READY] += counts.pop(BranchState.RUNNING, 0) + counts.pop(BranchState.RETRYING, 0)
    named = [(sum(counts[each] for each in states), word) for word, states in _COUNTED]
    branches = ", ".join(f"{n:,} {word}" for n, word in named if n)
    parts = [
        f"step {state.n_completed:,} (max {state.plan.rules.max_steps:,})",
        f"branches: {branches}" if branches else "",
        f"{short_number(state.n_tokens)} tokens" if state.n_tokens else "",
    ]
    return " · ".join(part for part in parts if part)


def _spoken(state: RunState, status: str, *, is_at_work: bool) -> str:
    running = sorted({step.agent for step in state.steps if is_at_work and step.status == "running"})
    who = f" {', '.join(running[:3])} running." if running and len(running) <= 3 else ""  # noqa: PLR2004
    who = who or (f" {len(running)} agents running." if running else "")
    return f"{WORDS[status]}, step {state.n_completed}.{who}"


def _bars(history: History, onlooker: Onlooker) -> dict[str, list[Any]]:
    """Give the bars of the newest steps; unlike `mars_nb.views.bars`, without reading the whole journal each time."""
    steps = history.state.steps
    first = max(0, len(steps) - N_BARS)
    asking = {branch.step_id for branch in history.state.questions}
    running = "running" if onlooker.is_at_work else "paused"
    return {
        str(i): _bar(step, history, onlooker, "asking" if step.step_id in asking else running)
        for i, step in enumerate(steps[first:], start=first)
    }


def _bar(step: StepTrace, history: History, onlooker: Onlooker, unfinished: str) -> list[Any]:
    """Give one bar: lane, begin and end (-1: it goes on) in seconds of work, state, agent and step."""
    at = history.journal.at
    lane = onlooker.lanes.get((step.branch_id, step.step), 0) % N_LANES
    began_s = onlooker.worked_s(at(step.began_seq))
    ends = step.ended_seq and step.status != "running"
    ended_s = onlooker.worked_s(at(step.ended_seq)) if ends else -1
    state = _BAR.get(step.status, unfinished)
    return [lane, began_s, ended_s, state, clean(step.agent), step.step_id]


def _speaker(onlooker: Onlooker) -> dict[str, Any] | None:
    speaker = onlooker.speaker
    if speaker is None:
        return None
    return {
        "agent": clean(speaker.agent),
        "step": f"{speaker.branch_id}#{speaker.step}",
        "since_s": onlooker.worked_s(speaker.began_at),
        "text": _end_of(as_text(speaker.said), is_live=speaker.is_live),
        "is_live": speaker.is_live and onlooker.is_at_work,
    }


def _end_of(text: str, *, is_live: bool) -> str:
    """Give the newest words of somebody who speaks, the first ones of somebody who has spoken."""
    words = " ".join(text.split())
    if len(words) <= SPOKEN_LENGTH:
        return words
    return f"…{words[-SPOKEN_LENGTH:]}" if is_live else f"{words[:SPOKEN_LENGTH]}…"
