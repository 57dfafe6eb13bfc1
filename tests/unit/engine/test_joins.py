"""Joins: who waits for whom, what a join receives, and what its branch is called."""

from __future__ import annotations

import pytest

from mars_nb.actions import Final, Invoke, Parallel
from mars_nb.engine.branch import Contribution, common_position, name_of, received
from tests.unit.engine.play import ask, play

DIAMOND = "User -> A\nA -> B\nA -> C\nB -> D\nC -> D"
DETOUR = "User -> A\nA -> B1\nA -> B2\nB1 -> C\nB2 -> A\nC -> A"


@pytest.mark.parametrize("slow", ["B", "C", ""])
def test_a_join_runs_once_with_both_contributions_in_branch_order(slow: str) -> None:
    run = play(DIAMOND, slow=slow)
    assert run.asked("D") == [{"B": "B#1", "C": "C#1"}]
    assert list(run.asked("D")[0]) == ["B", "C"]


def test_one_arrival_and_nobody_to_wait_for_is_no_join() -> None:
    run = play("User -> A -> B -> C")
    assert run.step_ids == ["b0#1", "b0#2", "b0#3"]


def test_entries_arrive_like_any_other() -> None:
    run = play("User -> A\nUser -> B\nB -> A", slow="B")
    assert run.asked("A") == [{"User": "TASK", "B": "B#1"}]


def test_two_entries_join() -> None:
    run = play("A -> J\nB -> J", slow="A")
    assert run.asked("J") == [{"A": "A#1", "B": "B#1"}]


def test_the_upstream_join_fires_first() -> None:
    run = play("A -> B, C, E\nB, C -> D\nD, E -> F", slow="B")
    assert (run.asked("D"), run.asked("F")) == ([{"B": "B#1", "C": "C#1"}], [{"E": "E#1", "D": "D#1"}])


def test_a_second_contribution_of_one_agent_gets_a_number() -> None:
    run = play("User -> A\nA -> D\nD -> User", {"A": [Parallel([("D", 1), ("D", 2)])]})
    assert run.asked("D") == [{"A": 1, "A#2": 2}]


def test_a_single_contribution_arrives_as_it_is() -> None:
    assert received([Contribution((), "A", {"x": 1})]) == {"x": 1}


def test_a_caller_that_waits_counts_for_its_resumption_is_an_arrival() -> None:
    run = play(DETOUR, {"A": [ask("B1", "B2"), Final("done")]}, slow="B2")
    assert run.asked("A")[1] == {"C": "C#1", "B2": "B2#1"}
    assert (run.order.split().count("A"), run.answer) == (2, "done")


def test_a_caller_with_all_its_answers_waits_for_whoever_could_still_arrive() -> None:
    run = play(DETOUR, {"A": [ask("B1", "B2"), Final("done")]}, slow="B1 C")
    assert run.asked("A")[1] == {"C": "C#1", "B2": "B2#1"}


def test_a_join_with_a_caller_stands_where_the_two_have_parted() -> None:
    run = play(DETOUR, {"A": [ask("B1", "B2"), Final("done")]})
    assert run.step_ids[-1] == "b0.jA#1"
    assert run.state.branches["b0"].ended == "joined"


def test_two_callers_at_one_agent_resume_as_one() -> None:
    """Both arms stand at M, one after the other, and each asks X; the answers come to M together."""
    run = play(
        "User -> A\nA -> M\nA -> B\nB -> C\nC -> M\nM <-> X\nM <-> Y",
        {"A": [Invoke("M", "start")], "M": [ask("X", "Y")]},
    )
    assert run.order == "A M X Y M"


def test_whoever_would_come_back_through_the_fork_belongs_to_the_next_round() -> None:
    """B loops back to A, at which both arms forked, so D does not wait for what A may say again."""
    run = play("User -> A\nA -> B\nA -> C\nB -> L\nL -> A\nC -> D\nA -> D", {"A": [ask("B", "C")]}, slow="L")
    assert run.asked("D")[0] == "C#1"


def test_forks_are_compared_by_identity_and_not_by_agent() -> None:
    """Both calls of M fork at M; the frames do not wait for each other."""
    run = play(
        "User -> A\nA <-> M\nM -> X\nM -> Y\nX -> Z\nY -> Z",
        {"A": [Parallel([("M", "one"), ("M", "two")]), Final("done")]},
        slow="Y",
    )
    assert len(run.asked("Z")) == 2
    assert run.asked("A")[1] == {"Z": "Z#1", "Z#2": "Z#2"}


def test_joins_that_wait_for_each_other_are_taken_in_branch_order() -> None:
    """B and C wait for whoever stands at the other; B's branch comes first."""
    run = play("User -> A\nA -> B\nA -> C\nB -> C\nC -> B")
    assert run.order.split()[:2] == ["A", "B"]


def test_entries_that_wait_for_each_other_are_taken_in_branch_order() -> None:
    run = play("User -> A\nUser -> B\nA <-> B")
    assert run.succeeded
    assert run.asked("B")[0] == {"A": "A#1", "User": "TASK"}


def test_joins_of_a_called_frame_that_wait_for_each_other_do_not_hang() -> None:
    run = play(
        "User -> H\nH <-> S\nH <-> T\nS -> B\nS -> C\nB -> C\nC -> B",
        {"H": [ask("S", "T"), Final("done")], "S": [ask("B", "C")]},
    )
    assert run.answer == "done"


def test_branches_are_named_by_their_positions() -> None:
    run = play("User -> A\nA -> B\nA -> C\nB -> D\nC -> D\nD -> E\nD -> F\nE -> G\nF -> G")
    assert run.step_ids == ["b0#1", "b0.0#1", "b0.1#1", "b0.jD#1", "b0.jD.0#1", "b0.jD.1#1", "b0.jD.jG#1"]


def test_a_second_join_at_the_same_place_is_a_second_visit() -> None:
    twice = [Invoke("D", "first"), Invoke("D", "second")]
    run = play(
        "User -> A\nA <-> S\nA -> B, C\nB, C -> D",
        {"A": [ask("S", "B", "C"), ask("S", "B", "C"), Final("done")], "B": twice, "C": twice},
    )
    assert [step for step in run.step_ids if "jD" in step] == ["b0.jD#1", "b0.jD2#1"]


def test_children_of_later_forks_are_counted_on() -> None:
    run = play("User -> A\nA <-> B\nA <-> C", {"A": [ask("B", "C"), ask("C", "B"), Final("done")]})
    assert list(run.state.branches) == ["b0", "b0.0", "b0.1", "b0.2", "b0.3"]


def test_an_agent_with_the_name_of_a_visit_gets_an_id_of_its_own() -> None:
    """Under one prefix, the second visit of D and the first one of an agent "D2" would have the same name."""
    edges = "User -> A\nA -> B, C\nB -> D, D2\nC -> D, D2\nD2 -> User\nD -> User"
    assert {"b0.jD", "b0.jD2"} <= set(play(edges).state.branches)


def test_positions_have_names_and_a_common_part() -> None:
    root = ((0, 0),)
    join = (*root, (1, 3, 2, "D"))
    assert (name_of(join), name_of((*join, (0, 4)))) == ("b0.jD2", "b0.jD2.4")
    assert common_position((*root, (0, 1)), (*root, (0, 2), (0, 0))) == root
    assert common_position(root, (*root, (0, 1))) == root
