"""Failures: where they count, what they block, when they are settled, and what is tried again."""

from __future__ import annotations

from mars_nb.actions import Final, Invoke
from mars_nb.events import RunResumed
from tests.property.driver import Driver
from tests.unit.engine.play import Replies, Script, ask, play

DOWN = ValueError("down")
DIAMOND = "User -> A\nA -> B\nA -> C\nB -> D\nC -> D\nD -> User"
HUB = "User -> A\nA <-> B\nA <-> C\nA <-> D\nA -> User"


def test_a_leaf_that_fails_fails_the_run() -> None:
    run = play("User -> A -> B -> User", {"B": [DOWN]})
    assert (run.succeeded, run.answer) == (False, None)
    assert run.error == "B (b0#2) failed: ValueError: down"


def test_a_join_needs_all_its_contributors_by_default() -> None:
    run = play(DIAMOND, {"B": [DOWN]})
    assert run.asked("D") == []
    assert run.error == (
        "B (b0.0#1) failed: ValueError: down; this blocks D, which needs all of its contributors and has 1 of 2"
    )


def test_whether_the_failure_or_the_arrival_comes_first_makes_no_difference() -> None:
    assert play(DIAMOND, {"B": [DOWN]}, slow="C").error == play(DIAMOND, {"B": [DOWN]}, slow="B").error


def test_a_quorum_lets_a_join_run_with_who_survived() -> None:
    run = play(f"{DIAMOND}\nquorum(D, 0.5)", {"B": [DOWN]})
    assert (run.succeeded, run.asked("D"), run.answer) == (True, ["C#1"], "D#1")
    assert run.failures("b0.1#2") == ["b0.0"]


def test_a_quorum_still_waits_for_everybody_who_may_come() -> None:
    run = play("User -> A\nA -> B, C, E\nB, C, E -> D\nquorum(0.5)", {"B": [DOWN]}, slow="E")
    assert run.asked("D") == [{"C": "C#1", "E": "E#1"}]


def test_nobody_at_all_is_never_enough() -> None:
    run = play(f"{HUB}\nquorum(0.1)", {"A": [ask("B", "C")], "B": [DOWN], "C": [DOWN]})
    assert not run.succeeded
    assert "A, which needs 10% of its contributors and has 0 of 2" in run.error


def test_a_caller_resumes_with_the_answers_that_its_quorum_asks_for() -> None:
    run = play(f"{HUB}\nquorum(A, 0.6)", {"A": [ask("B", "C", "D"), Final("done")], "C": [DOWN]})
    assert (run.answer, run.asked("A")[1]) == ("done", {"B": "B#1", "D": "D#1"})
    run = play(f"{HUB}\nquorum(A, 0.7)", {"A": [ask("B", "C", "D"), Final("done")], "C": [DOWN]})
    assert not run.succeeded


def test_a_frame_with_an_answer_counts_as_answered_whatever_else_failed_in_it() -> None:
    run = play(
        "User -> A\nA <-> B\nA <-> C\nB -> X\nB -> Y",
        {"A": [ask("B", "C"), Final("done")], "B": [ask("X", "Y")], "X": [DOWN], "Y": [Final("y")]},
    )
    assert not run.succeeded, "X and Y are called, so it is B that lacks an answer"
    run = play(
        "User -> A\nA <-> B\nA <-> C\nB -> X\nB -> Y\nX -> Z\nY -> W",
        {"A": [ask("B", "C"), Final("done")], "X": [DOWN], "B": [ask("X", "Y")]},
    )
    assert (run.answer, run.asked("A")[1]) == ("done", {"W": "W#1", "C": "C#1"})


def test_a_blocked_join_counts_as_one_failed_contributor_in_its_place() -> None:
    edges = "User -> A\nA -> B, C, E1\nB, C -> J\nJ, E1 -> E"
    run = play(f"{edges}\nquorum(E, 0.5)", {"B": [DOWN]})
    assert (run.succeeded, run.asked("J"), run.asked("E"), run.answer) == (True, [], ["E1#1"], "E#1")
    assert run.failures("b0.2#2") == ["b0.0"]
    run = play(f"{edges}\nquorum(E, 0.6)", {"B": [DOWN]})
    assert "J, which needs all of its contributors and has 1 of 2" in run.error
    assert "E, which needs 60% of its contributors and has 1 of 2" in run.error


def test_a_blocked_join_can_block_two_joins_and_is_given_up_by_the_one_that_can_do_without() -> None:
    edges = "User -> A\nA -> B, C, D, E\nB -> C, D, E\nC -> D, E\nD -> E\nquorum(E, 0.3)"
    run = play(edges, {"C": [DOWN]}, slow="C")
    assert (run.succeeded, run.asked("D"), run.asked("E")) == (True, [], [{"A": "A#1", "B": "B#1"}])


def test_a_settled_failure_blocks_nobody_any_more() -> None:
    """B's failure counts at C and at D; C can do without, which settles it, and then D lacks nobody."""
    edges = "User -> A\nA -> B, X, Y\nB -> C, D\nX -> C\nY -> D\nquorum(C, 0.5)"
    for slow in ("X", "Y", "B"):
        run = play(edges, {"B": [DOWN]}, slow=slow)
        assert (run.succeeded, run.asked("C"), run.asked("D")) == (True, ["X#1"], ["Y#1"])
        assert {each.id for each in run.driver.steps if run.failures(each.id) == ["b0.0"]} == {"b0.1#2", "b0.2#2"}


def test_a_settled_failure_does_not_count_further_down() -> None:
    run = play("User -> A\nA -> B, C, E\nB, C -> D\nD, E -> F\nquorum(D, 0.5)", {"B": [DOWN]})
    assert (run.succeeded, run.asked("F")) == (True, [{"D": "D#1", "E": "E#1"}])


def test_a_failure_climbs_from_frame_to_frame_until_somebody_can_do_without() -> None:
    tree = "User -> M\nM <-> L1\nM <-> L2\nL1 <-> D1\nL1 <-> D2\nM -> User"
    run = play(tree, {"D1": [DOWN]})
    assert [branch.ended for branch in run.state.branches.values()].count("returned") == 2
    assert run.error == (
        "D1 (b0.0.0#1) failed: ValueError: down; "
        "this blocks L1, which needs all of its contributors and has 1 of 2; "
        "this blocks M, which needs all of its contributors and has 1 of 2"
    )
    run = play(f"{tree}\nquorum(M, 0.5)", {"D1": [DOWN]})
    assert (run.answer, run.asked("M")[1]) == ("M#2", "L2#1")
    assert run.failures("b0#2") == ["b0.0.0"]


def test_a_blocked_caller_can_be_given_up_by_a_join_that_it_could_have_reached() -> None:
    edges = "User -> A\nA -> P, Q\nP <-> X\nP <-> Y\nP, Q -> J\nquorum(J, 0.5)"
    run = play(edges, {"X": [DOWN]})
    assert (run.succeeded, run.asked("J")) == (True, ["Q#1"])


def test_siblings_of_a_failure_finish_and_keep_their_work() -> None:
    run = play("User -> A\nA -> B, C\nC -> D\nD -> User", {"B": [DOWN]}, slow="D")
    assert (run.succeeded, run.answers) == (False, {"D": "D#1"})


def test_a_failure_in_a_call_whose_caller_stands_at_a_join_counts_there_once() -> None:
    run = play(
        "User -> A\nA -> B1\nA -> B2\nB1 -> C\nB2 -> A\nC -> A\nquorum(A, 0.5)",
        {"A": [ask("B1", "B2"), Final("done")], "B2": [DOWN]},
    )
    assert (run.answer, run.asked("A")[1]) == ("done", "C#1")


def test_retry_asks_again_and_the_attempts_count_as_one_step() -> None:
    run = play("User -> A\nretry(A, 3)", {"A": [DOWN, DOWN, "at last"]})
    assert (run.answer, run.state.n_completed, run.step_ids) == ("at last", 1, ["b0#1"] * 3)


def test_retry_gives_up_after_so_many_attempts() -> None:
    run = play("User -> A\nretry(A, 2)", {"A": [DOWN, DOWN, "too late"]})
    assert run.error == "A (b0#1) failed after 2 attempts: ValueError: down"


def test_retry_covers_a_reply_that_is_not_allowed() -> None:
    assert play("User -> A\nA <-> B\nretry(A, 2)", {"A": [ask("Z"), Final("better")]}).answer == "better"


def test_resuming_a_failed_run_retries_only_what_failed() -> None:
    driver = Driver(Script({"B": [DOWN]}))
    driver.begin(DIAMOND, "TASK")
    while driver.choices():
        driver.happen(driver.choices()[0])
    assert driver.state.status == "failed"
    driver.tell(RunResumed())
    while driver.choices():
        driver.happen(driver.choices()[0])
    assert [step.id for step in driver.steps] == ["b0#1", "b0.0#1", "b0.1#1", "b0.0#1", "b0.jD#1"]
    assert driver.final_response() == "D#1"


def test_resuming_does_not_retry_what_a_join_went_on_without() -> None:
    driver = Driver(Script({"B": [DOWN], "D": [DOWN]}))
    driver.begin(f"{DIAMOND}\nquorum(D, 0.5)", "TASK")
    while driver.choices():
        driver.happen(driver.choices()[0])
    driver.tell(RunResumed())
    while driver.choices():
        driver.happen(driver.choices()[0])
    assert [step.agent for step in driver.steps] == ["A", "B", "C", "D", "D"]
    assert driver.state.status == "succeeded"


def test_a_blocked_join_goes_on_when_one_more_arrives_after_all() -> None:
    """Blocked is derived, never stored: X comes back through the fork, for which D did not wait."""
    run = play(
        "User -> A\nA -> B, C, X\nB, C, A -> D\nX -> Y\nY -> A\nquorum(D, 0.6)",
        {"A": [ask("B", "C", "X"), Invoke("D", "once more")], "B": [DOWN]},
        slow="X",
    )
    assert (run.succeeded, run.asked("D")) == (True, [{"C": "C#1", "A": "once more"}])


def test_causes_are_told_in_branch_order_whoever_failed_first() -> None:
    edges = "User -> A\nA <-> B\nA <-> C\nB <-> X\nC <-> Y"
    hard: Replies = {"B": [ask("X")], "C": [ask("Y")], "X": [DOWN], "Y": [DOWN]}
    errors = {play(edges, hard, slow=slow).error for slow in ("X", "Y", "B", "C")}
    assert len(errors) == 1
    assert [cause.partition(" ")[0] for cause in errors.pop().split("; ")] == ["X", "Y", "this", "this", "this"]
