"""The edge: cells, magics, widgets and the thread that runs a loop beside the kernel's.

The only package that imports IPython, ipywidgets, anywidget or traitlets; everything below works in a plain script.
``%load_ext mars_nb`` adds the magics, the rewrite of ``%%mars`` cells and the completion; ``%unload_ext mars_nb`` takes
away exactly those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mars_nb.jupyter.extension import Extension

_loaded: dict[int, Extension] = {}


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Bring ``%%mars``, ``%%agent`` and ``%mars`` into a notebook, and say so in one line."""
    from mars_nb.jupyter.extension import Extension

    if id(ipython) not in _loaded:
        _loaded[id(ipython)] = Extension(ipython)
    _loaded[id(ipython)].greet()


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take them away again."""
    extension = _loaded.pop(id(ipython), None)
    if extension is not None:
        extension.remove()
