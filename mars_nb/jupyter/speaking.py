"""Models in a notebook: ``%mars model``, the agents that a journal remembers, and the line that says who speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.agents.agent import Agent
from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import CellError
from mars_nb.execution.casting import speaking
from mars_nb.jupyter.display import Text, show_line
from mars_nb.topology.names import RESERVED, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.agents.tools import Effect, Tool
    from mars_nb.events import Profile
    from mars_nb.jupyter.arguments import Arguments
    from mars_nb.jupyter.desk import Desk
    from mars_nb.topology.model import Topology


def facts() -> str:
    """Say which model speaks here, and whether anything is sent for that."""
    from mars_nb.agents.providers import OFFLINE, label, process_choice

    name = label(process_choice())
    if name == OFFLINE:
        return "model: offline, a small worker on this machine; nothing is sent anywhere"
    return f"model: {name}; what its agents are told is sent there"


def model(_desk: Desk, arguments: Arguments) -> Text:
    """Say which model speaks for agents that name none, or choose another one."""
    from mars_nb.agents.providers import choose

    name = arguments.word()
    if name:
        choose(name)
    return Text(facts())


def check_model(name: str) -> None:
    """Refuse a model that could not answer.

    Raises
    ------
    ModelUnavailable
        When nobody serves it, or a package or a key is missing.
    """
    from mars_nb.agents.models import ModelConfig
    from mars_nb.agents.providers import check

    check(ModelConfig(name=name))


def check_models(topology: Topology, registry: AgentRegistry, call: str | None) -> None:
    """Refuse a team for which a model could not speak, before anything runs.

    Raises
    ------
    ModelUnavailable
        When a package or a key is missing.
    """
    from mars_nb.engine.rules import RulesEngine

    known = {agent.name: agent for agent in registry} | dict(topology.agents)
    drawn = [known[name] for name in topology.nodes if name in known and name not in RESERVED]
    agents = [each for each in drawn if isinstance(each, Agent)]
    speaking(agents, call, {}, RulesEngine(topology.rules).budget_usd)


def who_speaks(profiles: Mapping[str, Profile]) -> str:
    """Say which model speaks for whom; empty where none does.

    Examples
    --------
    >>> from mars_nb.events import Profile
    >>> who_speaks({"Planner": Profile("offline"), "Writer": Profile("offline")})
    'model offline speaks for Planner, Writer'
    """
    by_model: dict[str, list[str]] = {}
    for name, each in profiles.items():
        by_model.setdefault(each.model, []).append(name)
    return "; ".join(f"model {model} speaks for {', '.join(names)}" for model, names in by_model.items())


def made_again(desk: Desk, profiles: Mapping[str, Profile]) -> list[str]:
    """Make those of these agents that are missing here, from what the journal says of them; give their names."""
    made = []
    for name, profile in profiles.items():
        if name in AgentRegistry.default():
            continue
        missing = [tool for tool in profile.tools if not callable(desk.variables.get(tool))]
        if missing:
            show_line(f"{name} needs the tools {', '.join(missing)}: run the cells that define them, then this again")
            continue
        if profile.is_own and profile.base_url:  # a journal does not say where a key is sent
            show_line(f"{name} asked {profile.model} at {profile.base_url}: run the cell that defines it")
            continue
        Agent(
            profile.model if profile.is_own else None,
            name,
            instructions=profile.instructions,
            description=profile.description,
            tools=[_tool(desk.variables[tool], tool, profile) for tool in profile.tools],
        )
        made.append(name)
    return made


def _tool(function: Any, name: str, profile: Profile) -> Tool:
    """Give a tool as careful as it was."""
    from mars_nb.agents.tools import Tool

    if isinstance(function, Tool):
        return function
    effect: Effect = "unsafe" if name in profile.unsafe_tools else "safe"
    return Tool(function, name=name, effect=effect, needs_approval=name in profile.approved_tools)


def tools_of(names: str, variables: Mapping[str, object]) -> list[object]:
    """Give the functions that ``--tools a,b`` names.

    Raises
    ------
    CellError
        If one is not there, or is no function.
    """
    found = []
    for name in (each.strip() for each in names.split(",") if each.strip()):
        if not callable(variables.get(name)):
            what = "is no function" if name in variables else "is not defined here"
            raise CellError(f"line 1: --tools {quoted(name)}: {what}; expected functions of this notebook, by comma")
        found.append(variables[name])
    return found
