"""Boxes never touch and edges never cross a box that is not theirs: measured, over all kinds of drawings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mars_nb.views import ordering
from mars_nb.views.layout import MAX_WIDTH_PX, lay_out, reading_order
from tests.unit.views.drawings import Drawing, drawing, grouping, mesh, named, numbered, ring
from tests.unit.views.geometry import flaws, label_area

NARROW = 432.0
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
    "mesh of six": drawing("User Agent0", "Agent0 User", like=mesh(6)),
    "hierarchy of three": drawing("User Top ~a|b|c", "a ~a1|a2|a3", "b ~b1|b2", "c ~c1|c2|c3|c4", "Top User"),
    "diamonds": drawing("User A B|C D E|F|G H User", "A H", "A D"),
    "parallel": grouping(drawing("User Plan A|B|C|D Merge User"), {"A", "B"}, {"C", "D"}),
    "parallel spokes": grouping(drawing("User Hub ~A|B|C|D", "Hub User"), {"A", "B", "C", "D"}),
}

NAMES = (
    "User",
    "End",
    "Start",
    "An Extraordinarily Meticulous Investigator",
    "Fact-Checker",
    "\u7814\u7a76\u8005",
    "W" * 80,
)
PAIRS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=90)


@pytest.mark.parametrize("width", [MAX_WIDTH_PX, NARROW])
@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_touches(name: str, width: float) -> None:
    layout = lay_out(DRAWINGS[name], max_width=width)
    assert flaws(layout) == []
    assert layout.width <= width


@st.composite
def topologies(draw: Any, n_most: int) -> Drawing:
    """Draw any edges, self loops and conversations between some agents, with odd names, and some parallel groups."""
    n = draw(st.integers(1, n_most))
    plain = numbered(n, draw(PAIRS))
    renamed = named(plain, dict(zip(plain.nodes, draw(st.lists(st.sampled_from(NAMES), unique=True)), strict=False)))
    groups = st.lists(st.sets(st.sampled_from(renamed.nodes), min_size=2, max_size=4), max_size=3)
    return grouping(renamed, *(draw(groups) if n > 1 else ()))


@settings(max_examples=60)
@given(topologies(12), st.sampled_from([MAX_WIDTH_PX, NARROW]))
def test_nothing_touches_in_any_small_drawing(drawn: Drawing, width: float) -> None:
    layout = lay_out(drawn, max_width=width)
    assert flaws(layout) == []
    assert layout.width <= width


@settings(max_examples=15)
@given(topologies(60), st.sampled_from([MAX_WIDTH_PX, NARROW]))
def test_nothing_touches_in_any_larger_drawing(drawn: Drawing, width: float) -> None:
    layout = lay_out(drawn, max_width=width)
    assert flaws(layout) == []
    assert layout.width <= width


@pytest.mark.parametrize("n_lanes", [0, 8])
def test_nothing_touches_when_edges_share_lanes(n_lanes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "_MOST_LANES", n_lanes)
    for name in ("mesh", "back", "long chain", "hub and merger", "fan"):
        assert flaws(lay_out(DRAWINGS[name])) == []


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


@pytest.mark.parametrize("name", ["fan", "mesh", "ring of conversations", "mesh of six", "hierarchy of three"])
def test_every_conversation_has_a_place_to_write_at(name: str) -> None:
    layout = lay_out(DRAWINGS[name])
    assert [route for route in layout.routes if route.both and label_area(route) is None] == []


def test_where_so_many_talk_that_nothing_could_be_read_nothing_is_written() -> None:
    assert {route.label for route in lay_out(DRAWINGS["large mesh"]).routes} == {None}


def test_an_edge_and_one_that_leads_back_do_not_cross() -> None:
    there, _, back = lay_out(drawing("A B|C", "B A")).routes
    assert (there.steps[0][1] - back.steps[0][1]) * (there.steps[-1][-1] - back.steps[-1][-1]) > 0


def test_agents_that_are_taken_together_have_a_frame() -> None:
    drawn = grouping(drawing("Plan N|S|E|W Merge"), {"S", "E"})
    (frame,) = lay_out(drawn).frames
    assert frame.names == ("S", "E")


@pytest.mark.parametrize("group", [{"N", "E"}, {"Plan", "N"}, {"N"}, {"Merge", "elsewhere"}])
def test_agents_that_do_not_stand_together_have_no_frame(group: set[str]) -> None:
    assert lay_out(grouping(drawing("Plan N|S|E|W Merge"), group)).frames == ()


def test_a_frame_holds_the_edges_from_an_agent_to_itself() -> None:
    for across in ("Plan N|S|E|W Merge", "a b c d e f g h i N|S|E|W Merge"):
        layout = lay_out(grouping(drawing(across, "N N", "S S", "E E", "W W"), {"S", "E"}))
        assert len(layout.frames) == 1
        assert flaws(layout) == []


def test_the_reading_order_leaves_out_the_markers() -> None:
    assert reading_order(drawing("User A B|C User")) == (("A",), ("B", "C"))


def test_few_crossings_are_left() -> None:
    boxes = {box.name: box.y for box in lay_out(drawing("Hub a|b|c", "a z", "b y", "c x")).boxes}
    assert boxes["z"] < boxes["y"] < boxes["x"]
