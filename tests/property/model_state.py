"""The data of the naive model: branches, frames, calls, conversations, and where one comes in branch order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

USER, END = "User", "End"
PEOPLE = (USER, END)
READY, RUNNING, ASKING, CALLING, ARRIVED = "ready", "running", "asking", "calling", "arrived"
ENDED, FAILED, GIVEN_UP = "ended", "failed", "given up"
ACTIVE = (READY, RUNNING, ASKING)
WAITING = (CALLING, ARRIVED)
LIVE = (*ACTIVE, *WAITING)

Fork = tuple[int, str]
Message = tuple[int, str, Any]
Position = tuple[tuple[Any, ...], ...]
"""(0, number of the child), or (1, index of the node, visit, node) for a join, from the root down."""


@dataclass(frozen=True)
class Given:
    """A content, who gave it, and where its branch comes in branch order."""

    position: Position
    agent: str
    content: Any


@dataclass(eq=False)
class Conversation:
    opener: str
    turns: int = 0
    unanswered: bool = False
    over: bool = False


@dataclass(eq=False)
class Frame:
    caller: Branch | None = None
    callee: str = ""
    taken: set[tuple[str, str]] = field(default_factory=set)
    talks: dict[frozenset[str], Conversation] = field(default_factory=dict)
    branches: list[Branch] = field(default_factory=list)
    answers: list[Given] = field(default_factory=list)

    def callers(self) -> set[str]:
        """Give the agents whose branches opened this frame and those around it."""
        return {self.caller.node, *self.caller.frame.callers()} if self.caller else set()

    def below(self) -> list[Frame]:
        """Give this frame and all that were called from it and are not yet closed."""
        inner = [frame for branch in self.branches for frame in branch.frames]
        return [self, *(deeper for frame in inner for deeper in frame.below())]


@dataclass(eq=False)
class Branch:
    position: Position
    frame: Frame
    node: str
    forks: frozenset[Fork]
    given: list[Given]
    memory: dict[str, tuple[Message, ...]] = field(default_factory=dict)
    state: str = ARRIVED
    n_steps: int = 0
    n_lineage: int = 0
    n_children: int = 0
    attempt: int = 1
    joined: bool = False
    frames: list[Frame] = field(default_factory=list)
    settled: bool = False
    content: Any = None
    has_content: bool = False

    @property
    def id(self) -> str:
        return ".".join(_place_name(n, place) for n, place in enumerate(self.position))

    @property
    def step_id(self) -> str:
        return f"{self.id}#{self.n_steps + 1}"


def _place_name(n: int, place: tuple[Any, ...]) -> str:
    if place[0] == 0:
        return f"{'' if n else 'b'}{place[1]}"
    return f"j{place[3]}{place[2] if place[2] > 1 else ''}"


def common_prefix(positions: list[Position]) -> Position:
    n = 0
    while all(len(each) > n and each[: n + 1] == positions[0][: n + 1] for each in positions):
        n += 1
    return positions[0][:n]


def in_order(branches: list[Branch]) -> list[Branch]:
    return sorted(branches, key=lambda branch: branch.position)


def received(given: list[Given]) -> Any:
    """Give a single contribution as it is, several as a mapping in branch order."""
    ordered = sorted(given, key=lambda each: each.position)
    if len(ordered) == 1:
        return ordered[0].content
    found: dict[str, Any] = {}
    for i, each in enumerate(ordered):
        n = 1 + [other.agent for other in ordered[:i]].count(each.agent)
        found[each.agent if n == 1 else f"{each.agent}#{n}"] = each.content
    return found


def merged(memories: list[dict[str, tuple[Message, ...]]]) -> dict[str, tuple[Message, ...]]:
    """Join memories: the history of an agent that one arm visited, the common history of one that several did."""
    agents = dict.fromkeys(agent for memory in memories for agent in memory)
    return {agent: _merged([memory.get(agent, ()) for memory in memories]) for agent in agents}


def _merged(histories: list[tuple[Message, ...]]) -> tuple[Message, ...]:
    went_on = [one for one in histories if not any(one != other and other[: len(one)] == one for other in histories)]
    n = 0
    while all(len(one) > n and one[: n + 1] == went_on[0][: n + 1] for one in went_on):
        n += 1
    return went_on[0][:n]
