"""Sentences, words and their stems, in any language: what the offline model sees of a text.

A sentence ends at its mark (``.``, ``!``, ``?`` and those of other scripts), but not after an abbreviation; a bullet
is a sentence of its own, a heading is none. A *term* is a word that carries meaning, without its ending, so that
"translator" and "translates" meet. Scripts that put no spaces between words are read in overlapping pairs of signs,
which needs no dictionary and finds the same text again.

Examples
--------
>>> sentences("Dr. Curie won 2.5 prizes, e.g. in physics. Did she? Yes!")
['Dr. Curie won 2.5 prizes, e.g. in physics.', 'Did she?', 'Yes!']
>>> sentences("今日は晴れです。明日は雨です。")
['今日は晴れです。', '明日は雨です。']
>>> terms("The translators translated both reports")
['transl', 'transl', 'report']
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LONGEST_LINE_BREAK = 50
"""A line at least this long goes on in the next one: the text was wrapped."""

# Kana, Han, Thai, Lao, Khmer and Myanmar: scripts without spaces between words.
_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0900-\u0903\u093a-\u094f\u0980-\u0d7f"
_LETTER = rf"(?:[^\W_]|[{_MARKS}])"
_WORD = re.compile(rf"[{_SPACELESS}]+|(?:(?![{_SPACELESS}]){_LETTER})+(?:['’.,-](?:(?![{_SPACELESS}]){_LETTER})+)*")
_SPACELESS_RUN = re.compile(rf"[{_SPACELESS}]")
_END = re.compile(r"[.!?…؟।۔]+[\"'”’»)\]]*|[。！？｡]+[」』”’）]*")
_FULL_WIDTH = "。！？｡"
_LAST_WORD = re.compile(r"[^\s(\[\"'“‘]+$")
_ABBREVIATION = re.compile(
    r"(?:[^\W\d_]|e\.g|i\.e|z\.B|d\.h|u\.a|p\.ex|U\.S|U\.K|[ap]\.m|Mrs?|Ms|Dr|Prof|St|Nr|No|Fig|vs|cf|ca|etc|bzw|usw|approx|"
    r"Inc|Ltd|Jr|Sr|Jan|Feb|Aug|Sept?|Oct|Nov|Dec)\.$"
)
_ALWAYS_INSIDE = frozenset({"Mr.", "Mrs.", "Ms.", "Dr.", "Prof.", "St.", "Nr.", "No.", "Fig."})
_BULLET = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.)])\s+(?=\S)")
_HEADING = re.compile(r"^\s*(?:#{1,6}\s|[-=_*|`]{3,}|\|)")
_SUFFIXES = (
    *("isations", "izations", "isation", "ization", "ations", "ation", "ators", "ator", "ating", "ated", "ates", "ate"),
    *("ions", "ion", "ings", "ing", "ies", "ied", "iers", "ier", "ers", "er", "ors", "or", "eds", "ed", "es", "ly"),
    *("s", "e", "y"),
)
_SHORTEST_STEM = 4
_PAIR = 2


def word_set(text: str) -> frozenset[str]:
    """Give the words of a list that is written as one text."""
    return frozenset(text.split())


STOP_WORDS = word_set(
    # English
    "a about above after again against all also am an and any are as at be because been before being below between "
    "both but by can could did do does doing down during each either few for from further had has have having he her "
    "here hers him his how i if in into is it its itself just like may me might more most much must my no nor not of "
    "off on once one only or other our out over own per same shall she should so some such than that the their them "
    "then there these they this those through to too two under until up upon us very was we well were what when where "
    "which while who whom whose why will with within without would you your yours please "
    # German
    "aber alle als am auch auf aus bei bin bis bist da das dass dem den der des die dies diese dieser dir doch du "
    "durch ein eine einem einen einer eines er es für hat hatte ich ihr im ist ja kann man mit nach nicht noch nur ob "
    "oder ohne sehr sich sie sind so und uns vom von vor war was weil wenn wer werden wie wir wird wurde zu zum zur "
    "über "
    # French
    "au aux avec c ce ces cette d dans de des du elle en est et eux il ils je l la le les leur leurs lui mais ne nous "
    "ou où par pas pour qu que qui sa se ses son sont sur un une vous y été être "
    # Spanish
    "al como con cuando del el ella ellos entre era esta este esto fue ha hay las lo los más muy o para pero por "
    "porque que se sin sobre su sus también una unas uno unos "
    # Italian, Portuguese, Dutch
    "che con da dei della delle di è gli ha i non nel nella per più sono um uma os as do dos das não het een van voor "
    "niet zijn met"
)


def sentences(text: str) -> list[str]:
    """Split a text into its sentences, in their order, without bullets and headings.

    Parameters
    ----------
    text : str
        Prose, Markdown or plain.

    Returns
    -------
    list of str
        White space inside is single spaces.
    """
    return list(chain.from_iterable(map(_split, paragraphs(text))))


def paragraphs(text: str) -> Iterator[str]:
    """Give the pieces of a text over whose borders no sentence goes: paragraphs and bullets, without headings."""
    open_lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if open_lines and (_starts_anew(line) or len(open_lines[-1]) < LONGEST_LINE_BREAK):
            yield " ".join(" ".join(open_lines).split())
            open_lines = []
        if line.strip() and not _HEADING.match(line):
            open_lines.append(_BULLET.sub("", line))


def words(text: str) -> list[str]:
    """Give the words of a text as written; of scripts without spaces, pairs of signs."""
    return list(chain.from_iterable(map(_pieces, _WORD.findall(text))))


def terms(text: str) -> list[str]:
    """Give the stems of the words that carry meaning, in their order."""
    return [term for term in map(term_of, words(text)) if term]


@lru_cache(maxsize=16_384)
def term_of(word: str) -> str:
    """Give the stem of a word, or nothing for one that carries no meaning."""
    folded = word.casefold().replace("’", "'").removesuffix("'s")
    is_letter = len(folded) == 1 and not folded.isdigit()
    return "" if is_letter or folded in STOP_WORDS else stem(folded)


def stem(word: str) -> str:
    """Take the ending off a word, as far as a light hand can: never below four letters.

    Parameters
    ----------
    word : str
        In lower case.

    Returns
    -------
    str
        Not always a word itself.

    Examples
    --------
    >>> [stem(word) for word in ("review", "reviews", "reviewer", "reviewed", "gas")]
    ['review', 'review', 'review', 'review', 'gas']
    """
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


def keywords(text: str, n: int = 5, *, fewest: int = 1) -> list[str]:
    """Give the words that a text uses most, as first written; of equals, the earlier one.

    Parameters
    ----------
    text : str
        Any.
    n : int
        Most of them.
    fewest : int
        How often a word must occur.

    Returns
    -------
    list of str
        Without numbers.

    Examples
    --------
    >>> keywords("Tides move water. The water drives a turbine, and tides are steady.", 2)
    ['Tides', 'water']
    """
    counts: dict[str, int] = {}
    shown: dict[str, str] = {}
    for word in words(text):
        if (term := term_of(word)) and not word[0].isdigit() and len(word) > 1:
            counts[term] = counts.get(term, 0) + 1
            shown.setdefault(term, word)
    frequent = (term for term in counts if counts[term] >= fewest)
    return [shown[term] for term in sorted(frequent, key=lambda term: -counts[term])[:n]]


def joined(parts: Iterable[str]) -> str:
    """Put sentences behind each other; those of scripts without spaces, without one."""
    text = ""
    for part in parts:
        text += part if not text or text[-1] in "。！？｡」』" else f" {part}"
    return text


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Give several things as one says them: commas, and a word before the last.

    Examples
    --------
    >>> listed(["sun", "wind", "tides"])
    'sun, wind and tides'
    """
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def clipped(text: str, n_words: int) -> str:
    """Give at most so many words, and a sign where some are left out."""
    found = [*_WORD.finditer(text)]
    if len(found) <= n_words and len(text) <= n_words * 10:
        return text
    end = found[n_words - 1].end() if len(found) > n_words else len(text)
    return f"{text[: min(end, n_words * 10)].rstrip(' ,;:')} …"


# ---------------------------------------------------------------------------------------------------------- sentences


def _starts_anew(line: str) -> bool:
    return not line.strip() or bool(_BULLET.match(line)) or bool(_HEADING.match(line))


def _split(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(paragraph):
        if _is_end(paragraph, start, end):
            yield paragraph[start : end.end()].strip()
            start = end.end()
    if rest := paragraph[start:].strip():
        yield rest


def _is_end(paragraph: str, start: int, end: re.Match[str]) -> bool:
    """Tell whether a mark ends the sentence: not after an abbreviation, nor before a small letter."""
    after = paragraph[end.end() : end.end() + 2]
    following = after.lstrip("\"'“‘([ ")[:1]
    if following.islower() or (after[:1].strip() and end.group()[0] not in _FULL_WIDTH):
        return False
    last = _LAST_WORD.search(paragraph, max(start, end.start() - 12), end.start() + 1)
    if end.group() != "." or last is None or not _ABBREVIATION.match(last.group()):
        return True
    return following == "" or not (last.group() in _ALWAYS_INSIDE or following.isupper() or following.isdigit())


def _pieces(word: str) -> list[str]:
    if not _SPACELESS_RUN.match(word) or len(word) <= _PAIR:
        return [word]
    return [word[at : at + _PAIR] for at in range(len(word) - 1)]
