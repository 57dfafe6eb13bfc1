"""The edge: cells, magics, widgets and the thread that runs a loop beside the kernel's.

The only package that imports IPython, ipywidgets, anywidget or traitlets; everything below works in a plain script.
"""

from __future__ import annotations
