"""Calls of tools: which tool a request is about, and with what it can be called.

A tool is called when the request or the instructions speak of it, and everything it requires stands in the text. Where
a choice is open and the text names several of the choices, it is called for each. Nothing is called twice with the same
arguments while one request is answered.

Examples
--------
>>> from mars_nb.agents.dialogue import ModelRequest, ToolSpec, UserSaid
>>> from mars_nb.agents.offline.brief import read
>>> region = {"type": "string", "enum": ["North", "South"]}
>>> sales = ToolSpec("sales", "Sales of a region.", {"properties": {"region": region}, "required": ["region"]})
>>> asked = UserSaid("How did the sales go in the north and in the south?")
>>> [call.arguments for call in calls(read(ModelRequest("", (asked,))), [sales])]
[{'region': 'North'}, {'region': 'South'}]
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mars_nb.agents.choosing import ROUTING
from mars_nb.agents.dialogue import ToolCall
from mars_nb.agents.offline.directives import NOTE, without_order
from mars_nb.agents.offline.evidence import Evidence
from mars_nb.agents.offline.filling import NOTHING, found
from mars_nb.agents.offline.schema import choices_of, properties, required, resolved
from mars_nb.agents.offline.words import listed, term_of, terms, word_set

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mars_nb.agents.dialogue import ToolSpec
    from mars_nb.agents.offline.brief import Brief

MOST_CALLS = 8
"""Calls in one response."""

MOST_ROUNDS = 3
"""How often calls are made for one request: a result never asks for more."""

_DESCRIBES = 2
"""Terms of the description that a text must share when it names the tool in no other way."""

_EMPTY_WORDS = frozenset(
    map(term_of, word_set("get fetch do run tool make set call function use give return value values data"))
)
_JOINTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+")


def calls(brief: Brief, tools: Sequence[ToolSpec]) -> tuple[ToolCall, ...]:
    """Give the tools to call now.

    Parameters
    ----------
    brief : Brief
        What is to be done, and what was called before.
    tools : sequence of ToolSpec
        What may be called; the ways to hand over are left alone.

    Returns
    -------
    tuple of ToolCall
        Empty when no tool fits, or everything was called.
    """
    done = [(call.name, call.arguments) for call in brief.calls]
    text = f"{brief.instructions}\n{brief.request}"
    working = [tool for tool in tools if tool.name not in ROUTING and is_meant(tool, text)]
    wanted = [(tool.name, arguments) for tool in working for arguments in _fillings(tool, brief)]
    new = [call for call in wanted if call not in done][:MOST_CALLS]
    named = (
        ToolCall(f"offline-{at}", name, arguments) for at, (name, arguments) in enumerate(new, start=len(done) + 1)
    )
    return tuple(named) if len(done) < MOST_CALLS * MOST_ROUNDS else ()


def lacking(brief: Brief, tools: Sequence[ToolSpec]) -> str:
    """Say which tool would fit, and what the request does not hold for it; nothing if there is none."""
    for tool in tools:
        if tool.name not in ROUTING and not brief.calls and is_meant(tool, f"{brief.instructions}\n{brief.request}"):
            absent = [repr(name) for name in required(tool.parameters) if _is_absent(tool, name, brief.request)]
            return (
                f"{NOTE} would call {tool.name}, but finds no {listed(absent, 'and no')} in the request."
                if absent
                else ""
            )
    return ""


def is_meant(tool: ToolSpec, text: str) -> bool:
    """Tell whether a text speaks of a tool: by a word of its name, or by two of its description and parameters."""
    known = frozenset(terms(text)) - _EMPTY_WORDS
    by_name = known.intersection(terms(_spaced(tool.name)))
    parameters = " ".join(map(_spaced, properties(tool.parameters)))
    by_description = known.intersection(terms(f"{tool.description} {parameters}"))
    return tool.name in text or bool(by_name) or len(by_description) >= _DESCRIBES


def _fillings(tool: ToolSpec, brief: Brief) -> list[dict[str, Any]]:
    """Give the arguments to call a tool with, from the first text that holds all that is required."""
    asked = " ".join(without_order(order) for order in brief.directives[:1])
    for text in (brief.request, brief.task, brief.instructions):
        filled = found({"type": "object", **tool.parameters}, text, asked=asked or text.strip())
        if filled is not NOTHING and isinstance(filled, dict):
            return list(_for_each_choice(tool, filled, text))
    return []


def _for_each_choice(tool: ToolSpec, filled: dict[str, Any], text: str) -> Iterable[dict[str, Any]]:
    """Give one set of arguments, or one for each choice that the text names of the only parameter with choices."""
    schemas = {name: resolved(each, tool.parameters) for name, each in properties(tool.parameters).items()}
    open_ones = [name for name in required(tool.parameters) if len(choices_of(schemas.get(name, {}))) > 1]
    if len(open_ones) != 1:
        return [filled]
    mentioned = Evidence(text).mentioned(choices_of(schemas[open_ones[0]]))
    return [{**filled, open_ones[0]: each} for each in mentioned] or [filled]


def _is_absent(tool: ToolSpec, name: str, text: str) -> bool:
    only = {**tool.parameters, "type": "object", "required": [name]}
    return found(only, text) is NOTHING


def _spaced(name: str) -> str:
    return _JOINTS.sub(" ", name)
