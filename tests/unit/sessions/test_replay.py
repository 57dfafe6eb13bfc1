"""Replaying: the same events again, without asking anybody; and what was written by no run is noticed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mars_nb import Agent, AgentRegistry, Invoke, Orchestra, SessionError, StateManager
from mars_nb.events import (
    BranchEnded,
    BranchMoved,
    CheckpointCreated,
    RunEnded,
    StepCompleted,
    StepScheduled,
)
from tests.unit.sessions.team import Gate, Team

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.events import Event
    from mars_nb.state.record import Record
    from mars_nb.state.storage import StorageBackend

DIAMOND = "User -> A -> B, C\nB, C -> D -> User"


def told(team: Team) -> list[Event]:
    """Give what the event bus tells from now on."""
    heard: list[Event] = []
    team.orchestra.event_bus.subscribe("*", heard.append)
    return heard


async def test_a_replay_tells_the_same_events_and_asks_nobody(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)
    later = team.again()
    heard = told(later)
    before = team.records()
    result = await later.orchestra.session("s").replay()
    assert heard == team.events()
    assert (result.final_response, result.success, result.total_steps) == ("d", True, 4)
    assert (later.asked, team.records()) == ([], before)


async def test_a_run_that_was_paused_failed_restored_and_changed_replays(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=[ValueError("no"), "b", ValueError("again"), "b2"], C="c", D=["d1", "d2", "d3"])
    session = await team.session()
    await session.run(DIAMOND + "\npause_before(C)")
    await session.checkpoint("held")
    await session.resume(user=["x"])
    await session.resume(topology=DIAMOND + "\nretry(B, 2)")
    await session.restore("held")
    await session.checkpoint("again")
    await session.resume()
    await session.restore("C#1")
    result = await session.resume(rules=["max_steps(50)"])
    assert result.success
    heard = told(team)
    assert (await session.replay()).final_response == result.final_response
    assert heard[-1] == RunEnded("succeeded")


async def test_a_run_that_died_anywhere_and_went_on_replays(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)
    records = team.records()
    for n in range(1, len(records)):
        session = team.cut(records[:n], f"cut{n}")
        await session.checkpoint("found")
        assert (await session.replay()).total_steps == session.result.total_steps
        await session.resume()
        assert (await session.replay()).final_response == "d"


async def test_a_run_that_did_not_end_replays_as_far_as_it_came(storage: StorageBackend) -> None:
    gate = Gate("b")
    team = Team(storage, A="a", B=gate)
    session = await team.session()
    running = asyncio.ensure_future(session.run("User -> A -> B -> User"))
    await gate.entered.wait()
    assert (await session.replay()).total_steps == 1
    gate.open.set()
    assert (await running).success


async def test_a_replay_can_be_paced(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)
    assert (await team.orchestra.session("s").replay(speed=1_000.0)).final_response == "d"


def without(kind: type) -> Callable[[list[Record]], list[Record]]:
    """Leave the first event of a kind out."""

    def doctored(records: list[Record]) -> list[Record]:
        first = next(i for i, record in enumerate(records) if isinstance(record.event, kind))
        return [*records[:first], *records[first + 1 :]]

    return doctored


def instead(kind: type, event: Event) -> Callable[[list[Record]], list[Record]]:
    """Put another event for the first of a kind."""

    def doctored(records: list[Record]) -> list[Record]:
        first = next(i for i, record in enumerate(records) if isinstance(record.event, kind))
        return [*records[:first], records[first]._replace(event=event), *records[first + 1 :]]

    return doctored


@pytest.mark.parametrize(
    "doctored",
    [
        without(StepScheduled),
        without(StepCompleted),
        without(BranchMoved),
        without(BranchEnded),
        instead(BranchMoved, BranchMoved("b0", "C")),
        instead(BranchMoved, BranchMoved("b7", "B")),
        instead(StepCompleted, StepCompleted("b0", 1, None, Invoke("C", "x"))),
        instead(StepScheduled, StepScheduled("b0", 1, "B")),
        instead(StepScheduled, RunEnded("succeeded")),
        instead(RunEnded, RunEnded("failed", "no")),
        lambda records: records[1:],
        lambda records: [*records[:5], records[3], *records[5:]],
        lambda records: [records[0], *reversed(records[1:])],
    ],
)
async def test_a_journal_that_no_run_wrote_is_noticed(
    storage: StorageBackend, doctored: Callable[[list[Record]], list[Record]]
) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run("User -> A -> B -> User\nA -> C\nB -> C\nC -> User", max_steps=9)
    await team.run("User -> A -> B -> C -> User", name="doctored_from")
    session = team.cut(doctored(team.records("doctored_from")), "doctored")
    with pytest.raises(SessionError, match=r"replay differs at seq|does not fit|begins with|has not run"):
        await session.replay()


async def test_replaying_needs_neither_agents_nor_a_person(storage: StorageBackend) -> None:
    team = Team(storage, ["yes"], A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)

    class Nobody(AgentRegistry):
        def get(self, name: str) -> Agent:
            raise AssertionError(name)

    orchestra = Orchestra(Nobody(), state_manager=StateManager(storage))
    assert (await orchestra.session("s").replay()).success


async def test_a_checkpoint_between_any_two_events_changes_nothing(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)
    records = team.records()
    for n in range(1, len(records)):
        mark = records[n - 1]._replace(event=CheckpointCreated("here"))
        with_mark = [r._replace(seq=i) for i, r in enumerate([*records[:n], mark, *records[n:]], 1)]
        assert (await team.cut(with_mark, f"mark{n}").replay()).final_response == "d"


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
async def test_replaying_at_what_is_no_speed_is_an_error(storage: StorageBackend, speed: float) -> None:
    team = Team(storage, A="a")
    await team.run("User -> A -> User")
    with pytest.raises(SessionError, match="does not fit; expected how many times faster"):
        await team.orchestra.session("s").replay(speed=speed)


@pytest.mark.parametrize("change", [BranchMoved("b0", "Zed"), BranchMoved("b7", "B"), StepCompleted("b0", 9, "x")])
async def test_an_event_that_no_run_could_have_written_is_one_clear_error(
    storage: StorageBackend, change: Event
) -> None:
    team = Team(storage, A="a", B="b")
    await team.run("User -> A -> B -> User")
    records = team.records()
    moved = next(i for i, record in enumerate(records) if isinstance(record.event, BranchMoved))
    session = team.cut([*records[:moved], records[moved]._replace(event=change), *records[moved + 1 :]], "edited")
    for look in (lambda: session.at(len(records)), lambda: session.why("B#1"), lambda: session.result):
        with pytest.raises(SessionError, match="was it edited"):
            look()
    with pytest.raises(SessionError, match=r"replay differs|was it edited"):
        await session.replay()
