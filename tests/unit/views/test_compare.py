"""Comparing two runs: what is the same, what changed, and where they first went apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import mars_nb
from mars_nb import AgentRegistry, Invoke, MarsError, Orchestra, ScriptedAgent, compare

if TYPE_CHECKING:
    import pandas as pd

    from mars_nb import OrchestraResult

DIAMOND = "User -> A -> B, C\nB, C -> D -> User"


def orchestra(**replies: Any) -> Orchestra:
    registry = AgentRegistry()
    for name, reply in replies.items():
        ScriptedAgent(name, reply if isinstance(reply, list) else [reply] * 9, registry=registry, corrections=0)
    return Orchestra(registry)


async def run(topology: str, **replies: Any) -> OrchestraResult:
    return await orchestra(**replies).execute("TASK", topology)


def kinds(table: pd.DataFrame) -> dict[str, str]:
    return dict(zip(table["step"], table["kind"], strict=True))


async def test_two_runs_that_went_alike_are_the_same_in_every_step() -> None:
    runs = [await run(DIAMOND, A="a", B="b", C="c", D="d") for _ in range(2)]
    table = compare(*runs)
    assert kinds(table) == dict.fromkeys(["b0#1", "b0.0#1", "b0.1#1", "b0.jD#1"], "same")
    assert table.attrs["first_divergence"] is None
    assert not table["is_first_divergence"].any()


async def test_a_changed_reply_is_the_first_divergence_and_changes_what_follows() -> None:
    one = await run(DIAMOND, A="a", B="b", C="c", D="d")
    other = await run(DIAMOND, A="a", B="b", C="other c", D="d")
    table = compare(one, other)
    assert kinds(table) == {"b0#1": "same", "b0.0#1": "same", "b0.1#1": "changed", "b0.jD#1": "changed"}
    assert table.attrs == {"aligned_by": "branch and step", "first_divergence": "b0.1#1"}
    first = table[table["is_first_divergence"]].iloc[0]
    assert (first["agent"], first["response_a"], first["response_b"]) == ("C", "c", "other c")
    assert table.iloc[3]["request_b"] == {"B": "b", "C": "other c"}


async def test_steps_that_only_one_run_has_stand_where_they_happened() -> None:
    topology = "User -> A\nA -> B, C\nB -> C\nC -> User"
    one = await run(topology, A=Invoke("B", "x"), B="b", C="c")
    other = await run(topology, A=Invoke("C", "x"), B="b", C="c")
    table = compare(one, other)
    assert kinds(table) == {"b0#1": "changed", "b0#2": "changed", "b0#3": "only in a"}
    assert kinds(compare(other, one))["b0#3"] == "only in b"
    assert list(compare(other, one)["agent"]) == ["A", "C", "C"]
    assert compare(other, one).iloc[2]["response_a"] is None


async def test_a_step_of_the_second_run_alone_comes_after_what_came_before_it_there() -> None:
    one = await run("User -> A -> C -> User", A="a", C="c")
    other = await run("User -> A -> B -> C -> User", A="a", B="b", C="c")
    assert kinds(compare(one, other)) == {"A#1": "same", "B#1": "only in b", "C#1": "changed"}


async def test_runs_over_two_topologies_are_aligned_by_agent_and_visit() -> None:
    talk = "User -> W\nW <-> R\nR -> User\nmax_turns(W <-> R, 2)"
    one = await run(talk, W=["w1", "w2"], R=["r1", "r2"])
    other = await run(talk.replace("R -> User", "R -> E -> User"), W=["w1", "w2"], R=["r1", "r2"], E="e")
    table = compare(one, other)
    assert table.attrs == {"aligned_by": "agent and visit", "first_divergence": "E#1"}
    assert kinds(table) == {"W#1": "same", "R#1": "same", "W#2": "same", "R#2": "same", "E#1": "only in b"}


async def test_other_rules_do_not_make_another_drawing() -> None:
    one = await run(DIAMOND, A="a", B="b", C="c", D="d")
    other = await run(DIAMOND + "\nquorum(D, 0.5)", A="a", B=ValueError("no"), C="c", D="d")
    table = compare(one, other)
    assert table.attrs["aligned_by"] == "branch and step"
    assert kinds(table)["b0.0#1"] == "changed"


async def test_a_session_and_its_fork_show_what_was_asked_again() -> None:
    team = orchestra(A="a", B="b", C="c", D="d")
    session = await team.create_session("TASK")
    await session.run(DIAMOND)
    fork = await session.fork("B#1", edit="edited")
    await fork.resume()
    table = mars_nb.compare(session, fork)
    assert kinds(table) == {"b0#1": "same", "b0.0#1": "changed", "b0.1#1": "same", "b0.jD#1": "changed"}
    assert list(table["source_a"]) == ["asked"] * 4
    assert list(table["source_b"]) == ["asked", "asked", "recorded", "asked"]
    assert table.attrs["first_divergence"] == "b0.0#1"


@pytest.mark.parametrize("wrong", [None, "a session", 3])
async def test_what_is_no_run_cannot_be_compared(wrong: Any) -> None:
    result = await run("User -> A -> User", A="a")
    with pytest.raises(MarsError, match="expected two results of runs, or two sessions"):
        compare(result, wrong)
