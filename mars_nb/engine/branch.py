"""Branches and frames: who stands where, and who waits for whose answer.

A branch is one line of control: it stands at one agent and carries its own memory. Branches live in frames, like
function calls: the run is the root frame, and calling an agent opens a new one. The return address of a call is the
caller's branch, never its name.

Positions, not counters, name a branch: ``b0``, its second child ``b0.1``, a join at D under their common prefix
``b0.jD``. Sorting by position gives *branch order*, which is the same however fast the agents are.
"""

from __future__ import annotations

import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.actions import Action
    from mars_nb.engine.join import Join
    from mars_nb.engine.trace import StepTrace
    from mars_nb.events import ApprovalAsked

Place = tuple[int, int] | tuple[int, int, int, str]
Position = tuple[Place, ...]
"""A path in the tree of branches: (0, number of the child), or (1, index of the node, visit, node) for a join."""


class BranchState(Enum):
    """What a branch is doing.

    Attributes
    ----------
    is_active : bool
        Whether it will move by itself, or when a person or a clock lets it.
    """

    READY = "ready"
    RUNNING = "running"
    RETRYING = "retrying"
    ASKING = "asking"
    WAITING = "waiting"
    CALLING = "calling"
    FAILED = "failed"
    ENDED = "ended"

    def __init__(self, word: str) -> None:
        self.is_active = word in ("ready", "running", "retrying", "asking")


READY = BranchState.READY
RUNNING = BranchState.RUNNING
RETRYING = BranchState.RETRYING
ASKING = BranchState.ASKING
WAITING = BranchState.WAITING
CALLING = BranchState.CALLING
FAILED = BranchState.FAILED
ENDED = BranchState.ENDED
# Names of their own, since to reach a member through its class costs four times as much and happens at every event.


class Contribution(msgspec.Struct, frozen=True, gc=False):
    """Content on its way to an agent, and who gave it."""

    position: Position
    agent: str
    content: Any


class Forks:
    """The forks in a lineage, shared by all branches that came through the same ones.

    Parameters
    ----------
    agents : dict of int to str
        The agent at which each fork happened, by the fork's number.
    """

    __slots__ = ("agents", "nodes")

    def __init__(self, agents: dict[int, str]) -> None:
        self.agents = agents
        self.nodes = frozenset(agents.values())

    def common(self, other: Forks) -> frozenset[str]:
        """Give the agents at which the common lineage of two branches forked."""
        if self is other:
            return self.nodes
        return frozenset(self.agents[fork] for fork in self.agents.keys() & other.agents.keys())

    def union(self, others: Iterable[Forks]) -> Forks:
        """Give the lineage of a join."""
        agents = dict(self.agents)
        for other in others:
            agents |= other.agents
        return Forks(agents) if len(agents) > len(self.agents) else self


class Talk:
    """How far a conversation has come within one frame: who opened it, how often, and whether a reply is due."""

    __slots__ = ("n_sent", "opener", "unanswered")

    def __init__(self, opener: str, n_sent: int, *, unanswered: bool) -> None:
        self.opener = opener
        self.n_sent = n_sent
        self.unanswered = unanswered

    def send(self, sender: str) -> None:
        """Count a message: another one of the opener, or the reply to it."""
        self.unanswered = sender == self.opener
        self.n_sent += self.unanswered

    def close(self) -> None:
        """Use up all turns: the partner has nothing more to say."""
        self.n_sent = sys.maxsize


class Exchange:
    """One request and reply of an agent, linked to the one before it; shared by all branches that remember it."""

    __slots__ = ("before", "length", "reply", "request")

    def __init__(self, before: Exchange | None, request: Any, reply: Any) -> None:
        self.before = before
        self.request = request
        self.reply = reply
        self.length: int = before.length + 1 if before else 1

    def messages(self) -> list[dict[str, Any]]:
        """Give the messages up to this one, oldest first, as ``{"role", "content"}``."""
        found: list[dict[str, Any]] = []
        link: Exchange | None = self
        while link:
            found.append({"role": "assistant", "content": link.reply})
            found.append({"role": "user", "content": link.request})
            link = link.before
        return found[::-1]


class Frame:
    """A call: the branches that work on one answer.

    Parameters
    ----------
    caller : ExecutionBranch or None
        The branch that waits for the answer; None for the run itself.
    asked : str
        The agent that was called.
    """

    __slots__ = (
        "answers", "around", "asked", "caller", "depth", "failed", "is_quiet", "joins", "live", "n_active", "n_blocked",
        "n_live", "parent", "taken", "talks", "watched",
    )  # fmt: skip

    def __init__(self, caller: ExecutionBranch | None = None, asked: str = "") -> None:
        self.caller = caller
        self.asked = asked
        self.parent = caller.frame if caller else None
        self.depth: int = self.parent.depth + 1 if self.parent else 0
        self.around: frozenset[str] = self.parent.around | {caller.agent} if caller and self.parent else frozenset()
        self.taken: set[tuple[str, str]] = set()
        self.talks: dict[tuple[str, str], Talk] = {}
        self.answers: list[Contribution] = []
        self.failed: dict[str, ExecutionBranch] = {}
        self.joins: dict[str, Join] = {}
        self.live: dict[Forks, dict[str, int]] = {}
        self.watched: dict[tuple[Forks, str], set[str]] = {}
        self.n_active = 0
        self.n_blocked = 0
        self.n_live = 0
        self.is_quiet = False


NO_MEMORY: Mapping[str, Exchange] = {}
NOWHERE: frozenset[str] = frozenset()


class ExecutionBranch:
    """One line of control: it stands at one agent and carries its own memory.

    Attributes
    ----------
    id : str
        Its position as text, as ``"b0.1"``.
    agent : str
        Where it stands.
    state : BranchState
        What it is doing.
    n_steps : int
        Steps it has begun.
    depth : int
        Completed steps in its lineage; a join counts its longest contributor.
    request : JSON value
        What its agent is, or was last, asked.
    said : JSON value
        What its last step replied: plain content, or that of its ``action``.
    approval : ApprovalAsked or None
        The tool call of its current step about which a person is asked.
    """

    __slots__ = (
        "_own_memory", "action", "agent", "approval", "attempt", "content", "depth", "ended", "error", "failures",
        "forks", "frame", "frames", "from_join", "id", "inbox", "memory", "n_children", "n_done", "n_steps",
        "parent_id", "position", "request", "said", "settled_at", "state", "trace",
    )  # fmt: skip

    def __init__(self, name: str, position: Position, agent: str, frame: Frame, forks: Forks) -> None:
        self.id = name
        self.position = position
        self.agent = agent
        self.frame = frame
        self.forks = forks
        self.state = WAITING
        self.parent_id: str | None = None
        self.memory: Mapping[str, Exchange] = NO_MEMORY
        self._own_memory: dict[str, Exchange] | None = None
        self.inbox: Sequence[Contribution] = ()
        self.failures: Sequence[dict[str, str]] = ()
        self.request: Any = None
        self.action: Action | None = None
        self.approval: ApprovalAsked | None = None
        self.said: Any = None
        self.content: Any = None
        self.ended = ""
        self.error: tuple[str, str] | None = None
        self.settled_at = NOWHERE
        self.frames: Sequence[Frame] = ()
        self.trace: StepTrace | None = None
        self.attempt = 1
        self.n_steps = 0
        self.n_done = 0
        self.n_children = 0
        self.depth = 0
        self.from_join = False

    def __repr__(self) -> str:
        return f"<ExecutionBranch {self.id} at {self.agent!r}: {self.state.value}>"

    @property
    def step_id(self) -> str:
        """Id of its current step, as ``"b0.1#3"``."""
        return f"{self.id}#{self.n_steps}"

    @property
    def question(self) -> Any:
        """What a person is asked where it waits for one: about a tool call, or what its last step said."""
        return self.said if self.approval is None else self.approval.question

    def remember(self) -> None:
        """Add the exchange of the step that has just completed to its own memory."""
        if self._own_memory is None:
            self._own_memory = self.memory = dict(self.memory)
        self._own_memory[self.agent] = Exchange(self.memory.get(self.agent), self.request, self.said)

    def share_memory(self) -> Mapping[str, Exchange]:
        """Give its memory to others; what it remembers from here on is its own again."""
        self._own_memory = None
        return self.memory


NO_FORKS = Forks({})
"""The lineage of a branch that never came through a fork."""


def name_of(position: Position) -> str:
    """Give the id of the branch at a position.

    Examples
    --------
    >>> name_of(((0, 0), (0, 1))), name_of(((0, 0), (1, 3, 1, "D"))), name_of(((0, 0), (1, 3, 2, "D")))
    ('b0.1', 'b0.jD', 'b0.jD2')
    """
    return ".".join(_place_name(place, is_first=i == 0) for i, place in enumerate(position))


def _place_name(place: Place, *, is_first: bool) -> str:
    match place:
        case (_, _, visit, agent):
            return f"j{agent}{visit if visit > 1 else ''}"
        case (_, number):
            return f"b{number}" if is_first else str(number)


def common_position(one: Position, other: Position) -> Position:
    """Give the position at which two branches parted.

    Examples
    --------
    >>> common_position(((0, 0), (0, 1)), ((0, 0), (0, 2), (0, 0)))
    ((0, 0),)
    """
    pairs = enumerate(zip(one, other, strict=False))
    return one[: next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))]


def received(items: Sequence[Contribution]) -> Any:
    """Give what a join hands over: ``{agent: content}`` in branch order, a single contribution as it is.

    Examples
    --------
    >>> received([Contribution((), "B", 1), Contribution((), "C", 2), Contribution((), "B", 3)])
    {'B': 1, 'C': 2, 'B#2': 3}
    """
    if len(items) == 1:
        return items[0].content
    found: dict[str, Any] = {}
    counts: dict[str, int] = {}
    for item in items:
        n = counts[item.agent] = counts.get(item.agent, 0) + 1
        found[item.agent if n == 1 else f"{item.agent}#{n}"] = item.content
    return found


def merged_memory(memories: list[Mapping[str, Exchange]]) -> Mapping[str, Exchange]:
    """Give the memory of a join: the history of one arm, or what the several that went on have in common."""
    first = memories[0]
    if all(each is first for each in memories):
        return first
    tips: dict[str, Exchange] = {}
    shared: dict[str, Exchange | None] = {}
    for memory in memories:
        for agent, link in memory.items():
            _merge(tips, shared, agent, link)
    found = {agent: shared.get(agent, tip) for agent, tip in tips.items()}
    return {agent: link for agent, link in found.items() if link}


def _merge(tips: dict[str, Exchange], shared: dict[str, Exchange | None], agent: str, link: Exchange) -> None:
    """Take one more history of an agent: ``tips`` has one that went furthest, ``shared`` what those have in common."""
    tip = tips.setdefault(agent, link)
    common = _common(tip, link)
    if common is tip:
        tips[agent] = link
    elif common is not link:
        before = shared.get(agent, common)
        shared[agent] = _common(before, common)


def _common(one: Exchange | None, other: Exchange | None) -> Exchange | None:
    while one is not other:
        if one is None or other is None:
            return None
        if one.length >= other.length:
            one = one.before
        else:
            other = other.before
    return one
