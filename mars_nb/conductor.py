"""The conductor: it wires a topology, agents, rules and a journal together, and conducts the run.

`Orchestra` and `Session` are the two doors to it. It owns what outlives a single run: the event bus, and which sessions
are live in this process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.agents.content import as_content
from mars_nb.agents.people import as_person
from mars_nb.agents.registry import checked_agent
from mars_nb.agents.secrets import without_secrets
from mars_nb.engine.plan import Plan
from mars_nb.engine.rules import DEFAULT_MAX_BRANCHES, RulesEngine
from mars_nb.engine.state import RunState
from mars_nb.errors import MarsError, SessionError, TopologyError
from mars_nb.event_bus import EventBus
from mars_nb.events import RunStarted
from mars_nb.execution.casting import speaking
from mars_nb.execution.loop import Cast, RunLoop
from mars_nb.topology.convert import ensure_topology
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.model import Topology
from mars_nb.topology.rules import MaxStepsRule
from mars_nb.views.history import History
from mars_nb.views.result import OrchestraResult, result_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.agents.agent import Agent
    from mars_nb.agents.registry import AgentRegistry
    from mars_nb.events import Event, Profile
    from mars_nb.execution.recorded import Recorded
    from mars_nb.state.journal import Journal
    from mars_nb.topology.rules import Rule


class Conductor:
    """Conducts runs.

    Parameters
    ----------
    registry : AgentRegistry
        Who can be asked.
    rules : iterable of Rule or str
        Rules that hold for every run, in addition to those of its topology.
    user : callable, list of str or mapping, optional
        How a person is reached.
    max_branches : int
        Branches that may be alive at once in one run.
    model : str, mapping or ModelConfig, optional
        Which model speaks, for every agent that has no function.

    Attributes
    ----------
    event_bus : EventBus
        Tells what happens in every run.
    live : dict of str to RunLoop
        What is running now, by session id.
    history : History or None
        The run that was begun last.
    """

    def __init__(
        self,
        registry: AgentRegistry,
        *,
        rules: Iterable[Rule | str] = (),
        user: object = None,
        max_branches: int = DEFAULT_MAX_BRANCHES,
        model: object = None,
    ) -> None:
        self.model = model
        self.registry = registry
        self.rules = Topology(rules=rules).rules
        self.user = user
        self.max_branches = checked_limit("max_branches", max_branches)
        self.event_bus = EventBus()
        self.live: dict[str, RunLoop] = {}
        self.history: History | None = None

    def drawn(self, topology: Any) -> Topology:
        """Give the canonical form of a topology, with the rules that hold for every run."""
        return with_rules(ensure_topology(topology), self.rules)

    def check_not_live(self, session_id: str) -> None:
        """Refuse to touch a session that is running."""
        if session_id in self.live:
            raise SessionError(f"session {session_id!r} is running; pause it first")

    def cast(
        self,
        topology: Any,
        max_steps: object,
        user: object,
        agents: Iterable[Agent] | None = None,
        *,
        model: object = None,
        profiles: Mapping[str, Profile] | None = None,
    ) -> Cast:
        """Give who takes part, and by which rules.

        Raises
        ------
        TopologyError
            When the topology is wrong, or an agent is missing.
        ModelUnavailable
            When a model could not answer: a package or a key is missing.
        """
        drawn = self.drawn(topology)
        known = {name: self.registry.get(name) for name in self.registry.names()}
        known |= {each.name: each for each in map(checked_agent, (*drawn.agents.values(), *(agents or ())))}
        graph = TopologyAnalyzer().analyze(drawn, known)
        if len(graph.entries) > self.max_branches:
            raise TopologyError(
                f"{len(graph.entries):,} entries would be as many live branches, more than max_branches="
                f"{self.max_branches:,}; raise it, or let one agent spread the task"
            )
        limit = None if max_steps is None else checked_limit("max_steps", max_steps)
        rules = RulesEngine(drawn.rules, max_steps=limit, max_branches=self.max_branches)
        person = as_person(self.user if user is None else user)
        wanted = self.model if model is None else model
        models = speaking([known[name] for name in graph.agents], wanted, profiles or {}, rules.budget_usd)
        return Cast(drawn, Plan(graph, rules), known, person, models)

    def started(self, cast: Cast, task: Any, values: dict[str, Any], *, is_kept: bool) -> RunStarted:
        """Give the first event of a run."""
        return RunStarted(
            task=task,
            topology=cast.topology.to_text(),
            context=values,
            max_steps=cast.plan.rules.max_steps,
            agents=cast.digests() if is_kept else {},
            can_ask=cast.person is not None or is_kept,
            has_person=cast.person is not None,
            max_branches=self.max_branches,
            profiles=cast.profiles(),
        )

    async def conduct(
        self,
        cast: Cast,
        events: Sequence[Event],
        session_id: str,
        journal: Journal,
        *,
        state: RunState | None = None,
        worked: float = 0.0,
        recorded: Recorded | None = None,
        can_pause: bool = True,
        run_key: str | None = None,
    ) -> OrchestraResult:
        """Run, from the first event or from a state, to the end or the next pause; the journal is closed then."""
        history = self.history = History(cast.topology, state or RunState(cast.plan), journal)
        loop = RunLoop(
            state=history.state,
            journal=journal,
            bus=self.event_bus,
            cast=cast,
            run_key=run_key or session_id,
            worked_s=worked,
            recorded=recorded,
            can_pause=can_pause,
        )
        if can_pause:
            self.live[session_id] = loop
        try:
            await loop.run(events)
            return result_of(history, session_id=session_id, n_cancelled=loop.n_cancelled)
        finally:
            if can_pause:
                del self.live[session_id]
            journal.close()


def with_rules(topology: Topology, rules: Iterable[Rule | str] | None, max_steps: int | None = None) -> Topology:
    """Give a topology in which these rules take the place of those with the same subject."""
    added = [*Topology(rules=rules or ()).rules]
    added += [] if max_steps is None else [MaxStepsRule(steps=checked_limit("max_steps", max_steps))]
    if not added:
        return topology
    subjects = {rule.subject for rule in added}
    kept = [rule for rule in topology.rules if rule.subject not in subjects]
    nodes = [topology.agents.get(name, name) for name in topology.nodes]
    return Topology(nodes, topology.edges, (*kept, *added), topology.entry)


def checked_context(context: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give what ``context=`` was given as content."""
    if context is None:
        return {}
    try:
        values = dict(context)
    except (TypeError, ValueError):
        kind = type(context).__name__
        raise MarsError(f"context is a {kind}; expected a mapping such as {{'department': 'sales'}}") from None
    return dict(without_secrets(as_content(values)))


def checked_limit(name: str, limit: object) -> int:
    """Give a limit back if it can be one."""
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise TopologyError(f"{name}={limit!r} does not fit; expected a whole number from 1")
    return limit
