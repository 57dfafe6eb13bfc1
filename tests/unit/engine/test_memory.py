"""Memory: what an agent knows of what it said before, in its lineage."""

from __future__ import annotations

from mars_nb.actions import Final, Invoke, Parallel
from mars_nb.engine.branch import Exchange, merged_memory
from tests.unit.engine.play import Replies, ask, play


def test_an_agent_remembers_its_exchanges_oldest_first_without_the_current_request() -> None:
    run = play("User -> A\nA <-> B\nmax_turns(A <-> B, 2)")
    assert run.remembered("A") == [(), (("TASK", "A#1"),), (("TASK", "A#1"), ("B#1", "A#2"))]


def test_nobody_remembers_what_another_agent_was_told() -> None:
    assert play("User -> A -> B").remembered("B") == [()]


def test_parallel_branches_do_not_see_each_others_messages() -> None:
    run = play("User -> A\nA <-> B", {"A": [Parallel([("B", "one"), ("B", "two")])]})
    assert run.remembered("B")[:2] == [(), ()]


def test_a_called_agent_begins_with_an_empty_memory() -> None:
    run = play("User -> A\nA <-> B\nA <-> C", {"A": [Invoke("B", "first"), ask("B", "C"), Final("done")]})
    assert run.remembered("B") == [(), ()]


def test_a_resumed_caller_keeps_its_own_memory() -> None:
    run = play("User -> A\nA <-> B\nA <-> C", {"A": [ask("B", "C"), Final("done")]})
    assert run.remembered("A")[1] == (("TASK", ["to B", "to C"]),)


def test_a_branch_that_is_sent_forward_takes_a_copy_of_its_lineages_memory() -> None:
    run = play("User -> A\nA -> B\nB -> A\nA -> C\nA -> D", {"A": [Invoke("B", "x"), ask("C", "D"), Final("done")]})
    assert run.remembered("A")[1] == (("TASK", "x"),)


def test_a_join_keeps_the_history_of_an_agent_that_a_single_arm_visited() -> None:
    run = play(
        "User -> A\nA -> B, C\nB -> D\nC -> D\nD -> B\nB -> User", {"B": [Invoke("D", "b")], "D": [Invoke("B", "d")]}
    )
    assert run.remembered("B")[1] == (("A#1", "b"),)


def test_a_join_keeps_the_common_history_of_an_agent_that_several_arms_visited() -> None:
    edges = "User -> Q\nQ -> A\nA -> B, C\nB -> Q\nC -> Q\nQ -> D\nQ -> E\nD -> J\nE -> J\nJ -> Q"
    said: Replies = {
        "Q": [Invoke("A", "q1"), Invoke("D", "q2"), Invoke("E", "q3"), Final("done")],
        "J": [Invoke("Q", "together")],
    }
    run = play(edges, said)
    assert run.remembered("Q")[-1][0] == ("TASK", "q1")


ROOT = Exchange(None, "ask", "root")
LEFT, RIGHT = Exchange(ROOT, "ask", "left"), Exchange(ROOT, "ask", "right")
FAR = Exchange(LEFT, "ask", "far")


def test_memories_that_are_one_stay_one() -> None:
    memory = {"Q": ROOT}
    assert merged_memory([memory, memory]) is memory


def test_the_longest_of_a_single_line_is_kept() -> None:
    for links in ([ROOT, LEFT, FAR], [FAR, ROOT, LEFT], [LEFT, FAR, ROOT]):
        assert merged_memory([{"Q": link} for link in links]) == {"Q": FAR}
    assert merged_memory([{"Q": FAR}, {}]) == {"Q": FAR}


def test_where_arms_parted_the_common_part_is_kept_in_whatever_order_they_come() -> None:
    for links in ([LEFT, RIGHT], [FAR, RIGHT, LEFT], [ROOT, FAR, RIGHT], [FAR, RIGHT, ROOT], [LEFT, RIGHT, FAR]):
        assert merged_memory([{"Q": link} for link in links]) == {"Q": ROOT}


def test_an_arm_that_did_not_go_on_takes_nothing_away() -> None:
    near, other = Exchange(LEFT, "ask", "near"), Exchange(LEFT, "ask", "other")
    for links in ([ROOT, near, other], [near, ROOT, other], [near, other, ROOT]):
        assert merged_memory([{"Q": link} for link in links]) == {"Q": LEFT}


def test_arms_that_have_nothing_in_common_leave_nothing() -> None:
    assert merged_memory([{"Q": ROOT}, {"Q": Exchange(None, "ask", "alone")}]) == {}
    assert merged_memory([{"Q": LEFT}, {"Q": Exchange(None, "ask", "alone")}, {"Q": RIGHT}]) == {}
