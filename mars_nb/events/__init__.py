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

import msgspec

from mars_nb.events.branch import (
    AboutBranch,
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchForked,
    BranchMoved,
    BranchResumed,
    ContentDelivered,
    ContentReturned,
    QuestionAnswered,
    QuestionAsked,
)
from mars_nb.events.run import (
    AboutRun,
    CheckpointCreated,
    DeadlinePassed,
    PauseRequested,
    Profile,
    Restored,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    TopologyChanged,
)
from mars_nb.events.step import (
    AboutStep,
    ApprovalAsked,
    ModelResponded,
    RetryDue,
    StepCompleted,
    StepCorrected,
    StepFailed,
    StepScheduled,
    StepStreamed,
    ToolReturned,
    ToolStarted,
)

__all__ = [
    "EVENT_TYPES",
    "SCHEMA_VERSION",
    "AboutBranch",
    "AboutRun",
    "AboutStep",
    "ApprovalAsked",
    "BranchCreated",
    "BranchEnded",
    "BranchEvent",
    "BranchForked",
    "BranchMoved",
    "BranchResumed",
    "BranchesJoined",
    "CheckpointCreated",
    "ContentDelivered",
    "ContentReturned",
    "DeadlinePassed",
    "Event",
    "ModelResponded",
    "PauseRequested",
    "Profile",
    "QuestionAnswered",
    "QuestionAsked",
    "Restored",
    "RetryDue",
    "RunEnded",
    "RunEvent",
    "RunPaused",
    "RunResumed",
    "RunStarted",
    "StepCompleted",
    "StepCorrected",
    "StepEvent",
    "StepFailed",
    "StepScheduled",
    "StepStreamed",
    "ToolReturned",
    "ToolStarted",
    "TopologyChanged",
    "decode",
    "encode",
]

SCHEMA_VERSION = 1
"""Raised when an old reader could misunderstand a new event."""

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
