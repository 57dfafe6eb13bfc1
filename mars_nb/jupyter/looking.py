"""The verbs that look at runs and sessions, and change nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from mars_nb import __version__
from mars_nb.agents.registry import AgentRegistry
from mars_nb.engine.folding import replay as play_again
from mars_nb.errors import CellError, RunNotFound
from mars_nb.jupyter.acts import compared_agents, drawn_last, session_of
from mars_nb.jupyter.desk import ENDED
from mars_nb.jupyter.display import Text, show_answer, show_line
from mars_nb.jupyter.foreground import screen_of
from mars_nb.jupyter.jobs import opened
from mars_nb.jupyter.records import RunRecord, base_of
from mars_nb.jupyter.runs import Run, record_of
from mars_nb.jupyter.speaking import facts, made_again
from mars_nb.jupyter.watching import watch as follow
from mars_nb.jupyter.watching import watching_screen
from mars_nb.views.amounts import counted, named
from mars_nb.views.compare import compare as compare_results
from mars_nb.views.frames import categories, costs, moments, numbers, strings
from mars_nb.views.history import History, history_of
from mars_nb.views.table import tabled

if TYPE_CHECKING:
    import pandas as pd

    from mars_nb.jupyter.arguments import Arguments
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.screens import Screen
    from mars_nb.state.record import Record
    from mars_nb.views.result import OrchestraResult

N_SHOWN = 5
"""Runs and agents that the status names."""
LONGEST_GAP_S = 2.0
"""How long a replay waits where nothing happened: nobody wants to sit through a night's pause."""


# -------------------------------------------------------------------------------------------------------------- status


def status(desk: Desk) -> Text:
    """Say what is there, and three things that can be done next."""
    agents = AgentRegistry.default().names()
    unfinished = desk.store.unfinished()
    lines = [
        f"mars_nb {__version__} · {facts()}",
        f"runs: {_some([_run_line(run) for run in reversed(desk.runs)])}",
        f"agents: {_some(agents)}",
        f"sessions: {len(desk.store.ids())} in {desk.store.path}",
        *([f"unfinished: {_some(unfinished)}"] if unfinished else []),
        f"next: {' · '.join(_next(desk, agents, unfinished))}",
    ]
    return Text("\n".join(lines))


def _some(items: list[str]) -> str:
    return named(items, N_SHOWN) if items else "none yet"


def _run_line(run: Run) -> str:
    live = record_of(run).live
    if live is not None and live.question:
        return f"{run.name} (asks: {' '.join(live.question.split())[:80]})"
    steps = f", {counted(run.total_steps, 'step')}" if run.status in ENDED else ""
    return f"{run.name} ({run.status}{steps})"


def _next(desk: Desk, agents: list[str], unfinished: list[str]) -> tuple[str, str, str]:
    if desk.live:
        name = desk.live[-1].name
        return f"%mars pause {name}", f"%mars show {name}", f"await {name}"
    if unfinished:
        return f"%mars resume {unfinished[0]}", f"%mars show {unfinished[0]}", "%mars sessions"
    if desk.runs:
        name = record_of(desk.runs[-1]).handle
        return f"%mars timeline {name}", f"%mars show {name}", "%mars help"
    if agents:
        return "%mars agents", "%mars help cell", "%mars patterns"
    return "%mars demo", "%mars help agents", "%mars help cell"


# -------------------------------------------------------------------------------------------------------------- tables


def sessions(desk: Desk, _arguments: Arguments) -> pd.DataFrame:
    """Give one row a session, the oldest first.

    ``session_id``, ``run`` (str), ``status`` (category), ``task`` (str), ``n_events`` (int64), ``created_at``
    (datetime64[us, UTC]), ``parent`` (str: ``"report-1@12"`` for a fork, else empty).
    """
    known = desk.store.described()
    return tabled(
        {
            "session_id": strings(str(each["session_id"]) for each in known),
            "run": strings(base_of(str(each["session_id"])) for each in known),
            "status": categories(each["status"] for each in known),
            "task": strings("" if each["task"] is None else str(each["task"]) for each in known),
            "n_events": numbers(each.get("n_events", 0) for each in known),
            "created_at": moments(float(each["created_at"]) // 1 for each in known),
            "parent": strings(_came_from(each.get("parent")) for each in known),
        }
    )


def _came_from(parent: dict[str, Any] | None) -> str:
    return f"{parent['session']}@{parent['seq']}" if parent else ""


def agents(desk: Desk, arguments: Arguments) -> pd.DataFrame:
    """Give one row an agent: ``agent`` (str), ``kind`` (category), ``description`` (str).

    With ``--from`` those of a session: ``agent`` (str), ``here`` (category: the same, changed, missing), ``digest``,
    ``digest_here`` (str).
    """
    if "from" in arguments.options:
        return _agents_of(desk, desk.find(arguments.options["from"]))
    known = list(AgentRegistry.default())
    return tabled(
        {
            "agent": strings(each.name for each in known),
            "kind": categories(each.kind for each in known),
            "description": strings(each.description for each in known),
        }
    )


def _agents_of(desk: Desk, run: Run) -> pd.DataFrame:
    record = record_of(run)
    drawn = drawn_last(desk, record)
    if drawn and (made := made_again(desk, drawn.profiles)):
        show_line(f"made again from the instructions that the journal holds: {', '.join(made)}")
    rows = compared_agents(desk, record)
    return tabled(
        {
            "agent": strings(row[0] for row in rows),
            "here": categories(row[1] for row in rows),
            "digest": strings(row[2] for row in rows),
            "digest_here": strings(row[3] for row in rows),
        }
    )


def timeline(desk: Desk, arguments: Arguments) -> pd.DataFrame:
    """Give one row a step of a run."""
    return result_at(desk, arguments.word()).timeline()


def cost(desk: Desk, arguments: Arguments) -> pd.DataFrame:
    """Give what a run used: one row an agent, and the sum; see `mars_nb.views.frames.costs`."""
    result = result_at(desk, arguments.word())
    if result.history is None:
        raise RunNotFound("this run could not be carried out, so there is nothing that it used")
    return costs(result.history)


def compare(desk: Desk, arguments: Arguments) -> pd.DataFrame:
    """Compare two runs step by step; see `mars_nb.compare`."""
    if len(arguments.words) != 2:  # noqa: PLR2004 (A and B)
        raise CellError("'%mars compare' takes two runs: '%mars compare report report_fork'")
    one, other = (result_at(desk, word) for word in arguments.words)
    return compare_results(one, other)


def result_at(desk: Desk, text: str) -> OrchestraResult:
    """Give the result of a run, ``RUN``, or what it was at a position, ``RUN@WHERE``."""
    name, at, where = text.partition("@")
    run = desk.find(name)
    return session_of(desk, record_of(run)).at(where) if at else run.result


def why(desk: Desk, arguments: Arguments) -> Text:
    """Say which events and which rule made a step run."""
    name, step = arguments.where()
    if not step:
        raise CellError("'%mars why' takes a step: '%mars why Writer#2', or 'report@b0.1#2'")
    return Text(session_of(desk, record_of(desk.find(name))).why(step))


# ------------------------------------------------------------------------------------------------------------ pictures


def show(desk: Desk, arguments: Arguments) -> Run | OrchestraResult:
    """Show the answer of a run, and give the run, which shows its picture; ``RUN@WHERE`` is the run as it was.

    A run that goes on in the background is painted here, too, from now on.
    """
    name, where = arguments.of_run()
    run = desk.find(name)
    if where:
        return session_of(desk, record_of(run)).at(where)
    record, screen = record_of(run), screen_of(desk)
    if run.status == "succeeded":
        show_answer(run)
    if screen.repaints and (run.status == "running" or (screen.can_be_heard and record.session_id)):
        screen.open(record)
        record.screens.append(screen)
        return shown(desk, record)
    return run


def watch(desk: Desk, arguments: Arguments) -> Run:
    """Follow a session that another kernel runs; one that runs here is shown."""
    run = desk.find(arguments.word())
    record = record_of(run)
    if record.live is not None or record.session_id not in desk.store.backend.list():
        return cast("Run", show(desk, arguments))
    screen = watching_screen(desk)
    if screen is None:
        return run
    watched = opened(record.session_id, desk.store.files)
    follow(desk.store, watched, screen)
    return shown(desk, watched)


def replay(desk: Desk, arguments: Arguments) -> Run:
    """Play a run again from its journal, as fast as it goes or at a speed; nobody is asked."""
    run = desk.find(arguments.word())
    session, speed = session_of(desk, record_of(run)), arguments.options.get("speed")
    records = desk.store.holder(session.id, record_of(run).place).records(session.id)
    result, screen = session.result, screen_of(desk, {} if speed else {"view": "static"})
    played = RunRecord(run.name, run.task, run.topology, session_id=session.id)
    played.begin()
    if speed:
        screen.open(played)
    n_events = _play(played, records, screen, speed)
    played.history = result.history
    played.finish(result, result.metadata["status"])
    screen.settle(played)
    show_line(f"replayed {counted(n_events, 'event')} of {session.id}: every one followed from the recorded replies")
    return shown(desk, record_of(run))


def _play(played: RunRecord, records: list[Record], screen: Screen, speed: float | None) -> int:
    """Let a record go through what happened, and show it on the way if there is a speed; give the number of events."""
    past, by_seq = history_of(records), {record.seq: record for record in records}
    last_s, shown_s, n_events = records[0].at, 0.0, 0
    for seq, event, state in play_again((record.seq, record.event) for record in records):
        at = by_seq[seq].at
        if speed:
            time.sleep(min(LONGEST_GAP_S, max(0.0, at - last_s) / speed))
        last_s, n_events = at, n_events + 1
        played.onlooker.note(event, at)
        if speed and time.monotonic() - shown_s >= screen.every_s:
            played.history, played.seen_at = History(past.topology, state, past.journal), at
            screen.show(played)
            shown_s = time.monotonic()
    return n_events


class ShownRun(Run):
    """A run that its cell has shown already, so that it shows nothing more as the value of that cell."""

    def __init__(self, record: RunRecord, shell: Any) -> None:
        super().__init__(record)
        self._shell = shell
        self._shown_in = shell.execution_count

    def _ipython_display_(self) -> None:
        if self._shell.execution_count != self._shown_in:
            from IPython.display import display

            display(Run(self._record))  # type: ignore[no-untyped-call]  # IPython


def shown(desk: Desk, record: RunRecord) -> Run:
    """Give a run that its cell has shown already."""
    return ShownRun(record, desk.shell)
