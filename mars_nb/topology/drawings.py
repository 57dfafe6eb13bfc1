"""How each pattern is drawn: agents in, topology out.

The functions take what a user wrote, so each checks its arguments: lists that are empty, agents that are named twice,
trees that are none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, combinations, pairwise, product
from typing import Any

from mars_nb.errors import TopologyError, did_you_mean
from mars_nb.topology.model import MAX_EDGES, Edge, Topology
from mars_nb.topology.names import RESERVED, USER, name_of, quoted
from mars_nb.topology.rules import MaxParallelRule, MaxTurnsRule, ParallelRule, Rule

Node = Any
"""A name or an agent object."""


def _one_way(*path: Node) -> list[Edge]:
    return [Edge(source=one, target=other) for one, other in pairwise(path)]


def _talks(one: Node, others: Sequence[Node]) -> list[Edge]:
    return [Edge(source=one, target=other, bidirectional=True) for other in others]


def _team(*roles: Node) -> None:
    """Check that everybody is an agent and nobody has two roles."""
    seen: set[str] = set()
    for role in roles:
        name = name_of(role)
        if name in RESERVED or name in seen:
            why = "is no agent" if name in RESERVED else "is named twice"
            raise TopologyError(f"{name!r} {why}; expected different agents")
        seen.add(name)


def _several(nodes: Any, what: str, at_least: int = 1) -> list[Node]:
    if isinstance(nodes, str) or not isinstance(nodes, list | tuple):
        raise TopologyError(f"{what}={quoted(nodes)}: expected a list of agents")
    if len(nodes) < at_least:
        raise TopologyError(f"{what}={quoted(list(nodes))}: expected at least {at_least}")
    return list(nodes)


def _flag(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise TopologyError(f"{what}={quoted(value)}: expected true or false")
    return value


def _first(agents: list[Node], entry_point: Node | None) -> str:
    """Give the entry: the one that was named, else the first."""
    names = [name_of(agent) for agent in agents]
    entry = names[0] if entry_point is None else name_of(entry_point)
    if entry not in names:
        raise TopologyError(f"entry_point={entry!r} is none of the agents{did_you_mean(entry, names)}")
    return entry


def _all_pairs(agents: list[Node]) -> list[Edge]:
    n_pairs = len(agents) * (len(agents) - 1) // 2
    if n_pairs > MAX_EDGES:
        raise TopologyError(f"{len(agents):,} agents have {n_pairs:,} pairs; expected at most {MAX_EDGES:,}")
    return [Edge(source=one, target=other, bidirectional=True) for one, other in combinations(agents, 2)]


def _turns(edges: list[Edge], rounds: Any) -> list[Rule]:
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise TopologyError(f"rounds={quoted(rounds)}: expected a whole number from 1")
    return [MaxTurnsRule(source=edge.source, target=edge.target, turns=rounds) for edge in edges]


def _hub_and_spoke(hub: Node, spokes: Any, *, parallel_spokes: Any = False) -> Topology:
    others = _several(spokes, "spokes")
    _team(hub, *others)
    together = _flag(parallel_spokes, "parallel_spokes") and len(others) > 1
    rule = ParallelRule(agents=tuple(map(name_of, others))) if together else MaxParallelRule(limit=1)
    return Topology(edges=[*_one_way(USER, hub), *_talks(hub, others), *_one_way(hub, USER)], rules=[rule])


def _hierarchical(tree: Any) -> Topology:
    if not isinstance(tree, Mapping) or not tree:
        raise TopologyError(f"tree={quoted(tree)}: expected {{parent: [children]}}")
    children = {name_of(parent): _several(below, name_of(parent), 0) for parent, below in tree.items()}
    _team(*chain.from_iterable(children.values()))
    parents = dict.fromkeys(name_of(parent) for parent in tree)
    below = {name_of(child) for child in chain.from_iterable(children.values())}
    roots = [parent for parent in parents if parent not in below]
    if len(roots) != 1:
        raise TopologyError(f"tree={quoted(dict(children))}: expected one root, found {', '.join(roots) or 'a cycle'}")
    edges = list(chain.from_iterable(_talks(parent, children[name_of(parent)]) for parent in tree))
    _check_tree(roots[0], children, below)
    return Topology(edges=[*_one_way(USER, roots[0]), *edges, *_one_way(roots[0], USER)])


def _check_tree(root: str, children: Mapping[str, Sequence[Node]], below: set[str]) -> None:
    """Check that everybody hangs below the root; every child has one parent, so what does not is in a cycle."""
    waiting, hanging = [root], {root}
    while waiting:
        names = [name_of(child) for child in children.get(waiting.pop(), ())]
        hanging.update(names)
        waiting.extend(names)
    lost = sorted(below - hanging)
    if lost:
        raise TopologyError(f"{quoted(', '.join(lost))}: a cycle; expected a tree below {root!r}")


def _pipeline(stages: Any, *, parallel_within_stage: Any = True) -> Topology:
    groups = [_stage(stage) for stage in _several(stages, "stages")]
    _team(*chain.from_iterable(groups))
    if not _flag(parallel_within_stage, "parallel_within_stage"):
        groups = [[agent] for agent in chain.from_iterable(groups)]
    return Topology(edges=_chained([[USER], *groups, [USER]]))


def _stage(stage: Any) -> list[Node]:
    match stage:
        case {"agents": agents, **rest} if not set(rest) - {"name"}:
            return _several(agents, "agents")
        case list() | tuple():
            return _several(stage, "agents")
        case _:
            raise TopologyError(f"{quoted(stage)} is no stage; expected {{'name': …, 'agents': [...]}}")


def _chained(groups: list[list[Node]]) -> list[Edge]:
    n_edges = sum(len(left) * len(right) for left, right in pairwise(groups))
    if n_edges > MAX_EDGES:
        raise TopologyError(f"the stages make {n_edges:,} edges; expected at most {MAX_EDGES:,}")
    steps = chain.from_iterable(product(left, right) for left, right in pairwise(groups))
    return [Edge(source=one, target=other) for one, other in steps]


def _mesh(agents: Any, entry_point: Node | None = None) -> Topology:
    everybody = _several(agents, "agents", 2)
    _team(*everybody)
    entry = _first(everybody, entry_point)
    return Topology(edges=[*_one_way(USER, entry), *_all_pairs(everybody), *_one_way(entry, USER)])


def _star(center: Node, points: Any) -> Topology:
    others = _several(points, "points")
    _team(center, *others)
    return Topology(edges=[*_one_way(USER, center), *_talks(center, others), *_one_way(center, USER)])


def _ring(agents: Any, entry_point: Node | None = None) -> Topology:
    everybody = _several(agents, "agents", 2)
    _team(*everybody)
    return Topology(edges=[*_one_way(USER, _first(everybody, entry_point)), *_one_way(*everybody, everybody[0])])


def _broadcast(broadcaster: Node, receivers: Any) -> Topology:
    others = _several(receivers, "receivers")
    _team(broadcaster, *others)
    return Topology(edges=_chained([[USER], [broadcaster], others]))


def _debate(debaters: Any, judge: Node, rounds: Any = 2) -> Topology:
    sides = _several(debaters, "debaters", 2)
    _team(*sides, judge)
    if len(sides) == 2:  # noqa: PLR2004 (two answer each other; of more, each pair would call all others in turn)
        talk = _talks(sides[0], sides[1:])
        edges = [*_chained([[USER], sides]), *talk, *_chained([sides, [judge], [USER]])]
    else:
        talk = _talks(judge, sides)
        edges = [*_one_way(USER, judge), *talk, *_one_way(judge, USER)]
    return Topology(edges=edges, rules=_turns(talk, rounds))


def _map_reduce(mapper: Node, workers: Any, reducer: Node) -> Topology:
    many = _several(workers, "workers")
    _team(mapper, *many, reducer)
    return Topology(edges=_chained([[USER], [mapper], many, [reducer], [USER]]))


def _review(author: Node, reviewer: Node, rounds: Any = 3) -> Topology:
    _team(author, reviewer)
    talk = _talks(author, [reviewer])
    return Topology(edges=[*_one_way(USER, author), *talk, *_one_way(reviewer, USER)], rules=_turns(talk, rounds))


DRAWINGS: dict[str, Callable[..., Topology]] = {
    "hub_and_spoke": _hub_and_spoke,
    "hierarchical": _hierarchical,
    "pipeline": _pipeline,
    "mesh": _mesh,
    "star": _star,
    "ring": _ring,
    "broadcast": _broadcast,
    "debate": _debate,
    "map_reduce": _map_reduce,
    "review": _review,
}
"""How each pattern is drawn; the arguments are those of the method of `PatternConfig`."""
