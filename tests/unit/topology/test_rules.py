from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.errors import RuleError
from mars_nb.topology.rules import (
    BudgetRule,
    MaxParallelRule,
    MaxStepsRule,
    MaxTokensRule,
    MaxTurnsRule,
    ParallelRule,
    PauseBeforeRule,
    QuorumRule,
    RetryRule,
    Rule,
    TimeoutRule,
    parse_rule,
    without_repetition,
)

WRITTEN = {
    "timeout(300)": TimeoutRule(max_duration=300),
    "timeout(Agent, 0.5)": TimeoutRule(max_duration=0.5, agent="Agent"),
    "max_turns(A <-> B, 3)": MaxTurnsRule(source="A", target="B", turns=3),
    "max_turns(User <-> A, 3)": MaxTurnsRule(source="User", target="A", turns=3),
    "max_steps(50)": MaxStepsRule(steps=50),
    "parallel(A, B, Market Researcher)": ParallelRule(agents=("A", "B", "Market Researcher")),
    "max_parallel(8)": MaxParallelRule(limit=8),
    "retry(42, 3)": RetryRule(agent="42", attempts=3),
    "quorum(0.5)": QuorumRule(share=0.5),
    "quorum(Judge, 1)": QuorumRule(share=1, agent="Judge"),
    "pause_before(Devil's Advocate)": PauseBeforeRule(agent="Devil's Advocate"),
    "budget(0.5)": BudgetRule(max_usd=0.5),
    "max_tokens(20000)": MaxTokensRule(tokens=20_000),
}


@pytest.mark.parametrize(("text", "rule"), WRITTEN.items())
def test_a_rule_and_its_text_are_each_others_inverse(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule
    assert str(rule) == text


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("max_agents(8)", "max_parallel(8)"),
        (" timeout ( 300.0 ) ", "timeout(300)"),
        ("budget(0.50)", "budget(0.5)"),
        ("max_turns(\"Market Researcher\" <-> 'W', 3)", "max_turns(Market Researcher <-> W, 3)"),
        ("max_turns(A<->B,3)", "max_turns(A <-> B, 3)"),
    ],
)
def test_other_spellings_have_one_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_rule(text)) == canonical


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("max_turn(A <-> B, 3)", "did you mean 'max_turns'?"),
        ("frobnicate(3)", "expected one of timeout"),
        ("timeout(5 min)", "in seconds; did you mean 'timeout(300)'?"),
        ("timeout(2h)", "did you mean 'timeout(7200)'?"),
        ("timeout(max_duration=300)", "did you mean 'timeout(300)'?"),
        ("timeout(Agent, 30 s)", "did you mean 'timeout(Agent, 30)'?"),
        ("max_turns(A -> B, 3)", "did you mean 'max_turns(A <-> B, 3)'?"),
        ("max_turns(A, B, 3)", "did you mean 'max_turns(A <-> B, 3)'?"),
        ("quorum(50%)", "did you mean 'quorum(0.5)'?"),
        ("budget($0.50)", "did you mean 'budget(0.5)'?"),
        ("timeout(0)", "greater than 0"),
        ("timeout(-1)", "not a plain number"),
        ("timeout(1e5)", "not a plain number"),
        ("timeout(inf)", "not a plain number"),
        ("timeout(٣)", "not a plain number"),
        ("timeout(9999999999999)", "at most 10^12"),
        (f"timeout({'9' * 50})", "more than 40 digits"),
        ("timeout()", "0 arguments"),
        ("timeout(A, B, 3)", "3 arguments"),
        ("timeout((((1))))", "expected timeout(300)"),
        ("timeout(3", "expected timeout(300)"),
        ("timeout(3) and more", "expected timeout(300)"),
        ("timeout", "expected a word and brackets"),
        ("max_steps(2.5)", "not a whole number"),
        ("quorum(1.5)", "at most 1"),
        ("parallel(A)", "at least two agents"),
        ("parallel(A, A)", "named twice"),
        ("parallel(A, )", "a name cannot be empty"),
        ("retry(3)", "expected retry(Agent, 3)"),
        ("max_turns()", "expected max_turns"),
        ("max_turns(3)", "expected max_turns"),
        ("pause_before(A#1)", "names cannot contain '#'"),
        ("parallel(" + "A, " * 400_000 + "B)", "at most 1,000,000 characters"),
    ],
)
def test_a_malformed_rule_is_told_what_was_expected(text: str, told: str) -> None:
    with pytest.raises(RuleError) as error:
        parse_rule(text)
    assert told in str(error.value)
    assert len(str(error.value)) < 300
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "3", None, 10**400, 1e13])
def test_a_wrong_number_is_one_line(value: object) -> None:
    with pytest.raises(RuleError) as error:
        TimeoutRule(max_duration=value)  # type: ignore[arg-type]  # what a user may write
    assert "\n" not in str(error.value)
    assert isinstance(error.value, ValueError)


def test_a_missing_or_unknown_field_is_one_line() -> None:
    with pytest.raises(RuleError, match="TimeoutRule: 'max_duration' is missing"):
        TimeoutRule()  # type: ignore[call-arg]  # what a user may write
    with pytest.raises(RuleError, match="not permitted"):
        MaxStepsRule(steps=3, agent="A")  # type: ignore[call-arg]  # what a user may write


def test_agent_objects_stand_for_their_names() -> None:
    assert RetryRule(agent=_Agent(), attempts=2).agent == "Writer"  # type: ignore[arg-type]  # agents are welcome
    assert ParallelRule(agents=["A", _Agent()]).agents == ("A", "Writer")  # type: ignore[arg-type]  # so are lists


class _Agent:
    name = "Writer"


def test_the_same_rule_twice_is_one_rule() -> None:
    twice = [TimeoutRule(max_duration=3), TimeoutRule(max_duration=3)]
    assert without_repetition(twice) == (TimeoutRule(max_duration=3),)
    pair = [MaxTurnsRule(source="A", target="B", turns=3), MaxTurnsRule(source="B", target="A", turns=3)]
    assert without_repetition(pair) == (pair[0],)


@pytest.mark.parametrize(
    "texts",
    [
        ("timeout(3)", "timeout(4)"),
        ("retry(A, 1)", "retry(A, 2)"),
        ("max_turns(A <-> B, 1)", "max_turns(B <-> A, 2)"),
        ("max_agents(1)", "max_parallel(2)"),
    ],
)
def test_two_rules_that_contradict_each_other_are_refused(texts: tuple[str, str]) -> None:
    with pytest.raises(RuleError, match="contradict"):
        without_repetition(map(parse_rule, texts))


def test_rules_about_different_things_stand_side_by_side() -> None:
    rules = tuple(map(parse_rule, ("timeout(3)", "timeout(A, 4)", "timeout(B, 5)", "parallel(A, B)", "parallel(B, C)")))
    assert without_repetition(rules) == rules


@given(st.floats(min_value=1e-9, max_value=1e12))
def test_every_duration_survives_its_text(seconds: float) -> None:
    rule = TimeoutRule(max_duration=seconds)
    assert parse_rule(str(rule)) == rule
