"""The scene of a live view: what it says in each situation."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import AgentRegistry, AskUser, FileStorageBackend, Orchestra, Parallel, StateManager, agent
from mars_nb.events import (
    BranchCreated,
    BranchForked,
    PauseRequested,
    QuestionAsked,
    StepCompleted,
    StepScheduled,
)
from mars_nb.state import positions
from mars_nb.views.detail import edge_detail, node_detail, step_detail
from mars_nb.views.history import history_of
from mars_nb.views.onlooker import Onlooker
from mars_nb.views.scene import N_BARS, Caption, drawn_scene, scene
from mars_nb.views.stage import Stage
from mars_nb.views.waits import Awaited, awaited, joins
from tests.unit.views.happenings import BEGAN, history

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.state.record import Record
    from mars_nb.views.history import History

FAN = "User -> P -> A, B, C -> M -> User"


@pytest.fixture
def registry() -> AgentRegistry:
    made = AgentRegistry()

    async def reply(request: object, context: Any) -> str:
        return f"{context.agent} did {request}"

    async def fails(_request: object) -> str:
        raise ConnectionError("refused")

    async def asks(_request: object, context: Any) -> Any:
        return "published" if context.memory else AskUser("Publish <b>it</b>?")

    async def calls(_request: object, context: Any) -> Any:
        return "sum" if context.memory else Parallel([("A", "x"), ("Editor", "y")])

    for name in ("P", "A", "B", "C", "M"):
        agent(name, registry=made)(reply)
    agent("Hub", registry=made)(calls)
    agent("Fails", registry=made)(fails)
    agent("Editor", registry=made)(asks)
    return made


@pytest.fixture
def run(registry: AgentRegistry, tmp_path: Path) -> Any:
    async def go(topology: str) -> list[Record]:
        manager = StateManager(FileStorageBackend(tmp_path))
        session = await Orchestra(registry, state_manager=manager).create_session("it", {}, "s-1")
        await session.run(topology)
        return manager.records("s-1")

    return go


def shown(records: list[Record], status: str = "running", until: int | None = None) -> dict[str, Any]:
    kept = records if until is None else positions.until(records, until)
    history = history_of(kept)
    caption = Caption("report", "report-1", "report", "/home", "offline", status)
    made = scene(history, Onlooker.of(kept), Stage(history.topology), caption, at=kept[-1].at)
    assert "null" not in json.dumps(made), "a merge patch reads a null as a removal"
    return made


def when(records: list[Record], what: str, n: int = 1) -> int:
    return [each.seq for each in records if type(each.event).__name__ == what][n - 1]


async def test_a_run_that_goes_on_counts_its_branches_and_has_no_banner(run: Any) -> None:
    records = await run(FAN)
    made = shown(records, until=when(records, "StepCompleted", 3) - 1)
    assert (made["status"], made["word"]) == ("running", "Running")
    assert made["line"] == "step 2 (max 100) · branches: 2 running, 1 waiting, 1 done"
    assert "banner" not in made
    assert [made["controls"][0], made["clock"]["runs"]] == ["pause", True]
    assert [bar[3:6] for bar in made["bars"].values()][:2] == [["done", "P", "b0#1"], ["done", "A", "b0.0#1"]]


async def test_a_join_says_how_many_have_arrived_and_who_is_awaited(run: Any) -> None:
    records = await run(FAN)
    state = history_of(positions.until(records, when(records, "StepCompleted", 3) - 1)).state
    (join,) = joins(state)
    assert awaited(state, join) == (["A"], ["B", "C"])
    assert awaited(state, join).text == "1 of 3"


def test_counts_of_many_are_written_so_that_they_fit_a_box() -> None:
    assert [Awaited(["A"] * n, ["B"]).text for n in (0, 1, 98, 999)] == ["", "1 of 2", "98 of 99", "999/1000"]


async def test_a_run_that_is_over_says_what_it_took(run: Any) -> None:
    made = shown(await run(FAN), "succeeded")
    assert made["banner"]["kind"] == "done"
    assert made["banner"]["text"].startswith("Done · 5 steps · 0:0")
    assert "pause" not in made["controls"]


async def test_a_paused_run_says_why_and_who_is_next(run: Any) -> None:
    made = shown(await run(f"{FAN}\npause_before(M)"), "paused")
    banner = made["banner"]
    assert banner["kind"] == "paused"
    assert banner["text"].startswith("Paused at step 4 · ")
    assert banner["text"].endswith(" · nothing is running, nothing is lost")
    assert (banner["next"], banner["line"]) == ("M (3 of 3 arrived)", "%mars resume report")


async def test_a_process_that_died_says_that_nothing_is_lost(run: Any) -> None:
    records = await run(FAN)
    made = shown(records, "interrupted", until=when(records, "StepCompleted", 3) - 1)
    assert (made["status"], made["banner"]["kind"]) == ("interrupted", "paused")
    assert "nothing that was replied is lost" in made["banner"]["text"]
    assert made["line"] == "step 2 (max 100) · branches: 2 ready, 1 waiting, 1 done"
    states = [re.findall('data-node="([BC])" data-state="([a-z]+)"', box) for box in made["nodes"].values()]
    assert [found for each in states for found in each] == [("B", "paused"), ("C", "paused")]


async def test_more_steps_at_once_than_lanes_share_all_lanes(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.views.scene.N_LANES", 2)
    records = await run(FAN)
    made = shown(records)
    assert [bar[0] for bar in made["bars"].values()] == [0, 0, 1, 0, 0]
    assert made["n_lanes"] == 2


async def test_a_failed_run_says_what_failed_what_that_blocks_and_what_helps(run: Any) -> None:
    banner = shown(await run("User -> P -> A, Fails -> M -> User"), "failed")["banner"]
    assert banner["text"] == "Failed at Fails (b0.1#1): ConnectionError: refused"
    assert banner["because"] == "M needs all of 2 (no quorum rule) and has 1"
    assert banner["kept"] == "kept: 2 of 3 steps"
    assert [(each["label"], each.get("rule")) for each in banner["actions"]] == [
        ("Retry only Fails", None),
        ("Continue without it: quorum(M, 0.5)", "quorum(M, 0.5)"),
        ("Open step", None),
    ]


async def test_a_question_is_shown_with_what_the_asker_had_read(run: Any) -> None:
    made = shown(await run("User -> Editor -> User"), "paused")
    banner = made["banner"]
    assert (made["status"], banner["kind"], banner["agent"]) == ("asking", "asking", "Editor")
    assert (banner["question"], banner["had_read"]) == ("Publish <b>it</b>?", "it")


async def test_a_run_that_asks_while_it_is_paused_says_so_and_can_go_on(run: Any) -> None:
    made = shown(await run("User -> Editor -> User"), "paused")
    assert made["banner"]["place_in_line"] == "question 1 of 1; the run is paused until there is an answer"
    assert ("resume" in made["controls"], "pause" in made["controls"]) == (True, False)


def test_a_question_does_not_hide_that_running_steps_are_waited_for() -> None:
    past = history(
        (0, BranchCreated("b0", "P")),
        (0, StepScheduled("b0", 1, "P")),
        (1, StepCompleted("b0", 1, content="p")),
        (1, BranchForked("b0")),
        (1, BranchCreated("b0.0", "A", parent="b0")),
        (1, BranchCreated("b0.1", "B", parent="b0")),
        (1, StepScheduled("b0.0", 1, "A")),
        (1, StepScheduled("b0.1", 1, "B")),
        (2, StepCompleted("b0.0", 1, content=None, action=AskUser("Publish it?"))),
        (2, QuestionAsked("b0.0")),
        (3, PauseRequested("you pressed Pause")),
    )
    made = scene(past, Onlooker(), Stage(past.topology), Caption("report"), at=BEGAN + 4)
    assert (made["status"], made["banner"]["kind"]) == ("pausing", "asking")


async def test_the_boxes_are_those_of_the_saved_picture(run: Any) -> None:
    records = await run(FAN)
    picture = history_of(records)
    from mars_nb.views.nodes import run_mimebundle

    saved = run_mimebundle(picture)["image/svg+xml"]
    assert all(box in saved for box in shown(records, "succeeded")["nodes"].values())


async def test_only_the_newest_bars_are_shown(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.views.scene.N_BARS", 2)
    made = shown(await run(FAN), "succeeded")
    assert list(made["bars"]) == ["3", "4"]
    assert made["hidden_bars"] == 3
    assert N_BARS > 100


async def test_before_the_first_event_there_is_a_drawing(run: Any) -> None:
    history: History = history_of(await run(FAN))
    made = drawn_scene(Stage(history.topology), Caption("report"))
    assert (made["seq"], made["nodes"], made["controls"][0]) == (0, {}, "pause")


# ------------------------------------------------------------------------------------------------------ a closer look


async def test_an_agent_shows_its_visits_and_its_memory(run: Any) -> None:
    found = node_detail(history_of(await run(FAN)), "M")
    assert found["facts"][0] == ["visits", "1"]
    assert found["facts"][1][0] == "memory"
    (visit,) = found["visits"]
    assert visit["state"] == "done"
    assert [part[0] for part in visit["parts"]] == ["request", "reply"]


async def test_an_agent_where_branches_wait_shows_who_is_awaited(run: Any) -> None:
    records = await run(FAN)
    history = history_of(positions.until(records, when(records, "StepCompleted", 4) - 1))
    assert node_detail(history, "M")["waits"] == {"arrived": ["A", "B"], "awaited": ["C"]}


async def test_an_edge_shows_what_went_over_it_and_a_conversation_both_ways(run: Any) -> None:
    history = history_of(await run("User -> A\nA <-> B\nA -> User\nmax_turns(A <-> B, 1)"))
    assert over(history, "User", "A") == ("User → A", ["task"])
    assert over(history, "A", "User") == ("A → User", ["b0#3"])
    assert over(history, "A", "B") == ("A ↔ B", ["b0#1", "b0#2"])


async def test_replies_of_those_who_were_called_go_to_their_caller_and_a_question_to_the_person(run: Any) -> None:
    history = history_of(await run("User -> Hub\nHub <-> A\nHub <-> Editor\nEditor -> User\nHub -> User"))
    assert over(history, "Hub", "A") == ("Hub ↔ A", ["b0#1", "b0.0#1"])
    assert over(history, "Editor", "User") == ("Editor → User", ["b0.1#1"])
    assert over(history, "Hub", "User") == ("Hub → User", [])


def over(history: History, source: str, target: str) -> tuple[str, list[str]]:
    found = edge_detail(history, Stage(history.topology), source, target)
    assert found["facts"] == [["messages", str(len(found["visits"]))]]
    return found["title"], [re.sub(r".* · (b\S+) · .*", r"\1", visit["title"]) for visit in found["visits"]]


async def test_a_failed_step_shows_its_error_and_one_that_is_not_there_nothing(run: Any) -> None:
    history = history_of(await run("User -> Fails -> User"))
    found = step_detail(history, "b0#1")
    assert found is not None
    assert found["visits"][0]["parts"][1] == ["error", "ConnectionError: refused"]
    assert step_detail(history, "b9#9") is None


async def test_long_texts_are_cut_where_one_looks(registry: AgentRegistry) -> None:
    async def long(_request: object) -> str:
        return "x" * 5_000

    agent("Long", registry=registry)(long)
    result = await Orchestra(registry).execute("it", "User -> Long -> User")
    assert result.history is not None
    reply = node_detail(result.history, "Long")["visits"][0]["parts"][1][1]
    assert reply.endswith("… (3,000 characters more)")


async def test_a_box_that_stands_for_a_layer_shows_the_visits_of_all_its_agents(registry: AgentRegistry) -> None:
    async def reply(_request: object) -> str:
        return "done"

    names = [f"W{i}" for i in range(80)]
    for name in names:
        agent(name, registry=registry)(reply)
    drawn = "\n".join(f"P -> {name} -> M" for name in names)
    result = await Orchestra(registry).execute("it", f"User -> P\n{drawn}\nM -> User")
    assert result.history is not None
    stage = Stage(result.history.topology)
    (layer,) = [box.name for box in stage.layout.boxes if "80 agents" in box.name]
    found = node_detail(result.history, layer, stage.agents(layer))
    assert found["facts"][0] == ["visits", "80"]
    assert len(found["visits"]) == 50
    into, out_of = (edge_detail(result.history, stage, *ends) for ends in (("P", layer), (layer, "M")))
    assert into["facts"] == [["messages", "1"]]
    assert out_of["facts"] == [["messages", "80"]]
