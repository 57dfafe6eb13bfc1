"""Forking: what if? Only what changed is asked, and the original stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import AskUser, Invoke, Parallel, ReplyError, SessionError
from mars_nb.events import QuestionAnswered, StepCompleted, TopologyChanged
from tests.unit.sessions.team import Gate, Team, status

if TYPE_CHECKING:
    from mars_nb.state.storage import StorageBackend

DIAMOND = "User -> A -> B, C\nB, C -> D -> User"


def joined(request: Any, _context: object) -> Any:
    return ["D", request]


def diamond(storage: StorageBackend) -> Team:
    return Team(storage, A="a", B="b", C="c", D=joined)


async def test_a_fork_at_every_position_ends_like_the_original_and_asks_nobody(storage: StorageBackend) -> None:
    team = Team(
        storage,
        ["yes"],
        A=[Parallel([("B", 1), ("B", 1), ("C", 2)]), AskUser("ok?"), "on"],
        B=["b1", "b2"],
        C="c",
        D=joined,
        E="e",
        F=joined,
    )
    whole = await team.run("User -> A\nA <-> B\nA <-> C\nA -> User\nA -> D, E\nD, E -> F -> User")
    before, asked = team.records(), list(team.asked)
    for record in before:
        fork = await team.again().orchestra.session("s").fork(record.seq, new_id=f"fork{record.seq}")
        later = team.again(A=[], B=[], C=[], D=joined, E=[], F=joined)
        result = await later.orchestra.resume_session(fork.id)
        assert (result.final_response, result.success) == (whole.final_response, True), record
        assert result.total_steps == whole.total_steps
        assert later.asked == []
        after = [each.event for each in later.records(fork.id) if each.seq > record.seq]
        assert all(event.recorded for event in after if isinstance(event, StepCompleted))
        assert (await fork.replay()).final_response == whole.final_response
    assert (team.records(), team.asked) == (before, asked)


async def test_a_fork_knows_where_it_came_from(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("B#1")
    about = next(each for each in await team.manager.list_sessions() if each["session_id"] == fork.id)
    seq = next(r.seq for r in team.records() if getattr(r.event, "content", 0) == "b")
    assert about["parent"] == {"session": "s", "seq": seq}
    assert (about["task"], about["status"]) == ("TASK", "interrupted")


async def test_an_edited_reply_asks_only_who_comes_after_it(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("B#1", edit={"better": "b"})
    result = await fork.resume()
    assert result.final_response == ["D", {"B": {"better": "b"}, "C": "c"}]
    assert team.asked == ["A", "B", "C", "D", "D"]
    timeline = result.timeline().set_index("agent")
    assert timeline["source"].to_dict() == {"A": "asked", "B": "asked", "C": "recorded", "D": "asked"}
    assert team.orchestra.session("s").result.final_response == ["D", {"B": "b", "C": "c"}]


async def test_a_reply_can_be_edited_into_an_action(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("A#1", edit=Invoke("C", "only you"))
    result = await fork.resume()
    assert (result.final_response, team.requests("C")) == (["D", "c"], ["a", "only you"])


async def test_only_a_reply_can_be_edited(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    with pytest.raises(SessionError, match="seq 1 is a RunStarted; only a completed step's reply can be edited"):
        await team.orchestra.session("s").fork(1, edit="x")
    assert team.storage.list() == ["s"]


async def test_a_fork_with_another_agent_asks_that_agent_and_whom_it_changes(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("A#1")
    other = team.again(B="other b")
    object.__setattr__(other.registry.get("B"), "instructions", "another one")
    result = await fork.resume(agents=[other.registry.get("B")])
    assert result.final_response == ["D", {"B": "other b", "C": "c"}]
    assert (team.asked, other.asked) == (["A", "B", "C", "D", "D"], ["B"])
    assert list(result.timeline()["source"]) == ["asked", "asked", "recorded", "asked"]


async def test_a_fork_under_another_topology_routes_the_reply_at_which_it_was_forked_anew(
    storage: StorageBackend,
) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("A#1")
    result = await fork.resume(topology="User -> A -> C -> D -> User")
    assert (result.final_response, team.asked[4:]) == (["D", "c"], ["D"])
    assert sum(isinstance(event, TopologyChanged) for event in team.events(fork.id)) == 1
    assert (await fork.replay()).final_response == ["D", "c"]


async def test_a_fork_before_an_agent_that_the_new_topology_lacks_is_refused(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("B#1")
    with pytest.raises(ValueError, match="stands at 'B', which the new topology does not have"):
        await fork.resume(topology="User -> A -> C -> D -> User")


async def test_the_same_request_given_twice_takes_each_reply_once(storage: StorageBackend) -> None:
    team = Team(storage, A=[Parallel([("B", "x"), ("B", "x")]), joined], B=["b1", "b2"])
    whole = await team.run("User -> A\nA <-> B\nA -> User")
    for where in ("A#1", "B#1", "B#2"):
        fork = await team.orchestra.session("s").fork(where)
        assert (await fork.resume()).final_response == whole.final_response == ["D", {"B": "b1", "B#2": "b2"}]
    assert team.asked == ["A", "B", "B", "A"]


async def test_a_fork_that_was_paused_takes_no_reply_twice(storage: StorageBackend) -> None:
    team = Team(storage, A=[Parallel([("B", "x"), ("B", "x")]), joined], B=["b1", "b2", "b3"])
    await team.run("User -> A\nA <-> B\nA -> User")
    fork = await team.orchestra.session("s").fork("A#1", edit=Parallel([("B", "x"), ("B", "x"), ("B", "x")]))
    assert status(await fork.resume(rules=["pause_before(A)"])) == "paused"
    result = await team.again(A=[joined], B=[]).orchestra.resume_session(fork.id)
    assert result.final_response == ["D", {"B": "b1", "B#2": "b2", "B#3": "b3"}]


async def test_a_fork_of_a_failed_run_asks_who_failed(storage: StorageBackend) -> None:
    team = Team(storage, A="a", B=[ValueError("no"), "b"], C="c", D=joined)
    assert not (await team.run(DIAMOND)).success
    fork = await team.orchestra.session("s").fork("A#1")
    result = await fork.resume()
    assert (result.final_response, team.asked[3:]) == (["D", {"B": "b", "C": "c"}], ["B", "D"])
    assert not team.orchestra.session("s").result.success


async def test_a_recorded_answer_of_a_person_is_not_asked_for_again(storage: StorageBackend) -> None:
    team = Team(storage, A=[AskUser("which?"), lambda request, _: f"took {request}", AskUser("really?")])
    await team.run("User -> A -> User")
    await team.orchestra.resume_session("s", user=["blue"])
    for where in (2, "A#1"):
        fork = await team.orchestra.session("s").fork(where)
        result = await fork.resume()
        assert (result.final_response, len(team.asked)) == ("took blue", 2)
    assert any(isinstance(event, QuestionAnswered) and event.recorded for event in team.events(fork.id))
    fork = await team.orchestra.session("s").fork("A#1", edit="plain")
    assert (await fork.resume()).final_response == "plain"


async def test_a_question_that_was_edited_is_asked(storage: StorageBackend) -> None:
    team = Team(storage, A=[AskUser("which?"), "took it", lambda request, _: f"took {request}"])
    await team.run("User -> A -> User")
    await team.orchestra.resume_session("s", user=["blue"])
    fork = await team.orchestra.session("s").fork("A#1", edit=AskUser("which one?"))
    assert status(await fork.resume()) == "paused"
    assert (await fork.resume(user=["red"])).final_response == "took red"


async def test_a_fork_of_a_fork_takes_what_its_parent_recorded(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    first = await team.orchestra.session("s").fork("B#1", edit="b2")
    await first.resume()
    second = await first.fork("A#1")
    result = await second.resume()
    assert result.final_response == ["D", {"B": "b2", "C": "c"}]
    assert list(result.timeline()["source"]) == ["asked", "recorded", "recorded", "recorded"]
    assert team.orchestra.session("s").result.final_response == ["D", {"B": "b", "C": "c"}]


async def test_a_fork_whose_original_was_deleted_asks(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    fork = await team.orchestra.session("s").fork("A#1")
    await team.manager.delete_session("s")
    result = await fork.resume()
    assert (result.final_response, len(team.asked)) == (["D", {"B": "b", "C": "c"}], 7)


async def test_a_running_session_can_be_forked(storage: StorageBackend) -> None:
    import asyncio

    gate = Gate("d")
    team = Team(storage, A="a", B="b", C="c", D=[gate, "other d"])
    session = await team.session()
    running = asyncio.ensure_future(session.run(DIAMOND))
    await gate.entered.wait()
    fork = await session.fork("C#1", edit="c2")
    assert (await fork.resume()).final_response == "other d"
    gate.open.set()
    assert (await running).final_response == "d"


async def test_a_name_for_the_fork_must_be_free_and_well_formed(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    with pytest.raises(SessionError, match="there is a session 's' already"):
        await team.orchestra.session("s").fork("A#1", new_id="s")
    with pytest.raises(SessionError):
        await team.orchestra.session("s").fork("A#1", new_id="../s")


async def test_what_was_made_elsewhere_is_looked_at_but_goes_on_only_when_trusted(storage: StorageBackend) -> None:
    team = diamond(storage)
    await team.run(DIAMOND)
    records = team.records()[:9]
    storage.create("theirs", {"task": "TASK", "context": {}}, records=records, trusted=False).close()
    theirs = team.orchestra.session("theirs")
    assert theirs.at(4).total_steps == 1
    with pytest.raises(SessionError, match="trust=True"):
        await theirs.resume()
    with pytest.raises(SessionError, match="trust=True"):
        await theirs.fork(4)
    assert (await (await theirs.fork(4, trust=True)).resume()).success
    assert (await theirs.resume(trust=True)).success


@pytest.mark.parametrize("edit", [Invoke("Zed"), Parallel([("Zed", 1)]), Invoke("C")])
async def test_a_reply_can_only_be_edited_into_what_the_topology_allowed(storage: StorageBackend, edit: Any) -> None:
    team = Team(storage, A="a", B="b", C="c")
    await team.run("User -> A -> B -> C -> User")
    with pytest.raises(ReplyError, match=r"no edge leads from 'A' to '.*'; 'A' may ask 'B'"):
        await team.orchestra.session("s").fork("A#1", edit=edit)
