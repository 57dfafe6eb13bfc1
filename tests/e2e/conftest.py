"""What the browser tests share: one server, a browser for each module, and a notebook for each test.

The browser ends with its module, because the loop that drives it would otherwise stand in the way of later tests.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.e2e.kernels import NEWEST
from tests.e2e.lab import Lab, browser_path, open_browser
from tests.e2e.notebook_page import NotebookPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import BrowserContext

    from tests.e2e.lab import App

SCREENSHOTS = Path(__file__).parent.parent.parent / "out" / "screenshots"
TIMEOUT_MS = 20_000


class OpenNotebook(Protocol):
    """Writes a notebook of some cells and opens it."""

    def __call__(self, *cells: str, app: App = "lab", kernel: str = NEWEST) -> NotebookPage: ...


@pytest.fixture(scope="session")
def browser_binary() -> str:
    """Give the browser; without one there is nothing to test, and in CI there has to be one."""
    path = browser_path()
    if path is None and not os.environ.get("CI"):
        pytest.skip("there is no browser: install chromium, or say where it is with CHROMIUM=path")
    assert path is not None, "there is no browser, and CI is to test with one: install chromium"
    return path


@pytest.fixture(scope="session")
def lab(browser_binary: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    assert browser_binary
    with Lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture(scope="module")
def context(browser_binary: str) -> Iterator[BrowserContext]:
    from playwright.sync_api import expect

    expect.set_options(timeout=TIMEOUT_MS)
    with open_browser(browser_binary) as browser:
        made = browser.new_context(viewport={"width": 1280, "height": 900})
        made.set_default_timeout(TIMEOUT_MS)
        yield made


@pytest.fixture
def open_notebook(lab: Lab, context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open notebooks, each in a folder of its own; at the end look whether the pages complained or went elsewhere."""
    opened: list[NotebookPage] = []
    name = re.sub(r"\W+", "-", request.node.name).strip("-")

    def open_(*cells: str, app: App = "lab", kernel: str = NEWEST) -> NotebookPage:
        folder = lab.folder / f"{name}-{len(opened)}"
        opened.append(NotebookPage(lab, context, folder, app=app, kernel=kernel))
        return opened[-1].write(*cells)

    yield open_
    for notebook in opened:
        notebook.page.screenshot(path=SCREENSHOTS / f"{notebook.folder.name}.png")
        notebook.shut_down()
    assert [each for notebook in opened for each in notebook.strangers] == [], "requests that left this machine"
    assert [each for notebook in opened for each in notebook.complaints] == [], "errors in the browser's console"


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Callable[[NotebookPage, str], None]:
    """Take a picture of a moment, for people to look at."""

    def take(notebook: NotebookPage, moment: str) -> None:
        name = re.sub(r"\W+", "-", f"{request.node.name}-{moment}").strip("-")
        notebook.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return take
