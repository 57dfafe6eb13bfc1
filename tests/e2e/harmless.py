"""Nothing that an agent said has become part of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.e2e.notebook_page import NotebookPage

OBEYED = ":is(script, iframe, [onerror], [onload], [href^='javascript:'], [src^='https:'])"


def assert_harmless(notebook: NotebookPage) -> None:
    """Check that no attack of the team ran, asked, or left an element behind; requests are checked for every test."""
    assert notebook.page.evaluate("window.attacked") is None
    assert notebook.dialogs == []
    assert notebook.page.locator(f".jp-OutputArea-output {OBEYED}").count() == 0
