"""Random topologies, and random agents for them.

A topology is drawn edge by edge and always has somewhere to begin; what cannot be reached is left out. Agents follow a
script: what they do depends on how often they were asked in their lineage, never on time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hypothesis import strategies as st

from mars_nb.actions import AskUser, EndConversation, Final, Invoke, Parallel
from mars_nb.topology.graph import TopologyAnalyzer, TopologyGraph
from mars_nb.topology.model import Topology

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hypothesis.strategies import DrawFn, SearchStrategy

    from tests.property.model import Step

NAMES = "ABCDEFGH"
SHARES = (0.3, 0.5, 0.67, 1.0)

Move = tuple[str, tuple[int, ...]]
"""What an agent does, and which of its neighbours it names."""


@dataclass(frozen=True)
class Case:
    """A topology, its agents, whether a person can be asked, and in which order the agents finish."""

    topology: str
    script: Mapping[str, tuple[Move, ...]]
    has_person: bool = False
    order: int = 0

    @property
    def graph(self) -> TopologyGraph:
        return TopologyAnalyzer().analyze(Topology.from_text(self.topology))

    def reply(self) -> Callable[[Step], Any]:
        return scripted(self.graph, self.script)

    def person(self) -> Callable[[str], str] | None:
        return answered if self.has_person else None


def answered(question: str) -> str:
    """Say something to two questions in three."""
    n = crc32(question.encode())
    return f"re {question}" if n % 3 else ""


def plain(step: Step) -> str:
    return f"{step.agent} in {step.id}"


def scripted(graph: TopologyGraph, script: Mapping[str, tuple[Move, ...]]) -> Callable[[Step], Any]:
    def reply(step: Step) -> Any:
        moves = script.get(step.agent) or (("plain", ()),)
        n_before = len(step.memory) + step.attempt - 1
        return carried_out(moves[n_before % len(moves)], graph.targets(step.agent), plain(step))

    return reply


def carried_out(move: Move, targets: tuple[str, ...], content: str) -> Any:
    kind, picks = move
    names = [targets[pick % len(targets)] for pick in picks if targets]
    match kind:
        case "invoke" if names:
            return Invoke(names[0], content)
        case "parallel" if names:
            return Parallel([(name, f"{content} to {n}") for n, name in enumerate(names)])
        case "final":
            return Final(content)
        case "end":
            return EndConversation(content)
        case "ask":
            return AskUser(content)
        case "raise":
            raise ValueError(content)
        case _:
            return content


# ------------------------------------------------------------------------------------------------------------ drawings


def text_of(edges: Iterable[str], rules: Iterable[str] = ()) -> str:
    return Topology.from_text("\n".join([*edges, *rules])).to_text()


@st.composite
def acyclic_topologies(draw: DrawFn, *, max_agents: int = 7, rules: bool = False) -> str:
    """One-way edges from earlier names to later ones; everything hangs below somebody, or is an entry."""
    n = draw(st.integers(1, max_agents))
    pairs = [(i, j) for j in range(n) for i in range(j)]
    drawn = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=2 * n)) if pairs else []
    edges = [f"{NAMES[i]} -> {NAMES[j]}" for i, j in drawn]
    roots = [NAMES[j] for j in range(n) if all(j != target for _, target in drawn)]
    door, way_out = draw(st.sampled_from(["User", "Start"])), draw(st.sampled_from(["User", "End"]))
    more = draw(st.lists(st.sampled_from(NAMES[:n]), unique=True, max_size=2))
    entries = [f"{door} -> {name}" for name in dict.fromkeys([*roots, *more])]
    exits = [f"{name} -> {way_out}" for name in draw(st.lists(st.sampled_from(NAMES[:n]), unique=True, max_size=2))]
    shares = draw(st.dictionaries(st.sampled_from([*NAMES[:n], ""]), st.sampled_from(SHARES))) if rules else {}
    quorums = [f"quorum({name}{', ' * bool(name)}{share})" for name, share in shares.items()]
    return text_of([*entries, *draw(st.permutations(edges)), *exits], quorums)


@st.composite
def any_topologies(draw: DrawFn, *, max_agents: int = 6, rules: bool = True) -> str:
    """One-way edges, conversations and self-edges in any directions, below one or two entries."""
    n = draw(st.integers(1, max_agents))
    arrow = st.tuples(st.integers(0, n - 1), st.sampled_from(["->", "->", "<->"]), st.integers(0, n - 1))
    drawn = draw(st.lists(arrow.filter(lambda each: each[0] != each[2] or each[1] == "->"), min_size=1, max_size=2 * n))
    entries = [0, draw(st.integers(0, n - 1))] if draw(st.integers(0, 4)) == 0 else [0]
    reached = reachable(entries, drawn)
    edges = [f"{NAMES[i]} {kind} {NAMES[j]}" for i, kind, j in drawn if {i, j} <= reached]
    names = [NAMES[i] for i in sorted(reached)]
    found = [*draw(_doors([NAMES[i] for i in dict.fromkeys(entries)])), *edges, *draw(_exits(names))]
    return text_of(found, draw(_rules(names, found)) if rules else ())


def reachable(entries: Iterable[int], drawn: Iterable[tuple[int, str, int]]) -> set[int]:
    arrows = [(i, j) for i, _, j in drawn] + [(j, i) for i, kind, j in drawn if kind == "<->"]
    found = set(entries)
    while more := {j for i, j in arrows if i in found} - found:
        found |= more
    return found


def _doors(entries: list[str]) -> SearchStrategy[list[str]]:
    doors = st.sampled_from(["User ->", "User ->", "Start ->", "User <->"])
    return doors.map(lambda door: [f"{door} {name}" for name in entries])


def _exits(names: list[str]) -> SearchStrategy[list[str]]:
    ends = st.sampled_from(["-> User", "-> End", "<-> User"])
    return st.lists(st.tuples(st.sampled_from(names), ends), max_size=2, unique=True).map(
        lambda pairs: [f"{name} {end}" for name, end in pairs]
    )


@st.composite
def _rules(draw: DrawFn, names: list[str], edges: list[str]) -> list[str]:
    talks = sorted({frozenset(edge.split(" <-> ")) for edge in edges if " <-> " in edge}, key=sorted)
    agent = st.sampled_from(names)
    some: list[SearchStrategy[str]] = [
        st.tuples(agent, st.sampled_from(SHARES)).map(lambda each: f"quorum({each[0]}, {each[1]})"),
        st.sampled_from(SHARES).map(lambda share: f"quorum({share})"),
        st.tuples(agent, st.integers(1, 3)).map(lambda each: f"retry({each[0]}, {each[1]})"),
    ]
    if talks:
        turns = st.tuples(st.sampled_from(talks), st.integers(1, 3))
        some.append(turns.map(lambda each: f"max_turns({' <-> '.join(sorted(each[0]))}, {each[1]})"))
    if len(names) > 1:
        pair = st.lists(agent, min_size=2, max_size=3, unique=True)
        some.append(pair.map(lambda each: f"parallel({', '.join(each)})"))
    drawn = draw(st.lists(st.one_of(some), max_size=3))
    return list({rule.rpartition(",")[0] or rule.partition("(")[0]: rule for rule in drawn}.values())


# ------------------------------------------------------------------------------------------------------------ scripts

PICKS = st.lists(st.integers(0, 5), min_size=1, max_size=3).map(tuple)
KINDS = ("plain", "plain", "invoke", "parallel", "parallel", "final", "end", "ask", "raise")


def scripts(kinds: tuple[str, ...] = KINDS) -> SearchStrategy[dict[str, tuple[Move, ...]]]:
    """For some agents, what they do one time after the other; the others answer plainly."""
    move = st.tuples(st.sampled_from(kinds), PICKS)
    return st.dictionaries(st.sampled_from(NAMES), st.lists(move, min_size=1, max_size=4).map(tuple), max_size=5)


@st.composite
def cases(draw: DrawFn, *, acyclic: bool = False, kinds: tuple[str, ...] = KINDS) -> Case:
    topology = draw(acyclic_topologies(rules=True) if acyclic else any_topologies())
    return Case(topology, draw(scripts(kinds)), draw(st.booleans()), draw(st.integers(0, 1_000)))
