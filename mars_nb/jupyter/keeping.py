"""The verbs that keep, hand over and throw away: export, import, trust, delete, clean; cells as files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import CellError, StorageError
from mars_nb.jupyter.acts import session_of
from mars_nb.jupyter.arguments import Arguments
from mars_nb.jupyter.display import Text, show_line
from mars_nb.jupyter.foreground import open_run, run_now
from mars_nb.jupyter.looking import agents as agents_table
from mars_nb.jupyter.looking import shown
from mars_nb.jupyter.options import first_word
from mars_nb.jupyter.plans import read_file
from mars_nb.jupyter.runs import record_of
from mars_nb.state.archive import export_session, import_session
from mars_nb.topology.names import RESERVED, quoted
from mars_nb.views.amounts import counted

if TYPE_CHECKING:
    import pandas as pd

    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.runs import Run

FINISHED = ("succeeded", "failed", "cancelled")
N_KEPT = 20
"""Finished sessions that ``%mars clean`` leaves."""
HEAD = re.compile(r"# %%mars(?:[ \t]+(?P<line>[^\n]*))?\n")
"""First line of a saved cell, which keeps its options."""


def export(desk: Desk, arguments: Arguments) -> Path:
    """Write a session into one file, to be sent or published."""
    run = desk.find(arguments.word())
    session = session_of(desk, record_of(run))
    path = Path(arguments.word(1) or f"{session.id}.mars.zip").expanduser()
    if path.suffix != ".zip":
        raise CellError(f"{quoted(str(path))}: expected a name that ends in '.zip', such as '{session.id}.mars.zip'")
    export_session(desk.store.holder(session.id, record_of(run).place).backend, session.id, path)
    show_line(f"{session.id} is one file now: {path}, {path.stat().st_size:,} bytes; %mars import {path} reads it back")
    return path


def bring_in(desk: Desk, arguments: Arguments) -> Run:
    """Keep a session that somebody exported; it can be looked at and replayed, not resumed until it is trusted."""
    path = Path(_needed(arguments, "import", "a file: '%mars import report-1.mars.zip'")).expanduser()
    new_id = import_session(desk.store.files.backend, path, session_id=arguments.options.get("as"))
    show_line(f"{new_id} is kept here: %mars show {new_id} · %mars replay {new_id} · %mars trust {new_id}")
    return desk.find(new_id)


def trust(desk: Desk, arguments: Arguments) -> pd.DataFrame:
    """Trust a session that was made elsewhere, from now on; gives the agents that would run if it went on."""
    run = desk.find(_needed(arguments, "trust", "a session: '%mars trust ID'"))
    session = session_of(desk, record_of(run))
    backend = desk.store.holder(session.id, record_of(run).place).backend
    was_trusted = backend.is_trusted(session.id)
    if not was_trusted:
        backend.open(session.id, trust=True).close()
    names = [name for name in run.topology.nodes if name not in RESERVED]
    mine = ", ".join(name for name in names if name in AgentRegistry.default()) or "nobody"
    word = "was trusted already" if was_trusted else "is trusted from now on"
    show_line(f"{session.id} {word}: %mars resume {session.id} would ask {mine}, as they are defined here")
    return agents_table(desk, Arguments(options={"from": session.id}))


def delete(desk: Desk, arguments: Arguments) -> Text:
    """Delete a session and all that was kept of it."""
    name = _needed(arguments, "delete", "a session: '%mars delete ID'; %mars sessions lists them")
    session_id, place = (name, "") if name in desk.store.ids() else _where(desk, name)
    if not session_id:
        raise CellError(f"run {name!r} was only drawn, there is nothing to delete")
    backend = desk.store.holder(session_id, place).backend
    # One that has just begun has not written anything yet.
    is_live = any(record_of(run).session_id == session_id for run in desk.live)
    if is_live or backend.has_writer(session_id):
        raise CellError(f"session {session_id!r} is going on, here or in another kernel; stop it there first")
    backend.delete(session_id)
    desk.forget(session_id)
    return Text(f"deleted {session_id}")


def _where(desk: Desk, name: str) -> tuple[str, str]:
    record = record_of(desk.find(name))
    return record.session_id, record.place


def clean(desk: Desk, arguments: Arguments) -> Text:
    """Delete finished sessions, the oldest first; what is unfinished, or what an unfinished one came from, stays."""
    known = desk.store.described()
    needed = {each["parent"]["session"] for each in known if each.get("parent") and each["status"] not in FINISHED}
    n_kept = arguments.options.get("keep", N_KEPT)
    finished = [each["session_id"] for each in known if each["status"] in FINISHED]
    old = [each for each in finished[: max(0, len(finished) - n_kept)] if each not in needed]
    for session_id in old:
        desk.store.holder(session_id).backend.delete(session_id)
        desk.forget(session_id)
    left = f"{counted(len(known) - len(old), 'session')} left"
    return Text(f"deleted {counted(len(old), 'session')}: {', '.join(old)}; {left}" if old else f"deleted none; {left}")


def _needed(arguments: Arguments, verb: str, what: str) -> str:
    if not arguments.word():
        raise CellError(f"'%mars {verb}' takes {what}")
    return arguments.word()


# --------------------------------------------------------------------------------------------------------------- cells


def save(desk: Desk, arguments: Arguments) -> Path:
    """Write the cell that was tried last into a file, which ``%mars run`` runs and ``-t`` draws."""
    path = Path(_needed(arguments, "save", "a file: '%mars save team.mars'")).expanduser()
    if path.suffix != ".mars":
        raise CellError(f"{quoted(str(path))}: expected a name that ends in '.mars'")
    if desk.last_cell is None:
        raise CellError("there is no %%mars cell to save yet; run one, or draw it with %%mars --dry-run")
    line, cell = desk.last_cell
    try:
        with path.open("w" if "replace" in arguments.options else "x", encoding="utf-8") as file:
            file.write(f"# %%mars {line}".rstrip() + f"\n{cell}")
    except FileExistsError:
        raise CellError(f"{quoted(str(path))} is there already; choose another name, or --replace it") from None
    except OSError as error:
        raise StorageError(f"{quoted(str(path))} cannot be written: {error.strerror}") from error
    return path


def run_file(desk: Desk, arguments: Arguments) -> Run:
    """Run a cell that was saved as a file; what follows the file stands in for its own ``%%mars`` line."""
    if not arguments.text:
        raise CellError("'%mars run' takes a file: '%mars run team.mars report --max-steps 50'")
    name, given = first_word(arguments.text)
    text = read_file(name)
    head = HEAD.match(text)
    line = given or (head["line"] or "" if head else "")
    foreground = open_run(desk, line, text[head.end() :] if head else text)
    run_now(foreground)
    return shown(desk, record_of(foreground.run))
