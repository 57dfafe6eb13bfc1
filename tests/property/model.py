"""What a run means, as plainly as it can be said: a slow model to compare the engine with.

It was written from the specification, not from the engine: every question ("can somebody still arrive?", "does this
failure count here?") is answered by looking at all branches and all paths, each time anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mars_nb.topology.rules import MaxParallelRule, MaxStepsRule, QuorumRule, RetryRule
from tests.property.model_routing import Routing
from tests.property.model_state import (
    ACTIVE,
    ARRIVED,
    ASKING,
    CALLING,
    ENDED,
    FAILED,
    GIVEN_UP,
    LIVE,
    READY,
    RUNNING,
    USER,
    WAITING,
    Branch,
    Frame,
    Given,
    common_prefix,
    in_order,
    merged,
    received,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.topology.graph import TopologyGraph

Place = tuple[Frame, str]
"""An open join: a node of a frame where branches have arrived, or wait for the answers of a call."""
Places = set[Place]


@dataclass(frozen=True)
class Step:
    id: str
    agent: str
    request: Any
    memory: tuple[Any, ...]
    attempt: int


@dataclass(eq=False)
class Lost:
    """What counts as one failed contributor: a failed branch, or a blocked join or caller in its place."""

    node: str
    branches: list[Branch]
    place: Place | None = None


@dataclass(eq=False)
class Model(Routing):
    """A run over a graph; `reply` answers for the agents, `person` for the user (None: nobody can be asked)."""

    graph: TopologyGraph
    reply: Callable[[Step], Any]
    person: Callable[[str], str] | None = None
    root: Frame = field(default_factory=Frame)
    steps: list[Step] = field(default_factory=list)
    questions: list[Branch] = field(default_factory=list)
    delivered: list[Given] = field(default_factory=list)
    everybody: list[Branch] = field(default_factory=list)
    visits: dict[tuple[Any, ...], int] = field(default_factory=dict)
    n_forks: int = 0
    n_completed: int = 0
    max_steps: int = 100
    stopped: bool = False
    over: bool = False

    def begin(self, task: Any) -> None:
        for n, entry in enumerate(self.graph.entries):
            position = ((0, n),)
            self.arrive(Branch(position, self.root, entry, frozenset(), [Given(position, USER, task)]))
        self.settle()

    # ---------------------------------------------------------------------------------------------- what can happen

    def choices(self) -> list[str]:
        """Give what may happen next: the ids of running steps, and the id of the branch whose question is open."""
        running = [branch.step_id for branch in self.everybody if branch.state == RUNNING]
        return [] if self.over else sorted(running) + [branch.id for branch in self.questions[:1]]

    def happen(self, choice: str) -> None:
        if "#" not in choice:
            self.answer_question()
        else:
            self.finish(next(each for each in self.everybody if each.state == RUNNING and each.step_id == choice))
        self.settle()

    def finish(self, branch: Branch) -> None:
        history = branch.memory.get(branch.node, ())
        said = tuple(each[1:] for each in history)
        step = Step(branch.step_id, branch.node, received(branch.given), said, branch.attempt)
        self.steps.append(step)
        try:
            reply = self.reply(step)
            self.check(branch, reply)
        except ValueError:
            self.failed_attempt(branch)
            return
        branch.n_steps += 1
        branch.n_lineage += 1
        self.n_completed += 1
        branch.attempt = 1
        exchange = (len(self.steps), step.request, self.said(reply))
        branch.memory = {**branch.memory, branch.node: (*history, exchange)}
        self.follow(branch, reply)

    def failed_attempt(self, branch: Branch) -> None:
        attempts = [rule.attempts for rule in self.rules(RetryRule) if rule.agent == branch.node]
        if branch.attempt < max(attempts, default=1):
            branch.attempt += 1
            branch.state = READY
        else:
            branch.state = FAILED

    def rules(self, kind: type[Any]) -> list[Any]:
        return [rule for rule in self.graph.topology.rules if isinstance(rule, kind)]

    # ---------------------------------------------------------------------------------------------- what follows

    def arrive(self, branch: Branch) -> None:
        if branch not in self.everybody:
            self.everybody.append(branch)
            branch.frame.branches.append(branch)
        branch.state = ARRIVED

    def settle(self) -> None:
        while not self.over and self.settle_once():
            pass
        self.start()
        if not any(branch.state in ACTIVE for branch in self.everybody):
            self.over = True

    def settle_once(self) -> bool:
        """Let one thing follow: a join fires or a caller resumes, or the first of joins that wait for each other."""
        blocked = self.blocked()
        for frame in self.root.below():
            for caller in self.came_to_nothing(frame, blocked):
                self.end_empty(caller)
                return True
            for place in self.places(frame):
                if place not in blocked and not self.waits(place, blocked):
                    self.fire(place, blocked)
                    return True
        return self.break_deadlock(blocked)

    def break_deadlock(self, blocked: Places) -> bool:
        for frame in reversed(self.root.below()):
            stuck = [place for place in self.places(frame) if place not in blocked]
            if stuck and not any(branch.state in ACTIVE for inner in frame.below() for branch in inner.branches):
                if not self.enough(stuck[0], blocked):
                    return self.break_deadlock(self.blocked({*blocked, stuck[0]}))
                self.fire(stuck[0], blocked)
                return True
        return False

    def start(self) -> None:
        limit = min((rule.steps for rule in self.rules(MaxStepsRule)), default=self.max_steps)
        at_once = min((rule.limit for rule in self.rules(MaxParallelRule)), default=10**9)
        for branch in in_order(self.everybody):
            n_running = sum(each.state == RUNNING for each in self.everybody)
            if branch.state != READY or self.over:
                continue
            if self.n_completed + n_running >= limit:
                self.stopped = self.over = n_running == 0
            elif n_running < at_once:
                branch.state = RUNNING

    # ---------------------------------------------------------------------------------------------- joins and callers

    def places(self, frame: Frame) -> list[Place]:
        waiting = in_order([branch for branch in frame.branches if branch.state in WAITING])
        return [(frame, node) for node in dict.fromkeys(branch.node for branch in waiting)]

    def waiting_at(self, place: Place) -> list[Branch]:
        frame, node = place
        return in_order([branch for branch in frame.branches if branch.state in WAITING and branch.node == node])

    def alive(self, branch: Branch, blocked: Places) -> bool:
        if branch.state in WAITING:
            return (branch.frame, branch.node) not in blocked
        return branch.state in LIVE

    def waits(self, place: Place, blocked: Places) -> bool:
        waiting = self.waiting_at(place)
        others = [each for each in place[0].branches if each not in waiting and self.alive(each, blocked)]
        if not all(self.all_back(each, blocked) for each in waiting):
            return True
        return any(self.could_arrive(other, branch, place[1]) for branch in waiting for other in others)

    def could_arrive(self, other: Branch, branch: Branch, node: str) -> bool:
        return self.path(other.node, node, {agent for _, agent in other.forks & branch.forks})

    def path(self, start: str, node: str, avoiding: set[str], not_through: frozenset[str] = frozenset()) -> bool:
        """Tell whether a path of at least one edge leads from `start` to `node`."""
        if start in avoiding:
            return False
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            for target in self.agents_after(waiting.pop()):
                if target == node:
                    return True
                if target not in seen and target not in avoiding and target not in not_through:
                    seen.add(target)
                    waiting.append(target)
        return False

    def all_back(self, branch: Branch, blocked: Places) -> bool:
        return not any(self.alive(each, blocked) for frame in branch.frames for each in frame.branches)

    def came_to_nothing(self, frame: Frame, blocked: Places) -> list[Branch]:
        """Find the callers to whom nothing came back, and not because something failed."""
        callers = [branch for branch in frame.branches if branch.state == CALLING and self.all_back(branch, blocked)]
        return [each for each in callers if not any(inner.answers or self.has_failed(inner) for inner in each.frames)]

    def end_empty(self, caller: Branch) -> None:
        caller.state = ENDED
        caller.frames = []

    def fire(self, place: Place, blocked: Places) -> None:
        arms = self.waiting_at(place)
        for branch in self.given_up_for(place, blocked, set()):
            self.give_up(branch)
        for arm in arms:
            self.take_answers(arm)
        if len(arms) == 1:
            arms[0].state = READY
        else:
            self.join(place, arms)

    def take_answers(self, arm: Branch) -> None:
        if arm.state != CALLING:
            return
        arm.given = [answer for frame in arm.frames for answer in frame.answers]
        for frame in arm.frames:
            self.settle_frame(frame)
            talk = arm.frame.talks.get(frozenset({arm.node, frame.callee}))
            if frame.answers and talk and talk.opener == arm.node:
                talk.unanswered = False
        arm.frames = []

    def join(self, place: Place, arms: list[Branch]) -> None:
        prefix = common_prefix([arm.position for arm in arms])
        n = self.visits[prefix, place[1]] = self.visits.get((prefix, place[1]), 0) + 1
        position = (*prefix, (1, self.graph.agents.index(place[1]), n, place[1]))
        forks = frozenset(fork for arm in arms for fork in arm.forks)
        branch = Branch(position, place[0], place[1], forks, [each for arm in arms for each in arm.given])
        branch.memory = merged([arm.memory for arm in arms])
        branch.n_lineage = max(arm.n_lineage for arm in arms)
        branch.joined = True
        for arm in arms:
            arm.state = ENDED
        self.arrive(branch)
        branch.state = READY

    # ---------------------------------------------------------------------------------------------- failures

    def blocked(self, known: Places | None = None) -> Places:
        """Find the joins and callers that cannot meet their quorum, until no more are found."""
        found: Places = set(known or ())
        while True:
            places = [place for frame in self.root.below() for place in self.places(frame) if place not in found]
            new = [place for place in places if not self.waits(place, found) and not self.enough(place, found)]
            if not new:
                return found
            found.update(new)

    def enough(self, place: Place, blocked: Places) -> bool:
        """Tell whether a join meets its quorum; callers to whom nothing came back, and nothing failed, do not count."""
        waiting = self.waiting_at(place)
        frames = [frame for branch in waiting for frame in branch.frames]
        n_arrived = sum(branch.state == ARRIVED for branch in waiting)
        n_good = n_arrived + sum(len(frame.answers) for frame in frames)
        n_bad = len(self.lost_at(place, blocked)) + sum(not f.answers and self.has_failed(f) for f in frames)
        shares = {rule.agent: rule.share for rule in self.rules(QuorumRule)}
        share = shares.get(place[1], shares.get(None, 1.0))
        return n_bad == 0 or (n_good >= 1 and n_good >= share * (n_good + n_bad) - 1e-9)

    def has_failed(self, frame: Frame) -> bool:
        """Tell whether a frame in which nothing lives holds a failure that is not settled, or somebody blocked."""
        return any(each.state in WAITING or self.is_unsettled(each) for each in frame.branches)

    def is_unsettled(self, branch: Branch) -> bool:
        return branch.state == FAILED and not branch.settled

    def lost_at(self, place: Place, blocked: Places) -> list[Lost]:
        failed = [Lost(each.node, [each]) for each in place[0].branches if self.is_unsettled(each)]
        joins = [Lost(each[1], self.waiting_at(each), each) for each in self.places(place[0]) if each in blocked]
        return [each for each in [*failed, *joins] if place in self.counts_at(each, place[0])]

    def counts_at(self, lost: Lost, frame: Frame) -> list[Place]:
        """Find the first joins that it could have reached."""
        others = [place for place in self.places(frame) if place != lost.place]
        reached = [place for place in others if self.could_have_reached(lost, place, frozenset())]
        nodes = frozenset(place[1] for place in reached)
        return [place for place in reached if self.could_have_reached(lost, place, nodes)]

    def could_have_reached(self, lost: Lost, place: Place, joins: frozenset[str]) -> bool:
        return any(
            self.path(lost.node, place[1], {agent for _, agent in mine.forks & arm.forks}, joins)
            for mine in lost.branches
            for arm in self.waiting_at(place)
        )

    def given_up_for(self, place: Place, blocked: Places, seen: Places) -> list[Branch]:
        """Find what is given up when a join goes on: its lost contributors, and what it is that they failed of."""
        seen.add(place)
        lost = self.lost_at(place, blocked)
        deeper = [each.place for each in lost if each.place and each.place not in seen]
        causes = [branch for inner in deeper for branch in self.given_up_for(inner, blocked, seen)]
        return [branch for each in lost for branch in each.branches] + causes

    def give_up(self, branch: Branch) -> None:
        if branch.state == FAILED:
            branch.settled = True
        elif branch.state in WAITING:
            branch.state = GIVEN_UP
            for frame in branch.frames:
                self.settle_frame(frame)
            branch.frames = []

    def settle_frame(self, frame: Frame) -> None:
        for branch in frame.branches:
            self.give_up(branch)

    # ---------------------------------------------------------------------------------------------- the end

    def success(self) -> bool:
        stuck = any(branch.state in WAITING or self.is_unsettled(branch) for branch in self.everybody)
        return self.over and not self.stopped and not stuck

    def final_response(self) -> Any:
        if self.delivered:
            return received(self.delivered)
        ended = [branch for branch in self.root.branches if branch.has_content]
        ended = [branch for branch in ended if branch.joined] or ended
        order = self.graph.agents.index
        ended.sort(key=lambda branch: (-branch.n_lineage, -len(str(branch.content)), order(branch.node)))
        return ended[0].content if ended else None

    def open_question(self, branch: Branch, question: str) -> None:
        branch.state = ASKING
        branch.content = question
        self.questions.append(branch)
