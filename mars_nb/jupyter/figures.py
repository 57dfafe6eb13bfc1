"""``%mars figure``: one of the pictures of a run as a file, in a width that papers ask for.

The file's type follows from its name. Fonts are embedded (as outlines in SVG), so that it looks the same everywhere.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mars_nb.errors import CellError, FigureError, did_you_mean
from mars_nb.jupyter.display import show_line
from mars_nb.jupyter.looking import result_at
from mars_nb.jupyter.runs import record_of
from mars_nb.topology.names import quoted
from mars_nb.views import figure as figures
from mars_nb.views import gantt
from mars_nb.views.charts import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mars_nb.jupyter.arguments import Arguments
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.runs import Run
    from mars_nb.views.history import History

TYPES: Final = (".pdf", ".png", ".svg")
"""What a figure can be written as."""
_DPI: Final = 300


def figure(desk: Desk, arguments: Arguments) -> Path:
    """Write a picture of a run, or of what was drawn, into a file; give its path.

    Raises
    ------
    CellError
        If no file is named.
    FigureError
        If the name has no known suffix, or the file cannot be written.
    """
    if not arguments.words:
        raise CellError("'%mars figure' takes a file: '%mars figure report.pdf report --kind gantt --width 3.5'")
    path = _path(arguments.word())
    kind, width_in = arguments.options.get("kind", "topology"), arguments.options.get("width", 7.0)
    run, history = _found(desk, arguments.word(1))
    if history is None and kind == "topology":
        return write(figures.topology_figure(run.topology, width_in), path)
    return write(figures.figure(_begun(run, history), kind, width_in), path)


def _path(name: str) -> Path:
    path = Path(name).expanduser()
    if path.suffix.lower() not in TYPES:
        near = did_you_mean(path.suffix.lower()[:20], TYPES) if path.suffix else f"; write {quoted(f'{name}.pdf')}"
        raise FigureError(f"{quoted(name)}: a figure is written as {', '.join(TYPES)}{near}")
    return path


def _found(desk: Desk, word: str) -> tuple[Run, History | None]:
    """Find a run and what happened in it so far, or up to a position, ``RUN@WHERE``."""
    run = desk.find(word.partition("@")[0])
    return run, result_at(desk, word).history if "@" in word else record_of(run).history


def _begun(run: Run, history: History | None) -> History:
    found = history or run.result.history
    if found is None:
        raise FigureError(f"run {run.name!r} has no history, so there is nothing to draw but its topology")
    return found


def write(made: Figure, path: Path) -> Path:
    """Write a figure into a file.

    Parameters
    ----------
    made : matplotlib.figure.Figure
        What to write.
    path : Path
        Its suffix tells the type of the file; a file that is there is overwritten.

    Returns
    -------
    Path
        The same.

    Raises
    ------
    FigureError
        If the file cannot be written.
    """
    import matplotlib as mpl

    dates = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        with (
            warnings.catch_warnings(record=True) as caught,
            mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "mars_nb"}),
        ):
            warnings.simplefilter("always")
            made.savefig(path, dpi=_DPI, metadata=dates.get(path.suffix.lower()))
    except OSError as error:
        raise FigureError(f"{quoted(str(path))} cannot be written: {error.strerror or error}") from None
    if any("missing from" in str(warning.message) for warning in caught):
        show_line(
            f"{path.name}: the font has no sign for some characters; set matplotlib's font.family to one that has"
        )
    return path


def show_kind(desk: Desk, arguments: Arguments) -> object:
    """Show another picture of a run than that of its topology."""
    kind = arguments.options["kind"]
    run, found = _found(desk, arguments.word())
    history = _begun(run, found)
    return Timeline(history) if kind == "gantt" else draw(history, kind)


class Timeline:
    """The branches of a run over time, which show themselves as SVG and text.

    Parameters
    ----------
    history : History
        What happened.
    """

    def __init__(self, history: History) -> None:
        self._bundle = gantt.mimebundle(history, title="run over time")

    def __repr__(self) -> str:
        return self._bundle["text/plain"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return self._bundle
