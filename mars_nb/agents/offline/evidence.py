"""Evidence: the values that stand in a text, so that a form can be filled from it.

Numbers, dates, addresses, quotations and names are found by their shape. Which of several is meant is told by nearness:
a number that stands beside the name of a field belongs to it. Each is used once, in the order of the text.

Examples
--------
>>> found = Evidence('Send 12 boxes to ada@example.org before 2026-03-01, weight 3.5 kg, marked "fragile".')
>>> found.number("weight"), found.number("boxes"), found.date(), found.email(), found.quotation()
(3.5, 12, '2026-03-01', 'ada@example.org', 'fragile')
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mars_nb.agents.offline.words import sentences, term_of, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Number = int | float

NEAR = 40
"""Characters within which a number belongs to a word."""

_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_MOMENT = re.compile(
    r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?"
)
_DATE = re.compile(r"(?<!\d)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)")
_TIME = re.compile(r"(?<![\d:])(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![\d:])")
_LINK = re.compile(r"https?://[^\s<>\"')\]]+[^\s<>\"')\].,;:!?]")
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_QUOTATION = re.compile(r"[\"“„«]([^\"“”„«»\n]{1,200})[\"”“»]|(?<!\w)'([^'\n]{1,200})'(?!\w)|「([^」\n]{1,200})」")
_NUMBER = re.compile(r"(?<![\w.,])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d{1,15})(?:[.,]\d{1,12})?(?!\d)")
_YEAR = re.compile(r"[12]\d{3}")
_NUMBERING = re.compile(r"^[ \t]*\(?\d{1,2}[.)]\s", re.MULTILINE)
_NAME = re.compile(
    r"(?<=[^\s.!?:;\n] )[A-ZÀ-ÖØ-Þ][\w'’-]*(?:(?: (?:de|del|la|von|van|der|of|the))* [A-ZÀ-ÖØ-Þ][\w'’-]*)*"
)
_NOT = re.compile(
    r"\b(?:no|not|never|without|don't|do not|false|off|disable[ds]?|nicht|kein\w*|ohne|sans|sin)\b", re.IGNORECASE
)
_SHAPES = {
    "email": _EMAIL, "date": _DATE, "date-time": _MOMENT, "time": _TIME, "uri": _LINK, "url": _LINK, "uuid": _UUID,
}  # fmt: skip


class Evidence:
    """What can be found in a text; it remembers what was used.

    Parameters
    ----------
    text : str
        To search.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._used: set[tuple[int, int]] = set()

    def number(self, name: str = "", fits: Callable[[Number], bool] = lambda _: True) -> Number | None:
        """Give the number that stands nearest to a name, else the first that was not used."""
        free = [each for each in self.numbers if each[1] not in self._used and fits(each[0])]
        if "year" in _spaced(name).casefold().split():
            free = [each for each in free if self._is_year(each[1])]
        if not free:
            return None
        value, place = min(free, key=lambda each: (self._distance(each[1], name), each[1]))
        self._used.add(place)
        return value

    @cached_property
    def numbers(self) -> list[tuple[Number, tuple[int, int]]]:
        """Give all numbers with their places; neither parts of dates and links nor the numbering of lists."""
        text = self.text
        for shape in (_MOMENT, _DATE, _TIME, _UUID, _LINK, _EMAIL, _NUMBERING):
            text = shape.sub(lambda found: "\n" * len(found.group()), text)
        return [(_read_number(found.group()), found.span()) for found in _NUMBER.finditer(text)]

    def shaped(self, shape: str) -> str | None:
        """Give the next text of a JSON schema format such as ``"date"``."""
        return self._next(_SHAPES[shape]) if shape in _SHAPES else None

    def date(self) -> str | None:
        """Give the next date, in ISO 8601."""
        return self.shaped("date")

    def email(self) -> str | None:
        """Give the next e-mail address."""
        return self.shaped("email")

    def quotation(self) -> str | None:
        """Give the next text in quotation marks."""
        return self._next(_QUOTATION)

    def name(self) -> str | None:
        """Give the next words with capitals that do not begin a sentence."""
        return self._next(_NAME)

    def labelled(self, name: str) -> str | None:
        """Give what follows a name and a colon or an equals sign, up to the end of the clause.

        Examples
        --------
        >>> Evidence("city: New York; days: 3").labelled("city")
        'New York'
        """
        label = re.escape(name).replace("_", "[_ -]?")
        found = re.search(rf"(?<!\w){label}\s*[:=]\s*([^\n;,]{{1,200}})", self.text, re.IGNORECASE)
        return found[1].strip(" .\"'") or None if found else None

    def truth(self, name: str) -> bool | None:
        """Tell whether the text says yes or no to a name; nothing if it does not speak of it."""
        wanted = frozenset(terms(_spaced(name)))
        clause = next((each for each in self._clauses if wanted.intersection(terms(each))), None)
        if clause is not None:
            return not _NOT.search(clause)
        return None

    def mentioned(self, choices: Sequence[Any]) -> list[Any]:
        """Give the choices that the text speaks of, in their order."""
        low = self.text.casefold()
        known = frozenset(terms(self.text))
        return [each for each in choices if _is_said(each, low, known)]

    @cached_property
    def _clauses(self) -> list[str]:
        return [clause for sentence in sentences(self.text) for clause in re.split(r"[,;]| and | but ", sentence)]

    def _next(self, shape: re.Pattern[str]) -> str | None:
        for found in shape.finditer(self.text):
            if found.span() not in self._used:
                self._used.add(found.span())
                return next((group for group in found.groups() if group), found.group())
        return None

    def _is_year(self, place: tuple[int, int]) -> bool:
        return bool(_YEAR.fullmatch(self.text[place[0] : place[1]]))

    def _distance(self, place: tuple[int, int], name: str) -> int:
        """Give how far a name is from a place; `NEAR` if it is further, or not there."""
        start = max(0, place[0] - NEAR)
        before, after = self.text[start : place[0]], self.text[place[1] : place[1] + NEAR]
        wanted = frozenset(terms(_spaced(name)))
        return min([NEAR, *_gaps(before, wanted, from_end=True), *_gaps(after, wanted, from_end=False)])


_WORD = re.compile(r"\w+")


def _gaps(text: str, wanted: frozenset[str], *, from_end: bool) -> Iterable[int]:
    return [
        len(text) - word.end() if from_end else word.start()
        for word in _WORD.finditer(text)
        if term_of(word.group()) in wanted
    ]


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_+", " ", name)


def _read_number(text: str) -> Number:
    plain = text.replace("−", "-")
    if re.fullmatch(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    plain = plain.replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def _is_said(choice: object, low: str, known: frozenset[str]) -> bool:
    if not isinstance(choice, str):
        return isinstance(choice, int | float) and bool(re.search(rf"(?<![\w.]){re.escape(str(choice))}(?![\w.])", low))
    stems = terms(_spaced(choice))
    if stems:
        return known.issuperset(stems)
    return bool(choice) and bool(re.search(rf"(?<!\w){re.escape(choice.casefold())}(?!\w)", low))
