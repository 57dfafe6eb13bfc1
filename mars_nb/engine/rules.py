"""Rules, looked up the way the engine asks for them.

A topology's rules are a list in the order they were written; the engine asks "how many turns has this conversation?" at
every step. `RulesEngine` is the list turned into answers, once. What no rule says has a default here, and only here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.topology.rules import (
    BudgetRule,
    MaxParallelRule,
    MaxStepsRule,
    MaxTokensRule,
    MaxTurnsRule,
    ParallelRule,
    PauseBeforeRule,
    QuorumRule,
    RetryRule,
    TimeoutRule,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.topology.rules import Rule

DEFAULT_MAX_STEPS = 100
DEFAULT_MAX_BRANCHES = 1_000
MAX_DEPTH = 100
"""Frames within frames; each is a call that waits, so deeper nesting is a runaway recursion."""


def pair(one: str, other: str) -> tuple[str, str]:
    """Give the name of a conversation, which is the same from both sides."""
    return (one, other) if one < other else (other, one)


class RulesEngine:
    """What the rules of a topology allow.

    Parameters
    ----------
    rules : iterable of Rule
        The rules of the topology.
    max_steps : int, optional
        The argument of a run; where a ``max_steps`` rule gives a limit, too, both hold, so the lower one.
    max_branches : int
        Most branches that may be alive at once.

    Attributes
    ----------
    max_steps : int
        Steps that may complete.
    max_parallel : int or None
        Steps that may run at once.
    max_branches : int
        Branches that may be alive at once.
    timeout_s : float or None
        Seconds of work for the run.
    budget_usd : float or None
        US dollars for the run.
    max_tokens : int or None
        Tokens read and written by models in the run.
    parallel_sets : tuple of frozenset of str
        Agents that run together.
    pause_before : frozenset of str
        Agents before which the run pauses.
    """

    def __init__(
        self, rules: Iterable[Rule] = (), *, max_steps: int | None = None, max_branches: int = DEFAULT_MAX_BRANCHES
    ) -> None:
        self.max_steps = max_steps or DEFAULT_MAX_STEPS
        self.max_branches = max_branches
        self.max_parallel: int | None = None
        self.timeout_s: float | None = None
        self.budget_usd: float | None = None
        self.max_tokens: int | None = None
        self.parallel_sets: tuple[frozenset[str], ...] = ()
        self.pause_before: frozenset[str] = frozenset()
        self._step_timeouts: dict[str, float] = {}
        self._attempts: dict[str, int] = {}
        self._turns: dict[tuple[str, str], int] = {}
        self._quorums: dict[str, float] = {}
        self._quorum = 1.0
        for rule in rules:
            self._add(rule, max_steps)

    def _add(self, rule: Rule, max_steps: int | None) -> None:  # noqa: C901 (one case a rule, each of one line)
        match rule:
            case TimeoutRule():
                self._set_timeout(rule)
            case MaxTurnsRule():
                self._turns[pair(rule.source, rule.target)] = rule.turns
            case MaxStepsRule():
                self.max_steps = rule.steps if max_steps is None else min(rule.steps, max_steps)
            case ParallelRule():
                self.parallel_sets += (frozenset(rule.agents),)
            case MaxParallelRule():
                self.max_parallel = rule.limit
            case RetryRule():
                self._attempts[rule.agent] = rule.attempts
            case QuorumRule():
                self._set_quorum(rule)
            case PauseBeforeRule():
                self.pause_before |= {rule.agent}
            case BudgetRule():
                self.budget_usd = rule.max_usd
            case MaxTokensRule():
                self.max_tokens = rule.tokens

    def _set_timeout(self, rule: TimeoutRule) -> None:
        if rule.agent is None:
            self.timeout_s = rule.max_duration
        else:
            self._step_timeouts[rule.agent] = rule.max_duration

    def _set_quorum(self, rule: QuorumRule) -> None:
        if rule.agent is None:
            self._quorum = rule.share
        else:
            self._quorums[rule.agent] = rule.share

    def step_timeout_s(self, agent: str) -> float | None:
        """Give the seconds that one attempt of this agent's step may take."""
        return self._step_timeouts.get(agent)

    def attempts(self, agent: str) -> int:
        """Give how often a step of this agent is tried."""
        return self._attempts.get(agent, 1)

    def turns(self, one: str, other: str) -> int | None:
        """Give the opener's messages that ``max_turns`` allows in this conversation, None without such a rule."""
        return self._turns.get(pair(one, other))

    def quorum(self, agent: str) -> float:
        """Give the share of contributors that a join or a call at this agent needs, in (0, 1]."""
        return self._quorums.get(agent, self._quorum)
