"""What was probably meant: the suggestions of the errors.

An error that shows the right line teaches the notation. Nothing here decides what is right; a suggestion is read again
by the parser before it is made.

Examples
--------
>>> repaired_arrows("User --> A => B")
'User -> A -> B'
>>> repaired_arguments("timeout", ["5 min"])
['300']
"""

from __future__ import annotations

import re
import unicodedata

from mars_nb.topology.names import is_arrow, number_text

# Runs of what arrows are made of, and characters that are drawn as arrows.
_RUN = re.compile(r"[-=~<>|]+|[\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11\U0001f800-\U0001f8ff]")
_NO_ARROWS = frozenset({"->", "<->", "<=", ">=", "||", "<>", "<<", ">>"})
_UNITS = {
    **dict.fromkeys(("ms", "msec", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600.0),
    "%": 0.01,
    "$": 1.0,
    "usd": 1.0,
    "": 1.0,
}
_MEASURE = re.compile(r"(?:\w{1,20} ?= ?)?\$? ?(\d{1,12}(?:\.\d{1,12})?) ?([A-Za-z%$]{0,12})")


def wrong_arrow(line: str) -> str | None:
    """Find what was drawn instead of an arrow (``=>``, ``-->``, an arrow character), or None."""
    return next((run for run in _RUN.findall(line) if _is_wrong_arrow(run)), None)


def _is_wrong_arrow(run: str) -> bool:
    if len(run) == 1:
        return is_arrow(run)
    return run not in _NO_ARROWS and ("<" in run or ">" in run or not set(run) - set("-="))


def repaired_arrows(text: str) -> str:
    """Put the arrows of a line right; one that points left turns the whole chain around."""
    arrows = {_meant(run) for run in _RUN.findall(text)}
    line = " ".join(_RUN.sub(lambda run: f" {_meant(run[0])} " if _meant(run[0]) else run[0], text).split())
    if "<-" not in arrows:
        return line
    return " -> ".join(reversed(line.split(" <- "))) if arrows <= {"<-", ""} else text


def _meant(run: str) -> str:
    """Tell which arrow a run of characters probably means: ``->``, ``<->``, ``<-``, or none."""
    if run in ("->", "<->"):
        return run
    if not (_is_wrong_arrow(run) or run in ("<=", "=", ">")):
        return ""
    name = unicodedata.name(run, "") if len(run) == 1 else ""
    left = run.startswith("<") or "LEFT" in name
    right = run.endswith(">") or "RIGHT" in name or not left
    return ("<" if left else "") + "-" + (">" if right else "")


def joined_arrows(text: str) -> str:
    """Close the gaps within arrows.

    Examples
    --------
    >>> joined_arrows("User - > A < - > B")
    'User -> A <-> B'
    """
    return re.sub(r"(< ?)?- ?>", lambda arrow: arrow[0].replace(" ", ""), text)


def repaired_arguments(word: str, arguments: list[str]) -> list[str]:
    """Put the arguments of a rule right: units computed, keywords and currency dropped, ``<->`` between partners."""
    repaired = [_plain_number(argument) for argument in arguments[:3]]
    if word == "max_turns" and repaired:
        pair = re.split(r" ?(?:<->|<=>|->|=>|--|,) ?", ", ".join(repaired[:-1]), maxsplit=3)
        repaired = [" <-> ".join(pair), repaired[-1]]
    return repaired


def _plain_number(argument: str) -> str:
    measure = _MEASURE.fullmatch(argument)
    factor = _UNITS.get(measure[2].casefold()) if measure else None
    return number_text(round(float(measure[1]) * factor, 9)) if measure and factor else argument
