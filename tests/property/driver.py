"""Drives the engine by hand: no loop, no clock; one thing happens at a time, and the test says which."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

from mars_nb.actions import ACTIONS
from mars_nb.agents.replies import as_text
from mars_nb.engine.branch import BranchState
from mars_nb.engine.machine import RunState, evolve, route, settle, will_retry
from mars_nb.engine.plan import plan_of
from mars_nb.engine.validation import check_reply
from mars_nb.errors import MarsError
from mars_nb.events import (
    QuestionAnswered,
    RetryDue,
    RunEnded,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepScheduled,
)
from mars_nb.views.answer import final_response
from tests.property.model import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.events import Event

MAX_EVENTS = 20_000


class Hangs(AssertionError):
    """Nothing runs, nobody is asked, and the run is not over."""


@dataclass(eq=False)
class Driver:
    """A run of the engine; `reply` answers for the agents, `person` for the user (None: nobody can be asked)."""

    reply: Callable[[Step], Any]
    person: Callable[[str], str] | None = None
    after_each: Callable[[RunState], None] | None = None
    events: list[Event] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    failures: dict[str, list[str]] = field(default_factory=dict)
    running: dict[str, StepScheduled] = field(default_factory=dict)
    state: RunState = field(init=False)

    def begin(self, topology: str, task: Any, *, max_steps: int = 100, max_branches: int = 1_000) -> None:
        can_ask = self.person is not None
        first = RunStarted(
            task=task,
            topology=topology,
            max_steps=max_steps,
            can_ask=can_ask,
            has_person=can_ask,
            max_branches=max_branches,
        )
        self.state = RunState(plan_of(first))
        self.tell(first)

    def tell(self, *events: Event) -> None:
        """Write events and all that follows from them."""
        queue = deque(events)
        while queue:
            event = queue.popleft()
            self.write(event)
            queue.extend(route(self.state, event))
            if not queue:
                queue.extend(settle(self.state))
        if self.state.status == "running" and not self.choices():
            raise Hangs

    def write(self, event: Event) -> None:
        self.events.append(event)
        assert len(self.events) < MAX_EVENTS
        evolve(self.state, event)
        if isinstance(event, StepScheduled):
            self.running[event.step_id] = event
        if self.after_each:
            self.after_each(self.state)

    def choices(self) -> list[str]:
        """Give what may happen next: the ids of running steps, and the id of the branch whose question is open."""
        if isinstance(self.events[-1], RunEnded):
            return []
        asking = [branch.id for branch in list(self.state.questions)[:1]]
        return sorted(self.running) + asking

    def pick(self, order: int) -> str:
        """Choose what happens next, in an order that only its number decides."""
        choices = self.choices()
        return choices[crc32(f"{order} {len(self.events)}".encode()) % len(choices)]

    def happen(self, choice: str) -> None:
        if choice in self.running:
            self.tell(*self.outcome(self.running.pop(choice)))
            return
        branch = self.state.branches[choice]
        assert branch.state is BranchState.ASKING
        assert self.person is not None
        self.tell(QuestionAnswered(choice, self.person(as_text(branch.said))))

    def outcome(self, asked: StepScheduled) -> Iterable[Event]:
        branch = self.state.branches[asked.branch]
        step = Step(asked.step_id, asked.agent, branch.request, self.memory(branch), asked.attempt)
        self.steps.append(step)
        self.failures[step.id] = [each["branch"] for each in branch.failures]
        try:
            reply = self.reply(step)
            check_reply(self.state, branch, reply)
        except (ValueError, MarsError) as error:
            failed = StepFailed(asked.branch, asked.step, type(error).__name__, str(error), asked.attempt)
            due = [RetryDue(asked.branch, asked.step)] if will_retry(self.state.plan, branch, failed) else []
            return [failed, *due]
        is_action = type(reply) in ACTIONS
        return [
            StepCompleted(
                asked.branch, asked.step, content=None if is_action else reply, action=reply if is_action else None
            )
        ]

    def memory(self, branch: ExecutionBranch) -> tuple[tuple[Any, Any], ...]:
        link = branch.memory.get(branch.agent)
        messages = link.messages() if link else []
        return tuple(
            (one["content"], other["content"]) for one, other in zip(messages[::2], messages[1::2], strict=True)
        )

    def final_response(self) -> Any:
        return final_response(self.state)

    def journal(self) -> str:
        """Give the events, one a line."""
        return "\n".join(f"{n:4} {event!r}" for n, event in enumerate(self.events, 1))
