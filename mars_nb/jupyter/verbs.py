"""The verbs of ``%mars``: one function each, from the desk and the rest of the line to something usable.

``df = %mars timeline`` is a DataFrame; what is only text shows itself as text.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from mars_nb import __version__
from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import CellError, MarsError, did_you_mean
from mars_nb.jupyter.demo import run_demo
from mars_nb.jupyter.desk import ENDED
from mars_nb.jupyter.display import Text, show_answer
from mars_nb.jupyter.help import FACTS, help_text
from mars_nb.jupyter.options import VERBS, split_line
from mars_nb.jupyter.plans import counted, missing, read_cell, summary, topology_of, unknown_agents
from mars_nb.topology.drawings import DRAWINGS
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.runs import Run
    from mars_nb.topology.model import Topology

N_SHOWN = 5
"""Runs and agents that the status names."""


def call(desk: Desk, line: str) -> object:
    """Do what a ``%mars`` line says.

    Parameters
    ----------
    desk : Desk
        What the notebook knows.
    line : str
        A verb and its argument; empty for the status.

    Returns
    -------
    object
        What the verb gives: a table, a run or a text.

    Raises
    ------
    CellError
        If there is no such verb, or it comes later.
    """
    words = [token.text for token in split_line(line)]
    if not words:
        return status(desk)
    verb, *arguments = words
    if verb not in BUILT:
        raise CellError(_no_verb(verb))
    if len(arguments) > 1:
        raise CellError(f"'%mars {verb}' takes one argument at most; found {quoted(' '.join(arguments))}")
    return BUILT[verb](desk, "".join(arguments))


def _no_verb(verb: str) -> str:
    built = ", ".join(sorted(BUILT))
    if verb in VERBS:
        return f"'%mars {verb}' comes in a later release; now there are: {built}"
    return f"'%mars {verb[:40]}' is no command{did_you_mean(verb[:40], BUILT)}; there are: {built}"


# -------------------------------------------------------------------------------------------------------------- status


def status(desk: Desk) -> Text:
    """Say what is there, and three things that can be done next."""
    agents = AgentRegistry.default().names()
    lines = [
        f"mars_nb {__version__} · {FACTS}",
        f"runs: {_some([_run_line(run) for run in reversed(desk.runs)])}",
        f"agents: {_some(agents)}",
        f"next: {' · '.join(_next(desk, agents))}",
    ]
    return Text("\n".join(lines))


def _some(items: list[str]) -> str:
    more = f" and {len(items) - N_SHOWN} more" if len(items) > N_SHOWN else ""
    return ", ".join(items[:N_SHOWN]) + more if items else "none yet"


def _run_line(run: Run) -> str:
    steps = f", {counted(run.total_steps, 'step')}" if run.status in ENDED else ""
    return f"{run.name} ({run.status}{steps})"


def _next(desk: Desk, agents: list[str]) -> tuple[str, str, str]:
    if desk.runs:
        name = desk.runs[-1].name
        return f"%mars timeline {name}", f"%mars show {name}", "%mars help"
    if agents:
        return "%mars agents", "%mars help cell", "%mars patterns"
    return "%mars demo", "%mars help agents", "%mars help cell"


# --------------------------------------------------------------------------------------------------------------- verbs


def agents(_desk: Desk, _argument: str) -> pd.DataFrame:
    """Give one row an agent: ``agent``, ``kind``, ``description`` (str)."""
    import pandas as pd

    rows = [(each.name, each.kind, each.description) for each in AgentRegistry.default()]
    return pd.DataFrame(rows, columns=["agent", "kind", "description"])


def patterns(_desk: Desk, _argument: str) -> pd.DataFrame:
    """Give one row a pattern: ``pattern``, ``call`` (what ``-t`` takes), ``description`` (str)."""
    import pandas as pd

    rows = [(name, _call_of(name, draw), _first_line(name)) for name, draw in DRAWINGS.items()]
    return pd.DataFrame(rows, columns=["pattern", "call", "description"])


def _call_of(name: str, draw: Callable[..., object]) -> str:
    arguments = inspect.signature(draw).parameters.values()
    shown = [each.name if each.default is each.empty else f"{each.name}={_written(each.default)}" for each in arguments]
    return f"{name}({', '.join(shown)})"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _first_line(name: str) -> str:
    from mars_nb.topology.patterns import PatternConfig

    return (inspect.getdoc(getattr(PatternConfig, name)) or "").partition("\n")[0]


def timeline(desk: Desk, argument: str) -> pd.DataFrame:
    """Give one row a step of a run."""
    return desk.find(argument).timeline()


def show(desk: Desk, argument: str) -> Run:
    """Show the answer of a run, and give the run, which shows its picture."""
    run = desk.find(argument)
    if run.status == "succeeded":
        show_answer(run)
    return run


def check(desk: Desk, argument: str) -> Text:
    """Check the cell that was tried last, or the topology of a run."""
    if argument:
        return Text(_verdict(desk.find(argument).topology))
    if desk.last_cell is None:
        raise CellError("there is no %%mars cell to check yet; run one, or draw it with %%mars --dry-run")
    line, text = desk.last_cell
    try:
        return Text(_verdict(topology_of(read_cell(line, text, desk.variables))))
    except MarsError as error:
        problems = getattr(error, "problems", (error,))
        return Text("\n".join(f"{i}. {problem}" for i, problem in enumerate(problems, start=1)))


def _verdict(topology: Topology) -> str:
    TopologyAnalyzer().analyze(topology)
    unknown = unknown_agents(topology)
    if unknown:
        return "\n".join(f"{i}. {missing([name])}" for i, name in enumerate(unknown, start=1))
    return f"no problem: {summary(topology)}"


def show_demo(desk: Desk, _argument: str) -> None:
    """Run a small team, and show the cell that does it."""
    run_demo(desk)


def show_help(_desk: Desk, argument: str) -> Text:
    """Give the help on a topic."""
    return Text(help_text(argument))


BUILT: dict[str, Callable[[Desk, str], Any]] = {
    "agents": agents,
    "check": check,
    "demo": show_demo,
    "help": show_help,
    "patterns": patterns,
    "show": show,
    "timeline": timeline,
}
"""The verbs that exist, by name."""
