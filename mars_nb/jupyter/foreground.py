"""A foreground run: a ``%%mars`` cell from its text to its last output.

`open_run` reads the cell, checks it and binds the run to its name; then the run is carried out; `close_run` shows how
it ended. A run that failed or was stopped ends its cell with an error, or *Run All* would go on to the next one.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mars_nb.errors import RunFailed, RunPaused, RunStopped
from mars_nb.jupyter.display import Screen, show_answer, show_line
from mars_nb.jupyter.plans import counted, job_of, missing, read_cell, summary, unknown_agents
from mars_nb.jupyter.runs import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.display import View
    from mars_nb.jupyter.runner import Job

MAX_ERROR_LENGTH = 200
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Foreground:
    """A run that its cell waits for.

    Parameters
    ----------
    job : Job
        What is run.
    run : Run
        What is bound to its name.
    screen : Screen
        Where it is painted.
    options : dict
        The options of the cell.
    """

    job: Job
    run: Run
    screen: Screen
    options: dict[str, Any]

    @property
    def is_dry(self) -> bool:
        """Whether it is only drawn."""
        return "dry_run" in self.options


def open_run(desk: Desk, line: str, cell: str) -> Foreground:
    """Read a cell and bind its run; nothing has run yet.

    Raises
    ------
    MarsError
        If something in the cell is wrong; nothing is bound then.
    """
    desk.last_cell = (line, cell)
    read = read_cell(line, cell, desk.variables)
    job = job_of(read, desk.variables, keyboard_of(desk.shell))
    run = Run(job.record)
    desk.bind(run)
    return Foreground(job, run, Screen(view_of(desk.shell, read.options)), read.options)


def close_run(foreground: Foreground, *, ended: bool) -> None:
    """Show how a run ended: its last picture, its answer, and what to do next.

    Parameters
    ----------
    foreground : Foreground
        The run.
    ended : bool
        Whether it came to its end by itself.

    Raises
    ------
    RunStopped
        If it was stopped, paused, or failed.
    """
    run, options = foreground.run, foreground.options
    foreground.screen.paint(foreground.job.record.bundle())
    is_quiet = "quiet" in options
    if run.status == "succeeded" and not is_quiet:
        show_answer(run, options.get("format", "md"))
    if not is_quiet:
        show_line(next_steps(run, foreground.job.record.stubs))
    if not ended:
        raise RunStopped(_stopped(run))
    if run.status == "succeeded" or "keep_going" in options:
        return
    if run.status == "paused":
        raise RunPaused(_paused(run))
    raise RunFailed(_failed(run, can_ask=foreground.job.user is not None or foreground.job.keyboard is not None))


def show_dry(foreground: Foreground) -> None:
    """Show a run that was only drawn."""
    topology = foreground.run.topology
    foreground.screen.paint(foreground.job.record.bundle())
    unknown = unknown_agents(topology)
    drawn = f"checked: {summary(topology)}; nothing has run"
    show_line(f"{drawn} · {missing(unknown)}" if unknown and "stub" not in foreground.options else drawn)


def next_steps(run: Run, stubs: tuple[str, ...] = ()) -> str:
    """Give the line that stands below a run."""
    steps = f"{run.name}.timeline() · %mars show {run.name}"
    return f"{steps} · only repeating what they are asked: {', '.join(stubs)}" if stubs else steps


def keyboard_of(shell: Any) -> Any:
    """Give the function that asks whoever sits at the notebook; None where nobody does."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        has_keyboard = sys.stdin is not None and sys.stdin.isatty()
    else:
        has_keyboard = bool(getattr(kernel, "_allow_stdin", False))
    return input if has_keyboard else None


def view_of(shell: object, options: Mapping[str, Any] = NO_OPTIONS) -> View:
    """Choose the view: a terminal cannot repaint, it would print one picture below the other."""
    if "quiet" in options:
        return "none"
    chosen: View = options.get("view", "live")
    return "static" if chosen == "live" and getattr(shell, "kernel", None) is None else chosen


def _stopped(run: Run) -> str:
    if run.status == "running":
        return f"run {run.name!r} was told to stop and is still busy; restart the kernel if it never ends"
    n_steps = counted(run.total_steps, "step")
    return f"run {run.name!r} was stopped after {n_steps}; every result so far is kept: {run.name}.timeline()"


def _paused(run: Run) -> str:
    history = run.result.history
    reason = f" ({history.state.pause_reason})" if history and history.state.pause_reason else ""
    kept = f"every result so far is kept: {run.name}.timeline()"
    return f"run {run.name!r} paused{reason}; resuming comes in a later release, {kept}"


def _failed(run: Run, *, can_ask: bool) -> str:
    error = " ".join(str(run.error).split())
    cut = error if len(error) <= MAX_ERROR_LENGTH else f"{error[: MAX_ERROR_LENGTH - 1]}…"
    hint = "" if can_ask or "nobody can be reached" not in error else "; in a cell: --user VAR"
    return f"run {run.name!r} {run.status}: {cut}{hint}"
