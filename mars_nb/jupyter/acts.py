"""What may be done to a run, from a cell or by a click: each act gives one line that says what happened.

Nothing here shows anything. A verb shows the line below its cell, a live view in its own status line, since a click has
no cell to print into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import CellError, RunNotFound
from mars_nb.events import QuestionAnswered, RunEnded
from mars_nb.jupyter.jobs import check_agents, check_free, opened, refresh, session_job, variable_of
from mars_nb.jupyter.live import at_once
from mars_nb.jupyter.runs import Run
from mars_nb.orchestra import Orchestra
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.jobs import Changes
    from mars_nb.jupyter.records import RunRecord
    from mars_nb.jupyter.runner import Job
    from mars_nb.session import Session


def session_of(desk: Desk, record: RunRecord) -> Session:
    """Give the session of a run.

    Raises
    ------
    RunNotFound
        If it was only drawn.
    """
    session_id = record.session_id
    if not session_id:
        raise RunNotFound(f"run {record.name!r} was only drawn; run its cell without --dry-run")
    return Orchestra(AgentRegistry.default(), state_manager=desk.store.holder(session_id)).session(session_id)


def check_at_rest(record: RunRecord) -> None:
    """Refuse to go on with, or back in, a run that is going on.

    Raises
    ------
    CellError
        If it is.
    """
    if record.status == "running":
        raise CellError(f"run {record.name!r} is going on; pause it first: %mars pause {record.handle}")


def stop(desk: Desk, record: RunRecord) -> str:
    """End a run that is going on, or one that is paused; what it has is kept.

    Raises
    ------
    RunNotFound
        If it is neither.
    """
    if record.live is not None:
        record.live.cancel()
    elif record.status in ("paused", "interrupted"):
        manager = desk.store.holder(record.session_id)
        manager.append(record.session_id, RunEnded("cancelled", "you stopped it; every result so far is kept"))
        refresh(record, manager)
    else:
        raise RunNotFound(f"run {record.name!r} is neither going on nor paused (status: {record.status})")
    return f"run {record.name!r} was stopped; every result so far is kept: {record.name}.timeline()"


def checkpoint(desk: Desk, record: RunRecord, name: str) -> str:
    """Give the present position of a run a name; gives the checkpoint's id."""
    if record.live is not None:
        return record.live.checkpoint(name)
    made = at_once(session_of(desk, record).checkpoint(name))
    refresh(record, desk.store.holder(record.session_id))
    return made


def restore(desk: Desk, record: RunRecord, where: int | str) -> str:
    """Go back to a position; what came after stays in the journal."""
    check_at_rest(record)
    at_once(session_of(desk, record).restore(where))
    refresh(record, desk.store.holder(record.session_id))
    return f"{record.name} is back at {where}, and nothing is deleted; go on: %mars resume {record.handle}"


def fork(desk: Desk, record: RunRecord, where: int | str, changes: Changes, **options: Any) -> Job:
    """Make another run from a position of this one; gives the job of going on with it.

    Parameters
    ----------
    desk : Desk
        What the notebook knows.
    record : RunRecord
        The run.
    where : int or str
        The position.
    changes : Changes
        What is another one from there on.
    **options
        ``name`` of the new run, the ``edit`` of the reply at the position, and the ``keyboard``.

    Raises
    ------
    MarsError
        If it cannot be forked there, or its name is taken by something else.
    """
    session = session_of(desk, record)
    manager = desk.store.holder(session.id)
    new_id = desk.store.next_id(options.get("name") or f"{record.name}_fork")
    check_name(desk, variable_of(new_id))
    check_agents(changes.topology or record.topology, changes, session.id)
    if not manager.backend.is_trusted(session.id):
        check_free(manager, session.id)
    at_once(session.fork(where, edit=options.get("edit"), new_id=new_id))
    return session_job(opened(new_id, manager), manager, changes=changes, keyboard=options.get("keyboard"))


def check_name(desk: Desk, name: str) -> None:
    """Refuse a variable that holds something else than a run.

    Raises
    ------
    CellError
        If it does.
    """
    if name in desk.variables and not isinstance(desk.variables[name], Run):
        kind = type(desk.variables[name]).__name__[:40]
        raise CellError(f"the variable {quoted(name)} ({kind}) is no run; expected another name: --as NEW")


def answer(desk: Desk, record: RunRecord, text: str, keyboard: Any = None) -> Job | None:
    """Answer the question that a run asks; gives the job of going on with it, if it had paused for that.

    Raises
    ------
    RunNotFound
        If it asks nothing.
    """
    if record.live is not None and record.live.question:
        record.live.answer(text)
        return None
    if not asks(record):
        raise RunNotFound(f"run {record.name!r} asks nothing now")
    assert record.history is not None  # noqa: S101 (it asks)
    manager = desk.store.holder(record.session_id)
    job = session_job(record, manager, keyboard=keyboard)
    manager.append(record.session_id, QuestionAnswered(record.history.state.questions[0].id, text))
    return job


def asks(record: RunRecord) -> bool:
    """Tell whether a question of a run is open."""
    if record.live is not None:
        return bool(record.live.question)
    return (
        record.status in ("paused", "interrupted")
        and record.history is not None
        and bool(record.history.state.questions)
    )
