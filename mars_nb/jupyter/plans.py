"""From a cell to a team: what is drawn, who takes part, and whether that can be run. Nothing has run by then."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mars_nb.agents.agent import Agent
from mars_nb.agents.people import as_person
from mars_nb.agents.registry import AgentRegistry
from mars_nb.agents.replies import as_text
from mars_nb.conductor import with_rules
from mars_nb.engine.rules import RulesEngine
from mars_nb.errors import CellError, MarsError, did_you_mean
from mars_nb.jupyter.cell import parse
from mars_nb.jupyter.placeholders import variable
from mars_nb.jupyter.speaking import check_models
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.names import RESERVED, quoted
from mars_nb.topology.rules import PauseBeforeRule
from mars_nb.views.amounts import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mars_nb.agents.agent import Kind
    from mars_nb.agents.context import StepContext
    from mars_nb.jupyter.cell import Cell
    from mars_nb.topology.model import Topology

STUB_LENGTH = 200
"""Characters that a stub repeats."""


@dataclass(frozen=True)
class Team:
    """Who takes part in a run.

    Parameters
    ----------
    topology : Topology
        Who may talk to whom.
    registry : AgentRegistry
        Who can be asked.
    stubs : tuple of str
        Agents that only repeat what they are asked.
    """

    topology: Topology
    registry: AgentRegistry
    stubs: tuple[str, ...] = ()


def team_of(cell: Cell) -> Team:
    """Give who takes part in the run that a cell describes, checked.

    Parameters
    ----------
    cell : Cell
        What the cell says.

    Returns
    -------
    Team
        The topology, with a ``pause_before`` rule for each agent that ``--pause-before`` names, and the agents.

    Raises
    ------
    MarsError
        If the topology is wrong, or an agent is missing (but not for a dry run).
    """
    options = cell.options
    topology = _with_pauses(topology_of(cell), options.get("pause_before", ""))
    TopologyAnalyzer().analyze(topology)
    RulesEngine(topology.rules, max_steps=options.get("max_steps"))
    unknown = unknown_agents(topology)
    if unknown and not ("stub" in options or "dry_run" in options):
        raise CellError(missing(unknown))
    stubs = tuple(unknown) if "stub" in options else ()
    registry = _registry(stubs, options.get("pace"))
    if "dry_run" not in options:
        check_models(topology, registry, options.get("model"))
    return Team(topology, registry, stubs)


def _with_pauses(topology: Topology, names: str) -> Topology:
    agents = [name for name in topology.nodes if name not in RESERVED]
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in agents:
            near = did_you_mean(name, agents)
            raise CellError(f"line 1: --pause-before {quoted(name)}: no such agent is drawn{near}")
    return with_rules(topology, [PauseBeforeRule(agent=name) for name in wanted])


def topology_of(cell: Cell) -> Topology:
    """Give the topology of a cell; that of a file is read here.

    Raises
    ------
    MarsError
        If there is none, or it is wrong.
    """
    name = str(cell.options.get("topology", ""))
    return file_topology(name) if name.endswith(".mars") else cell.topology()


def file_topology(name: str) -> Topology:
    """Give the topology that a file draws.

    Raises
    ------
    MarsError
        If the file cannot be read, or is wrong.
    """
    return parse("--dry-run --raw --replace", read_file(name), {}).topology()


def read_file(name: str) -> str:
    """Give the lines of a cell that was saved as a file.

    Raises
    ------
    CellError
        If it cannot be read.
    """
    try:
        return Path(name).expanduser().read_text("utf-8-sig")  # some editors put a mark before the text
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise CellError(f"{quoted(name)}: {reason}; expected a file with the lines of a cell") from None


def unknown_agents(topology: Topology) -> list[str]:
    """Give the names that nobody has defined, in the order they were drawn."""
    known = {*AgentRegistry.default().names(), *topology.agents, *RESERVED}
    return [name for name in topology.nodes if name not in known]


def summary(topology: Topology) -> str:
    """Count what a topology holds: ``2 agents, 3 edges``."""
    n_agents = sum(name not in RESERVED for name in topology.nodes)
    counts = [(n_agents, "agent"), (len(topology.edges), "edge"), (len(topology.rules), "rule")]
    return ", ".join(counted(n, what) for n, what in counts if n)


def missing(unknown: list[str]) -> str:
    """Say that an agent is missing, and what helps."""
    name, *others = unknown
    near = did_you_mean(name, [*AgentRegistry.default().names(), *RESERVED])
    remedy = f"define it: %%agent {name}; or --stub"
    also = f"; and {len(others)} more: {quoted(', '.join(others))}" if others else ""
    return f"{quoted(name)} is no agent here{f'{near} (or {remedy})' if near else f'; {remedy}'}{also}"


def _registry(stubs: tuple[str, ...], pace_s: float | None) -> AgentRegistry:
    """Give the agents of the notebook and the stubs, which nobody else gets to see; all of them slow, if asked for."""
    if not stubs and pace_s is None:
        return AgentRegistry.default()
    registry = AgentRegistry()
    for name in stubs:
        Agent(name=name, answer=_echo(name), inline=True, registry=registry, description="Repeats what it is asked.")
    for known in [*AgentRegistry.default(), *registry]:
        registry.register(known if pace_s is None else Paced(known, pace_s))
    return registry


class Paced(Agent):
    """An agent that takes at least so long, so that one can watch; else it is the same agent.

    Parameters
    ----------
    agent : Agent
        The agent.
    pace_s : float
        Least seconds that it takes.
    """

    def __init__(self, agent: Agent, pace_s: float) -> None:
        vars(self).update(vars(agent), digest=agent.digest)
        self._agent = agent
        self._pace_s = pace_s

    @property
    def kind(self) -> Kind:
        """How the agent answers."""
        return self._agent.kind

    async def _run(self, request: Any, context: StepContext) -> Any:
        began = time.monotonic()
        try:
            return await self._agent._run(request, context)  # noqa: SLF001 (what a subclass overrides)
        finally:
            await asyncio.sleep(max(0.0, began + self._pace_s - time.monotonic()))


def _echo(name: str) -> Callable[[Any], str]:
    def repeat(request: Any) -> str:
        text = " ".join(as_text(request).split())
        return f"[stub {name}] {text if len(text) <= STUB_LENGTH else f'{text[:STUB_LENGTH]}…'}"

    return repeat


def user_of(name: str | None, variables: Mapping[str, object]) -> object:
    """Give who answers questions: the variable that ``--user`` names.

    Raises
    ------
    CellError
        If there is no such variable, or it cannot answer.
    """
    if name is None:
        return None
    try:
        user = variable(name, variables)
        as_person(user)
    except MarsError as error:
        raise CellError(f"--user {quoted(name)}: {error}") from None
    return user
