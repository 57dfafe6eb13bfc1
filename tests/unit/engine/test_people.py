"""People: a conversation with one, a question to one, and nobody there."""

from __future__ import annotations

from mars_nb.actions import AskUser, EndConversation, Invoke
from mars_nb.events import QuestionAnswered
from tests.property.driver import Driver
from tests.unit.engine.play import Script, ask, play


def nod(question: str) -> str:
    return f"re {question}"


def silence(_question: str) -> str:
    return ""


def test_a_person_is_shown_the_message_and_the_reply_is_the_next_request() -> None:
    run = play("User <-> A", person=nod)
    assert (run.asked("A"), run.answer) == (["TASK", "re A#1"], "A#2")


def test_turns_with_a_person_are_limited_as_with_an_agent() -> None:
    run = play("User <-> A\nmax_turns(User <-> A, 3)", person=nod)
    assert run.asked("A") == ["TASK", "re A#1", "re A#2", "re A#3"]


def test_an_empty_reply_ends_the_conversation_and_the_last_message_is_delivered() -> None:
    run = play("User <-> A\nmax_turns(User <-> A, 3)", person=silence)
    assert (run.order, run.answer) == ("A", "A#1")


def test_after_an_empty_reply_the_last_message_goes_on() -> None:
    run = play("User <-> A\nA -> B", person=silence)
    assert (run.order, run.asked("B")) == ("A B", ["A#1"])


def test_after_the_last_turn_the_message_goes_on_before_a_reply_to_an_opener() -> None:
    edges = "User -> B\nB <-> A\nUser <-> A\nA -> P\nmax_turns(A <-> B, 2)"
    assert play(edges, person=nod).order == "B A A P"
    assert play(edges, person=silence).order == "B A P"


def test_an_opener_without_turns_hears_the_last_message() -> None:
    assert play("User -> B\nB <-> A\nUser <-> A", person=silence).order == "B A B"


def test_a_parallel_rule_holds_for_a_last_message_too() -> None:
    edges = "User -> A\nA -> E\nE -> E\nE <-> User\nE -> F\nE -> G\nparallel(F, G)"
    run = play(edges, person=silence)
    assert run.asked("F") == run.asked("G")


def test_conversations_with_agents_come_first() -> None:
    run = play("User <-> A\nA <-> B", person=nod)
    assert run.order == "A B A A"


def test_where_nobody_can_be_reached_a_conversation_delivers() -> None:
    run = play("User <-> A\nA -> B")
    assert (run.order, run.answer) == ("A", "A#1")


def test_leaving_a_conversation_with_a_person_goes_on_without() -> None:
    leave = {"A": [EndConversation("bye")]}
    assert play("User <-> A\nA -> B", leave, person=nod).asked("B") == ["bye"]
    assert play("User <-> A\nA -> B", leave).asked("B") == ["bye"]
    assert play("User <-> A", leave, person=nod).answer == "bye"


def test_the_answer_to_a_question_is_the_next_request() -> None:
    run = play("User -> A -> User", {"A": [AskUser("colour?")]}, person=nod)
    assert (run.asked("A"), run.answer) == (["TASK", "re colour?"], "A#2")


def test_an_empty_answer_to_a_question_is_an_answer() -> None:
    assert play("User -> A -> User", {"A": [AskUser("colour?")]}, person=silence).asked("A") == ["TASK", ""]


def test_a_question_needs_an_edge_to_the_user_and_somebody_there() -> None:
    assert "needs an edge from 'A' to 'User'" in play("User -> A", {"A": [AskUser("?")]}, person=nod).error
    assert "NobodyToAsk" in play("User -> A -> User", {"A": [AskUser("?")]}).error


def test_questions_are_put_one_at_a_time_first_come_first_served() -> None:
    driver = Driver(Script({"B": [AskUser("b?")], "C": [AskUser("c?")]}), nod)
    driver.begin("User -> A\nA -> B\nA -> C\nB -> User\nC -> User", "TASK")
    for choice in ("b0#1", "b0.1#1", "b0.0#1"):
        driver.happen(choice)
    assert (driver.choices(), [branch.id for branch in driver.state.questions]) == (["b0.1"], ["b0.1", "b0.0"])
    driver.happen("b0.1")
    assert "b0.0" in driver.choices()


def test_a_question_that_nobody_answered_after_all_fails_its_branch() -> None:
    driver = Driver(Script({"A": [AskUser("?")]}), nod)
    driver.begin("User -> A -> User", "TASK")
    driver.happen("b0#1")
    driver.tell(QuestionAnswered("b0", "", "the list of replies is used up"))
    assert driver.state.error == "A (b0#1) failed: NobodyToAsk: the list of replies is used up"


def test_a_reply_goes_to_the_branch_that_asked() -> None:
    run = play(
        "User -> A\nA <-> B\nB -> User",
        {"A": [ask("B", "B")], "B": [AskUser("one?"), AskUser("two?"), Invoke("A", "1"), Invoke("A", "2")]},
        person=nod,
    )
    assert run.asked("B")[2:] == ["re one?", "re two?"]
