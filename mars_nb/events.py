"""What happened: the frozen events that are the only truth about a run.

Everything else (the state, the result, tables, pictures, what a checkpoint means) is a fold of these in their order. An
event is in the past tense and holds what was *decided*, never what follows from it by the rules: a forked branch names
the position of its request in its parent's reply instead of repeating it, so a large reply is kept once. Events hold no
time: the shell that appends one to the journal stamps it.

None of them can be part of a reference cycle, since what they hold is content, so the garbage collector need not look
at them (``gc=False``). The union is nested, ``RunEvent | BranchEvent | StepEvent``, so that each ``match`` over it
stays small.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from mars_nb.actions import Action, ToolCall

SCHEMA_VERSION = 1
"""Raised when an old reader could misunderstand a new event."""


class AboutRun(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Something happened to the run as a whole."""


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who an agent is that a model speaks for; enough to make it again, and never a key.

    Parameters
    ----------
    model : str
        Which model speaks, such as ``"openai:gpt-5"`` or ``"offline"``.
    instructions, description : str
        What it is told, and what others are told about it.
    tools : tuple of str
        Names of the tools that it may call.
    is_own : bool
        Whether the model is the agent's own choice, not that of the run or the process.
    """

    model: str
    instructions: str = ""
    description: str = ""
    tools: tuple[str, ...] = ()
    is_own: bool = False


class RunStarted(AboutRun, frozen=True, gc=False, kw_only=True):
    """A task was given to a topology.

    Parameters
    ----------
    task : JSON value
        What the user asked.
    topology : str
        The topology as text, rules included.
    context : dict
        What ``context=`` gave to every agent.
    max_steps : int
        The limit that holds for this run.
    agents : dict of str to str
        Digest of each agent, to notice a changed one later.
    can_ask : bool
        Whether a question makes sense: a person can be reached, or the run is kept and can wait for one.
    has_person : bool
        Whether a person can be reached now.
    max_branches : int
        Most branches that may be alive at once.
    session_id : str
        Id of the session that the run belongs to.
    profiles : dict of str to Profile
        The agents for which a model speaks.
    """

    task: Any
    topology: str
    context: dict[str, Any] = {}
    max_steps: int = 100
    agents: dict[str, str] = {}
    can_ask: bool = False
    has_person: bool = False
    max_branches: int = 1_000
    session_id: str = ""
    profiles: dict[str, Profile] = {}


class DeadlinePassed(AboutRun, frozen=True, gc=False):
    """The run worked for as long as ``timeout(seconds)`` allows."""

    limit_s: float


class PauseRequested(AboutRun, frozen=True, gc=False):
    """From here on no step starts; the run pauses when the running ones are over, or at once (``now``)."""

    reason: str
    now: bool = False


class RunPaused(AboutRun, frozen=True, gc=False):
    """Nothing runs, nothing is lost, and the run can be resumed."""

    reason: str


class RunResumed(AboutRun, frozen=True, gc=False):
    """The run goes on: what was running or had failed for good, and was not made up for, is asked again."""

    has_person: bool = False


class TopologyChanged(AboutRun, frozen=True, gc=False, kw_only=True):
    """The run goes on from the same place under another topology, other rules or other agents.

    Parameters
    ----------
    topology : str
        The topology as text, rules included.
    max_steps : int
        The limit that holds from here on.
    agents : dict of str to str
        Digest of each agent.
    max_branches : int
        Most branches that may be alive at once.
    profiles : dict of str to Profile
        The agents for which a model speaks.
    """

    topology: str
    max_steps: int
    agents: dict[str, str] = {}
    max_branches: int = 1_000
    profiles: dict[str, Profile] = {}


class CheckpointCreated(AboutRun, frozen=True, gc=False):
    """The position right before this event got a name."""

    name: str


class Restored(AboutRun, frozen=True, gc=False):
    """The state is again what it was after event ``to_seq``; what came in between stays in the journal."""

    to_seq: int


class RunEnded(AboutRun, frozen=True, gc=False):
    """Nothing more will happen: it succeeded, failed (``error`` tells why) or was cancelled."""

    status: Literal["succeeded", "failed", "cancelled"]
    error: str | None = None


class AboutBranch(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A branch was made, moved, joined or ended. ``branch`` is its id."""

    branch: str


class BranchCreated(AboutBranch, frozen=True, gc=False):
    """A branch was made at an agent.

    Parameters
    ----------
    agent : str
        Where it stands.
    parent : str or None
        The branch that forked; None for an entry.
    called : bool
        Whether it was called (a frame of its own, answers its parent) or sent forward.
    slot : int
        Position of its request in the parent's `Parallel`.
    """

    agent: str
    parent: str | None = None
    called: bool = False
    slot: int = 0


class BranchForked(AboutBranch, frozen=True, gc=False):
    """A reply went to several agents; the branch waits for the ``n_called`` that will answer, or is over."""

    n_called: int = 0


class BranchMoved(AboutBranch, frozen=True, gc=False):
    """A branch went on to one neighbour, and arrived there."""

    agent: str


class BranchesJoined(AboutBranch, frozen=True, gc=False):
    """Branches that arrived at one agent became one branch, ``branch``; ``settled`` were given up for it."""

    agent: str
    joined: tuple[str, ...]
    settled: tuple[str, ...] = ()


class BranchResumed(AboutBranch, frozen=True, gc=False):
    """A branch that waited goes on: all it waited for is there, or was given up (``settled``)."""

    settled: tuple[str, ...] = ()


class ContentDelivered(AboutBranch, frozen=True, gc=False):
    """A reply, or its request number ``slot``, was delivered to ``target`` (``User`` or ``End``)."""

    target: str
    slot: int = 0


class ContentReturned(AboutBranch, frozen=True, gc=False):
    """A reply, or its request number ``slot``, went to the branch that called this frame."""

    slot: int = 0


class BranchEnded(AboutBranch, frozen=True, gc=False):
    """A branch is over.

    Parameters
    ----------
    how : str
        ``"delivered"``, ``"returned"`` (to its caller), ``"answered"`` (a `Final` for the run), ``"exhausted"``
        (nowhere to go: its content is an answer) or ``"empty"`` (without content: everything moved on).
    """

    how: Literal["delivered", "returned", "answered", "exhausted", "empty"]


class QuestionAsked(AboutBranch, frozen=True, gc=False):
    """A person was asked; the question is the reply of the branch's last step."""


class QuestionAnswered(AboutBranch, frozen=True, gc=False):
    """A person answered; or could not be reached after all, and ``error`` says why.

    ``recorded``: the answer was taken from the record of another session.
    """

    answer: str
    error: str = ""
    recorded: bool = False


class AboutStep(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A step of a branch was scheduled, completed or failed. ``step`` counts the branch's steps from 1."""

    branch: str
    step: int

    @property
    def step_id(self) -> str:
        """Position of the step in the run, as ``"b0.1#3"``."""
        return f"{self.branch}#{self.step}"


class StepScheduled(AboutStep, frozen=True, gc=False):
    """An agent is about to be asked; recorded before it is, so that a crash leaves a trace."""

    agent: str
    attempt: int = 1


class StepCorrected(AboutStep, frozen=True, gc=False):
    """A reply was not allowed, and the agent was told so and asked again within the step."""

    correction: str


class ModelResponded(AboutStep, frozen=True, gc=False):
    """A model answered within a step: with text, or with calls of tools. It is paid for, so it is never asked again.

    Parameters
    ----------
    text : str
        What it said.
    calls : tuple of ToolCall
        The tools that it wants to be called; the ways to hand over are among them.
    n_input_tokens, n_output_tokens : int
        What it read and wrote.
    cost_usd : float or None
        What the response cost in US dollars; None when the price is not known.
    model : str
        Who answered.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float | None = 0.0
    model: str = ""


class ToolStarted(AboutStep, frozen=True, gc=False):
    """A tool that must not run twice is about to run; without its `ToolReturned` nobody knows whether it did."""

    call_id: str
    name: str


class ToolReturned(AboutStep, frozen=True, gc=False):
    """A tool that a model called gave its result, or an error for the model to mend (``is_error``)."""

    call_id: str
    name: str
    content: str
    is_error: bool = False


class ApprovalAsked(AboutStep, frozen=True, gc=False):
    """A person is asked about a tool call; the step waits, and goes on from there when the answer is known."""

    call_id: str
    question: str


class StepCompleted(AboutStep, frozen=True, gc=False):
    """An agent replied, with ``content`` or with an ``action``.

    Parameters
    ----------
    recorded : bool
        Whether the reply was taken from the record of another session instead of asking.
    n_input_tokens, n_output_tokens : int
        What a model read and wrote; 0 without one.
    cost_usd : float or None
        What the step cost in US dollars; None when unknown.
    """

    content: Any = None
    action: Action | None = None
    recorded: bool = False
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float | None = 0.0


class StepFailed(AboutStep, frozen=True, gc=False):
    """An attempt failed. ``error`` is the exception's type, ``message`` its text, ``final`` forbids a retry."""

    error: str
    message: str
    attempt: int = 1
    final: bool = False


class RetryDue(AboutStep, frozen=True, gc=False):
    """The pause before the next attempt of a failed step is over."""


class StepStreamed(AboutStep, frozen=True, gc=False):
    """An agent said a piece of its reply. Published to listeners only: no journal keeps it, no state depends on it."""

    agent: str
    text: str


RunEvent = (
    RunStarted
    | DeadlinePassed
    | PauseRequested
    | RunPaused
    | RunResumed
    | TopologyChanged
    | CheckpointCreated
    | Restored
    | RunEnded
)

BranchEvent = (
    BranchCreated
    | BranchForked
    | BranchMoved
    | BranchesJoined
    | BranchResumed
    | BranchEnded
    | ContentDelivered
    | ContentReturned
    | QuestionAsked
    | QuestionAnswered
)

StepEvent = (
    StepScheduled
    | StepCorrected
    | ModelResponded
    | ToolStarted
    | ToolReturned
    | ApprovalAsked
    | StepCompleted
    | StepFailed
    | RetryDue
)

Event = RunEvent | BranchEvent | StepEvent

EVENT_TYPES: dict[str, type] = {each.__name__: each for each in Event.__args__}
"""Every event type that a journal keeps, by its name."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


def encode(event: Event) -> bytes:
    """Give an event as one line of JSON.

    Examples
    --------
    >>> encode(BranchMoved("b0", "Writer"))
    b'{"type":"BranchMoved","branch":"b0","agent":"Writer"}'
    """
    return _encoder.encode(event)


def decode(line: bytes) -> Event:
    """Give back the event that `encode` wrote.

    Raises
    ------
    msgspec.ValidationError
        When the line is no event of this schema.
    """
    return _decoder.decode(line)
