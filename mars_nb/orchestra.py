"""Orchestra: a task and a topology in, a result out.

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
from mars_nb.agents.registry import AgentRegistry
from mars_nb.agents.secrets import without_secrets
from mars_nb.conductor import Conductor, checked_context
from mars_nb.engine.rules import DEFAULT_MAX_BRANCHES
from mars_nb.errors import AgentError, RuleError, SessionError
from mars_nb.session import Session
from mars_nb.state.journal import MemoryJournal
from mars_nb.state.manager import StateManager
from mars_nb.state.names import new_session_id

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping

    from mars_nb.agents.agent import Agent
    from mars_nb.event_bus import EventBus
    from mars_nb.topology.model import Topology
    from mars_nb.topology.rules import Rule
    from mars_nb.views.history import History
    from mars_nb.views.result import OrchestraResult


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
    model : str, mapping or ModelConfig, optional
        Which model speaks, for every agent that has no function; default: what the agent names, else what
        ``MARS_MODEL`` names, else ``"offline"``.

    Attributes
    ----------
    event_bus : EventBus
        Tells what happens in every run of this orchestra.
    """

    def __init__(
        self,
        agent_registry: AgentRegistry | None = None,
        rule_factory_config: Iterable[Rule | str] | None = None,
        state_manager: StateManager | None = None,
        *,
        user: object = None,
        max_branches: int = DEFAULT_MAX_BRANCHES,
        model: object = None,
    ) -> None:
        self.agent_registry = AgentRegistry.default() if agent_registry is None else agent_registry
        self.state_manager = state_manager
        _check_kinds(self.agent_registry, state_manager)
        self._conductor = Conductor(
            self.agent_registry, rules=rule_factory_config or (), user=user, max_branches=max_branches, model=model
        )
        self.event_bus: EventBus = self._conductor.event_bus

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
        model: object = None,
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
        model : str, mapping or ModelConfig, optional
            Which model speaks, for every agent that has no function.

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
        ModelUnavailable
            When a model could not answer, since a package or a key is missing; nothing has run then.
        """
        orchestra = cls(agent_registry, None, state_manager, user=user, model=model)
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
        model: object = None,
    ) -> OrchestraResult:
        """Run a task where one cannot await; the arguments are those of `run`.

        Inside a running event loop, such as a notebook's, the loop is made to nest (nest-asyncio2).
        """
        return run_coroutine(
            cls.run(task, topology, agent_registry, context, max_steps, state_manager, user=user, model=model)
        )

    @property
    def history(self) -> History | None:
        """The run that was begun last: what was drawn, what happened, where everybody stands."""
        return self._conductor.history

    async def execute(
        self,
        task: Any,
        topology: Any,
        context: Mapping[str, Any] | None = None,
        max_steps: int | None = None,
        *,
        user: object = None,
        model: object = None,
    ) -> OrchestraResult:
        """Run a task over a topology; the arguments are those of `run`."""
        values = checked_context(context)
        wanted = values.get("session_id")
        manager, conductor = self.state_manager, self._conductor
        cast = conductor.cast(topology, max_steps, user, model=model)
        started = conductor.started(cast, without_secrets(as_content(task)), values, is_kept=manager is not None)
        if manager is None:
            _check_can_pause(cast.plan.rules.pause_before)
            return await conductor.conduct(
                cast, [started], wanted or new_session_id(), MemoryJournal(), can_pause=False
            )
        name = manager.make(wanted, {})
        return await conductor.conduct(cast, [started], name, manager.open(name))

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
            Accepted as the reference has it; every session can be paused.
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
        values = checked_context(context)
        asked = without_secrets(as_content(task))
        name = self.state_manager.create(session_id or values.get("session_id"), asked, values)
        return self.session(name, user=user)

    def session(self, session_id: str, *, user: object = None) -> Session:
        """Give a session that was made before, in this process or another.

        Raises
        ------
        SessionNotFound
            When there is none of this id.
        """
        if self.state_manager is None:
            raise SessionError("sessions need a state manager; Orchestra(state_manager=StateManager(...)) keeps them")
        self.state_manager.backend.header(session_id)
        return Session(session_id, conductor=self._conductor, manager=self.state_manager, user=user)

    async def pause_session(self, session_id: str, *, now: bool = False) -> bool:
        """Pause a session; see `Session.pause`."""
        return await self.session(session_id).pause(now=now)

    async def resume_session(
        self,
        session_id: str,
        *,
        topology: Any = None,
        rules: Iterable[Rule | str] | None = None,
        max_steps: int | None = None,
        agents: Iterable[Agent] | None = None,
        user: object = None,
        model: object = None,
    ) -> OrchestraResult:
        """Go on with a session; see `Session.resume`."""
        return await self.session(session_id).resume(
            topology=topology, rules=rules, max_steps=max_steps, agents=agents, user=user, model=model
        )

    async def create_checkpoint(self, session_id: str, checkpoint_name: str) -> str:
        """Name the present position of a session and give the checkpoint's id; see `Session.checkpoint`."""
        return await self.session(session_id).checkpoint(checkpoint_name)

    async def restore_checkpoint(self, checkpoint_id: str) -> dict[str, Any]:
        """Go back to a checkpoint, ``"session@name"``, and give the state there; see `Session.restore`."""
        session_id, _, where = checkpoint_id.partition("@")
        return await self.session(session_id).restore(where)

    def _ensure_topology(self, topology: Any) -> Topology:
        """Give the canonical form of a topology, with the rules of this orchestra; see `ensure_topology`."""
        return self._conductor.drawn(topology)


def _check_kinds(registry: object, manager: object) -> None:
    if not isinstance(registry, AgentRegistry):
        raise AgentError(f"agent_registry= is a {type(registry).__name__}; expected an AgentRegistry")
    if not isinstance(manager, StateManager | None):
        kind = type(manager).__name__
        raise SessionError(f"state_manager= is a {kind}; expected StateManager(FileStorageBackend('.mars'))")


def _check_can_pause(agents: frozenset[str]) -> None:
    for name in sorted(agents):
        raise RuleError(
            f"'pause_before({name})' pauses a run that is kept, and this one is not; give it "
            "state_manager=StateManager(FileStorageBackend('.mars')), or leave the rule out"
        )


def run_coroutine(coroutine: Coroutine[Any, Any, OrchestraResult]) -> OrchestraResult:
    """Run a coroutine to its end where one cannot await."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(coroutine)
