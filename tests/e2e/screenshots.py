"""The three pictures of the README: a run in the middle, paused, and over, as a person sees them in JupyterLab.

``make screenshots`` takes them anew. The team waits until it is let go on, so that the pictures are the same each time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.e2e import team
from tests.e2e.kernels import NEWEST
from tests.e2e.lab import Lab, browser_path, open_browser
from tests.e2e.notebook_page import NotebookPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator

    from tests.e2e.lab import Settings

DOCS = Path(__file__).parent.parent.parent / "docs"
DARK: Settings = {"apputils-extension/themes": {"theme": "JupyterLab Dark"}}
CELL = 1


def take(theme: Settings, names: tuple[str, ...]) -> None:
    """Take the pictures of one theme; the names are those that are wanted."""
    browser = browser_path()
    assert browser, "there is no browser: install chromium, or say where it is with CHROMIUM=path"
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab(Path(folder) / "lab", theme) as lab,
        open_browser(browser) as found,
    ):
        context = found.new_context(viewport={"width": 1180, "height": 1000})
        notebook = NotebookPage(lab, context, lab.folder / "team", app="lab", kernel=NEWEST)
        notebook.write(team.SETUP, team.cell(line="-b"))
        notebook.run(0)
        for name, moment in zip(("running", "paused", "finished"), moments(notebook), strict=True):
            notebook.page.mouse.move(0, 0)
            if name in names:
                moment.screenshot(path=DOCS / f"live-{name}.png")
        notebook.shut_down()


def moments(notebook: NotebookPage) -> Iterator[Locator]:
    """Bring the run to each moment, and give what its cell shows then."""
    output = notebook.run(CELL)
    notebook.let("Planner")
    notebook.wait_for(output, North="running", South="running")
    yield notebook.cell(CELL)
    output.get_by_role("button", name="Pause", exact=True).click()
    notebook.let("North", "South")
    notebook.wait_for(output, Writer="paused")
    yield notebook.cell(CELL)
    output.get_by_role("button", name="Resume").first.click()
    notebook.let("Writer")
    expect(output.get_by_text("Writer has done it")).to_be_visible()
    notebook.wait_for(output, Writer="done")
    yield notebook.cell(CELL)


if __name__ == "__main__":
    take({}, ("running", "finished"))
    take(DARK, ("paused",))
