"""Where a reply goes, in the naive model: the groups of implicit routing, the actions, forks and answers."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from mars_nb.actions import AskUser, EndConversation, Final, Invoke, Parallel
from mars_nb.topology.rules import MaxTurnsRule, ParallelRule
from tests.property.model_state import (
    CALLING,
    ENDED,
    PEOPLE,
    READY,
    USER,
    Branch,
    Conversation,
    Frame,
    Given,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.topology.graph import TopologyGraph

Targets = list[tuple[str, Any]]


class Routing:
    """The half of the model that says what a reply means."""

    graph: TopologyGraph
    person: Callable[[str], str] | None
    delivered: list[Given]
    questions: list[Branch]
    n_forks: int

    def rules(self, kind: type[Any]) -> list[Any]:
        raise NotImplementedError

    def arrive(self, branch: Branch) -> None:
        raise NotImplementedError

    def open_question(self, branch: Branch, question: str) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------- the drawing

    def arrows(self) -> tuple[tuple[str, str], ...]:
        return self.graph.topology.directed_edges()

    def after(self, agent: str) -> list[str]:
        return [target for source, target in self.arrows() if source == agent]

    def agents_after(self, agent: str) -> list[str]:
        return [target for target in self.after(agent) if target not in PEOPLE]

    def talk_together(self, one: str, other: str) -> bool:
        drawn = {(one, other), (other, one)} <= set(self.arrows())
        return drawn and one != other and not {one, other} & {*PEOPLE}

    def is_person_partner(self, agent: str) -> bool:
        return any(edge.bidirectional and {edge.source, edge.target} == {USER, agent} for edge in self.topology_edges())

    def topology_edges(self) -> tuple[Any, ...]:
        return self.graph.topology.edges

    def deliveries(self, agent: str) -> list[str]:
        one_way = [edge for edge in self.topology_edges() if not edge.bidirectional]
        return [edge.target for edge in one_way if edge.source == agent and edge.target in PEOPLE]

    def limit(self, one: str, other: str, default: float) -> float:
        turns = [rule.turns for rule in self.rules(MaxTurnsRule) if {rule.source, rule.target} == {one, other}]
        return float(min(turns, default=default))

    # ------------------------------------------------------------------------------------------------- the actions

    def check(self, branch: Branch, reply: Any) -> None:
        """Refuse an action that cannot be executed."""
        match reply:
            case Invoke():
                self.check_targets(branch, [reply.agent])
            case Parallel():
                self.check_targets(branch, [agent for agent, _ in reply.targets])
            case AskUser() if USER not in self.after(branch.node) or self.person is None:
                raise ValueError("nobody can be asked")
            case EndConversation() if not self.partners(branch):
                raise ValueError("no conversation")

    def check_targets(self, branch: Branch, names: list[str]) -> None:
        if not names or not set(names) <= set(self.after(branch.node)):
            raise ValueError("not a neighbour")
        for name in set(names):
            if self.talk_together(branch.node, name) and not self.may_say(branch, name, names.count(name)):
                raise ValueError("turns used up")

    def may_say(self, branch: Branch, name: str, n: int) -> bool:
        talk = branch.frame.talks.get(frozenset({branch.node, name}))
        limit = self.limit(branch.node, name, inf)
        if branch.frame.caller and branch.frame.caller.node == name:
            return True
        if talk is None:
            return n <= limit
        if talk.opener == branch.node:
            return talk.turns + n <= limit
        return talk.unanswered or talk.turns < limit

    def partners(self, branch: Branch) -> set[str]:
        """Give those with whom it is in conversation: whose messages it has just received over one."""
        people = {USER} if self.is_person_partner(branch.node) else set()
        return {
            each.agent for each in branch.given if self.talk_together(branch.node, each.agent) or each.agent in people
        }

    def said(self, reply: Any) -> Any:
        """Give the content of a reply."""
        match reply:
            case Invoke():
                return reply.request
            case Parallel():
                return [request for _, request in reply.targets]
            case Final() | EndConversation():
                return reply.content
            case AskUser():
                return reply.question
            case _:
                return reply

    def follow(self, branch: Branch, reply: Any) -> None:
        match reply:
            case Invoke():
                self.send(branch, [(reply.agent, reply.request)])
            case Parallel():
                self.send(branch, list(reply.targets), is_parallel=True)
            case Final():
                self.answer(branch, reply.content)
            case AskUser():
                self.open_question(branch, reply.question)
            case EndConversation():
                self.spread(branch, reply.content, self.partners(branch))
            case _:
                self.spread(branch, reply, set())

    # ------------------------------------------------------------------------------------------------- implicit routing

    def spread(self, branch: Branch, content: Any, without: set[str]) -> None:
        groups = self.groups(branch, without)
        if not groups[0] and self.is_person_partner(branch.node):
            if USER not in without and self.person is None:
                self.deliver(branch, content)
                return
            if USER not in without and self.may_show(branch):
                self.show(branch, content)
                return
            if not self.may_show(branch):
                groups = self.last_groups(branch, without)
        self.take(branch, content, groups)

    def take(self, branch: Branch, content: Any, groups: list[list[str]]) -> None:
        chosen = next((group for group in groups if group), [])
        if not chosen and self.is_person_partner(branch.node):
            self.deliver(branch, content)
        elif not chosen:
            self.answer_or_end(branch, content)
        else:
            names = self.together(chosen, groups)
            ordered = [name for name in dict.fromkeys(self.after(branch.node)) if name in names]
            self.send(branch, [(name, content) for name in ordered])

    def together(self, chosen: list[str], groups: list[list[str]]) -> set[str]:
        opened = {name for group in groups for name in group}
        wanted = [set(rule.agents) for rule in self.rules(ParallelRule) if set(chosen) & set(rule.agents)]
        return set(chosen).union(*(opened & names for names in wanted))

    def groups(self, branch: Branch, without: set[str]) -> list[list[str]]:
        agent, frame = branch.node, branch.frame
        others = [name for name in dict.fromkeys(self.agents_after(agent)) if name not in without]
        partners = [name for name in others if self.talk_together(agent, name)]
        free = [name for name in others if name not in frame.callers()]
        opening = [name for name in partners if name in free and self.may_open(frame, agent, name)]
        asked = [name for name in partners if self.is_asked(frame, agent, name)]
        left = [name for name in asked if frame.talks[frozenset({agent, name})].turns < self.limit(agent, name, 1)]
        onward = [name for name in free if name not in partners and (agent, name) not in frame.taken]
        return [opening, left, onward, self.deliveries(agent), [name for name in asked if name not in left]]

    def last_groups(self, branch: Branch, without: set[str]) -> list[list[str]]:
        """Give groups 3 to 5 for a last message of a conversation with a person."""
        return [[], [], *self.groups(branch, without)[2:]]

    def may_open(self, frame: Frame, agent: str, name: str) -> bool:
        talk = frame.talks.get(frozenset({agent, name}))
        return talk is None or (talk.opener == agent and talk.turns < self.limit(agent, name, 1))

    def is_asked(self, frame: Frame, agent: str, name: str) -> bool:
        talk = frame.talks.get(frozenset({agent, name}))
        return talk is not None and talk.opener == name and talk.unanswered

    # ------------------------------------------------------------------------------------------------- people

    def may_show(self, branch: Branch) -> bool:
        talk = branch.frame.talks.get(frozenset({branch.node, USER}))
        return talk is None or (not talk.over and talk.turns < self.limit(branch.node, USER, 1))

    def show(self, branch: Branch, content: Any) -> None:
        talk = branch.frame.talks.setdefault(frozenset({branch.node, USER}), Conversation(branch.node))
        talk.turns += 1
        talk.unanswered = True
        self.open_question(branch, content)

    def answer_question(self) -> None:
        branch = self.questions.pop(0)
        talk = branch.frame.talks.get(frozenset({branch.node, USER}))
        shown = talk is not None and talk.unanswered
        assert self.person is not None
        said = self.person(branch.content)
        if talk is not None and shown:
            talk.unanswered = False
            if not said:
                talk.over = True
                self.take(branch, branch.content, self.last_groups(branch, set()))
                return
        branch.given = [Given(branch.position, USER, said)]
        branch.state = READY

    # ------------------------------------------------------------------------------------------------- going there

    def note(self, frame: Frame, source: str, target: str) -> None:
        """Count a message over an edge."""
        if not self.talk_together(source, target):
            frame.taken.add((source, target))
            return
        talk = frame.talks.setdefault(frozenset({source, target}), Conversation(source))
        if talk.opener == source:
            talk.turns += 1
            talk.unanswered = True
        else:
            talk.unanswered = False

    def send(self, branch: Branch, targets: Targets, *, is_parallel: bool = False) -> None:
        """Let a branch move, or fork (several targets, or whoever `Parallel` names); implicit delivery happens once."""
        caller = branch.frame.caller.node if branch.frame.caller else None
        if not is_parallel and all(name in PEOPLE for name, _ in targets):
            targets = targets[:1]
        given = [(name, Given(branch.position, branch.node, content)) for name, content in targets]
        self.delivered += [each for name, each in given if name in PEOPLE]
        for name, each in given:
            if name == caller:
                self.give_back(branch, each.content)
        on = [(name, each) for name, each in given if name not in (*PEOPLE, caller)]
        if not on:
            branch.state = ENDED
        elif len(targets) == 1 and not is_parallel:
            self.note(branch.frame, branch.node, on[0][0])
            branch.node, branch.given = on[0][0], [on[0][1]]
            self.arrive(branch)
        else:
            self.fork(branch, on, is_parallel=is_parallel)

    def fork(self, branch: Branch, targets: list[tuple[str, Given]], *, is_parallel: bool) -> None:
        self.n_forks += 1
        branch.forks |= {(self.n_forks, branch.node)}
        for name, given in targets:
            child = Branch((*branch.position, (0, branch.n_children)), branch.frame, name, branch.forks, [given])
            branch.n_children += 1
            self.note(branch.frame, branch.node, name)
            child.n_lineage, child.joined = branch.n_lineage, branch.joined
            if branch.node in self.after(name) or (is_parallel and not self.after(name)):
                self.call(branch, child)
            else:
                child.memory = branch.memory
                self.arrive(child)
        branch.state = CALLING if branch.frames else ENDED

    def call(self, branch: Branch, child: Branch) -> None:
        child.frame = Frame(branch, child.node)
        pair = frozenset({branch.node, child.node})
        talk = branch.frame.talks.get(pair)
        if talk is not None:
            child.frame.talks[pair] = Conversation(talk.opener, talk.turns, talk.unanswered)
        branch.frames.append(child.frame)
        self.arrive(child)
        child.state = READY

    def deliver(self, branch: Branch, content: Any) -> None:
        self.delivered.append(Given(branch.position, branch.node, content))
        branch.state = ENDED

    def answer(self, branch: Branch, content: Any) -> None:
        """Answer whoever waits for this branch: the caller of its frame, else the run."""
        if branch.frame.caller is None:
            self.deliver(branch, content)
        else:
            self.answer_or_end(branch, content)

    def give_back(self, branch: Branch, content: Any) -> None:
        """Answer the caller, which is also the reply to what it said to this agent."""
        frame = branch.frame
        frame.answers.append(Given(branch.position, branch.node, content))
        assert frame.caller is not None
        talk = frame.talks.get(frozenset({branch.node, frame.caller.node}))
        if talk is not None and talk.opener == frame.caller.node:
            talk.unanswered = False

    def answer_or_end(self, branch: Branch, content: Any) -> None:
        branch.state = ENDED
        if branch.frame.caller is not None:
            self.give_back(branch, content)
        else:
            branch.content, branch.has_content = content, True
