"""Forks: who is called and answers, who is sent forward, and how often a caller resumes."""

from __future__ import annotations

from mars_nb.actions import EndConversation, Final, Invoke, Parallel
from tests.unit.engine.play import ask, play

HUB = "User -> A\nA <-> B\nA <-> C\nA -> User"


def test_a_target_with_an_edge_back_is_called_and_the_caller_resumes_once() -> None:
    run = play(HUB, {"A": [ask("B", "C")]}, slow="B")
    assert run.asked("A") == ["TASK", {"B": "B#1", "C": "C#1"}]
    assert run.answer == "A#2"


def test_a_target_with_no_way_forward_is_called_by_parallel() -> None:
    run = play("User -> A\nA -> B\nA -> C", {"A": [ask("B", "C")]})
    assert (run.order, run.answer) == ("A B C A", "A#2")


def test_a_target_with_no_way_forward_is_sent_forward_by_plain_content() -> None:
    assert play("User -> A\nA -> B\nA -> C").order == "A B C"


def test_a_target_with_a_way_forward_is_sent_forward() -> None:
    run = play("User -> A\nA -> B\nA -> C\nB -> D\nC -> D", {"A": [ask("B", "C")]})
    assert (run.order, run.asked("D")) == ("A B C D", [{"B": "B#1", "C": "C#1"}])


def test_called_branches_stand_in_frames_of_their_own() -> None:
    run = play(HUB, {"A": [ask("B", "B")]})
    frames = [run.state.branches[name].frame for name in ("b0", "b0.0", "b0.1")]
    assert len({id(frame) for frame in frames}) == 3


def test_the_same_agent_may_be_asked_twice_and_its_second_answer_gets_a_number() -> None:
    run = play(HUB, {"A": [ask("B", "B")]})
    assert run.asked("A")[1] == {"B": "B#1", "B#2": "B#2"}


def test_answers_come_in_branch_order_whoever_is_faster() -> None:
    run = play(HUB, {"A": [ask("C", "B")]}, slow="C")
    assert list(run.asked("A")[1]) == ["C", "B"]


def test_parallel_with_one_target_is_a_call_as_well() -> None:
    run = play("User -> A\nA <-> B\nA -> User", {"A": [ask("B")], "B": [Final("done")]})
    assert (run.order, run.asked("A")[1], run.answer) == ("A B A", "done", "A#2")


def test_a_single_target_is_no_call_and_its_final_is_that_of_the_run() -> None:
    run = play(HUB, {"A": [Invoke("B", "you")], "B": [Final("done")]})
    assert (run.order, run.answer) == ("A B", "done")


def test_the_caller_among_the_targets_gets_an_answer_and_the_others_fork() -> None:
    run = play(
        "User -> A\nA <-> B\nA <-> C\nB <-> X\nA -> User",
        {"A": [ask("B", "C")], "B": [Parallel([("A", "so far"), ("X", "help")]), "the rest"]},
    )
    assert run.asked("X") == ["help"]
    assert run.asked("A")[1] == {"B": "so far", "B#2": "the rest", "C": "C#1"}


def test_a_branch_that_only_answers_and_delivers_is_over() -> None:
    run = play(
        "User -> A\nA <-> B\nA <-> C\nB -> User\nA -> User",
        {"A": [ask("B", "C")], "B": [Parallel([("A", "for you"), ("User", "for the user")])]},
    )
    assert run.asked("A")[1] == {"B": "for you", "C": "C#1"}
    assert run.answer == {"A": "A#2", "B": "for the user"}


def test_user_and_end_among_the_targets_deliver() -> None:
    run = play("User -> A\nA -> B\nA -> User\nB -> User", {"A": [Parallel([("User", "early"), ("B", "go on")])]})
    assert run.answer == {"A": "early", "B": "B#1"}


def test_going_over_an_edge_to_the_callers_agent_returns() -> None:
    run = play(HUB, {"A": [ask("B", "C")], "B": [Invoke("A", "back")]})
    assert run.asked("A")[1] == {"B": "back", "C": "C#1"}


def test_somebody_else_in_the_frame_may_return_for_the_one_that_was_called() -> None:
    run = play("User -> A\nA <-> B\nA <-> C\nB -> Z\nZ -> A", {"A": [ask("B", "C")], "B": [Invoke("Z", "you")]})
    assert run.asked("A")[1] == {"Z": "Z#1", "C": "C#1"}


def test_the_return_address_is_the_callers_branch_and_not_its_name() -> None:
    """Two branches at M ask X at the same time; each gets its own answer."""
    run = play(
        "User -> A\nA <-> M\nM <-> X\nM <-> Y",
        {"A": [Parallel([("M", "one"), ("M", "two")])], "M": [ask("X", "Y"), ask("Y", "X")]},
    )
    assert [list(request) for request in run.asked("M")[2:]] == [["X", "Y"], ["Y", "X"]]


def test_a_caller_to_whom_nothing_came_back_just_ends() -> None:
    run = play("User -> A\nA <-> B\nA <-> C\nB -> User\nC -> User", {"A": [ask("B", "C")]})
    assert (run.order, run.answer, run.answers) == (
        "A B C",
        {"B": "B#1", "C": "C#1"},
        {"B": "B#1", "C": "C#1"},
    )
    assert run.state.branches["b0"].ended == "empty"


def test_a_caller_to_whom_nothing_came_back_holds_up_nobody_who_arrives_where_it_stood() -> None:
    run = play(
        "User -> A\nA <-> B\nA -> C\nC -> D\nD -> A\nB -> User",
        {"A": [ask("B", "C")], "B": [Invoke("User", "delivered")]},
    )
    assert run.asked("A") == ["TASK", "D#1"]
    assert "b0.jA" not in run.state.branches


def test_calls_within_calls_come_back_level_by_level() -> None:
    run = play("User -> M\nM <-> L1\nM <-> L2\nL1 <-> D1\nL1 <-> D2\nM -> User")
    assert run.asked("L1")[1] == {"D1": "D1#1", "D2": "D2#1"}
    assert run.asked("M")[1] == {"L1": "L1#2", "L2": "L2#1"}


def test_a_frame_counts_edges_and_turns_of_its_own() -> None:
    """B opens its conversation with X in the frame in which it was called, although X had done so around it."""
    run = play(
        "User -> A\nA <-> X\nA <-> B\nA <-> C\nB <-> X",
        {"A": [Invoke("X", "first"), ask("B", "C")], "X": [Invoke("B", "hello")], "B": [Invoke("A", "hello from X")]},
    )
    assert (run.asked("A")[1], run.asked("X")) == ("hello from X", ["first", "B#2"])


def test_an_answer_is_the_reply_to_what_the_caller_said() -> None:
    run = play("User -> A\nA <-> B\nA <-> C\nA -> User\nmax_turns(A <-> B, 2)\nmax_turns(A <-> C, 2)")
    assert (run.order.split().count("A"), run.answer) == (3, "A#3")


def test_an_answer_of_the_opener_leaves_what_it_said_unanswered() -> None:
    """C's reply calls A; the answer of that call is no reply of C to what A says over the conversation meanwhile."""
    run = play("User -> A\nA <-> C\nB -> A\nC -> B\nmax_turns(A <-> C, 2)\nparallel(A, B)")
    assert run.step_ids[-2:] == ["b0.jC#1", "b0.jC#2"]


def test_a_second_reply_in_the_frame_of_a_call_is_none() -> None:
    run = play(
        "User -> A\nA <-> E\nA <-> F\nE <-> B\nE -> E\nmax_turns(A <-> E, 2)\nparallel(A, B)",
        {"A": [ask("E", "F")]},
    )
    answers = run.asked("A")[1]
    assert list(answers)[:2] == ["E", "E#2"]


def test_ending_a_conversation_needs_one() -> None:
    run = play("User -> A\nA -> B", {"A": [EndConversation("bye")]})
    assert not run.succeeded
    assert "no conversation" in run.error
