from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mars_nb.views import layering
from tests.unit.views.drawings import Drawing, drawing, numbered, ring

PAIRS = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14), st.booleans()), max_size=40)


def placed(drawn: Drawing) -> dict[str, int]:
    sheet = layering.read(drawn)
    return {vertex.name: at for vertex, at in zip(sheet.vertices, layering.layers(sheet), strict=True)}


@given(PAIRS, st.sampled_from([None, 1, 3]))
def test_every_arc_leads_to_a_higher_layer(pairs: list[tuple[int, int, bool]], n_most: int | None) -> None:
    sheet = layering.read(numbered(15, pairs))
    layer = layering.layers(sheet, n_most=n_most)
    assert all(layer[arc.tail] < layer[arc.head] for arc in sheet.arcs)
    assert sorted(sheet.order) == list(range(15))


@given(PAIRS)
def test_no_edge_is_lost_and_none_is_invented(pairs: list[tuple[int, int, bool]]) -> None:
    drawn = numbered(15, pairs)
    sheet = layering.read(drawn)
    names = [vertex.name for vertex in sheet.vertices]
    ends = [(names[arc.tail], names[arc.head], arc) for arc in sheet.arcs]
    shown = {(head, tail) if arc.turned else (tail, head) for tail, head, arc in ends if not arc.both}
    talks = {frozenset((tail, head)) for tail, head, arc in ends if arc.both}
    assert shown == {(e.source, e.target) for e in drawn.edges if not e.bidirectional and e.source != e.target}
    assert talks == {frozenset((e.source, e.target)) for e in drawn.edges if e.bidirectional}
    assert {names[v] for v in sheet.loops} == {e.source for e in drawn.edges if e.source == e.target}


def test_a_chain_takes_a_layer_each() -> None:
    assert placed(drawing("A B C")) == {"A": 0, "B": 1, "C": 2}


def test_a_ring_of_conversations_opens_to_both_sides() -> None:
    assert list(placed(ring(6, talks=True)).values()) == [0, 1, 2, 3, 2, 1]


def test_user_stands_at_both_ends_if_work_starts_and_ends_there() -> None:
    sheet = layering.read(drawing("User A User"))
    assert [(vertex.name, vertex.kind) for vertex in sheet.vertices] == [
        ("User", "user"),
        ("A", "agent"),
        ("User", "user"),
    ]
    assert layering.layers(sheet) == (0, 1, 2)


def test_user_stands_once_in_a_conversation() -> None:
    assert len(layering.read(drawing("User ~A")).vertices) == 2


def test_a_node_that_only_sends_stands_next_to_its_receiver() -> None:
    assert placed(drawing("A B C D", "X D"))["X"] == 2


def test_a_full_layer_hands_on_to_the_next() -> None:
    sheet = layering.read(drawing("Hub a|b|c|d|e"))
    assert layering.layers(sheet, n_most=2) == (0, 1, 1, 2, 2, 3)


def test_a_chain_longer_than_the_stack_of_python_is_read() -> None:
    names = [f"n{i}" for i in range(3000)]
    assert max(layering.layers(layering.read(drawing(" ".join(names), f"{names[-1]} {names[0]}")))) == 2999


def test_an_edge_to_a_node_that_is_not_listed_brings_it_in() -> None:
    drawn = drawing("A B")
    assert [vertex.name for vertex in layering.read(Drawing(("A",), drawn.edges)).vertices] == ["A", "B"]


def test_parts_that_are_not_connected_are_told_apart() -> None:
    assert layering.components(layering.read(drawing("A B", "C", "D E"))) == ((0, 1), (2,), (3, 4))
