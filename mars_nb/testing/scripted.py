"""Agents whose replies are known beforehand, to test a team without a model.

A scripted agent gives its replies in the order in which its steps happen, over all branches of a run, and writes down
what it was asked. A `Stage` that several of them share knows who was asked when, and how many worked at once.

Examples
--------
>>> from mars_nb import AgentRegistry
>>> mine = AgentRegistry()
>>> replies = [{"action": "invoke", "target": "Writer", "request": "go"}, "done"]
>>> planner = ScriptedAgent("Planner", replies, registry=mine)
>>> import asyncio
>>> from mars_nb import StepContext
>>> asyncio.run(planner._run("plan it", StepContext(branch_id="b0")))
Invoke(agent='Writer', request='go')
>>> planner.calls[0].request, planner.calls[0].step_id
('plan it', 'b0#1')
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.actions import AskUser, EndConversation, Final, Invoke, Parallel
from mars_nb.agents.agent import Agent
from mars_nb.agents.replies import hand_over
from mars_nb.errors import AgentError, MarsError, did_you_mean

if TYPE_CHECKING:
    from mars_nb.agents.context import StepContext
    from mars_nb.agents.registry import AgentRegistry

_ACTIONS = ("invoke", "parallel", "final", "ask_user", "end_conversation", "reply", "raise")


class ScriptEnded(MarsError, AssertionError):
    """A scripted agent was asked once more than its script has replies."""


class Call(msgspec.Struct, frozen=True):
    """One time that a scripted agent was asked.

    Parameters
    ----------
    agent : str
        Who was asked.
    request : content
        What it was asked.
    memory : tuple of mapping
        What it remembered.
    step_id, branch_id : str
        Where in the run.
    position : int
        Counted from 0 over all agents of the stage, in the order in which they started.
    """

    agent: str
    request: Any
    memory: tuple[Mapping[str, Any], ...]
    step_id: str
    branch_id: str
    position: int


class Stage:
    """What several agents do together: who was asked, in which order, and how many worked at once.

    Attributes
    ----------
    calls : list of Call
        Every call, in the order in which they started.
    n_running, n_running_max : int
        How many agents work now, and how many did at most.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.n_running = 0
        self.n_running_max = 0

    @property
    def order(self) -> list[str]:
        """Names of the agents, in the order in which they started."""
        return [call.agent for call in self.calls]

    def enter(self, agent: str, request: Any, context: StepContext) -> Call:
        """Write down that an agent starts to work."""
        remembered = tuple(dict(message) for message in context.memory)
        call = Call(agent, hand_over(request), remembered, context.step_id, context.branch_id, len(self.calls))
        self.calls.append(call)
        return call

    @contextmanager
    def working(self) -> Iterator[None]:
        """Count whoever is inside as working."""
        self.n_running += 1
        self.n_running_max = max(self.n_running_max, self.n_running)
        try:
            yield
        finally:
            self.n_running -= 1


class _StageAgent(Agent):
    """An agent that plays on a stage."""

    def __init__(self, name: str, *, corrections: int, registry: AgentRegistry | None, stage: Stage | None) -> None:
        super().__init__(name=name, corrections=corrections, registry=registry)
        self.stage = Stage() if stage is None else stage
        self.calls: list[Call] = []

    async def _run(self, request: Any, context: StepContext) -> Any:
        self.calls.append(self.stage.enter(self.name, request, context))
        with self.stage.working():
            return await self._play(request, context)

    @abstractmethod
    async def _play(self, request: Any, context: StepContext) -> Any:
        """Give the reply."""


class ScriptedAgent(_StageAgent):
    """Gives prepared replies, in the order in which its steps happen.

    Parameters
    ----------
    name : str
        Name of the agent.
    replies : iterable
        Each is content, an action, an exception (raised), a function ``(request, context) -> reply``, or a mapping
        ``{"action": "invoke" | "parallel" | "final" | "ask_user" | "end_conversation" | "reply" | "raise", ...}`` with,
        as wanted, ``"delay"`` (seconds) and ``"repeat"`` (a number, or ``"forever"``).
    corrections : int
        How often it is asked again within a step when a reply is not allowed; each time takes the next reply.
    registry : AgentRegistry, optional
        Where to enter; default: the one of the process.
    stage : Stage, optional
        Shared with other agents, to see who worked when; default: one of its own.
    n_played : int
        How many replies were given before, by an agent of the same script in another process.

    Attributes
    ----------
    calls : list of Call
        What this agent was asked, in order.

    Raises
    ------
    AgentError
        If a mapping names an action that does not exist.
    """

    def __init__(
        self,
        name: str,
        replies: Iterable[Any],
        *,
        corrections: int = 2,
        registry: AgentRegistry | None = None,
        stage: Stage | None = None,
        n_played: int = 0,
    ) -> None:
        script = [_checked(each) for each in replies]
        super().__init__(name, corrections=corrections, registry=registry, stage=stage)
        self._left = itertools.islice(_played(script), n_played, None)

    async def _play(self, request: Any, context: StepContext) -> Any:
        try:
            item = next(self._left)
        except StopIteration:
            raise ScriptEnded(
                f"scripted agent {self.name!r} was asked {len(self.calls)} times, which is more than it has replies; "
                f"the last request was {str(request)[:60]!r}",
            ) from None
        return await _performed(item, request, context)


class PlainAgent(_StageAgent):
    """Answers ``"<name>#<n>"``, n counting its steps from 1, whatever it is asked.

    Parameters
    ----------
    name : str
        Name of the agent.
    registry : AgentRegistry, optional
        Where to enter; default: the one of the process.
    stage : Stage, optional
        Shared with other agents; default: one of its own.
    n_played : int
        How many steps were answered before, in another process.
    """

    def __init__(
        self,
        name: str,
        *,
        registry: AgentRegistry | None = None,
        stage: Stage | None = None,
        n_played: int = 0,
    ) -> None:
        super().__init__(name, corrections=0, registry=registry, stage=stage)
        self._n_played = n_played

    async def _play(self, _request: Any, _context: StepContext) -> Any:
        return f"{self.name}#{len(self.calls) + self._n_played}"


def plain(name: str, *, registry: AgentRegistry | None = None, stage: Stage | None = None) -> PlainAgent:
    """Make an agent that answers ``"<name>#<n>"``.

    Parameters
    ----------
    name : str
        Name of the agent.
    registry : AgentRegistry, optional
        Where to enter; default: the one of the process.
    stage : Stage, optional
        Shared with other agents; default: one of its own.

    Returns
    -------
    PlainAgent
        The agent.
    """
    return PlainAgent(name, registry=registry, stage=stage)


def _checked(item: Any) -> Any:
    if _is_direction(item) and item["action"] not in _ACTIONS:
        hint = did_you_mean(str(item["action"]), _ACTIONS)
        raise AgentError(f"a script has no action {item['action']!r}{hint}; expected one of {', '.join(_ACTIONS)}")
    return item


def _is_direction(item: Any) -> bool:
    return isinstance(item, Mapping) and "action" in item


def _played(script: list[Any]) -> Iterator[Any]:
    for item in script:
        repeat = item.get("repeat", 1) if _is_direction(item) else 1
        yield from itertools.repeat(item) if repeat == "forever" else itertools.repeat(item, int(repeat))


async def _performed(item: Any, request: Any, context: StepContext) -> Any:
    if _is_direction(item):
        if delay_s := item.get("delay"):
            await asyncio.sleep(delay_s)
        return _reply(item)
    if isinstance(item, BaseException) or (isinstance(item, type) and issubclass(item, BaseException)):
        raise item
    if callable(item):
        reply = item(request, context)
        return await reply if inspect.isawaitable(reply) else reply
    return item


def _reply(item: Mapping[str, Any]) -> Any:
    match item["action"]:
        case "invoke":
            return Invoke(item.get("target") or "", item.get("request"))
        case "parallel":
            return Parallel([(agent, request) for agent, request in item.get("targets", ())])
        case "final":
            return Final(item.get("content"))
        case "ask_user":
            return AskUser(item["prompt"])
        case "end_conversation":
            return EndConversation(item.get("content"))
        case "raise":
            raise RuntimeError(item.get("message", "raised by the script"))
        case _:
            return item.get("content")
