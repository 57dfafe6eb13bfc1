"""A brief: what the offline model is to do, read from a request.

A person tells at a glance what of a message is the job and what the material to do it with. So does a brief: it holds
what the instructions say about the work (its kind and its length), what the request orders, the facts by who said them,
results of tools among them, and what was said before.

Examples
--------
>>> from mars_nb.agents.dialogue import ModelRequest, UserSaid
>>> brief = read(ModelRequest("You are a writer. Use two sentences.", (UserSaid("Describe tides. They turn twice."),)))
>>> brief.role, brief.directives, brief.sources, brief.length.n_sentences
('writer', ('Describe tides.',), (Source(name='', facts=('They turn twice.',)),), 2)
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from mars_nb.agents.choosing import ROUTING
from mars_nb.agents.dialogue import ModelRequest, ModelSaid, ToolCall, ToolSaid, UserSaid
from mars_nb.agents.offline.length import Length, length_of
from mars_nb.agents.offline.preface import Preface, preface_of
from mars_nb.agents.offline.roles import Role, role_of
from mars_nb.agents.offline.sources import Source, facts_of, prose_of, readable, split_request
from mars_nb.agents.offline.words import term_of, terms, word_set
from mars_nb.agents.prompting import ABSENT, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.agents.dialogue import Turn

CONFIRM = "Is this what is wanted:"
"""How a question to a person begins that the instructions do not word."""

_TEXT_OF_CALLS = ("content", "request", "question")
_LONGEST_SHOWN = 40
_ABSENT = re.compile(rf"\n\n{re.escape(ABSENT)}\n(?P<lines>(?:- .*\n?)*)\Z")


@dataclass(frozen=True)
class Brief:
    """What is to be done, with what, and what happened before.

    Attributes
    ----------
    preface : Preface
        What the agent is told in any case.
    request : str
        What it is asked now.
    role : Role
        What kind of work is asked for.
    length : Length
        How much was asked for.
    directives : tuple of str
        The sentences of the request that say what to do.
    sources : tuple of Source
        The material.
    earlier_requests, earlier_replies : tuple of str
        What was asked and said before, oldest first.
    earlier_calls, calls : tuple of ToolCall
        What was called before the request, and since.
    failures : tuple of str
        What went wrong with tools since the request.
    absent : tuple of str
        Who could not contribute, and why.
    is_refused : bool
        A reply to this request was not possible.
    """

    preface: Preface
    request: str
    role: Role
    length: Length
    directives: tuple[str, ...]
    sources: tuple[Source, ...]
    earlier_requests: tuple[str, ...]
    earlier_replies: tuple[str, ...]
    earlier_calls: tuple[ToolCall, ...]
    calls: tuple[ToolCall, ...]
    failures: tuple[str, ...]
    absent: tuple[str, ...]
    is_refused: bool

    @property
    def instructions(self) -> str:
        """Give what the user wrote for the agent."""
        return self.preface.instructions

    @property
    def task(self) -> str:
        """Give what the whole run is about, if that is known."""
        return self.preface.task

    @property
    def facts(self) -> tuple[str, ...]:
        """Give the sentences of all sources."""
        return tuple(fact for source in self.sources for fact in source.facts)

    @property
    def goal(self) -> str:
        """Give what is wanted in the end: the task, else what the request or the first one orders."""
        first = self.earlier_requests[0] if self.earlier_requests else ""
        return self.task or " ".join(self.directives) or " ".join(split_request(first)[0])


def read(request: ModelRequest) -> Brief:
    """Read a request.

    Parameters
    ----------
    request : ModelRequest
        Any; an empty one gives an empty brief.

    Returns
    -------
    Brief
        What is to be done.
    """
    preface = preface_of(request.instructions)
    before, asked, since = _parted(request.turns)
    asked, absent = _without_absent(_with_what_was_unclear(preface, before, asked))
    directives, sources = split_request(asked)
    working = [turn for turn in since if isinstance(turn, ToolSaid) and turn.name not in ROUTING]
    results = [_result(turn, since) for turn in working if not turn.is_error]
    return Brief(
        preface=preface,
        request=asked,
        role=role_of(f"{preface.instructions}\n\n{_introduced(preface)}", " ".join(directives[:1])),
        length=length_of(" ".join([preface.instructions, *directives])),
        directives=directives,
        sources=tuple(source for source in (*sources, *results) if source.facts) or _otherwise(preface),
        earlier_requests=tuple(turn.content for turn in before if isinstance(turn, UserSaid)),
        earlier_replies=tuple(_said(turn) for turn in before if isinstance(turn, ModelSaid) and _said(turn)),
        earlier_calls=_calls_in(before),
        calls=_calls_in(since),
        failures=tuple(f"{turn.name}: {turn.content}" for turn in working if turn.is_error),
        absent=absent,
        is_refused=any(_is_refusal(turn) for turn in since),
    )


def focus_of(brief: Brief) -> dict[str, float]:
    """Give the terms that the material is searched for, with their weights.

    The instructions name a subject, and what the material says often is more of a subject; a question names a detail,
    and what the material says rarely is more of a detail.

    Parameters
    ----------
    brief : Brief
        What is to be done.

    Returns
    -------
    dict of str to float
        Those of the instructions if the material holds any, else those of the request; may be empty.
    """
    counts = Counter(term for fact in brief.facts for term in dict.fromkeys(terms(fact)))
    if subject := _held(f"{brief.instructions} {brief.preface.name}", counts):
        return {term: float(counts[term]) for term in subject}
    details = next(
        filter(None, (_held(text, counts) for text in (*brief.directives[:1], " ".join(brief.directives)))), []
    )
    return {term: log(1 + len(brief.facts) / counts[term]) for term in details}


def _held(text: str, counts: Mapping[str, int]) -> list[str]:
    return [term for term in dict.fromkeys(terms(text)) if term in counts and term not in _COMMON]


_COMMON = frozenset(
    map(
        term_of,
        word_set(
            "agent answer assistant careful clear clearly concise expert find help helpful key know language look "
            "material point question read reply report request research researcher sentence short specialist student "
            "study summarise summarize summary task team text tool topic use word work write writer"
        ),
    )
)
"""Terms of instructions that name no subject."""


# --------------------------------------------------------------------------------------------------------------- turns


def _parted(turns: Sequence[Turn]) -> tuple[Sequence[Turn], str, Sequence[Turn]]:
    """Part the turns at the last request: what was before, the request, and what happened since."""
    for at in range(len(turns) - 1, -1, -1):
        turn = turns[at]
        if isinstance(turn, UserSaid) and not _is_refusal(turn):
            return turns[:at], turn.content, turns[at + 1 :]
    return (), "", turns


def _is_refusal(turn: Turn) -> bool:
    """Tell whether a turn says that a reply was not possible; it is no request of its own."""
    if isinstance(turn, ToolSaid):
        return turn.is_error and turn.name in ROUTING
    return isinstance(turn, UserSaid) and turn.content.startswith(REFUSED)


def _calls_in(turns: Sequence[Turn]) -> tuple[ToolCall, ...]:
    return tuple(call for turn in turns if isinstance(turn, ModelSaid) for call in turn.calls)


def _with_what_was_unclear(preface: Preface, before: Sequence[Turn], asked: str) -> str:
    """Put an answer of a person behind the request that the question was about."""
    if not before or not isinstance(before[-1], ModelSaid) or not is_question(_said(before[-1]), preface.instructions):
        return asked
    unclear = [turn.content for turn in before if isinstance(turn, UserSaid)]
    return "\n\n".join([*unclear[-1:], asked])


def is_question(reply: str, instructions: str) -> bool:
    """Tell whether a reply was a question to a person: one that the instructions word, or ours."""
    return reply.startswith(CONFIRM) or (reply.endswith("?") and reply in instructions)


def _without_absent(asked: str) -> tuple[str, tuple[str, ...]]:
    """Take the list of those who could not contribute off a request."""
    found = _ABSENT.search(asked)
    if not found:
        return asked, ()
    return asked[: found.start()], tuple(line.removeprefix("- ") for line in found["lines"].splitlines())


def _otherwise(preface: Preface) -> tuple[Source, ...]:
    """Give the facts that came with the task and were given to the run, for who was told none."""
    facts = tuple(
        dict.fromkeys(
            [*(fact for source in split_request(preface.task)[1] for fact in source.facts), *prose_of(preface.given)]
        )
    )
    return (Source("", facts),) if facts else ()


def _introduced(preface: Preface) -> str:
    return f"You are {preface.name}." if preface.name else ""


def _said(turn: ModelSaid) -> str:
    """Give what a reply said, be it as text or inside an action."""
    inside = (call.arguments.get(key) for call in turn.calls for key in _TEXT_OF_CALLS)
    return turn.text or next((text for text in inside if isinstance(text, str) and text), "")


def _result(turn: ToolSaid, since: Iterable[Turn]) -> Source:
    calls = [call for each in since if isinstance(each, ModelSaid) for call in each.calls if call.id == turn.call_id]
    return Source(shown_call(calls[0]) if calls else turn.name, tuple(facts_of(readable(turn.content))))


def shown_call(call: ToolCall) -> str:
    """Give a call as it is named in a reply: the tool and its short arguments."""
    shown = [str(value) for value in call.arguments.values() if isinstance(value, (str, int, float))]
    short = [value for value in shown if len(value) <= _LONGEST_SHOWN]
    return f"{call.name}({', '.join(short)})" if short else call.name
