"""Validation: what a reply asks for is checked before it counts.

An action may name only a neighbour, and only while the conversation has turns left. What is not allowed is never
carried out: the agent is told what it may do and asked again within the step, or the step fails with the same
message.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mars_nb.actions import ACTIONS, AskUser, Choices, EndConversation, Invoke, Parallel
from mars_nb.engine.routing import ASK, conversing_with, implicit
from mars_nb.engine.rules import MAX_DEPTH
from mars_nb.errors import NobodyToAsk, ReplyError, did_you_mean
from mars_nb.topology.model import END, USER

if TYPE_CHECKING:
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.machine import RunState
    from mars_nb.engine.plan import Plan


def check_reply(state: RunState, branch: ExecutionBranch, reply: Any) -> None:
    """Refuse a reply that the topology does not allow here.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    branch : ExecutionBranch
        The branch whose agent replied.
    reply : JSON value or Action
        What it replied.

    Raises
    ------
    ReplyError
        The reply names a non-neighbour or nobody, uses up more turns than there are, leaves a conversation that there
        is not, or would make more branches than allowed.
    NobodyToAsk
        It asks a person, and none can be reached.
    """
    if type(reply) not in ACTIONS:
        _check_room(state, branch, len(state.plan.ways[branch.agent].targets), None)
        return
    match reply:
        case Invoke(agent=agent):
            _check_targets(state, branch, [agent])
        case Parallel(targets=targets):
            _check_parallel(state, branch, [agent for agent, _ in targets])
        case AskUser():
            _check_question(state, branch)
        case EndConversation():
            _check_conversation(state, branch)
        case _:
            pass


def allowed_targets(state: RunState, branch: ExecutionBranch) -> tuple[str, ...]:
    """Give the neighbours that an action of this branch may name now."""
    targets = state.plan.ways[branch.agent].targets
    return tuple(name for name in targets if may_send(state.plan, branch, name, 1))


def choices(state: RunState, branch: ExecutionBranch) -> Choices:
    """Give what the reply of a branch may ask for now, for a model to choose from.

    `Final` is among it where it delivers or answers a caller, as an edge would: a model takes only edges. Where nobody
    waits, ``User`` and ``End`` are reached by it, so they are no targets.
    """
    ways, caller = state.plan.ways[branch.agent], branch.frame.caller
    allowed = allowed_targets(state, branch)
    agents = tuple(name for name in allowed if name not in (USER, END))
    return Choices(
        onward=tuple(USER if name == ASK else name for name in implicit(state, branch)),
        targets=allowed if caller else agents,
        together=agents if len(agents) > 1 else (),
        can_answer=caller is not None or bool(ways.deliveries),
        can_ask_user=ways.can_ask_user and state.can_ask,
        can_end=bool(conversing_with(state.plan, branch)),
    )


def may_send(plan: Plan, branch: ExecutionBranch, target: str, n_messages: int) -> bool:
    """Tell whether a conversation has room for so many more messages; a reply that is due is always allowed."""
    limit = plan.rules.turns(branch.agent, target)
    caller = branch.frame.caller
    if limit is None or target in (USER, END) or (caller and caller.agent == target):
        return True
    talk = branch.frame.talks.get((branch.agent, target) if branch.agent < target else (target, branch.agent))
    if talk is None:
        return n_messages <= limit
    if talk.opener == branch.agent:
        return talk.n_sent + n_messages <= limit
    return talk.unanswered or talk.n_sent < limit


def _check_parallel(state: RunState, branch: ExecutionBranch, targets: list[str]) -> None:
    if not targets:
        raise _refusal(state, branch, "Parallel([]) names nobody")
    _check_targets(state, branch, targets)
    _check_room(state, branch, len(targets), targets)


def _check_targets(state: RunState, branch: ExecutionBranch, targets: list[str]) -> None:
    neighbours = state.plan.ways[branch.agent].targets
    for target, n_messages in Counter(targets).items():
        if target not in neighbours:
            hint = did_you_mean(target, neighbours)
            raise _refusal(state, branch, f"no edge leads from {branch.agent!r} to {target!r}{hint}")
        if not may_send(state.plan, branch, target, n_messages):
            turns = state.plan.rules.turns(branch.agent, target)
            what = f"the conversation of {branch.agent!r} and {target!r} has used up its {turns} turns"
            raise _refusal(state, branch, what)


def _check_question(state: RunState, branch: ExecutionBranch) -> None:
    if not state.plan.ways[branch.agent].can_ask_user:
        raise _refusal(state, branch, f"AskUser needs an edge from {branch.agent!r} to 'User'")
    if not state.can_ask:
        message = (
            f"{branch.agent!r} asks a person, and nobody can be reached; give user= a function or a list of replies"
        )
        raise NobodyToAsk(message)


def _check_conversation(state: RunState, branch: ExecutionBranch) -> None:
    partners = conversing_with(state.plan, branch)
    if not partners:
        raise _refusal(state, branch, f"{branch.agent!r} is in no conversation that EndConversation could leave")
    _check_room(state, branch, len(state.plan.ways[branch.agent].targets), None, without=partners)


def _check_room(
    state: RunState,
    branch: ExecutionBranch,
    n_most: int,
    targets: list[str] | None,
    *,
    without: frozenset[str] = frozenset(),
) -> None:
    """Refuse a fork past the caps; the exact targets of plain content are asked for only when they could matter."""
    limit = state.plan.rules.max_branches
    if state.n_live + n_most - 1 <= limit and branch.frame.depth < MAX_DEPTH:
        return
    found = implicit(state, branch, without=without) if targets is None else targets
    n_more = len(found) - (ASK in found)
    if n_more > 1 and state.n_live + n_more - 1 > limit:
        message = (
            f"{branch.agent!r} would make {state.n_live + n_more - 1} live branches, more than max_branches={limit}"
        )
        raise ReplyError(message + "; raise it, or send to fewer at once")
    if (n_more > 1 or targets is not None) and branch.frame.depth >= MAX_DEPTH:
        message = (
            f"{branch.agent!r} would call more than {MAX_DEPTH} frames deep; let an agent answer instead of asking"
        )
        raise ReplyError(message)


def _refusal(state: RunState, branch: ExecutionBranch, what: str) -> ReplyError:
    allowed = allowed_targets(state, branch)
    names = ", ".join(map(repr, allowed)) if allowed else "nobody"
    return ReplyError(f"{what}; {branch.agent!r} may ask {names}", allowed=allowed)


@dataclass(frozen=True, slots=True)
class ValidationProcessor:
    """Checks replies.

    Parameters
    ----------
    state : RunState
        Where everybody stands.
    """

    state: RunState

    def validate(self, branch: ExecutionBranch, reply: Any) -> None:
        """Refuse a reply that the topology does not allow; see `check_reply`."""
        check_reply(self.state, branch, reply)
