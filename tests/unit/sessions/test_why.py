"""Why a step ran: the rule and the events that led to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb import AskUser, Invoke, Parallel, SessionError
from tests.unit.sessions.team import Team

if TYPE_CHECKING:
    from mars_nb.state.storage import StorageBackend

DIAMOND = "User -> A -> B, C\nB, C -> D -> User"


async def test_an_entry_runs_because_the_topology_begins_there(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    await team.run("User -> A -> User")
    assert team.orchestra.session("s").why("A#1") == (
        "seq 3: A was asked as b0#1 (attempt 1)\nseq 2: A is an entry of the topology"
    )


async def test_a_branch_that_moved_says_from_which_reply(storage: StorageBackend) -> None:
    team = Team(storage, A=Invoke("B", "go"), B="b")
    await team.run("User -> A -> B -> User")
    lines = team.orchestra.session("s").why("b0#2").splitlines()
    assert lines == [
        "seq 6: B was asked as b0#2 (attempt 1)",
        "seq 5: b0 moved on to B; nobody else could still arrive there",
        "seq 4: b0#1 replied with Invoke('B')",
    ]


@pytest.mark.parametrize(
    ("topology", "group"),
    [
        ("User -> A -> B -> User", "one-way edges not taken yet"),
        ("User -> A\nA <-> B\nB -> User", "conversations it may open or go on with"),
    ],
)
async def test_plain_content_says_which_group_of_edges_it_took(
    storage: StorageBackend, topology: str, group: str
) -> None:
    team = Team(storage, A="a", B="b")
    await team.run(topology)
    assert f"b0#1 replied with plain content, for which the topology had: {group}" in team.orchestra.session("s").why(
        "B#1"
    )


async def test_a_reply_in_a_conversation_says_so(storage: StorageBackend) -> None:
    team = Team(storage, W=["w1", "w2"], R=["r1", "r2"])
    await team.run("User -> W\nW <-> R\nR -> User\nmax_turns(W <-> R, 2)")
    assert "a reply to who opened the conversation, with turns left" in team.orchestra.session("s").why("W#2")


async def test_a_called_agent_says_who_called_it_and_a_caller_who_answered(storage: StorageBackend) -> None:
    team = Team(storage, A=[Parallel([("B", 1), ("C", 2)]), "done"], B="b", C="c")
    await team.run("User -> A\nA <-> B\nA <-> C\nA -> User")
    session = team.orchestra.session("s")
    assert "B was called, for it can answer, by b0" in session.why("B#1")
    assert "b0#1 replied with Parallel to B, C" in session.why("B#1")
    caller = session.why("A#2")
    assert "b0 went on: all it waited for was there" in caller
    assert "b0.0 answered b0" in caller
    assert "b0.1 answered b0" in caller
    assert "b0#1 replied with Parallel to B, C" in caller


async def test_a_join_says_who_met_there_and_what_each_had_said(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)
    text = team.orchestra.session("s").why("D#1")
    assert "b0.0, b0.1 met at D, when nobody else could still arrive" in text
    assert "b0.0#1 replied" in text
    assert "b0.1#1 replied" in text
    assert "C was sent forward, for no edge leads back, by b0" in team.orchestra.session("s").why("C#1")


async def test_a_join_that_went_on_without_somebody_names_the_quorum(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=ValueError("no"), C="c", D="d")
    await team.run(DIAMOND + "\nquorum(D, 0.5)")
    assert "its quorum allowed to go on without b0.0" in team.orchestra.session("s").why("D#1")


async def test_a_step_that_was_resumed_says_so(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=[ValueError("no"), "b"], C="c")
    session = await team.session()
    await session.run("User -> A -> B -> C -> User\npause_before(C)")
    assert "seq" in session.why("b0#2")
    await session.resume()
    assert "the run was resumed, which retries what failed" in session.why("B#1")
    await session.resume()
    assert "the run was resumed, and the step had not begun yet" in session.why("C#1")
    scheduled = next(r.seq for r in team.records() if getattr(r.event, "agent", "") == "A" and hasattr(r.event, "step"))
    died = team.cut(team.records()[:scheduled], "died")
    await died.resume()
    assert "the run was resumed, and the step had no outcome yet" in died.why("A#1")


async def test_a_retried_step_names_the_rule(storage: StorageBackend) -> None:
    team = Team(storage, A=[ValueError("no"), "a"])
    await team.run("User -> A -> User\nretry(A, 2)")
    lines = team.orchestra.session("s").why("A#1").splitlines()
    assert lines[0].endswith("A was asked as b0#1 (attempt 2)")
    assert lines[1].endswith("the pause before the next attempt was over, as the retry rule says")
    assert lines[-1].endswith("A is an entry of the topology")


async def test_a_step_after_a_question_names_the_person(storage: StorageBackend) -> None:
    team = Team(storage, ["blue"], A=[AskUser("which?"), "took it"])
    await team.run("User -> A -> User")
    text = team.orchestra.session("s").why("A#2")
    assert "a person answered, which is the agent's next request" in text
    assert "b0#1 replied with AskUser" in text


async def test_a_step_that_never_ran_is_named_with_the_nearest_one(storage: StorageBackend) -> None:
    team = Team(storage, Writer="a")
    await team.run("User -> Writer -> User")
    with pytest.raises(SessionError, match=r"there is no step 'Writr#1'.*did you mean 'Writer#1'"):
        team.orchestra.session("s").why("Writr#1")
