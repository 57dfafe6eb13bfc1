"""A page that holds nothing but live views: the module as it is, a model that is a stand-in, and scenes to show.

The stand-in of the anywidget model keeps what is set, tells whoever listens, and remembers every wish. The pictures are
the real ones. Time is the test's own: it goes on when the test says so, so nothing here ever sleeps. The page has an
address that no network knows; whatever else it asks for is noted and refused.

A test module takes the fixtures at the end by name: ``live = live_page.live``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest

from mars_nb.topology.convert import ensure_topology
from mars_nb.views.palette import NodeState, NodeView
from mars_nb.views.scene import WORDS
from mars_nb.views.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import Browser, Locator, Page, Route

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "mars_nb" / "jupyter" / "static"
SCREENSHOTS = ROOT / "out" / "screenshots" / "live"
ADDRESS = "https://live.test/"
FRAME_MS = 50
TIMEOUT_MS = 10_000

REPORT: Final = """User -> Planner -> North, South, East -> Merger -> Writer
Writer <-> Reviewer
Reviewer -> User
max_turns(Writer <-> Reviewer, 3)"""
TURNS: Final = {frozenset(("Writer", "Reviewer")): "1/3"}

TWIN: Final = '<div class="jp-RenderedSVG"><img alt="twin"></div>'

MODEL = """class Model {
  hears = new Map();
  wishes = [];
  nSaved = 0;
  constructor(state) { this.state = state; }
  get(name) { return this.state[name]; }
  set(name, value) { this.state[name] = value; this.emit(`change:${name}`); }
  on(name, hear) { this.hears.set(name, (this.hears.get(name) ?? new Set()).add(hear)); }
  off(name, hear) { this.hears.get(name)?.delete(hear); }
  send(wish) { this.wishes.push(structuredClone(wish)); }
  save_changes() { this.nSaved += 1; }
  emit(name, ...told) { for (const hear of [...(this.hears.get(name) ?? [])]) hear(...told); }
  get nHearing() { return [...this.hears.values()].reduce((n, each) => n + each.size, 0); }
}"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>live</title><style>{css}</style>
<style>body {{ margin: 12px; background: Canvas; }} {theme.css}</style></head>
<body {theme.marks}><div class="jp-OutputArea">
<div class="jp-OutputArea-child" id="twin">{twin}</div>
<div class="jp-OutputArea-child"><div class="jp-OutputArea-output" id="output"></div></div>
</div></body></html>"""


@dataclass(frozen=True)
class Theme:
    """Where a page says that it is light or dark, and what a notebook gives to its outputs."""

    marks: str = ""
    css: str = ""
    prefers: Literal["light", "dark"] = "light"


_LIGHT: Final = """html { color-scheme: light; }
:root { --jp-layout-color1: white; --jp-layout-color2: #eeeeee; --jp-ui-font-color1: rgba(0, 0, 0, 0.87);
  --jp-border-color2: #e0e0e0; --jp-brand-color1: #1976d2; }"""
_DARK: Final = """html { color-scheme: dark; }
:root { --jp-layout-color1: #212121; --jp-layout-color2: #424242; --jp-ui-font-color1: rgba(255, 255, 255, 0.87);
  --jp-border-color2: #616161; --jp-brand-color1: #2196f3; }"""
THEMES: Final = {
    "light": Theme('data-jp-theme-light="true"', _LIGHT, prefers="dark"),
    "dark": Theme('data-jp-theme-light="false"', _DARK),
    "vscode-light": Theme('class="vscode-light"', prefers="dark"),
    "vscode-dark": Theme('class="vscode-dark"'),
    "bare-light": Theme(),
    "bare-dark": Theme(prefers="dark"),
}
"""What is asked of the system is the opposite wherever the page itself says what it is."""

START = """async ({esm, state}) => {
  const Model = (0, eval)(`(${window.modelClass})`);
  const url = URL.createObjectURL(new Blob([esm], {type: "text/javascript"}));
  window.live = (await import(url)).default;
  window.model = new Model(state);
  window.cleanups = [];
  window.uninitialize = window.live.initialize({model: window.model});
  window.open_view = selector => {
    const el = document.createElement("div");
    document.querySelector(selector).append(el);
    window.cleanups.push(window.live.render({model: window.model, el}));
  };
  window.open_view("#output");
}"""


class Team:
    """A topology with its picture.

    Parameters
    ----------
    drawn : str
        The topology as a cell has it.
    turns : mapping of frozenset of str to str
        What is written at conversations.
    """

    def __init__(self, drawn: str = REPORT, turns: Mapping[frozenset[str], str] = TURNS) -> None:
        self.cell = drawn
        self.topology = ensure_topology(drawn)
        self.stage = Stage(self.topology)
        self.turns = self.stage.turns(turns)
        self.svg = self.stage.svg({}, {}, title="run report")

    def nodes(self, states: Mapping[str, NodeView]) -> dict[str, str]:
        """Give every box as a scene has it."""
        return self.stage.boxes(states)

    def scene(self, **more: Any) -> dict[str, Any]:
        """Give a scene of a running team, with whatever else it shall hold or hold differently."""
        shown: dict[str, Any] = {
            "name": "report",
            "session": "report-2",
            "model": "offline",
            "place": "~/.mars/report-2",
            "status": "running",
            "line": "step 7 (max 50) · branches: 2 running, 1 waiting, 3 done · 8.1k tokens",
            "cost": "$0.000",
            "clock": {"s": 41.0, "runs": True},
            "seq": 97,
            "controls": ["pause", "stop", "checkpoint", "fork", "look"],
            "nodes": self.nodes(RUNNING),
            "turns": self.turns,
            "spoken": "Running, step 7. South, East running.",
            "speaker": SPEAKER,
            "bars": BARS,
            "n_lanes": 3,
            "hidden_bars": 0,
            "marks": {"0": ["before-writing", 41]},
        } | more
        return {"word": WORDS[shown["status"]]} | shown


RUNNING: Final = {
    "User": NodeView(NodeState.DONE),
    "Planner": NodeView(NodeState.DONE),
    "North": NodeView(NodeState.DONE),
    "South": NodeView(NodeState.RUNNING, "0:06"),
    "East": NodeView(NodeState.RUNNING, "×2"),  # noqa: RUF001 (what the picture writes)
    "Merger": NodeView(NodeState.WAITING, "2 of 4"),
}
RESTING: Final = {
    **RUNNING,
    "South": NodeView(NodeState.DONE),
    "East": NodeView(NodeState.PAUSED),
    "Merger": NodeView(NodeState.READY),
}
SPEAKER: Final = {
    "agent": "South",
    "step": "b0.1#1",
    "since_s": 35.0,
    "text": "The southern quarter fell by 4 %, mainly because of two large customers who moved their orders into the"
    " next quarter. Without them the region would have grown by 2 %. The smaller shops did better than a year ago, and"
    " the new warehouse has halved the time of delivery. What remains is",
    "is_live": True,
}
BARS: Final = {
    "0": [0, 0.0, 8.2, "done", "Planner", "b0#1"],
    "1": [0, 8.2, 27.5, "done", "North", "b0.0#1"],
    "2": [1, 8.2, 21.0, "failed", "South", "b0.1#1"],
    "3": [2, 8.2, 30.5, "done", "East", "b0.2#1"],
    "4": [1, 35.0, -1, "running", "South", "b0.1#2"],
    "5": [2, 33.0, -1, "running", "East", "b0.2#2"],
}
AT_REST: Final = ["resume", "step", "stop", "checkpoint", "restore", "fork", "look"]
STILL: Final = {"s": 41.0, "runs": False}


def stopped_bars() -> dict[str, list[Any]]:
    """Give the bars of a run in which nobody runs any more."""
    return {i: [*bar[:2], 41.0, "paused", *bar[4:]] if bar[2] == -1 else bar for i, bar in BARS.items()}


def resting(team: Team, **more: Any) -> dict[str, Any]:
    """Give a scene of a run that stands still."""
    speaker = SPEAKER | {"is_live": False}
    still = {"clock": STILL, "controls": AT_REST, "nodes": team.nodes(RESTING), "bars": stopped_bars()}
    return team.scene(**still | {"speaker": speaker} | more)


def paused(team: Team) -> dict[str, Any]:
    """Give a scene of a run that somebody paused."""
    banner = {
        "kind": "paused",
        "text": "Paused at step 9 · you pressed Pause · nothing is running, nothing is lost",
        "next": "Merger (4 of 4 arrived)",
        "line": "%mars resume report",
    }
    return resting(team, status="paused", banner=banner, spoken="Paused, step 9.")


def pausing(team: Team) -> dict[str, Any]:
    """Give a scene of a run that waits for what is running."""
    banner = {"kind": "pausing", "text": "Pausing (South finishes, 0:06)", "line": "%mars pause report --now"}
    return team.scene(status="pausing", banner=banner, spoken="Pausing, step 7.")


def asking(team: Team, **more: Any) -> dict[str, Any]:
    """Give a scene in which an agent asks."""
    banner = {
        "kind": "asking",
        "agent": "Reviewer",
        "text": "Reviewer asks you",
        "question": "Publish the comparison as it is, or leave out East, whose figures are not final?",
        "place_in_line": "question 1 of 2; the other branches go on",
        "had_read": "North rose by 3 %. South fell by 4 %. East is not final.",
        "line": "%mars answer TEXT",
    }
    nodes = team.nodes({**RUNNING, "Reviewer": NodeView(NodeState.ASKING), "User": NodeView(NodeState.ASKING)})
    return team.scene(status="asking", banner=banner | more, nodes=nodes, spoken="Reviewer asks you.")


def asking_for_a_tool(team: Team) -> dict[str, Any]:
    """Give a scene in which an agent asks whether it may use a tool."""
    tool = {"name": "send_mail", "arguments": '{"to": "board@example.org", "subject": "The quarters"}'}
    return asking(team, question="May I send this?", tool=tool)


def failed(team: Team) -> dict[str, Any]:
    """Give a scene of a run that failed."""
    banner = {
        "kind": "failed",
        "text": "Failed at South (b0.1#2): ConnectError: the server hung up after 3 attempts",
        "kept": "kept: 8 of 9 steps",
        "because": "Merger needs all of 4 (no quorum rule) and has 3",
        "line": "%mars resume report",
        "actions": [
            {"label": "Retry only South", "do": "resume"},
            {"label": "Continue without it: quorum(Merger, 0.75)", "do": "resume", "rule": "quorum(Merger, 0.75)"},
            {"label": "Open step", "do": "detail", "step": "b0.1#2"},
        ],
    }
    nodes = team.nodes(
        {**RESTING, "South": NodeView(NodeState.FAILED), "Merger": NodeView(NodeState.WAITING, "3 of 4")}
    )
    controls = ["resume", "step", "checkpoint", "restore", "fork", "look"]
    return resting(team, status="failed", banner=banner, nodes=nodes, controls=controls, spoken="Failed, step 8.")


def done(team: Team) -> dict[str, Any]:
    """Give a scene of a run that has succeeded."""
    nodes = team.nodes(dict.fromkeys(team.topology.nodes, NodeView(NodeState.DONE)))
    banner = {"kind": "done", "text": "Done · 14 steps · 1:12 · $0.000"}
    controls = ["checkpoint", "restore", "fork", "look"]
    return resting(team, status="succeeded", banner=banner, nodes=nodes, controls=controls, spoken="Done, step 14.")


SITUATIONS: Final[Mapping[str, Callable[[Team], dict[str, Any]]]] = {
    "running": Team.scene,
    "pausing": pausing,
    "paused": paused,
    "asking": asking,
    "tool": asking_for_a_tool,
    "failed": failed,
    "done": done,
}

DETAIL: Final = {
    "title": "Merger",
    "facts": [["state", "waiting"], ["visits", "2"], ["memory", "3 messages, 1.2 kB"]],
    "waits": {"arrived": ["North", "West"], "awaited": ["South", "East"]},
    "visits": [
        {
            "title": "b0#2 · completed · 1.2 s · $0.001",
            "state": "done",
            "parts": [["request", "Bring the findings together."], ["reply", "North rose by 3 %."]],
        },
        {
            "title": "b0#3 · failed · 0.4 s",
            "state": "failed",
            "parts": [["request", "Again."], ["error", "ValueError"]],
        },
    ],
}


class LivePage:
    """A page with a live view in it.

    Parameters
    ----------
    page : Page
        An empty page.

    Attributes
    ----------
    fetched : list of str
        Every address that was asked for, but its own.
    errors : list of str
        What went wrong in the page.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.fetched: list[str] = []
        self.errors: list[str] = []
        self._html = ""
        page.set_default_timeout(TIMEOUT_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.route("**/*", self._serve)

    def _serve(self, route: Route) -> None:
        if route.request.url == ADDRESS:
            route.fulfill(body=self._html, content_type="text/html")
        else:
            self.fetched.append(route.request.url)
            route.abort()

    def open(
        self,
        scene: Mapping[str, Any],
        team: Team | None = None,
        *,
        theme: str = "light",
        width: int = 900,
        twin: str = TWIN,
        **traits: Any,
    ) -> LivePage:
        """Show a scene in a page of its own, with a clock that the test moves."""
        team, look = team or Team(), THEMES[theme]
        self._html = PAGE.format(css=(STATIC / "live.css").read_text("utf-8"), theme=look, twin=twin)
        state = {"svg": team.svg, "scene": scene, "cell": team.cell, "can_steer": True, "hides_twin": True} | traits
        self.page.emulate_media(color_scheme=look.prefers)
        self.page.set_viewport_size({"width": width + 24, "height": 900})
        self.page.clock.install(time=0)
        self.page.goto(ADDRESS)
        self.page.clock.pause_at(1000)
        self.page.evaluate("model => { window.modelClass = model; }", MODEL)
        self.page.evaluate(START, {"esm": (STATIC / "live.js").read_text("utf-8"), "state": state})
        self.pass_ms(FRAME_MS)
        return self

    @property
    def card(self) -> Locator:
        """The first view."""
        return self.page.locator(".mars-live").first

    def pass_ms(self, ms: int = FRAME_MS) -> None:
        """Let time go on; without more, until everything has been painted."""
        self.page.clock.run_for(ms)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Say something as Python does."""
        self.page.evaluate("message => window.model.emit('msg:custom', message)", message)
        self.pass_ms()

    def change(self, patch: Mapping[str, Any]) -> None:
        """Change the scene."""
        self.tell({"type": "changes", "patch": patch})

    def wishes(self) -> list[dict[str, Any]]:
        """Give what was wished since this was last asked, without the greeting."""
        wishes: list[dict[str, Any]] = self.page.evaluate("() => window.model.wishes.splice(0)")
        return [wish for wish in wishes if wish["do"] != "hello"]

    def wish(self) -> dict[str, Any]:
        """Give the one wish since this was last asked."""
        (wish,) = self.wishes()
        return wish

    def reply(self, wish: Mapping[str, Any], **said: Any) -> None:
        """Answer a wish."""
        self.tell({"type": "reply", "id": wish["id"], **said})

    def press(self, name: str) -> None:
        """Press a button, by what it says."""
        self.card.get_by_role("button", name=name, exact=True).first.click()
        self.pass_ms()

    def key(self, key: str) -> None:
        """Press a key."""
        self.page.keyboard.press(key)
        self.pass_ms()

    def box(self, name: str) -> Locator:
        """Give a box of the picture, by the name of its node."""
        return self.card.locator(f'[data-node="{name}"]').first

    def close(self) -> None:
        """Take every view away."""
        self.page.evaluate("() => window.cleanups.splice(0).forEach(cleanup => cleanup())")


@pytest.fixture
def live(chromium: Browser) -> Iterator[LivePage]:
    """Give a page; whatever it shows, nothing may go wrong in it and nothing be fetched."""
    with chromium.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = LivePage(context.new_page())
        yield page
        assert page.errors == []
        assert page.fetched == []
