r"""TextRank: which sentences of a text matter, told from the text alone.

Think of the sentences as pages that link to each other. Two sentences that speak of the same things are linked, the
more strongly the more they share. A reader who jumps from sentence to sentence along these links, and now and then
(15 % of the time) anywhere, will be seen most often at the sentences that have most in common with all others: these
are what the text is about. Their shares of the time, the *ranks*, solve

.. math:: r_i = \frac{1 - d}{n} + d \sum_j \frac{w_{ij}}{\sum_k w_{jk}} r_j, \qquad d = 0.85

and are found by *power iteration*: begin with equal ranks and apply the equation until nothing changes any more. No
language is modelled, nothing was trained, and no sentence is said that was not in the text.

The likeness :math:`w_{ij}` is the cosine of the sentences' terms, each weighted by its rarity (idf). The matrix
:math:`w = X X^T - I` is never built: multiplying by :math:`X^T` and then by :math:`X` costs one look at each word of
the text instead of one at each pair of sentences.

References
----------
.. [1] R. Mihalcea and P. Tarau, "TextRank: Bringing Order into Texts", Proceedings of EMNLP 2004, pp. 404-411.
.. [2] G. Erkan and D. R. Radev, "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization", Journal
   of Artificial Intelligence Research 22 (2004), pp. 457-479: the cosine weighted by idf.

Examples
--------
>>> text = "Tides turn twice a day. My aunt likes green tea. Tides drive turbines in the bay. Ships avoid the turbines."
>>> key_sentences(text, 1)
['Tides drive turbines in the bay.']
>>> key_sentences(text, 1, focus={"aunt": 1.0})
['My aunt likes green tea.']
"""

from __future__ import annotations

from collections import Counter
from math import log, sqrt
from typing import TYPE_CHECKING

from mars_nb.agents.offline.words import sentences, terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Weights = Mapping[str, float]

DAMPING = 0.85
"""How often the reader follows a link instead of jumping anywhere."""

TOLERANCE = 1e-5
"""Ranks that change by less, all together, stand."""

MOST_ITERATIONS = 50
MOST_SENTENCES = 2_000
"""Sentences of a text that are looked at, about 200 kB."""

FEWEST_TERMS = 3
"""A sentence with fewer terms says too little by itself, as long as there are others."""

TOO_ALIKE = 0.7
"""Cosine from which two sentences say the same, and the second is left out."""

RELEVANT = 0.5
"""Share of what the best sentence holds of the focus, up to which a sentence is off the point."""

FOCUS = 4.0
"""How much more a sentence counts that speaks fully of what was asked about."""


def ranks(vectors: Sequence[Weights]) -> list[float]:
    """Rank sentences by what they have in common, by power iteration.

    Parameters
    ----------
    vectors : sequence of mapping of str to float
        The terms of each sentence with their weights; of length one, or empty.

    Returns
    -------
    list of float
        One for each sentence; their sum is 1 if each shares a term with another.

    Examples
    --------
    >>> [round(rank, 2) for rank in ranks([{"a": 0.6, "b": 0.8}, {"b": 1.0}, {"c": 1.0}])]
    [0.33, 0.33, 0.05]
    """
    if not vectors:
        return []
    n = len(vectors)
    strengths = _strengths(vectors)
    jump = (1 - DAMPING) / n
    current = [1 / n] * n
    for _ in range(MOST_ITERATIONS):
        following = _step(vectors, strengths, current, jump)
        change = sum(abs(new - old) for new, old in zip(following, current, strict=True))
        current = following
        if change < TOLERANCE:
            break
    return current


def key_sentences(text: str | Sequence[str], n: int = 3, *, focus: Weights | None = None) -> list[str]:
    """Choose the sentences that say most of what a text says.

    Parameters
    ----------
    text : str or sequence of str
        The text, or its sentences.
    n : int
        Most sentences to choose.
    focus : mapping of str to float, optional
        Terms that were asked about, with their weights: where any sentence holds some, only such are chosen, and
        of these only those that hold more than half of what the best does.

    Returns
    -------
    list of str
        In the order of the text, no two of them nearly alike.
    """
    every = list(dict.fromkeys(sentences(text) if isinstance(text, str) else text))[:MOST_SENTENCES]
    if len(every) <= n and not focus:
        return every
    bags = [terms(each) for each in every]
    vectors = weighted(bags)
    scores = _focused(ranks(vectors), bags, focus or {})
    best_first = sorted(range(len(every)), key=lambda at: (len(bags[at]) < FEWEST_TERMS, -round(scores[at], 9)))
    return [every[at] for at in sorted(_unlike(best_first, vectors, scores, n))]


def weighted(bags: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Weight the terms of each sentence by their rarity, and bring each sentence to length one.

    Parameters
    ----------
    bags : sequence of sequence of str
        The terms of each sentence.

    Returns
    -------
    list of dict of str to float
        Each with Euclidean length 1, or empty.
    """
    rarity = idf(bags)
    return [_unit({term: n * rarity[term] for term, n in Counter(bag).items()}) for bag in bags]


def idf(bags: Sequence[Sequence[str]]) -> dict[str, float]:
    """Give the rarity of each term: the logarithm of 1 + sentences / sentences with the term."""
    counts = Counter(term for bag in bags for term in dict.fromkeys(bag))
    return {term: log(1 + len(bags) / count) for term, count in counts.items()}


# ---------------------------------------------------------------------------------------------------- power iteration


def _step(vectors: Sequence[Weights], strengths: Sequence[float], current: Sequence[float], jump: float) -> list[float]:
    """Let the reader make one jump: rank goes from sentences to their terms, and from these to sentences."""
    flows = [rank / strength if strength else 0.0 for rank, strength in zip(current, strengths, strict=True)]
    by_term = _by_term(vectors, flows)
    return [
        # A sentence is not linked to itself: what flowed back over its own terms is taken off.
        jump + DAMPING * (sum(weight * by_term[term] for term, weight in vector.items()) - (flow if vector else 0.0))
        for vector, flow in zip(vectors, flows, strict=True)
    ]


def _strengths(vectors: Sequence[Weights]) -> list[float]:
    """Give how strongly each sentence is linked to all others together."""
    by_term = _by_term(vectors, [1.0] * len(vectors))
    all_links = [sum(weight * by_term[term] for term, weight in vector.items()) for vector in vectors]
    return [links - 1 if links - 1 > TOLERANCE else 0.0 for links in all_links]


def _by_term(vectors: Sequence[Weights], flows: Sequence[float]) -> dict[str, float]:
    total: dict[str, float] = {}
    for vector, flow in zip(vectors, flows, strict=True):
        for term, weight in vector.items():
            total[term] = total.get(term, 0.0) + weight * flow
    return total


def _unit(vector: dict[str, float]) -> dict[str, float]:
    length = sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / length for term, weight in vector.items()}


# ------------------------------------------------------------------------------------------------------------- choice


def _focused(found: Sequence[float], bags: Sequence[Sequence[str]], focus: Weights) -> list[float]:
    """Raise the ranks of sentences that speak of the focus; the others are out, unless none does."""
    relevance = [sum(focus.get(term, 0.0) for term in dict.fromkeys(bag)) for bag in bags]
    most = max(relevance, default=0.0)
    if not most:
        return list(found)
    shares = [each / most for each in relevance]
    return [rank * FOCUS**share if share > RELEVANT else 0.0 for rank, share in zip(found, shares, strict=True)]


def _unlike(best_first: Sequence[int], vectors: Sequence[Weights], scores: Sequence[float], n: int) -> list[int]:
    """Take the best, skipping what was said already; with a score of 0 only when there is nothing else."""
    chosen: list[int] = []
    for at in best_first:
        if len(chosen) == n:
            break
        if not chosen or (scores[at] > 0 and all(_cosine(vectors[at], vectors[one]) < TOO_ALIKE for one in chosen)):
            chosen.append(at)
    return chosen


def _cosine(left: Weights, right: Weights) -> float:
    return sum(weight * right.get(term, 0.0) for term, weight in left.items())
