"""The offline model on texts: the sentences that a reader would call the key ones, in several languages."""

from __future__ import annotations

import pytest

from mars_nb.agents.offline.textrank import key_sentences, ranks, weighted
from mars_nb.agents.offline.words import sentences, terms, words
from tests.unit.agents.offline_dialogue import ask

BEES = """\
Honey bees dance to tell other bees where flowers are. My grandfather kept hives behind the shed. The dance of a bee
shows the direction of the flowers by its angle to the sun. The longer the bee dances, the farther away the flowers are.
He wore an old straw hat. Karl von Frisch read the dance of the bees in the 1940s. Rain fell on the day of the prize.
Other bees follow the dancing bee closely and then fly to the flowers."""

BRIDGE = """\
The old bridge over the Lenne was closed in 2021. Engineers had found cracks in the steel of the bridge. Traffic now
takes a road through the town, which is full every morning. The town council met on a Tuesday. A new bridge of steel and
concrete will cost 170 million euros. Coffee was served. The new bridge will carry more traffic than the old bridge, and
engineers expect that it opens in 2027."""

SLEEP = """\
Pupils who sleep eight hours remember more of what they learn. The study ran in three schools. Sleep lets the brain
store what pupils learn during the day. The headmaster has a dog. Pupils who sleep less than six hours remember fewer
words on the next day. Lunch is at noon. The study concludes that more sleep helps pupils to learn and to remember."""


@pytest.mark.parametrize(
    ("text", "central", "beside"),
    [
        (BEES, ["Honey bees dance", "The dance of a bee", "Other bees follow"], ["hat", "Rain", "grandfather"]),
        (BRIDGE, ["The new bridge will carry"], ["Coffee", "Tuesday"]),
        (SLEEP, ["The study concludes", "Pupils who sleep eight"], ["dog", "Lunch"]),
    ],
)
def test_the_key_sentences_are_those_that_the_text_is_about(text: str, central: list[str], beside: list[str]) -> None:
    chosen = key_sentences(text, 4)
    assert all(any(sentence.startswith(opening) for sentence in chosen) for opening in central), chosen
    assert not any(word in sentence for sentence in chosen for word in beside), chosen


def test_key_sentences_keep_the_order_of_the_text() -> None:
    every = sentences(BEES)
    chosen = key_sentences(BEES, 4)
    assert chosen == sorted(chosen, key=every.index)


def test_what_was_said_already_is_not_said_again() -> None:
    twice = ["The tide turns twice a day.", "The tide turns twice each day.", "Ships wait for the tide.", "It rains."]
    assert key_sentences(twice, 2) == ["The tide turns twice a day.", "Ships wait for the tide."]


def test_a_sentence_that_shares_with_nobody_ranks_last() -> None:
    vectors = weighted([terms("tides turn"), terms("tides rise"), terms("tea is green")])
    first, second, third = ranks(vectors)
    assert first == pytest.approx(second)
    assert third < first / 2


def test_ranks_sum_to_one_where_every_sentence_has_a_link() -> None:
    vectors = weighted([terms(sentence) for sentence in sentences(SLEEP)[:3:2]])
    assert sum(ranks(vectors)) == pytest.approx(1)


def test_ranks_solve_the_equation_of_the_random_reader() -> None:
    vectors = weighted([terms(sentence) for sentence in sentences(BEES)])
    n, found = len(vectors), ranks(vectors)
    likeness = [[sum(x * b.get(term, 0) for term, x in a.items()) * (a is not b) for b in vectors] for a in vectors]
    strengths = [sum(row) for row in likeness]
    for i in range(n):
        links = sum(likeness[i][j] / strengths[j] * found[j] for j in range(n) if strengths[j])
        assert found[i] == pytest.approx(0.15 / n + 0.85 * links, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Fox met Dr. Owl, e.g. at 5 p.m. on Monday. They talked.", 2),
        ("It costs 3.50 euros. Is that much? No!", 3),
        ("Das gilt z.B. für Hunde. Katzen d.h. Kater auch.", 2),
        ("¿Llueve? Sí. ¡Mucho!", 3),
        ("# Heading\n\n- one point\n- another point", 2),
        ("هذا نص. هل هو قصير؟ نعم.", 3),
        ("यह वाक्य है। यह दूसरा है।", 2),
        ("今日は晴れです。明日は「雨です。」と聞いた。", 3),
        ("A line that was wrapped by an editor because it was long\ngoes on here. Next.", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: int) -> None:
    assert len(sentences(text)) == expected, sentences(text)


def test_words_of_scripts_without_spaces_are_pairs_of_signs() -> None:
    assert words("潮が満ちる abc") == ["潮が", "が満", "満ち", "ちる", "abc"]


@pytest.mark.parametrize(
    ("instructions", "text", "expected"),
    [
        (
            "Fasse in einem Satz zusammen.",
            "Gezeiten wechseln. Meine Tante trinkt Tee. Die Nordsee hat hohe Gezeiten. Die Nordsee steigt.",
            "Die Nordsee hat hohe Gezeiten.",
        ),
        (
            "Résume en une phrase.",
            "La marée monte. Ma tante boit du thé. La lune attire la mer et fait monter la marée. La mer suit la lune.",
            "La lune attire la mer et fait monter la marée.",
        ),
        (
            "Answer in one sentence.",
            "潮は一日に二回満ちる。私の叔母は緑茶が好きだ。月が海の水を引くので海の潮が満ちる。海の水は月に従う。",
            "月が海の水を引くので海の潮が満ちる。",
        ),
    ],
)
def test_any_language_is_read(instructions: str, text: str, expected: str) -> None:
    assert ask(instructions, text).text == expected
