"""Cells in a real browser: what they show, how they are stopped, and what is there when they are opened again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.e2e.harmless import assert_harmless
from tests.e2e.kernels import KERNELS, NEWEST
from tests.e2e.team import SETUP, cell

if TYPE_CHECKING:
    from tests.e2e.conftest import OpenNotebook
    from tests.e2e.lab import App
    from tests.e2e.notebook_page import NotebookPage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

VERSIONS = {"ipykernel-6": r"'6\.\d+", "ipykernel-7.3": r"'7\.3\.", NEWEST: r"'(?:7\.[4-9]|7\.\d\d|[89])\."}
ALL = ("Planner", "North", "South", "Writer")
PAUSED = "nothing is lost, go on: %mars resume report"

in_both = pytest.mark.parametrize("app", ["lab", "notebook"])
on_each_kernel = pytest.mark.parametrize("kernel", KERNELS)
# Each application with the newest kernel, each kernel in JupyterLab.
everywhere = pytest.mark.parametrize(("app", "kernel"), [*(("lab", each) for each in KERNELS), ("notebook", NEWEST)])


@in_both
@on_each_kernel
def test_a_run_shows_its_picture_its_answer_and_what_to_do_next(
    open_notebook: OpenNotebook, kernel: str, app: App
) -> None:
    notebook = open_notebook(SETUP, cell(), app=app, kernel=kernel)
    assert re.match(VERSIONS[kernel], notebook.ask("__import__('ipykernel').__version__"))
    expect(notebook.run(0)).to_contain_text("mars_nb")
    notebook.let(*ALL)
    output = notebook.run(1)
    notebook.wait_for(output, North="done", South="done", Writer="done")
    expect(output).to_contain_text("Writer has done it")
    expect(output).to_contain_text("report.timeline()")


@everywhere
def test_a_run_in_the_background_is_paused_from_another_cell(
    open_notebook: OpenNotebook, app: App, kernel: str
) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"), "%mars pause", "%mars resume", app=app, kernel=kernel)
    notebook.run(0)
    notebook.let("Planner", "North")
    picture = notebook.run(1)
    notebook.wait_for(picture, North="done", South="running")
    pausing = notebook.start(2)
    expect(picture).to_contain_text("Pausing")
    notebook.let("South")
    expect(pausing).to_contain_text(PAUSED)
    notebook.wait_for(picture, South="done", Writer="paused")
    notebook.let("Writer")
    resumed = notebook.run(3)
    notebook.wait_for(resumed, Writer="done")
    expect(resumed).to_contain_text("Writer has done it")


STOPPED: dict[str, tuple[str, ...]] = {
    "awaited": (cell(),),
    "in the sync fallback": (cell(above="%%time\n"),),
    "in the background, awaited": (cell(line="-b"), "await report"),
    "in the background, waited for": (cell(line="-b"), "report.wait()"),
}


@everywhere
def test_the_stop_button_pauses_in_every_mode(open_notebook: OpenNotebook, app: App, kernel: str) -> None:
    cells = [each for mode in STOPPED.values() for each in mode]
    notebook = open_notebook(SETUP, *cells, app=app, kernel=kernel)
    notebook.run(0)
    notebook.let("Planner", "North")
    position = 1
    for mode in STOPPED.values():
        notebook.hold("South")
        press_stop_while_south_runs(notebook, first=position, last=position + len(mode) - 1)
        position += len(mode)


def press_stop_while_south_runs(notebook: NotebookPage, *, first: int, last: int) -> None:
    picture = notebook.run(first) if first != last else notebook.start(first)
    stopped = notebook.start(last) if first != last else picture
    notebook.wait_for(picture, South="running")
    notebook.press_stop()
    expect(picture).to_contain_text("Pausing")  # it is heard before the step that runs is over
    notebook.let("South")
    expect(stopped).to_contain_text(PAUSED)
    notebook.finished(last)
    notebook.wait_for(picture, South="done", Writer="paused")


@on_each_kernel
def test_the_stop_button_pressed_twice_does_not_wait_for_the_running_step(
    open_notebook: OpenNotebook, kernel: str
) -> None:
    notebook = open_notebook(SETUP, cell(), kernel=kernel)
    notebook.run(0)
    notebook.let("Planner", "North")
    output = notebook.start(1)
    notebook.wait_for(output, South="running")
    notebook.press_stop()
    expect(output).to_contain_text("Pausing")  # two signals at once would be one
    notebook.press_stop()
    notebook.finished(1)
    expect(output).to_contain_text("paused after 2 steps")
    notebook.wait_for(output, North="done", South="paused")


@everywhere
def test_after_a_restart_a_run_goes_on_and_asks_nobody_twice(
    open_notebook: OpenNotebook, app: App, kernel: str
) -> None:
    notebook = open_notebook(SETUP, cell(line="-p Writer"), "%mars resume report", app=app, kernel=kernel)
    notebook.run(0)
    notebook.let("Planner", "North", "South")
    notebook.run(1)
    notebook.restart()
    assert notebook.ask("'report' in globals()") == "False"
    for asked in ("Planner", "North", "South"):
        notebook.hold(asked)  # whoever were asked again would wait for good
    expect(notebook.run(0)).to_contain_text("unfinished: report-1")
    notebook.let("Writer")
    resumed = notebook.run(2)
    expect(resumed).to_contain_text("Writer has done it")
    notebook.wait_for(resumed, North="done", South="done", Writer="done")


@in_both
def test_a_saved_notebook_shows_everything_when_it_is_opened_with_a_fresh_kernel(
    open_notebook: OpenNotebook, app: App
) -> None:
    notebook = open_notebook(SETUP, cell(), cell(line="-b").replace("report", "other"), "await other", app=app)
    notebook.run(0)
    notebook.let(*ALL)
    for position in (1, 2, 3):
        notebook.run(position)
    notebook.wait_for(notebook.output(2), Writer="done")
    saved = notebook.save()
    notebook.shut_down()
    assert media_types(saved["cells"][1]) <= {"image/svg+xml", "text/markdown", "text/plain"}
    notebook.open()
    for position in (1, 2):
        picture = notebook.output(position)
        notebook.wait_for(picture, North="done", South="done", Writer="done")
        expect(picture).not_to_contain_text("not found")
    expect(notebook.output(1)).to_contain_text("Writer has done it")


def media_types(saved: Any) -> set[str]:
    return {media for output in saved["outputs"] for media in output.get("data", {})}


ATTACKS = ("Mallory", "Trudy", "Oscar")


@in_both
def test_what_an_agent_says_is_shown_and_never_obeyed(open_notebook: OpenNotebook, app: App) -> None:
    cells = [f"%%mars {name.lower()} -b\ntask: x\nUser -> {name} -> User" for name in ATTACKS]
    foreground = "%%mars\ntask: x\nUser -> Mallory -> User"
    notebook = open_notebook(SETUP, foreground, *cells, "await mallory; await trudy", app=app)
    for position in range(6):
        notebook.run(position)
    expect(notebook.output(1)).to_contain_text("<script>window.attacked = 1</script>")
    notebook.wait_for(notebook.output(2), Mallory="done")
    notebook.wait_for(notebook.output(3), Trudy="failed")
    notebook.wait_for(notebook.output(4), Oscar="asking")
    assert_harmless(notebook)
