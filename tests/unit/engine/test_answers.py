"""The final response, and the patterns: each runs as it is returned."""

from __future__ import annotations

from mars_nb.actions import Final, Parallel
from mars_nb.topology.patterns import PatternConfig
from tests.unit.engine.play import ask, play


def test_several_deliveries_are_a_mapping_in_branch_order() -> None:
    run = play("User -> A\nUser -> B\nA -> User\nB -> End", slow="A")
    assert (run.answer, list(run.answer)) == ({"A": "A#1", "B": "B#1"}, ["A", "B"])


def test_a_final_in_the_root_frame_counts_like_a_delivery() -> None:
    run = play("User -> A\nA -> B\nA -> C", {"B": [Final("b")]})
    assert (run.answer, run.answers) == ("b", {"B": "b", "C": "C#1"})


def test_a_final_in_a_frame_answers_its_caller() -> None:
    run = play("User -> A\nA <-> B\nA <-> C", {"A": [ask("B", "C")], "B": [Final("b")]})
    assert run.asked("A")[1]["B"] == "b"


def test_who_came_out_of_a_join_answers_before_the_others() -> None:
    run = play("User -> A\nA -> B, C\nB, C -> D\nA -> E\nE -> F\nF -> G\nG -> H")
    assert run.answer == "D#1"


def test_a_child_of_a_join_came_out_of_it_too() -> None:
    run = play("User -> A\nA -> B, C, X\nB, C -> D\nD -> E\nD -> F\nX -> Y\nY -> Z\nZ -> W\nW -> V")
    assert run.answer == "E#1"


def test_the_longest_lineage_answers() -> None:
    assert play("User -> A\nA -> B\nA -> C\nC -> D").answer == "D#1"


def test_a_join_counts_its_longest_contributor() -> None:
    edges = "User -> A\nA -> B, C, P, Q\nB -> X\nX -> J\nC -> J\nP, Q -> K"
    assert play(edges).answer == "J#1"


def test_among_lineages_of_one_length_the_longest_text_answers_then_the_first_node() -> None:
    fork = "User -> A\nA -> B\nA -> C"
    assert play(fork, {"B": ["short"], "C": ["longer"]}).answer == "longer"
    assert play(fork).answer == "B#1"


def test_a_second_answer_of_an_agent_gets_a_number() -> None:
    run = play("User -> A\nA -> User", {"A": [Parallel([("User", 1), ("User", 2)])]})
    assert run.answer == {"A": 1, "A#2": 2}


def test_a_run_in_which_everything_was_empty_has_no_answer() -> None:
    run = play("User -> A\nA -> B", {"B": [ValueError("down")]})
    assert (run.answer, run.answers) == (None, {})


# ----------------------------------------------------------------------------------------------------------- patterns


def test_a_debate_hears_everybody_and_the_judge_delivers() -> None:
    run = play(PatternConfig.debate(["D1", "D2", "D3"], "J", rounds=2).topology())
    assert (run.succeeded, run.answer) == (True, "J#3")
    assert [len(run.asked(name)) for name in ("D1", "D2", "D3")] == [2, 2, 2]


def test_a_debate_of_two_has_its_rounds_and_then_the_judge() -> None:
    run = play(PatternConfig.debate(["D1", "D2"], "J", rounds=2).topology())
    assert run.order == "D1 D2 D1 D2 J"


def test_a_mesh_delivers_through_its_entry() -> None:
    run = play(PatternConfig.mesh(["A", "B", "C"]).topology())
    assert (run.succeeded, run.answer) == (True, f"A#{len(run.asked('A'))}")


def test_a_ring_goes_round_once() -> None:
    assert play(PatternConfig.ring(["A", "B", "C"]).topology()).order == "A B C A"


def test_map_and_reduce_join_at_the_reducer() -> None:
    run = play(PatternConfig.map_reduce("M", ["W1", "W2"], "R").topology())
    assert (run.asked("R"), run.answer) == ([{"W1": "W1#1", "W2": "W2#1"}], "R#1")


def test_a_review_takes_its_rounds_and_the_reviewer_delivers() -> None:
    run = play(PatternConfig.review("W", "V", rounds=3).topology())
    assert (run.order, run.answer) == ("W V W V W V", "V#3")


def test_spokes_without_the_rule_run_one_after_the_other() -> None:
    run = play(PatternConfig.hub_and_spoke("H", ["A", "B"]).topology())
    assert (run.order, run.answer) == ("H A B H", "H#2")


def test_a_broadcast_reaches_everybody() -> None:
    run = play(PatternConfig.broadcast("A", ["B", "C"]).topology())
    assert run.answers == {"B": "B#1", "C": "C#1"}
