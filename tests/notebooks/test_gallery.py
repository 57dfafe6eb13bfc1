"""The gallery is saved with its pictures: all are there, are what Python draws, and need no JavaScript."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import nbformat
import pytest
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from mars_nb import Topology
from mars_nb.views import picture
from mars_nb.views.layout import lay_out
from tests.unit.views.geometry import flaws

NOTEBOOK = Path(__file__).parent.parent.parent / "notebooks" / "03_gallery.ipynb"
DRAWINGS = [
    *("chain", "diamond", "hub", "hierarchy", "mesh", "review", "debate", "parallel", "loop", "forty", "thousand"),
]
RUNS = ["study", "failed", "paused", "asking"]
CHARTS = ["gantt", "retried-gantt"]
PLOTS = ["plot", "no-cost", "tokens", "cost"]
SVG = "{http://www.w3.org/2000/svg}"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def saved() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


# Asked of the kernel after the last cell, and not kept.
QUESTION = """
import json
print(json.dumps([drawn.to_text() for drawn in Out.values() if isinstance(drawn, Topology)]))
"""


class Executed:
    """The notebook after all of its cells have run, and what was drawn in it."""

    def __init__(self, folder: Path) -> None:
        self.notebook = saved()
        question = nbformat.v4.new_code_cell(QUESTION)
        self.notebook.cells.append(question)
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(self.notebook, timeout=120, kernel_name="python3", resources=resources)
        asyncio.run(client.async_execute())
        self.notebook.cells.remove(question)
        self.drawn = [Topology.from_text(text) for text in json.loads(question.outputs[0].text)]


@pytest.fixture(scope="module")
def run_all(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return Executed(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def executed(run_all: Executed) -> Any:
    return run_all.notebook


@pytest.fixture(scope="module")
def drawings(run_all: Executed) -> dict[str, Topology]:
    return dict(zip(DRAWINGS, run_all.drawn, strict=True))


def cell(notebook: Any, cell_id: str) -> Any:
    [found] = [each for each in notebook.cells if each.id == cell_id]
    return found


def data(notebook: Any, cell_id: str) -> dict[str, str]:
    """Give the first output of a cell by media type."""
    return dict(cell(notebook, cell_id).outputs[0].data)


def states(svg: str) -> dict[str, str]:
    root = ET.fromstring(svg)  # noqa: S314 (our own)
    return {str(g.get("data-node")): str(g.get("data-state")) for g in root.iter(f"{SVG}g") if g.get("data-node")}


def kinds(notebook: Any) -> list[tuple[str, list[list[str]]]]:
    """Give the media types of each output of each cell."""
    cells = [each for each in notebook.cells if each.cell_type == "code"]
    return [(each.id, [sorted(output.get("data", {})) for output in each.outputs]) for each in cells]


def test_it_is_saved_with_its_outputs_and_is_small(executed: Any) -> None:
    assert NOTEBOOK.stat().st_size < 1_000_000
    assert kinds(saved()) == kinds(executed)
    assert [each.id for each in saved().cells if each.get("execution_count") == 0] == []


@pytest.mark.parametrize("cell_id", DRAWINGS)
def test_a_drawing_is_saved_as_it_is_drawn(executed: Any, cell_id: str) -> None:
    assert data(saved(), cell_id) == data(executed, cell_id)
    assert sorted(data(executed, cell_id)) == ["image/svg+xml", "text/plain"]


@pytest.mark.parametrize("cell_id", [*RUNS, *CHARTS])
def test_a_run_is_saved_as_svg_and_text(executed: Any, cell_id: str) -> None:
    for notebook in (saved(), executed):
        bundle = data(notebook, cell_id)
        assert sorted(bundle) == ["image/svg+xml", "text/plain"]
        assert ET.fromstring(bundle["image/svg+xml"]).tag == f"{SVG}svg"  # noqa: S314 (our own)


def test_the_pictures_of_the_runs_show_how_they_ended(executed: Any) -> None:
    for notebook in (saved(), executed):
        shown = {name: states(data(notebook, name)["image/svg+xml"]) for name in RUNS}
        assert set(shown["study"].values()) == {"done"}
        assert (shown["failed"]["East"], shown["failed"]["Writer"], shown["failed"]["User"]) == (
            "failed",
            "waiting",
            "idle",
        )
        assert (shown["paused"]["Writer"], shown["paused"]["User"]) == ("paused", "idle")
        assert (shown["asking"]["Editor"], shown["asking"]["User"]) == ("asking", "asking")


def test_the_chart_shows_who_waits_for_whom(executed: Any) -> None:
    for notebook in (saved(), executed):
        svg = data(notebook, "gantt")["image/svg+xml"]
        waits = re.findall(r"<title>([^<]*waits for others at Writer)</title>", svg)
        assert [each.partition(" · ")[2].partition(" · ")[0] for each in waits] == ["b0.0#1", "b0.2#1"]
        assert svg.count('data-link="join"') == 3
        assert data(notebook, "retried-gantt")["image/svg+xml"].count('data-state="failed"') == 2


@pytest.mark.parametrize("cell_id", PLOTS)
def test_a_plot_is_saved_as_a_picture(executed: Any, cell_id: str) -> None:
    for notebook in (saved(), executed):
        assert base64.b64decode(data(notebook, cell_id)["image/png"]).startswith(b"\x89PNG")


def test_no_cell_ends_with_an_error_or_writes_to_stderr(executed: Any) -> None:
    outputs = [output for each in executed.cells if each.cell_type == "code" for output in each.outputs]
    assert [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"] == []


def test_no_output_needs_a_widget_or_a_script() -> None:
    shown = [kind for _, outputs in kinds(saved()) for bundle in outputs for kind in bundle]
    assert not [kind for kind in shown if "widget" in kind or "javascript" in kind]
    assert "widgets" not in saved().metadata


def test_on_a_web_page_every_picture_is_there_without_javascript() -> None:
    page, _ = HTMLExporter(exclude_input=True).from_notebook_node(saved())
    body = re.sub(r"<script.*?</script>", "", page[page.index("<body") :], flags=re.DOTALL)
    pictures = re.findall(r'<img[^>]*src="data:image/(svg\+xml|png);base64,([^"]*)"', body)
    assert len([kind for kind, _ in pictures if kind == "svg+xml"]) == len(DRAWINGS) + len(RUNS) + len(CHARTS)
    assert len([kind for kind, _ in pictures if kind == "png"]) == len(PLOTS)
    assert all(len(base64.b64decode(content)) > 500 for _, content in pictures)


@pytest.mark.parametrize("width", [900.0, 432.0])
def test_no_label_is_overlapped_and_no_node_is_crossed(drawings: dict[str, Topology], width: float) -> None:
    assert list(drawings) == DRAWINGS
    for name, topology in drawings.items():
        drawn, _ = picture.drawable(topology, {})
        layout = lay_out(drawn, max_width=width)
        assert flaws(layout) == [], name
        assert [route for route in layout.routes if route.both and route.label is None] == [], name
