"""The desk: the runs of a notebook by name, and the cell that was tried last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.errors import RunNotFound, did_you_mean
from mars_nb.jupyter.runs import Run
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from IPython.core.interactiveshell import InteractiveShell

ENDED = ("paused", "succeeded", "failed", "cancelled")
"""Statuses of a run that has a result."""
N_RUNS = 50
"""Runs that are remembered even if no variable holds them any more."""


def _names(run: Run) -> tuple[str, ...]:
    return (run.name, str(run.metadata["session_id"])) if run.status in ENDED else (run.name,)


class Desk:
    """What the magics of a notebook remember.

    Parameters
    ----------
    shell : InteractiveShell
        The shell of the notebook.

    Attributes
    ----------
    shell : InteractiveShell
        The same.
    variables : dict
        The notebook's variables.
    last_cell : tuple of str and str, or None
        Line and text of the ``%%mars`` cell that was tried last.
    runs : list of Run
        The runs so far, oldest first.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.variables: MutableMapping[str, Any] = shell.user_ns
        self.last_cell: tuple[str, str] | None = None
        self.runs: list[Run] = []

    def bind(self, run: Run, *, replace: bool = True) -> None:
        """Bind a run to its name; without ``replace`` only if no variable is lost by it."""
        if replace or isinstance(self.variables.get(run.name, run), Run):
            self.variables[run.name] = run
        self.runs = [*(known for known in self.runs if known.name != run.name), run][-N_RUNS:]

    def find(self, name: str) -> Run:
        """Find a run by its variable, its name, the beginning of either or its session's id; "" is the last one.

        Raises
        ------
        RunNotFound
            If there is none, or several begin so.
        """
        if not name:
            return self._last()
        if isinstance(found := self.variables.get(name), Run):
            return found
        close = [run for run in self.runs if any(each.startswith(name) for each in _names(run))]
        exact = [run for run in close if name in _names(run)]
        match exact or close:
            case [run]:
                return run
            case []:
                near = did_you_mean(name[:80], [run.name for run in self.runs])
                raise RunNotFound(f"there is no run {quoted(name)}{near or '; %mars lists them'}")
            case several:
                names = ", ".join(run.name for run in several)
                raise RunNotFound(f"{quoted(name)} fits several runs: {quoted(names)}; write one of them in full")

    def _last(self) -> Run:
        if not self.runs:
            raise RunNotFound("there is no run yet; try %mars demo, or write a %%mars cell: %mars help cell")
        return self.runs[-1]
