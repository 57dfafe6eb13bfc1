r"""Sources: the facts of a message, by who said them.

Contributions of several agents stand below headings, ``## Name``; what stands above the first one, nobody in particular
said. JSON is read out as a person would.

Examples
--------
>>> split_request("Compare these.\n\n## North\n\nIt rains.\n\n## South\n\n[9, 8]")
(('Compare these.',), (Source(name='North', facts=('It rains.',)), Source(name='South', facts=('9, 8.',))))
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mars_nb.agents.offline.directives import NOTE, is_directive
from mars_nb.agents.offline.words import sentences, words
from mars_nb.topology.names import USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HEADING = re.compile(r"^## +(.+?) *$", re.MULTILINE)
_KEY = re.compile(r"^[\w .-]{1,60}: +(?=\S)", re.MULTILINE)
_LABEL = re.compile(r"^\*\*[^*\n]{1,80}:\*\* +", re.MULTILINE)
FEWEST_PROSE_WORDS = 4


class Source(NamedTuple):
    """Who said something (nobody in particular: the empty name), and the sentences."""

    name: str
    facts: tuple[str, ...]


def split_request(text: str) -> tuple[tuple[str, ...], tuple[Source, ...]]:
    """Tell the directives of a text from its sources of facts."""
    preamble, *sections = _HEADING.split(text)
    named = list(zip(sections[::2], sections[1::2], strict=True))
    # What the user said is no contribution: it is what was asked, and the material that came with it.
    asked = "\n\n".join([preamble, *(body for name, body in named if name == USER)])
    directives, facts = _told_apart(asked)
    found = [Source(name, tuple(facts_of(readable(body)))) for name, body in named if name != USER]
    return directives, tuple(source for source in (Source("", facts), *found) if source.facts)


def prose_of(text: str) -> tuple[str, ...]:
    r"""Give the sentences of given values: without their keys, and without the rows of tables.

    Examples
    --------
    >>> prose_of("notes: Tides turn twice a day.\ncars: ,name,mpg\n0,ford,17.5")
    ('Tides turn twice a day.',)
    """
    return tuple(fact for fact in _told_apart(_KEY.sub("", text))[1] if _is_prose(fact))


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


# ------------------------------------------------------------------------------------------------------------- pieces


def _told_apart(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell directives and facts apart; an order with a colon is one before it, and material after it."""
    directives, facts = [], []
    for sentence in sentences(_LABEL.sub("", readable(text))):
        order, colon, rest = sentence.partition(": ")
        if colon and rest and is_directive(f"{order}.") and not is_directive(rest):
            directives.append(f"{order}.")
            facts.append(rest)
        else:
            (directives if is_directive(sentence) else facts).append(sentence)
    return tuple(directives), tuple(fact for fact in facts if not fact.startswith(NOTE))


def facts_of(text: str) -> Iterable[str]:
    """Give the sentences of a text but those by which the offline model speaks of itself."""
    return (each for each in sentences(_LABEL.sub("", text)) if not each.startswith(NOTE))


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


def _is_prose(fact: str) -> bool:
    found = words(fact)
    return len(found) >= FEWEST_PROSE_WORDS and sum(word[0].isalpha() for word in found) > len(found) / 2
