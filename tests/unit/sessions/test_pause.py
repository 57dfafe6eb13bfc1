"""Pausing: no further step starts, nothing is lost, and the run goes on from there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import AskUser, Invoke, Parallel
from mars_nb.events import PauseRequested, RunPaused
from tests.unit.sessions.team import Gate, Team, status

if TYPE_CHECKING:
    from mars_nb import Session
    from mars_nb.state.storage import StorageBackend

CHAIN = "User -> A -> B -> User"


async def test_a_pause_lets_the_running_step_finish_and_starts_no_other(storage: StorageBackend) -> None:
    gate = Gate("from A")
    team = Team(storage, A=gate, B="from B")
    session = await team.session()
    running = asyncio.ensure_future(session.run(CHAIN))
    await gate.entered.wait()
    pausing = asyncio.ensure_future(session.pause())
    await asyncio.sleep(0)
    gate.open.set()
    assert await pausing
    result = await running
    assert (status(result), result.success, result.total_steps) == ("paused", False, 1)
    assert team.asked == ["A"]
    resumed = await session.resume()
    assert (resumed.final_response, team.asked) == ("from B", ["A", "B"])
    assert team.requests("B") == ["from A"]


async def test_a_pause_right_now_cancels_the_running_step_and_asks_it_again_under_the_same_key(
    storage: StorageBackend,
) -> None:
    gate = Gate()
    team = Team(storage, A=[gate, "second try"], B="from B")
    session = await team.session()
    running = asyncio.ensure_future(session.run(CHAIN))
    await gate.entered.wait()
    assert await session.pause(now=True)
    assert status(await running) == "paused"
    result = await session.resume()
    assert (result.final_response, result.total_steps) == ("from B", 2)
    assert team.asked == ["A", "A", "B"]
    assert team.keys[0] == team.keys[1] == "s/b0#1"


@pytest.mark.parametrize("now", [False, True])
async def test_an_agent_can_pause_its_own_run(storage: StorageBackend, now: bool) -> None:  # noqa: FBT001
    sessions: list[Session] = []

    async def pausing(_request: Any, _context: object) -> str:
        assert await sessions[0].pause(now=now)
        return "paused it"

    team = Team(storage, A=[pausing, "again"], B="from B")
    sessions.append(await team.session())
    result = await sessions[0].run(CHAIN)
    assert status(result) == "paused"
    result = await sessions[0].resume()
    assert result.final_response == "from B"
    assert team.asked == (["A", "A", "B"] if now else ["A", "B"])


async def test_pausing_twice_is_pausing_once(storage: StorageBackend) -> None:
    gate = Gate()
    team = Team(storage, A=gate, B="from B")
    session = await team.session()
    running = asyncio.ensure_future(session.run(CHAIN))
    await gate.entered.wait()
    pauses = [asyncio.ensure_future(session.pause()) for _ in range(2)]
    await asyncio.sleep(0)
    gate.open.set()
    assert await asyncio.gather(*pauses) == [True, True]
    await running
    assert [event for event in team.events() if isinstance(event, PauseRequested)] == [
        PauseRequested("you asked for it")
    ]


async def test_a_pause_that_waits_can_be_turned_into_one_right_now(storage: StorageBackend) -> None:
    gate = Gate()
    team = Team(storage, A=[gate, "again"], B="from B")
    session = await team.session()
    running = asyncio.ensure_future(session.run(CHAIN))
    await gate.entered.wait()
    waiting = asyncio.ensure_future(session.pause())
    await asyncio.sleep(0)
    assert await session.pause(now=True)
    assert await waiting
    assert status(await running) == "paused"
    assert (await session.resume()).success


async def test_what_does_not_run_cannot_be_paused(storage: StorageBackend) -> None:
    team = Team(storage, A="from A")
    session = await team.session()
    assert not await session.pause()
    await session.run("User -> A -> User")
    assert not await session.pause()
    assert not await team.orchestra.pause_session("s")
    assert session.status == "succeeded"


async def test_a_pause_that_comes_when_the_last_step_runs_lets_the_run_end(storage: StorageBackend) -> None:
    gate = Gate("the end")
    team = Team(storage, A=gate)
    session = await team.session()
    running = asyncio.ensure_future(session.run("User -> A -> User"))
    await gate.entered.wait()
    pausing = asyncio.ensure_future(session.pause())
    await asyncio.sleep(0)
    gate.open.set()
    was_paused, result = await pausing, await running
    again = await session.resume()
    assert was_paused is (status(result) == "paused")
    assert (again.final_response, again.success, team.asked) == ("the end", True, ["A"])


async def test_a_pause_in_the_pause_before_a_retry_keeps_the_number_of_the_attempt(storage: StorageBackend) -> None:
    attempts: list[int] = []

    def failing(_request: Any, context: Any) -> str:
        attempts.append(context.attempt)
        if context.attempt == 1:
            raise ValueError("not yet")
        return "at last"

    team = Team(storage, A=[failing, failing], B=Gate())
    session = await team.session()
    team.orchestra.event_bus.subscribe("StepFailed", lambda _event: pauses.append(asyncio.ensure_future(pause())))
    pauses: list[asyncio.Task[bool]] = []

    async def pause() -> bool:
        return await session.pause()

    result = await session.run("User -> A -> User\nretry(A, 2)")
    assert await pauses[0]
    assert status(result) == "paused"
    assert (await session.resume()).final_response == "at last"
    assert attempts == [1, 2]


async def test_a_pause_while_a_person_thinks_asks_the_same_question_again(storage: StorageBackend) -> None:
    asked = asyncio.Event()
    prompts: list[str] = []

    async def thinking(prompt: str) -> str:
        prompts.append(prompt)
        asked.set()
        await asyncio.Event().wait()
        return ""

    team = Team(storage, thinking, A=[AskUser("which?"), lambda request, _: f"took {request}"])
    session = await team.session()
    running = asyncio.ensure_future(session.run("User -> A -> User"))
    await asked.wait()
    assert await session.pause()
    assert status(await running) == "paused"
    result = await session.resume(user=["blue"])
    assert (result.final_response, prompts) == ("took blue", ["which?"])


# ------------------------------------------------------------------------------------------------------- pause_before


async def test_pause_before_pauses_before_the_agent_and_resuming_lets_it_through(storage: StorageBackend) -> None:
    team = Team(storage, A="from A", B="from B")
    session = await team.session()
    result = await session.run(CHAIN + "\npause_before(B)")
    assert (status(result), team.asked) == ("paused", ["A"])
    assert RunPaused("pause_before(B)") in team.events()
    result = await session.resume()
    assert (result.final_response, team.asked) == ("from B", ["A", "B"])


async def test_pause_before_pauses_each_time_that_the_agent_is_to_be_asked(storage: StorageBackend) -> None:
    team = Team(storage, A=[Invoke("B", "one"), Invoke("B", "two"), "the end"], B=["1", "2"])
    session = await team.session()
    result = await session.run("User -> A\nA <-> B\nA -> User\npause_before(B)")
    n_pauses = 0
    while status(result) == "paused":
        n_pauses += 1
        result = await session.resume()
    assert (n_pauses, team.asked, result.success) == (2, ["A", "B", "A", "B", "A"], True)


async def test_pause_before_holds_an_agent_that_is_called_and_one_where_others_join(storage: StorageBackend) -> None:
    team = Team(storage, A=[Parallel([("B", 1), ("C", 2)]), "on"], B="b", C="c", D="d", E="e", F="f")
    session = await team.session()
    called = "A <-> B\nA <-> C\npause_before(C)"
    joined = "A -> D, E\nD, E -> F -> User\npause_before(F)"
    result = await session.run(f"User -> A\n{called}\n{joined}")
    assert (status(result), team.asked) == ("paused", ["A"])
    result = await session.resume()
    assert (status(result), sorted(team.asked)) == ("paused", ["A", "A", "B", "C", "D", "E"])
    result = await session.resume()
    assert (result.final_response, team.requests("F")) == ("f", [{"D": "d", "E": "e"}])


async def test_pause_before_does_not_pause_again_before_a_retry(storage: StorageBackend) -> None:
    team = Team(storage, A=[ValueError("once"), "from A"])
    session = await team.session()
    result = await session.run("User -> A -> User\npause_before(A)\nretry(A, 2)")
    assert status(result) == "paused"
    assert (await session.resume()).final_response == "from A"


async def test_a_run_that_died_before_it_paused_pauses_when_it_goes_on(storage: StorageBackend) -> None:
    team = Team(storage, A="from A", B="from B")
    await team.run(CHAIN + "\npause_before(B)")
    until = next(i for i, event in enumerate(team.events()) if isinstance(event, PauseRequested))
    session = team.cut(team.records()[:until], "died")
    assert session.status == "interrupted"
    assert status(await session.resume()) == "paused"
    assert (await session.resume()).final_response == "from B"


# ------------------------------------------------------------------------------------------------------------ people


@pytest.mark.parametrize("is_new_process", [False, True])
async def test_a_question_without_a_person_pauses_and_is_answered_when_the_run_is_resumed(
    storage: StorageBackend,
    is_new_process: bool,  # noqa: FBT001
) -> None:
    script = [AskUser("which colour?"), lambda request, _: f"painted {request}"]
    team = Team(storage, A=script)
    result = await team.run("User -> A -> User")
    assert (status(result), team.asked) == ("paused", ["A"])
    assert "asks a person" in next(e.reason for e in team.events() if isinstance(e, RunPaused))
    if is_new_process:
        team = team.again(A=script[1:])
    result = await team.orchestra.resume_session("s", user=["blue"])
    assert result.final_response == "painted blue"


async def test_a_question_pauses_again_when_the_run_is_resumed_without_a_person(storage: StorageBackend) -> None:
    team = Team(storage, A=[AskUser("which colour?"), "thanks"])
    await team.run("User -> A -> User")
    assert status(await team.orchestra.resume_session("s")) == "paused"
    assert (await team.orchestra.resume_session("s", user={"which colour?": "red"})).success
    assert team.requests("A") == ["TASK", "red"]


async def test_others_go_on_while_a_question_waits_and_only_then_the_run_pauses(storage: StorageBackend) -> None:
    team = Team(storage, A=[AskUser("which?"), "a"], B="b")
    result = await team.run("User -> A, B\nA, B -> User")
    assert (status(result), sorted(team.asked)) == ("paused", ["A", "B"])
    result = await team.orchestra.resume_session("s", user=["this"])
    assert (result.final_response, team.asked.count("B")) == ({"A": "a", "B": "b"}, 1)


@pytest.mark.parametrize("is_new_process", [False, True])
async def test_a_conversation_with_a_person_who_is_not_there_pauses_and_goes_on_later(
    storage: StorageBackend,
    is_new_process: bool,  # noqa: FBT001
) -> None:
    script = ["how many?", lambda request, _: f"{request} it is"]
    team = Team(storage, A=script)
    result = await team.run("User <-> A")
    assert (status(result), result.total_steps) == ("paused", 1)
    if is_new_process:
        team = team.again(A=script[1:])
    result = await team.orchestra.resume_session("s", user=["three", ""])
    assert (result.success, result.final_response) == (True, "three it is")
