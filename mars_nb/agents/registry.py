"""Agents by name.

A topology names its agents; a registry says who they are. Agents enter the default registry of the process when they
are made, as a notebook expects; a registry of one's own keeps them apart.

Examples
--------
>>> from mars_nb.agents.agent import Agent
>>> mine = AgentRegistry()
>>> writer = Agent(name="Writer", answer=str.upper, registry=mine)
>>> mine.get("Writer") is writer, mine.names(), "Writer" in AgentRegistry.default()
(True, ['Writer'], False)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mars_nb.errors import AgentError, AgentNotFound, did_you_mean
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mars_nb.agents.agent import Agent

AnyAgent = TypeVar("AnyAgent")


class AgentRegistry:
    """The agents that a run can find, by name; it keeps them alive."""

    def __init__(self) -> None:
        self._by_name: dict[str, Agent] = {}

    @classmethod
    def default(cls) -> AgentRegistry:
        """Give the registry of this process, which agents enter when they are made."""
        return _DEFAULT

    def register(self, agent: AnyAgent) -> AnyAgent:
        """Add an agent; one of the same name is replaced, as when a cell is run again.

        Parameters
        ----------
        agent : Agent, or one of another library that has a name
            Who to add.

        Returns
        -------
        Agent
            The same agent.

        Raises
        ------
        AgentError
            If the object is no agent.
        """
        made = checked_agent(agent)
        self._by_name[made.name] = made
        return agent

    def unregister(self, name: str) -> None:
        """Forget an agent.

        Raises
        ------
        AgentNotFound
            If no agent has this name.
        """
        self.get(name)
        self._by_name.pop(name, None)

    def get(self, name: str) -> Agent:
        """Give the agent of this name.

        Raises
        ------
        AgentNotFound
            If no agent has this name; the message names the nearest one.
        """
        found = self._by_name.get(name)
        if found is None:
            raise AgentNotFound(f"no agent {quoted(name)} is registered{self._hint(name)}")
        return found

    def _hint(self, name: str) -> str:
        close = did_you_mean(name, self.names())
        return close or f"; define it first: Agent(name={quoted(name)}, answer=...)"

    def names(self) -> list[str]:
        """Give the names of all agents, in the order in which they were first registered."""
        return list(self._by_name)

    def clear(self) -> None:
        """Forget all agents."""
        self._by_name.clear()

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterator[Agent]:
        return iter(list(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return f"AgentRegistry({', '.join(self.names())})"


def checked_agent(given: object) -> Agent:
    """Give an agent back; one of another library that has a name becomes one of ours.

    Raises
    ------
    AgentError
        If it is none.
    """
    from mars_nb.agents.adapters import answering, is_foreign, name_of
    from mars_nb.agents.agent import Agent

    if isinstance(given, Agent):
        return given
    if is_foreign(given) and name_of(given):
        return Agent(name=name_of(given), answer=answering(given), registry=AgentRegistry())
    raise AgentError(f"a {type(given).__name__} is no agent; expected an Agent: Agent(name=..., answer=...)")


_DEFAULT = AgentRegistry()
