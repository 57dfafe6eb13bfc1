"""The desk: the runs of a notebook by name, where they are kept, and the cell that was tried last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.errors import RunNotFound, did_you_mean
from mars_nb.jupyter.jobs import opened
from mars_nb.jupyter.runs import Run, record_of
from mars_nb.jupyter.store import Store
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from IPython.core.interactiveshell import InteractiveShell

    from mars_nb.jupyter.display import View
    from mars_nb.jupyter.live_view import LiveView, Wish
    from mars_nb.jupyter.records import RunRecord

ENDED = ("interrupted", "paused", "succeeded", "failed", "cancelled")
"""Statuses of a run that has a result."""
N_RUNS = 50
"""Runs that are remembered even if no variable holds them any more."""


def _names(run: Run) -> tuple[str, ...]:
    session_id = record_of(run).session_id
    return (run.name, session_id) if session_id else (run.name,)


def _ignore(_record: RunRecord, _view: LiveView, _wish: Wish) -> None:
    """Do nothing: no magics are there that could."""


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
    store : Store
        Where their sessions are kept.
    view : {"live", "static", "none"}
        How a run is shown when its cell does not say.
    grant : callable
        Does what a person wishes in a live view, given the run's record, the view and the wish.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.variables: MutableMapping[str, Any] = shell.user_ns
        self.last_cell: tuple[str, str] | None = None
        self.runs: list[Run] = []
        self.store = Store()
        self.view: View = "live"
        self.grant: Callable[[RunRecord, LiveView, Wish], None] = _ignore

    @property
    def live(self) -> list[Run]:
        """The runs that are going on."""
        return [run for run in self.runs if run.status == "running"]

    def bind(self, run: Run, *, replace: bool = True) -> None:
        """Bind a run to its name; without ``replace`` only if no variable is lost by it."""
        if replace or isinstance(self.variables.get(run.name, run), Run):
            self.variables[run.name] = run
        self.runs = [*(known for known in self.runs if known.name != run.name), run][-N_RUNS:]

    def adopt(self, record: RunRecord) -> Run:
        """Bind a run that was read back, under a name that is free."""
        taken = {known.name for known in self.live if record_of(known) is not record}
        if record.name in taken or not self._may_take(record):
            record.name = record.session_id.replace("-", "_").replace(".", "_")
        known = [run for run in self.runs if record_of(run) is record]
        run = known[0] if known else Run(record)
        self.bind(run, replace=False)
        return run

    def _may_take(self, record: RunRecord) -> bool:
        """Tell whether a run may have its variable: one that is no run stays, and so does a later run of that name."""
        holder = self.variables.get(record.name)
        if not isinstance(holder, Run):
            return record.name not in self.variables
        is_same = record_of(holder).session_id == record.session_id
        return is_same or self.store.last_of(record.name) == record.session_id

    def forget(self, session_id: str) -> None:
        """Forget the run of a session that is gone."""
        self.runs = [run for run in self.runs if record_of(run).session_id != session_id]
        for name, value in list(self.variables.items()):
            if isinstance(value, Run) and record_of(value).session_id == session_id:
                del self.variables[name]

    def find(self, name: str = "") -> Run:
        """Find a run: by its variable, its name, its session's id, or the beginning of either; "" is the last one.

        A session that no run here stands for is read back; one that is called ``report`` is then the last one of
        ``report-1``, ``report-2``, ….

        Raises
        ------
        RunNotFound
            If there is none, several begin so, or "" could be one of several that are going on.
        """
        if not name:
            return self._last()
        if isinstance(found := self.variables.get(name), Run):
            return found
        exact = [run for run in self.runs if name in _names(run)]
        if exact:
            return exact[-1]
        session_id = name if name in self.store.ids() else self.store.last_of(name)
        return self._begins(name) if session_id is None else self._of(session_id)

    def one_live(self, name: str = "") -> RunRecord:
        """Find a run that is going on.

        Raises
        ------
        RunNotFound
            If it is not going on; without a name, if none is, or several are.
        """
        live = self.live
        if not name and not live:
            raise RunNotFound("no run is going on; a cell in the background is one: %%mars report -b")
        run = live[0] if not name and len(live) == 1 else self.find(name)
        if run.status != "running":
            raise RunNotFound(f"run {run.name!r} is not going on (status: {run.status}); %mars lists those that are")
        return record_of(run)

    def _begins(self, name: str) -> Run:
        close = {record_of(run).session_id or run.name: run for run in self.runs if _begin(run, name)}
        ids = [each for each in self.store.ids() if each.startswith(name)]
        match [*dict.fromkeys([*close, *ids])]:
            case [one]:
                return close.get(one) or self._of(one)
            case []:
                near = did_you_mean(name[:80], [*(run.name for run in self.runs), *self.store.ids()])
                raise RunNotFound(f"there is no run {quoted(name)}{near or '; %mars sessions lists them'}")
            case several:
                names = ", ".join(close[each].name if each in close else each for each in several)
                raise RunNotFound(f"{quoted(name)} fits several runs: {quoted(names)}; write one of them in full")

    def _of(self, session_id: str) -> Run:
        here = [run for run in self.runs if record_of(run).session_id == session_id]
        return here[0] if here else Run(opened(session_id, self.store.holder(session_id)))

    def _last(self) -> Run:
        if len(live := self.live) > 1:
            names = ", ".join(run.name for run in live)
            raise RunNotFound(f"several runs are going on: {names}; say which one you mean")
        if live or self.runs:
            return (live or self.runs)[-1]
        raise RunNotFound("there is no run yet; try %mars demo, or write a %%mars cell: %mars help cell")


def _begin(run: Run, name: str) -> bool:
    return any(each.startswith(name) for each in _names(run))
