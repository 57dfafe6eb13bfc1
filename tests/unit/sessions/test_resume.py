"""Resuming: from where the journal leaves everybody, asking nobody twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import (
    JournalLocked,
    Orchestra,
    SessionError,
    SessionNotFound,
    StateManager,
    TopologyError,
)
from mars_nb.events import CheckpointCreated, RunEnded, RunResumed, RunStarted, StepScheduled, TopologyChanged
from mars_nb.state.manager import worked_s
from mars_nb.state.record import Record
from tests.unit.sessions.team import Gate, Team, status

if TYPE_CHECKING:
    from mars_nb.events import Event
    from mars_nb.state.storage import StorageBackend

CHAIN = "User -> A -> B -> C -> User"
DIAMOND = "User -> A -> B, C\nB, C -> D -> User"


async def test_a_paused_run_goes_on_in_a_new_process(storage: StorageBackend) -> None:
    team = Team(storage, A="from A", B="from B", C="from C")
    await team.run(CHAIN + "\npause_before(C)")
    later = team.again(A=[], B=[], C=lambda request, _: f"C took {request}")
    result = await later.orchestra.resume_session("s")
    assert (result.final_response, result.total_steps, later.asked) == ("C took from B", 3, ["C"])
    assert (await later.manager.list_sessions())[0]["status"] == "succeeded"


async def test_a_run_that_was_cut_anywhere_goes_on_through_the_public_api(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D=lambda request, _: request)
    whole = await team.run(DIAMOND)
    records = team.records()
    for n in range(1, len(records)):
        done = sum(type(record.event).__name__ == "StepCompleted" for record in records[:n])
        later = team.again(A="a", B="b", C="c", D=lambda request, _: request)
        session = later.cut(records[:n], f"cut{n}")
        assert session.status == "interrupted"
        result = await session.resume()
        assert (result.final_response, result.total_steps) == (whole.final_response, 4)
        assert len(later.asked) == 4 - done


async def test_a_session_can_be_resumed_once_at_a_time(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN + "\npause_before(B)")
    answers = await asyncio.gather(
        team.orchestra.resume_session("s"), team.orchestra.resume_session("s"), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in answers) == ["OrchestraResult", "SessionError"]
    assert team.asked == ["A", "B", "C"]


async def test_a_session_that_runs_cannot_be_resumed_run_restored_or_forked_into_its_own_name(
    storage: StorageBackend,
) -> None:
    gate = Gate()
    team = Team(storage, A=gate)
    session = await team.session()
    running = asyncio.ensure_future(session.run("User -> A -> User"))
    await gate.entered.wait()
    with pytest.raises(SessionError, match="'s' is running; pause it first"):
        await session.resume()
    with pytest.raises(SessionError, match="is running"):
        await session.run("User -> A -> User")
    with pytest.raises(SessionError, match="is running"):
        await session.restore(1)
    with pytest.raises(SessionError, match="there is a session 's' already"):
        await session.fork(1, new_id="s")
    with pytest.raises(JournalLocked):
        await team.again(A="a").orchestra.resume_session("s")
    with pytest.raises(JournalLocked):
        await team.manager.delete_session("s")
    gate.open.set()
    assert (await running).success


async def test_what_somebody_else_wrote_before_the_journal_was_ours_is_not_missed(storage: StorageBackend) -> None:
    class Meanwhile(StateManager):
        """Lets another process finish the run between the look at the journal and the lock."""

        def open(self, session_id: str, *, trust: bool = False) -> Any:
            if theirs:
                journal = super().open(session_id)
                journal.append(theirs.pop())
                journal.close()
            return super().open(session_id, trust=trust)

    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN + "\npause_before(B)")
    theirs = [CheckpointCreated("theirs")]
    orchestra = Orchestra(team.registry, state_manager=Meanwhile(storage))
    result = await orchestra.resume_session("s")
    assert (result.success, team.kinds().count("CheckpointCreated")) == (True, 1)
    assert result.history.state.n_events == len(team.events())  # type: ignore[union-attr]


async def test_resuming_a_finished_run_gives_its_result_and_asks_nobody(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    first = await team.run(CHAIN)
    n_events = len(team.events())
    later = team.again()
    result = await later.orchestra.resume_session("s")
    assert (result.final_response, result.total_steps, result.success) == (first.final_response, 3, True)
    assert list(result.timeline()["agent"]) == ["A", "B", "C"]
    assert (later.asked, len(later.events())) == ([], n_events)


async def test_a_session_that_never_ran_says_so(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    session = await team.session()
    assert session.status == "created"
    for touch in (session.resume(), session.checkpoint("early"), session.fork(1), session.replay(), session.restore(1)):
        with pytest.raises(SessionError, match=r"has not run yet|there is no seq"):
            await touch
    with pytest.raises(SessionError, match="has not run yet; run it first"):
        _ = session.result
    assert (await session.run("User -> A -> User")).success


async def test_an_unknown_session_is_named_with_the_nearest_one(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    await team.run("User -> A -> User", name="analysis")
    for touch in (
        team.orchestra.resume_session("analysys"),
        team.orchestra.pause_session("analysys"),
        team.orchestra.create_checkpoint("analysys", "one"),
        team.orchestra.restore_checkpoint("analysys@one"),
        team.manager.delete_session("analysys"),
    ):
        with pytest.raises(SessionNotFound, match=r"no session 'analysys'.*did you mean 'analysis'"):
            await touch


async def test_a_session_runs_once(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    await team.run("User -> A -> User")
    with pytest.raises(SessionError, match="'s' has run already; resume it, fork it, or create another one"):
        await team.orchestra.session("s").run("User -> A -> User")
    with pytest.raises(SessionError, match="there is a session 's' already"):
        await team.session()


async def test_a_wrong_topology_leaves_the_session_as_new(storage: StorageBackend) -> None:
    team = Team(storage, A="a")
    session = await team.session()
    with pytest.raises(TopologyError):
        await session.run("User -> Nobody -> User")
    assert session.status == "created"
    assert (await session.run("User -> A -> User")).success


async def test_a_cancelled_run_can_go_on(storage: StorageBackend) -> None:
    gate = Gate()
    team = Team(storage, A="a", B=[gate, "b"], C="c")
    session = await team.session()
    running = asyncio.ensure_future(session.run(CHAIN))
    await gate.entered.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert session.status == "cancelled"
    result = await session.resume()
    assert (result.final_response, team.asked) == ("c", ["A", "B", "B", "C"])


async def test_the_result_of_a_session_is_read_from_its_journal(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN)
    session = team.again().orchestra.session("s")
    assert (session.result.final_response, repr(session)) == ("c", "<Session 's' succeeded>")


# -------------------------------------------------------------------------------------------------------- failed runs


async def test_resuming_a_failed_run_asks_only_who_failed(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=ValueError("broken"), C="c", D=[])
    result = await team.run(DIAMOND)
    assert (result.success, team.asked) == (False, ["A", "B", "C"])
    assert "B (b0.0#1) failed: ValueError: broken; this blocks D" in str(result.error)
    later = team.again(A=[], B="b", C=[], D=lambda request, _: request)
    result = await later.orchestra.resume_session("s")
    assert (result.final_response, later.asked) == ({"B": "b", "C": "c"}, ["B", "D"])
    assert later.keys[0] == "s/b0.0#1" == team.keys[1]


async def test_a_failure_that_was_made_up_for_is_not_retried(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=ValueError("broken"), C="c", D=ValueError("D, too"))
    assert not (await team.run(DIAMOND + "\nquorum(D, 0.5)")).success
    later = team.again(A=[], B=[], C=[], D=lambda request, context: [request, len(context.failures)])
    result = await later.orchestra.resume_session("s")
    assert (result.final_response, later.asked) == (["c", 1], ["D"])


async def test_a_quorum_that_is_added_on_resume_lets_a_join_go_on_without_who_fails_again(
    storage: StorageBackend,
) -> None:
    team = Team(storage, A="a", B=[ValueError("1"), ValueError("2")], C="c", D=lambda request, _: request)
    assert not (await team.run(DIAMOND)).success
    result = await team.orchestra.resume_session("s", rules=["quorum(D, 0.5)"])
    assert (result.success, result.final_response, team.asked.count("C")) == (True, "c", 1)
    assert "quorum(D, 0.5)" in next(e.topology for e in team.events() if isinstance(e, TopologyChanged))


async def test_a_caller_whose_call_failed_is_asked_again_only_after_the_call_was_retried(
    storage: StorageBackend,
) -> None:
    hub = "User -> A\nA <-> B\nA <-> C\nA -> User"
    team = Team(storage, A=["go", lambda request, _: request], B=[ValueError("no"), "b"], C="c")
    assert not (await team.run(hub)).success
    result = await team.orchestra.resume_session("s")
    assert (result.final_response, team.asked) == ({"B": "b", "C": "c"}, ["A", "B", "C", "B", "A"])


async def test_a_failed_run_goes_on_with_a_changed_agent(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=ValueError("broken"), C="c")
    await team.run(CHAIN)
    better = Team(storage, B="better").registry.get("B")
    object.__setattr__(better, "instructions", "be better")
    result = await team.orchestra.resume_session("s", agents=[better])
    assert (result.final_response, team.asked) == ("c", ["A", "B", "C"])
    changed = [event for event in team.events() if isinstance(event, TopologyChanged)]
    started = next(event for event in team.events() if isinstance(event, RunStarted))
    assert [name for name in "ABC" if changed[0].agents[name] != started.agents[name]] == ["B"]


@pytest.mark.parametrize("raised", [{"max_steps": 5}, {"rules": ["max_steps(5)"]}])
@pytest.mark.parametrize("limit", [{"max_steps": 2}, {}])
async def test_a_run_that_its_limit_stopped_goes_on_under_a_raised_one(
    storage: StorageBackend, raised: dict[str, Any], limit: dict[str, Any]
) -> None:
    team = Team(storage, A="a", B="b", C="c")
    topology = CHAIN if limit else CHAIN + "\nmax_steps(2)"
    result = await team.run(topology, **limit)
    assert "max_steps(2) reached" in str(result.error)
    again = await team.orchestra.resume_session("s")
    assert ("max_steps(2) reached" in str(again.error), team.asked) == (True, ["A", "B"])
    result = await team.orchestra.resume_session("s", **raised)
    assert (result.final_response, team.asked) == ("c", ["A", "B", "C"])


async def test_a_raised_limit_stays_raised(storage: StorageBackend) -> None:
    team = Team(storage, A=["a"], B=["b"], C=["c"])
    await team.run(CHAIN, max_steps=1)
    assert not (await team.orchestra.resume_session("s", max_steps=2)).success
    assert "max_steps(2) reached" in str((await team.orchestra.resume_session("s")).error)


async def test_a_run_that_its_timeout_stopped_goes_on_under_a_longer_one(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=[Gate(), "b"], C="c")
    result = await team.run(CHAIN + "\ntimeout(0.05)")
    assert ("timeout(0.05) reached" in str(result.error), team.asked) == (True, ["A", "B"])
    result = await team.orchestra.resume_session("s", rules=["timeout(60)"])
    assert (result.final_response, team.asked) == ("c", ["A", "B", "B", "C"])


# ----------------------------------------------------------------------------------------------------- time of work


def at_times(records: list[Record], times: dict[int, float]) -> list[Record]:
    """Give records that happened at these seconds; the others at that of the one before."""
    now = 0.0
    moved = []
    for record in records:
        now = times.get(record.seq, now)
        moved.append(record._replace(at=now))
    return moved


async def test_a_pause_does_not_count_against_the_timeout_and_work_does(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN + "\npause_before(B)\ntimeout(100)")
    records = team.records()
    paused = records[-1].seq
    long_pause = at_times(records, {1: 0.0, paused: 40.0})
    assert worked_s(long_pause) == 40.0
    long_work = at_times(records, {1: 0.0, paused: 100.5})
    rested, tired = team.cut(long_pause, "rested"), team.cut(long_work, "tired")
    team.hire("B", [Gate("b")])
    result = await tired.resume()
    assert (status(result), "timeout(100) reached" in str(result.error)) == ("failed", True)
    team.hire("B", ["b"])
    assert (await rested.resume()).success


def test_a_crash_ends_the_work_with_the_last_event_and_a_restore_forgets_what_came_after() -> None:
    from mars_nb.events import Restored, RunPaused

    started = RunStarted(task="T", topology="User -> A")
    events: list[Event] = [
        started,
        StepScheduled("b0", 1, "A"),
        RunResumed(),
        RunPaused("so"),
        RunResumed(),
        RunEnded("cancelled"),
    ]
    times = [0.0, 10.0, 1_000.0, 1_003.0, 2_000.0, 2_004.0]
    records = [Record(i, at, event) for i, (at, event) in enumerate(zip(times, events, strict=True), 1)]
    assert worked_s(records) == 10 + 3 + 4
    restored = [*records[:2], Record(9, 5_000.0, Restored(2)), Record(10, 5_001.0, RunResumed())]
    assert worked_s(restored) == 10.0


# -------------------------------------------------------------------------------------------------- another topology


async def test_a_run_goes_on_under_another_topology_and_the_change_is_recorded(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(CHAIN + "\npause_before(B)")
    result = await team.orchestra.resume_session("s", topology="User -> A -> B -> D -> User")
    assert (result.final_response, team.asked) == ("d", ["A", "B", "D"])
    changes = [event for event in team.events() if isinstance(event, TopologyChanged)]
    assert len(changes) == 1
    assert "B -> D" in changes[0].topology
    assert result.metadata["topology_edges"] == 4
    assert "D" in result.history.topology.nodes  # type: ignore[union-attr]


async def test_nothing_is_recorded_where_nothing_changed(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN + "\npause_before(B)")
    await team.orchestra.resume_session("s", topology=CHAIN + "\npause_before(B)")
    assert "TopologyChanged" not in team.kinds()


async def test_a_topology_without_the_agent_where_a_branch_stands_is_refused_before_anything_is_written(
    storage: StorageBackend,
) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN + "\npause_before(B)")
    before = team.records()
    with pytest.raises(TopologyError, match=r"branch b0 stands at 'B', which the new topology does not have"):
        await team.orchestra.resume_session("s", topology="User -> A -> C -> User")
    assert team.records() == before
    assert team.orchestra.session("s").status == "paused"
    assert (await team.orchestra.resume_session("s")).success


async def test_a_wrong_rule_or_agent_on_resume_is_refused_before_anything_is_written(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN + "\npause_before(B)")
    before = team.records()
    with pytest.raises(TopologyError):
        await team.orchestra.resume_session("s", rules=["quorum(Nobody, 0.5)"])
    with pytest.raises(TopologyError, match="'B'"):
        await team.again(A="a", C="c").orchestra.resume_session("s")
    assert team.records() == before


async def test_a_reply_that_was_not_routed_yet_is_routed_by_the_new_topology(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run(CHAIN)
    replied = next(record.seq for record in team.records() if type(record.event).__name__ == "StepCompleted")
    session = team.cut(team.records()[:replied], "cut")
    result = await session.resume(topology="User -> A -> C -> User")
    assert (result.final_response, team.asked) == ("c", ["A", "B", "C", "C"])
    assert result.success
    assert (await session.replay()).final_response == "c"


async def test_a_fork_that_was_half_written_is_finished_by_the_topology_that_began_it(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B="b", C="c", D="d")
    await team.run(DIAMOND)
    first = next(i for i, event in enumerate(team.kinds()) if event == "BranchForked")
    session = team.cut(team.records()[: first + 2], "cut")
    with pytest.raises(TopologyError, match=r"branch b0\.1 stands at 'C'"):
        await session.resume(topology="User -> A -> B -> D -> User")
    result = await session.resume(topology="User -> A -> B, C\nB, C -> D -> End")
    assert (result.success, team.requests("D")[-1]) == (True, {"B": "b", "C": "c"})
    assert (await session.replay()).success
