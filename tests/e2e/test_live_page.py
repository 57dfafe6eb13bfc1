"""The live view in a real browser, with a stand-in for Python: what it shows, what it wishes, what becomes of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb.views.palette import NodeState, NodeView
from tests.e2e import live_page
from tests.e2e.live_page import Team

if TYPE_CHECKING:
    from tests.e2e.live_page import LivePage

live = live_page.live
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TEAM = Team()
SMALLER = Team("User -> Planner -> User", {})
WORDS = {
    "running": "Running",
    "pausing": "Pausing",
    "paused": "Paused",
    "asking": "Asks you",
    "failed": "Failed",
    "done": "Done",
}
PAST = TEAM.scene(
    line="step 3 (max 50)",
    seq=41,
    clock={"s": 20.0, "runs": True},
    nodes=TEAM.nodes({"User": NodeView(NodeState.DONE), "Planner": NodeView(NodeState.RUNNING)}),
    bars={"0": [0, 0.0, -1, "running", "Planner", "b0#1"]},
    speaker={"agent": "Planner", "step": "b0#1", "since_s": 0.0, "text": "I split it", "is_live": True},
)


def without_id(wish: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wish.items() if key != "id"}


# -------------------------------------------------------------------------------------------------- what is painted


@pytest.mark.parametrize("situation", WORDS)
def test_the_status_line_says_the_word_the_time_and_the_figures(live: LivePage, situation: str) -> None:
    scene = live_page.SITUATIONS[situation](TEAM)
    status = live.open(scene).card.locator(".mars-status")
    assert status.locator(".mars-word").inner_text() == WORDS[situation]
    assert status.locator(".mars-elapsed").inner_text() == "0:41"
    assert status.locator(".mars-figures").inner_text() == scene["line"]
    assert status.locator("svg path").count() == 1


def test_the_head_says_where_the_run_is_kept_and_what_it_cost(live: LivePage) -> None:
    live.open(TEAM.scene())
    assert live.card.locator(".mars-name").inner_text() == "report"
    origin = live.card.locator(".mars-origin")
    assert origin.inner_text() == "session report-2 · model offline · $0.000"
    assert origin.get_attribute("title") == "~/.mars/report-2"


def test_the_clock_ticks_while_the_run_works_and_stands_when_it_rests(live: LivePage) -> None:
    elapsed = live.open(TEAM.scene()).card.locator(".mars-elapsed")
    live.pass_ms(31_000)
    assert elapsed.inner_text() == "1:12"
    assert live.card.locator(".mars-who").inner_text() == "South · b0.1#1 · 0:37"
    live.change({"clock": {"s": 80.0, "runs": False}})
    live.pass_ms(9_000)
    assert elapsed.inner_text() == "1:20"


def test_a_view_that_is_opened_later_has_the_same_time(live: LivePage) -> None:
    live.open(TEAM.scene())
    live.pass_ms(20_000)
    live.page.evaluate("window.open_view('#output')")
    live.pass_ms()
    assert live.page.locator(".mars-elapsed").all_inner_texts() == ["1:01", "1:01"]


def test_only_the_boxes_that_changed_are_repainted_and_the_focus_stays(live: LivePage) -> None:
    live.open(TEAM.scene())
    live.box("Merger").focus()
    live.page.evaluate("""() => {
      window.touched = new Set();
      new MutationObserver(all => all.forEach(each => window.touched.add(each.target.dataset?.node)))
        .observe(document.querySelector(".mars-stage svg"), {childList: true, subtree: true});
    }""")
    live.change({"nodes": TEAM.nodes({**live_page.RUNNING, "Merger": NodeView(NodeState.RUNNING)})})
    assert live.page.evaluate("[...window.touched]") == ["Merger"]
    assert live.page.evaluate("document.activeElement.dataset.node") == "Merger"
    assert live.box("Merger").get_attribute("data-state") == "running"
    assert live.box("Merger").get_attribute("aria-label") == "Merger, running"


def test_many_changes_are_painted_once_a_frame(live: LivePage) -> None:
    live.open(TEAM.scene())
    live.page.evaluate("""() => {
      window.nPainted = 0;
      const line = document.querySelector(".mars-figures");
      new MutationObserver(() => (window.nPainted += 1)).observe(line, {childList: true});
      for (let i = 0; i < 50; i++) window.model.emit("msg:custom", {type: "changes", patch: {line: `step ${i}`}});
    }""")
    live.pass_ms()
    assert live.page.evaluate("window.nPainted") == 1
    assert live.card.locator(".mars-figures").inner_text() == "step 49"


def test_a_patch_deletes_nests_and_replaces_as_rfc_7396_says_and_nothing_is_sent_back(live: LivePage) -> None:
    live.open(TEAM.scene())
    live.change({"speaker": None, "marks": {"0": None, "1": ["late", 90]}, "controls": ["pause"], "clock": {"s": 50.5}})
    scene = live.page.evaluate("window.model.get('scene')")
    assert "speaker" not in scene
    assert scene["marks"] == {"1": ["late", 90]}
    assert scene["controls"] == ["pause"]
    assert (scene["clock"]["s"], scene["clock"]["runs"]) == (50.5, True)
    assert live.page.evaluate("window.model.nSaved") == 0
    assert live.card.locator(".mars-said").inner_text() == ""
    assert live.card.locator("datalist option").get_attribute("label") == "late"


def test_another_drawing_takes_the_place_of_the_one_before(live: LivePage) -> None:
    live.open(TEAM.scene())
    other = Team("User -> Planner -> Critic -> User", {})
    live.tell({"type": "svg", "svg": other.svg, "cell": other.cell})
    live.change({"nodes": dict.fromkeys(TEAM.nodes({})) | other.nodes({"Critic": NodeView(NodeState.RUNNING)})})
    assert live.box("Critic").get_attribute("data-state") == "running"
    assert live.box("North").count() == 0
    live.press("⋯ More")
    live.press("Copy topology as cell")
    assert live.page.evaluate("navigator.clipboard.readText()") == other.cell


def test_the_size_of_picture_speaker_and_chart_is_the_same_whatever_happens(live: LivePage) -> None:
    live.open(TEAM.scene())
    places = {}
    for situation in ("running", "pausing", "paused", "done"):
        live.page.evaluate("scene => window.model.set('scene', scene)", live_page.SITUATIONS[situation](TEAM))
        live.pass_ms()
        parts = (".mars-stage", ".mars-speaker", ".mars-chart")
        places[situation] = [live.card.locator(part).bounding_box() for part in parts]
    assert all(each == places["running"] for each in places.values())


def test_bars_of_running_steps_grow_and_a_click_opens_the_step(live: LivePage) -> None:
    live.open(TEAM.scene())
    bar = live.card.locator('[data-step="b0.1#2"]')
    before = bar.get_attribute("width")
    live.pass_ms(5_000)
    assert float(str(bar.get_attribute("width"))[:-1]) > float(str(before)[:-1])
    bar.click()
    assert without_id(live.wish()) == {"do": "detail", "step": "b0.1#2"}
    live.change({"bars": {"4": None}})
    assert bar.count() == 0


def test_a_bar_of_no_length_at_the_very_end_is_seen(live: LivePage) -> None:
    live.open(live_page.resting(TEAM, bars={"0": [0, 41.0, 41.0, "done", "Writer", "b0#9"]}))
    bar, chart = live.card.locator("[data-bar]").bounding_box(), live.card.locator(".mars-bars").bounding_box()
    assert bar is not None
    assert chart is not None
    assert bar["width"] >= 3
    assert bar["x"] + bar["width"] <= chart["x"] + chart["width"] + 2  # half of its outline


# -------------------------------------------------------------------------------------------------------- the wishes


@pytest.mark.parametrize(
    ("situation", "button", "wish"),
    [
        ("running", "Pause", {"do": "pause"}),
        ("pausing", "Pause now", {"do": "pause", "now": True}),
        ("paused", "Resume", {"do": "resume"}),
        ("paused", "Step", {"do": "step"}),
        ("running", "Stop", {"do": "stop"}),
        ("failed", "Retry only South", {"do": "resume"}),
        ("failed", "Continue without it: quorum(Merger, 0.75)", {"do": "resume", "rule": "quorum(Merger, 0.75)"}),
        ("failed", "Open step", {"do": "detail", "step": "b0.1#2"}),
        ("asking", "Empty answer", {"do": "answer", "text": ""}),
        ("tool", "Approve", {"do": "answer", "verdict": "approve", "text": ""}),
    ],
)
def test_a_button_sends_its_wish(live: LivePage, situation: str, button: str, wish: dict[str, Any]) -> None:
    live.open(live_page.SITUATIONS[situation](TEAM)).press(button)
    assert without_id(live.wish()) == wish


def test_no_two_wishes_share_a_number_and_each_view_greets(live: LivePage) -> None:
    live.open(TEAM.scene())
    assert live.page.evaluate("window.model.wishes.map(wish => wish.do)") == ["hello"]
    live.press("Pause")
    live.press("Stop")
    one, other = live.wishes()
    assert one["id"] != other["id"]
    assert all(isinstance(wish["id"], int) for wish in (one, other))


def test_a_reply_shows_what_happened_and_the_command_that_does_the_same_and_copies_it(live: LivePage) -> None:
    live.open(TEAM.scene()).press("Pause")
    live.reply(live.wish(), line="%mars pause report", text="pausing: South finishes")
    foot = live.card.locator(".mars-foot")
    assert foot.locator("[data-kind=text]").inner_text() == "pausing: South finishes"
    assert foot.locator("code").inner_text() == "%mars pause report"
    foot.get_by_role("button", name="copy").click()
    assert live.page.evaluate("navigator.clipboard.readText()") == "%mars pause report"
    assert foot.get_by_role("button").inner_text() == "copied"


def test_an_error_of_a_reply_is_shown_as_one(live: LivePage) -> None:
    live.open(TEAM.scene()).press("Stop")
    live.reply(live.wish(), error="the run is over already")
    assert live.card.locator(".mars-foot [data-kind=error]").inner_text() == "the run is over already"


@pytest.mark.parametrize(
    ("situation", "hint"),
    [("running", "this kernel hears no clicks"), ("asking", "answer there"), ("paused", "is it running")],
)
def test_after_two_seconds_without_reply_there_is_a_hint_which_a_late_reply_takes_away(
    live: LivePage, situation: str, hint: str
) -> None:
    live.open(live_page.SITUATIONS[situation](TEAM)).key("Tab")
    live.card.locator(".mars-turn").click()
    live.pass_ms(1_900)
    foot = live.card.locator(".mars-foot > span").first
    assert foot.get_attribute("data-kind") == "tip"
    live.pass_ms(200)
    assert foot.get_attribute("data-kind") == "hint"
    assert hint in foot.inner_text().lower()
    live.reply(live.wish(), text="pausing")
    assert foot.inner_text() == "pausing"


def test_the_greeting_needs_no_reply(live: LivePage) -> None:
    live.open(TEAM.scene())
    live.pass_ms(5_000)
    assert live.card.locator("[data-kind=hint]").count() == 0


@pytest.mark.parametrize("situation", live_page.SITUATIONS)
def test_a_view_whose_kernel_is_gone_says_so_stands_still_and_offers_nothing(live: LivePage, situation: str) -> None:
    live.open(live_page.SITUATIONS[situation](TEAM)).page.evaluate("""() => {
      window.model.send = () => { throw new Error("Cannot send"); };
      window.model.emit("comm_live_update");
    }""")
    live.pass_ms()
    before = live.card.locator(".mars-status").inner_text()
    live.pass_ms(5_000)
    assert live.card.locator(".mars-status").inner_text() == before
    assert before.startswith("Not connected")
    assert "%mars show report" in live.card.locator(".mars-banner").inner_text()
    assert live.card.locator("[data-needs]:visible:enabled").count() == 0
    live.box("North").click()
    live.pass_ms()
    assert "does not answer" in live.card.locator(".mars-foot").inner_text()


def test_a_control_that_is_not_offered_is_grey_and_one_of_a_run_that_is_over_is_gone(live: LivePage) -> None:
    live.open(TEAM.scene())
    assert live.card.get_by_role("button", name="Step").is_disabled()
    live.page.evaluate("scene => window.model.set('scene', scene)", live_page.done(TEAM))
    live.pass_ms()
    buttons = live.card.locator(".mars-controls > :first-child > .mars-button:visible")
    assert buttons.count() == 0


def test_who_only_watches_can_pause_and_look(live: LivePage) -> None:
    live.open(live_page.asking(TEAM), can_steer=False)
    shown = live.card.locator("button:visible:not(.mars-copy)").all_inner_texts()
    assert shown == ["Pause", "Present", "⋯ More", "", "live"]
    assert live.card.locator(".mars-question").is_visible()


def test_who_only_watches_cannot_break_off_what_runs(live: LivePage) -> None:
    live.open(live_page.pausing(TEAM), can_steer=False)
    assert live.card.get_by_role("button", name="Pause now").count() == 0
    live.press("Pause")
    assert without_id(live.wish()) == {"do": "pause"}


def test_a_reply_that_is_but_a_command_says_what_it_is(live: LivePage) -> None:
    live.open(live_page.paused(TEAM)).press("Resume")
    live.reply(live.wish(), line="%mars resume report -b")
    assert live.card.locator(".mars-foot").inner_text().split("\n")[0] == "the same as a command:"


def test_a_checkpoint_is_named_and_those_there_are_can_be_restored_and_forked(live: LivePage) -> None:
    live.open(live_page.paused(TEAM)).press("Checkpoint ▾")
    live.page.keyboard.type("now")
    live.key("Enter")
    wish = live.wish()
    assert without_id(wish) == {"do": "checkpoint", "name": "now"}
    live.reply(wish, line="%mars checkpoint report now")
    live.press("Checkpoint ▾")
    live.press("Restore before-writing")
    assert without_id(live.wish()) == {"do": "restore", "where": "before-writing"}
    live.press("Checkpoint ▾")
    live.press("Fork before-writing…")
    live.press("Create")
    assert without_id(live.wish()) == {"do": "fork", "where": "before-writing", "as": "report_fork"}


def test_a_fork_can_say_what_the_step_replied_instead_and_its_form_stays_after_an_error(live: LivePage) -> None:
    live.open(live_page.paused(TEAM)).press("Fork here…")
    form = live.card.locator("form[data-form=fork]")
    live.page.keyboard.type("what_if")
    form.locator("summary").click()
    form.locator("textarea").fill("East is final.")
    live.press("Create")
    wish = live.wish()
    assert without_id(wish) == {"do": "fork", "where": 97, "as": "what_if", "edit": "East is final."}
    live.reply(wish, error="what_if exists")
    assert form.is_visible()
    live.press("Create")
    live.reply(live.wish(), line="%mars fork report 97 what_if")
    assert form.count() == 0


# ------------------------------------------------------------------------------------------------------ the questions


def test_an_answer_is_sent_once_and_stays_until_it_has_arrived(live: LivePage) -> None:
    live.open(live_page.asking(TEAM))
    field = live.card.locator("textarea[name=answer]")
    field.fill("Leave out East")
    live.change({"banner": {"place_in_line": "question 1 of 3"}, "line": "step 8 (max 50)"})
    assert field.input_value() == "Leave out East"
    field.press("Control+Enter")
    live.pass_ms()
    assert field.is_disabled()
    wish = live.wish()
    assert without_id(wish) == {"do": "answer", "text": "Leave out East"}
    live.reply(wish, error="the question was withdrawn")
    assert field.input_value() == "Leave out East"
    live.press("Send")
    live.reply(live.wish(), line="%mars answer 'Leave out East'")
    assert field.input_value() == ""


def test_a_question_can_be_put_off_and_taken_up_again_without_a_wish(live: LivePage) -> None:
    live.open(live_page.asking(TEAM)).press("Later")
    assert live.card.locator("textarea[name=answer]").count() == 0
    live.press("Answer…")
    assert live.card.locator("textarea[name=answer]").is_visible()
    assert live.wishes() == []


def test_the_arguments_of_a_tool_can_be_edited_if_they_stay_json_and_it_can_be_refused(live: LivePage) -> None:
    live.open(live_page.asking_for_a_tool(TEAM)).press("Edit arguments")
    field = live.card.locator("textarea[name=answer]")
    assert "board@example.org" in field.input_value()
    field.fill('{"to": ')
    live.press("Approve these arguments")
    assert live.wishes() == []
    assert "no JSON" in live.card.locator(".mars-foot").inner_text()
    field.fill('{"to": "me"}')
    live.press("Approve these arguments")
    wish = live.wish()
    assert without_id(wish) == {"do": "answer", "verdict": "edit", "text": '{"to": "me"}'}
    live.reply(wish, text="approved")
    live.press("Refuse…")
    field.fill("too early")
    live.press("Refuse")
    assert without_id(live.wish()) == {"do": "answer", "verdict": "refuse", "text": "too early"}


def test_a_long_question_is_folded(live: LivePage) -> None:
    live.open(live_page.asking(TEAM, question="x" * 4_000 + "y" * 3_000))
    question = live.card.locator(".mars-question")
    assert "3,000 characters more" in question.inner_text()
    assert "y" not in question.inner_text()


# ----------------------------------------------------------------------------------------------------------- the past


def test_looking_at_the_past_shows_what_was_and_greys_out_what_can_be_done(live: LivePage) -> None:
    live.open(live_page.asking(TEAM)).card.locator("input[type=range]").fill("41")
    live.pass_ms()
    assert "viewing seq 41 of 97" in live.card.locator(".mars-notice").inner_text()
    wish = live.wish()
    assert without_id(wish) == {"do": "look", "seq": 41}
    live.reply(wish, scene=PAST)
    assert live.card.locator(".mars-figures").inner_text() == "step 3 (max 50)"
    assert live.box("Planner").get_attribute("data-state") == "running"
    assert live.card.locator("[data-bar]").count() == 1
    for button in ("Pause", "Stop", "Checkpoint ▾", "Send"):
        assert live.card.get_by_role("button", name=button, exact=True).is_disabled()
    live.pass_ms(9_000)
    assert live.card.locator(".mars-elapsed").inner_text() == "0:20"


def test_the_past_is_shown_on_the_drawing_of_then(live: LivePage) -> None:
    live.open(TEAM.scene()).card.locator("input[type=range]").fill("41")
    live.reply(live.wish(), scene=SMALLER.scene(seq=41), svg=SMALLER.svg)
    assert live.card.locator("[data-box]").count() == len(SMALLER.stage.layout.boxes)
    live.press("Back to live")
    assert live.card.locator("[data-box]").count() == len(TEAM.stage.layout.boxes)


def test_back_to_live_shows_what_has_happened_meanwhile(live: LivePage) -> None:
    live.open(TEAM.scene()).card.locator("input[type=range]").fill("41")
    live.reply(live.wish(), scene=PAST)
    live.change({"line": "step 9 (max 50)", "seq": 120})
    assert "viewing seq 41 of 120" in live.card.locator(".mars-notice").inner_text()
    assert live.card.locator(".mars-figures").inner_text() == "step 3 (max 50)"
    live.press("Back to live")
    assert live.card.locator(".mars-figures").inner_text() == "step 9 (max 50)"
    assert live.card.locator("input[type=range]").input_value() == "120"
    assert live.card.get_by_role("button", name="Pause", exact=True).is_enabled()


def test_of_many_looks_the_latest_wins_and_a_stale_reply_is_not_shown(live: LivePage) -> None:
    scrubber = live.open(TEAM.scene()).card.locator("input[type=range]")
    for seq in ("80", "70", "60", "50"):
        scrubber.fill(seq)
    (first,) = live.wishes()
    assert first["seq"] == 80
    live.pass_ms(600)
    (last,) = live.wishes()
    assert last["seq"] == 50
    live.reply(first, scene=PAST | {"line": "stale"})
    assert live.card.locator(".mars-figures").inner_text() != "stale"
    live.reply(last, scene=PAST | {"line": "fresh"})
    assert live.card.locator(".mars-figures").inner_text() == "fresh"
    scrubber.fill("30")
    wish = live.wish()
    live.press("Back to live")
    live.reply(wish, scene=PAST | {"line": "too late"})
    assert live.card.locator(".mars-figures").inner_text() == TEAM.scene()["line"]


def test_a_past_moment_can_be_forked_and_looked_at_closely(live: LivePage) -> None:
    live.open(TEAM.scene()).card.locator("input[type=range]").fill("41")
    live.reply(live.wish(), scene=PAST)
    live.box("Planner").click()
    assert without_id(live.wish()) == {"do": "detail", "node": "Planner", "seq": 41}
    live.press("Fork here…")
    live.press("Create")
    assert without_id(live.wish()) == {"do": "fork", "where": 41, "as": "report_fork"}


# ----------------------------------------------------------------------------------------------------------- the panel


def test_a_click_on_a_node_shows_its_visits_and_whom_it_waits_for(live: LivePage) -> None:
    live.open(TEAM.scene()).box("Merger").click()
    wish = live.wish()
    assert without_id(wish) == {"do": "detail", "node": "Merger"}
    live.reply(wish, detail=live_page.DETAIL)
    panel = live.card.locator(".mars-panel")
    assert re.search(r"arrived:\s+North\s+West\s+awaited:\s+South\s+East", panel.inner_text())
    assert panel.locator("details").count() == 2
    assert "ValueError" in panel.inner_text()
    live.key("Escape")
    assert panel.is_hidden()
    assert live.page.evaluate("document.activeElement.dataset.node") == "Merger"


def test_a_click_on_an_edge_shows_its_messages_also_from_the_panel_of_a_node(live: LivePage) -> None:
    live.open(TEAM.scene()).card.locator('[data-source="Merger"]').click()
    assert without_id(live.wish()) == {"do": "detail", "source": "Merger", "target": "Writer"}
    live.box("South").click()
    live.reply(live.wishes()[0], detail=live_page.DETAIL)
    live.press("South → Merger")
    assert without_id(live.wish()) == {"do": "detail", "source": "South", "target": "Merger"}


def test_an_open_panel_is_asked_for_anew_when_its_node_has_changed_and_only_then(live: LivePage) -> None:
    live.open(TEAM.scene()).box("Merger").click()
    live.reply(live.wish(), detail=live_page.DETAIL)
    live.change({"line": "step 8 (max 50)"})
    assert live.wishes() == []
    live.change({"nodes": TEAM.nodes({**live_page.RUNNING, "Merger": NodeView(NodeState.RUNNING)})})
    live.reply(live.wish(), detail=live_page.DETAIL | {"facts": [["state", "running"]]})
    assert "running" in live.card.locator(".mars-panel dl").inner_text()
    live.pass_ms(5_000)
    assert live.card.locator("[data-kind=hint]").count() == 0


# ---------------------------------------------------------------------------------------------------------- more


def test_the_answer_is_copied_from_its_reply(live: LivePage) -> None:
    live.open(live_page.done(TEAM)).press("⋯ More")
    live.press("Copy answer")
    wish = live.wish()
    assert without_id(wish) == {"do": "text"}
    live.reply(wish, text="North rose.\n\nSouth fell.")
    assert live.page.evaluate("navigator.clipboard.readText()") == "North rose.\n\nSouth fell."
    live.pass_ms()
    assert live.card.locator(".mars-foot [data-kind=text]").inner_text() == "copied"


def test_where_there_is_no_answer_nothing_is_copied(live: LivePage) -> None:
    live.open(TEAM.scene()).page.evaluate("navigator.clipboard.writeText('before')")
    live.press("⋯ More")
    live.press("Copy answer")
    live.reply(live.wish(), error="there is no answer yet")
    assert live.page.evaluate("navigator.clipboard.readText()") == "before"
    assert live.card.locator(".mars-foot [data-kind=error]").inner_text() == "there is no answer yet"


@pytest.mark.parametrize(
    ("button", "name", "magic"), [("Save SVG", "report.svg", b"<svg"), ("Save PNG", "report.png", b"\x89PNG")]
)
def test_the_picture_as_it_is_can_be_saved(live: LivePage, button: str, name: str, magic: bytes) -> None:
    live.open(TEAM.scene(), theme="dark").press("⋯ More")
    with live.page.expect_download() as download:
        live.press(button)
    assert download.value.suggested_filename == name
    saved = download.value.path().read_bytes()
    assert saved.startswith(magic)
    if name.endswith(".svg"):
        assert b'data-node="South" data-state="running"' in saved
        assert b'data-part="hit"' not in saved
        assert b"#DBEAFE" in saved
        assert b'fill="#1E3A8A"' in saved


def test_present_shows_picture_and_speaker_larger_and_escape_leaves_it(live: LivePage) -> None:
    live.open(TEAM.scene(), width=1600).page.evaluate("Element.prototype.requestFullscreen = async () => {}")
    width = live.card.locator(".mars-stage > svg").bounding_box()
    live.press("Present")
    wider = live.card.locator(".mars-stage > svg").bounding_box()
    assert width is not None
    assert wider is not None
    assert wider["width"] == pytest.approx(1.6 * width["width"], rel=0.01)
    assert live.card.locator(".mars-speaker").is_visible()
    assert live.card.locator(".mars-chart").is_hidden()
    live.key("Escape")
    assert live.card.locator(".mars-chart").is_visible()
