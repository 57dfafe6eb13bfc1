"""Small drawings that the tests of the pictures share: built from a few words, without the notation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from mars_nb.topology.rules import ParallelRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Line:
    source: str
    target: str
    bidirectional: bool = False


@dataclass(frozen=True)
class Drawing:
    nodes: tuple[str, ...]
    edges: tuple[Line, ...] = ()
    rules: tuple[object, ...] = ()


NOTHING = Drawing(())


def drawing(*chains: str, like: Drawing = NOTHING) -> Drawing:
    """Read chains such as ``"A B|C D"`` (A to B and C, both to D); ``~`` before a word makes a conversation.

    They are added to those of another drawing.
    """
    lines: dict[Line, None] = dict.fromkeys(like.edges)
    names: dict[str, None] = dict.fromkeys(like.nodes)
    for chain in chains:
        words = chain.split(" ")
        groups = [word.lstrip("~").split("|") for word in words]
        names.update(dict.fromkeys(name for group in groups for name in group))
        for (left, right), word in zip(pairwise(groups), words[1:], strict=True):
            lines.update(dict.fromkeys(Line(a, b, word.startswith("~")) for a in left for b in right))
    return Drawing(tuple(names), tuple(lines))


def mesh(n: int) -> Drawing:
    names = tuple(f"Agent{i}" for i in range(n))
    return Drawing(names, tuple(Line(a, b, bidirectional=True) for i, a in enumerate(names) for b in names[i + 1 :]))


def ring(n: int, *, talks: bool = False) -> Drawing:
    names = [f"Node{i}" for i in range(n)]
    return Drawing(tuple(names), tuple(Line(a, b, talks) for a, b in pairwise([*names, names[0]])))


def numbered(n: int, pairs: list[tuple[int, int, bool]]) -> Drawing:
    names = tuple(f"n{i}" for i in range(n))
    lines = [Line(names[a % n], names[b % n], talks and a % n != b % n) for a, b, talks in pairs]
    return Drawing(names, tuple(dict.fromkeys(lines)))


def named(drawn: Drawing, names: Mapping[str, str]) -> Drawing:
    """Give the same drawing with other names."""
    lines = [Line(names.get(e.source, e.source), names.get(e.target, e.target), e.bidirectional) for e in drawn.edges]
    return replace(drawn, nodes=tuple(names.get(node, node) for node in drawn.nodes), edges=tuple(lines))


def grouping(drawn: Drawing, *groups: Iterable[str]) -> Drawing:
    """Give the same drawing with rules that take agents together."""
    # Without the checks of a rule: a name may be any text here.
    rules = [ParallelRule.model_construct(agents=tuple(sorted(group))) for group in groups]
    return replace(drawn, rules=tuple(rules))
