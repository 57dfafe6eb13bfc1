"""Boxes never touch and edges never cross a box that is not theirs: measured, over all kinds of drawings."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mars_nb.views import ordering
from mars_nb.views.layout import MAX_WIDTH_PX, lay_out, reading_order
from tests.unit.views.drawings import Drawing, drawing, mesh, numbered, ring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mars_nb.views.shapes import Box, Layout, Route

SPOKES = "|".join(f"Spoke{i}" for i in range(40))
DRAWINGS = {
    "one": drawing("A"),
    "nothing": Drawing(()),
    "chain": drawing("User A B C User"),
    "fan": drawing("User Plan N|S|E|W Merge Write ~Review User"),
    "back": drawing("A B C D", "D A", "C A", "B A"),
    "hierarchy": drawing("Top a|b|c", "a a1|a2", "b b1|b2|b3", "c c1"),
    "mesh": mesh(7),
    "ring": ring(6),
    "ring of conversations": ring(8, talks=True),
    "hub": drawing(f"Hub ~{SPOKES}"),
    "hub and merger": drawing(f"Hub {SPOKES} Merger"),
    "long chain": drawing(" ".join(f"s{i}" for i in range(30)), "s3 s20", "s25 s1", "s4 ~s9"),
    "loops": drawing("A A", "A B", "B B", "X X"),
    "loops in a column": drawing("Hub a|b|c|d", "a a", "b b", "c c", "d d"),
    "several": drawing("A B C", "X Y", "P", "Q"),
    "markers": drawing("Start A|B End", "A ~User"),
    "large mesh": mesh(45),
}

PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=90)


def sampled(route: Route) -> Iterator[tuple[float, float]]:
    """Walk along a route, some thirty points a step."""
    at = (route.steps[0][0], route.steps[0][1])
    for step in route.steps[1:]:
        points = [at, *zip(step[::2], step[1::2], strict=True)]
        yield from (bezier(points, i / 32) for i in range(33))
        at = points[-1]


def bezier(points: list[tuple[float, float]], t: float) -> tuple[float, float]:
    while len(points) > 1:
        points = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in pairwise(points)]
    return points[0]


def is_inside(box: Box, point: tuple[float, float]) -> bool:
    slack = 0.2
    return box.x + slack < point[0] < box.right - slack and box.y + slack < point[1] < box.bottom - slack


def overlaps(a: Box, b: Box) -> bool:
    return a.x < b.right and b.x < a.right and a.y < b.bottom and b.y < a.bottom


def check(layout: Layout) -> None:
    assert [(a.name, b.name) for a, b in combinations(layout.boxes, 2) if overlaps(a, b)] == []
    for route in layout.routes:
        strangers = [box for box in layout.boxes if box.name not in {route.source, route.target}]
        crossed = {box.name for point in sampled(route) for box in strangers if is_inside(box, point)}
        assert crossed == set(), (route.source, route.target)
    for box in layout.boxes:
        assert 0 <= box.x <= box.right <= layout.width
        assert 0 <= box.y <= box.bottom <= layout.height


@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_touches(name: str) -> None:
    check(lay_out(DRAWINGS[name]))


@pytest.mark.parametrize("name", DRAWINGS)
def test_no_drawing_is_wider_than_a_cell(name: str) -> None:
    assert lay_out(DRAWINGS[name]).width <= MAX_WIDTH_PX


@settings(max_examples=25)
@given(st.integers(1, 12), PAIRS)
def test_nothing_touches_in_any_small_drawing(n: int, pairs: list[tuple[int, int, bool]]) -> None:
    check(lay_out(numbered(n, pairs)))


@settings(max_examples=8)
@given(st.integers(13, 60), PAIRS)
def test_nothing_touches_in_any_larger_drawing(n: int, pairs: list[tuple[int, int, bool]]) -> None:
    check(lay_out(numbered(n, pairs)))


@pytest.mark.parametrize("n_lanes", [0, 8])
def test_nothing_touches_when_edges_share_lanes(n_lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "_MOST_LANES", n_lanes)
    for name in ("mesh", "back", "long chain", "hub and merger", "fan"):
        check(lay_out(DRAWINGS[name]))


@given(PAIRS)
@settings(max_examples=10)
def test_the_same_drawing_is_laid_out_the_same_way(pairs: list[tuple[int, int, bool]]) -> None:
    assert lay_out(numbered(20, pairs)) == lay_out(numbered(20, pairs))


def test_a_short_chain_reads_across_and_a_long_one_down() -> None:
    assert not lay_out(drawing("A B C D E F G")).is_down
    assert lay_out(drawing("A B C D E F G H")).is_down


def test_a_chain_is_a_straight_line() -> None:
    assert len({box.middle[1] for box in lay_out(drawing("User A B C User")).boxes}) == 1
    assert all(len(route.steps) == 2 for route in lay_out(drawing("A B C")).routes)


def test_a_fan_is_symmetric_and_keeps_the_order_of_the_drawing() -> None:
    boxes = {box.name: box for box in lay_out(drawing("Plan N|S|E Merge")).boxes}
    assert boxes["N"].y < boxes["S"].y < boxes["E"].y
    assert boxes["Plan"].middle[1] == boxes["Merge"].middle[1] == boxes["S"].middle[1]


def test_a_conversation_is_one_edge_with_two_heads() -> None:
    (route,) = lay_out(drawing("A ~B")).routes
    assert (route.both, len(route.arrows)) == (True, 2)


def test_a_back_edge_points_back() -> None:
    routes = {(route.source, route.target): route for route in lay_out(drawing("A B C", "C A")).routes}
    (arrow,) = routes["C", "A"].arrows
    assert arrow.dx == -1


def test_an_arrowhead_touches_the_node_it_points_at() -> None:
    layout = lay_out(DRAWINGS["hierarchy"])
    boxes = {box.name: box for box in layout.boxes}
    assert all(abs(route.arrows[0].x - boxes[route.target].x) < 2 for route in layout.routes)


def test_all_agents_have_the_same_size() -> None:
    layout = lay_out(drawing("A AVeryLongNameThatNeedsTwoLines B"))
    assert len({(box.width, box.height) for box in layout.boxes}) == 1


def test_above_forty_agents_the_drawing_is_compact() -> None:
    assert not lay_out(drawing("A " + "|".join(map(str, range(39))))).is_compact
    assert lay_out(drawing("A " + "|".join(map(str, range(40))))).is_compact


def test_what_is_written_at_an_edge_stands_outside_all_boxes() -> None:
    for drawn in DRAWINGS.values():
        layout = lay_out(drawn)
        talks = [route for route in layout.routes if route.both]
        assert not any(is_inside(box, route.label) for route in talks for box in layout.boxes)


def test_the_reading_order_leaves_out_the_markers() -> None:
    assert reading_order(drawing("User A B|C User")) == (("A",), ("B", "C"))


def test_few_crossings_are_left() -> None:
    boxes = {box.name: box.y for box in lay_out(drawing("Hub a|b|c", "a z", "b y", "c x")).boxes}
    assert boxes["z"] < boxes["y"] < boxes["x"]
