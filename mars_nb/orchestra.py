"""Orchestra: a task, a topology, and the wiring between them.

Examples
--------
>>> from mars_nb import agent
>>> @agent
... async def Echo(request):
...     return f"you said {request}"
>>> result = Orchestra.run_sync("hello", "User -> Echo -> User")
>>> result.final_response
'you said hello'
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mars_nb.agents.content import as_content
from mars_nb.agents.people import as_person
from mars_nb.agents.registry import AgentRegistry
from mars_nb.engine.machine import RunState
from mars_nb.engine.plan import Plan
from mars_nb.engine.rules import DEFAULT_MAX_BRANCHES, RulesEngine
from mars_nb.errors import MarsError, TopologyError
from mars_nb.event_bus import EventBus
from mars_nb.events import RunStarted
from mars_nb.execution.loop import RunLoop
from mars_nb.session import Session
from mars_nb.state.journal import MemoryJournal
from mars_nb.state.manager import StateManager
from mars_nb.state.names import new_session_id
from mars_nb.topology.convert import ensure_topology
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.model import Topology
from mars_nb.views.history import History
from mars_nb.views.result import OrchestraResult, result_of

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from mars_nb.agents.agent import Agent
    from mars_nb.state.journal import Journal
    from mars_nb.topology.graph import TopologyGraph
    from mars_nb.topology.rules import Rule


class Orchestra:
    """Runs tasks over topologies.

    Parameters
    ----------
    agent_registry : AgentRegistry, optional
        Who can be asked; default: every agent of this process.
    rule_factory_config : iterable of Rule or str, optional
        Rules that hold for every run, in addition to those of its topology.
    state_manager : StateManager, optional
        Keeps every run as a session; default: nothing is kept.
    user : callable, list of str or mapping, optional
        How a person is reached: a sync or async function from a question to a reply, or replies.
    max_branches : int
        Branches that may be alive at once in one run.

    Attributes
    ----------
    event_bus : EventBus
        Tells what happens in every run of this orchestra.
    history : History or None
        The run that was begun last: what was drawn, what happened, where everybody stands.
    """

    def __init__(
        self,
        agent_registry: AgentRegistry | None = None,
        rule_factory_config: Iterable[Rule | str] | None = None,
        state_manager: StateManager | None = None,
        *,
        user: object = None,
        max_branches: int = DEFAULT_MAX_BRANCHES,
    ) -> None:
        self.agent_registry = AgentRegistry.default() if agent_registry is None else agent_registry
        self.rule_factory_config = tuple(rule_factory_config or ())
        self.state_manager = state_manager
        self.user = user
        self.max_branches = max_branches
        self.event_bus = EventBus()
        self.history: History | None = None

    @classmethod
    async def run(  # noqa: PLR0917 (the reference's signature)
        cls,
        task: Any,
        topology: Any,
        agent_registry: AgentRegistry | None = None,
        context: Mapping[str, Any] | None = None,
        max_steps: int | None = None,
        state_manager: StateManager | None = None,
        *,
        user: object = None,
    ) -> OrchestraResult:
        """Run a task over a topology, in one line.

        Parameters
        ----------
        task : JSON value
            What the user asks.
        topology : dict, str, PatternConfig or Topology
            Who may talk to whom.
        agent_registry : AgentRegistry, optional
            Who can be asked; default: every agent of this process.
        context : mapping, optional
            Given to every agent; ``session_id`` in it names the run.
        max_steps : int, optional
            Steps that may complete; default 100, or what a ``max_steps`` rule says.
        state_manager : StateManager, optional
            Keeps the run as a session.
        user : callable, list of str or mapping, optional
            How a person is reached.

        Returns
        -------
        OrchestraResult
            What it gave; a failure of an agent is ``success=False`` with a chain of causes, never an exception.

        Raises
        ------
        TopologyTypeError
            When this type of object cannot be a topology.
        TopologyError
            When the topology is wrong; nothing has run then.
        """
        orchestra = cls(agent_registry, None, state_manager, user=user)
        return await orchestra.execute(task, topology, context, max_steps)

    @classmethod
    def run_sync(  # noqa: PLR0917 (the reference's signature)
        cls,
        task: Any,
        topology: Any,
        agent_registry: AgentRegistry | None = None,
        context: Mapping[str, Any] | None = None,
        max_steps: int | None = None,
        state_manager: StateManager | None = None,
        *,
        user: object = None,
    ) -> OrchestraResult:
        """Run a task where one cannot await; the arguments are those of `run`.

        Inside a running event loop, such as a notebook's, the loop is made to nest (nest-asyncio2).
        """
        return run_coroutine(cls.run(task, topology, agent_registry, context, max_steps, state_manager, user=user))

    async def execute(
        self,
        task: Any,
        topology: Any,
        context: Mapping[str, Any] | None = None,
        max_steps: int | None = None,
        *,
        user: object = None,
    ) -> OrchestraResult:
        """Run a task over a topology; the arguments are those of `run`."""
        values = _checked_context(context)
        session_id = values.get("session_id")
        return await self._run(task, topology, values, max_steps, session_id=session_id, user=user)

    async def create_session(
        self,
        task: Any,
        context: Mapping[str, Any] | None = None,
        session_id: str | None = None,
        enable_pause: bool = False,  # noqa: FBT001, FBT002, ARG002 (the reference's signature; every session can pause)
        *,
        user: object = None,
    ) -> Session:
        """Make a session: a run that is kept, to be started with `Session.run`.

        Parameters
        ----------
        task : JSON value
            What the user asks.
        context : mapping, optional
            Given to every agent; ``session_id`` in it is the id where no other is given.
        session_id : str, optional
            Its id; default: a new one.
        enable_pause : bool
            Accepted as the reference has it.
        user : callable, list of str or mapping, optional
            How a person is reached.

        Returns
        -------
        Session
            With status ``"created"``.

        Raises
        ------
        SessionError
            When the id is malformed or taken.
        """
        if self.state_manager is None:
            self.state_manager = StateManager()
        values = _checked_context(context)
        wanted = session_id or values.get("session_id")
        name, journal = self.state_manager.open_new(wanted, {"task": as_content(task)})

        async def run(session: Session, topology: Any, max_steps: int | None) -> OrchestraResult:
            return await self._run(
                session.task, topology, session.context, max_steps, session_id=name, journal=journal, user=user
            )

        return Session(name, task, context=values, run=run)

    def _ensure_topology(self, topology: Any) -> Topology:
        """Give the canonical form of a topology, with the rules of this orchestra; see `ensure_topology`."""
        drawn = ensure_topology(topology)
        if not self.rule_factory_config:
            return drawn
        nodes = [drawn.agents.get(name, name) for name in drawn.nodes]
        return Topology(nodes, drawn.edges, (*drawn.rules, *self.rule_factory_config), drawn.entry)

    async def _run(
        self,
        task: Any,
        topology: Any,
        values: dict[str, Any],
        max_steps: int | None,
        *,
        session_id: str | None,
        journal: Journal | None = None,
        user: object = None,
    ) -> OrchestraResult:
        drawn = self._ensure_topology(topology)
        agents = self._agents(drawn)
        graph = TopologyAnalyzer().analyze(drawn, agents)
        rules = RulesEngine(drawn.rules, max_steps=_checked_max_steps(max_steps), max_branches=self.max_branches)
        person = as_person(self.user if user is None else user)
        name, kept = self._journal(session_id, journal, task)
        started = RunStarted(
            task=as_content(task),
            topology=drawn.to_text(),
            context=values,
            max_steps=rules.max_steps,
            agents=_digests(agents, graph) if self.state_manager else {},
            can_ask=person is not None,
            max_branches=self.max_branches,
            session_id=name,
        )
        self.history = History(drawn, RunState(Plan(graph, rules)), kept)
        loop = RunLoop(
            state=self.history.state,
            journal=kept,
            bus=self.event_bus,
            agents=agents,
            values=values,
            person=person,
            run_key=name,
        )
        history = self.history
        try:
            await loop.run(started)
            return result_of(history, session_id=name, n_cancelled=loop.n_cancelled)
        finally:
            kept.close()

    def _agents(self, topology: Topology) -> dict[str, Agent]:
        """Give who can be asked: the agents drawn as objects before those of the registry."""
        known: dict[str, Any] = {name: self.agent_registry.get(name) for name in self.agent_registry.names()}
        return known | dict(topology.agents.items())

    def _journal(self, session_id: str | None, journal: Journal | None, task: Any) -> tuple[str, Journal]:
        if journal is not None:
            return str(session_id), journal
        if self.state_manager is None:
            return session_id or new_session_id(), MemoryJournal()
        return self.state_manager.open_new(session_id, {"task": as_content(task)})


def run_coroutine(coroutine: Coroutine[Any, Any, OrchestraResult]) -> OrchestraResult:
    """Run a coroutine to its end where one cannot await."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(coroutine)


def _digests(agents: Mapping[str, Agent], graph: TopologyGraph) -> dict[str, str]:
    return {name: agents[name].digest for name in graph.agents}


def _checked_context(context: Mapping[str, Any] | None) -> dict[str, Any]:
    if context is None:
        return {}
    try:
        values = dict(context)
    except (TypeError, ValueError):
        kind = type(context).__name__
        raise MarsError(f"context is a {kind}; expected a mapping such as {{'department': 'sales'}}") from None
    return dict(as_content(values))


def _checked_max_steps(max_steps: object) -> int | None:
    if max_steps is None:
        return None
    if isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 1:
        raise TopologyError(f"max_steps={max_steps!r} does not fit; expected a whole number from 1")
    return max_steps
