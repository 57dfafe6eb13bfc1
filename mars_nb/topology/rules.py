"""Rules: the limits of a run, as data.

Each rule is a frozen object and a line of text, and each is the other's inverse: ``parse_rule(str(rule)) == rule``.
What a rule *does* is not here (`mars_nb.engine.rules` reads them). An unknown or malformed rule is an error; none is
ignored.

Examples
--------
>>> parse_rule("max_turns(Writer <-> Reviewer, 3)")
MaxTurnsRule(source='Writer', target='Reviewer', turns=3)
>>> str(TimeoutRule(max_duration=300))
'timeout(300)'
>>> str(parse_rule("max_agents(8)"))
'max_parallel(8)'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from mars_nb.errors import RuleError
from mars_nb.topology.names import name_of, number_text, quoted, written

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_NUMBER = 1e12
MIN_NUMBER = 1e-9


def _tupled(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else value


def _positive(value: float) -> float:
    if not MIN_NUMBER <= value <= MAX_NUMBER:  # NaN is not either
        raise ValueError("expected a number greater than 0" + (" and at most 10^12" if value > MAX_NUMBER else ""))
    return value


def _share(value: float) -> float:
    if not MIN_NUMBER <= value <= 1:
        raise ValueError("expected a share greater than 0 and at most 1")
    return value


def _several(agents: tuple[str, ...]) -> tuple[str, ...]:
    if len(agents) < 2:  # noqa: PLR2004  # one alone is not together with anybody
        raise ValueError("expected at least two agents")
    if len(set(agents)) < len(agents):
        raise ValueError("an agent is named twice")
    return agents


Name = Annotated[str, BeforeValidator(name_of)]
Amount = Annotated[float, AfterValidator(_positive)]
Count = Annotated[int, AfterValidator(_positive)]
Share = Annotated[float, AfterValidator(_share)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_tupled), AfterValidator(_several)]


class BaseRule(BaseModel):
    """What all rules have in common: frozen, checked, and one line of text.

    Raises
    ------
    RuleError
        If a value is wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    example: ClassVar[str] = ""

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise RuleError(_one_line(type(self).__name__, error)) from None

    @property
    def subject(self) -> tuple[object, ...]:
        """What is limited: two rules with the same subject and different values contradict each other."""
        return (type(self),)

    @property
    def agents_named(self) -> tuple[str, ...]:
        """The nodes that the rule names."""
        return ()

    def contradicts(self, other: BaseRule) -> bool:
        """Tell whether both limit the same thing to different values."""
        return self.subject == other.subject and self != other


def _one_line(rule: str, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"][:1])
    if first["type"] == "missing":
        return f"{rule}: {where!r} is missing"
    own = first["msg"].removeprefix("Value error, ")
    what = own if own != first["msg"] else own[:1].lower() + own[1:]
    return f"{rule}({where}={quoted(first['input'])}): {what}"


class _AgentRule(BaseRule):
    """A rule about one agent, or (``agent=None``) about all of them."""

    @property
    def subject(self) -> tuple[object, ...]:
        """The agent, or all of them."""
        return (type(self), self.agents_named)

    @property
    def agents_named(self) -> tuple[str, ...]:
        """The agent, if it is about one."""
        agent = getattr(self, "agent", None)
        return (agent,) if agent is not None else ()

    def _text(self, word: str, *values: float) -> str:
        arguments = [*map(written, self.agents_named), *map(number_text, values)]
        return f"{word}({', '.join(arguments)})"


class TimeoutRule(_AgentRule):
    """``timeout(300)``: seconds of work for the run; ``timeout(Agent, 30)``: for each attempt of a step.

    Parameters
    ----------
    max_duration : float
        Seconds.
    agent : str, optional
        Whose steps; the whole run by default.
    """

    example: ClassVar[str] = "timeout(300) or timeout(Agent, 30), in seconds"
    max_duration: Amount
    agent: Name | None = None

    def __str__(self) -> str:
        return self._text("timeout", self.max_duration)


class MaxTurnsRule(BaseRule):
    """``max_turns(A <-> B, 3)``: how often the one who opens a conversation may speak.

    Parameters
    ----------
    source, target : str
        The two partners, in any order.
    turns : int
        Messages of the opener.
    """

    example: ClassVar[str] = "max_turns(A <-> B, 3)"
    source: Name
    target: Name
    turns: Count

    @property
    def subject(self) -> tuple[object, ...]:
        """The pair, in any order."""
        return (type(self), frozenset(self.agents_named))

    @property
    def agents_named(self) -> tuple[str, ...]:
        """Both partners."""
        return (self.source, self.target)

    def contradicts(self, other: BaseRule) -> bool:
        """Tell whether both limit the same pair to different turns."""
        return isinstance(other, MaxTurnsRule) and self.subject == other.subject and self.turns != other.turns

    def __str__(self) -> str:
        return f"max_turns({written(self.source)} <-> {written(self.target)}, {self.turns})"


class MaxStepsRule(BaseRule):
    """``max_steps(50)``: steps that may complete over the whole run."""

    example: ClassVar[str] = "max_steps(50)"
    steps: Count

    def __str__(self) -> str:
        return f"max_steps({self.steps})"


class ParallelRule(BaseRule):
    """``parallel(A, B, …)``: agents that are taken together when one of them is."""

    example: ClassVar[str] = "parallel(A, B)"
    agents: Names

    @property
    def subject(self) -> tuple[object, ...]:
        """The agents; several rules of this kind stand side by side."""
        return (type(self), self.agents)

    @property
    def agents_named(self) -> tuple[str, ...]:
        """All of them."""
        return self.agents

    def __str__(self) -> str:
        return f"parallel({', '.join(map(written, self.agents))})"


class MaxParallelRule(BaseRule):
    """``max_parallel(8)``: steps that may run at once."""

    example: ClassVar[str] = "max_parallel(8)"
    limit: Count

    def __str__(self) -> str:
        return f"max_parallel({self.limit})"


class RetryRule(_AgentRule):
    """``retry(Agent, 3)``: attempts of a step, with growing pauses between them."""

    example: ClassVar[str] = "retry(Agent, 3)"
    agent: Name
    attempts: Count

    def __str__(self) -> str:
        return self._text("retry", self.attempts)


class QuorumRule(_AgentRule):
    """``quorum(Agent, 0.5)``: the share of contributions with which a join or caller runs.

    Parameters
    ----------
    share : float
        More than 0, at most 1.
    agent : str, optional
        Which join or caller; all of them by default.
    """

    example: ClassVar[str] = "quorum(0.5) or quorum(Agent, 0.5), a share up to 1"
    share: Share
    agent: Name | None = None

    def __str__(self) -> str:
        return self._text("quorum", self.share)


class PauseBeforeRule(_AgentRule):
    """``pause_before(Agent)``: the run pauses when a step of this agent is to start."""

    example: ClassVar[str] = "pause_before(Agent)"
    agent: Name

    def __str__(self) -> str:
        return self._text("pause_before")


class BudgetRule(BaseRule):
    """``budget(0.50)``: US dollars that the run may cost."""

    example: ClassVar[str] = "budget(0.50), in US dollars"
    max_usd: Amount

    def __str__(self) -> str:
        return f"budget({number_text(self.max_usd)})"


class MaxTokensRule(BaseRule):
    """``max_tokens(20000)``: tokens that the run may use."""

    example: ClassVar[str] = "max_tokens(20000)"
    tokens: Count

    def __str__(self) -> str:
        return f"max_tokens({self.tokens})"


Rule = (
    TimeoutRule
    | MaxTurnsRule
    | MaxStepsRule
    | ParallelRule
    | MaxParallelRule
    | RetryRule
    | QuorumRule
    | PauseBeforeRule
    | BudgetRule
    | MaxTokensRule
)
"""Any rule."""


def without_repetition(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Drop rules that are there twice.

    Raises
    ------
    RuleError
        If two rules give the same limit different values.
    """
    kept: dict[tuple[object, ...], Rule] = {}
    for rule in rules:
        first = kept.setdefault(rule.subject, rule)
        if first.contradicts(rule):
            raise RuleError(f"{quoted(str(first))} and {quoted(str(rule))} contradict each other; keep one of them")
    return tuple(kept.values())


def parse_rule(text: str) -> Rule:
    """Read one rule.

    Parameters
    ----------
    text : str
        ``word(argument, …)``, without a comment.

    Returns
    -------
    Rule
        The rule.

    Raises
    ------
    RuleError
        If the word is unknown or the arguments are not what it takes; the message suggests what was meant.

    Examples
    --------
    >>> parse_rule("timeout(5 min)")
    Traceback (most recent call last):
    mars_nb.errors.RuleError: 'timeout(5 min)': '5 min' is not a plain number; expected timeout(300) or timeout(Agent,
    30), in seconds; did you mean 'timeout(300)'?
    """
    from mars_nb.topology.rule_text import read_rule

    return read_rule(text)
