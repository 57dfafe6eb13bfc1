"""From a cell, or a session, to a job: a run that is new, goes on, or is over. Nothing has run when this is done.

``--session ID`` and ``--once`` make a cell one that may be run again: the same cell over the same session goes on from
where it stopped, and costs nothing when it was finished. Another cell under the same id is an error that tells the
difference, because silently mixing two runs would be worse.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from mars_nb.agents.content import as_content
from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import CellError, SessionError, StorageError, did_you_mean
from mars_nb.events import RunStarted
from mars_nb.jupyter.live import at_once
from mars_nb.jupyter.plans import Team, team_of, unknown_agents, user_of
from mars_nb.jupyter.records import RunRecord, base_of
from mars_nb.jupyter.runner import Job
from mars_nb.jupyter.store import slug
from mars_nb.orchestra import Orchestra
from mars_nb.state.codec import encode_content
from mars_nb.state.file_storage import FileStorageBackend
from mars_nb.topology.model import Topology
from mars_nb.topology.names import RESERVED, quoted
from mars_nb.topology.rules import PauseBeforeRule
from mars_nb.views.history import drawings, history_of
from mars_nb.views.onlooker import Onlooker
from mars_nb.views.result import result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mars_nb.agents.agent import Agent
    from mars_nb.jupyter.cell import Cell
    from mars_nb.jupyter.store import Store
    from mars_nb.session import Session
    from mars_nb.state.manager import StateManager
    from mars_nb.state.record import Record
    from mars_nb.topology.rules import Rule
    from mars_nb.views.result import OrchestraResult

DIGEST_LENGTH = 10


@dataclass(frozen=True)
class Changes:
    """What is another one when a run goes on; what is None stays.

    Parameters
    ----------
    topology : Topology or None
        Who may talk to whom.
    rules : tuple of Rule or str
        They take the place of those with the same subject.
    max_steps : int or None
        Steps that may complete.
    agents : tuple of Agent
        They take the place of those of the same name.
    model : str or None
        Which model speaks from here on.
    """

    topology: Topology | None = None
    rules: tuple[Rule | str, ...] = ()
    max_steps: int | None = None
    agents: tuple[Agent, ...] = ()
    model: str | None = None


NOTHING = Changes()


def cell_job(cell: Cell, variables: Mapping[str, object], store: Store, keyboard: Callable[[str], str] | None) -> Job:
    """Make the job that a cell describes, and its session.

    Parameters
    ----------
    cell : Cell
        What the cell says.
    variables : mapping of str to object
        The notebook's variables.
    store : Store
        Where it is kept.
    keyboard : callable or None
        Asks whoever sits at the notebook.

    Returns
    -------
    Job
        Its record holds the topology, which has been checked. That of a dry run has no session; that of a session
        which was finished is over.

    Raises
    ------
    MarsError
        If the cell is wrong, its session belongs to another cell, or nothing can be kept.
    """
    options, team = cell.options, team_of(cell)
    record = RunRecord(options["name"], cell.task, team.topology, team.stubs)
    manager = store.manager(in_memory="in_memory" in options)
    job = Job(
        record,
        Orchestra(team.registry, state_manager=manager, model=options.get("model")),
        partial(_run, topology=team.topology, max_steps=options.get("max_steps")),
        user=user_of(options.get("user"), variables),
        keyboard=keyboard,
        checkpoint_every=options.get("checkpoint_every"),
    )
    if "dry_run" in options:
        return job
    record.place = "" if "in_memory" in options else str(store.path)
    record.session_id = _id(cell, team, store)
    if record.session_id in manager.backend.list():
        return _again(job, cell, manager)
    if record.session_id in store.ids():
        way_out = "leave out --in-memory" if "in_memory" in options else "add --in-memory"
        raise CellError(f"session {record.session_id!r} is kept elsewhere: {way_out}, or choose another id")
    _make(job, cell)
    return job


async def _run(session: Session, *, topology: Topology, max_steps: int | None) -> OrchestraResult:
    return await session.run(topology, max_steps=max_steps)


async def _resume(session: Session, *, changes: Changes) -> OrchestraResult:
    return await session.resume(
        topology=changes.topology,
        rules=changes.rules,
        max_steps=changes.max_steps,
        agents=changes.agents,
        model=changes.model,
    )


def _id(cell: Cell, team: Team, store: Store) -> str:
    options = cell.options
    if "session" in options:
        return str(options["session"])
    return _once(cell, team) if "once" in options else store.next_id(options["name"])


def _once(cell: Cell, team: Team) -> str:
    """Give an id that is the same for the same cell, inputs and agents."""
    names = [name for name in team.topology.nodes if name not in RESERVED]
    known = {name: team.registry.get(name) for name in names if name in team.registry}
    known |= cast("dict[str, Agent]", dict(team.topology.agents))
    agents = [(name, known[name].digest) for name in names]
    decisive = [_inputs(cell.task, cell.context_values), _drawing(team.topology), agents, cell.options.get("max_steps")]
    decisive += [cell.options["model"]] if "model" in cell.options else []
    digest = hashlib.sha256(repr(decisive).encode()).hexdigest()
    return f"{slug(cell.options['name'])}-{digest[:DIGEST_LENGTH]}"


def _make(job: Job, cell: Cell) -> None:
    try:
        at_once(job.orchestra.create_session(cell.task, cell.context_values, job.record.session_id))
    except StorageError as error:
        raise CellError(f"{error}; --in-memory runs the cell without keeping it") from error


def _again(job: Job, cell: Cell, manager: StateManager) -> Job:
    """Run a cell over the session that it had before."""
    record = job.record
    records = manager.records(record.session_id)
    _check_same(records, cell, record, manager)
    if not _has_run(records):
        return job
    check_free(manager, record.session_id)
    history = history_of(records)
    record.history, record.onlooker = history, Onlooker.of(records)
    if history.state.status == "succeeded":
        record.finish(result_of(history, session_id=record.session_id), "succeeded")
    changed = None if _drawing(history.topology) == _drawing(record.topology) else record.topology
    paused = tuple(rule for rule in record.topology.rules if isinstance(rule, PauseBeforeRule))
    job.go = partial(_resume, changes=Changes(changed, paused, cell.options.get("max_steps")))
    return job


def session_job(
    record: RunRecord,
    manager: StateManager,
    *,
    changes: Changes = NOTHING,
    user: object = None,
    keyboard: Callable[[str], str] | None = None,
    is_one_step: bool = False,
) -> Job:
    """Make the job of going on with a run.

    Parameters
    ----------
    record : RunRecord
        The run.
    manager : StateManager
        Who keeps its session.
    changes : Changes
        What is another one from here on.
    user : object
        As `Orchestra` takes it.
    keyboard : callable or None
        Asks whoever sits at the notebook.
    is_one_step : bool
        Pause as soon as steps run.

    Raises
    ------
    CellError
        If an agent is missing; all of them are named. If the run is over, and something is to be another one.
    """
    if record.status == "succeeded":
        check_nothing(record, changes)
    else:
        check_agents(changes.topology or record.topology, changes, record.handle)
        check_free(manager, record.session_id)
    orchestra = Orchestra(AgentRegistry.default(), state_manager=manager)
    return Job(record, orchestra, partial(_resume, changes=changes), user, keyboard, is_one_step=is_one_step)


def check_nothing(record: RunRecord, changes: Changes) -> None:
    """Refuse changes to a run that is over, where nothing would come of them.

    Raises
    ------
    CellError
        If there are any.
    """
    if changes != NOTHING:
        fork = f"%mars fork {record.handle}@WHERE"
        raise CellError(f"run {record.name!r} is over there, and nothing would change; go on from before: {fork}")


def check_agents(topology: Topology, changes: Changes, called: str) -> None:
    """Refuse to go on with a run before all of its agents are there.

    Raises
    ------
    CellError
        If one is missing; all of them are named. If one is given that is not drawn.
    """
    given = {agent.name for agent in changes.agents}
    for name in sorted(given - set(topology.nodes)):
        raise CellError(f"--agent {quoted(name)}: no such agent is drawn{did_you_mean(name, topology.nodes)}")
    unknown = [name for name in unknown_agents(topology) if name not in given]
    if unknown:
        is_one = len(unknown) == 1
        raise CellError(
            f"{quoted(', '.join(unknown))} {'is no agent' if is_one else 'are no agents'} of this kernel; run the cell"
            f"{'' if is_one else 's'} again that define{'s it' if is_one else ' them'}: %mars agents --from {called}"
        )


def check_free(manager: StateManager, session_id: str) -> None:
    """Refuse a session that is going on, or that was made elsewhere.

    Raises
    ------
    SessionError
        If it is either.
    """
    if manager.backend.has_writer(session_id):
        raise SessionError(f"session {session_id!r} is going on, here or in another kernel; pause it there first")
    if not manager.backend.is_trusted(session_id):
        raise SessionError(
            f"session {session_id!r} was not made here: it can be shown and replayed; to go on from it: %mars trust "
            f"{session_id}"
        )


def opened(session_id: str, manager: StateManager) -> RunRecord:
    """Read a session back: the run as its journal leaves it.

    Raises
    ------
    SessionError
        If there is no such session, or it never ran.
    StorageError
        If it cannot be read.
    """
    record = RunRecord(variable_of(session_id), None, Topology([], []), session_id=session_id)
    record.place = str(manager.backend.path) if isinstance(manager.backend, FileStorageBackend) else ""
    refresh(record, manager)
    return record


def refresh(record: RunRecord, manager: StateManager) -> None:
    """Read again what the journal of a run says."""
    records = manager.records(record.session_id)
    history = history_of(records)
    record.task, record.topology, record.history = history.state.task, history.topology, history
    record.onlooker = Onlooker.of(records)
    status = manager.describe(record.session_id)["status"]
    if status == "interrupted":
        record.onlooker.leave_off()
    record.finish(result_of(history, session_id=record.session_id), status)


def variable_of(session_id: str) -> str:
    """Give the name of the variable for a session that was found again.

    Examples
    --------
    >>> variable_of("report-2"), variable_of("2026.study")
    ('report', 'run_2026_study')
    """
    name = "".join(each if each.isalnum() else "_" for each in base_of(session_id))
    return name if name.isidentifier() else f"run_{name}"


# ----------------------------------------------------------------------------------------------------- the same cell?


def _has_run(records: list[Record]) -> bool:
    return any(isinstance(record.event, RunStarted) for record in records)


def _check_same(records: list[Record], cell: Cell, record: RunRecord, manager: StateManager) -> None:
    """Refuse a session that another cell made."""
    started = [each.event for each in records if isinstance(each.event, RunStarted)][:1]
    before = (started[0].task, started[0].context) if started else manager.commission(record.session_id)
    found = _different_inputs(before, cell) or (_different_drawing(records, record.topology) if started else "")
    if found:
        raise SessionError(
            f"session {record.session_id!r} was made by another cell: {found}; choose another id, or delete it: "
            f"%mars delete {record.session_id}"
        )


def _different_inputs(before: tuple[Any, dict[str, Any]], cell: Cell) -> str:
    if _inputs(before[0], {}) != _inputs(cell.task, {}):
        return f"its task is {quoted(str(before[0]))}, here it is {quoted(str(cell.task))}"
    if _inputs(None, before[1]) != _inputs(None, cell.context_values):
        return "its context has other values"
    return ""


def _inputs(task: Any, context: Mapping[str, Any]) -> bytes:
    return encode_content({"task": as_content(task), "context": as_content(dict(context))})


def _different_drawing(records: list[Record], topology: Topology) -> str:
    """Compare with what was drawn first and last; one of them has to fit."""
    drawn = drawings(records)
    now = _drawing(topology)
    known = [_drawing(Topology.from_text(event.topology)) for event in (drawn[0], drawn[-1])]
    if now in known:
        return ""
    gone, new = ([line for line in a if line not in b] for a, b in ((known[-1], now), (now, known[-1])))
    return f"there {quoted(', '.join(gone) or 'nothing')}, here {quoted(', '.join(new) or 'nothing')} instead"


def _drawing(topology: Topology) -> list[str]:
    """Give what is drawn, line by line; where it pauses is not part of it."""
    rules = {str(rule) for rule in topology.rules if isinstance(rule, PauseBeforeRule)}
    return [line for line in topology.to_text().splitlines() if line not in rules]
