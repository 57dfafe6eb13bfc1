"""Moves: what the offline model does in the topology with what it has to say.

Most replies are plain text, and the drawing decides where they go. A move is made only where something speaks for it:
the instructions ask for all neighbours, or to choose one; what was asked for has come back; a text is approved and the
conversation about it is over; a person is to be asked. No move names anybody whom the tools do not allow.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from mars_nb.agents.choosing import ANSWER, ASK_USER, END, HAND_OVER, IN_PARALLEL, ROUTING
from mars_nb.agents.dialogue import ToolCall
from mars_nb.agents.offline.brief import CONFIRM, is_question
from mars_nb.agents.offline.plan import named_in, plan, request_for
from mars_nb.agents.offline.report import report
from mars_nb.agents.offline.review import review
from mars_nb.agents.offline.roles import UNABLE
from mars_nb.agents.offline.routing import Target, asked_together, clearly_best, targets_of
from mars_nb.agents.offline.summary import inability, summary, title
from mars_nb.agents.offline.words import keywords, listed, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.agents.dialogue import ToolSpec
    from mars_nb.agents.offline.brief import Brief
    from mars_nb.agents.offline.preface import Preface

_CHOOSES = re.compile(
    r"\b(?:choose|pick|select|whoever|who fits|fits best|one of|the right|the best|hands? over|pass it|delegate to)\b",
    re.IGNORECASE,
)
_ASKS_PERSON = re.compile(
    r"\bask (?:the )?(?:user|person|human|reader|student|teacher|client|customer|me)\b|\bconfirm with\b|\bapproval\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[\"“„«]([^\"“”„«»]{3,200}\?)[\"”“»]")
_HANDS_TO = r"\b(?:hand|hands|pass|give|send|go|goes|delegate|route)\b[^.;\n]{{0,40}}\bto (?:the )?{name}\b"


class Reply(NamedTuple):
    """What the offline model says, and the tools it calls."""

    text: str
    calls: tuple[ToolCall, ...] = ()


class Ways(NamedTuple):
    """Where a reply may go: the routing tools there are, and whom they allow."""

    tools: frozenset[str]
    one_of: tuple[Target, ...]
    together: tuple[Target, ...]
    onward: tuple[Target, ...]

    @property
    def agents(self) -> tuple[Target, ...]:
        """Give everybody who may be named, each once."""
        return tuple({target.name: target for target in (*self.one_of, *self.together)}.values())


def ways_of(tools: Sequence[ToolSpec], preface: Preface) -> Ways:
    """Read where a reply may go from the tools of a request, and where plain text goes from its preface."""
    targets = targets_of(tools, preface.instructions)
    names = frozenset(tool.name for tool in tools) & ROUTING
    onward = tuple(Target(name, preface.people.get(name, "")) for name in preface.onward)
    return Ways(names, tuple(targets.get(HAND_OVER, ())), tuple(targets.get(IN_PARALLEL, ())), onward)


def moved(brief: Brief, ways: Ways) -> Reply:
    """Do the work of the role, and make the move that something speaks for.

    Parameters
    ----------
    brief : Brief
        What is to be done.
    ways : Ways
        Where the reply may go.

    Returns
    -------
    Reply
        Without calls, the drawing decides.
    """
    if brief.is_refused:
        ways = Ways(frozenset(), (), (), ways.onward)
    if question := _question(brief, ways):
        return Reply(question, (_call(brief, ASK_USER, question=question),))
    if brief.role == "reviewer":
        return _reviewed(brief, ways)
    if brief.role in ("planner", "router", "helper") and brief.earlier_replies and _is_bringing_together(brief):
        return _brought_together(brief, ways)
    if brief.role != "writer" and brief.earlier_replies and ANSWER in ways.tools and _came_back(brief, ways):
        return Reply(brief.request, (_call(brief, ANSWER, content=brief.request),))
    return _together(brief, ways) or _handed_over(brief, ways) or Reply(_said(brief, ways))


def _said(brief: Brief, ways: Ways) -> str:
    """Do the work of the role."""
    match brief.role:
        case "planner":
            known = ways.onward or ways.agents or tuple(Target(name) for name in named_in(brief.instructions))
            return plan(brief, known)
        case "writer":
            return report(brief)
        case "router" if brief.request.strip():
            return brief.request
        case role if role in UNABLE:
            return inability(brief)
        case _:
            return summary(brief)


# -------------------------------------------------------------------------------------------------------------- moves


def _together(brief: Brief, ways: Ways) -> Reply | None:
    """Ask several at once, where the instructions say so."""
    asked = asked_together(brief.request, brief.instructions, ways.together) if brief.role != "writer" else []
    if not asked or not brief.request.strip():
        return None
    requests = [{"agent": each.name, "request": request_for(each, brief, asked)} for each in asked]
    return Reply(plan(brief, asked), (_call(brief, IN_PARALLEL, requests=requests),))


def _handed_over(brief: Brief, ways: Ways) -> Reply | None:
    """Hand over to the one whom the instructions name, or who fits clearly best where one is to be chosen."""
    named = [each for each in ways.one_of if _is_sent_to(each, brief.instructions)]
    if len(named) == 1 and (said := _said(brief, ways)).strip():
        return Reply(said, (_call(brief, HAND_OVER, agent=named[0].name, request=said),))
    if len(ways.one_of) < 2 or not (brief.role == "router" or _CHOOSES.search(brief.instructions)):  # noqa: PLR2004
        return None
    best = clearly_best(brief.request, ways.one_of)
    if best is None:
        return None
    return Reply(_reason(best, brief.request), (_call(brief, HAND_OVER, agent=best.name, request=brief.request),))


def _reviewed(brief: Brief, ways: Ways) -> Reply:
    """Ask for changes, or approve and let the text go on; what nobody could change goes on with what is open."""
    verdict, draft = review(brief, is_last=_is_last(brief, ways)), brief.request
    if not verdict.is_approved:
        return Reply(verdict.text)
    for tool in (END, ANSWER):
        if tool in ways.tools and draft.strip() and (tool == END or not ways.agents):
            return Reply(verdict.text, (_call(brief, tool, content=draft),))
    return Reply(f"{verdict.text}\n\n{draft}".strip())


def _is_last(brief: Brief, ways: Ways) -> bool:
    """Tell whether nobody gets the reply who could change the text: it would be delivered with the remarks instead."""
    if not ways.tools or ways.onward:
        return False
    return bool(brief.preface.name) or (not ways.agents and END not in ways.tools)


def _brought_together(brief: Brief, ways: Ways) -> Reply:
    """Make a report of what came back, for one who was not asked yet, else as the answer."""
    text = report(brief)
    asked = {source.name.partition("#")[0] for source in brief.sources} | _named_before(brief)
    new = [target for target in ways.one_of if target.name not in asked]
    if len(new) == 1:
        return Reply(text, (_call(brief, HAND_OVER, agent=new[0].name, request=text),))
    if not new and ANSWER in ways.tools:
        return Reply(text, (_call(brief, ANSWER, content=text),))
    return Reply(text)


def _is_bringing_together(brief: Brief) -> bool:
    return any(source.name for source in brief.sources) and not brief.calls


def _came_back(brief: Brief, ways: Ways) -> bool:
    """Tell whether the request is the reply of the one who was handed the work: it is not handed over again.

    Who chooses hands a request over as it is, and gives what comes back as it is, so of two such replies in a row the
    second one was the answer.
    """
    if any(_is_sent_to(each, brief.instructions) for each in ways.one_of):
        return True
    if not (brief.role == "router" or _CHOOSES.search(brief.instructions)):
        return False
    exchanges = zip(reversed(brief.earlier_requests), reversed(brief.earlier_replies), strict=False)
    handed_on = takewhile(lambda exchange: exchange[0] == exchange[1], exchanges)
    return sum(1 for _ in handed_on) % 2 == 1


def _named_before(brief: Brief) -> set[str]:
    every = [call.arguments for call in brief.earlier_calls]
    several = [each for arguments in every for each in arguments.get("requests", ()) if isinstance(each, dict)]
    return {str(arguments["agent"]) for arguments in (*every, *several) if "agent" in arguments}


def _question(brief: Brief, ways: Ways) -> str:
    """Give what a person is to be asked, once."""
    if ASK_USER not in ways.tools or not _ASKS_PERSON.search(brief.instructions):
        return ""
    if any(is_question(reply, brief.instructions) for reply in brief.earlier_replies):
        return ""
    quoted = _QUESTION.search(brief.instructions)
    return quoted[1] if quoted else f'{CONFIRM} "{title(brief) or "no more"}"?'


def _is_sent_to(target: Target, instructions: str) -> bool:
    return bool(re.search(_HANDS_TO.format(name=re.escape(target.name)), instructions, re.IGNORECASE))


def _reason(target: Target, request: str) -> str:
    """Say why somebody was chosen: by the words that were shared."""
    known = frozenset(target.terms)
    said = [word for word in keywords(request, 50) if known.intersection(terms(word))][:3]
    return f"This is for {target.name}: it speaks of {listed(said)}." if said else f"This is for {target.name}."


def _call(brief: Brief, name: str, **arguments: Any) -> ToolCall:
    return ToolCall(f"offline-{len(brief.calls) + 1}", name, arguments)
