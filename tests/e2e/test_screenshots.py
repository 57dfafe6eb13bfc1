"""Three moments of a run, in the light and in the dark: what the README shows, and what a person should look at.

They are taken into ``out/screenshots`` with every run of the tests, and into ``docs`` by ``make screenshots``.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import SCREENSHOTS

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.conftest import OpenNotebook
    from tests.e2e.lab import Lab
    from tests.e2e.notebook_page import NotebookPage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

DOCS = Path(__file__).parent.parent.parent / "docs"
MAX_BYTES = 200_000
WIDTH, HEIGHT = 1000, 1100
# Which theme of which moment the README shows.
CHOSEN = {("running", "light"), ("paused", "dark"), ("finished", "light")}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

TEAM = """import asyncio
from pathlib import Path
from mars_nb import Agent, agent

FINDINGS = {
    "North": "The northern quarter grew by 11 %: two large orders in May.",
    "South": "The southern quarter fell by 4 %, mainly because of the strike in June; July made up for half of it.",
    "East": "The eastern quarter is where it was.",
}


async def report(request, context):
    for word in FINDINGS[context.agent].split(" "):
        while not Path(f"go-{word}").exists() and word in {"southern", "strike"}:
            await asyncio.sleep(0.01)
        yield word + " "


for name in FINDINGS:
    Agent(name=name, answer=report)


@agent
def Planner(task):
    return "Report on your region, in a sentence."


@agent
def Writer(request, context):
    return "North carried the quarter: **+11 %** there, **-4 %** in the south after a strike, and the east stood still."


@agent
def Reviewer(request):
    return "Good; say why in the south."
"""
SETUP = "%load_ext mars_nb\nimport team"
CELL = """%%mars report -b
task: What happened in the regions this quarter?
User -> Planner -> North, South, East -> Writer
Writer <-> Reviewer
Writer -> User
max_turns(Writer <-> Reviewer, 2)"""


@pytest.mark.parametrize("theme", THEMES)
def test_a_run_looks_as_it_should_while_it_runs_when_it_is_paused_and_when_it_is_over(
    open_notebook: OpenNotebook, lab: Lab, theme: str
) -> None:
    with lab.theme(THEMES[theme]):
        notebook = open_notebook(SETUP, CELL, app="notebook", module=TEAM)
    notebook.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    notebook.run(0)
    view = notebook.run(1)
    notebook.cell(0).click()
    notebook.wait_for(view, North="done", South="running", East="done")
    notebook.let("southern")
    expect(view).to_contain_text("mainly because of the")
    take(notebook, "running", theme)
    view.get_by_role("button", name="Pause", exact=True).click()
    expect(view).to_contain_text("Pausing")
    notebook.let("strike")
    notebook.wait_for(view, South="done", Writer="paused")
    notebook.page.mouse.move(0, 0)
    take(notebook, "paused", theme)
    view.get_by_role("button", name="Resume").first.click()
    expect(view).to_contain_text("North carried the quarter")
    take(notebook, "finished", theme)


def take(notebook: NotebookPage, moment: str, theme: str) -> None:
    """Take the cell, with its run as it is now; the README's pictures also into ``docs`` if that was asked for."""
    path = SCREENSHOTS / f"run-{moment}-{theme}.png"
    notebook.cell(1).screenshot(path=path, animations="disabled")
    assert is_dark(notebook.cell(1)) == (theme == "dark")
    assert path.stat().st_size < MAX_BYTES
    if os.environ.get("MARS_SCREENSHOTS") and (moment, theme) in CHOSEN:
        shutil.copy(path, DOCS / f"live-{moment}.png")


def is_dark(cell: Locator) -> bool:
    """Tell whether text is light here."""
    lightness: float = cell.evaluate(
        "cell => getComputedStyle(cell).color.match(/\\d+/g).slice(0, 3).reduce((sum, each) => sum + Number(each), 0)"
    )
    return lightness > 3 * 128
