"""What a model is told: who it is, what was said before, what it is asked now.

All of it is made anew from what is recorded, so a step that goes on after a crash tells the model the same as before.
How each paragraph opens has a name here, since the offline model finds the paragraphs by their openings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mars_nb.agents.approvals import approved
from mars_nb.agents.dialogue import ModelSaid, ToolSaid, UserSaid
from mars_nb.agents.replies import as_text, headed
from mars_nb.events import (
    ApprovalAsked,
    ModelResponded,
    QuestionAnswered,
    StepCorrected,
    ToolReturned,
    ToolStarted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mars_nb.actions import Choices
    from mars_nb.agents.agent import Agent
    from mars_nb.agents.context import Message, StepContext
    from mars_nb.agents.dialogue import ToolCall, Turn
    from mars_nb.events import Event

LONGEST_VALUE = 20_000
"""Most characters of a value of ``context=`` that a model is told."""

PEOPLE = "You work with:"
ONWARD = "What you reply as plain text goes to "
TASK = "The task of the whole team: "
GIVEN = "What is given:"
FORM = "Answer with JSON that fits this schema"
ABSENT = "These could not contribute:"
REFUSED = "This is not possible: "

_HIDDEN = frozenset({"session_id"})


def instructions(
    agent: Agent, context: StepContext, people: Mapping[str, str], choices: Choices, output: dict[str, Any] | None
) -> str:
    """Give what the model is told before anything else."""
    parts = [
        agent.instructions,
        f"You are {agent.name}." + (f" {agent.description}" if agent.description and not agent.instructions else ""),
        _others(context.neighbours, people),
        _onward(choices),
        f"{TASK}{as_text(context.task)}" if context.task is not None else "",
        _values(context),
        f"{FORM}, and nothing else: {json.dumps(output)}" if output else "",
    ]
    return "\n\n".join(part for part in parts if part)


def opening(request: Any, context: StepContext, people: Mapping[str, str]) -> list[Turn]:
    """Give the turns before the model first speaks in this step: its memory, and what it is asked now."""
    asked = rendered(request, people)
    lost = "\n".join(f"- {each['agent']}: {each['error']}" for each in context.failures)
    asked += f"\n\n{ABSENT}\n{lost}" if lost else ""
    return [*(_remembered(each, people) for each in context.memory), UserSaid(asked)]


def rendered(content: Any, people: Mapping[str, str]) -> str:
    """Give content as text; what several agents contributed has a heading for each of them."""
    if isinstance(content, Mapping) and content and all(_giver(key) in people for key in content):
        return headed(content)
    return as_text(content)


def _giver(key: str) -> str:
    name, _, number = key.rpartition("#")
    return name if name and number.isdigit() else key


def _remembered(message: Message, people: Mapping[str, str]) -> Turn:
    text = rendered(message["content"], people)
    return ModelSaid(text) if message["role"] == "assistant" else UserSaid(text)


def _others(names: Iterable[str], people: Mapping[str, str]) -> str:
    lines = [f"- {name}: {people[name]}" for name in names if people.get(name)]
    return "\n".join([PEOPLE, *lines]) if lines else ""


def _onward(choices: Choices) -> str:
    others = [name for name in choices.onward if name not in ("User", "End")]
    if others:
        return f"{ONWARD}{', '.join(others)}."
    return ""


def _values(context: StepContext) -> str:
    shown = [f"{key}: {_cut(as_text(each))}" for key, each in context.items() if key not in _HIDDEN]
    return "\n".join([GIVEN, *shown]) if shown else ""


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}... ({len(text):,} characters)"


def refusal(reason: str) -> str:
    """Say why a reply was not possible, and ask for another one."""
    return f"{REFUSED}{reason}. Reply again."


class Standing(NamedTuple):
    """How far a step has come.

    Parameters
    ----------
    turns : list of Turn
        What was said in it.
    said : ModelSaid or None
        The last response, of which something is still to be done; None when the model is to be asked.
    open_calls : dict of str to ToolCall
        Its calls without a result, by id; one that began is the call that a person made of it.
    started : set of str
        Calls that began, and of which nobody knows whether they were made.
    answers : dict of str to str
        What a person said about a call.
    """

    turns: list[Turn]
    said: ModelSaid | None
    open_calls: dict[str, ToolCall]
    started: set[str]
    answers: dict[str, str]


def standing(record: Sequence[Event]) -> Standing:
    """Read the record of a step."""
    turns: list[Turn] = []
    said: ModelSaid | None = None
    calls: dict[str, ToolCall] = {}
    started: set[str] = set()
    answers: dict[str, str] = {}
    asked = ""
    for event in record:
        match event:
            case ModelResponded():
                said = ModelSaid(event.text, event.calls)
                calls = {call.id: call for call in event.calls}
                turns.append(said)
            case StepCorrected():
                turns += _corrected(event.correction, calls)
                said, calls = None, {}
            case ToolStarted():
                started.add(event.call_id)
                if event.call_id in answers and event.call_id in calls:
                    calls[event.call_id] = approved(calls[event.call_id], answers.pop(event.call_id))
            case ToolReturned():
                turns.append(ToolSaid(event.call_id, event.name, event.content, event.is_error))
                calls.pop(event.call_id, None)
                said = said if calls else None
            case ApprovalAsked():
                asked = event.call_id
            case QuestionAnswered():
                answers[asked] = event.answer
            case _:
                pass
    return Standing(turns, said, calls, started, answers)


def _corrected(correction: str, calls: Mapping[str, ToolCall]) -> list[Turn]:
    """Tell what was wrong: as the result of the calls that asked for it, since each call needs one, else as a turn."""
    text = refusal(correction)
    if calls:
        return [ToolSaid(call.id, call.name, text, is_error=True) for call in calls.values()]
    return [UserSaid(text)]
