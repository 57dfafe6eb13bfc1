"""What loading the extension puts into a shell, and how all of it is taken out again."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from mars_nb import __version__
from mars_nb.jupyter.completion import Matcher
from mars_nb.jupyter.display import show_line
from mars_nb.jupyter.loop_thread import LOOP
from mars_nb.jupyter.magics import MarsMagics
from mars_nb.jupyter.runner import come_to_rest
from mars_nb.jupyter.runs import record_of
from mars_nb.jupyter.speaking import facts
from mars_nb.jupyter.transformer import Rewriter, install, remove
from mars_nb.views.amounts import named

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

MAGICS = (("line", "mars"), ("cell", "mars"), ("cell", "agent"))
"""The magics, by kind and name."""
N_SHOWN = 3
"""Unfinished sessions that the greeting names."""


class Extension:
    """The extension in one shell, from loading to unloading.

    Parameters
    ----------
    shell : InteractiveShell
        The shell.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._known: dict[str, dict[str, Any]] = shell.magics_manager.magics
        self._before = {(kind, name): self._known[kind].get(name) for kind, name in MAGICS}
        self._magics = MarsMagics(shell)
        shell.register_magics(self._magics)
        self._matcher = Matcher(self._magics.desk)
        self._rewriter = Rewriter(shell)
        install(self._rewriter, shell)
        shell.Completer.custom_matchers.append(self._matcher.match)
        atexit.register(self._rest)

    def greet(self) -> None:
        """Show the one line of ``%load_ext``, and a second one if there is something to go on with."""
        show_line(f"mars_nb {__version__} · {facts()} · try %mars demo")
        unfinished = self._magics.desk.store.unfinished()
        if unfinished:
            show_line(f"unfinished: {named(unfinished, N_SHOWN)} · %mars resume {unfinished[0]} · %mars sessions")

    def remove(self) -> None:
        """Take everything out of the shell again."""
        for (kind, name), before in self._before.items():
            self._known[kind].pop(name, None)
            if before is not None:
                self._known[kind][name] = before
        self._shell.magics_manager.registry.pop(MarsMagics.__name__, None)
        self._shell.Completer.custom_matchers.remove(self._matcher.match)
        remove(self._rewriter, self._shell)
        configurables: Any = self._shell.configurables
        configurables.remove(self._magics)
        atexit.unregister(self._rest)
        self._rest()
        LOOP.close()

    def _rest(self) -> None:
        """Let no run be torn off in the middle: those in the background are paused."""
        come_to_rest([record_of(run) for run in self._magics.desk.live])
