"""The loop of a run: evolve by an event, route; when nothing is left, settle; then write it all, publish, and act.

Everything else here turns what happens outside into events: a step lands, a person answers, a timer rings.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.agents.context import StepContext
from mars_nb.agents.replies import as_text
from mars_nb.agents.secrets import Redactor, without_secrets
from mars_nb.engine.machine import evolve, route, settle, will_retry
from mars_nb.engine.validation import check_reply
from mars_nb.events import (
    ApprovalAsked,
    DeadlinePassed,
    PauseRequested,
    QuestionAnswered,
    QuestionAsked,
    RetryDue,
    RunEnded,
    RunPaused,
    RunResumed,
    StepCorrected,
    StepFailed,
    StepScheduled,
    StepStreamed,
)
from mars_nb.execution.branch import STEPS_PER_TURN, BranchExecutor
from mars_nb.execution.step import StepExecutor, StepRequest, describe
from mars_nb.execution.surroundings import StepSurroundings
from mars_nb.execution.timers import Alarms, Deadlines, retry_pause_s
from mars_nb.topology.model import END, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.agents.agent import Agent
    from mars_nb.agents.dialogue import Model
    from mars_nb.agents.people import Person
    from mars_nb.agents.providers import Models, Speaker
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.plan import Plan
    from mars_nb.engine.state import RunState
    from mars_nb.event_bus import EventBus
    from mars_nb.events import CheckpointCreated, Event, Profile
    from mars_nb.execution.recorded import Recorded
    from mars_nb.execution.step import Outcome
    from mars_nb.state.journal import Journal
    from mars_nb.state.record import Record
    from mars_nb.topology.model import Topology


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part in a run, and by which rules.

    Parameters
    ----------
    topology : Topology
        What the user drew.
    plan : Plan
        Its graph and its rules.
    agents : mapping of str to Agent
        Who can be asked.
    person : Person or None
        How a person is reached.
    models : mapping of str to ModelConfig or Model
        Which model speaks for each agent that has no function.
    """

    topology: Topology
    plan: Plan
    agents: Mapping[str, Agent]
    person: Person | None
    models: Mapping[str, Speaker] = field(default_factory=dict)

    def digests(self) -> dict[str, str]:
        """Give the digest of each agent that is drawn."""
        return {name: self.agents[name].digest for name in self.plan.graph.agents}

    def profiles(self) -> dict[str, Profile]:
        """Give who the agents are for which a model speaks."""
        return {name: self.agents[name].profile(config) for name, config in self.models.items()}


class RunLoop:
    """Runs one task over one topology.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    journal : Journal
        Takes every event before anything depends on it.
    bus : EventBus
        Told of every event.
    cast : Cast
        Who takes part.
    run_key : str
        Makes the idempotency keys of its steps unique.
    worked_s : float
        Seconds that the run worked before it was paused; they count against its ``timeout``.
    recorded : Recorded, optional
        Replies of another session, taken where a request is unchanged.
    can_pause : bool
        Whether somebody may pause it; then every step is a chance to be heard.

    Attributes
    ----------
    n_cancelled : int
        Steps that were running when the run ended.
    """

    def __init__(
        self,
        *,
        state: RunState,
        journal: Journal,
        bus: EventBus,
        cast: Cast,
        run_key: str,
        worked_s: float = 0.0,
        recorded: Recorded | None = None,
        can_pause: bool = True,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.state = state
        self.n_cancelled = 0
        self._journal = journal
        self._bus = bus
        self._agents = cast.agents
        self._cast = cast
        self._models: Models | None = None
        self._people = {name: cast.agents[name].description for name in cast.plan.graph.agents} | {USER: "", END: ""}
        self._person = cast.person
        self._run_key = run_key
        self._recorded = recorded
        self._worked_s = worked_s
        self._outbox: deque[Event] = deque()
        self._is_telling = False
        self._held: dict[tuple[str, int, int], str] = {}
        self._started: list[StepRequest] = []
        self._asking: asyncio.Task[None] | None = None
        self._over: asyncio.Future[None] = loop.create_future()
        self._alarms = Alarms(loop)
        self._deadlines = Deadlines(loop)
        self._redactor = Redactor.of_process()
        steps = StepExecutor(self._validate, self._corrected, recorded, self._redactor)
        rules = cast.plan.rules  # a resumed state has those of before until `TopologyChanged` is written
        self._timeout_s = rules.timeout_s
        self._jobs = BranchExecutor(
            steps,
            deadlines=self._deadlines,
            timeout_s=rules.step_timeout_s,
            land=self._land,
            broke=self._break_off,
            steps_per_turn=1 if can_pause else STEPS_PER_TURN,
        )

    async def run(self, first: Sequence[Event]) -> None:
        """Write the first events and all that follows from them, until the run is over or paused.

        Raises
        ------
        StorageError
            When the journal cannot be written.
        """
        try:
            timeout_s = self._timeout_s
            if timeout_s is not None:
                left_s = max(0.0, timeout_s - self._worked_s)
                self._alarms.after(left_s, lambda: self.tell(DeadlinePassed(timeout_s)))
            self.tell(*first)
            await asyncio.shield(self._over)
        except asyncio.CancelledError:
            self._advance([RunEnded("cancelled", "the run was cancelled; every result so far is kept")])
            raise
        finally:
            await self._stop()

    def tell(self, *events: Event) -> None:
        """Write events that came from outside, and start the steps that follow from them."""
        try:
            self._advance(events)
            self._jobs.start(self._take_started())
        except Exception as error:  # noqa: BLE001 (whoever awaits the run hears of it)
            self._break_off(error)

    def _advance(self, events: Iterable[Event]) -> None:
        """Write events and all that follows from them, as one commit, before anybody hears of them."""
        if self._over.done():
            return
        state, recorded, queue, written = self.state, self._recorded, deque(events), []
        while queue:
            event = queue.popleft()
            evolve(state, event)
            written.append(event)
            queue.extend(route(state, event))
            if recorded and not queue:
                queue.extend(self._known_answers(recorded))
            if not queue:
                queue.extend(settle(state))
        self._journal.append_many(written)
        self._outbox.extend(written)
        if not self._is_telling:
            self._tell_all()

    def _known_answers(self, recorded: Recorded) -> list[Event]:
        """Give what the person answered to the open questions in the session that this one was forked from."""
        found = [recorded.answer(branch) for branch in self.state.questions]
        return [msgspec.structs.replace(each, recorded=True) for each in found if each]

    def _tell_all(self) -> None:
        """Publish and act in the order of the journal, also when a listener causes events itself."""
        self._is_telling = True
        try:
            while self._outbox:
                event = self._outbox.popleft()
                self._bus.publish(event)
                if type(event) in ACTED_ON:
                    self._act(event)
        finally:
            self._is_telling = False

    def _act(self, event: Event) -> None:
        """Do what an event asks of the world outside."""
        match event:
            case StepScheduled():
                self._started.append(self._request(self.state.branches[event.branch], event))
            case StepFailed():
                self._maybe_retry(event)
            case QuestionAsked() | QuestionAnswered() | ApprovalAsked():
                self._ask_next()
            case RunEnded() | RunPaused():
                self._over.set_result(None)
            case RunResumed():
                self._ask_next()
            case _:
                pass

    def _land(self, outcome: Outcome) -> list[StepRequest]:
        """Take the outcome of a step; give what starts next."""
        try:
            self._advance([outcome])
        except Exception as error:  # noqa: BLE001 (whoever awaits the run hears of it)
            self._break_off(error)
        return self._take_started()

    def _take_started(self) -> list[StepRequest]:
        started, self._started = self._started, []
        return started

    def _request(self, branch: ExecutionBranch, event: StepScheduled) -> StepRequest:
        agent = event.agent
        last = branch.memory.get(agent)
        context = StepContext(
            task=self.state.task,
            values=self.state.context,
            agent=agent,
            branch_id=event.branch,
            step=event.step,
            run_key=self._run_key,
            attempt=event.attempt,
            neighbours=self.state.plan.ways[agent].targets,
            failures=tuple(branch.failures),
            memory=last.messages if last else list,
            emit=partial(self._stream, event),
            surroundings=None if self._agents[agent].kind == "function" else self._surroundings(branch),
        )
        return StepRequest(event.branch, event.step, event.attempt, self._agents[agent], branch.request, context)

    def _surroundings(self, branch: ExecutionBranch) -> StepSurroundings:
        return StepSurroundings(
            self.state, branch, write=self._write, model=partial(self._model, branch.agent), people=self._people
        )

    def _write(self, event: Event) -> None:
        """Write what was said within a step; where the run is over already, nothing more is to be done in it."""
        if self._over.done():
            raise asyncio.CancelledError
        self._advance([event])
        self._jobs.start(self._take_started())

    def _model(self, agent: str) -> Model:
        from mars_nb.agents import providers

        if self._models is None:
            self._models = providers.Models()
        return self._models.get(
            self._cast.models.get(agent) or providers.chosen(None, self._agents[agent].model_config)
        )

    def _stream(self, event: StepScheduled, text: str) -> None:
        """Tell listeners a piece of a reply; what could yet become a secret waits for the next piece, or the reply."""
        key = event.branch, event.step, event.attempt
        shown, self._held[key] = self._redactor.piece(self._held.get(key, "") + text)
        if shown:
            self._bus.publish(StepStreamed(event.branch, event.step, event.agent, shown))

    def _validate(self, branch: str, reply: Any) -> None:
        check_reply(self.state, self.state.branches[branch], reply)

    def _corrected(self, asked: StepRequest, correction: str) -> None:
        self._advance([StepCorrected(asked.branch, asked.step, self._redactor.text(correction))])

    def _maybe_retry(self, event: StepFailed) -> None:
        if will_retry(self.state.plan, self.state.branches[event.branch], event):
            due = RetryDue(event.branch, event.step)
            self._alarms.after(retry_pause_s(event.attempt), lambda: self.tell(due))

    def _ask_next(self) -> None:
        """Put the first question to the person, unless one is open."""
        if self.state.questions and self._asking is None and self._person:
            self._asking = asyncio.ensure_future(self._ask(self.state.questions[0]))

    async def _ask(self, branch: ExecutionBranch) -> None:
        answer = await _answer(self._person, branch.id, as_text(branch.question))
        self._asking = None
        self.tell(answer)

    def pause(self, reason: str, *, now: bool = False) -> None:
        """Let no further step start, and pause when the running ones are over, or at once."""
        if not self.state.is_pausing or (now and not self.state.pauses_now):
            self.tell(PauseRequested(reason, now))

    def note(self, event: CheckpointCreated) -> None:
        """Write an event that changes nothing, even when the run is just over."""
        self._journal.append(event)
        evolve(self.state, event)
        self._bus.publish(event)

    def records(self) -> list[Record]:
        """Give the journal as it is now, also what is not on the disk yet."""
        return list(self._journal.records())

    async def wait(self) -> None:
        """Return when the run is over or paused."""
        await asyncio.wait([self._over])

    def is_around(self) -> bool:
        """Tell whether the caller is a step of this run, or something that one of them started."""
        return self._jobs.is_around()

    def _break_off(self, error: BaseException) -> None:
        """Let whoever awaits the run hear of an error that is no agent's."""
        if not self._over.done():
            known = isinstance(error, Exception | KeyboardInterrupt)
            self._over.set_exception(error if known else RuntimeError(f"{type(error).__name__} stopped a step's task"))

    async def _stop(self) -> None:
        self._alarms.close()
        self._deadlines.close()
        if self._asking:
            self._asking.cancel()
        self.n_cancelled = await self._jobs.stop()
        if self._models:
            await self._models.close()


async def _answer(person: Person | None, branch: str, question: str) -> QuestionAnswered:
    if person is None:
        return QuestionAnswered(branch, "", "nobody can be reached; give user= a function or a list of replies")
    try:
        return QuestionAnswered(branch, without_secrets(await person.ask(question)))
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        return QuestionAnswered(branch, "", "the one who was asked was cancelled")
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 (the person's own code failed: that is an answer, too)
        return QuestionAnswered(branch, "", describe(error))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


ACTED_ON = frozenset(
    {StepScheduled, StepFailed, QuestionAsked, QuestionAnswered, ApprovalAsked, RunEnded, RunPaused, RunResumed}
)
"""Events that ask something of the world outside."""
