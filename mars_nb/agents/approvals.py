"""Approvals: a person says whether a tool may be called.

The question shows the call with its arguments. ``yes`` lets it be made as it is; a JSON object lets it be made with
these arguments instead; any other reply refuses, and the model hears why. Where nobody knows whether a call was made,
since the process died in the middle, ``done: RESULT`` tells that it was.

Examples
--------
>>> read("yes", {"n": 1}), read('{"n": 2}', {"n": 1}).arguments, read("no, too dear", {}).reason
(Verdict(arguments={'n': 1}, result=None, reason=''), {'n': 2}, 'too dear')
>>> read("I said no", {}).reason
'I said no'
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mars_nb.agents.replies import parsed

if TYPE_CHECKING:
    from mars_nb.agents.dialogue import ToolCall

_YES = frozenset({"y", "yes", "ok", "okay", "approve", "approved", "ja", "go"})
_NO = re.compile(r"(no|n|refuse|refused)\b[\s:,.;-]*", re.IGNORECASE)
_DONE = re.compile(r"done\b[\s:]*", re.IGNORECASE)
_LONGEST = 2_000


class ApprovalNeeded(Exception):
    """A person has to be asked before the step can go on.

    Parameters
    ----------
    call_id : str
        About which call.
    question : str
        What the person is asked.
    """

    def __init__(self, call_id: str, question: str) -> None:
        super().__init__(question)
        self.call_id = call_id
        self.question = question


class Verdict(NamedTuple):
    """What a person said: make the call with these arguments, take this as its result, or (``reason``) do not."""

    arguments: dict[str, Any] | None = None
    result: str | None = None
    reason: str = ""


def question(agent: str, call: ToolCall, *, is_in_doubt: bool = False, problem: str = "") -> str:
    """Give what a person is asked about a call."""
    shown = json.dumps(call.arguments, ensure_ascii=False)
    shown = shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "..."
    first = f"{problem}. " if problem else ""
    if is_in_doubt:
        return (
            f"{first}{agent} was calling {call.name}({shown}) when the run was broken off, so it may have happened. "
            "Reply 'done: RESULT' if it has, 'yes' to call it again, or why not."
        )
    return f"{first}{agent} wants to call {call.name}({shown}). Reply 'yes', other arguments as JSON, or why not."


def read(answer: str, arguments: dict[str, Any]) -> Verdict:
    """Read what a person replied about a call with these arguments."""
    text = answer.strip()
    if text.casefold().rstrip(".!") in _YES:
        return Verdict(arguments)
    if text.startswith("{") and (edited := _object(text)) is not None:
        return Verdict(edited)
    if found := _DONE.match(text):
        return Verdict(result=text[found.end() :] or "done")
    refusal = _NO.match(text)
    return Verdict(reason=(text[refusal.end() :] if refusal else text) or "no reason given")


def approved(call: ToolCall, answer: str) -> ToolCall:
    """Give a call as a person let it be made."""
    arguments = read(answer, call.arguments).arguments
    return call if arguments is None else msgspec.structs.replace(call, arguments=arguments)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = parsed(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
