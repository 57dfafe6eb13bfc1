"""Routing as a choice: whom an agent may turn to becomes tools that a model calls.

The tools hold only what the topology and the remaining turns allow at this point of the run; a model that asks for
anything else is told what it may ask for. Plain text needs none of them: it goes where the topology says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.actions import AskUser, EndConversation, Final, Invoke, Parallel
from mars_nb.agents.dialogue import ToolSpec
from mars_nb.errors import ReplyError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mars_nb.actions import Action, Choices
    from mars_nb.agents.dialogue import ToolCall

HAND_OVER = "hand_over_to"
IN_PARALLEL = "ask_in_parallel"
ANSWER = "answer"
ASK_USER = "ask_user"
END = "end_conversation"

ROUTING = frozenset({HAND_OVER, IN_PARALLEL, ANSWER, ASK_USER, END})
"""Names of the tools that say where a reply goes."""

_TEXT = {"type": "string"}


def routing_tools(choices: Choices, people: Mapping[str, str], output: dict[str, Any] | None) -> list[ToolSpec]:
    """Give the ways that are open now as tools.

    Parameters
    ----------
    choices : Choices
        What a reply may ask for.
    people : mapping of str to str
        Descriptions, by name.
    output : dict or None
        JSON schema of an answer, where it is no plain text.
    """
    found = []
    if choices.targets:
        who = {"type": "string", "enum": list(choices.targets), "description": _who(choices.targets, people)}
        told = "Hand over to one of the others; only your request travels, so say all that is needed."
        found.append(_spec(HAND_OVER, told, agent=who, request=_TEXT))
    if choices.together:
        told = "Ask several of the others at the same time, each with a request of its own."
        found.append(_spec(IN_PARALLEL, told, requests=_requests(choices.together, people)))
    if choices.can_answer:
        found.append(_spec(ANSWER, "Give the final answer to whoever asked.", content=output or _TEXT))
    if choices.can_ask_user:
        found.append(_spec(ASK_USER, "Ask a person, and wait for the reply.", question=_TEXT))
    if choices.can_end:
        told = "Leave the conversation; the content goes on without the partner."
        found.append(_spec(END, told, content=output or _TEXT))
    return found


def chosen(call: ToolCall, choices: Choices) -> Action:
    """Give the action that a call of a routing tool asks for.

    Raises
    ------
    ReplyError
        When it is not open now, or its arguments do not fit.
    """
    if call.malformed:
        raise ReplyError(f"the arguments of {call.name!r} are no JSON object")
    open_now = [spec.name for spec in routing_tools(choices, {}, None)]
    if call.name not in open_now:
        raise ReplyError(f"{call.name!r} is not possible now; {_possible(open_now)}", allowed=choices.targets)
    match call.name:
        case "hand_over_to":
            return Invoke(_agent(call, call.arguments, choices.targets), _given(call, "request"))
        case "ask_in_parallel":
            return Parallel([_target(call, each, choices.together) for each in _list(call)])
        case "answer":
            return Final(_given(call, "content"))
        case "ask_user":
            return AskUser(str(_given(call, "question")))
        case _:
            return EndConversation(_given(call, "content"))


def _spec(name: str, description: str, **fields: dict[str, Any]) -> ToolSpec:
    """Give a tool; what a field's schema refers to (``#/$defs/…``) is looked for at the top, so it is moved there."""
    defined: dict[str, Any] = {}
    for each in fields.values():
        defined |= each.get("$defs", {})
    plain = {key: {name: part for name, part in each.items() if name != "$defs"} for key, each in fields.items()}
    schema = {"type": "object", "properties": plain, "required": list(plain), "additionalProperties": False}
    return ToolSpec(name, description, schema | ({"$defs": defined} if defined else {}))


def _requests(names: tuple[str, ...], people: Mapping[str, str]) -> dict[str, Any]:
    who = {"type": "string", "enum": list(names), "description": _who(names, people)}
    one = {"agent": who, "request": _TEXT}
    item = {"type": "object", "properties": one, "required": list(one), "additionalProperties": False}
    return {"type": "array", "minItems": 1, "items": item}


def _who(names: Iterable[str], people: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {people[name]}" for name in names if people.get(name)) or "who is asked"


def _possible(names: list[str]) -> str:
    return f"possible are {', '.join(names)}, or plain text" if names else "reply with plain text"


def _agent(call: ToolCall, arguments: Mapping[str, Any], names: tuple[str, ...]) -> str:
    agent = arguments.get("agent")
    if agent in names:
        return str(agent)
    hint = did_you_mean(str(agent), names)
    raise ReplyError(
        f"{call.name!r} to {agent!r:.80} is not possible{hint}; expected {' or '.join(names)}", allowed=names
    )


def _given(call: ToolCall, name: str, arguments: Mapping[str, Any] | None = None) -> Any:
    given = (call.arguments if arguments is None else arguments).get(name)
    if given is None or (isinstance(given, str) and not given.strip()):
        raise ReplyError(f"{call.name!r} needs {name!r}, and it is empty or missing")
    return given


def _list(call: ToolCall) -> list[Any]:
    given = _given(call, "requests")
    if isinstance(given, list) and given:
        return given
    raise ReplyError(f"{call.name!r} needs 'requests': a list of objects with 'agent' and 'request'")


def _target(call: ToolCall, given: Any, names: tuple[str, ...]) -> tuple[str, Any]:
    if not isinstance(given, dict):
        raise ReplyError(f"{call.name!r} needs objects with 'agent' and 'request' in 'requests'")
    return _agent(call, given, names), _given(call, "request", given)
