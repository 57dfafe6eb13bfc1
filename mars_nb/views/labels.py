"""Text from outside, made safe and made to fit.

Names, details and titles come from people, files and models, so nothing of them is trusted here: characters that XML
or a terminal cannot show are dropped, and so are the ones that turn the reading direction around. Fitting works
without a font: widths are estimated from a small table of a wide sans-serif face, so that a label which fits here
fits everywhere.
"""

from __future__ import annotations

import unicodedata
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import quoteattr

ELLIPSIS: Final = "…"
_JOINERS: Final = frozenset("\u200d\ufe0e\ufe0f")
_NARROW: Final = frozenset("ijlftrI.,:;'`|!()[]/\\ ")
_WIDE: Final = frozenset("mwMW@%")
_SHORTEST_PART: Final = 2


def clean(text: str) -> str:
    r"""Drop what cannot be shown safely: control characters, surrogates, direction overrides; join white space.

    Examples
    --------
    >>> clean("Wri\x00ter\n\u202eevil")
    'Writer evil'
    """
    return " ".join("".join(_shown(char) for char in text).split())


def _shown(char: str) -> str:
    if char.isspace():
        return " "
    hidden = char not in _JOINERS and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Cn", "Co"}
    return "" if hidden else char


def escape(text: str) -> str:
    """Clean a text and escape it for the inside of an XML element.

    Examples
    --------
    >>> escape("<b>]]>&")
    '&lt;b&gt;]]&gt;&amp;'
    """
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(text: str) -> str:
    r"""Clean a text and quote it for use as the value of an XML attribute.

    Examples
    --------
    >>> attribute('a "b" <c>')
    '\'a "b" &lt;c&gt;\''
    """
    return quoteattr(clean(text))


def isolate(text: str) -> str:
    """Keep right-to-left text from reordering what stands around it, by Unicode isolates (UAX 9).

    Examples
    --------
    >>> isolate("Writer")
    'Writer'
    """
    turns = any(unicodedata.bidirectional(char) in {"R", "AL", "AN"} for char in text)
    return f"\u2068{text}\u2069" if turns else text


def width_px(text: str, size_px: float) -> float:
    """Estimate the width of a text, on the generous side.

    Parameters
    ----------
    text : str
        One line.
    size_px : float
        Font size in pixels.

    Returns
    -------
    float
        Width in pixels.
    """
    return size_px * sum(_char_em(char) for char in text)


def _char_em(char: str) -> float:
    if unicodedata.combining(char) or char in _JOINERS:
        return 0.0
    if char in _NARROW:
        return 0.38
    if char in _WIDE:
        return 0.95
    if unicodedata.east_asian_width(char) in {"W", "F"} or ord(char) > 0x1F000:  # noqa: PLR2004 - pictographs
        return 1.15
    return 0.72 if char.isupper() else 0.61


def shorten(text: str, width: float, size_px: float) -> str:
    """Cut a text to a width in pixels, with an ellipsis where something is missing.

    Examples
    --------
    >>> shorten("Extraordinarily", 50, 12)
    'Extrao…'
    """
    if width_px(text, size_px) <= width:
        return text
    room = width - width_px(ELLIPSIS, size_px)
    return text[: _fitting(text, room, size_px)].rstrip() + ELLIPSIS


def _fitting(text: str, width: float, size_px: float) -> int:
    """Count the leading characters that fit, never cutting through a joined emoji or an accent."""
    used, end = 0.0, 0
    while end < len(text) and used + width_px(text[end], size_px) <= width:
        used += width_px(text[end], size_px)
        end += 1
    while 0 < end < len(text) and not _may_cut(text, end):
        end -= 1
    return end


def _may_cut(text: str, at: int) -> bool:
    """Tell whether a line may end before ``text[at]``."""
    follows, before = text[at], text[at - 1]
    return not (unicodedata.combining(follows) or follows in _JOINERS or before == "\u200d")


def wrap(text: str, width: float, size_px: float) -> tuple[str, ...]:
    """Set a name in one line or two: at a blank, a joint or a hump if there is one, else with a hyphen.

    Parameters
    ----------
    text : str
        A cleaned name.
    width : float
        Width of a line in pixels.
    size_px : float
        Font size in pixels.

    Returns
    -------
    tuple of str
        One or two lines; the last ends in an ellipsis if the name is longer than that.

    Examples
    --------
    >>> wrap("Writer", 60, 12), wrap("FactChecker", 60, 12), wrap("Investigator", 60, 12)
    (('Writer',), ('Fact', 'Checker'), ('Investig-', 'ator'))
    """
    if width_px(text, size_px) <= width:
        return (text,)
    at = _joint(text, width, size_px) or _break(text, width, size_px)
    head, rest = text[:at].rstrip(), text[at:].lstrip()
    hyphen = "-" if text[at - 1].isalnum() and not _is_joint(text[at - 1], text[at]) else ""
    return (head + hyphen, shorten(rest, width, size_px))


def _joint(text: str, width: float, size_px: float) -> int:
    """Find the joint where a name breaks best; 0 if there is none.

    Best are two lines that fit and are as equal as can be; else the last joint that fills most of the first line.
    """
    found = [
        (width_px(text[at:].lstrip(), size_px), width_px(text[:at].rstrip(), size_px), at)
        for at, (before, after) in enumerate(pairwise(text), start=1)
        if _is_joint(before, after)
    ]
    fitting = [(abs(rest - head), at) for rest, head, at in found if max(rest, head) <= width]
    filling = [at for _, head, at in found if width / 2 <= head <= width]
    return min(fitting)[1] if fitting else max(filling, default=0)


def _break(text: str, width: float, size_px: float) -> int:
    """Find where a name breaks that has no joint: as late as fits, but never leaving a letter or two alone."""
    at = max(1, _fitting(text, width - width_px("-", size_px), size_px))
    while at > _SHORTEST_PART and len(text) - at <= _SHORTEST_PART:
        at -= 1
    while at < len(text) - 1 and not _may_cut(text, at):
        at += 1
    return at


def _is_joint(before: str, after: str) -> bool:
    return before in " _-./:" or after == " " or (before.islower() and after.isupper())
