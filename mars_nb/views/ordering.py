"""Who stands above whom: the order inside the layers, and a lane for every edge that passes a layer.

The second half of a layered drawing. An edge that leads further than to the next layer gets a *lane* in each layer
that it passes, as if it were a thin node, so that it can never run through a box. Then the layers are swept to and
fro, each time sorted by the mean place of the neighbours (the barycentre), and the order with the fewest crossings is
kept.

Lanes cost space and time. If there would be too many, edges share them: all that leave or reach the same hub, and at
last all edges of a drawing, which then run beside it in one trunk.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from mars_nb.views.layering import Arc

_MOST_LANES: Final = 3000
_SMALL: Final = 120
_N_SWEEPS: Final = 12
_N_SWEEPS_LARGE: Final = 5
_TRUNK: Final = "trunk"
_ROUNDS: Final = ("before", "after", "before", "after", *("both",) * 8)
_STIFF, _WEAK, _YIELDING = 8.0, 0.002, 0.1
_NEARLY: Final = 13.0


@dataclass(frozen=True)
class Ranks:
    """Vertices and lanes, layer by layer.

    Parameters
    ----------
    rows : tuple of tuple of int
        Of each layer: vertices, and lanes (numbers from ``n_vertices``), in their order.
    chains : tuple of tuple of int
        Of each arc: its tail, the lanes it runs through, its head.
    before, after : dict
        Neighbours of a vertex or lane in the layer before and in the layer after.
    n_vertices : int
        Numbers below this are vertices.
    """

    rows: tuple[tuple[int, ...], ...]
    chains: tuple[tuple[int, ...], ...]
    before: dict[int, list[int]]
    after: dict[int, list[int]]
    n_vertices: int


def rank(
    vertices: Sequence[int], arcs: Sequence[Arc], layer: Sequence[int], n_vertices: int, *, n_side_by_side: int
) -> Ranks:
    """Arrange one component.

    Parameters
    ----------
    vertices : sequence of int
        The vertices of the component, in the order they were drawn.
    arcs : sequence of Arc
        Its arcs.
    layer : sequence of int
        Layer of every vertex of the sheet.
    n_vertices : int
        How many vertices the sheet has; lanes are numbered from there.
    n_side_by_side : int
        How many lanes there is room for in a layer; if there would be more, edges share them.

    Returns
    -------
    Ranks
        Layers in their final order.
    """
    chains, lane_layers, is_trunk = _chains(arcs, layer, n_vertices, n_side_by_side)
    ends = _ends(chains)
    first = min(layer[v] for v in vertices)
    rows: list[list[int]] = [[] for _ in range(max(layer[v] for v in vertices) - first + 1)]
    for vertex in vertices:
        rows[layer[vertex] - first].append(vertex)
    for lane, at in lane_layers.items():
        rows[at - first].append(lane)
    best = _untangle(rows, *ends)
    if is_trunk:
        best = [sorted(row, key=lambda each: each >= n_vertices) for row in best]
    return Ranks(tuple(tuple(row) for row in best), chains, *ends, n_vertices)


def _chains(
    arcs: Sequence[Arc], layer: Sequence[int], n_vertices: int, n_side_by_side: int
) -> tuple[tuple[tuple[int, ...], ...], dict[int, int], bool]:
    """Give each arc its lanes, and each lane its layer; and tell whether all share one trunk."""
    share = _sharing(arcs, layer, n_side_by_side)
    lanes: dict[tuple[Hashable, int], int] = {}
    chains = []
    for number, arc in enumerate(arcs):
        passed = range(layer[arc.tail] + 1, layer[arc.head])
        steps = [lanes.setdefault((share(number, arc), at), n_vertices + len(lanes)) for at in passed]
        chains.append((arc.tail, *steps, arc.head))
    return tuple(chains), {lane: at for (_, at), lane in lanes.items()}, any(who == _TRUNK for who, _ in lanes)


def _sharing(arcs: Sequence[Arc], layer: Sequence[int], n_side_by_side: int) -> Callable[[int, Arc], Hashable]:
    """Choose who shares a lane: nobody, else all edges of a hub, else all."""
    n_out, n_in = Counter(arc.tail for arc in arcs), Counter(arc.head for arc in arcs)

    def hub(_: int, arc: Arc) -> Hashable:
        is_out = n_out[arc.tail] >= n_in[arc.head]
        return is_out, arc.tail if is_out else arc.head, arc.turned, arc.both

    choices: tuple[Callable[[int, Arc], Hashable], ...] = (lambda number, _: number, hub)
    for share in choices:
        n_lanes = _n_lanes(arcs, layer, share)
        if n_lanes.total() <= _MOST_LANES and max(n_lanes.values(), default=0) <= n_side_by_side:
            return share
    return lambda *_: _TRUNK


def _n_lanes(arcs: Sequence[Arc], layer: Sequence[int], share: Callable[[int, Arc], Hashable]) -> Counter[int]:
    """Count the lanes each layer would need: those who share one need it as far as the longest of them goes."""
    reach: dict[Hashable, tuple[int, int]] = {}
    for number, arc in enumerate(arcs):
        low, high = reach.get(share(number, arc), (layer[arc.tail], layer[arc.head]))
        reach[share(number, arc)] = (min(low, layer[arc.tail]), max(high, layer[arc.head]))
    return Counter(at for low, high in reach.values() for at in range(low + 1, high))


def _ends(chains: Iterable[Sequence[int]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    before: dict[int, list[int]] = {}
    after: dict[int, list[int]] = {}
    segments = dict.fromkeys(pair for chain in chains for pair in pairwise(chain))
    for left, right in segments:
        after.setdefault(left, []).append(right)
        before.setdefault(right, []).append(left)
    return before, after


def _untangle(rows: list[list[int]], before: dict[int, list[int]], after: dict[int, list[int]]) -> list[list[int]]:
    """Sweep to and fro; keep the best order seen, and among equals the first: the one closest to the drawing."""
    small = sum(map(len, rows)) <= _SMALL
    best, fewest = [list(row) for row in rows], _n_crossings(rows, after)
    for sweep in range(_N_SWEEPS if small else _N_SWEEPS_LARGE):
        if not fewest:
            break
        _sweep(rows, before if sweep % 2 == 0 else after, forward=sweep % 2 == 0)
        if small:
            _swap(rows, before, after)
        n = _n_crossings(rows, after)
        if n < fewest:
            best, fewest = [list(row) for row in rows], n
    return best


def _sweep(rows: list[list[int]], neighbours: dict[int, list[int]], *, forward: bool) -> None:
    steps = range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1)
    for at in steps:
        place = {each: i for i, each in enumerate(rows[at - 1 if forward else at + 1])}
        own = {each: float(i) for i, each in enumerate(rows[at])}
        middle = {each: _mean([place[other] for other in neighbours.get(each, [])], own[each]) for each in rows[at]}
        rows[at].sort(key=middle.__getitem__)


def _mean(places: Sequence[int], default: float) -> float:
    return sum(places) / len(places) if places else default


def _swap(rows: list[list[int]], before: dict[int, list[int]], after: dict[int, list[int]]) -> None:
    """Exchange neighbours in a layer wherever that takes crossings away."""
    place = {each: i for row in rows for i, each in enumerate(row)}
    for row in rows:
        for i in range(len(row) - 1):
            left, right = row[i], row[i + 1]
            sides = [(side.get(left, []), side.get(right, [])) for side in (before, after)]
            if sum(_between(b, a, place) - _between(a, b, place) for a, b in sides) < 0:
                row[i], row[i + 1] = right, left
                place[left], place[right] = i + 1, i


def _between(upper: Sequence[int], lower: Sequence[int], place: dict[int, int]) -> int:
    """Count the crossings of the edges of two neighbours in a layer."""
    return sum(place[a] > place[b] for a in upper for b in lower)


def _n_crossings(rows: Sequence[Sequence[int]], after: dict[int, list[int]]) -> int:
    """Count all crossings, as inversions: in each gap, ends that arrive in another order than they leave."""
    n = 0
    for row, following in pairwise(rows):
        place = {each: i for i, each in enumerate(following)}
        arrived: list[int] = []
        for each in row:
            targets = sorted(place[other] for other in after.get(each, []))
            n += sum(len(arrived) - bisect_left(arrived, target + 1) for target in targets)
            for target in targets:
                insort(arrived, target)
    return n


@dataclass(frozen=True)
class Measure:
    """How much room everything needs along a layer.

    Parameters
    ----------
    size : callable
        Extent of a vertex or lane.
    gap : callable
        Distance to keep between two that stand side by side.
    room : float
        Extent that no layer should exceed.
    """

    size: Callable[[int], float]
    gap: Callable[[int, int], float]
    room: float = math.inf


@dataclass(frozen=True)
class _Row:
    """One layer: who stands in it, how far from the first, and how far the first may go."""

    members: tuple[int, ...]
    offsets: tuple[float, ...]
    low: float
    high: float


def spread(ranks: Ranks, measure: Measure) -> dict[int, float]:
    """Place vertices and lanes along their layers: in order, never touching, each as near to its neighbours as can be.

    Parameters
    ----------
    ranks : Ranks
        Layers in their order.
    measure : Measure
        How much room everything needs.

    Returns
    -------
    dict
        Centre of each vertex and lane along the layer.

    Notes
    -----
    Each layer is a least-squares problem with the distances as constraints, which is isotonic regression once the
    distances are subtracted; pooling adjacent violators solves it exactly in linear time, and with bounds by clipping.
    """
    rows = [_row(members, measure) for members in ranks.rows]
    at = {
        each: place - row.offsets[-1] / 2 for row in rows for each, place in zip(row.members, row.offsets, strict=True)
    }
    for side in _ROUNDS:
        for row in rows if side != "after" else reversed(rows):
            at.update(
                zip(row.members, _settle([_pull(each, at, ranks, side) for each in row.members], row), strict=True)
            )
    for row in rows:
        at.update(zip(row.members, _settle([_snap(each, at, ranks) for each in row.members], row), strict=True))
    room = {each: sides for row in rows for each, sides in _sides(row).items()}
    for chain in sorted(ranks.chains, key=len) * 2:
        _straighten(chain[1:-1], at, room)
    return at


def _row(members: tuple[int, ...], measure: Measure) -> _Row:
    offsets = [0.0]
    for a, b in pairwise(members):
        offsets.append(offsets[-1] + (measure.size(a) + measure.size(b)) / 2 + measure.gap(a, b))
    low = (measure.size(members[0]) - measure.room) / 2
    high = (measure.room - measure.size(members[-1])) / 2 - offsets[-1]
    if low > high:
        low = high = -offsets[-1] / 2
    return _Row(members, tuple(offsets), low, high)


_Side = tuple[int | None, float]


def _sides(row: _Row) -> dict[int, tuple[_Side, _Side]]:
    """Give who stands on either side of each and the distance to keep from them; at the ends, the place of the wall."""
    steps = [b - a for a, b in pairwise(row.offsets)]
    left: list[_Side] = [(None, row.low), *zip(row.members, steps, strict=False)]
    right: list[_Side] = [*zip(row.members[1:], steps, strict=False), (None, row.high + row.offsets[-1])]
    return dict(zip(row.members, zip(left, right, strict=True), strict=True))


def _straighten(lanes: Sequence[int], at: dict[int, float], room: dict[int, tuple[_Side, _Side]]) -> None:
    """Put all lanes of an edge in one line, if there is a line that is free in every layer."""
    if not lanes:
        return
    low = max(step if other is None else at[other] + step for other, step in (room[lane][0] for lane in lanes))
    high = min(step if other is None else at[other] - step for other, step in (room[lane][1] for lane in lanes))
    if low <= high:
        mean = sum(at[lane] for lane in lanes) / len(lanes)
        at.update(dict.fromkeys(lanes, min(max(mean, low), high)))


def _pull(each: int, at: dict[int, float], ranks: Ranks, side: str) -> tuple[float, float]:
    """Give where a vertex or lane is drawn to, and how strongly."""
    pulls = []
    if side != "after":
        pulls += [(other, _weight(each, other, ranks.after, ranks)) for other in ranks.before.get(each, [])]
    if side != "before":
        pulls += [(other, _weight(each, other, ranks.before, ranks)) for other in ranks.after.get(each, [])]
    if not pulls:
        return at[each], _WEAK
    total = sum(weight for _, weight in pulls)
    wish = sum(at[other] * weight for other, weight in pulls) / total
    return wish, total if each < ranks.n_vertices else _YIELDING


def _weight(each: int, other: int, back: dict[int, list[int]], ranks: Ranks) -> float:
    """Lanes hold together and yield to vertices; who has many neighbours pulls less on each of them."""
    match each >= ranks.n_vertices, other >= ranks.n_vertices:
        case True, True:
            return _STIFF
        case False, True:
            return _WEAK
        case _:
            return 1 / len(back[other])


def _snap(each: int, at: dict[int, float], ranks: Ranks) -> tuple[float, float]:
    """Line up with a neighbour in the layer before that is all but in line."""
    near = [at[other] for other in ranks.before.get(each, []) if abs(at[other] - at[each]) < _NEARLY]
    own = 1.0 if each < ranks.n_vertices else _YIELDING
    return (near[0], _STIFF * own) if near else (at[each], own)


def _settle(pulls: Sequence[tuple[float, float]], row: _Row) -> list[float]:
    """Pool adjacent violators: blocks that would collide move together, at their weighted mean."""
    blocks: list[tuple[float, float, int]] = []
    for (wish, weight), offset in zip(pulls, row.offsets, strict=True):
        blocks.append((wish - offset, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, wa, na), (b, wb, nb) = blocks[-2:]
            blocks[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    values = [min(max(value, row.low), row.high) for value, _, n in blocks for _ in range(n)]
    return [value + offset for value, offset in zip(values, row.offsets, strict=True)]
