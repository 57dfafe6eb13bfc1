"""Wishes: what a person clicks in a live view, carried out and answered.

A click may be heard in any thread: in that of the cells, or, depending on the kernel, in another one beside it. So
nothing here waits for a run; what changes one is handed over to the loop it is on, and what reads one that is going on
is done there, too. Every wish gets one reply, also one that cannot be granted. A page is not trusted more than a cell:
whatever it sends is checked.

Each reply names the ``%mars`` line that does the same. Clicks teach the commands.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mars_nb.errors import CellError, MarsError
from mars_nb.jupyter import acts
from mars_nb.jupyter.display import answer_text
from mars_nb.jupyter.jobs import Changes, session_job, variable_of
from mars_nb.jupyter.runner import run_behind
from mars_nb.jupyter.runs import Run
from mars_nb.state import positions
from mars_nb.topology.model import Topology
from mars_nb.topology.names import quoted
from mars_nb.views import detail
from mars_nb.views.amounts import counted
from mars_nb.views.history import history_of
from mars_nb.views.onlooker import Onlooker
from mars_nb.views.scene import scene
from mars_nb.views.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.live_view import LiveView, Wish
    from mars_nb.jupyter.records import RunRecord
    from mars_nb.views.history import History

MAX_TEXT: Final = 100_000
"""Longest text that a page may send."""
IN_THE_PAST: Final = ("fork", "look")
"""What can be done at a position of the past."""
Said = dict[str, Any]


def grant(desk: Desk, record: RunRecord, view: LiveView, wish: Wish) -> None:
    """Do what a person wishes, and reply.

    Parameters
    ----------
    desk : Desk
        What the notebook knows.
    record : RunRecord
        The run that the view shows.
    view : LiveView
        The view.
    wish : dict
        ``do`` and ``id``, and what the wish needs.
    """
    do = wish.get("do")
    if do in READING:
        _beside(record, lambda: _granted(desk, record, view, wish))
    else:
        _granted(desk, record, view, wish)
        _beside(record, record.show)


def _beside(record: RunRecord, work: Callable[[], object]) -> None:
    """Do something where the run is, which changes nothing meanwhile; nobody waits for it."""
    if record.live is None or record.live.is_here:
        work()
    else:
        record.live.call(work)


def _granted(desk: Desk, record: RunRecord, view: LiveView, wish: Wish) -> None:
    try:
        said = _of(view, wish)(desk, record, wish)
    except MarsError as error:
        said = {"error": str(error)}
    except Exception as error:  # noqa: BLE001 (a click must never go unanswered)
        said = {"error": f"{type(error).__name__}: {error}"}
    view.reply(wish, **said)


def _of(view: LiveView, wish: Wish) -> Callable[[Desk, RunRecord, Wish], Said]:
    """Find what carries a wish out."""
    do = str(wish.get("do"))
    found = READING.get(do) or STEERING.get(do)
    if found is None:
        raise CellError(f"{quoted(do)} is nothing that can be wished")
    if not view.can_steer and do not in (*READING, "pause"):
        raise CellError("this view only looks on; steer the run in the notebook that runs it")
    return found


def _text(wish: Wish, key: str) -> str:
    value = wish.get(key, "")
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise CellError(f"{key!r} of a wish is no text of at most {MAX_TEXT:,} characters")
    return value


def _where(wish: Wish) -> int | str:
    """Give a position: a seq, or the name of a checkpoint."""
    where = wish.get("where")
    return where if isinstance(where, int) and not isinstance(where, bool) else _text(wish, "where")


# ------------------------------------------------------------------------------------------------------------ steering


def pause(_desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Let no further step start; the second time, cancel the running ones."""
    now = wish.get("now") is True
    if record.status == "paused":  # a click that was heard late
        return {"text": f"run {record.name!r} is paused"}
    if record.live is None:
        raise CellError(f"run {record.name!r} is not going on (status: {record.status})")
    record.live.pause("you pressed Pause", now=now)
    text = "what runs is broken off, and asked again later" if now else "no further step starts"
    return {"line": f"%mars pause {record.handle}{' --now' if now else ''}", "text": text}


def resume(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Go on in the background, perhaps under another rule."""
    rule = _text(wish, "rule")
    _go_on(desk, record, Changes(rules=Topology(rules=[rule] if rule else []).rules))
    extra = f" --rule {shlex.quote(rule)}" if rule else ""
    return {"line": f"%mars resume {record.handle}{extra} -b"}


def step(desk: Desk, record: RunRecord, _wish: Wish) -> Said:
    """Let each branch that can go on do one step."""
    _go_on(desk, record, Changes(), is_one_step=True)
    return {"line": f"%mars step {record.handle}"}


def _go_on(desk: Desk, record: RunRecord, changes: Changes, *, is_one_step: bool = False) -> None:
    acts.check_at_rest(record)
    manager = desk.store.holder(record.session_id, record.place)
    run_behind(session_job(record, manager, changes=changes, is_one_step=is_one_step))
    desk.adopt(record)


def stop(desk: Desk, record: RunRecord, _wish: Wish) -> Said:
    """End the run; what it has is kept."""
    was_live = record.live is not None
    told = acts.stop(desk, record)
    if not was_live:
        record.settle()
    return {"line": f"%mars stop {record.handle}", "text": told}


def checkpoint(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Give the present position a name."""
    name = _text(wish, "name") or f"seq-{record.onlooker.seq}"
    made = acts.checkpoint(desk, record, name)
    return {"line": f"%mars checkpoint {record.handle}@{name}", "text": f"this position is {made}"}


def restore(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Go back to a position."""
    where = _where(wish)
    told = acts.restore(desk, record, where)
    return {"line": f"%mars restore {record.handle}@{where}", "text": told}


def fork(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Make another run from a position, and let it go on in the background."""
    where, name, edit = _where(wish), _text(wish, "as"), _text(wish, "edit")
    job = acts.fork(desk, record, where, Changes(), name=name or None, edit=edit or None)
    run_behind(job)
    forked = desk.adopt(job.record)
    called = variable_of(job.record.session_id)
    extra = f" --edit {shlex.quote(edit)}" if edit else ""
    return {
        "line": f"%mars fork {record.handle}@{where} --as {called}{extra}",
        "text": f"{forked.name} goes on in the background from there; see it: %mars show {forked.name}",
    }


def answer(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Answer the question that is open; a run that had paused for it goes on in the background."""
    text = _verdict(wish) if "verdict" in wish else _text(wish, "text")
    job = acts.answer(desk, record, text)
    if job is not None:
        run_behind(job)
        desk.adopt(record)
    return {"line": f"%mars answer {shlex.quote(text)}", "text": "told; the run goes on"}


def _verdict(wish: Wish) -> str:
    """Give in words what was clicked about a call of a tool; see `mars_nb.agents.approvals`."""
    text = _text(wish, "text")
    match wish.get("verdict"):
        case "approve":
            return "yes"
        case "edit":
            return text
        case "refuse":
            return f"no, {text}" if text else "no"
        case other:
            raise CellError(f"{quoted(str(other))} is no verdict; expected approve, edit or refuse")


# ------------------------------------------------------------------------------------------------------------- looking


def hello(_desk: Desk, _record: RunRecord, _wish: Wish) -> Said:
    """Hear that a page is there."""
    return {}


def look(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Show the run as it was at a position."""
    seq = wish.get("seq")
    past, onlooker, at = _past(desk, record, seq)
    caption, stage = replace(record.caption, status="running"), _stage(record, past)
    shown = scene(past, onlooker, stage, caption, at=at) | {"controls": list(IN_THE_PAST)}
    drawn = {} if stage is record.stage else {"svg": stage.blank(record.name)}
    return {"scene": shown, **drawn, "line": f"%mars show {record.handle}@{seq}"}


def _past(desk: Desk, record: RunRecord, seq: object) -> tuple[History, Onlooker, float]:
    records = desk.store.holder(record.session_id, record.place).records(record.session_id)
    if not isinstance(seq, int) or not 1 <= seq <= len(records):
        raise CellError(f"there is no seq {str(seq)[:20]}; this session has {counted(len(records), 'event')}")
    kept = positions.until(records, seq)
    return history_of(kept), Onlooker.of(kept), kept[-1].at


def _stage(record: RunRecord, past: History) -> Stage:
    """Give the picture as it was; the same as now where the same was drawn, so that nothing jumps."""
    is_same = past.topology.to_text() == record.stage.topology.to_text()
    return record.stage if is_same else Stage(past.topology)


def detail_of(desk: Desk, record: RunRecord, wish: Wish) -> Said:
    """Look closer at an agent, an edge or a step, now or as it was."""
    seq = wish.get("seq")
    history = record.history if seq is None else _past(desk, record, seq)[0]
    if history is None:
        raise CellError(f"run {record.name!r} has not begun yet")
    return {"detail": _detail(history, _stage(record, history), wish)}


def _detail(history: History, stage: Stage, wish: Wish) -> Said:
    match wish:
        case {"node": str(name)}:
            return detail.node_detail(history, name, stage.agents(name))
        case {"source": str(source), "target": str(target)}:
            return detail.edge_detail(history, stage, source, target)
        case {"step": str(step_id)} if found := detail.step_detail(history, step_id):
            return found
        case _:
            raise CellError("there is nothing of this name to look at")


def text_of(_desk: Desk, record: RunRecord, _wish: Wish) -> Said:
    """Give the answer as text, to be copied."""
    if record.status != "succeeded":
        raise CellError(f"run {record.name!r} has no answer yet (status: {record.status})")
    return {"text": answer_text(Run(record))}


READING: Final[dict[str, Callable[[Desk, RunRecord, Wish], Said]]] = {
    "hello": hello,
    "look": look,
    "detail": detail_of,
    "text": text_of,
}
"""Wishes that only read."""

STEERING: Final[dict[str, Callable[[Desk, RunRecord, Wish], Said]]] = {
    "pause": pause,
    "resume": resume,
    "step": step,
    "stop": stop,
    "checkpoint": checkpoint,
    "restore": restore,
    "fork": fork,
    "answer": answer,
}
"""Wishes that do something."""
