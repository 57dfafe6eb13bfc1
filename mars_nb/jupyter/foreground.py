"""A foreground run: a ``%%mars`` cell from its text to its last output.

`open_run` reads the cell, checks it and binds the run to its name; then the run is carried out; `close_run` shows how
it ended. A run that paused, failed or was stopped ends its cell with an error, or *Run All* would start the next one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mars_nb.errors import CellError, RunFailed, RunPaused, RunStopped
from mars_nb.jupyter.acts import changed_agents
from mars_nb.jupyter.cell import parse
from mars_nb.jupyter.display import show_answer, show_line
from mars_nb.jupyter.jobs import cell_job
from mars_nb.jupyter.plans import missing, summary, unknown_agents
from mars_nb.jupyter.runner import come_to_rest, run_behind, run_there
from mars_nb.jupyter.runs import Run, paused_text, record_of
from mars_nb.jupyter.screens import LiveScreen, Screen
from mars_nb.views.amounts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.display import View
    from mars_nb.jupyter.records import RunRecord
    from mars_nb.jupyter.runner import Job

MAX_ERROR_LENGTH = 200
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Foreground:
    """A run and the cell that shows it.

    Parameters
    ----------
    job : Job
        What is run.
    run : Run
        What is bound to its name.
    screen : Screen
        Where it is painted.
    options : mapping
        The options of the cell; ``step`` if a pause at its end is what was asked for.
    """

    job: Job
    run: Run
    screen: Screen
    options: Mapping[str, Any]


def open_run(desk: Desk, line: str, cell: str) -> Foreground:
    """Read a cell and bind its run; nothing has run yet.

    Raises
    ------
    MarsError
        If something in the cell is wrong, or a run of that name is going on; nothing is bound then.
    """
    desk.last_cell = (line, cell)
    read = parse(line, cell, desk.variables)
    _refuse_twice(desk, read.options)
    job = cell_job(read, desk.variables, desk.store, keyboard_of(desk.shell))
    if job.record.history is not None:
        tell_changed(desk, job.record, read.options)
    run = Run(job.record)
    desk.bind(run)
    return Foreground(job, run, screen_of(desk, read.options), read.options)


def tell_changed(desk: Desk, record: RunRecord, options: Mapping[str, Any]) -> None:
    """Name the agents of a run that goes on which are others now; those of one that is over are not asked."""
    is_silent = record.status == "succeeded" or "quiet" in options
    if changed := [] if is_silent else changed_agents(desk, record):
        show_line(f"changed since it ran last: {', '.join(changed)}; what is defined here now is asked")


def _refuse_twice(desk: Desk, options: Mapping[str, Any]) -> None:
    name = options["name"]
    going = [record_of(run) for run in desk.live if run.name == name]
    if going and "replace" not in options:
        raise CellError(
            f"run {name!r} is still going on; pause it (%mars pause {name}), stop it (%mars stop {name}), --replace it "
            "(which pauses it too), or give this one another name"
        )
    come_to_rest(going, at_once=True)


def is_settled(foreground: Foreground) -> bool:
    """Show a run for which nobody has to wait: only drawn, over already, or in the background.

    Returns
    -------
    bool
        False if it has to be carried out now.
    """
    record, options = foreground.job.record, foreground.options
    if "dry_run" in options:
        show_dry(foreground)
    elif record.status == "succeeded":
        close_run(foreground, ended=True)
        if "quiet" not in options:
            show_line(f"session {record.session_id!r} had succeeded before: shown again, nobody was asked")
    elif "background" in options:
        run_behind(foreground.job, foreground.screen)
        if "quiet" not in options:
            _say_behind(foreground.screen, record)
    else:
        return False
    return True


def _say_behind(screen: Screen, record: RunRecord) -> None:
    """Say that a run goes on in the background, or what is next if it was over before that was said."""
    screen.say(f"{record.name} goes on in the background · await {record.name} · %mars pause {record.name}")
    if record.end.done():
        screen.say(record.next_steps)


def run_now(foreground: Foreground) -> None:
    """Carry out a run where one cannot await, and show how it ended."""
    if not is_settled(foreground):
        close_run(foreground, ended=run_there(foreground.job, foreground.screen))


def close_run(foreground: Foreground, *, ended: bool) -> None:
    """Show how a run ended: its last picture, its answer, and what to do next.

    Parameters
    ----------
    foreground : Foreground
        The run.
    ended : bool
        Whether it came to rest by itself.

    Raises
    ------
    RunStopped
        If it was stopped, paused, or failed.
    """
    run, record, options = foreground.run, foreground.job.record, foreground.options
    is_quiet, shows_answer = "quiet" in options, foreground.screen.shows_answer
    foreground.screen.settle(record)
    if run.status == "succeeded" and not (is_quiet or shows_answer):
        show_answer(run, options.get("format", "md"))
    if not is_quiet:
        # What can be clicked may go on, and then other steps are next.
        say = foreground.screen.say if foreground.screen.can_be_heard else show_line
        say(record.next_steps)
    if not ended:
        raise _pressed(run)
    if run.status == "succeeded" or "keep_going" in options or ("step" in options and run.status == "paused"):
        return
    if run.status == "paused":
        raise RunPaused(paused_text(record))
    raise RunFailed(_failed(run))


def show_dry(foreground: Foreground) -> None:
    """Show a run that was only drawn."""
    topology = foreground.run.topology
    foreground.screen.settle(foreground.job.record)
    unknown = unknown_agents(topology)
    drawn = f"checked: {summary(topology)}; nothing has run"
    show_line(f"{drawn} · {missing(unknown)}" if unknown and "stub" not in foreground.options else drawn)


def keyboard_of(shell: Any) -> Callable[[str], str] | None:
    """Give the function that asks whoever sits at the notebook; None where nobody does."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        has_keyboard = sys.stdin is not None and sys.stdin.isatty()
    else:
        has_keyboard = bool(getattr(kernel, "_allow_stdin", False))
    return input if has_keyboard else None


def screen_of(desk: Desk, options: Mapping[str, Any] = NO_OPTIONS) -> Screen:
    """Give the screen of a cell: a live view where somebody looks, else pictures.

    Where nobody can type, nobody can click either: nbclient and papermill get pictures. A terminal can show no widget
    and repaint nothing; it would print one picture below the other.
    """
    kernel = getattr(desk.shell, "kernel", None)
    view: View = "none" if "quiet" in options else options.get("view", desk.view)
    if view == "live" and kernel is not None and keyboard_of(desk.shell) and "dry_run" not in options:
        return LiveScreen(desk.grant, form=options.get("format", "md"))
    return Screen("static" if view == "live" and kernel is None else view, repaints=kernel is not None)


def _pressed(run: Run) -> RunStopped:
    """Give the error of a cell whose run did not come to rest by itself."""
    kept = f"every result so far is kept: {run.name}.timeline()"
    match run.status:
        case "paused" | "running":
            return RunPaused(paused_text(record_of(run)))
        case "cancelled":
            return RunStopped(f"run {run.name!r} was stopped after {counted(run.total_steps, 'step')}; {kept}")
        case status:
            return RunStopped(f"run {run.name!r} {status} before it could pause; {kept}")


def _failed(run: Run) -> str:
    error = " ".join(str(run.error).split())
    cut = error if len(error) <= MAX_ERROR_LENGTH else f"{error[: MAX_ERROR_LENGTH - 1]}…"
    return f"run {run.name!r} {run.status}: {cut}"
