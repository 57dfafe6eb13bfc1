"""The magics: ``%%mars`` runs a cell, ``%%agent`` defines an agent, ``%mars`` does the rest.

A magic is parse, call, return. None of them lets IPython fill in ``{…}``: it would evaluate what stands there.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, cell_magic, line_cell_magic, magics_class, no_var_expand
from traitlets import Enum, TraitError, Unicode, observe, validate

from mars_nb.jupyter.agent_cells import define
from mars_nb.jupyter.desk import Desk
from mars_nb.jupyter.display import show_line
from mars_nb.jupyter.foreground import close_run, is_settled, open_run, run_now
from mars_nb.jupyter.options import VIEWS
from mars_nb.jupyter.runner import run_here
from mars_nb.jupyter.store import FOLDER
from mars_nb.jupyter.verbs import call
from mars_nb.jupyter.wishes import grant

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


@magics_class
class MarsMagics(Magics):
    """The magics of a notebook.

    Parameters
    ----------
    shell : InteractiveShell
        The notebook's shell.

    Attributes
    ----------
    desk : Desk
        What they remember.
    folder : str
        Where runs are kept; ``%config MarsMagics.folder = "…"`` chooses another place for those to come.
    view : {"live", "static", "none"}
        How a run is shown when its cell does not say.
    """

    folder = Unicode(FOLDER, help="Folder in which runs are kept, relative to the working directory.").tag(config=True)
    view = Enum(VIEWS, "live", help="How a run is shown when its cell does not say.").tag(config=True)

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.desk = Desk(shell)
        self.desk.grant = partial(grant, self.desk)
        self._choose_folder()
        self._choose_view()

    @validate("folder")
    def _is_folder(self, proposal: Any) -> str:
        if not proposal["value"].strip():
            raise TraitError(f"MarsMagics.folder is empty; expected a folder, such as {FOLDER!r}")
        return str(proposal["value"])

    @observe("folder")
    def _choose_folder(self, _change: object = None) -> None:
        if hasattr(self, "desk"):
            self.desk.store.move(self.folder)

    @observe("view")
    def _choose_view(self, _change: object = None) -> None:
        if hasattr(self, "desk"):
            self.desk.view = self.view

    @no_var_expand
    @line_cell_magic
    def mars(self, line: str, cell: str | None = None) -> object:
        """Run a team of agents (%%mars), or see to it (%mars); '%mars help' tells how."""
        if cell is None:
            return call(self.desk, line)
        run_now(open_run(self.desk, line, cell))
        return None

    async def run_cell(self, line: str, cell: str) -> None:
        """Run a ``%%mars`` cell that stands by itself; what the rewritten cell awaits."""
        foreground = open_run(self.desk, line, cell)
        if not is_settled(foreground):
            close_run(foreground, ended=await run_here(foreground.job, foreground.screen))

    @no_var_expand
    @cell_magic
    def agent(self, line: str, cell: str) -> None:
        """Define an agent by a cell with one function; '%mars help agents' tells how."""
        show_line(define(self.desk.shell, line, cell))
