"""Plays a small topology through the engine, without a loop: replies come from a script, who is slow is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mars_nb.actions import Parallel
from mars_nb.topology.model import Topology
from mars_nb.views.answer import responses
from tests.property.driver import Driver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mars_nb.engine.state import RunState
    from tests.property.model import Step

Replies = dict[str, list[Any]]
"""What an agent says, one step after the other; afterwards, or without a script, ``"name#n"``."""


@dataclass(eq=False)
class Script:
    """Agents who reply from a list; an exception among the replies is raised."""

    replies: Mapping[str, Sequence[Any]]
    n_asked: dict[str, int] = field(default_factory=dict)

    def __call__(self, step: Step) -> Any:
        n = self.n_asked[step.agent] = self.n_asked.get(step.agent, 0) + 1
        said = self.replies.get(step.agent, ())
        reply = said[n - 1] if n <= len(said) else f"{step.agent}#{n}"
        if isinstance(reply, Exception):
            raise reply
        return reply


@dataclass(eq=False)
class Played:
    """A run that is over, or waits."""

    driver: Driver

    @property
    def state(self) -> RunState:
        return self.driver.state

    @property
    def succeeded(self) -> bool:
        return self.state.status == "succeeded"

    @property
    def error(self) -> str:
        return str(self.state.error)

    @property
    def answer(self) -> Any:
        return self.driver.final_response()

    @property
    def answers(self) -> dict[str, Any]:
        return responses(self.state)

    @property
    def order(self) -> str:
        """Who was asked, in this order."""
        return " ".join(step.agent for step in self.driver.steps)

    @property
    def step_ids(self) -> list[str]:
        return [step.id for step in self.driver.steps]

    def asked(self, agent: str) -> list[Any]:
        """Give the requests that an agent received."""
        return [step.request for step in self.driver.steps if step.agent == agent]

    def remembered(self, agent: str) -> list[tuple[Any, ...]]:
        """Give, for each step of an agent, the exchanges that it remembered."""
        return [step.memory for step in self.driver.steps if step.agent == agent]

    def failures(self, step_id: str) -> list[str]:
        """Give the branches that a step was told had failed."""
        return self.driver.failures[step_id]


def play(
    topology: str | Topology,
    replies: Replies | None = None,
    *,
    person: Callable[[str], str] | None = None,
    slow: str = "",
    **limits: int,
) -> Played:
    """Let a run go on until it is over; the steps of ``slow`` agents are over when nothing else can be."""
    text = topology.to_text() if isinstance(topology, Topology) else Topology.from_text(topology).to_text()
    driver = Driver(Script(replies or {}), person)
    driver.begin(text, "TASK", **limits)
    while driver.choices():
        choices = [*driver.running, *driver.choices()]
        swift = [each for each in choices if agent_of(driver, each) not in slow.split()]
        driver.happen((swift or choices)[0])
    return Played(driver)


def ask(*names: str) -> Parallel:
    """Ask several at once."""
    return Parallel([(name, f"to {name}") for name in names])


def agent_of(driver: Driver, choice: str) -> str:
    return driver.state.branches[choice.partition("#")[0]].agent
