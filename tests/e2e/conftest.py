"""What the browser tests share: one server, a browser for each module, and a notebook for each test.

The browser ends with its module, because the loop that drives it would otherwise stand in the way of later tests.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import need_browser, open_browser
from tests.e2e.kernels import NEWEST
from tests.e2e.lab import Lab
from tests.e2e.notebook_page import TIMEOUT_MS, NotebookPage
from tests.e2e.team import MODULE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext

    from tests.e2e.lab import App

SCREENSHOTS = Path(__file__).parent.parent.parent / "out" / "screenshots"


class OpenNotebook(Protocol):
    """Writes a notebook of some cells and opens it."""

    def __call__(self, *cells: str, app: App = "lab", kernel: str = NEWEST, module: str = MODULE) -> NotebookPage: ...


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    need_browser()
    with Lab(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with open_browser(need_browser()) as browser:
        yield browser


@pytest.fixture(scope="module")
def context(chromium: Browser) -> Iterator[BrowserContext]:
    expect.set_options(timeout=TIMEOUT_MS)
    with chromium.new_context(viewport={"width": 1280, "height": 900}) as made:
        made.set_default_timeout(TIMEOUT_MS)
        yield made


@pytest.fixture
def open_notebook(lab: Lab, context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[OpenNotebook]:
    """Open notebooks, each in a folder of its own; at the end look whether the pages complained or went elsewhere."""
    opened: list[NotebookPage] = []

    def open_(*cells: str, app: App = "lab", kernel: str = NEWEST, module: str = MODULE) -> NotebookPage:
        folder = lab.folder / f"{file_name(request)}-{len(opened)}"
        opened.append(NotebookPage(lab, context, folder, app=app, kernel=kernel))
        return opened[-1].write(*cells, module=module)

    yield open_
    for notebook in opened:
        notebook.shoot(SCREENSHOTS / f"{notebook.folder.name}.png")
        notebook.shut_down()
    assert [each for notebook in opened for each in notebook.strangers] == [], "requests that left this machine"
    assert [each for notebook in opened for each in notebook.complaints] == [], "errors in the browser's console"


class Shoot(Protocol):
    """Takes a picture of a moment, for people to look at."""

    def __call__(self, notebook: NotebookPage, moment: str) -> None: ...


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    def take(notebook: NotebookPage, moment: str) -> None:
        notebook.shoot(SCREENSHOTS / f"{file_name(request)}-{moment}.png")

    return take


def file_name(request: pytest.FixtureRequest) -> str:
    return re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")
