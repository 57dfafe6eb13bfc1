r"""What a name may be, and how a piece of somebody's text is quoted in an error.

A name is what one writes on a board: ``Market Researcher``, ``Prüferin``, ``Devil's Advocate``. It may hold anything
but the marks of the notation, arrows and characters that nobody can see, so that a line can be read in only one way.

Examples
--------
>>> clean_name("  Market   Researcher ")
'Market Researcher'
>>> name_problem("Agent #2")
"names cannot contain '#'; a comment starts with '# ' (a space after it)"
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import Final

from mars_nb.errors import TopologyError

USER: Final = "User"
START: Final = "Start"
END: Final = "End"
RESERVED: Final = frozenset({USER, START, END})
"""The three names that are no agents: the person who asks, and the two markers."""

MAX_NAME_LENGTH: Final = 80
MAX_QUOTE_LENGTH: Final = 60

_MARKS = ',():;#"`\\{}[]<>|='
_FORBIDDEN = frozenset(_MARKS)
# Letters and marks to Unicode, nothing to the eye: fillers, joiners and the empty Braille cell.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ARROW_BLOCKS = ((0x2190, 0x21FF), (0x27F0, 0x27FF), (0x2900, 0x297F), (0x2B00, 0x2B11), (0x1F800, 0x1F8FF))


def quoted(text: object, limit: int = MAX_QUOTE_LENGTH) -> str:
    r"""Quote a piece of text for an error message: on one line, cut, invisible characters written out.

    Parameters
    ----------
    text : object
        What somebody wrote; anything but a string is shown by its ``repr``.
    limit : int
        Characters to show at most.

    Returns
    -------
    str
        The quotation, marks included.

    Examples
    --------
    >>> quoted("two\twords")
    "'two words'"
    """
    if not isinstance(text, str):
        return _cut(_safe_repr(text), limit)
    shown = repr(_cut(text[: limit + 1].replace("\t", " "), limit))
    return shown if len(shown) <= limit + 2 else f"{shown[:limit]}…'"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _safe_repr(value: object) -> str:
    try:
        return " ".join(repr(value).split())
    except Exception:  # noqa: BLE001  # a broken __repr__ must not hide the error that is being written
        return f"<{type(value).__name__}>"


def name_problem(name: str) -> str | None:
    """Say why ``name`` is not a name, or give None when it is one."""
    if name.isascii() and name.isidentifier() and len(name) <= MAX_NAME_LENGTH:
        return None
    if not name:
        return "a name cannot be empty"
    if "#" in name:
        return "names cannot contain '#'; a comment starts with '# ' (a space after it)"
    if len(name) > MAX_NAME_LENGTH:
        return f"a name has at most {MAX_NAME_LENGTH} characters, this one has {len(name):,}"
    return _character_problem(name) or _dash_problem(name) or _space_problem(name)


def _character_problem(name: str) -> str | None:
    wrong = next((each for each in name if each in _FORBIDDEN or is_arrow(each)), None)
    if wrong is not None:
        return f"names cannot contain {wrong!r}"
    hidden = unseen(name)
    return f"names cannot contain the invisible character {hidden}" if hidden else None


def _dash_problem(name: str) -> str | None:
    if "--" in name:
        return "names cannot contain '--'"
    return "names cannot start or end with '-'" if "-" in (name[0], name[-1]) else None


def _space_problem(name: str) -> str | None:
    normal = " ".join(name.split())
    return None if normal == name else f"names hold no extra white space; write {normal!r}"


def is_arrow(character: str) -> bool:
    """Tell whether a character is drawn as an arrow, as autocorrection likes to insert."""
    code = ord(character)
    return code > 0x7F and any(first <= code <= last for first, last in _ARROW_BLOCKS)  # noqa: PLR2004  # ASCII ends


def unseen(text: str) -> str | None:
    """Find a character that cannot be seen (bidirectional, zero-width, control), as ``U+200B``; white space is fine."""
    if text.isascii() and text.isprintable():
        return None
    for each in text:
        if (unicodedata.category(each) in _UNSEEN_CATEGORIES and each != "\t") or each in _FILLERS:
            return f"U+{ord(each):04X}"
    return None


def clean_name(text: str) -> str:
    """Normalise the white space of a name and check it.

    Parameters
    ----------
    text : str
        The name as written.

    Returns
    -------
    str
        The name.

    Raises
    ------
    TopologyError
        If it is not a name; the message says why.
    """
    name = " ".join(text.split()) if unseen(text) is None else text
    problem = name_problem(name)
    if problem:
        raise TopologyError(f"{quoted(text)} is not a name: {problem}")
    return name


def unquoted(text: str) -> str:
    """Drop matching quotes around a whole name, as a Python habit puts there."""
    around = text[:1]
    return text[1:-1].strip() if len(text) > 1 and around in "\"'" and text[-1] == around else text


def written(name: str) -> str:
    r"""Write a name so that the notation reads it back: in quotes only where its own quotes would be dropped.

    Examples
    --------
    >>> written("Writer"), written("'t Hooft'")
    ('Writer', '"\'t Hooft\'"')
    """
    return f'"{name}"' if name[0] == name[-1] == "'" else name


def name_of(node: object) -> str:
    """Give the name of a node: the string itself, or the ``name`` of an agent object.

    Raises
    ------
    TopologyError
        If the object is neither, or its name is not a name.
    """
    if isinstance(node, str):
        return clean_name(node)
    name = getattr(node, "name", None)
    if not isinstance(name, str):
        raise TopologyError(f"{quoted(node)} is no node; expected a name or an agent (an object with a str 'name')")
    problem = name_problem(name)
    if problem:
        raise TopologyError(f"the agent's name {quoted(name)} cannot be used: {problem}")
    return name


def number_text(value: float) -> str:
    """Write a number as the notation reads it: digits, and a point only where it says something.

    Examples
    --------
    >>> number_text(300.0), number_text(0.5), number_text(1e-7)
    ('300', '0.5', '0.0000001')
    """
    return format(Decimal(repr(value)), "f").removesuffix(".0")
