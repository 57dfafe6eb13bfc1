"""Implicit routing: what plain content does is decided by the topology alone.

From an agent the first group that is not empty is taken, all its members at once, in the order in which the
topology's edges name them: (1) conversations it may open or continue as the opener, (2) a reply to an opener who can
still go on, (3) one-way edges not yet taken in this frame, (4) delivery, (5) the reply to an opener who cannot. A
conversation with a person comes after the first group. One turn is a message of the opener and the reply to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mars_nb.actions import AskUser, EndConversation, Final, Invoke, Parallel
from mars_nb.engine.rules import pair
from mars_nb.engine.spawning import fork
from mars_nb.events import BranchEnded, BranchMoved, QuestionAsked
from mars_nb.topology.model import END, USER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mars_nb.engine.branch import ExecutionBranch, Talk
    from mars_nb.engine.machine import RunState
    from mars_nb.engine.plan import Plan
    from mars_nb.events import BranchEvent

    Group = Callable[["RunState", "ExecutionBranch"], tuple[str, ...]]

IMPLICIT_TURNS = 1
"""Messages of an opener that plain content may send where no ``max_turns`` rule says otherwise."""

NOBODY: frozenset[str] = frozenset()

ASK = "?"
"""Stands for the person, asked in a conversation; no agent can have this name."""


def route_reply(state: RunState, branch: ExecutionBranch) -> Sequence[BranchEvent]:
    """Give what a reply means: the branch moves, forks, ends or asks."""
    match branch.action:
        case None:
            return spread(state, branch, implicit(state, branch))
        case Invoke(agent=agent):
            return send(branch, agent)
        case Parallel(targets=targets):
            return fork(state, branch, [agent for agent, _ in targets], is_explicit=True)
        case Final():
            return (BranchEnded(branch.id, "returned" if branch.frame.caller else "answered"),)
        case AskUser():
            return (QuestionAsked(branch.id),)
        case EndConversation():
            return spread(state, branch, implicit(state, branch, without=conversing_with(state.plan, branch)))


def route_after_person(state: RunState, branch: ExecutionBranch) -> Sequence[BranchEvent]:
    """Give where a message goes on to after the person had nothing to say to it."""
    return spread(state, branch, _first_open(state, branch, LAST_GROUPS))


def spread(state: RunState, branch: ExecutionBranch, targets: tuple[str, ...]) -> Sequence[BranchEvent]:
    """Send plain content to all targets; without any the branch ends and its content is an answer."""
    if targets == (ASK,):
        return (QuestionAsked(branch.id) if state.can_ask else BranchEnded(branch.id, "delivered"),)
    if len(targets) == 1:
        return send(branch, targets[0])
    if targets:
        return fork(state, branch, targets, is_explicit=False)
    return (BranchEnded(branch.id, "returned" if branch.frame.caller else "exhausted"),)


def send(branch: ExecutionBranch, target: str) -> Sequence[BranchEvent]:
    """Send content to one target: the branch itself moves, delivers or returns."""
    if target in (USER, END):
        return (BranchEnded(branch.id, "delivered"),)
    caller = branch.frame.caller
    if caller and caller.agent == target:
        return (BranchEnded(branch.id, "returned"),)
    return (BranchMoved(branch.id, target),)


def implicit(state: RunState, branch: ExecutionBranch, *, without: frozenset[str] = NOBODY) -> tuple[str, ...]:
    """Give the targets of plain content, in branch order.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    branch : ExecutionBranch
        The branch that has content to send.
    without : frozenset of str
        Partners of the conversation that is left.

    Returns
    -------
    tuple of str
        Agents, ``User``, ``End`` or `ASK`; empty when there is nowhere to go.
    """
    ways = state.plan.ways[branch.agent]
    groups = GROUPS_OF_PARTNERS if ways.partners or ways.talks_to_user else GROUPS_ONE_WAY
    return _first_open(state, branch, groups, without)


def _first_open(
    state: RunState, branch: ExecutionBranch, groups: Sequence[Group], without: frozenset[str] = NOBODY
) -> tuple[str, ...]:
    """Give the first group that has somebody, and whom a ``parallel`` rule adds."""
    for group in groups:
        chosen = group(state, branch)
        if without:
            chosen = tuple(name for name in chosen if name not in without)
        if chosen:
            return _together(state, branch, chosen, groups, without) if state.plan.rules.parallel_sets else chosen
    return (USER,) if state.plan.ways[branch.agent].talks_to_user else ()


def openings(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """Group 1: conversations that the agent may open, or continue as the opener."""
    return tuple(
        each
        for each in state.plan.ways[branch.agent].partners
        if each not in branch.frame.around and _may_open(state.plan, branch, each)
    )


def person(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """After group 1: the person, asked in a conversation."""
    return (ASK,) if state.plan.ways[branch.agent].talks_to_user and _may_open(state.plan, branch, USER) else ()


def early_replies(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """Group 2: replies to openers who can still go on; a conversation with a person that is over leaves none."""
    if state.plan.ways[branch.agent].talks_to_user and not _may_open(state.plan, branch, USER):
        return ()
    return _replies(state.plan, branch, has_turns=True)


def onward(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """Group 3: one-way edges that were not taken yet in this frame."""
    taken, around, agent = branch.frame.taken, branch.frame.around, branch.agent
    return tuple([each for each in state.plan.ways[agent].onward if (agent, each) not in taken and each not in around])


def deliveries(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """Group 4: delivery, once even where both ``User`` and ``End`` would take it."""
    return state.plan.ways[branch.agent].deliveries[:1]


def late_replies(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """Group 5: replies to openers who have used up their turns."""
    return _replies(state.plan, branch, has_turns=False)


LAST_GROUPS: tuple[Group, ...] = (onward, deliveries, late_replies)
"""Where the last message of a conversation with a person goes on to."""

GROUPS_OF_PARTNERS: tuple[Group, ...] = (openings, person, early_replies, *LAST_GROUPS)
"""The groups of implicit routing, in the order in which they are tried."""

GROUPS_ONE_WAY: tuple[Group, ...] = (onward, deliveries)
"""Those of them that an agent without conversations can have."""


def _replies(plan: Plan, branch: ExecutionBranch, *, has_turns: bool) -> tuple[str, ...]:
    frame, agent = branch.frame, branch.agent
    if not frame.talks:
        return ()
    return tuple(
        each
        for each in plan.ways[agent].partners
        if (talk := frame.talks.get(pair(agent, each)))
        and talk.opener == each
        and talk.unanswered
        and (talk.n_sent < implicit_turns(plan, agent, each)) == has_turns
    )


def _may_open(plan: Plan, branch: ExecutionBranch, partner: str) -> bool:
    talk: Talk | None = branch.frame.talks.get(pair(branch.agent, partner))
    if talk is None:
        return True
    return talk.opener == branch.agent and talk.n_sent < implicit_turns(plan, branch.agent, partner)


def implicit_turns(plan: Plan, one: str, other: str) -> int:
    """Give how many messages an opener may send by plain content."""
    return plan.rules.turns(one, other) or IMPLICIT_TURNS


def _together(
    state: RunState, branch: ExecutionBranch, chosen: tuple[str, ...], groups: Sequence[Group], without: frozenset[str]
) -> tuple[str, ...]:
    """Add what a ``parallel`` rule wants along with the chosen group, where another group offers it now."""
    wanted = {name for each in state.plan.rules.parallel_sets if not each.isdisjoint(chosen) for name in each}
    if not wanted.difference(chosen):
        return chosen
    offered = {name for group in groups for name in group(state, branch)} - without
    together = offered & wanted | set(chosen)
    return tuple(each for each in state.plan.ways[branch.agent].targets if each in together)


def conversing_with(plan: Plan, branch: ExecutionBranch) -> frozenset[str]:
    """Give the partners whose messages the agent was just asked with."""
    ways = plan.ways[branch.agent]
    givers = {each.agent for each in branch.inbox}
    partners = givers.intersection(ways.partners)
    return frozenset(partners | {ASK} if ways.talks_to_user and USER in givers else partners)


@dataclass(frozen=True, slots=True)
class Router:
    """Says where a reply goes.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    """

    state: RunState

    def route(self, branch: ExecutionBranch) -> Sequence[BranchEvent]:
        """Give the events that follow from the reply of a branch; see `route_reply`."""
        return route_reply(self.state, branch)
