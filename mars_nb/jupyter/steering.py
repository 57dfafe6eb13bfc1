"""The verbs that steer a run: pause, step, resume, stop, answer; checkpoint, restore, fork."""

from __future__ import annotations

import copy
import time
from typing import TYPE_CHECKING, Any

from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import CellError, MarsError, RunNotFound, RunStopped
from mars_nb.jupyter import acts
from mars_nb.jupyter.cell import named_topology
from mars_nb.jupyter.display import Text, show_line
from mars_nb.jupyter.foreground import Foreground, keyboard_of, run_now, screen_of, tell_changed
from mars_nb.jupyter.jobs import Changes, opened, refresh, session_job
from mars_nb.jupyter.live import GRACE_S, Presses
from mars_nb.jupyter.looking import shown
from mars_nb.jupyter.placeholders import fill, only_name, value_of
from mars_nb.jupyter.plans import file_topology, user_of
from mars_nb.jupyter.records import LOOK_EVERY_S
from mars_nb.jupyter.runs import Run, paused_text, record_of
from mars_nb.jupyter.watching import ASKED_FOR, knock
from mars_nb.topology.names import quoted, unquoted

if TYPE_CHECKING:
    from mars_nb.agents.agent import Agent
    from mars_nb.jupyter.arguments import Arguments
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.records import RunRecord
    from mars_nb.jupyter.runner import Job
    from mars_nb.topology.model import Topology

GIVE_UP_AT = 20
"""Unfinished sessions that are looked through for an open question."""


def pause(desk: Desk, arguments: Arguments) -> Run:
    """Let no further step of a run start; ``--now`` cancels the running ones, which are asked again later."""
    record = desk.one_live(arguments.word())
    now = "now" in arguments.options
    if record.live is None:
        return _pause_elsewhere(desk, record, now=now)
    record.live.pause(now=now)
    if not _wait(record) and now:
        show_line(f"run {record.name!r} pauses as soon as this cell is over; go on: %mars resume {record.handle}")
    else:
        show_line(paused_text(record) if record.status in ("paused", "running") else _ended(record))
    return shown(desk, record)


def _pause_elsewhere(desk: Desk, record: RunRecord, *, now: bool) -> Run:
    """Ask the kernel that runs it."""
    if not acts.is_elsewhere(desk, record):
        raise RunNotFound(f"run {record.name!r} is about to begin; try again in a moment")
    if now:
        raise CellError(f"--now is for the kernel that runs {record.session_id!r}; leave it out to ask for a pause")
    knock(desk, record)
    show_line(ASKED_FOR)
    return shown(desk, record)


def _ended(record: RunRecord) -> str:
    return f"run {record.name!r} {record.status} before it could pause"


def stop(desk: Desk, arguments: Arguments) -> Run:
    """End a run that is going on, or one that is paused; what it has is kept."""
    name = arguments.word()
    run = desk.find(name) if name or not desk.live else Run(desk.one_live())
    record = record_of(run)
    is_live = record.live is not None
    told = acts.stop(desk, record)
    if is_live:
        _wait(record)
    show_line(told)
    return shown(desk, record)


def _wait(record: RunRecord) -> bool:
    """Give a run time to come to rest, and tell whether it did; the stop button is heard."""
    presses, end, until = Presses(record), record.end, time.monotonic() + GRACE_S
    if record.live is not None and record.live.is_here:
        return end.done()
    with presses.heard():
        while not (end.done() or presses.is_late or time.monotonic() > until):
            time.sleep(LOOK_EVERY_S / 10)
    record.repaint()
    return end.done()


def step(desk: Desk, arguments: Arguments) -> Run:
    """Let every branch that can go on do one step, then pause again."""
    return _go_on(desk, arguments, is_one_step=True)


def resume(desk: Desk, arguments: Arguments) -> Run:
    """Go on with a run, of this kernel or an earlier one; what has a reply is not asked again."""
    return _go_on(desk, arguments)


def _go_on(desk: Desk, arguments: Arguments, *, is_one_step: bool = False) -> Run:
    record, options = _unfinished(desk, arguments.word()), arguments.options
    changes = Changes(
        _topology(options.get("topology"), desk),
        tuple(options.get("rule", ())),
        options.get("max_steps"),
        model=options.get("model"),
    )
    job = session_job(
        record,
        desk.store.holder(record.session_id, record.place),
        changes=changes,
        user=user_of(options.get("user"), desk.variables),
        keyboard=keyboard_of(desk.shell),
        is_one_step=is_one_step,
    )
    tell_changed(desk, record, options)
    return _carry_out(desk, job, options | ({"step": True} if is_one_step else {}))


def _carry_out(desk: Desk, job: Job, options: dict[str, Any]) -> Run:
    """Go on with a run below its cell, or in the background."""
    record = job.record
    try:
        run_now(Foreground(job, desk.adopt(record), screen_of(desk, options), options))
    except RunStopped:
        raise
    except MarsError:  # it did not go on: it stands where it stood
        refresh(record, desk.store.holder(record.session_id, record.place))
        raise
    return shown(desk, record)


def _unfinished(desk: Desk, name: str) -> RunRecord:
    """Find a run that can go on; without a name the last one, or the only session that waits."""
    if not name and not (desk.live or (desk.runs and desk.runs[-1].status in ("paused", "failed", "cancelled"))):
        waiting = desk.store.unfinished()
        if len(waiting) > 1:
            raise RunNotFound(f"several sessions are unfinished: {', '.join(waiting[:5])}; say which: %mars resume ID")
        name = waiting[0] if waiting else name
    record = record_of(desk.find(name))
    acts.check_at_rest(record)
    acts.session_of(desk, record)
    return record


def _topology(text: str | None, desk: Desk) -> Topology | None:
    if text is None:
        return None
    return file_topology(text) if text.endswith(".mars") else named_topology(text, desk.variables)


# -------------------------------------------------------------------------------------------------------------- answer


def answer(desk: Desk, arguments: Arguments) -> Run:
    """Answer the question that is open; a run that paused for it goes on."""
    text = _filled(unquoted(arguments.text), desk)
    record = _asking(desk)
    job = acts.answer(desk, record, text, keyboard_of(desk.shell))
    if job is not None:
        return _carry_out(desk, job, {})
    show_line(f"run {record.name!r} was told, and goes on")
    return shown(desk, record)


def _asking(desk: Desk) -> RunRecord:
    """Find the run that asks: one that goes on, else one of this notebook, else a session that was left behind."""
    here = [record for record in map(record_of, desk.runs) if acts.asks(record)]
    match [record for record in here if record.live] or here or _left_asking(desk):
        case [record]:
            return record
        case []:
            raise RunNotFound("no run asks anything; %mars lists what is there")
        case several:
            names = ", ".join(record.name if record in here else record.session_id for record in several)
            doors = "answer in a live view, or resume one with answers: %mars resume RUN -u VAR"
            raise RunNotFound(f"several runs ask: {names}; {doors}")


def _left_asking(desk: Desk) -> list[RunRecord]:
    kept = [opened(each, desk.store.holder(each)) for each in desk.store.unfinished()[:GIVE_UP_AT]]
    return [record for record in kept if acts.asks(record)]


def _filled(text: str, desk: Desk) -> str:
    filled = fill(text, desk.variables)
    if filled.problems:
        raise CellError(filled.problems[0].message)
    return filled.text


# --------------------------------------------------------------------------------------------------------- checkpoints


def checkpoint(desk: Desk, arguments: Arguments) -> Text:
    """Give the present position of a run a name."""
    run_name, name = arguments.where()
    if not name:
        raise CellError("'%mars checkpoint' takes a name: '%mars checkpoint before-review'")
    return Text(acts.checkpoint(desk, record_of(desk.find(run_name)), name))


def restore(desk: Desk, arguments: Arguments) -> Run:
    """Go back to a position; what came after stays in the journal."""
    run_name, where = arguments.where()
    if not where:
        raise CellError("'%mars restore' takes a position: a checkpoint, a seq, or 'Writer#2'")
    record = record_of(desk.find(run_name))
    show_line(acts.restore(desk, record, where))
    return desk.adopt(record)


def fork(desk: Desk, arguments: Arguments) -> Run:
    """Make another run from a position of this one, and go on with it; what did not change is not asked again."""
    run_name, where = arguments.of_run()
    if not where:
        raise CellError("'%mars fork' takes a position: '%mars fork report@Writer#2 --as NEW'")
    run, options = desk.find(run_name), arguments.options
    edit = _edit(options["edit"], desk) if "edit" in options else None
    agents, drawn = _agents(options.get("agent", [])), _topology(options.get("topology"), desk)
    changes = Changes(drawn, agents=agents, model=options.get("model"))
    job = acts.fork(
        desk, record_of(run), where, changes, name=options.get("as"), edit=edit, keyboard=keyboard_of(desk.shell)
    )
    try:
        return _carry_out(desk, job, options)
    except RunStopped:
        raise
    except MarsError:  # it never went on: nothing is left of it
        desk.forget(job.record.session_id)
        desk.store.holder(job.record.session_id, job.record.place).backend.delete(job.record.session_id)
        raise


def _edit(text: str, desk: Desk) -> Any:
    """Give what a step is to have replied: the value of a variable, or text."""
    name = only_name(text) or ""
    return value_of(name, desk.variables[name]) if name in desk.variables else _filled(text, desk)


def _agents(pairs: list[str]) -> tuple[Agent, ...]:
    """Give agents that take the places of others: ``OLD=NEW`` is the agent NEW under the name OLD."""
    found = []
    for pair in pairs:
        old, equals, new = (part.strip() for part in pair.partition("="))
        if not (old and equals and new):
            raise CellError(f"--agent {quoted(pair)}: expected OLD=NEW, such as 'Writer=Careful Writer'")
        stand_in = copy.copy(AgentRegistry.default().get(new))
        stand_in.name = old
        vars(stand_in).pop("digest", None)
        found.append(stand_in)
    return tuple(found)
