"""Plain content: the topology alone decides where it goes."""

from __future__ import annotations

import pytest

from mars_nb.actions import EndConversation, Final, Invoke
from tests.unit.engine.play import ask, play


def test_the_task_reaches_the_entry_and_the_last_answer_is_delivered() -> None:
    run = play("User -> A -> B -> User")
    assert (run.order, run.asked("B"), run.answer) == ("A B", ["A#1"], "B#1")


def test_all_one_way_edges_are_taken_at_once_in_the_order_of_the_edges() -> None:
    run = play("User -> A\nA -> C\nA -> B")
    assert [branch.agent for branch in run.state.branches.values()] == ["A", "C", "B"]


def test_a_one_way_edge_is_taken_once_in_a_frame() -> None:
    run = play("User -> A -> B -> C -> A")
    assert run.order == "A B C A"


def test_a_self_edge_is_a_one_way_edge() -> None:
    run = play("User -> A\nA -> A\nA -> User")
    assert (run.order, run.asked("A"), run.answer) == ("A A", ["TASK", "A#1"], "A#2")


def test_opening_a_conversation_comes_before_going_on() -> None:
    run = play("User -> A\nA -> Onward\nA <-> Friend")
    assert run.order == "A Friend A Onward"


def test_a_reply_comes_before_going_on_while_the_opener_has_turns_left() -> None:
    run = play("User -> W\nW <-> V\nV -> P\nmax_turns(W <-> V, 2)")
    assert run.order == "W V W V P"


def test_an_opener_without_turns_is_answered_last() -> None:
    run = play("User -> W\nW <-> V\nW -> User")
    assert (run.order, run.answer) == ("W V W", "W#2")


def test_delivery_comes_before_a_reply_to_an_opener_without_turns() -> None:
    run = play("User -> W\nW <-> V\nV -> User")
    assert (run.order, run.answer) == ("W V", "V#1")


def test_delivery_happens_each_time_and_once_even_where_two_would_take_it() -> None:
    run = play("User -> A\nA -> User\nA -> End\nA -> A")
    assert run.answer == "A#2"


def test_content_with_nowhere_to_go_is_an_answer() -> None:
    run = play("User -> A\nA -> B\nA -> C")
    assert run.answers == {"B": "B#1", "C": "C#1"}


def test_who_called_is_no_target_inside_the_call() -> None:
    run = play("User -> H\nH <-> S\nH <-> T\nS -> Note\nNote <-> H\nNote -> P", {"H": [ask("S", "T")]})
    assert run.asked("P")[0] == "Note#1"


def test_a_called_agent_replies_to_its_caller_before_going_on_while_turns_are_left() -> None:
    run = play("User -> H\nH <-> S1\nH <-> S2\nS1 -> P\nmax_turns(H <-> S1, 2)")
    assert run.asked("H")[1] == {"S1": "S1#1", "S2": "S2#1"}


def test_a_called_agent_goes_on_when_the_caller_has_used_up_its_turns() -> None:
    run = play("User -> H\nH <-> S1\nH <-> S2\nS1 -> P")
    assert run.asked("H")[1] == {"P": "P#1", "S2": "S2#1"}


def test_whoever_asked_in_this_frame_is_answered_even_if_it_also_waits_around_it() -> None:
    """P calls A and waits; below, B asks P, which works there as well, and asks C: C's reply goes to P, not up."""
    run = play(
        "User -> P\nP <-> A\nP <-> X\nA <-> B\nA <-> Y\nB <-> P\nP <-> C",
        {"P": ["P#1", Invoke("C", "P asks C")], "B": [Invoke("P", "B asks P")]},
    )
    assert "C#1" not in run.asked("A")


@pytest.mark.parametrize("rule", ["parallel(B, C)", "parallel(C, B)"])
def test_parallel_takes_an_agent_of_another_group_along(rule: str) -> None:
    run = play(f"User -> A\nA <-> B\nA -> C\n{rule}")
    assert (run.order.split()[0], sorted(run.order.split()[1:3])) == ("A", ["B", "C"])


def test_parallel_starts_nobody_that_no_group_offers() -> None:
    run = play("User -> A\nA -> B\nB -> C\nparallel(B, C)")
    assert run.order == "A B C"


def test_parallel_starts_nobody_that_an_explicit_action_did_not_name() -> None:
    run = play("User -> A\nA -> B\nA -> C\nparallel(B, C)", {"A": [Invoke("B", "only you")]})
    assert run.order == "A B"


def test_ending_a_conversation_goes_on_without_the_partner() -> None:
    run = play("User -> W\nW <-> V\nV -> User\nmax_turns(W <-> V, 9)", {"V": ["more", EndConversation("enough")]})
    assert (run.order, run.answer) == ("W V W V", "enough")


def test_ending_a_conversation_is_stronger_than_a_parallel_rule() -> None:
    talk = "User -> H\nH <-> A\nH <-> B\nmax_turns(H <-> A, 3)\nparallel(A, B)"
    run = play(talk, {"H": [Invoke("A", "you first"), EndConversation("without A")]})
    assert run.order.split()[:5] == ["H", "A", "H", "B", "H"]


def test_ending_a_conversation_inside_a_call_answers_the_caller() -> None:
    run = play("User -> H\nH <-> S\nH <-> T", {"S": [EndConversation("bye")]})
    assert run.asked("H")[1] == {"S": "bye", "T": "T#1"}


def test_a_mesh_comes_back_to_its_entry() -> None:
    run = play("User -> A\nA <-> B\nA <-> C\nB <-> C\nA -> User")
    assert run.answer == "A#2"
    assert list(run.asked("A")[1]) == ["B", "C"]


def test_a_final_answer_may_come_early() -> None:
    assert play("User -> A -> B -> User", {"A": [Final("done")]}).order == "A"
