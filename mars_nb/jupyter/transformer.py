"""The rewrite of a ``%%mars`` cell to an ``await``, because IPython has no magics that can be awaited.

Only the outermost cell of a request is awaited: one that runs below ``%%time`` or in ``run_cell_magic`` stands in the
middle of Python code, where nothing can be. The rewrite comes before all others: IPython's prompt stripper would take
``>>> `` from the text of the task, and comments may stand above ``%%mars``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_HEAD = re.compile(r"%%mars(?:[ \t]+([^\r\n]*))?\r?\n?")


class Rewriter:
    """Rewrites cells.

    Parameters
    ----------
    shell : InteractiveShell
        Whose cells.

    Attributes
    ----------
    has_side_effects : bool
        True, so that IPython does not ask this whether a cell is complete: a lone ``%%mars`` would be.
    """

    has_side_effects = True

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._executing = self._request()

    def __call__(self, lines: list[str]) -> list[str]:
        """Give the cell as Python, if it is a ``%%mars`` cell."""
        first = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None)
        head = None if first is None else _HEAD.fullmatch(lines[first])
        if first is None or head is None or (head[1] or "").strip() == "?":
            return lines
        arguments = f"{(head[1] or '').strip()!r}, {''.join(lines[first + 1 :])!r}"
        if self._can_await():
            return [f"await get_ipython().magics_manager.registry['MarsMagics'].run_cell({arguments})\n"]
        return [f"get_ipython().run_cell_magic('mars', {arguments})\n"]

    def note_request(self) -> None:
        """Remember which request is executed now: whatever it transforms from here on is inside its cell."""
        self._executing = self._request()

    def _can_await(self) -> bool:
        request = self._request()
        return bool(request and request != self._executing and self._shell.autoawait)

    def _request(self) -> str | None:
        """Give the id of the kernel's request; None in a terminal, which has neither kernel nor requests."""
        kernel = getattr(self._shell, "kernel", None)
        if kernel is None:
            return None
        message_id: str | None = kernel.get_parent().get("header", {}).get("msg_id")
        return message_id


def install(rewriter: Rewriter, shell: InteractiveShell) -> None:
    """Let a shell's cells be rewritten."""
    shell.input_transformers_cleanup.insert(0, rewriter)
    shell.events.register("pre_execute", rewriter.note_request)


def remove(rewriter: Rewriter, shell: InteractiveShell) -> None:
    """Let a shell's cells be as they are."""
    if rewriter in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(rewriter)
        shell.events.unregister("pre_execute", rewriter.note_request)
