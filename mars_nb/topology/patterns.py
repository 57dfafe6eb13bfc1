"""Teams that are drawn often, by name.

A `PatternConfig` is a pattern and its arguments, as data; `PatternConfigConverter` draws it. Every pattern runs as it
is returned: the task comes in from ``User`` and the answer goes back there.

Examples
--------
>>> team = PatternConfig.hub_and_spoke(hub="H", spokes=["A", "B"], parallel_spokes=True)
>>> print(PatternConfigConverter().convert(team).to_text())
User -> H
H <-> A
H <-> B
H -> User
parallel(A, B)
>>> parse_pattern("hub_and_spoke(hub=H, spokes=[A, B], parallel_spokes=true)") == team
True
"""

from __future__ import annotations

from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from mars_nb.errors import TopologyError, did_you_mean, nearest
from mars_nb.topology.drawings import DRAWINGS, Node
from mars_nb.topology.names import quoted
from mars_nb.topology.pattern_text import read_call
from mars_nb.topology.rule_text import RULE_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mars_nb.topology.model import Topology

PATTERNS: tuple[str, ...] = tuple(DRAWINGS)
"""The names of the patterns."""


@dataclass(frozen=True)
class PatternConfig:
    """A pattern and its arguments; made by one of the class methods, which check them.

    Parameters
    ----------
    pattern : str
        The name of a class method.
    arguments : mapping
        Its arguments.
    """

    pattern: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def topology(self) -> Topology:
        """Draw it."""
        return PatternConfigConverter().convert(self)

    @classmethod
    def hub_and_spoke(cls, hub: Node, spokes: Sequence[Node], *, parallel_spokes: bool = False) -> PatternConfig:
        """Let a hub talk with every spoke, and answer; the spokes run together or one after the other."""
        return _checked(cls("hub_and_spoke", {"hub": hub, "spokes": spokes, "parallel_spokes": parallel_spokes}))

    @classmethod
    def hierarchical(cls, tree: Mapping[Node, Sequence[Node]]) -> PatternConfig:
        """Let the task go down a tree of managers, ``{parent: [children]}``, and the answers come up."""
        return _checked(cls("hierarchical", {"tree": tree}))

    @classmethod
    def pipeline(cls, stages: Sequence[Any], *, parallel_within_stage: bool = True) -> PatternConfig:
        """Hand over from stage to stage, ``[{"name": …, "agents": [...]}, …]``; the last one answers."""
        return _checked(cls("pipeline", {"stages": stages, "parallel_within_stage": parallel_within_stage}))

    @classmethod
    def mesh(cls, agents: Sequence[Node], entry_point: Node | None = None) -> PatternConfig:
        """Let everybody talk with everybody; the entry (the first by default) gets the task and answers."""
        return _checked(cls("mesh", {"agents": agents, "entry_point": entry_point}))

    @classmethod
    def star(cls, center: Node, points: Sequence[Node]) -> PatternConfig:
        """Let a centre talk with every point, and answer."""
        return _checked(cls("star", {"center": center, "points": points}))

    @classmethod
    def ring(cls, agents: Sequence[Node], entry_point: Node | None = None) -> PatternConfig:
        """Hand on in a one-way cycle that starts at the entry (the first by default)."""
        return _checked(cls("ring", {"agents": agents, "entry_point": entry_point}))

    @classmethod
    def broadcast(cls, broadcaster: Node, receivers: Sequence[Node]) -> PatternConfig:
        """Let one tell many; the receivers have nobody to go on to."""
        return _checked(cls("broadcast", {"broadcaster": broadcaster, "receivers": receivers}))

    @classmethod
    def debate(cls, debaters: Sequence[Node], judge: Node, rounds: int = 2) -> PatternConfig:
        """Let debaters argue for so many rounds; a judge decides.

        Two debaters answer each other, and then the judge is asked. Three and more speak at the same time in each
        round, and the judge, who hears them all, hands on what is to be answered, before deciding.
        """
        return _checked(cls("debate", {"debaters": debaters, "judge": judge, "rounds": rounds}))

    @classmethod
    def map_reduce(cls, mapper: Node, workers: Sequence[Node], reducer: Node) -> PatternConfig:
        """Spread the work from a mapper over workers who run together; a reducer joins and answers."""
        return _checked(cls("map_reduce", {"mapper": mapper, "workers": workers, "reducer": reducer}))

    @classmethod
    def review(cls, author: Node, reviewer: Node, rounds: int = 3) -> PatternConfig:
        """Let an author and a reviewer talk for so many rounds; the reviewer answers."""
        return _checked(cls("review", {"author": author, "reviewer": reviewer, "rounds": rounds}))


def _checked(pattern: PatternConfig) -> PatternConfig:
    pattern.topology()
    return pattern


@dataclass(frozen=True)
class PatternConfigConverter:
    """Draws patterns."""

    def convert(self, pattern: PatternConfig) -> Topology:
        """Draw a pattern.

        Parameters
        ----------
        pattern : PatternConfig
            The pattern and its arguments.

        Returns
        -------
        Topology
            A topology that runs as it is.

        Raises
        ------
        TopologyError
            If the pattern is unknown or an argument is wrong (nobody in a list, a name twice, a tree with a cycle).
        """
        draw = DRAWINGS.get(pattern.pattern)
        if draw is None:
            near = did_you_mean(str(pattern.pattern)[:80], PATTERNS) or f"; expected one of {', '.join(PATTERNS)}"
            raise TopologyError(f"unknown pattern {quoted(pattern.pattern)}{near}")
        try:
            return draw(**_arguments(draw, pattern.arguments))
        except TopologyError as error:
            raise TopologyError(f"{pattern.pattern}: {error}") from None


def _arguments(draw: Callable[..., Topology], given: Mapping[str, Any]) -> dict[str, Any]:
    known = signature(draw).parameters
    for name in given:
        if name not in known:
            near = did_you_mean(str(name)[:80], known)
            raise TopologyError(f"unknown argument {quoted(name)}; expected {', '.join(known)}{near}")
    missing = [name for name, each in known.items() if each.default is Parameter.empty and given.get(name) is None]
    if missing:
        raise TopologyError(f"{missing[0]!r} is missing; expected {', '.join(known)}")
    return dict(given)


def is_pattern(text: str) -> bool:
    """Tell whether a text is meant as a pattern rather than as lines of the notation."""
    word, bracket, _ = text.strip().partition("(")
    word = word.strip()
    if not bracket or not word.isidentifier():
        return False
    return word in PATTERNS or nearest(word[:80], (*PATTERNS, *RULE_WORDS)) in PATTERNS


def parse_pattern(text: str) -> PatternConfig:
    """Read a pattern.

    Parameters
    ----------
    text : str
        Its name and, in brackets, its arguments: by name, or in order.

    Returns
    -------
    PatternConfig
        The pattern, its arguments checked.

    Raises
    ------
    TopologyError
        If the text is no call of a known pattern, or an argument is wrong.
    """
    name, arguments = read_call(text, {name: list(signature(draw).parameters) for name, draw in DRAWINGS.items()})
    return _checked(PatternConfig(name, arguments))
