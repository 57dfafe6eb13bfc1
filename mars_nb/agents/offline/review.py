"""Reviews: a text judged by what can be counted.

How long is it, which words of the task does it never mention, does it give a number where one was asked for, are its
sentences too long to read? Each finding is a change that a writer can make. A text without findings is approved, and on
the second look any is, with what is still open: two who work on a text must come to an end.

Examples
--------
>>> findings("Wind is strong here.", "Compare the cost of wind and solar power")
['Say more: 4 words are few, at least 25 are expected.',
 'Write about "cost", "solar" and "power": the task names them.',
 'Give a number: the task asks for one.']
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from mars_nb.agents.offline.directives import clauses, is_directive, without_order
from mars_nb.agents.offline.report import APPROVED, CHANGES, LONGEST_READABLE_WORDS, has_number
from mars_nb.agents.offline.sources import readable
from mars_nb.agents.offline.words import listed, sentences, term_of, terms, word_set, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mars_nb.agents.offline.brief import Brief

FEWEST_WORDS = 25
MOST_WORDS = 400
MOST_MISSING = 3
_LIMIT = re.compile(
    r"\b(?:at most|no more than|under|up to|max(?:imum)?(?: of)?|höchstens) (\d{1,5}) (?:words|wörter)", re.IGNORECASE
)
_WANTS_NUMBER = re.compile(
    r"\bhow (?:many|much|far|long|old|big|large|high|often|fast)\b|\bnumbers?\b|\bfigures?\b|\bcosts?\b|\bprices?\b|"
    r"\bcheap|\bpercent|\brates?\b|\bgrowth\b|\bstatistic|\bdata\b|\bwie ?viele?\b|\bkosten\b",
    re.IGNORECASE,
)
_MUST_NAME = re.compile(
    r"\b(?:mentions?|names?|contains?|includes?|covers?|addresses|says?|speaks? of)\b(?: the| a| an| something about)?"
    r"([^.;:\n]{2,80})",
    re.IGNORECASE,
)
_VAGUE = frozenset(
    map(
        term_of,
        word_set(
            "report summary text answer short brief word sentence paragraph point thing way good best better main key "
            "write compare task number figure team read draft review important most page title each example"
        ),
    )
)
_LEAST_LETTERS = 3


class Verdict(NamedTuple):
    """What a reviewer decided, and says."""

    is_approved: bool
    text: str


def review(brief: Brief, *, is_last: bool = False) -> Verdict:
    """Judge the text of the request.

    Parameters
    ----------
    brief : Brief
        What is to be done; what the reviewer said before tells whether this is the second look.
    is_last : bool
        Nobody is left who could change the text.

    Returns
    -------
    Verdict
        Approved, or changes as a numbered list.
    """
    draft = readable(brief.request)
    found = findings(draft, brief.task, brief.instructions)
    if found and not is_last and not _has_looked_before(brief):
        return Verdict(is_approved=False, text=f"{CHANGES}\n{_numbered(found)}")
    still_open = f" Still open, for a person to decide:\n{_numbered(found)}" if found else ""
    return Verdict(is_approved=True, text=f"{APPROVED} {counted(draft)}{still_open}")


def findings(draft: str, task: str, instructions: str = "") -> list[str]:
    """Find what can be told to be wrong with a text, as changes to make.

    Parameters
    ----------
    draft : str
        The text.
    task : str
        What it was to be about; may be empty.
    instructions : str
        What the reviewer is to heed: a limit of words, what must be named.

    Returns
    -------
    list of str
        One sentence each; empty when nothing was found.
    """
    return [
        *_length(draft, instructions),
        *_missing(draft, task, instructions),
        *_number(draft, task, instructions),
        *_long(draft),
    ]


def counted(draft: str) -> str:
    """Say what was counted in a text.

    Examples
    --------
    >>> counted("Tides turn 2 times a day. They are steady.")
    'Counted: 9 words, 2 sentences, 1 number.'
    """
    n_numbers = sum(has_number(word) for word in words(draft))
    parts = (_n(len(words(draft)), "word"), _n(len(sentences(draft)), "sentence"), _n(n_numbers, "number"))
    return f"Counted: {', '.join(parts)}."


# ----------------------------------------------------------------------------------------------------------- findings


def _length(draft: str, instructions: str) -> Iterator[str]:
    n, limit = len(words(draft)), _LIMIT.search(instructions)
    most = int(limit[1]) if limit else MOST_WORDS
    if n < min(FEWEST_WORDS, most // 2):
        yield f"Say more: {_n(n, 'word')} {'is' if n == 1 else 'are'} few, at least {FEWEST_WORDS} are expected."
    elif n > most:
        yield f"Shorten it: {n} words are more than the {most} allowed."


def _missing(draft: str, task: str, instructions: str) -> Iterator[str]:
    there = frozenset(terms(draft))
    for text, who in (
        (_about(task), "the task names"),
        (_to_be_named(instructions), "the reviewer's instructions name"),
    ):
        shown = {term_of(word): word for word in reversed(words(text)) if _is_telling(word)}
        absent = [f'"{word}"' for term, word in reversed(shown.items()) if term not in there][:MOST_MISSING]
        if absent:
            yield f"Write about {listed(absent)}: {who} {'them' if len(absent) > 1 else 'it'}."


def _number(draft: str, task: str, instructions: str) -> Iterator[str]:
    if not has_number(draft) and _WANTS_NUMBER.search(f"{task}\n{instructions}"):
        yield "Give a number: the task asks for one."


def _long(draft: str) -> Iterator[str]:
    for sentence in sentences(draft):
        n = len(words(sentence))
        if n > LONGEST_READABLE_WORDS:
            opening = " ".join(sentence.split()[:4]).replace('"', "")
            yield f'Split the sentence that begins "{opening}": it has {n} words.'
            return


def _about(task: str) -> str:
    """Give what the orders of a task are about; material that came with it is not asked for word by word."""
    orders = [clause for sentence in sentences(task) if is_directive(sentence) for clause in clauses(sentence)]
    return " ".join(map(without_order, orders)) or (without_order(task) if len(words(task)) <= FEWEST_WORDS else "")


def _to_be_named(instructions: str) -> str:
    return " ".join(_MUST_NAME.findall(instructions))


def _is_telling(word: str) -> bool:
    term = term_of(word)
    return len(term) >= _LEAST_LETTERS and term not in _VAGUE and not term.isdigit()


def _has_looked_before(brief: Brief) -> bool:
    return any(reply.startswith((CHANGES, APPROVED)) for reply in brief.earlier_replies)


def _numbered(lines: list[str]) -> str:
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def _n(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
