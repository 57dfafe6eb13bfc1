"""What may be done to a run, from a cell or by a click: each act gives one line that says what happened.

Nothing here shows anything. A verb shows the line below its cell, a live view in its own status line, since a click has
no cell to print into.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.agents.registry import AgentRegistry
from mars_nb.agents.secrets import without_secrets
from mars_nb.errors import CellError, RunNotFound
from mars_nb.events import QuestionAnswered, RunEnded
from mars_nb.jupyter.jobs import check_agents, check_free, check_nothing, opened, refresh, session_job, variable_of
from mars_nb.jupyter.live import at_once
from mars_nb.jupyter.runs import Run, record_of
from mars_nb.jupyter.speaking import check_model
from mars_nb.orchestra import Orchestra
from mars_nb.topology.names import RESERVED, quoted
from mars_nb.views.history import drawings

if TYPE_CHECKING:
    from mars_nb.events import RunStarted, TopologyChanged
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
    return Orchestra(AgentRegistry.default(), state_manager=desk.store.holder(session_id, record.place)).session(
        session_id
    )


def compared_agents(desk: Desk, record: RunRecord) -> list[tuple[str, str, str, str]]:
    """Give each agent of a run, whether it is the same here as when it ran last, and its digests then and here."""
    drawn = drawn_last(desk, record)
    then = drawn.agents if drawn else {}
    now = {agent.name: agent.digest for agent in AgentRegistry.default()}
    names = [name for name in record.topology.nodes if name not in RESERVED]
    return [(name, _here(then.get(name), now.get(name)), then.get(name, ""), now.get(name, "")) for name in names]


def drawn_last(desk: Desk, record: RunRecord) -> RunStarted | TopologyChanged | None:
    """Give what says who took part in a run when it ran last; None if it never did."""
    session_id = session_of(desk, record).id
    return next(reversed(drawings(desk.store.holder(session_id, record.place).records(session_id))), None)


def _here(then: str | None, now: str | None) -> str:
    if now is None:
        return "missing"
    return "the same" if then == now else "changed"


def changed_agents(desk: Desk, record: RunRecord) -> list[str]:
    """Give the names of the agents of a run that are defined otherwise than when it ran last."""
    return [name for name, here, *_ in compared_agents(desk, record) if here == "changed"]


def check_at_rest(record: RunRecord) -> None:
    """Refuse to go on with, or back in, a run that is going on.

    Raises
    ------
    CellError
        If it is.
    """
    if record.status == "running":
        raise CellError(f"run {record.name!r} is going on; pause it first: %mars pause {record.handle}")


def is_elsewhere(desk: Desk, record: RunRecord) -> bool:
    """Tell whether a run goes on in another kernel."""
    is_here = any(record_of(run) is record for run in desk.runs)
    return record.status == "running" and record.live is None and not is_here


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
        manager = desk.store.holder(record.session_id, record.place)
        check_free(manager, record.session_id)
        manager.append(record.session_id, RunEnded("cancelled", "you stopped it; every result so far is kept"))
        refresh(record, manager)
    elif is_elsewhere(desk, record):
        pause = f"%mars pause {record.session_id}"
        raise RunNotFound(f"run {record.name!r} goes on in another kernel; stop it there, or pause it: {pause}")
    else:
        raise RunNotFound(f"run {record.name!r} is neither going on nor paused (status: {record.status})")
    return f"run {record.name!r} was stopped; every result so far is kept: {record.name}.timeline()"


def checkpoint(desk: Desk, record: RunRecord, name: str) -> str:
    """Give the present position of a run a name; gives the checkpoint's id.

    Raises
    ------
    MarsError
        If the name is malformed, or would hide a seq.
    """
    if name.isdecimal():
        raise CellError(f"{quoted(name)} is a seq, and no name for a checkpoint; expected a word, such as 'seq-{name}'")
    if record.live is not None:
        return record.live.checkpoint(name)
    session = session_of(desk, record)
    check_free(desk.store.holder(session.id, record.place), session.id)
    made = at_once(session.checkpoint(name))
    refresh(record, desk.store.holder(record.session_id, record.place))
    return made


def restore(desk: Desk, record: RunRecord, where: int | str) -> str:
    """Go back to a position; what came after stays in the journal."""
    check_at_rest(record)
    session = session_of(desk, record)
    check_free(desk.store.holder(session.id, record.place), session.id)
    at_once(session.restore(where))
    refresh(record, desk.store.holder(record.session_id, record.place))
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
    manager = desk.store.holder(session.id, record.place)
    new_id = desk.store.next_id(options.get("name") or f"{record.name}_fork")
    check_name(desk, variable_of(new_id))
    check_agents(changes.topology or record.topology, changes, session.id)
    if changes.model:
        check_model(changes.model)
    if not manager.backend.is_trusted(session.id):
        check_free(manager, session.id)
    if session.at(where).metadata["status"] == "succeeded":
        check_nothing(record, changes)
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
    manager = desk.store.holder(record.session_id, record.place)
    job = session_job(record, manager, keyboard=keyboard)
    manager.append(record.session_id, QuestionAnswered(record.history.state.questions[0].id, without_secrets(text)))
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
