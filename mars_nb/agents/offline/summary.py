"""Summaries: the key sentences of what was given, word for word, as many as were asked for.

Examples
--------
>>> from mars_nb.agents.dialogue import ModelRequest, UserSaid
>>> from mars_nb.agents.offline.brief import read
>>> text = "Summarise: Tides turn twice a day. My aunt likes green tea. Tides drive turbines. Ships avoid the turbines."
>>> summary(read(ModelRequest("Use one sentence.", (UserSaid(text),))))
'Tides drive turbines.'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.agents.offline.brief import focus_of
from mars_nb.agents.offline.directives import NOTE, clauses, without_order
from mars_nb.agents.offline.length import SENTENCES_BY_DEFAULT
from mars_nb.agents.offline.roles import UNABLE
from mars_nb.agents.offline.textrank import key_sentences
from mars_nb.agents.offline.words import clipped, joined, keywords, listed, sentences, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.agents.offline.brief import Brief
    from mars_nb.agents.offline.length import Length
    from mars_nb.agents.offline.sources import Source

LONGEST_SENTENCE_WORDS = 60
LONGEST_TITLE_WORDS = 14
MOST_NAMES_IN_TITLE = 4
SHORT_RESULT_WORDS = 40
"""A result of a tool up to this long is given as it is."""


def summary(brief: Brief) -> str:
    """Give the key sentences of the material, or say that there is none.

    Parameters
    ----------
    brief : Brief
        What is to be done.

    Returns
    -------
    str
        Sentences of the material, word for word.
    """
    results = [source for source in brief.sources if source.name]
    if len(results) > 1 or (results and not brief.length.is_said and _n_words(results[0]) <= SHORT_RESULT_WORDS):
        return _by_source(brief)
    if not brief.facts:
        return _nothing_to_work_with(brief)
    return laid_out(key_sentences(brief.facts, brief.length.n_sentences, focus=focus_of(brief)), brief.length)


def inability(brief: Brief) -> str:
    """Say what the offline model cannot do, and give what it can: the key sentences.

    Parameters
    ----------
    brief : Brief
        Of a role that is more than the offline model can do.

    Returns
    -------
    str
        Two paragraphs, or one where there is no material.
    """
    said = f"{NOTE} cannot {UNABLE[brief.role]}."
    return f"{said} These are the key sentences, as they stand:\n\n{summary(brief)}" if brief.facts else said


def title(brief: Brief) -> str:
    """Name what the work is about: the goal without its orders, else who found it, else what the material repeats.

    Parameters
    ----------
    brief : Brief
        What is to be done.

    Returns
    -------
    str
        At most 14 words, beginning with a capital; may be empty.
    """
    orders = clauses(next(iter(sentences(brief.goal)), ""))
    about = without_order(orders[0]) if orders else _told_by_material(brief)
    short = clipped(about, LONGEST_TITLE_WORDS)
    return short[:1].upper() + short[1:]


def laid_out(chosen: Sequence[str], length: Length) -> str:
    """Lay sentences out as was asked: as running text or as bullets, with at most so many words."""
    tidy = [clipped(each, LONGEST_SENTENCE_WORDS) for each in chosen]
    text = "\n".join(f"- {each}" for each in tidy) if length.is_list else joined(tidy)
    return clipped(text, length.n_words) if length.n_words else text


def with_subject(source: Source, n: int) -> str:
    """Give the key sentences of one source behind its name."""
    said = joined(clipped(each, LONGEST_SENTENCE_WORDS) for each in key_sentences(source.facts, n))
    return f"**{source.name}:** {said}" if source.name else said


# ------------------------------------------------------------------------------------------------------------- pieces


def _by_source(brief: Brief) -> str:
    """Give what each source says: short ones whole, of others the key sentences."""
    n = brief.length.n_sentences if brief.length.is_said else SENTENCES_BY_DEFAULT
    named = [source for source in brief.sources if source.name]
    return "\n\n".join(
        with_subject(each, len(each.facts) if _n_words(each) <= SHORT_RESULT_WORDS else n) for each in named
    )


def _nothing_to_work_with(brief: Brief) -> str:
    if brief.failures:
        return "\n".join(f"{NOTE} had no answer from a tool: {failure}" for failure in brief.failures)
    if not brief.request.strip():
        return f"{NOTE} was asked nothing."
    asked = clipped(joined(brief.directives) or brief.request.strip(), LONGEST_SENTENCE_WORDS)
    return f"{NOTE} knows no facts of its own and was given none to work with. It was asked: {asked}"


def _told_by_material(brief: Brief) -> str:
    names = list(dict.fromkeys(source.name.partition("(")[0] for source in brief.sources if source.name))
    if 1 < len(names) <= MOST_NAMES_IN_TITLE:
        return f"Findings of {listed(names)}"
    return listed(keywords(" ".join(brief.facts), 3, fewest=2) or keywords(" ".join(brief.facts), 1))


def _n_words(source: Source) -> int:
    return sum(len(words(fact)) for fact in source.facts)
