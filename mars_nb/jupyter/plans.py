"""From a cell to a job: who is meant, what is checked, what is not built yet. Nothing has run when this is done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mars_nb.agents.agent import Agent
from mars_nb.agents.people import as_person
from mars_nb.agents.registry import AgentRegistry
from mars_nb.agents.replies import as_text
from mars_nb.engine.rules import RulesEngine
from mars_nb.errors import CellError, did_you_mean
from mars_nb.jupyter.cell import parse
from mars_nb.jupyter.options import OPTIONS
from mars_nb.jupyter.placeholders import variable
from mars_nb.jupyter.runner import Job
from mars_nb.jupyter.runs import RunRecord
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.names import RESERVED, quoted
from mars_nb.topology.patterns import PatternConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mars_nb.jupyter.cell import Cell
    from mars_nb.topology.model import Topology

LATER_OPTIONS = ("background", "session", "once", "model", "checkpoint_every", "pause_before", "pace")
"""Options that are read already, and do nothing yet."""
STUB_LENGTH = 200
"""Characters that a stub repeats."""


def read_cell(line: str, cell: str, variables: Mapping[str, object]) -> Cell:
    """Read a cell, and refuse what comes in a later release.

    Raises
    ------
    MarsError
        If something in it is wrong.
    """
    read = parse(line, cell, variables)
    for key in LATER_OPTIONS:
        if key in read.options:
            built = ", ".join(option.long for option in OPTIONS if option.key not in LATER_OPTIONS)
            raise CellError(f"line 1: '--{key.replace('_', '-')}' comes in a later release; built so far: {built}")
    return read


def job_of(cell: Cell, variables: Mapping[str, object], keyboard: Callable[[str], str] | None) -> Job:
    """Make the job that a cell describes.

    Parameters
    ----------
    cell : Cell
        What the cell says.
    variables : mapping of str to object
        The notebook's variables.
    keyboard : callable or None
        Asks whoever sits at the notebook.

    Returns
    -------
    Job
        Its record holds the topology, which has been checked.

    Raises
    ------
    MarsError
        If the topology is wrong, or an agent is missing (but not for a dry run).
    """
    options = cell.options
    topology = topology_of(cell)
    TopologyAnalyzer().analyze(topology)
    RulesEngine(topology.rules, max_steps=options.get("max_steps"))
    unknown = unknown_agents(topology)
    if unknown and not ("stub" in options or "dry_run" in options):
        raise CellError(missing(unknown))
    stubs = tuple(unknown) if "stub" in options else ()
    return Job(
        RunRecord(options["name"], cell.task, topology, stubs),
        registry=_with_stubs(stubs),
        context=cell.context_values,
        max_steps=options.get("max_steps"),
        user=_user(options.get("user"), variables),
        keyboard=keyboard,
    )


def topology_of(cell: Cell) -> Topology:
    """Give the topology of a cell; that of a file is read here.

    Raises
    ------
    MarsError
        If there is none, or it is wrong.
    """
    name = str(cell.options.get("topology", ""))
    if isinstance(named := cell.variables.get(name), PatternConfig):
        return named.topology()
    if not name.endswith(".mars"):
        return cell.topology()
    try:
        text = Path(name).expanduser().read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise CellError(f"-t {quoted(name)}: {reason}; expected a file with the lines of a cell") from None
    return parse("--dry-run --raw --replace", text, {}).topology()


def unknown_agents(topology: Topology) -> list[str]:
    """Give the names that nobody has defined, in the order they were drawn."""
    known = {*AgentRegistry.default().names(), *topology.agents, *RESERVED}
    return [name for name in topology.nodes if name not in known]


def summary(topology: Topology) -> str:
    """Count what a topology holds: ``2 agents, 3 edges``."""
    n_agents = sum(name not in RESERVED for name in topology.nodes)
    counts = [(n_agents, "agent"), (len(topology.edges), "edge"), (len(topology.rules), "rule")]
    return ", ".join(counted(n, what) for n, what in counts if n)


def counted(n: int, what: str) -> str:
    """Write a number of things: ``1 step``, ``2 steps``."""
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def missing(unknown: list[str]) -> str:
    """Say that an agent is missing, and what helps."""
    name, *others = unknown
    near = did_you_mean(name, [*AgentRegistry.default().names(), *RESERVED])
    remedy = f"define it: %%agent {name}; or --stub"
    also = f"; and {len(others)} more: {quoted(', '.join(others))}" if others else ""
    return f"{quoted(name)} is no agent here{f'{near} (or {remedy})' if near else f'; {remedy}'}{also}"


def _with_stubs(names: tuple[str, ...]) -> AgentRegistry:
    """Give the agents of the notebook and the stubs, which nobody else gets to see."""
    if not names:
        return AgentRegistry.default()
    registry = AgentRegistry()
    for known in AgentRegistry.default():
        registry.register(known)
    for name in names:
        Agent(name=name, answer=_echo(name), inline=True, registry=registry, description="Repeats what it is asked.")
    return registry


def _echo(name: str) -> Callable[[Any], str]:
    def repeat(request: Any) -> str:
        text = " ".join(as_text(request).split())
        return f"[stub {name}] {text if len(text) <= STUB_LENGTH else f'{text[:STUB_LENGTH]}…'}"

    return repeat


def _user(name: str | None, variables: Mapping[str, object]) -> object:
    if name is None:
        return None
    user = variable(name, variables)
    as_person(user)
    return user
