"""Directives: the sentences of a message that say what to do, told from the facts by how they begin.

A directive opens with a verb that orders ("compare", "please write"), or ends with a question mark. A verb that is a
noun as well orders only before a word such as "the" or "how": "Research the tides", but not "Research shows ...".
"""

from __future__ import annotations

import re

from mars_nb.agents.offline.words import word_set, words

NOTE = "The offline model"
"""Every sentence by which the offline model speaks of itself begins so, and is no fact for others."""

LONGEST_DIRECTIVE_WORDS = 45
LONGEST_OPENING = 80
"""Characters in which the verb of an order has to stand."""

_ORDERS = word_set(
    "add advise analyse analyze answer ask bake buy cook deploy implement install invite learn publish schedule sell "
    "teach visit  assess assign book break bring build calculate check choose collect combine "
    "compare complete compose compute conclude consider convert cover create criticise debate decide define delegate "
    "describe design detail develop discuss divide draft draw edit estimate evaluate examine explain explore extract "
    "figure fill find fix focus gather generate get give go group help identify improve include investigate judge keep "
    "let list look make mention merge name note organise organize outline pick plan prepare propose prove provide put "
    "rank read recommend report research review revise rewrite route say search select send shorten show sketch solve "
    "sort split state study suggest sum summarise summarize take talk tell test think translate try turn use verify "
    "weigh work write "
    "beschreibe erkläre fasse finde nenne prüfe schreibe suche übersetze vergleiche zähle "
    "compare décris explique résume traduis écris compara describe escribe explica resume traduce"
)
_ALSO_NOUNS = word_set(
    "answer book cover debate design detail draft estimate figure focus group help judge look name note order outline "
    "plan research report review sketch sort split state study talk test turn use work"
)
"""Orders that are nouns as well: they order something only before a word such as "the", "how" or "on"."""

_AFTER_ORDERS = word_set(
    "a about all an and any at both each every for from her his how in into it its me my on our out some that the "
    "their them this these to two up us what when where whether which who why with your"
)
_POLITE = word_set("please then now next first second finally also and bitte let's can could would you i we")
_SEAM = re.compile(r"; |, (?:and |then |and then )?| and then | and |: ")
_LABEL = re.compile(r"^\s*(?:\d{1,2}[.)]\s*)?[\w .,#&-]{1,60}:\s+")


def is_directive(sentence: str) -> bool:
    """Tell whether a sentence orders or asks.

    Examples
    --------
    >>> [is_directive(text) for text in ("Please compare both.", "1. North: Find prices.", "Why?")]
    [True, True, True]
    >>> [is_directive(text) for text in ("It rains.", "Research shows that sleep helps.")]
    [False, False]
    """
    if sentence.startswith(NOTE):
        return False
    bare = _LABEL.sub("", sentence, count=1)
    if bare.rstrip("\"'”» ").endswith(("?", "？")):
        return True
    opening = [word.casefold() for word in words(bare[:LONGEST_OPENING])]
    first, second, *_ = [*(word for word in opening if word not in _POLITE), "", ""]
    orders = first in _ORDERS and (first not in _ALSO_NOUNS or second in _AFTER_ORDERS or not second)
    return orders and len(words(bare)) <= LONGEST_DIRECTIVE_WORDS


def clauses(sentence: str) -> list[str]:
    """Cut a directive where another order begins.

    Examples
    --------
    >>> clauses("Compare solar and wind power, and say which is cheaper.")
    ['Compare solar and wind power', 'Say which is cheaper']
    """
    parts: list[str] = []
    start = 0
    for seam in _SEAM.finditer(sentence):
        if is_directive(f"{sentence[seam.end() :]}.") and not sentence.rstrip().endswith("?"):
            parts.append(sentence[start : seam.start()])
            start = seam.end()
    bare = (part.strip().rstrip(".!;,") for part in (*parts, sentence[start:]))
    return [part[:1].upper() + part[1:] for part in bare if part]


def without_order(sentence: str) -> str:
    """Give what a directive is about: without the verb that orders, and the mark at its end.

    Examples
    --------
    >>> without_order("Please compare solar and wind power.")
    'solar and wind power'
    >>> without_order("How much is it?")
    'How much is it?'
    """
    bare = _LABEL.sub("", sentence, count=1).strip()
    opening, _, rest = bare.partition(" ")
    while rest and opening.casefold().strip(",") in _POLITE | _ORDERS:
        opening, _, rest = rest.partition(" ")
    return " ".join(f"{opening} {rest}".split()).rstrip(".!:;, ")
