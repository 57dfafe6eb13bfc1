"""The trace: one record a step, kept by the fold for the tables, the result and the pictures.

A record holds sequence numbers, not times: the engine knows no clock, and the journal knows when each event was
written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mars_nb.actions import Action
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.events import Event, ModelResponded, QuestionAnswered, StepCompleted, StepFailed


class StepTrace:
    """What is known of one step.

    Attributes
    ----------
    branch_id, agent : str
        Whose step it is.
    step, attempt : int
        Number within the branch, and of the last attempt, both from 1.
    status : str
        ``"running"``, ``"completed"`` or ``"failed"``.
    request, content : JSON value
        What was asked, and the plain content of the reply.
    action : Action or None
        The reply, if it was an action.
    is_recorded : bool
        Whether the reply was taken from the record of another session instead of asking.
    error : str or None
        ``"Type: message"`` of the last failed attempt.
    record : sequence of Event
        What was said within the step so far: by the model, by tools, by a person who approves. A step that is asked
        again goes on from there.
    n_responses : int
        Responses of a model, over all attempts.
    n_input_tokens, n_output_tokens, cost_usd : int, int, float or None
        What they took, of failed attempts, too; the cost is None as soon as one price is not known.
    began_seq, ended_seq : int
        Sequence numbers of the first `StepScheduled` and of the last outcome; ``ended_seq`` is 0 while it runs.
    """

    __slots__ = (
        "action", "agent", "attempt", "began_seq", "branch_id", "content", "cost_usd", "ended_seq", "error",
        "is_recorded", "n_corrections", "n_input_tokens", "n_output_tokens", "n_responses", "record", "request",
        "status", "step",
    )  # fmt: skip

    def __init__(self, branch: ExecutionBranch, seq: int) -> None:
        self.branch_id = branch.id
        self.agent = branch.agent
        self.step = branch.n_steps
        self.request = branch.request
        self.began_seq = seq
        self.ended_seq = 0
        self.attempt = 1
        self.n_corrections = 0
        self.status = "running"
        self.is_recorded = False
        self.content: Any = None
        self.action: Action | None = None
        self.error: str | None = None
        self.record: Sequence[
            Event
        ] = ()  # most steps have none, and a list each would be one more object to look after
        self.n_responses = 0
        self.n_input_tokens = 0
        self.n_output_tokens = 0
        self.cost_usd: float | None = 0.0

    @property
    def step_id(self) -> str:
        """Position of the step in the run, as ``"b0.1#3"``."""
        return f"{self.branch_id}#{self.step}"

    def complete(self, event: StepCompleted, seq: int) -> None:
        """Note the reply."""
        self.status, self.ended_seq = "completed", seq
        self.content, self.action, self.is_recorded = event.content, event.action, event.recorded
        if not self.n_responses:
            self.n_input_tokens, self.n_output_tokens = event.n_input_tokens, event.n_output_tokens
            self.cost_usd = event.cost_usd

    def say(self, event: Event) -> None:
        """Note what was said within the step."""
        if isinstance(self.record, list):
            self.record.append(event)
        else:
            self.record = [event]

    def respond(self, event: ModelResponded) -> None:
        """Note what a model said, and what it took."""
        self.say(event)
        self.n_responses += 1
        self.n_input_tokens += event.n_input_tokens
        self.n_output_tokens += event.n_output_tokens
        known = self.cost_usd is not None and event.cost_usd is not None
        self.cost_usd = (self.cost_usd or 0.0) + (event.cost_usd or 0.0) if known else None

    def answer(self, event: QuestionAnswered, seq: int) -> None:
        """Note what a person said about a tool call."""
        if event.error:
            self.status, self.ended_seq, self.error = "failed", seq, f"NobodyToAsk: {event.error}"
        else:
            self.say(event)

    def fail(self, event: StepFailed, seq: int) -> None:
        """Note the failure of an attempt."""
        self.status, self.ended_seq = "failed", seq
        self.error = f"{event.error}: {event.message}"
