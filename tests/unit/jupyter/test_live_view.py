"""The live view from the inside: what is sent to the page, and what its clicks do."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import Agent, AskUser, Tool, agent
from mars_nb.errors import RunFailed, RunPaused
from mars_nb.jupyter.cell import parse
from mars_nb.jupyter.live_view import LiveView
from mars_nb.jupyter.runs import record_of
from mars_nb.jupyter.screens import LiveScreen
from mars_nb.testing.model import ScriptedModel, call
from mars_nb.topology.model import Topology
from mars_nb.views.patch import merged
from tests.unit.jupyter.waiting import until, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.jupyter.conftest import Notebook

CELL = "task: hello\nUser -> A -> B -> User"
SLOW = "task: hello\nUser -> Slow -> B -> User"
WIDGET = "application/vnd.jupyter.widget-view+json"


class Page:
    """What a browser would have: the view, and all that it was sent."""

    def __init__(self, view: LiveView, scene: dict[str, Any]) -> None:
        self.view = view
        self.scene = scene
        self.patches: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []

    def take(self, content: dict[str, Any]) -> None:
        match content["type"]:
            case "changes":
                self.patches.append(content["patch"])
                self.scene = merged(self.scene, content["patch"])
            case "reply":
                self.replies.append(content)
            case _:
                pass

    def wish(self, do: str, **more: Any) -> dict[str, Any]:
        """Click, and give the reply."""
        n = len(self.replies)
        self.view._hear(self.view, {"do": do, "id": n, **more}, None)
        wait_until(lambda: len(self.replies) > n)
        assert self.replies[n]["id"] == n
        return self.replies[n]


def wait_for_question(desk: Notebook, page: Page) -> None:
    """Wait until the run asks, and the page shows it."""
    record = record_of(desk.variables["report"])
    wait_until(lambda: record.live is not None and record.live.question)
    wait_until(lambda: page.scene.get("banner", {}).get("kind") == "asking")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """Give the pages of the views that are opened, in order."""
    opened: list[Page] = []
    make, by_view = LiveView.__init__, {}

    def made(view: LiveView, *arguments: Any, **named: Any) -> None:
        make(view, *arguments, **named)
        by_view[id(view)] = Page(view, dict(named["scene"]))
        opened.append(by_view[id(view)])

    monkeypatch.setattr(LiveView, "__init__", made)
    monkeypatch.setattr(LiveView, "send", lambda view, content, **_: by_view[id(view)].take(content))
    return opened


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def desk(notebook: Notebook, gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Give a notebook in front of which somebody sits."""
    kernel = SimpleNamespace(_allow_stdin=True, get_parent=dict)
    monkeypatch.setattr(type(notebook.shell), "kernel", kernel, raising=False)

    async def a(request: object) -> str:
        return f"a({request})"

    async def b(request: object) -> str:
        return f"b({request})"

    async def slow(request: object) -> str:
        await until(gate.is_set)
        return f"slow({request})"

    async def asks(_request: object, context: Any) -> Any:
        return "published" if context.memory else AskUser("Publish it?")

    async def fails(_request: object) -> str:
        raise ConnectionError("refused")

    answers: dict[str, Any] = {"A": a, "B": b, "Slow": slow, "Editor": asks, "Fails": fails}
    for name, answer in answers.items():
        agent(name)(answer)
    return notebook


def test_a_run_is_a_picture_and_a_live_view_until_the_answer_takes_its_place(desk: Notebook, pages: list[Page]) -> None:
    desk.mars("report", CELL)
    kinds = [sorted(output["data"]) for output in desk.outputs]
    assert kinds[0] == ["image/svg+xml", "text/plain"]
    assert kinds[1] == [WIDGET, "text/plain"]
    assert desk.texts[1] == "live view of report, which needs its kernel; as it was left: %mars show report"
    last = desk.outputs[-2]["data"]
    assert last == {"text/markdown": "b(a(hello))", "text/plain": "b(a(hello))"}
    assert desk.texts[-1].endswith(" · report.timeline() · %mars show report")
    assert pages[0].scene["status"] == "succeeded"
    assert pages[0].view.comm is None, "a view that was replaced is closed"


def test_the_cell_that_is_copied_runs_the_same(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B --raw", "task: say {hello}\n\n      to A -> B\nUser -> A -> B -> User\nmax_steps(7)")
    head, _, body = pages[0].view.cell.partition("\n")
    copied = parse(head.removeprefix("%%mars"), body, {})
    assert copied.task == "say {hello}\n\nto A -> B"
    assert copied.edges == [("User", "A", "->"), ("A", "B", "->"), ("B", "User", "->")]
    assert "max_steps(7)" in body


def test_a_view_stays_where_a_page_was_opened_again_which_cannot_replace_it(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    (page,) = pages
    page.wish("hello")
    page.wish("hello")
    page.wish("resume")
    wait_until(lambda: desk.texts[-1].startswith("Done · "))
    assert page.scene["status"] == "succeeded"
    assert page.view.comm is not None
    assert page.wish("text")["text"] == "b(a(hello))"


def test_the_page_that_was_told_changes_only_knows_the_whole_scene(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    (page,) = pages
    assert page.scene == page.view.scene
    assert page.scene["banner"]["kind"] == "paused"
    assert all(value is None or patch for patch in page.patches for value in patch.values())


def test_a_paused_run_keeps_its_buttons_and_one_click_goes_on(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    (page,) = pages
    assert page.wish("resume") == {"type": "reply", "id": 0, "line": "%mars resume report -b"}
    run = desk.variables["report"]
    assert run.wait().final_response == "b(a(hello))"
    wait_until(lambda: page.view.comm is None)
    assert "b(a(hello))" in desk.texts


def test_a_click_pauses_a_run_in_the_background_and_says_who_did(
    desk: Notebook, pages: list[Page], gate: threading.Event
) -> None:
    desk.mars("report -b", SLOW)
    (page,) = pages
    assert page.wish("pause")["line"] == "%mars pause report"
    wait_until(lambda: page.wish("look", seq=1) and page.view.scene.get("banner", {}).get("kind") == "pausing")
    gate.set()
    run = desk.variables["report"]
    run.wait()
    wait_until(lambda: page.scene["status"] == "paused")
    assert "you pressed Pause" in page.scene["banner"]["text"]
    assert run.status == "paused"


def test_the_second_click_does_not_wait_for_the_running_step(desk: Notebook, pages: list[Page]) -> None:
    desk.mars("report -b", SLOW)
    assert pages[0].wish("pause", now=True)["line"] == "%mars pause report --now"
    assert desk.variables["report"].wait().metadata["status"] == "paused"


def test_step_by_click_does_one_step(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p A", CELL)
    assert pages[0].wish("step")["line"] == "%mars step report"
    assert desk.variables["report"].wait().total_steps == 1
    wait_until(lambda: pages[0].scene["status"] == "paused")


def test_stop_by_click_ends_a_paused_run(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    assert "was stopped" in pages[0].wish("stop")["text"]
    assert desk.variables["report"].status == "cancelled"
    assert any(text.startswith("Stopped · 1 step · 0:0") for text in desk.texts)


def test_a_position_is_named_restored_and_forked_by_click(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    (page,) = pages
    assert page.wish("checkpoint", name="here")["line"] == "%mars checkpoint report@here"
    wait_until(lambda: list(page.scene["marks"].values()))
    assert page.scene["marks"]["0"][0] == "here"
    forked = page.wish("fork", where="A#1", **{"as": "other"}, edit="a better one")
    assert forked["line"] == "%mars fork report@A#1 --as other --edit 'a better one'"
    desk.variables["other"].wait()
    assert desk.mars("resume other").final_response == "b(a better one)"
    assert page.wish("restore", where="here")["text"].startswith("report is back at here")
    assert desk.variables["report"].status == "paused"


def test_the_past_is_shown_as_it_was(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    (page,) = pages
    past = page.wish("look", seq=3)["scene"]
    assert (past["seq"], past["controls"]) == (3, ["fork", "look"])
    assert 'data-state="running"' in past["nodes"]["1"]
    for wrong in (0, 999, "x", None, 1.5):
        assert "there is no seq" in page.wish("look", seq=wrong)["error"]


def test_the_past_is_drawn_as_it_was_where_the_topology_has_changed(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    agent("C")(lambda request: f"c({request})")
    desk.variables["longer"] = Topology.from_text("User -> A -> B -> C -> User\npause_before(C)")
    with pytest.raises(RunPaused):
        desk.mars("resume report -t longer")
    page = pages[-1]
    now, past = page.wish("look", seq=page.scene["seq"]), page.wish("look", seq=3)
    assert "svg" not in now
    assert 'data-node="C"' not in past["svg"]
    assert len(past["scene"]["nodes"]) == len(now["scene"]["nodes"]) - 1
    assert page.wish("detail", node="C", seq=3)["detail"]["facts"][0] == ["visits", "0"]


def test_a_closer_look_now_and_then(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    (page,) = pages
    assert page.wish("detail", node="A")["detail"]["facts"][0] == ["visits", "1"]
    assert page.wish("detail", node="A", seq=1)["detail"]["facts"][0] == ["visits", "0"]
    assert page.wish("detail", source="A", target="B")["detail"]["title"] == "A → B"
    assert page.wish("detail", step="b0#1")["detail"]["title"] == "A · b0#1"
    assert "nothing of this name" in page.wish("detail", step="b7#1")["error"]


def test_a_question_is_answered_in_its_box(desk: Notebook, pages: list[Page]) -> None:
    desk.mars("report -b", "task: hello\nUser -> Editor -> User")
    (page,) = pages
    wait_for_question(desk, page)
    assert page.scene["banner"]["question"] == "Publish it?"
    assert page.wish("answer", text="yes please")["line"] == "%mars answer 'yes please'"
    assert desk.variables["report"].wait().final_response == "published"


def test_a_question_can_be_put_to_rest_and_taken_up_again(desk: Notebook, pages: list[Page]) -> None:
    desk.mars("report -b", "task: hello\nUser -> Editor -> User")
    (page,) = pages
    wait_for_question(desk, page)
    page.wish("pause")
    wait_until(lambda: "resume" in page.scene["controls"])
    assert page.wish("resume")["line"] == "%mars resume report -b"
    wait_for_question(desk, page)
    wait_until(lambda: "pause" in page.scene["controls"])
    page.wish("answer", text="yes")
    assert desk.variables["report"].wait().final_response == "published"


def test_a_question_in_a_cell_goes_to_the_box_where_clicks_are_heard(desk: Notebook, pages: list[Page]) -> None:
    def person() -> None:
        wait_until(lambda: pages)
        pages[0].wish("hello")
        wait_for_question(desk, pages[0])
        pages[0].wish("answer", text="yes")

    clicking = threading.Thread(target=person)
    clicking.start()
    desk.mars("report", "task: hello\nUser -> Editor -> User")
    clicking.join()
    assert desk.variables["report"].final_response == "published"


def test_a_failed_run_offers_what_helps(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunFailed):
        desk.mars("report", "task: hello\nUser -> A -> B, Fails -> Editor\nEditor -> User")
    (page,) = pages
    rule = page.scene["banner"]["actions"][1]["rule"]
    assert page.wish("resume", rule=rule)["line"] == "%mars resume report --rule 'quorum(Editor, 0.5)' -b"
    wait_for_question(desk, page)
    page.wish("answer", text="yes")
    assert desk.variables["report"].wait().final_response == "published"


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"do": "explode"}, "nothing that can be wished"),
        ({"do": None}, "nothing that can be wished"),
        ({"do": "checkpoint", "name": 7}, "is no text"),
        ({"do": "checkpoint", "name": "../x"}, "checkpoint"),
        ({"do": "fork", "where": "Nobody#1"}, "there is no position"),
        ({"do": "resume", "rule": "explode(A)"}, "explode"),
        ({"do": "answer", "text": "x" * 200_000}, "is no text of at most"),
    ],
)
def test_what_cannot_be_granted_is_said_in_the_reply(
    desk: Notebook, pages: list[Page], wish: dict[str, Any], error: str
) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    assert error in pages[0].wish(**wish)["error"]
    assert desk.variables["report"].status == "paused"


def test_a_message_that_is_no_wish_is_not_heard(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    for nonsense in ("pause", 7, None, ["do"]):
        pages[0].view._hear(pages[0].view, nonsense, None)
    assert pages[0].replies == []


def test_a_later_cell_takes_the_live_view_over(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    desk.mars("resume report")
    assert "report goes on below" in desk.texts
    assert [page.view.comm for page in pages] == [None, None]


def test_show_opens_a_live_view_of_what_is_over(desk: Notebook, pages: list[Page]) -> None:
    desk.mars("report", CELL)
    desk.mars("show report")
    page = pages[-1]
    assert page.scene["status"] == "succeeded"
    assert page.wish("text")["text"] == "b(a(hello))"
    assert page.wish("look", seq=2)["scene"]["seq"] == 2


def test_the_line_below_follows_a_run_that_goes_on_by_a_click(
    desk: Notebook, pages: list[Page], gate: threading.Event
) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p Slow", "task: hello\nUser -> A -> Slow -> User")
    assert desk.texts[-1].startswith("%mars resume report · ")
    pages[0].wish("resume")
    assert any(text.startswith("%mars pause report · ") for text in desk.texts)
    gate.set()
    wait_until(lambda: desk.texts[-1].startswith("Done · 2 steps · "))


def test_where_there_is_no_answer_yet_none_is_given_to_copy(desk: Notebook, pages: list[Page]) -> None:
    with pytest.raises(RunPaused):
        desk.mars("report -p B", CELL)
    assert pages[0].wish("text")["error"] == "run 'report' has no answer yet (status: paused)"


def test_a_replay_at_a_speed_is_shown_live(desk: Notebook, pages: list[Page], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveScreen, "every_s", 0.0)
    desk.mars("report", CELL)
    desk.mars("replay report --speed 1000x")
    states = [patch["nodes"] for patch in pages[-1].patches if "nodes" in patch]
    assert any('data-state="running"' in box for nodes in states for box in nodes.values())
    assert pages[-1].scene["status"] == "succeeded"


@pytest.mark.parametrize("view", ["static", "none"])
def test_the_view_can_be_chosen_for_all_cells(desk: Notebook, pages: list[Page], view: str) -> None:
    desk.shell.run_line_magic("config", f"MarsMagics.view = {view!r}")
    desk.mars("report", CELL)
    assert pages == []
    assert (desk.outputs[0]["data"].keys() == {"image/svg+xml", "text/plain"}) is (view == "static")


# ------------------------------------------------------------------------------------------------------------ watching


def test_a_watcher_sees_a_run_of_another_kernel_and_may_ask_for_a_pause(
    desk: Notebook, pages: list[Page], gate: threading.Event
) -> None:
    desk.mars("report -b", SLOW)
    run = desk.variables["report"]
    record = record_of(run)
    from mars_nb.jupyter.jobs import opened
    from mars_nb.jupyter.watching import watch, watching_screen

    wait_until(lambda: record.history and record.history.journal.n_events)
    magics = desk.shell.magics_manager.registry["MarsMagics"]
    watched = opened("report-1", magics.desk.store.files)
    screen = watching_screen(magics.desk)
    assert screen is not None
    watch(magics.desk.store, watched, screen)
    page = pages[-1]
    assert not page.view.can_steer
    assert "only looks on" in page.wish("stop")["error"]
    assert page.wish("detail", node="Slow")["detail"]["title"] == "Slow"
    assert "asked for" in page.wish("pause")["text"]
    wait_until(lambda: record.history and record.history.state.is_pausing)
    gate.set()
    assert run.wait().metadata["status"] == "paused"
    wait_until(lambda: page.scene["status"] == "paused")
    assert "somebody who watches asked for it" in page.scene["banner"]["text"]
    assert "not going on" in page.wish("pause")["error"]
    desk.mars("stop report")
    wait_until(lambda: page.view.comm is None)


def test_watching_what_runs_here_shows_it(desk: Notebook, pages: list[Page]) -> None:
    desk.mars("report -b", SLOW)
    desk.mars("watch report")
    assert len(pages) == 2
    assert pages[1].view.can_steer


# ------------------------------------------------------------------------------------------------------------ approving


@pytest.mark.parametrize(
    ("wish", "paid", "line"),
    [
        ({"verdict": "approve", "text": ""}, [5], "%mars answer yes"),
        ({"verdict": "edit", "text": '{"amount": 4}'}, [4], """%mars answer '{"amount": 4}'"""),
        ({"verdict": "refuse", "text": "too dear"}, [], "%mars answer 'no, too dear'"),
    ],
)
def test_a_call_of_a_tool_is_approved_edited_or_refused_by_click(
    desk: Notebook, pages: list[Page], wish: dict[str, Any], paid: list[int], line: str
) -> None:
    payments: list[int] = []

    def pay(amount: int) -> str:
        """Pay an amount."""
        payments.append(amount)
        return "paid"

    model = ScriptedModel([call("pay", amount=5), "settled"])
    Agent(model, "Payer", tools=[Tool(pay, needs_approval=True)])
    desk.mars("report -b", "task: pay\nUser -> Payer -> User")
    (page,) = pages
    wait_for_question(desk, page)
    assert page.scene["banner"]["tool"] == {"name": "pay", "arguments": '{"amount": 5}'}
    assert page.scene["model"] == "scripted"
    assert "no verdict" in page.wish("answer", verdict="perhaps", text="")["error"]
    assert page.wish("answer", **wish)["line"] == line
    assert desk.variables["report"].wait().final_response == "settled"
    assert payments == paid
    desk.mars("show report")
    (visit,) = pages[-1].wish("detail", node="Payer")["detail"]["visits"]
    assert [part[0] for part in visit["parts"]] == ["request", "tools", "reply"]


def test_a_secret_that_is_streamed_in_pieces_is_not_shown(
    desk: Notebook, pages: list[Page], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "canary-env-7f3a9b1c")

    async def leaky(_request: object) -> Any:
        for piece in ("the key is canary-", "env-7f3", "a9b1c, said in pieces."):
            yield piece
        await until(gate.is_set)

    agent("Leaky")(leaky)
    desk.mars("report -b", "task: x\nUser -> Leaky -> User")
    (page,) = pages
    wait_until(lambda: "pieces." in page.scene.get("speaker", {}).get("text", ""))
    assert page.scene["speaker"]["text"] == "the key is [secret], said in pieces."
    gate.set()
    desk.variables["report"].wait()
    assert "canary-env" not in repr(page.scene)
