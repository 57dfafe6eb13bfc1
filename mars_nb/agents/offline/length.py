"""Lengths: how much was asked for, in sentences, bullets or words."""

from __future__ import annotations

import re
from typing import NamedTuple

SENTENCES_BY_DEFAULT = 3

_NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "a": 1, "single": 1, "einem": 1, "zwei": 2, "drei": 3, "une": 1, "deux": 2, "trois": 3,
    "una": 1, "dos": 2,
}  # fmt: skip
_COUNT = "|".join([r"\d{1,4}", *_NUMBERS])
_LENGTH = re.compile(
    rf"\b(?P<n>{_COUNT})(?:[ -](?:short|key|brief|concise|numbered|simple|clear|main|bullet))*[ -]"
    r"(?P<unit>sentence|bullet|point|line|word|item|step|paragraph|satz|sätze|stichpunkt|wort|wörter|phrase|mot|frase)",
    re.IGNORECASE,
)
_WORDS_A_SENTENCE = 15
_LIST_UNITS = frozenset({"bullet", "point", "line", "item", "stichpunkt"})
_WORD_UNITS = frozenset({"word", "wort", "wörter", "mot"})
_BRIEFLY = re.compile(r"\b(?:brief|briefly|short|concise|concisely|kurz|bref|breve)\b", re.IGNORECASE)
_BULLETS = re.compile(r"\b(?:bullets?|bullet points?|stichpunkte?n?)\b", re.IGNORECASE)


class Length(NamedTuple):
    """How much was asked for: sentences, whether as bullets, and most words (0: not said)."""

    n_sentences: int
    is_list: bool
    n_words: int
    is_said: bool


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
        return Length(said or SENTENCES_BY_DEFAULT, is_list, 0, is_said=bool(said))
    n, unit = _number(found["n"]), found["unit"].casefold()
    if unit in _WORD_UNITS:
        return Length(max(1, n // _WORDS_A_SENTENCE), is_list, n, is_said=True)
    n_sentences = n * SENTENCES_BY_DEFAULT if unit == "paragraph" else n
    return Length(max(1, n_sentences), is_list or unit in _LIST_UNITS, 0, is_said=True)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _NUMBERS.get(text.casefold(), 1)
