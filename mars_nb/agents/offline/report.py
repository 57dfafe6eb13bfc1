"""Reports: a title, what each source says, and what the sources have in common.

A report is made from its material each time anew. When a reviewer asks for changes, these become *wishes* (a word that
must occur, a number, more, less, shorter sentences), and the report is made again with them. So a second draft keeps
what was right, adds what the material holds, and says plainly what it does not hold.

Examples
--------
>>> wishes('1. Write about "cost": the task names it. 2. Give a number.')
Wishes(words=('cost',), number=True, more=False, fewer=False, split=False)
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from mars_nb.agents.offline.sources import Source, split_request
from mars_nb.agents.offline.summary import LONGEST_SENTENCE_WORDS, laid_out, title
from mars_nb.agents.offline.textrank import key_sentences
from mars_nb.agents.offline.words import clipped, joined, listed, term_of, terms, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mars_nb.agents.offline.brief import Brief

APPROVED = "Approved."
CHANGES = "Please change:"
LONGEST_READABLE_WORDS = 35
"""A sentence with more words is hard to read."""

MORE_SENTENCES = 2
_FEW_SOURCES = 4
_MOST_IN_COMMON = 3
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{2,40})[\"”“»]")
_NUMBER = re.compile(r"\bnumbers?\b|\bfigures?\b|\bquantif|\bstatistic", re.IGNORECASE)
_MORE = re.compile(r"\bsay more\b|\btoo short\b|\blonger\b|\bmore detail|\bexpand\b|\bdetailed\b", re.IGNORECASE)
_FEWER = re.compile(r"\bshorten it\b|\btoo long\b|\bshorter\b|\bcut\b|\bcondense\b", re.IGNORECASE)
_SPLIT = re.compile(r"\bsplit\b|\blong sentences?\b|\bsentences? (?:is|are) (?:too )?long\b", re.IGNORECASE)
_SEAM = re.compile(r"; |, (?:and|but|so|while|yet|which is why|whereas|und|aber|et|mais|y|pero) ")


class Wishes(NamedTuple):
    """What a reviewer wants changed."""

    words: tuple[str, ...] = ()
    number: bool = False
    more: bool = False
    fewer: bool = False
    split: bool = False


def report(brief: Brief) -> str:
    """Write a report from the material, or write it anew with the changes that were asked for.

    Parameters
    ----------
    brief : Brief
        What is to be done, and what was said before.

    Returns
    -------
    str
        Markdown; after an approval the last draft as it is.
    """
    if not brief.earlier_replies or len(brief.sources) > 1:
        return composed(brief, brief.sources, Wishes())
    if brief.request.lstrip().startswith(APPROVED.rstrip(".")):
        return brief.earlier_replies[-1]
    remarks = _remarks(brief)
    return composed(brief, _material(brief, remarks), wishes(" ".join(remarks)))


def wishes(remarks: str) -> Wishes:
    """Read what a reviewer, a model or a person, wants changed.

    Parameters
    ----------
    remarks : str
        As written; words that are missing stand in quotation marks.

    Returns
    -------
    Wishes
        What to heed when the report is made again.
    """
    bare = re.sub(r"begins \S.*?[\"”“»]:", "", remarks)
    return Wishes(
        tuple(dict.fromkeys(_QUOTED.findall(bare))),
        bool(_NUMBER.search(remarks)),
        bool(_MORE.search(remarks)),
        bool(_FEWER.search(remarks)),
        bool(_SPLIT.search(remarks)),
    )


def composed(brief: Brief, sources: Sequence[Source], wanted: Wishes) -> str:
    """Put a report together.

    Parameters
    ----------
    brief : Brief
        For its goal and the length that was asked for.
    sources : sequence of Source
        The material.
    wanted : Wishes
        What to heed.

    Returns
    -------
    str
        Markdown.
    """
    heading = title(brief)
    parts = [f"# {heading}" if heading else "", *_paragraphs(brief, sources, wanted)]
    parts += [_in_common(sources, heading), _missing(sources, wanted), _absent(brief)]
    if not sources:
        parts = [parts[0], "No findings came in.", _absent(brief)]
    return "\n\n".join(part for part in parts if part)


# ---------------------------------------------------------------------------------------------------------- paragraphs


def _paragraphs(brief: Brief, sources: Sequence[Source], wanted: Wishes) -> list[str]:
    n = _n_sentences(brief, sources, wanted)
    chosen = [Source(each.name, tuple(key_sentences(each.facts, n))) for each in sources]
    said = [fact for each in chosen for fact in each.facts]
    added = _added([fact for each in sources for fact in each.facts], said, wanted)
    full = [_full(each, mine.facts, added) for each, mine in zip(sources, chosen, strict=True)]
    if len(full) == 1 and not full[0].name:
        return [laid_out(_tidy(full[0].facts, wanted), brief.length)]
    return [_paragraph(each, wanted) for each in full if each.facts]


def _full(source: Source, chosen: Sequence[str], added: list[str]) -> Source:
    """Put what was added where it stood; what two sources hold is said by the first."""
    kept = {*chosen, *(fact for fact in added if fact in source.facts)}
    added[:] = [fact for fact in added if fact not in kept]
    return Source(source.name, tuple(dict.fromkeys(fact for fact in source.facts if fact in kept)))


def _n_sentences(brief: Brief, sources: Sequence[Source], wanted: Wishes) -> int:
    """Give how many sentences of each source are taken: few of many, and as the reviewer wants."""
    n = brief.length.n_sentences if len(sources) == 1 else 2 if len(sources) <= _FEW_SOURCES else 1
    if brief.length.is_said and len(sources) > 1:
        n = max(1, round(brief.length.n_sentences / len(sources)))
    return max(1, n + MORE_SENTENCES * wanted.more - wanted.fewer)


def _paragraph(source: Source, wanted: Wishes) -> str:
    said = joined(_tidy(source.facts, wanted))
    return f"**{source.name}:** {said}" if source.name else said


def _tidy(facts: Iterable[str], wanted: Wishes) -> list[str]:
    halves = [half for fact in facts for half in (_split(fact) if wanted.split else [fact])]
    return [clipped(each, LONGEST_SENTENCE_WORDS) for each in halves]


def _split(sentence: str) -> list[str]:
    """Make two sentences of a long one, at the seam nearest to its middle."""
    seams = list(_SEAM.finditer(sentence))
    if len(words(sentence)) <= LONGEST_READABLE_WORDS or not seams:
        return [sentence]
    seam = min(seams, key=lambda each: abs(each.start() - len(sentence) // 2))
    rest = sentence[seam.start() :].lstrip(";, ")
    return [f"{sentence[: seam.start()]}.", rest[:1].upper() + rest[1:]]


def _added(facts: Sequence[str], said: Sequence[str], wanted: Wishes) -> list[str]:
    """Give the sentences that are needed for the words and the number that were missing."""
    added: list[str] = []
    for word in wanted.words:
        added += _first(facts, [*said, *added], frozenset(terms(word)))
    if wanted.number and not any(map(has_number, [*said, *added])):
        added += [fact for fact in facts if has_number(fact)][:1]
    return added


def _first(facts: Sequence[str], said: Sequence[str], wanted: frozenset[str]) -> list[str]:
    if not wanted or any(wanted.intersection(terms(fact)) for fact in said):
        return []
    return [fact for fact in facts if wanted.intersection(terms(fact))][:1]


def has_number(text: str) -> bool:
    """Tell whether a text holds a digit."""
    return any(sign.isdigit() for sign in text)


# ------------------------------------------------------------------------------------------------------ closing lines


def _in_common(sources: Sequence[Source], heading: str) -> str:
    """Name what all sources speak of, beyond the subject itself."""
    if len(sources) <= 1:
        return ""
    bags = [Counter(terms(" ".join(source.facts))) for source in sources]
    known = {*terms(heading), *(term for source in sources for term in terms(source.name))}
    # More than once each, or it may be chance.
    everywhere = {
        term for term in bags[0] if all(term in bag for bag in bags) and sum(bag[term] for bag in bags) > len(bags)
    }
    shown = {term_of(word): word for word in reversed(words(" ".join(sources[0].facts))) if not has_number(word)}
    common = [word for term, word in reversed(shown.items()) if term in everywhere - known][:_MOST_IN_COMMON]
    whom = "Both" if len(sources) == 2 else f"All {len(sources)}"  # noqa: PLR2004 (as one says it)
    return f"{whom} speak of {listed(common)}." if common else ""


def _missing(sources: Sequence[Source], wanted: Wishes) -> str:
    """Say what was wanted and is not in the material."""
    if not (wanted.words or wanted.number):
        return ""
    known = frozenset(term for source in sources for fact in source.facts for term in terms(fact))
    absent = [f'"{word}"' for word in wanted.words if not known.intersection(terms(word))]
    if wanted.number and not any(has_number(fact) for source in sources for fact in source.facts):
        absent.append("a number")
    return f"The sources hold nothing on {listed(absent, 'or')}." if absent else ""


def _absent(brief: Brief) -> str:
    """Say who could not contribute."""
    return f"Nothing came from {'; '.join(brief.absent)}." if brief.absent else ""


# ------------------------------------------------------------------------------------------------------------ changes


def _remarks(brief: Brief) -> list[str]:
    """Give all that was remarked so far: every request since the first reply."""
    return [*brief.earlier_requests[1:], brief.request]


def _material(brief: Brief, remarks: Sequence[str]) -> tuple[Source, ...]:
    """Give the material of the first request, and what came to it: of tools, and facts that a person remarks."""
    first = split_request(brief.earlier_requests[0])[1] if brief.earlier_requests else ()
    told = [source for remark in remarks if not remark.startswith(CHANGES) for source in split_request(remark)[1]]
    results = [source for source in brief.sources if source.name]
    return tuple(dict.fromkeys([*first, *told, *results]))
