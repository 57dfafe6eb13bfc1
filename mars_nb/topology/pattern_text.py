"""Patterns as text: ``hub_and_spoke(hub=H, spokes=[A, B])``.

Looks like a Python call and is none: nothing is evaluated. A value is a name, a number, ``true`` or ``false``, a list
or a mapping; quotes around names are allowed and not needed.

Examples
--------
>>> read_call("ring([A, B], entry_point=B)", {"ring": ["agents", "entry_point"]})
('ring', {'agents': ['A', 'B'], 'entry_point': 'B'})
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mars_nb.errors import TopologyError, did_you_mean
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_LENGTH = 200_000
MAX_DEPTH = 8
MAX_DIGITS = 12

_TOKEN = re.compile(r"""\s*(?:([\[\]{}(),:=])|"([^"]*)"|'([^']*)'|([^\[\]{}(),:=\s][^\[\]{}(),:=]*))""")
_WORDS = {"true": True, "false": False, "none": None, "null": None}
_CLOSING = {"[": "]", "{": "}", "(": ")"}


def read_call(text: str, known: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, Any]]:
    """Read a word and its arguments in brackets.

    Parameters
    ----------
    text : str
        The call.
    known : mapping of str to sequence of str
        The words that may be called, and the names of their arguments in order.

    Returns
    -------
    tuple of str and dict
        The word and its arguments by name.

    Raises
    ------
    TopologyError
        If the text is no call of a known word.
    """
    if len(text) > MAX_LENGTH:
        raise TopologyError(
            f"{quoted(text)}: the pattern has {len(text):,} characters; expected at most {MAX_LENGTH:,}"
        )
    reader = _Reader(text, _tokens(text))
    word = reader.word()
    if word not in known:
        near = did_you_mean(word[:80], known) or f"; expected one of {', '.join(known)}"
        raise TopologyError(f"unknown pattern {quoted(word)}{near}")
    return word, reader.arguments(known[word])


@dataclass(frozen=True, slots=True)
class _Token:
    mark: str
    value: Any
    at: int


def _tokens(text: str) -> list[_Token]:
    """Split a text; whatever is no mark and no quotation is a name, so nothing is left over."""
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(text):
        mark, double, single, bare = match.groups()
        quotation = single if double is None else double
        tokens.append(_Token(mark or "", quotation if bare is None else _value(bare.strip()), match.start()))
    return tokens


def _value(bare: str) -> Any:
    if bare.isascii() and bare.isdigit() and len(bare) <= MAX_DIGITS:
        return int(bare)
    return _WORDS.get(bare.casefold(), bare)


class _Reader:
    """Reads tokens from left to right."""

    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.place = 0

    def fail(self, expected: str) -> TopologyError:
        found = self.text[self.tokens[self.place].at :] if self.place < len(self.tokens) else ""
        where = f"at {quoted(found.strip(), 20)}" if found else "at the end"
        return TopologyError(f"{quoted(self.text)}: expected {expected} {where}")

    def peek(self) -> str:
        return self.tokens[self.place].mark if self.place < len(self.tokens) else "end"

    def take(self, mark: str, expected: str = "") -> _Token:
        if self.peek() != mark:
            raise self.fail(expected or repr(mark))
        self.place += 1
        return self.tokens[self.place - 1]

    def word(self) -> str:
        return str(self.take("", "the name of a pattern").value)

    def arguments(self, names: Sequence[str]) -> dict[str, Any]:
        """Read the bracket after the pattern's name; what has no name goes by its position."""
        self.take("(")
        given: dict[str, Any] = {}
        while self.peek() != ")":
            name, value = self.argument(names, len(given))
            if name in given:
                raise TopologyError(f"{quoted(self.text)}: {name!r} is given twice")
            given[name] = value
            self.comma(")")
        self.take(")")
        if self.peek() != "end":
            raise self.fail("nothing more")
        return given

    def argument(self, names: Sequence[str], position: int) -> tuple[str, Any]:
        named = self.place + 1 < len(self.tokens) and self.tokens[self.place + 1].mark == "="
        if named:
            name = str(self.take("", "the name of an argument").value)
            self.take("=")
        elif position < len(names):
            name = names[position]
        else:
            raise self.fail(f"at most {len(names)} arguments")
        return name, self.value(1)

    def comma(self, closing: str) -> None:
        if self.peek() != closing:
            self.take(",", f"',' or {closing!r}")
            if self.peek() == closing:
                raise self.fail("another one")

    def value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise TopologyError(f"{quoted(self.text)}: nested deeper than {MAX_DEPTH}")
        match self.peek():
            case "[":
                return self.items(depth)
            case "{":
                return self.mapping(depth)
            case _:
                return self.take("", "a name, a list or a mapping").value

    def items(self, depth: int) -> list[Any]:
        self.take("[")
        found: list[Any] = []
        while self.peek() != "]":
            found.append(self.value(depth + 1))
            self.comma("]")
        self.take("]")
        return found

    def mapping(self, depth: int) -> dict[str, Any]:
        self.take("{")
        found: dict[str, Any] = {}
        while self.peek() != "}":
            key = str(self.take("", "a name").value)
            if key in found:
                raise TopologyError(f"{quoted(self.text)}: {key!r} is given twice")
            self.take(":")
            found[key] = self.value(depth + 1)
            self.comma("}")
        self.take("}")
        return found
