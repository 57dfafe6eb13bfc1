"""Small drawings that the tests of the pictures share: built from a few words, without the notation."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Line:
    source: str
    target: str
    bidirectional: bool = False


@dataclass(frozen=True)
class Drawing:
    nodes: tuple[str, ...]
    edges: tuple[Line, ...] = ()


def drawing(*chains: str) -> Drawing:
    """Read chains such as ``"A B|C D"`` (A to B and C, both to D); ``~`` between two words makes a conversation."""
    lines: dict[Line, None] = {}
    names: dict[str, None] = {}
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
