"""Checkpoints and restoring: a name for a position, and the way back to one, which deletes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mars_nb import AskUser, Parallel, SessionError
from mars_nb.events import CheckpointCreated, Restored, StepCompleted
from tests.unit.sessions.team import Gate, Team, status

if TYPE_CHECKING:
    from mars_nb.state.storage import StorageBackend

TALK = "User -> W\nW <-> R\nR -> User\nmax_turns(W <-> R, 3)"


def talking(storage: StorageBackend) -> Team:
    return Team(storage, W=[f"w{n}" for n in range(1, 9)], R=[f"r{n}" for n in range(1, 9)])


async def test_a_checkpoint_names_a_position_while_the_run_goes_on(storage: StorageBackend) -> None:
    gate = Gate("b")
    team = Team(storage, A="a", B=gate)
    session = await team.session()
    running = asyncio.ensure_future(session.run("User -> A -> B -> User"))
    await gate.entered.wait()
    assert await team.orchestra.create_checkpoint("s", "milestone_1") == "s@milestone_1"
    gate.open.set()
    assert (await running).success
    state = await team.orchestra.restore_checkpoint("s@milestone_1")
    assert (state["status"], state["total_steps"]) == ("running", 1)
    assert (state["session_id"], state["checkpoint"], state["task"]) == ("s", "milestone_1", "TASK")
    assert state["branches"] == {"b0": {"agent": "B", "state": "running", "n_steps": 1}}
    result = await session.resume()
    assert (result.success, team.asked) == (True, ["A", "B", "B"])


async def test_a_checkpoint_made_afterwards_names_the_end(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    await team.run("User -> A -> User")
    n_events = len(team.events())
    await team.orchestra.create_checkpoint("s", "the_end")
    state = await team.orchestra.restore_checkpoint("s@the_end")
    assert (state["seq"], state["status"], state["responses"]) == (n_events, "succeeded", {"A": "a"})


async def test_a_checkpoint_asked_for_as_the_run_ends_is_kept(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    session = await team.session()
    made: list[asyncio.Task[str]] = []
    team.orchestra.event_bus.subscribe(
        "RunEnded", lambda _event: made.append(asyncio.ensure_future(session.checkpoint("last")))
    )
    await session.run("User -> A -> User")
    assert await made[0] == "s@last"
    assert CheckpointCreated("last") in team.events()


@pytest.mark.parametrize("name", ["", "../up", "a b", "con", "x" * 65, "a@b"])
async def test_a_malformed_name_is_refused(storage: StorageBackend, name: str) -> None:
    team = Team(storage, A="a")
    await team.run("User -> A -> User")
    with pytest.raises(SessionError):
        await team.orchestra.create_checkpoint("s", name)


@pytest.mark.parametrize("where", ["milestone", "W#2", "by seq"])
async def test_a_position_is_a_name_or_a_step_or_a_seq(storage: StorageBackend, where: str) -> None:
    team = talking(storage)
    session = await team.session()
    await session.run(TALK + "\npause_before(R)")
    assert status(await session.resume()) == "paused"
    await session.checkpoint("milestone")
    await session.resume()
    second = next(r for r in team.records() if getattr(r.event, "content", None) == "w2")
    state = await session.restore(second.seq if where == "by seq" else where)
    assert state["total_steps"] == 3
    assert state["checkpoint"] == str(second.seq if where == "by seq" else where)


async def test_going_on_from_a_restored_position_deletes_nothing(storage: StorageBackend) -> None:
    team = talking(storage)
    session = await team.session()
    first = await session.run(TALK)
    assert (first.final_response, team.asked) == ("r3", list("WRWRWR"))
    before = team.records()
    await session.restore("W#2")
    assert session.status == "paused"
    result = await session.resume()
    assert (result.final_response, team.asked[6:]) == ("r5", list("RWR"))
    assert team.records()[: len(before)] == before
    assert Restored(next(r.seq for r in before if getattr(r.event, "content", 0) == "w2")) in team.events()
    assert list(result.timeline()["response"]) == ["w1", "r1", "w2", "r4", "w4", "r5"]


async def test_a_step_that_is_done_again_after_a_restore_has_a_key_of_its_own(storage: StorageBackend) -> None:
    team = talking(storage)
    session = await team.session()
    await session.run(TALK)
    await session.restore("W#2")
    result = await session.resume(rules=["pause_before(W)"])
    assert status(result) == "paused"
    seq = next(r.seq for r in team.records() if isinstance(r.event, Restored))
    assert team.keys[3] == "s/b0#4"
    assert team.keys[6] == f"s@{seq}/b0#4"
    later = team.again(W="w", R="r")
    await later.orchestra.resume_session("s")
    assert later.keys[0] == f"s@{seq}/b0#5"


async def test_a_line_that_was_left_behind_can_be_gone_back_to(storage: StorageBackend) -> None:
    team = talking(storage)
    session = await team.session()
    await session.run(TALK)
    left = next(r.seq for r in team.records() if getattr(r.event, "content", 0) == "r2")
    await session.checkpoint("first_end")
    await session.restore("W#1")
    await session.resume()
    assert session.result.final_response == "r6"
    state = await session.restore(left)
    assert (state["seq"], state["total_steps"]) == (left, 4)
    state = await session.restore("first_end")
    assert (state["status"], state["responses"]) == ("succeeded", {"R": "r3"})
    assert session.status == "paused"


async def test_steps_are_counted_in_the_line_that_led_to_the_present(storage: StorageBackend) -> None:
    team = talking(storage)
    session = await team.session()
    await session.run(TALK)
    await session.restore("W#1")
    await session.resume(max_steps=3)
    said = [r for r in team.records() if isinstance(r.event, StepCompleted)]
    last = said[-1]
    assert last.event.content == "w4"  # type: ignore[union-attr]
    assert (await session.restore("W#2"))["seq"] == last.seq


async def test_a_finished_run_that_was_restored_runs_again_to_an_end(storage: StorageBackend) -> None:
    team = Team(storage, A=["a", "again"])
    session = await team.session()
    await session.run("User -> A -> User")
    n_events = len(team.events())
    scheduled = team.kinds().index("StepScheduled") + 1
    await session.restore(scheduled)
    assert (await session.resume()).final_response == "again"
    await session.restore(n_events)
    assert session.result.final_response == "a"


async def test_a_position_that_does_not_exist_is_named_with_the_nearest_one(storage: StorageBackend) -> None:
    team = talking(storage)
    session = await team.session()
    await session.run(TALK)
    await session.checkpoint("milestone")
    with pytest.raises(SessionError, match=r"no position 'milestones'.*did you mean 'milestone'"):
        await session.restore("milestones")
    with pytest.raises(SessionError, match="there is no position 'W#4'"):
        await session.restore("W#4")
    with pytest.raises(SessionError, match="there is no seq 999; this session has events 1 to"):
        await session.restore(999)
    with pytest.raises(SessionError, match="no seq 0"):
        await session.restore(0)


async def test_a_checkpoint_may_be_called_like_a_number(storage: StorageBackend) -> None:
    team = talking(storage)
    session = await team.session()
    await session.run(TALK)
    await session.checkpoint("1")
    assert session.at("1").success
    assert not session.at(1).success


async def test_the_last_checkpoint_of_a_name_counts(storage: StorageBackend) -> None:
    gate = Gate("b")
    team = Team(storage, A="a", B=gate)
    session = await team.session()
    running = asyncio.ensure_future(session.run("User -> A -> B -> User"))
    await gate.entered.wait()
    await session.checkpoint("here")
    gate.open.set()
    await running
    await session.checkpoint("here")
    assert session.at("here").success


# ---------------------------------------------------------------------------------------------------------------- at


async def test_every_position_of_a_run_can_be_looked_at(storage: StorageBackend) -> None:
    team = Team(storage, A=[Parallel([("B", 1), ("C", 2)]), AskUser("ok?"), "d"], B="b", C="c", D="from D")
    session = await team.session()
    await session.run("User -> A\nA <-> B\nA <-> C\nA -> D -> User\nUser -> A\nA -> User")
    await session.resume(user=["yes"])
    n_steps = 0
    for record in team.records():
        result = session.at(record.seq)
        assert result.history is not None
        assert result.history.state.n_events == record.seq
        assert len(result.events()) == record.seq
        n_steps += isinstance(record.event, StepCompleted)
        assert result.total_steps == n_steps == list(result.timeline()["status"]).count("completed")
        assert len(result.branches()) == len(result.branch_results)
    assert (await session.replay()).final_response == session.result.final_response


async def test_looking_back_shows_the_topology_of_that_time(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    session = await team.session()
    await session.run("User -> A -> B -> User\npause_before(B)")
    await session.checkpoint("before")
    await session.resume(topology="User -> A -> B -> C -> User")
    assert "C" not in session.at("before").history.topology.nodes  # type: ignore[union-attr]
    assert "C" in session.result.history.topology.nodes  # type: ignore[union-attr]
    await session.restore("before")
    assert "C" not in session.result.history.topology.nodes  # type: ignore[union-attr]
    result = await session.resume()
    assert (result.final_response, result.success) == ("b", True)
