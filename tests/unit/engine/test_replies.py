"""What a reply may ask for, and how many branches and steps there may be."""

from __future__ import annotations

import pytest

from mars_nb.actions import Final, Invoke, Parallel
from mars_nb.engine.rules import MAX_DEPTH, RulesEngine
from mars_nb.engine.validation import ValidationProcessor, allowed_targets
from mars_nb.errors import ReplyError
from mars_nb.topology.rules import parse_rule
from tests.property.driver import Driver
from tests.unit.engine.play import Script, ask, play

TALK = "User -> A\nA <-> B\nA -> User\nmax_turns(A <-> B, 2)"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Invoke("Bo", "x"), "no edge leads from 'A' to 'Bo'; did you mean 'B'?; 'A' may ask 'B', 'User'"),
        (Parallel([("B", 1), ("Z", 2)]), "no edge leads from 'A' to 'Z'"),
        (Parallel([]), "Parallel([]) names nobody"),
        (ask("B", "B", "B"), "has used up its 2 turns; 'A' may ask 'B', 'User'"),
    ],
)
def test_an_action_that_the_topology_does_not_allow_is_not_executed(reply: object, message: str) -> None:
    run = play(TALK, {"A": [reply]})
    assert message in run.error
    assert run.order == "A"


def test_a_refusal_names_whom_the_agent_may_ask() -> None:
    driver = Driver(Script({"A": [Invoke("B", 1), Invoke("B", 2), Invoke("B", 3)]}))
    driver.begin(TALK, "TASK")
    for _ in range(4):
        driver.happen(driver.choices()[0])
    branch = driver.state.branches["b0"]
    assert allowed_targets(driver.state, branch) == ("User",)
    with pytest.raises(ReplyError, match="has used up its 2 turns; 'A' may ask 'User'") as refusal:
        ValidationProcessor(driver.state).validate(branch, Invoke("B", 3))
    assert refusal.value.allowed == ("User",)
    ValidationProcessor(driver.state).validate(branch, Final("enough"))


def test_whoever_may_ask_nobody_is_told_so() -> None:
    assert "'A' may ask nobody" in play("User -> A", {"A": [Invoke("B", 1)]}).error


def test_explicit_actions_have_no_limit_without_a_rule() -> None:
    run = play("User -> A\nA <-> B", {"A": [Invoke("B", n) for n in range(5)]})
    assert run.asked("B") == [0, 1, 2, 3, 4]


def test_a_reply_to_a_message_is_always_allowed() -> None:
    talk = "User -> A\nA <-> B\nmax_turns(A <-> B, 1)"
    run = play(talk, {"A": [Invoke("B", "one")], "B": [Invoke("A", "two")]})
    assert (run.succeeded, run.asked("A")) == (True, ["TASK", "two"])


def test_a_partner_who_did_not_open_has_nothing_more_to_say_once_the_turns_are_used_up() -> None:
    talk = "User -> A\nA <-> B\nA -> C\nC -> B\nmax_turns(A <-> B, 1)"
    run = play(talk, {"A": [Invoke("B", "one"), Invoke("C", "two")], "B": [Invoke("A", "reply"), Invoke("A", "more")]})
    assert "has used up its 1 turns" in run.error


def test_going_back_to_the_caller_is_never_refused() -> None:
    run = play(
        "User -> A\nA <-> B\nA <-> C\nC -> B\nB -> C\nmax_turns(B <-> C, 1)",
        {"A": [ask("B", "C"), Final("done")], "B": [ask("C")], "C": [Invoke("B", 1), Invoke("B", 2)]},
    )
    assert "A" in run.order


# ------------------------------------------------------------------------------------------------------------- limits


def test_a_run_that_needs_max_steps_succeeds() -> None:
    run = play("User -> A -> B -> C -> User", max_steps=3)
    assert (run.succeeded, run.state.n_completed) == (True, 3)


def test_a_run_that_needs_one_more_stops_before_it_and_keeps_what_it_has() -> None:
    run = play("User -> A\nA -> B\nA -> C\nC -> D\nB -> User", max_steps=3)
    assert (run.succeeded, run.state.n_completed, run.answer) == (False, 3, "B#1")
    assert run.error.startswith("max_steps(3) reached: 3 steps are done and another was to start")


def test_the_rule_max_steps_is_the_limit_as_well() -> None:
    assert "max_steps(1)" in play("User -> A -> B\nmax_steps(1)").error


def test_steps_in_flight_count_against_max_steps_and_failed_ones_do_not() -> None:
    run = play("User -> A\nA -> B, C, D", {"B": [ValueError("down")]}, max_steps=3)
    assert run.order == "A B C D"


def test_max_parallel_limits_the_steps_that_run_at_once() -> None:
    driver = Driver(Script({}))
    driver.begin("User -> A\nA -> B, C, D\nmax_parallel(2)", "TASK")
    driver.happen("b0#1")
    assert driver.choices() == ["b0.0#1", "b0.1#1"]
    driver.happen("b0.0#1")
    assert driver.choices() == ["b0.1#1", "b0.2#1"]


def test_too_many_live_branches_are_refused() -> None:
    wide = "User -> A\nA -> B, C, D"
    assert "would make 3 live branches, more than max_branches=2" in play(wide, max_branches=2).error
    assert play(wide, max_branches=3).succeeded
    assert "max_branches=2" in play(wide, {"A": [ask("B", "C", "D")]}, max_branches=2).error


def test_plain_content_for_few_of_many_neighbours_is_not_refused() -> None:
    """A has three neighbours and two branches may live, but the group that is taken holds one of them."""
    assert play("User -> A\nA <-> B\nA -> User\nA -> End", max_branches=1).succeeded


def test_calls_within_calls_have_a_bottom() -> None:
    deeper = {one: [ask(other)] * 100 for one, other in ("AB", "BC", "CA")}
    run = play("User -> A\nA <-> B\nB <-> C\nC <-> A", deeper, max_steps=500)
    assert f"more than {MAX_DEPTH} frames deep" in run.error


def test_a_limit_given_as_a_rule_and_as_an_argument_is_the_lower_one() -> None:
    rule = parse_rule("max_steps(5)")
    assert [RulesEngine([rule], max_steps=n).max_steps for n in (4, 5, 6, None)] == [4, 5, 5, 5]


def test_rules_become_lookups_with_defaults() -> None:
    texts = ["timeout(9)", "timeout(A, 2)", "budget(0.5)", "max_tokens(7)", "pause_before(A)", "retry(A, 2)"]
    engine = RulesEngine(map(parse_rule, texts))
    assert (engine.timeout_s, engine.step_timeout_s("A"), engine.step_timeout_s("B")) == (9, 2, None)
    assert (engine.budget_usd, engine.max_tokens, engine.pause_before) == (0.5, 7, frozenset({"A"}))
    assert (engine.attempts("A"), engine.attempts("B"), engine.quorum("A"), engine.turns("A", "B")) == (2, 1, 1.0, None)
