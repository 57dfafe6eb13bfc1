"""Rules as text: ``timeout(300)``, ``max_turns(A <-> B, 3)``.

One reader for each word. A reader knows by its place what an argument is, so an agent may be called ``42``. Whatever
does not fit is an error that shows the form, and the line that was probably meant.

Examples
--------
>>> read_rule("retry(42, 3)")
RetryRule(agent='42', attempts=3)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.errors import RuleError, TopologyError, did_you_mean
from mars_nb.topology.names import MAX_QUOTE_LENGTH, clean_name, quoted, unquoted
from mars_nb.topology.repairs import repaired_arguments
from mars_nb.topology.rules import (
    BaseRule,
    BudgetRule,
    MaxParallelRule,
    MaxStepsRule,
    MaxTokensRule,
    MaxTurnsRule,
    ParallelRule,
    PauseBeforeRule,
    QuorumRule,
    RetryRule,
    TimeoutRule,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.topology.rules import Rule

MAX_NUMBER_LENGTH = 40
MAX_RULE_LENGTH = 1_000_000


def _decimal(text: str) -> float:
    whole, _, fraction = text.partition(".")
    if not (text.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in text)):
        raise RuleError(f"{quoted(text)} is not a plain number")
    if len(text) > MAX_NUMBER_LENGTH:
        raise RuleError(f"{quoted(text)} has more than {MAX_NUMBER_LENGTH} digits")
    return float(text)


def _integer(text: str) -> int:
    value = _decimal(text)
    if value != int(value):
        raise RuleError(f"{quoted(text)} is not a whole number")
    return int(value)


def _name(text: str) -> str:
    return clean_name(unquoted(text.strip()))


def _last(arguments: list[str], *, named: bool | None) -> tuple[str, str | None]:
    """Split ``[Agent,] number`` (``named`` tells whether the agent must be there; None: it may)."""
    expected = {True: (2,), False: (1,), None: (1, 2)}[named]
    if len(arguments) not in expected:
        raise RuleError("1 argument" if len(arguments) == 1 else f"{len(arguments)} arguments")
    return arguments[-1], _name(arguments[0]) if len(arguments) > 1 else None


def _timeout(arguments: list[str]) -> Rule:
    seconds, agent = _last(arguments, named=None)
    return TimeoutRule(max_duration=_decimal(seconds), agent=agent)


def _quorum(arguments: list[str]) -> Rule:
    share, agent = _last(arguments, named=None)
    return QuorumRule(share=_decimal(share), agent=agent)


def _retry(arguments: list[str]) -> Rule:
    attempts, agent = _last(arguments, named=True)
    return RetryRule(agent=agent or "", attempts=_integer(attempts))


def _max_turns(arguments: list[str]) -> Rule:
    turns, _ = _last(arguments[1:], named=False)
    source, arrow, target = arguments[0].partition("<->")
    if not arrow:
        raise RuleError(f"{quoted(arguments[0])} is no conversation")
    return MaxTurnsRule(source=_name(source), target=_name(target), turns=_integer(turns))


_READERS: dict[str, tuple[type[BaseRule], Callable[[list[str]], Rule]]] = {
    "timeout": (TimeoutRule, _timeout),
    "max_turns": (MaxTurnsRule, _max_turns),
    "max_steps": (MaxStepsRule, lambda given: MaxStepsRule(steps=_integer(_last(given, named=False)[0]))),
    "parallel": (ParallelRule, lambda given: ParallelRule(agents=tuple(map(_name, given)))),
    "max_parallel": (MaxParallelRule, lambda given: MaxParallelRule(limit=_integer(_last(given, named=False)[0]))),
    "max_agents": (MaxParallelRule, lambda given: MaxParallelRule(limit=_integer(_last(given, named=False)[0]))),
    "retry": (RetryRule, _retry),
    "quorum": (QuorumRule, _quorum),
    "pause_before": (PauseBeforeRule, lambda given: PauseBeforeRule(agent=_name(_last(given, named=False)[0]))),
    "budget": (BudgetRule, lambda given: BudgetRule(max_usd=_decimal(_last(given, named=False)[0]))),
    "max_tokens": (MaxTokensRule, lambda given: MaxTokensRule(tokens=_integer(_last(given, named=False)[0]))),
}
RULE_WORDS: tuple[str, ...] = tuple(_READERS)
"""The words that begin a rule, `max_agents` (an alias of `max_parallel`) among them."""


def read_rule(text: str) -> Rule:
    """Read one rule; `mars_nb.topology.rules.parse_rule` tells more."""
    line = " ".join(text.split())
    if len(line) > MAX_RULE_LENGTH:
        raise RuleError(f"{quoted(line)}: a rule has at most {MAX_RULE_LENGTH:,} characters")
    word, arguments = _call(line)
    kind, read = _READERS[word]
    try:
        return read(arguments)
    except TopologyError as error:
        meant = _meant(word, arguments)
        raise RuleError(f"{quoted(line)}: {_reason(error)}; expected {kind.example}{meant}") from None


def _call(line: str) -> tuple[str, list[str]]:
    word, bracket, rest = line.partition("(")
    word = word.strip()
    if not bracket or not word.isidentifier():
        raise RuleError(f"{quoted(line)} is no rule; expected a word and brackets, like 'timeout(300)'")
    if word not in _READERS:
        near = did_you_mean(word[:MAX_QUOTE_LENGTH], RULE_WORDS) or f"; expected one of {', '.join(RULE_WORDS)}"
        raise RuleError(f"{quoted(line)}: unknown rule {quoted(word)}{near}")
    inner, closed, after = rest.rpartition(")")
    if not closed or after or "(" in inner or ")" in inner:
        raise RuleError(f"{quoted(line)}: the brackets do not fit; expected {_READERS[word][0].example}")
    return word, [argument.strip() for argument in inner.split(",")] if inner.strip() else []


def _reason(error: TopologyError) -> str:
    """Give what is wrong without the constructor that found it: the reader wrote a line of text."""
    text = str(error)
    call, colon, reason = text.partition("): ")
    return reason if colon and call.split("(")[0].endswith("Rule") else text


def _meant(word: str, arguments: list[str]) -> str:
    """Suggest the rule that was probably meant: units computed, keywords and currency dropped, the arrow put right."""
    try:
        return f"; did you mean {quoted(str(_READERS[word][1](repaired_arguments(word, arguments))))}?"
    except TopologyError:
        return ""
