"""``%mars figure`` writes pictures that a paper can use, and ``%mars show --kind`` shows them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes

from mars_nb import AskUser, CellError, FigureError, RunNotFound, agent
from mars_nb.jupyter.options import KINDS
from mars_nb.jupyter.runs import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.jupyter.conftest import Notebook

CELL = "task: hello\nUser -> Echo -> Critic -> User"
POINTS_PER_INCH = 72


@pytest.fixture
def report(notebook: Notebook) -> Iterator[Notebook]:
    import matplotlib.pyplot as plt

    agent("Echo")(lambda request: f"you said {request}")
    agent("Critic")(lambda request: f"not {request}")
    with mpl.rc_context({"backend": "agg"}):
        notebook.mars("report", CELL)
        notebook.outputs.clear()
        yield notebook
        plt.close("all")


def pdf_size(data: bytes) -> tuple[float, float]:
    """Give the size of a page in inches."""
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", data)
    assert box
    return float(box[1]) / POINTS_PER_INCH, float(box[2]) / POINTS_PER_INCH


MAGIC = {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<?xml"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", ["pdf", "png", "svg"])
def test_every_kind_is_written_in_every_type(report: Notebook, kind: str, suffix: str) -> None:
    path = report.mars(f"figure fig.{suffix} report --kind {kind} --width 3.5")
    assert path == Path(f"fig.{suffix}")
    assert {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<?xml"}[suffix] == path.read_bytes()[:5][
        : 4 + (suffix == "svg")
    ]
    assert report.outputs == []


@pytest.mark.parametrize("width", ["3.5", "7"])
@pytest.mark.parametrize("kind", ["topology", "gantt"])
def test_a_page_is_as_wide_as_was_asked_for(report: Notebook, kind: str, width: str) -> None:
    path = report.mars(f"figure fig.pdf report --kind {kind} --width {width}")
    assert pdf_size(path.read_bytes())[0] == pytest.approx(float(width))


def test_fonts_are_embedded(report: Notebook) -> None:
    pdf = report.mars("figure fig.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    svg = report.mars("figure fig.svg").read_text("utf-8")
    assert "<text" not in svg
    assert not re.search(r"(?:src|href)=[\"'](?!#)", svg)


def test_the_same_run_gives_the_same_file(report: Notebook) -> None:
    for suffix in ("pdf", "svg"):
        first, second = (report.mars(f"figure {name}.{suffix} report").read_bytes() for name in "ab")
        assert first == second


def test_a_figure_shows_the_last_run_in_a_page_if_nothing_else_is_said(report: Notebook) -> None:
    data = report.mars("figure fig.pdf").read_bytes()
    assert pdf_size(data)[0] == pytest.approx(7)


def test_a_figure_of_an_earlier_moment_shows_that_moment(report: Notebook) -> None:
    now = report.mars("figure now.svg report").read_bytes()
    then = report.mars("figure then.svg report@Echo#1").read_bytes()
    assert now != then


def test_a_drawing_that_never_ran_can_be_written(report: Notebook) -> None:
    report.mars("plan --dry-run", CELL)
    assert report.mars("figure plan.svg plan").is_file()
    with pytest.raises(RunNotFound, match="run 'plan' was only drawn"):
        report.mars("figure plan.svg plan --kind gantt")


def test_a_paused_run_can_be_written(report: Notebook) -> None:
    agent("Asker")(lambda _: AskUser("really?"))
    report.mars("asked --keep-going", "task: x\nUser -> Asker -> User")
    assert report.mars("figure asked.png asked --kind gantt").is_file()


def test_no_figure_shows_itself_in_the_notebook(report: Notebook) -> None:
    import matplotlib.pyplot as plt

    report.mars("figure fig.png report --kind gantt")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("figure", "'%mars figure' takes a file: '%mars figure report.pdf report"),
        ("figure fig.gif", "'fig.gif': a figure is written as .pdf, .png, .svg"),
        ("figure fig", "'fig': a figure is written as .pdf, .png, .svg; write 'fig.pdf'"),
        ("figure fig.pgn", r"'fig.pgn': a figure is written as .pdf, .png, .svg; did you mean '.png'\?"),
        ("figure nowhere/fig.pdf", "'nowhere/fig.pdf' cannot be written: No such file or directory"),
        ("figure fig.pdf --kind gant", r"'--kind gant': expected topology, gantt, .*did you mean 'gantt'\?"),
        ("figure fig.pdf --width 5", "'--width 5': expected 3.5 or 7 inches"),
        ("figure fig.pdf report other", "'%mars figure' takes 'FILE"),
    ],
)
def test_what_cannot_be_written_is_said_in_a_line(report: Notebook, line: str, message: str) -> None:
    with pytest.raises((CellError, FigureError), match=message):
        report.mars(line)
    assert list(Path().glob("[!.]*.*")) == []


def test_a_sign_that_the_font_lacks_is_mentioned(report: Notebook) -> None:
    agent("\u7814\u7a76\u8005")(lambda request: request)
    report.mars("odd", "task: x\nUser -> \u7814\u7a76\u8005 -> User")
    report.outputs.clear()
    assert report.mars("figure odd.pdf odd").is_file()
    assert report.texts == [
        "odd.pdf: the font has no sign for some characters; set matplotlib's font.family to one that has"
    ]


# --------------------------------------------------------------------------------------------------------- show --kind


def test_a_run_over_time_is_shown_as_svg_and_text(report: Notebook) -> None:
    shown = report.mars("show report --kind gantt")
    bundle = shown._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml", "text/plain"]
    assert repr(shown).startswith("b0 ")
    assert repr(shown).endswith(" Echo, Critic")


def test_costs_are_shown_with_matplotlib(report: Notebook) -> None:
    assert isinstance(report.mars("show report --kind cost"), Axes)


def test_the_topology_is_what_is_shown_anyway(report: Notebook) -> None:
    assert isinstance(report.mars("show report --kind topology"), Run)
