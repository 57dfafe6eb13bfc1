"""What a person sees who looks closer: at an agent, at an edge, at one step.

Each is a title, a few facts and the visits: what was asked, what was replied, how long it took. Texts are cut; the
tables of the run keep them whole.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mars_nb.agents.replies import as_text
from mars_nb.events import ModelResponded, ToolReturned
from mars_nb.topology.model import START, USER
from mars_nb.views.amounts import clock_text, cut
from mars_nb.views.labels import clean
from mars_nb.views.messages import TASK, receivers
from mars_nb.views.result import response_of
from mars_nb.views.waits import awaited, joins

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.engine.trace import StepTrace
    from mars_nb.views.history import History
    from mars_nb.views.stage import Stage

TEXT_LENGTH: Final = 2_000
"""Characters of each text that are shown."""
N_VISITS: Final = 50
"""Visits that are shown, the newest ones."""
_STATE: Final = {"completed": "done", "failed": "failed", "running": "running", "paused": "paused"}
_KILO: Final = 1_000
_MINUTE_S: Final = 60

Detail = dict[str, Any]


def node_detail(history: History, name: str, agents: Sequence[str] = ()) -> Detail:
    """Give what is known of a box: its visits, and of a single agent its memory and whom it waits for.

    Parameters
    ----------
    history : History
        What happened.
    name : str
        What stands in the box.
    agents : sequence of str
        Whom it stands for; default: the agent of that name.
    """
    agents = agents or (name,)
    steps = [step for step in history.state.steps if step.agent in agents]
    facts = [["visits", f"{len(steps):,}"], *_used(steps)]
    found: Detail = {"title": clean(name), "facts": facts, "visits": _visits(history, steps)}
    if len(agents) > 1:
        return found
    (agent,) = agents
    facts += _memory(history, agent)
    waiting = next((join for join in joins(history.state) if join.agent == agent), None)
    if waiting:
        arrived, missing = awaited(history.state, waiting)
        found["waits"] = {"arrived": [clean(each) for each in arrived], "awaited": [clean(each) for each in missing]}
    return found


def edge_detail(history: History, stage: Stage, source: str, target: str) -> Detail:
    """Give what went over an edge: the task, the replies of one that reached the other, in a conversation both ways.

    Parameters
    ----------
    history : History
        What happened.
    stage : Stage
        The picture with the edge.
    source, target : str
        What stands in the boxes that it links.
    """
    is_talk = stage.is_talk(source, target)
    ends = [({*stage.agents(source)}, {*stage.agents(target)})]
    ends += [(there, here) for here, there in ends if is_talk]
    reached = receivers(history)
    steps = [step for step in history.state.steps if _went(step, reached, ends)]
    has_task = any(here & {USER, START} and there & reached.get(TASK, set()) for here, there in ends)
    task = [{"title": "task", "state": "done", "parts": [["task", _cut(history.state.task)]]}] if has_task else []
    title = f"{clean(source)} {'↔' if is_talk else '→'} {clean(target)}"
    facts = [["messages", f"{len(task) + len(steps):,}"]]
    return {"title": title, "facts": facts, "visits": task + _visits(history, steps)}


def _went(step: StepTrace, reached: Mapping[str, set[str]], ends: Sequence[tuple[set[str], set[str]]]) -> bool:
    """Tell whether a step replied from one end to the other."""
    to = reached.get(step.step_id, set()) if step.status == "completed" else set()
    return any(step.agent in here and there & to for here, there in ends)


def step_detail(history: History, step_id: str) -> Detail | None:
    """Give what is known of a step; None if there is none of this id."""
    steps = [step for step in history.state.steps if step.step_id == step_id]
    if not steps:
        return None
    return {"title": f"{clean(steps[0].agent)} · {clean(step_id)}", "facts": [], "visits": _visits(history, steps)}


def _used(steps: list[StepTrace]) -> list[list[str]]:
    n_tokens = sum(step.n_input_tokens + step.n_output_tokens for step in steps)
    costs = [step.cost_usd for step in steps]
    known = sum(cost for cost in costs if cost is not None)
    if not n_tokens and not known:
        return []
    cost = "unknown" if None in costs else f"${known:.4f}"
    return [["tokens", f"{n_tokens:,}"], ["cost", cost]]


def _memory(history: History, agent: str) -> list[list[str]]:
    """Give how much an agent remembers, in the branch where it remembers most."""
    links = [branch.memory[agent] for branch in history.state.branches.values() if agent in branch.memory]
    if not links:
        return []
    messages = max(links, key=lambda link: link.length).messages()
    n_bytes = len(json.dumps(messages, default=as_text, ensure_ascii=False).encode(errors="replace"))
    return [["memory", f"{len(messages)} messages, {n_bytes / _KILO:.1f} kB"]]


def _visits(history: History, steps: Iterable[StepTrace]) -> list[Detail]:
    return [_visit(history, step) for step in list(steps)[-N_VISITS:]]


def _visit(history: History, step: StepTrace) -> Detail:
    at = history.journal.at
    price = f" · ${step.cost_usd:.4f}" if step.n_responses and step.cost_usd is not None else ""
    took = f" · {_duration(at(step.ended_seq) - at(step.began_seq))}" if step.ended_seq else ""
    tries = f" · attempt {step.attempt}" if step.attempt > 1 else ""
    status = "paused" if step.status == "running" and history.state.status != "running" else step.status
    parts = [["request", _cut(step.request)]]
    parts += [["tools", _cut(text)] for text in [_tools(step)] if text]
    if step.status == "completed":
        kind = f"reply ({type(step.action).__name__})" if step.action else "reply"
        parts.append([kind, _cut(response_of(step))])
    if step.error and step.status == "failed":
        parts.append(["error", _cut(step.error)])
    return {
        "title": f"{clean(step.agent)} · {clean(step.step_id)} · {status}{tries}{took}{price}",
        "state": _STATE[status],
        "parts": parts,
    }


def _tools(step: StepTrace) -> str:
    """Give the calls of tools within a step and what they gave, one a line."""
    results = {event.call_id: event.content for event in step.record if isinstance(event, ToolReturned)}
    calls = [call for event in step.record if isinstance(event, ModelResponded) for call in event.calls]
    return "\n".join(
        f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)}) → {results[call.id]}"
        for call in calls
        if call.id in results
    )


def _duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < _MINUTE_S else clock_text(seconds)


def _cut(content: Any) -> str:
    return cut(as_text(content), TEXT_LENGTH)
