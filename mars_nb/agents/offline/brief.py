"""A brief: what the offline model is to do, read from a request.

A person tells at a glance which sentences of a message are the job and which the material to do it with. Here they are
told apart by how they begin: a sentence that opens with a verb that orders, or ends with a question mark, is a
*directive*, everything else a *fact*. Contributions of several agents stand below headings, and results of tools join
them: each is a *source* of facts.

Examples
--------
>>> brief = read(ModelRequest("You are a writer. Use two sentences.", (UserSaid("Describe tides. They turn twice."),)))
>>> brief.role, brief.directives, brief.sources, brief.length.n_sentences
('writer', ('Describe tides.',), (Source(name='', facts=('They turn twice.',)),), 2)
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mars_nb.agents.dialogue import ModelRequest, ModelSaid, ToolCall, ToolSaid, UserSaid
from mars_nb.agents.offline.roles import Role, role_of
from mars_nb.agents.offline.words import sentences, term_of, terms, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.agents.dialogue import Turn

__all__ = ["Brief", "Length", "ModelRequest", "Source", "UserSaid", "read"]

NOTE = "The offline model"
"""Every sentence by which the offline model speaks of itself begins so, and is no fact for others."""

LONGEST_DIRECTIVE_WORDS = 45

_ORDERS = frozenset(
    "add advise analyse analyze answer ask bake buy cook deploy implement install invite learn publish schedule sell "
    "teach visit  assess assign book break bring build calculate check choose collect combine "
    "compare complete compose compute conclude consider convert cover create criticise debate decide define delegate "
    "describe design detail develop discuss divide draft draw edit estimate evaluate examine explain explore extract "
    "figure fill find fix focus gather generate get give go group help identify improve include investigate judge keep "
    "let list look make mention merge name note organise organize outline pick plan prepare propose prove provide put "
    "rank read recommend report research review revise rewrite route say search select send shorten show sketch solve "
    "sort split state study suggest sum summarise summarize take talk tell test think translate try turn use verify "
    "weigh work write "
    "beschreibe erkläre fasse finde nenne prüfe schreibe suche übersetze vergleiche zähle "
    "compare décris explique résume traduis écris compara describe escribe explica resume traduce".split()
)
_ALSO_NOUNS = frozenset(
    "answer book cover debate design detail draft estimate figure focus group help judge look name note order outline plan "
    "research report review sketch sort split state study talk test turn use work".split()
)
"""Orders that are nouns as well: they order something only before a word such as "the", "how" or "on"."""

_AFTER_ORDERS = frozenset(
    "a about all an and any at both each every for from her his how in into it its me my on our out some that the their "
    "them this these to two up us what when where whether which who why with your".split()
)
_POLITE = frozenset(
    "please then now next first second finally also and bitte and let's can could would you i we".split()
)
_NUMBERS = {word: n for n, word in enumerate("zero one two three four five six seven eight nine ten twelve".split())}
_NUMBERS |= {"twelve": 12, "a": 1, "single": 1, "einem": 1, "zwei": 2, "drei": 3, "deux": 2, "trois": 3, "dos": 2}
_COUNT = "|".join([r"\d{1,4}", *_NUMBERS])
_LENGTH = re.compile(
    rf"\b(?P<n>{_COUNT})(?:[ -](?:short|key|brief|concise|numbered|simple|clear|main|bullet))*[ -]"
    r"(?P<unit>sentence|bullet|point|line|word|item|step|paragraph|satz|sätze|stichpunkt|wort|wörter|phrase|mot|frase)",
    re.IGNORECASE,
)
_LIST_UNITS = frozenset({"bullet", "point", "line", "item", "stichpunkt"})
_WORD_UNITS = frozenset({"word", "wort", "wörter", "mot"})
_BRIEFLY = re.compile(r"\b(?:brief|briefly|short|concise|concisely|kurz|bref|breve)\b", re.IGNORECASE)
_BULLETS = re.compile(r"\b(?:bullets?|bullet points?|stichpunkte?n?)\b", re.IGNORECASE)
_SEAM = re.compile(r"; |, (?:and |then |and then )?| and then | and |: ")
_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_LABEL = re.compile(r"^\s*(?:\d{1,2}[.)]\s*)?[\w .,#&-]{1,60}:\s+")
_TASK = re.compile(r"^\W*(?:the |your )?(?:\w+ )?task\b[^:.\n]{0,40}:\s*(.+)", re.IGNORECASE | re.MULTILINE)
_TEXT_OF_CALLS = ("content", "request", "question")
ASK_USER = "ask_user"
"""The tool by which a person is asked."""

SENTENCES_BY_DEFAULT = 3


class Length(NamedTuple):
    """How much was asked for: sentences, whether as bullets, and most words (0: not said)."""

    n_sentences: int
    is_list: bool
    n_words: int
    is_said: bool


class Source(NamedTuple):
    """Who said something (nobody in particular: the empty name), and the sentences."""

    name: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Brief:
    """What is to be done, with what, and what happened before.

    Attributes
    ----------
    instructions, request, task : str
        What the agent always is told, what it is asked now, and what the whole run is about, as far as that is known.
    role : Role
        What kind of work the instructions ask for.
    length : Length
        How much was asked for.
    directives : tuple of str
        The sentences of the request that say what to do.
    sources : tuple of Source
        The material.
    earlier_requests, earlier_replies : tuple of str
        What was asked and said before, oldest first.
    earlier_calls : tuple of ToolCall
        What was called before the request.
    calls : tuple of ToolCall
        What was called since the request.
    failures : tuple of str
        What went wrong with tools since the request.
    """

    instructions: str
    request: str
    task: str
    role: Role
    length: Length
    directives: tuple[str, ...]
    sources: tuple[Source, ...]
    earlier_requests: tuple[str, ...]
    earlier_replies: tuple[str, ...]
    earlier_calls: tuple[ToolCall, ...]
    calls: tuple[ToolCall, ...]
    failures: tuple[str, ...]

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
    before, asked, since = _parted(request.turns)
    asked = _with_what_was_unclear(before, asked)
    directives, sources = split_request(asked)
    instructions = _TASK.sub("", request.instructions)
    results = tuple(_result(turn, since) for turn in since if isinstance(turn, ToolSaid) and not turn.is_error)
    return Brief(
        instructions=instructions,
        request=asked,
        task=_task(request.instructions),
        role=role_of(instructions, " ".join(directives[:1])),
        length=length_of(" ".join([instructions, *directives])),
        directives=directives,
        sources=tuple(source for source in (*sources, *results) if source.facts),
        earlier_requests=tuple(turn.content for turn in before if isinstance(turn, UserSaid)),
        earlier_replies=tuple(_said(turn) for turn in before if isinstance(turn, ModelSaid) and _said(turn)),
        earlier_calls=_calls_in(before),
        calls=_calls_in(since),
        failures=tuple(
            f"{turn.name}: {turn.content}" for turn in since if isinstance(turn, ToolSaid) and turn.is_error
        ),
    )


def split_request(text: str) -> tuple[tuple[str, ...], tuple[Source, ...]]:
    """Tell the directives of a text from its sources of facts."""
    preamble, *sections = _HEADING.split(text)
    directives, facts = _told_apart(preamble)
    named = [
        Source(name, tuple(_facts(readable(body)))) for name, body in zip(sections[::2], sections[1::2], strict=True)
    ]
    return directives, tuple(source for source in (Source("", facts), *named) if source.facts)


def is_directive(sentence: str) -> bool:
    """Tell whether a sentence orders or asks.

    Examples
    --------
    >>> [is_directive(text) for text in ("Please compare both.", "1. North: Find prices.", "Why?")]
    [True, True, True]
    >>> [is_directive(text) for text in ("It rains.", "Research shows that sleep helps.")]
    [False, False]
    """
    if sentence.startswith(NOTE):
        return False
    bare = _LABEL.sub("", sentence, count=1)
    if bare.rstrip("\"'”» ").endswith(("?", "？")):
        return True
    opening = [word.casefold() for word in words(bare[:200])]
    first, second, *_ = [*(word for word in opening if word not in _POLITE), "", ""]
    orders = first in _ORDERS and (first not in _ALSO_NOUNS or second in _AFTER_ORDERS or not second)
    return orders and len(words(bare)) <= LONGEST_DIRECTIVE_WORDS


def clauses(sentence: str) -> list[str]:
    """Cut a directive where another order begins.

    Examples
    --------
    >>> clauses("Compare solar and wind power, and say which is cheaper.")
    ['Compare solar and wind power', 'Say which is cheaper']
    """
    parts: list[str] = []
    start = 0
    for seam in _SEAM.finditer(sentence):
        if is_directive(f"{sentence[seam.end() :]}.") and not sentence.rstrip().endswith("?"):
            parts.append(sentence[start : seam.start()])
            start = seam.end()
    bare = (part.strip().rstrip(".!;,") for part in (*parts, sentence[start:]))
    return [part[:1].upper() + part[1:] for part in bare if part]


def without_order(sentence: str) -> str:
    """Give what a directive is about: without the verb that orders, and the mark at its end.

    Examples
    --------
    >>> without_order("Please compare solar and wind power.")
    'solar and wind power'
    >>> without_order("How much is it?")
    'How much is it?'
    """
    bare = _LABEL.sub("", sentence, count=1).strip()
    opening, _, rest = bare.partition(" ")
    while rest and opening.casefold().strip(",") in _POLITE | _ORDERS:
        opening, _, rest = rest.partition(" ")
    return " ".join(f"{opening} {rest}".split()).rstrip(".!:;, ")


def length_of(text: str) -> Length:
    """Read how much was asked for.

    Examples
    --------
    >>> length_of("Answer in one sentence.").n_sentences, length_of("as five bullet points")[:2]
    (1, (5, True))
    """
    is_list = bool(_BULLETS.search(text))
    found = _LENGTH.search(text)
    if found is None:
        said = 2 if _BRIEFLY.search(text) else 0
        return Length(said or SENTENCES_BY_DEFAULT, is_list, 0, bool(said))
    n, unit = _number(found["n"]), found["unit"].casefold()
    if unit in _WORD_UNITS:
        return Length(max(1, n // 15), is_list, n, is_said=True)
    n_sentences = n * SENTENCES_BY_DEFAULT if unit == "paragraph" else n
    return Length(max(1, n_sentences), is_list or unit in _LIST_UNITS, 0, is_said=True)


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
    if subject := _held(brief.instructions, counts):
        return {term: float(counts[term]) for term in subject}
    details = next(
        filter(None, (_held(text, counts) for text in (*brief.directives[:1], " ".join(brief.directives)))), []
    )
    return {term: log(1 + len(brief.facts) / counts[term]) for term in details}


def _held(text: str, counts: Mapping[str, int]) -> list[str]:
    return [term for term in dict.fromkeys(terms(text)) if term in counts and term not in _COMMON]


def readable(text: str) -> str:
    """Give JSON as a person would say it; any other text as it is.

    Examples
    --------
    >>> readable('{"total": 415, "months": [1, 2]}')
    'total: 415, months: 1, 2.'
    """
    if not text.strip().startswith(("{", "[")):
        return text
    try:
        return f"{_spoken(msgspec.json.decode(text))}."
    except (msgspec.DecodeError, RecursionError):
        return text


# --------------------------------------------------------------------------------------------------------------- turns


def _parted(turns: Sequence[Turn]) -> tuple[Sequence[Turn], str, Sequence[Turn]]:
    """Part the turns at the last request: what was before, the request, and what happened since."""
    for at in range(len(turns) - 1, -1, -1):
        if isinstance(turn := turns[at], UserSaid):
            return turns[:at], turn.content, turns[at + 1 :]
    return (), "", turns


def _calls_in(turns: Sequence[Turn]) -> tuple[ToolCall, ...]:
    return tuple(call for turn in turns if isinstance(turn, ModelSaid) for call in turn.calls)


def _with_what_was_unclear(before: Sequence[Turn], asked: str) -> str:
    """Put an answer of the user behind the request that the question was about."""
    last = _calls_in(before)[-1:]
    if not last or last[0].name != ASK_USER:
        return asked
    unclear = [turn.content for turn in before if isinstance(turn, UserSaid)]
    return "\n\n".join([*unclear[-1:], asked])


def _said(turn: ModelSaid) -> str:
    """Give what a reply said, be it as text or inside an action."""
    inside = (call.arguments.get(key) for call in turn.calls for key in _TEXT_OF_CALLS)
    return turn.text or next((text for text in inside if isinstance(text, str) and text), "")


def _result(turn: ToolSaid, since: Iterable[Turn]) -> Source:
    calls = [call for each in since if isinstance(each, ModelSaid) for call in each.calls if call.id == turn.call_id]
    return Source(shown_call(calls[0]) if calls else turn.name, tuple(_facts(readable(turn.content))))


def shown_call(call: ToolCall) -> str:
    """Give a call as it is named in a reply: the tool and its short arguments."""
    shown = [str(value) for value in call.arguments.values() if isinstance(value, (str, int, float))]
    short = [value for value in shown if len(value) <= 40]  # noqa: PLR2004 (fits into a heading)
    return f"{call.name}({', '.join(short)})" if short else call.name


def _task(instructions: str) -> str:
    found = _TASK.search(instructions)
    return found[1].strip() if found else ""


# --------------------------------------------------------------------------------------------------------------- texts

_COMMON = frozenset(
    map(
        term_of,
        "agent answer assistant careful clear clearly concise expert find help helpful key language look material point "
        "question report reply request research researcher sentence short specialist student study summarise summarize "
        "summary task team text tool topic use word work write writer".split(),
    )
)


def _told_apart(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell directives and facts apart; an order with a colon is one before it, and material after it."""
    directives, facts = [], []
    for sentence in sentences(readable(text)):
        order, colon, rest = sentence.partition(": ")
        if colon and rest and is_directive(f"{order}.") and not is_directive(rest):
            directives.append(f"{order}.")
            facts.append(rest)
        else:
            (directives if is_directive(sentence) else facts).append(sentence)
    return tuple(directives), tuple(fact for fact in facts if not fact.startswith(NOTE))


def _facts(text: str) -> Iterable[str]:
    return (each for each in sentences(text) if not each.startswith(NOTE))


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS.get(text.casefold(), 1)


def _spoken(value: Any) -> str:
    match value:
        case dict():
            return _spoken_mapping(value)
        case list():
            return ", ".join(map(_spoken, value))
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _spoken_mapping(value: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}: {_spoken(each)}" for key, each in value.items())
