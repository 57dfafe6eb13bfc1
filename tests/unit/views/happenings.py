"""Histories with times that a test chooses: events by hand, a second apart or as given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.events import (
    BranchCreated,
    BranchesJoined,
    BranchForked,
    BranchMoved,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepScheduled,
)
from mars_nb.state.record import Record
from mars_nb.views.history import history_of

if TYPE_CHECKING:
    from mars_nb.events import Event
    from mars_nb.views.history import History

DIAMOND = "User -> P -> A, B -> J -> User"
BEGAN = 1_000_000_000.0


def history(*happened: tuple[float, Event], topology: str = DIAMOND) -> History:
    """Give the history of these events, each with the second in which it happened, after the run started at 0."""
    started = RunStarted(task="task", topology=topology)
    events = [(0.0, started), *happened]
    return history_of([Record(seq, BEGAN + at, event) for seq, (at, event) in enumerate(events, start=1)])


def diamond() -> list[tuple[float, Event]]:
    """Give a run in which A takes 2 seconds, B takes 5, and J waits for both."""
    return [
        (0, BranchCreated("b0", "P")),
        (0, StepScheduled("b0", 1, "P")),
        (1, StepCompleted("b0", 1, content="p")),
        (1, BranchForked("b0")),
        (1, BranchCreated("b0.0", "A", parent="b0")),
        (1, BranchCreated("b0.1", "B", parent="b0")),
        (1, StepScheduled("b0.0", 1, "A")),
        (1, StepScheduled("b0.1", 1, "B")),
        (3, StepCompleted("b0.0", 1, content="a")),
        (3, BranchMoved("b0.0", "J")),
        (6, StepCompleted("b0.1", 1, content="b")),
        (6, BranchMoved("b0.1", "J")),
        (6, BranchesJoined("b0.jJ", "J", ("b0.0", "b0.1"))),
        (6, StepScheduled("b0.jJ", 1, "J")),
        (8, StepCompleted("b0.jJ", 1, content="j")),
        (8, RunEnded("succeeded")),
    ]


def chain(n: int, *, step_s: float = 1.0) -> History:
    """Give a conversation of n steps in one branch."""
    happened: list[tuple[float, Event]] = [(0, BranchCreated("b0", "A"))]
    for i in range(n):
        happened += [
            (i * step_s, StepScheduled("b0", i + 1, "AB"[i % 2])),
            ((i + 1) * step_s, StepCompleted("b0", i + 1, content="x")),
            ((i + 1) * step_s, BranchMoved("b0", "BA"[i % 2])),
        ]
    return history(*happened, topology="User -> A <-> B -> User")


def with_pause() -> History:
    """Give a run that worked for two seconds, stood still for an hour, and worked for three more."""
    return history(
        (0, BranchCreated("b0", "A")),
        (0, StepScheduled("b0", 1, "A")),
        (2, StepCompleted("b0", 1, content="x")),
        (2, BranchMoved("b0", "B")),
        (2, RunPaused("lunch")),
        (3_602, RunResumed()),
        (3_602, StepScheduled("b0", 2, "B")),
        (3_605, StepCompleted("b0", 2, content="y")),
        topology="User -> A -> B -> User",
    )


def wide(n: int) -> History:
    """Give a run in which n branches work for a second, one after another."""
    names = [f"W{i}" for i in range(n)]
    happened: list[tuple[float, Event]] = [
        (0, BranchCreated("b0", "P")),
        (0, StepScheduled("b0", 1, "P")),
        (1, StepCompleted("b0", 1, content="p")),
        (1, BranchForked("b0")),
        *((1.0, BranchCreated(f"b0.{i}", name, parent="b0")) for i, name in enumerate(names)),
    ]
    for i, name in enumerate(names):
        happened += [
            (1 + i, StepScheduled(f"b0.{i}", 1, name)),
            (2 + i, StepCompleted(f"b0.{i}", 1, content="w")),
        ]
    return history(*happened, topology=f"User -> P -> {', '.join(names)} -> User")
