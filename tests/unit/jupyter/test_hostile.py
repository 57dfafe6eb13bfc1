"""Fifty hostile texts as names, requests, replies and errors: on a page that nbconvert makes, they are only text.

The page is compared with one that is made of harmless texts: it has no further script, frame, image or form, no
handler of events, and no address that would be fetched or run.
"""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from nbconvert import HTMLExporter
from nbformat import v4

from mars_nb import AgentRegistry, MarsError, Topology, agent
from mars_nb.views import picture
from mars_nb.views.palette import NodeState, NodeView
from tests.unit.views.drawings import Drawing, Line
from tests.unit.views.hostile import HOSTILE_TEXTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.unit.jupyter.conftest import Notebook

TEAM = "User -> Planner -> Says, Fails -> Writer -> User\nquorum(Writer, 0.5)"
ACTIVE = frozenset(
    {"script", "iframe", "frame", "object", "embed", "applet", "link", "style", "base", "meta", "form", "input", "img"}
    | {"video", "audio", "source", "image", "use", "foreignobject", "animate", "set", "portal", "svg", "details"}
)
ADDRESSES = frozenset({"src", "srcset", "srcdoc", "data", "poster", "background", "action", "formaction", "xlink:href"})


class Page(HTMLParser):
    """What a page would do by itself: its active elements, handlers and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.handlers: list[str] = []
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.styles: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += tag in ACTIVE
        for name, value in attrs:
            if name.startswith("on"):
                self.handlers.append(f"{tag} {name}")
            elif name in ADDRESSES:
                self.fetched.append(f"{value}"[:60])
            elif name == "href":
                self.links.append(f"{value}")
            elif name == "style":
                self.styles.append(f"{value}")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def outputs_of(notebook: Notebook, text: str) -> list[Any]:
    """Give all outputs of a session in which a text turns up wherever it can."""
    notebook.outputs.clear()
    agent("Planner")(lambda _: text)
    agent("Says")(lambda request: {"said": request, text: [text]})

    @agent("Fails")
    def fail(_: object) -> None:
        raise ValueError(text)

    agent("Writer")(lambda _: text)
    is_whole = not any("\ud800" <= char <= "\udfff" for char in text)
    notebook.mars("report --in-memory --keep-going --raw -t team", text if is_whole else "half a character is refused")
    notebook.mars("show report")
    tables = [notebook.mars(line) for line in ("timeline report", "cost report", "agents", "sessions")]
    run = notebook.variables["report"]
    shown = [
        *tables,
        run.branches(),
        run.events(),
        run.messages(),
        run.result,
        notebook.mars("show report --kind gantt"),
    ]
    return [*notebook.outputs, *({"data": bundle_of(each), "metadata": {}} for each in shown)]


def bundle_of(value: Any) -> dict[str, str]:
    """Give what a notebook keeps of the value of a cell."""
    if hasattr(value, "_repr_mimebundle_"):
        return dict(value._repr_mimebundle_())
    html = value._repr_html_() if hasattr(value, "_repr_html_") else None
    return {"text/plain": repr(value)} | ({"text/html": html} if html else {})


def error_of(notebook: Notebook, line: str, cell: str | None) -> Any:
    """Give the error with which a cell ends, as a notebook keeps it."""
    with pytest.raises(MarsError) as caught:
        notebook.mars(line, cell)
    traceback = caught.value._render_traceback_()
    return v4.new_output("error", ename=type(caught.value).__name__, evalue=str(caught.value), traceback=traceback)


def page_of(outputs: Iterable[Any]) -> Page:
    kept = [
        each if "output_type" in each else v4.new_output("display_data", data=each["data"], metadata=each["metadata"])
        for each in outputs
    ]
    notebook = v4.new_notebook(cells=[v4.new_code_cell("run()", outputs=kept)])
    html, _ = HTMLExporter().from_notebook_node(notebook)
    return Page(html)


@pytest.fixture
def team(notebook: Notebook) -> Notebook:
    notebook.variables["team"] = Topology.from_text(TEAM)
    return notebook


def everything(team: Notebook, texts: Iterable[str]) -> Page:
    outputs: list[Any] = []
    for text in texts:
        outputs += outputs_of(team, text)
        outputs.append(error_of(team, "bad --in-memory", f"task: x\nUser -> {text.splitlines()[0]} ( -> User"))
        outputs.append(error_of(team, f"show {text.splitlines()[0][:200]!r}", None))
    return page_of(outputs)


def test_the_measure_sees_what_a_page_would_do() -> None:
    page = Page("<p style='a'><img src=x onerror=alert(1)><a href=javascript:x></a><script></script><br/></p>")
    assert page.elements == {"p": 0, "img": 1, "a": 0, "script": 1, "br": 0}
    assert (page.handlers, page.fetched, page.links, page.styles) == (["img onerror"], ["x"], ["javascript:x"], ["a"])


@pytest.mark.slow
def test_on_a_page_hostile_texts_are_only_text(team: Notebook) -> None:
    hostile = everything(team, HOSTILE_TEXTS)
    harmless = everything(team, [f"harmless {i}" for i in range(len(HOSTILE_TEXTS))])
    assert len(HOSTILE_TEXTS) >= 50
    assert hostile.elements == harmless.elements
    assert sorted(hostile.handlers) == sorted(harmless.handlers)
    assert Counter(hostile.styles) == Counter(harmless.styles)
    new = Counter(hostile.fetched) - Counter(harmless.fetched)
    assert [each for each in new if not each.startswith("data:image/svg+xml;base64,")] == []
    assert [each for each in hostile.links if not each.startswith(("#", "https://", "http://", "mailto:"))] == []


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_hostile_name_in_a_picture_is_only_a_name(text: str) -> None:
    drawn = Drawing((text, "B"), (Line(text, "B", bidirectional=True),))
    views = {text: NodeView(NodeState.FAILED, text)}
    page = Page(picture.svg(drawn, views, turns={frozenset((text, "B")): text}, title=text))
    assert page.elements.keys() <= {"svg", "title", "rect", "g", "path", "text"}
    assert (page.handlers, page.fetched, page.links, page.styles) == ([], [], [], [])


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_output_holds_a_command_to_a_terminal(team: Notebook, text: str) -> None:
    AgentRegistry.default().clear()
    for output in outputs_of(team, text):
        plain = output["data"]["text/plain"]
        assert not set(plain) & set("\x1b\x9b\x07\x08\x7f\u202e")
