"""The live view for everybody: by keyboard, by ear, in the dark, in few colours, and on a narrow page."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb.views.palette import EDGE, NodeState, NodeView
from tests.e2e import live_page
from tests.e2e.live_page import Team

if TYPE_CHECKING:
    from mars_nb.views.palette import Colours
    from tests.e2e.live_page import LivePage

live = live_page.live
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TEAM = Team()
EVERY_STATE = Team("User -> " + ", ".join(state.name for state in NodeState) + " -> User", {})
LEAST_PX = 24
LEAST_CONTRAST = 4.5

# Of every text that is shown: what it says, and its contrast to what is behind it. A canvas knows every notation.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (front, back) => {
    const [r, g, b, a] = front;
    return [r, g, b].map((each, i) => (each * a + back[i] * (255 - a)) / 255).concat(255);
  };
  const ground = element => rgba(getComputedStyle(element).backgroundColor);
  const behind = element => element ? over(ground(element), behind(element.parentElement)) : ground(document.body);
  const luminance = colour => colour.slice(0, 3).map(each => each / 255)
    .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const isText = element => [...element.childNodes].some(each => each.nodeType === 3 && each.data.trim());
  return [...document.querySelectorAll(".mars-live :not(svg *)")]
    .filter(each => isText(each) && each.checkVisibility() && !each.closest(":disabled") && !each.closest("datalist"))
    .map(each => {
      const ground = behind(each);
      const [low, high] = [luminance(over(rgba(getComputedStyle(each).color), ground)), luminance(ground)].sort();
      return [each.textContent.trim().slice(0, 40), (Math.max(low, high) + 0.05) / (Math.min(low, high) + 0.05)];
    });
}"""


def hexed(colour: str) -> str:
    """Write ``rgb(1, 2, 3)`` as ``#010203``."""
    return "#" + "".join(f"{int(each):02X}" for each in colour.removeprefix("rgb(").removesuffix(")").split(", "))


def style(live: LivePage, selector: str, *names: str) -> list[str]:
    found: list[str] = live.card.locator(selector).first.evaluate(
        "(element, names) => names.map(name => getComputedStyle(element)[name])", list(names)
    )
    return found


def focused(live: LivePage) -> str:
    name: str = live.page.evaluate("document.activeElement.dataset.node ?? document.activeElement.textContent")
    return name


# ---------------------------------------------------------------------------------------------------------- colours


@pytest.mark.parametrize("theme", live_page.THEMES)
def test_the_colours_of_every_state_are_those_of_the_palette(live: LivePage, theme: str) -> None:
    views = {state.name: NodeView(state) for state in NodeState}
    live.open(EVERY_STATE.scene(nodes=EVERY_STATE.nodes(views)), EVERY_STATE, theme=theme)
    for state in NodeState:
        node, wanted = f'[data-node="{state.name}"]', colours_of(state, theme)
        fill, line = style(live, f"{node} [data-part=box]", "fill", "stroke")
        (text,) = style(live, f"{node} text", "fill")
        glyph = style(live, f"{node} [data-part=glyph]", "fill", "stroke")[
            "none" in style(live, f"{node} [data-part=glyph]", "fill")
        ]
        assert [hexed(each) for each in (fill, line, text, glyph)] == [
            wanted.fill,
            wanted.border,
            wanted.text,
            wanted.border,
        ]
    assert hexed(style(live, "[data-source] [data-part=line]", "stroke")[0]) == EDGE


def colours_of(state: NodeState, theme: str) -> Colours:
    return state.dark if theme.endswith("dark") else state.light


def test_the_colours_of_a_count_are_those_of_its_own_state(live: LivePage) -> None:
    view = NodeView(NodeState.RUNNING, counts={NodeState.RUNNING: 3, NodeState.DONE: 212})
    live.open(TEAM.scene(nodes=TEAM.nodes({"North": view})), theme="dark")
    stroke = style(live, '[data-node="North"] [data-part=glyph][data-state=done]', "stroke")[0]
    assert hexed(stroke) == NodeState.DONE.dark.border


def test_the_ground_of_the_picture_is_that_of_the_notebook(live: LivePage) -> None:
    live.open(TEAM.scene(), theme="dark")
    assert style(live, "[data-part=ground]", "fill") == ["rgba(0, 0, 0, 0)"]
    assert hexed(style(live, "[data-part=label]", "fill")[0]) == "#E5E7EB"


def test_the_glyphs_are_those_of_the_palette(live: LivePage) -> None:
    visits: list[dict[str, Any]] = [{"title": state.value, "state": state.value, "parts": []} for state in NodeState]
    live.open(TEAM.scene()).box("North").click()
    live.reply(live.wish(), detail={"title": "North", "visits": visits})
    paths = live.card.locator(".mars-visit path")
    assert [path.get_attribute("d") for path in paths.all()] == [state.path for state in NodeState]
    filled = [path.get_attribute("fill") == "currentColor" for path in paths.all()]
    assert filled == [state.look.glyph.filled for state in NodeState]


@pytest.mark.parametrize("theme", ["light", "dark", "bare-light", "bare-dark"])
@pytest.mark.parametrize("situation", ["running", "paused", "tool", "failed", "done"])
def test_every_text_can_be_read_on_its_ground(live: LivePage, situation: str, theme: str) -> None:
    live.open(live_page.SITUATIONS[situation](TEAM), theme=theme).box("Merger").click()
    live.reply(live.wish(), detail=live_page.DETAIL)
    contrasts = live.page.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    assert [each for each in contrasts if each[1] < LEAST_CONTRAST] == []


def test_who_wants_less_motion_gets_none(live: LivePage) -> None:
    live.open(TEAM.scene())
    running = "[data-state=running] > [data-part=box]"
    assert style(live, running, "animationName") == ["mars-pulse"]
    live.page.emulate_media(reduced_motion="reduce")
    assert style(live, running, "animationName") == ["none"]


def test_with_forced_colours_everything_is_drawn_in_the_colour_of_text(live: LivePage) -> None:
    live.open(TEAM.scene()).page.emulate_media(forced_colors="active")
    text = live.page.evaluate("""() => {
      const probe = document.body.appendChild(document.createElement("i"));
      probe.style.color = "CanvasText";
      return getComputedStyle(probe).color;
    }""")
    assert style(live, "[data-state=running] > [data-part=box]", "stroke") == [text]
    assert style(live, "[data-box] text", "fill") == [text]
    assert style(live, "[data-part=line]", "stroke") == [text]


# ------------------------------------------------------------------------------------------------------------- size


@pytest.mark.parametrize("width", [900, 420])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("situation", live_page.SITUATIONS)
def test_no_situation_is_wider_than_its_cell_and_all_buttons_can_be_hit(
    live: LivePage, situation: str, theme: str, width: int
) -> None:
    live.open(live_page.SITUATIONS[situation](TEAM), theme=theme, width=width)
    live_page.SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = live_page.SCREENSHOTS / f"{situation}-{theme}-{width}.png"
    live.page.locator("body").screenshot(path=path, animations="disabled")
    assert live.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = [each.bounding_box() for each in live.card.locator("button:visible, summary:visible, input:visible").all()]
    assert all(box is not None and min(box["width"], box["height"]) >= LEAST_PX for box in boxes)
    assert live.card.locator(".mars-stage").evaluate("stage => stage.getBoundingClientRect().height") <= 360


# --------------------------------------------------------------------------------------------------------- keyboard


def test_the_picture_is_one_tab_stop_and_every_stop_has_a_name(live: LivePage) -> None:
    live.open(live_page.paused(TEAM)).card.focus()
    stops: list[tuple[str | None, str]] = []
    while not stops or stops[-1] not in stops[:-1]:
        live.key("Tab")
        stops.append(
            tuple(
                live.page.evaluate("""() => {
          const it = document.activeElement;
          return [it.dataset.node ?? null, it.getAttribute("aria-label") || it.textContent || it.tagName];
        }""")
            )
        )
        if stops[-1][1] == "BODY" or len(stops) > 40:
            break
    assert [node for node, _name in stops if node] == ["User"]
    assert all(name.strip() for _node, name in stops)
    assert "Resume" in [name for _node, name in stops]


def test_arrows_follow_the_edges_and_go_through_a_layer(live: LivePage) -> None:
    live.open(TEAM.scene()).box("User").focus()
    walk = []
    for key in ("Right", "Right", "Up", "Right", "Right", "Right", "Left", "Left", "Left", "Down", "Down"):
        live.key(f"Arrow{key}")
        walk.append(focused(live))
    assert walk == [
        "Planner", "South", "North", "Merger", "Writer", "Reviewer", "Writer", "Merger", "South", "East", "East"
    ]  # fmt: skip
    live.key("Home")
    assert live.card.locator('[data-box][tabindex="0"]').count() == 1
    live.key("Tab")
    live.key("Shift+Tab")
    assert focused(live) == "User"


def test_arrows_follow_the_edges_of_a_picture_that_reads_downwards(live: LivePage) -> None:
    chain = Team("User -> " + " -> ".join("ABCDEFGHIJK") + " -> User", {})
    live.open(chain.scene(nodes=chain.nodes({})), chain).box("User").focus()
    walk = []
    for key in ("Down", "Down", "Right", "Down", "Up"):
        live.key(f"Arrow{key}")
        walk.append(focused(live))
    assert walk == ["A", "B", "B", "C", "B"]


def test_enter_looks_closer_and_escape_gives_the_focus_back(live: LivePage) -> None:
    live.open(TEAM.scene()).box("North").focus()
    live.key("Enter")
    assert live.wish()["node"] == "North"
    assert focused(live) == "North"
    assert live.page.evaluate("document.activeElement.getAttribute('role')") == "heading"
    live.key("Escape")
    assert live.page.evaluate("document.activeElement.getAttribute('role')") == "button"


@pytest.mark.parametrize(
    ("situation", "key", "wish"),
    [("running", " ", "pause"), ("paused", " ", "resume"), ("paused", ".", "step"), ("running", ".", None)],
)
def test_keys_press_the_buttons_that_are_there(live: LivePage, situation: str, key: str, wish: str | None) -> None:
    live.open(live_page.SITUATIONS[situation](TEAM)).box("North").focus()
    live.key(key)
    assert [each["do"] for each in live.wishes()] == [wish] * (wish is not None)


def test_keys_that_are_typed_into_a_field_are_typed(live: LivePage) -> None:
    live.open(live_page.asking(TEAM)).card.locator("textarea").focus()
    live.page.keyboard.type("? . no")
    assert live.card.locator("textarea").input_value() == "? . no"
    assert live.wishes() == []
    assert live.card.locator(".mars-panel").is_hidden()


def test_a_question_mark_shows_the_keys(live: LivePage) -> None:
    live.open(TEAM.scene()).card.focus()
    live.key("?")
    assert "pause or resume" in live.card.locator(".mars-panel").inner_text()
    assert live.wishes() == []
    live.key("Escape")
    assert live.card.locator(".mars-panel").is_hidden()


def test_jupyter_hears_chords_but_no_key_that_is_meant_for_the_view(live: LivePage) -> None:
    live.open(TEAM.scene()).page.evaluate("""() => {
      window.heard = [];
      window.offered = [];
      document.addEventListener("keydown", event => window.heard.push(event.key));
      document.addEventListener("keydown", event => {
        if (!event.target.hasAttribute("data-lm-suppress-shortcuts")) window.offered.push(event.key);
      }, {capture: true});
    }""")
    live.box("North").focus()
    for key in ("ArrowRight", "Enter", "Escape", "a", "Control+s"):
        live.key(key)
    assert live.page.evaluate("window.heard") == ["a", "Control", "s"]
    assert live.page.evaluate("window.offered") == ["Control", "s"]


def test_escape_closes_a_menu_first_and_then_the_form_behind_it(live: LivePage) -> None:
    live.open(live_page.paused(TEAM)).press("Fork here…")
    live.press("⋯ More")
    live.key("Escape")
    assert focused(live) == "⋯ More"
    assert live.card.locator(".mars-forking").is_visible()
    live.key("Escape")
    assert live.card.locator(".mars-forking").is_hidden()


# ------------------------------------------------------------------------------------------------------------ speech


def test_at_most_one_message_is_spoken_in_two_seconds_and_the_last_one_is_not_lost(live: LivePage) -> None:
    live.open(TEAM.scene()).page.evaluate("""() => {
      window.spoken = [];
      const region = document.querySelector(".mars-live [role=status]");
      new MutationObserver(() => window.spoken.push([performance.now(), region.textContent]))
        .observe(region, {childList: true});
    }""")
    for step in range(30):
        live.change({"spoken": f"Running, step {step}."})
        live.pass_ms(250)
    live.pass_ms(2_000)
    spoken: list[tuple[float, str]] = live.page.evaluate("window.spoken")
    times = [at for at, _text in spoken]
    assert spoken[-1][1] == "Running, step 29."
    assert 3 <= len(spoken) <= 6
    assert all(later - earlier >= 2_000 for earlier, later in pairwise(times))


def test_what_became_of_a_wish_is_spoken_too(live: LivePage) -> None:
    live.open(TEAM.scene()).press("Pause")
    live.reply(live.wish(), text="pausing: South finishes")
    live.pass_ms(2_100)
    assert "pausing: South finishes" in live.card.locator("[role=status]").inner_text()


@pytest.mark.parametrize(("situation", "text"), [("asking", "Reviewer asks:"), ("failed", "Failed at South")])
def test_questions_and_failures_are_alerts(live: LivePage, situation: str, text: str) -> None:
    alert = live.open(live_page.SITUATIONS[situation](TEAM)).card.get_by_role("alert")
    assert text in str(alert.text_content())


def test_a_box_says_what_it_is_and_a_conversation_how_far_it_has_come(live: LivePage) -> None:
    live.open(TEAM.scene())
    merger: dict[str, Any] = live.box("Merger").evaluate("it => ({role: it.role, label: it.ariaLabel})")
    assert merger == {"role": "button", "label": "Merger, waiting, 2 of 4"}
    assert live.card.get_by_role("group", name="Picture of report").count() == 1
