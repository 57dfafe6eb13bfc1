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
from typing import TYPE_CHECKING, Any, cast

from mars_nb.agents.content import as_content
from mars_nb.agents.people import as_person
from mars_nb.agents.registry import AgentRegistry
from mars_nb.engine.folding import replay
from mars_nb.engine.plan import Plan
from mars_nb.engine.rules import DEFAULT_MAX_BRANCHES, RulesEngine
from mars_nb.engine.state import RunState
from mars_nb.errors import MarsError, SessionError, TopologyError
from mars_nb.event_bus import EventBus
from mars_nb.events import CheckpointCreated, Restored, RunStarted, TopologyChanged
from mars_nb.execution.loop import Cast, RunLoop
from mars_nb.execution.recorded import Recorded
from mars_nb.execution.resumption import resumption
from mars_nb.session import Session
from mars_nb.state import positions
from mars_nb.state.journal import MemoryJournal
from mars_nb.state.manager import StateManager, worked_s
from mars_nb.state.names import check_id, new_session_id
from mars_nb.topology.convert import ensure_topology
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.model import Topology
from mars_nb.topology.rules import MaxStepsRule, parse_rule
from mars_nb.views.history import History, history_of
from mars_nb.views.result import OrchestraResult, describe_state, result_of
from mars_nb.views.why import why

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Mapping, Sequence

    from mars_nb.agents.agent import Agent
    from mars_nb.events import Event
    from mars_nb.state.journal import Journal
    from mars_nb.state.record import Record
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
        self._live: dict[str, RunLoop] = {}

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
        wanted = values.get("session_id")
        cast_ = self._cast(topology, max_steps, user)
        started = self._started(cast_, as_content(task), values)
        if self.state_manager is None:
            return await self._conduct(cast_, [started], wanted or new_session_id(), MemoryJournal())
        name = self.state_manager.make(wanted, {"task": started.task, "context": values})
        return await self._conduct(cast_, [started], name, self.state_manager.open(name))

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
        values = _checked_context(context)
        header = {"task": as_content(task), "context": values}
        name = self.state_manager.make(session_id or values.get("session_id"), header)
        return Session(name, self, user=user)

    def session(self, session_id: str, *, user: object = None) -> Session:
        """Give a session that was made before, in this process or another.

        Raises
        ------
        SessionNotFound
            When there is none of this id.
        """
        self._manager().backend.header(session_id)
        return Session(session_id, self, user=user)

    async def run_session(
        self, session_id: str, topology: Any, *, max_steps: int | None = None, user: object = None
    ) -> OrchestraResult:
        """Run the task of a session that was created; see `Session.run`."""
        manager = self._manager()
        self._check_not_live(session_id)
        if manager.records(session_id):
            raise SessionError(f"session {session_id!r} has run already; resume it, fork it, or create another one")
        header = manager.backend.header(session_id)
        cast_ = self._cast(topology, max_steps, user)
        started = self._started(cast_, header["task"], header["context"])
        return await self._conduct(cast_, [started], session_id, manager.open(session_id))

    async def pause_session(self, session_id: str, *, now: bool = False) -> bool:
        """Let no further step of a session start, and return when the running ones are over.

        Parameters
        ----------
        session_id : str
            Which session.
        now : bool
            Cancel the running steps instead; they are asked again when the session is resumed.

        Returns
        -------
        bool
            Whether it is paused; False when it was not running here.
        """
        self._manager()
        loop = self._live.get(session_id)
        if loop is None:
            return False
        loop.pause("you asked for it", now=now)
        if not loop.runs_in(asyncio.current_task()):
            await loop.wait()
        return loop.state.status in ("paused", "running")

    async def resume_session(
        self,
        session_id: str,
        *,
        topology: Any = None,
        rules: Iterable[Rule | str] | None = None,
        max_steps: int | None = None,
        agents: Iterable[Agent] | None = None,
        user: object = None,
    ) -> OrchestraResult:
        """Go on with a session from where its journal leaves it, in this process or a new one.

        A completed step is never asked again; what was running, or had failed, is.

        Parameters
        ----------
        session_id : str
            Which session.
        topology : dict, str, PatternConfig or Topology, optional
            Go on under another topology.
        rules : iterable of Rule or str, optional
            Rules that take the place of those with the same subject.
        max_steps : int, optional
            Another limit.
        agents : iterable of Agent, optional
            Agents that take the place of those of the same name.
        user : callable, list of str or mapping, optional
            How a person is reached.

        Returns
        -------
        OrchestraResult
            What it gave; that of a session which succeeded is given again, without asking anybody.

        Raises
        ------
        SessionNotFound
            When there is no session of this id.
        SessionError
            When it never ran, or is running here.
        JournalLocked
            When it is running elsewhere.
        TopologyError
            When a branch stands at an agent that is gone, or the topology is wrong.
        """
        manager = self._manager()
        self._check_not_live(session_id)
        records = manager.records(session_id)
        past = history_of(records)
        if past.state.status == "succeeded":
            return result_of(past, session_id=session_id)
        drawn = past.topology if topology is None else self._ensure_topology(topology)
        limit = _limit(records, drawn) if max_steps is None else max_steps
        cast_ = self._cast(_with_rules(drawn, rules, max_steps), limit, user, agents)
        going_on = resumption(records, cast_)
        return await self._conduct(
            cast_,
            going_on.events,
            session_id,
            manager.open(session_id),
            state=going_on.state,
            worked=worked_s(records),
            recorded=Recorded.of(manager.parent_events(session_id)),
        )

    async def create_checkpoint(self, session_id: str, checkpoint_name: str) -> str:
        """Name the present position of a session; copies nothing.

        Returns
        -------
        str
            Id of the checkpoint, ``"session@name"``.

        Raises
        ------
        SessionError
            When the name is malformed or the session never ran.
        """
        manager = self._manager()
        event = CheckpointCreated(check_id(checkpoint_name, "checkpoint"))
        if session_id in self._live:
            self._live[session_id].tell(event)
        else:
            history_of(manager.records(session_id))
            manager.append(session_id, event)
        return f"{session_id}@{checkpoint_name}"

    async def restore_checkpoint(self, checkpoint_id: str) -> dict[str, Any]:
        """Go back to a position of a session; what came after stays in its journal.

        Parameters
        ----------
        checkpoint_id : str
            As `create_checkpoint` gave it, or ``"session@seq"``, or ``"session@Writer#2"``.

        Returns
        -------
        dict
            The state there: ``session_id``, ``checkpoint``, ``seq``, ``status``, ``task``, ``context``,
            ``total_steps``, ``branches`` and ``responses``. The session is paused; resume it to go on from there.

        Raises
        ------
        SessionError
            When there is no such position, or the session is running.
        """
        manager = self._manager()
        session_id, _, where = checkpoint_id.partition("@")
        self._check_not_live(session_id)
        records = manager.records(session_id)
        seq = positions.find(records, where)
        state = describe_state(history_of(positions.until(records, seq)))
        manager.append(session_id, Restored(seq))
        return {"session_id": session_id, "checkpoint": where, "seq": seq, **state}

    async def fork_session(
        self, session_id: str, at: int | str, *, edit: Any = None, new_id: str | None = None
    ) -> Session:
        """Make a session that goes on from a position of another, which stays as it is; see `Session.fork`."""
        manager = self._manager()
        records = manager.records(session_id)
        seq = positions.find(records, at)
        kept = positions.until(records, seq)
        history_of(kept)
        if edit is not None:
            kept = positions.edited(kept, as_content(edit))
        header = {**manager.backend.header(session_id), "parent": {"session": session_id, "seq": seq}}
        return Session(manager.make(new_id, header, records=kept), self)

    def session_at(self, session_id: str, at: int | str | None = None) -> OrchestraResult:
        """Give what a session was at a position, default: what it is now; see `Session.at`."""
        records = self._manager().records(session_id)
        kept = records if at is None else positions.until(records, positions.find(records, at))
        return result_of(history_of(kept), session_id=session_id)

    async def replay_session(self, session_id: str, *, speed: float | None = None) -> OrchestraResult:
        """Play a session again without asking anybody, and tell the event bus; see `Session.replay`."""
        records = self._manager().records(session_id)
        at = {record.seq: record.at for record in records}
        last = at.get(1, 0.0)
        state = None
        for seq, event, state in replay((record.seq, record.event) for record in records):  # noqa: B007 (the last one counts)
            if speed:
                await asyncio.sleep(max(0.0, at[seq] - last) / speed)
            last = at[seq]
            self.event_bus.publish(event)
        past = history_of(records)
        return result_of(History(past.topology, state or past.state, past.journal), session_id=session_id)

    def why(self, session_id: str, step: str) -> str:
        """Say which events and which rule made a step of a session run; see `mars_nb.views.why`."""
        return why(self._manager().records(session_id), step)

    def describe_session(self, session_id: str) -> dict[str, Any]:
        """Give what is known of a session; the fields are those of `StateManager.list_sessions`."""
        return self._manager().describe(session_id)

    def _ensure_topology(self, topology: Any) -> Topology:
        """Give the canonical form of a topology, with the rules of this orchestra; see `ensure_topology`."""
        return _with_rules(ensure_topology(topology), self.rule_factory_config)

    def _manager(self) -> StateManager:
        if self.state_manager is None:
            raise SessionError("sessions need a state manager; Orchestra(state_manager=StateManager(...)) keeps them")
        return self.state_manager

    def _check_not_live(self, session_id: str) -> None:
        if session_id in self._live:
            raise SessionError(f"session {session_id!r} is running; pause it first")

    def _cast(self, topology: Any, max_steps: object, user: object, agents: Iterable[Agent] | None = None) -> Cast:
        drawn = self._ensure_topology(topology)
        known = {name: self.agent_registry.get(name) for name in self.agent_registry.names()}
        known |= cast("dict[str, Agent]", dict(drawn.agents.items()))
        known |= {each.name: each for each in agents or ()}
        graph = TopologyAnalyzer().analyze(drawn, known)
        rules = RulesEngine(drawn.rules, max_steps=_checked_max_steps(max_steps), max_branches=self.max_branches)
        person = as_person(self.user if user is None else user)
        return Cast(drawn, Plan(graph, rules), known, person)

    def _started(self, cast_: Cast, task: Any, values: dict[str, Any]) -> RunStarted:
        is_kept = self.state_manager is not None
        return RunStarted(
            task=task,
            topology=cast_.topology.to_text(),
            context=values,
            max_steps=cast_.plan.rules.max_steps,
            agents=cast_.digests() if is_kept else {},
            can_ask=cast_.person is not None or is_kept,
            has_person=cast_.person is not None,
            max_branches=self.max_branches,
        )

    async def _conduct(
        self,
        cast_: Cast,
        events: Sequence[Event],
        session_id: str,
        journal: Journal,
        *,
        state: RunState | None = None,
        worked: float = 0.0,
        recorded: Recorded | None = None,
    ) -> OrchestraResult:
        """Run, from the first event or from a state, to the end or the next pause."""
        history = self.history = History(cast_.topology, state or RunState(cast_.plan), journal)
        loop = RunLoop(
            state=history.state,
            journal=journal,
            bus=self.event_bus,
            cast=cast_,
            run_key=session_id,
            worked_s=worked,
            recorded=recorded,
        )
        self._live[session_id] = loop
        try:
            await loop.run(events)
            return result_of(history, session_id=session_id, n_cancelled=loop.n_cancelled)
        finally:
            del self._live[session_id]
            journal.close()


def run_coroutine(coroutine: Coroutine[Any, Any, OrchestraResult]) -> OrchestraResult:
    """Run a coroutine to its end where one cannot await."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    import nest_asyncio2

    nest_asyncio2.apply(loop)
    return loop.run_until_complete(coroutine)


def _with_rules(topology: Topology, rules: Iterable[Rule | str] | None, max_steps: int | None = None) -> Topology:
    """Give a topology in which these rules take the place of those with the same subject."""
    added = [parse_rule(rule) if isinstance(rule, str) else rule for rule in rules or ()]
    added += [] if max_steps is None else [MaxStepsRule(steps=max_steps)]
    if not added:
        return topology
    subjects = {rule.subject for rule in added}
    kept = [rule for rule in topology.rules if rule.subject not in subjects]
    nodes = [topology.agents.get(name, name) for name in topology.nodes]
    return Topology(nodes, topology.edges, (*kept, *added), topology.entry)


def _limit(records: list[Record], topology: Topology) -> int | None:
    """Give the limit that a run had, unless a rule says it."""
    if any(isinstance(rule, MaxStepsRule) for rule in topology.rules):
        return None
    limits = [each.event.max_steps for each in records if isinstance(each.event, RunStarted | TopologyChanged)]
    return limits[-1]


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
