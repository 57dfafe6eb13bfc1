"""A shell as a terminal has it, whose outputs are kept instead of shown, and a registry that starts empty."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from mars_nb.agents.registry import AgentRegistry
from mars_nb.jupyter import load_ipython_extension, unload_ipython_extension

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Notebook:
    """A loaded shell, and what it showed."""

    def __init__(self, shell: InteractiveShell, outputs: list[dict[str, Any]]) -> None:
        self.shell = shell
        self.variables: dict[str, Any] = shell.user_ns
        self.outputs = outputs

    @property
    def texts(self) -> list[str]:
        """The text of each output, in order."""
        return [output["data"]["text/plain"] for output in self.outputs]

    def mars(self, line: str = "", cell: str | None = None) -> Any:
        """Run a ``%%mars`` cell, or a ``%mars`` line."""
        if cell is None:
            return self.shell.run_line_magic("mars", line)
        return self.shell.run_cell_magic("mars", line, cell)  # type: ignore[no-untyped-call]  # IPython

    def agent(self, line: str, cell: str) -> None:
        self.shell.run_cell_magic("agent", line, cell)  # type: ignore[no-untyped-call]  # IPython


@pytest.fixture
def agents() -> Iterator[AgentRegistry]:
    """Give the registry of the process, empty for the length of a test."""
    registry = AgentRegistry.default()
    before = list(registry)
    registry.clear()
    yield registry
    registry.clear()
    for each in before:
        registry.register(each)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance(config=config)
    yield made
    # Or each would collect all garbage once more when the process ends, which takes minutes for hundreds of shells.
    atexit.unregister(made.atexit_operations)
    InteractiveShell.clear_instance()


@pytest.fixture
def shown(shell: InteractiveShell) -> list[dict[str, Any]]:
    """Give what the shell shows from now on, in order."""
    publisher = CapturingDisplayPublisher()  # type: ignore[no-untyped-call]  # IPython
    shell.display_pub = publisher
    outputs: list[dict[str, Any]] = publisher.outputs
    return outputs


@pytest.fixture
def notebook(shell: InteractiveShell, shown: list[dict[str, Any]], agents: AgentRegistry) -> Iterator[Notebook]:
    assert len(agents) == 0
    load_ipython_extension(shell)
    shown.clear()
    yield Notebook(shell, shown)
    unload_ipython_extension(shell)
