"""The live view and what must never happen: texts that act, views that disturb others, a page that remembers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb.views import picture
from mars_nb.views import svg as svg_writer
from mars_nb.views.layout import lay_out
from mars_nb.views.palette import NodeState, NodeView
from tests.e2e import live_page
from tests.e2e.live_page import Team
from tests.unit.views.drawings import Drawing, Line

if TYPE_CHECKING:
    from tests.e2e.live_page import LivePage

live = live_page.live
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TEAM = Team()
_ACTS = ("pwned()", "fetch('https://evil.test/a')", "top.pwned()", "parent.document.title='pwned'", "self['pwned']()")
_CARRIERS = (
    "<script>{}</script>",
    "<img src=x onerror={}>",
    '"><svg onload="{}">',
    "'><iframe srcdoc='<script>{}</script>'>",
    "<a href=javascript:{}>x</a>",
    "</text></svg><script>{}</script>",
    "]]><script>{}</script>",
    "<math><mtext></mtext><script>{}</script>",
    "${{{}}} {{{{{}}}}}",
    "\u202e</title><img src=https://evil.test/{} onerror={}>",
)
HOSTILE = {carrier: [carrier.replace("{}", act) for act in _ACTS] for carrier in _CARRIERS}
ALLOWED = "svg g path rect circle text tspan title metadata line polygon"

# Markup that no picture of ours has; if it ever came, nothing of it may act.
FOREIGN = [
    "<script>pwned()</script>",
    '<g onclick="pwned()" onfocus="pwned()" tabindex="0"><rect width="9" height="9"/></g>',
    '<a href="javascript:pwned()"><text>x</text></a>',
    '<g xmlns:xlink="http://www.w3.org/1999/xlink" xlink:href="https://evil.test/x"/>',
    '<image href="https://evil.test/x.png" width="9" height="9"/>',
    '<use href="https://evil.test/x.svg#a"/>',
    '<rect width="9" height="9" fill="url(https://evil.test/x.svg#a)"/>',
    '<rect width="9" height="9" filter="u\\72l(https://evil.test/x.svg#a)"/>',
    '<rect width="9" height="9" style="background: url(https://evil.test/x.png)"/>',
    '<rect width="9" height="9" style="position: fixed" class="jp-Dialog" id="main" xml:base="https://evil.test/"/>',
    '<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="https://evil.test/x"/></body></foreignObject>',
    '<style>@import "https://evil.test/x.css"; .mars-live { display: none }</style>',
    '<animate attributeName="href" values="javascript:pwned()"/><set attributeName="onclick" to="pwned()"/>',
    '<html:img xmlns:html="http://www.w3.org/1999/xhtml" src="https://evil.test/x"/>',
    '<title xmlns="http://www.w3.org/1999/xhtml"><script>pwned()</script></title>',
]


def arm(live: LivePage) -> None:
    live.page.evaluate("() => { window.pwned = () => { document.title = 'pwned'; }; }")


def assert_unharmed(live: LivePage) -> None:
    live.pass_ms(500)
    assert live.page.title() == "live"
    foreign = ", ".join(f".mars-live {tag}" for tag in ("svg *", "script", "img", "iframe", "a", "object", "style"))
    strangers = live.page.evaluate(
        """([foreign, allowed]) => [...document.querySelectorAll(foreign)]
             .filter(each => !allowed.includes(each.localName)).map(each => each.outerHTML)""",
        [foreign, ALLOWED.split()],
    )
    assert strangers == []
    acting = live.page.evaluate("""[...document.querySelectorAll(".mars-live *")]
        .filter(each => [...each.attributes].some(({name}) => /^on|^style$|href$/i.test(name)))
        .filter(each => !each.matches(".mars-stage")).length""")
    assert acting == 0
    posing = live.page.evaluate(
        "document.querySelectorAll('.mars-stage svg :is([class], [id], [xml\\\\:base])').length"
    )
    assert posing == 0


def everywhere(text: str) -> dict[str, Any]:
    """Give a scene that says a text in every place where a text can stand."""
    tool = {"name": text, "arguments": json.dumps({"a": text})}
    banner = dict.fromkeys(("agent", "text", "question", "place_in_line", "had_read", "line"), text)
    bars = {"0": [0, 0.0, 9.0, "done", text, text], "1": [0, 9.0, -1, text, text, "b0#2"]}
    return TEAM.scene(
        **dict.fromkeys(("name", "session", "model", "place", "line", "cost", "spoken"), text),
        speaker={"agent": text, "step": text, "since_s": 0.0, "text": text, "is_live": True},
        banner=banner | {"kind": "asking", "tool": tool},
        marks={"0": [text, 9]},
        bars=bars,
    )


def test_there_are_fifty_hostile_texts() -> None:
    assert len({text for texts in HOSTILE.values() for text in texts}) == 50


@pytest.mark.parametrize("carrier", HOSTILE)
def test_a_hostile_text_is_shown_as_text_wherever_it_stands(live: LivePage, carrier: str) -> None:
    live.open(TEAM.scene())
    arm(live)
    for text in HOSTILE[carrier]:
        live.page.evaluate("scene => window.model.set('scene', scene)", everywhere(text))
        live.pass_ms()
        say_everywhere(live, text)
        assert live.card.locator(".mars-name").text_content() == text
    assert_unharmed(live)


def say_everywhere(live: LivePage, text: str) -> None:
    """Say a text in everything that is a reply, or a situation of its own."""
    live.box("North").click()
    part = [text, text]
    visit = {"title": text, "state": text, "parts": [part]}
    detail = {"title": text, "facts": [part], "visits": [visit], "waits": {"arrived": [text], "awaited": [text]}}
    live.reply(live.wish(), detail=detail, line=text, text=text)
    live.press("Stop")
    live.reply(live.wish(), error=text)
    live.change({"banner": {"kind": "failed", "because": text, "kept": text, "actions": [{"label": text, "do": text}]}})
    live.key("Escape")


@pytest.mark.parametrize("text", [texts[0] for texts in HOSTILE.values()])
def test_a_hostile_name_in_the_picture_stays_a_name(live: LivePage, text: str) -> None:
    drawn = Drawing((text, "B"), (Line(text, "B", bidirectional=True),))
    views = {text: NodeView(NodeState.RUNNING, text)}
    groups = svg_writer.node_groups(lay_out(drawn), views)
    turns = svg_writer.turns_group(lay_out(drawn), {frozenset((text, "B")): text})
    nodes = {str(i): group for i, group in enumerate(groups)}
    svg = picture.svg(drawn, views, title=text)
    live.open(TEAM.scene(nodes=nodes, turns=turns), svg=svg)
    arm(live)
    box = live.card.locator('[data-box="0"]')
    box.click()
    assert live.wish()["node"] == box.get_attribute("data-node")
    assert_unharmed(live)


@pytest.mark.parametrize("markup", FOREIGN)
def test_of_markup_that_no_picture_has_nothing_acts(live: LivePage, markup: str) -> None:
    live.open(TEAM.scene(), svg=TEAM.svg.replace("</svg>", f"{markup}</svg>"))
    arm(live)
    group = TEAM.nodes({"North": NodeView(NodeState.FAILED)})["2"]
    live.change({"nodes": {"2": group.replace("</g>", f"{markup}</g>")}, "turns": f'<g data-turns="1">{markup}</g>'})
    live.box("North").locator("text").first.click()
    assert live.box("North").get_attribute("data-state") == "failed"
    assert_unharmed(live)


@pytest.mark.parametrize(
    "broken", ["", "<svg", "<p>no picture</p>", "<svg xmlns='http://www.w3.org/2000/svg'><g></svg>"]
)
def test_a_picture_that_cannot_be_read_leaves_the_controls_at_work(live: LivePage, broken: str) -> None:
    live.open(TEAM.scene(), svg=broken).press("Pause")
    assert live.wish()["do"] == "pause"


# ---------------------------------------------------------------------------------------------------- views and time


def test_views_of_one_model_have_each_their_own_past_panel_and_replies(live: LivePage) -> None:
    live.open(TEAM.scene()).page.evaluate("window.open_view('#output')")
    live.pass_ms()
    other = live.page.locator(".mars-live").nth(1)
    live.card.locator("input[type=range]").fill("41")
    live.reply(live.wish(), scene=TEAM.scene(line="then"))
    assert live.card.locator(".mars-figures").inner_text() == "then"
    assert other.locator(".mars-figures").inner_text() == TEAM.scene()["line"]
    other.locator('[data-node="North"]').click()
    live.reply(live.wish(), detail=live_page.DETAIL)
    assert other.locator(".mars-panel").is_visible()
    assert live.card.locator(".mars-panel").is_hidden()
    live.change({"line": "now"})
    assert live.card.locator(".mars-figures").inner_text() == "then"
    assert other.locator(".mars-figures").inner_text() == "now"


def test_a_view_that_is_gone_hears_nothing_and_does_nothing(live: LivePage) -> None:
    live.open(TEAM.scene())
    live.press("Pause")
    live.card.locator("input[type=range]").fill("41")
    live.close()
    assert n_listeners(live) == 0
    assert live.page.evaluate("window.model.nHearing") == 1
    live.wishes()
    live.page.evaluate("""() => {
      window.nFrames = 0;
      const request = window.requestAnimationFrame;
      window.requestAnimationFrame = work => ((window.nFrames += 1), request(work));
    }""")
    live.change({"line": "nobody looks"})
    live.pass_ms(5_000)
    assert live.page.evaluate("window.nFrames") == 0
    assert live.wishes() == []
    assert live.page.locator(".mars-live").count() == 0
    live.page.evaluate("window.uninitialize()")
    assert live.page.evaluate("window.model.nHearing") == 0


def n_listeners(live: LivePage) -> int:
    """Count what listens to keys and to the full screen, in the whole page."""
    session = live.page.context.new_cdp_session(live.page)
    found = []
    for name in ("window", "document"):
        there = session.send("Runtime.evaluate", {"expression": name})["result"]["objectId"]
        found += session.send("DOMDebugger.getEventListeners", {"objectId": there})["listeners"]
    return sum(each["type"] in {"keydown", "fullscreenchange"} for each in found)


def test_listeners_are_there_while_the_view_is(live: LivePage) -> None:
    assert n_listeners(live.open(TEAM.scene())) == 2


def test_a_thousand_boxes_repaint_one_by_one_and_can_be_walked(live: LivePage) -> None:
    names = tuple(f"S{i}" for i in range(998))
    drawn = Drawing(
        ("Hub", *names, "Merger"), tuple(Line(*pair) for s in names for pair in (("Hub", s), (s, "Merger")))
    )
    stage = lay_out(drawn)
    before, after = (
        {str(i): group for i, group in enumerate(svg_writer.node_groups(stage, {"S500": NodeView(state)}))}
        for state in (NodeState.READY, NodeState.RUNNING)
    )
    live.open(TEAM.scene(nodes=before), svg=svg_writer.draw(stage, {}, {}, title=""))
    live.page.evaluate("""() => {
      window.touched = new Set();
      new MutationObserver(all => all.forEach(each => window.touched.add(each.target.dataset?.node)))
        .observe(document.querySelector(".mars-stage svg"), {childList: true, subtree: true});
    }""")
    live.change({"nodes": {i: group for i, group in after.items() if group != before[i]}})
    assert live.page.evaluate("[...window.touched]") == ["S500"]
    live.box("S500").focus()
    live.key("ArrowRight")
    assert live.page.evaluate("document.activeElement.dataset.node").startswith("S")
    assert live.card.locator(".mars-stage").evaluate("it => it.clientHeight <= 360 && it.scrollHeight > 360")


# ------------------------------------------------------------------------------------------------------------ the twin


def twin_is_shown(live: LivePage) -> bool:
    shown: bool = live.page.evaluate("getComputedStyle(document.querySelector('#twin')).display !== 'none'")
    return shown


def test_the_picture_before_it_is_hidden_as_long_as_the_view_is_there(live: LivePage) -> None:
    assert not twin_is_shown(live.open(TEAM.scene()))
    live.close()
    assert twin_is_shown(live)


def test_a_picture_that_is_put_up_a_moment_later_is_hidden_too(live: LivePage) -> None:
    live.open(TEAM.scene(), twin="")
    assert twin_is_shown(live)
    live.pass_ms(1_000)
    live.page.evaluate("document.querySelector('#twin').innerHTML = '<svg></svg>'")
    live.pass_ms(100)
    assert not twin_is_shown(live)
    live.page.evaluate("""() => {
      const old = document.querySelector("#twin");
      const fresh = Object.assign(document.createElement("div"), {id: "twin", innerHTML: "<img alt=twin>"});
      fresh.className = old.className;
      old.replaceWith(fresh);
    }""")
    live.pass_ms(100)
    assert not twin_is_shown(live)


@pytest.mark.parametrize(("twin", "hides"), [("<pre>printed before</pre>", True), (live_page.TWIN, False)])
def test_an_output_that_is_no_twin_stays(live: LivePage, twin: str, hides: bool) -> None:  # noqa: FBT001
    live.open(TEAM.scene(), twin=twin, hides_twin=hides)
    live.pass_ms(4_000)
    assert twin_is_shown(live)
