from __future__ import annotations

from collections import OrderedDict
from itertools import count
from typing import Any

import pytest

from mars_nb.errors import TopologyError, TopologyTypeError
from mars_nb.topology.convert import ensure_topology
from mars_nb.topology.model import Edge, Topology
from mars_nb.topology.patterns import PatternConfig
from mars_nb.topology.rules import ParallelRule, TimeoutRule


class Planner:
    name = "Planner"


def test_every_form_gives_the_same_topology() -> None:
    drawn = Topology.from_text("User -> A -> User\ntimeout(3)")
    forms: list[Any] = [
        drawn,
        "User -> A -> User\ntimeout(3)",
        {"nodes": ["User", "A"], "edges": ["User -> A", "A -> User"], "rules": ["timeout(3)"]},
        {"agents": ["User", "A"], "flows": [("User", "A"), ["A", "User"]], "rules": [TimeoutRule(max_duration=3)]},
        OrderedDict(edges="User -> A\n# back\nA -> User", rules="timeout(3)  # short"),
        {"edges": [Edge(source="User", target="A"), "A -> User"], "rules": ("timeout(3)",), "nodes": None},
        {"edges": (edge for edge in ["User -> A -> User"]), "rules": ["timeout(3)"]},
    ]
    for form in forms:
        assert ensure_topology(form) == drawn


def test_a_topology_is_given_back_as_it_is() -> None:
    drawn = Topology.from_text("User -> A")
    assert ensure_topology(drawn) is drawn


def test_a_list_of_edges_is_a_topology() -> None:
    assert ensure_topology(["User -> A", ("A", "B", "<->"), ("B", "C", "->")]) == Topology.from_text(
        "User -> A <-> B -> C"
    )


def test_a_pattern_may_be_an_object_or_text() -> None:
    assert ensure_topology(PatternConfig.ring(["A", "B"])) == ensure_topology("ring(agents=[A, B])")


def test_objects_text_and_tuples_mix() -> None:
    planner = Planner()
    topology = ensure_topology(
        {
            "nodes": ["User", planner, "Worker1", "Worker2"],
            "edges": [Edge(source="User", target="Planner"), (planner, "Worker1"), "Planner -> Worker2"],
            "rules": [TimeoutRule(max_duration=300), "parallel(Worker1, Worker2)"],
        }
    )
    assert topology.agents == {"Planner": planner}
    assert topology.rules == (TimeoutRule(max_duration=300), ParallelRule(agents=("Worker1", "Worker2")))


def test_one_entry_needs_no_list() -> None:
    assert ensure_topology({"edges": ["A -> B", "B -> A"], "entry": "B"}).entry == ("B",)


@pytest.mark.parametrize("value", [None, 3, 3.0, b"A -> B", object(), {"A -> B"}, (x for x in "A")])
def test_a_wrong_type_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError) as error:
        ensure_topology(value)
    assert isinstance(error.value, TopologyTypeError)
    assert "expected text, a dict with nodes and edges" in str(error.value)


NESTED: list[Any] = []
NESTED.append(NESTED)


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({}, "the topology is empty"),
        ("", "text is empty"),
        ("# nothing", "text is empty"),
        ({"node": ["A"]}, "unknown key 'node'; expected nodes, edges, rules or entry; did you mean 'nodes'?"),
        ({3: ["A"]}, "unknown key 3"),
        ({"edges": ["A -> B"], "flows": []}, "mean the same"),
        ({"edges": ["A => B"]}, "did you mean 'A -> B'?"),
        ({"edges": [("A",)]}, "('A',) is no edge"),
        ({"edges": [("A", "B", "C")]}, "is no edge"),
        ({"edges": [("A", "B", "=>")]}, "is no edge"),
        ({"edges": [None]}, "None is no edge"),
        ({"edges": [Broken()]}, "<Broken> is no edge"),
        ({"edges": [("A", 3)]}, "3 is no node"),
        ({"edges": [("A", "B -> C")]}, "is not a name"),
        ({"edges": NESTED}, "is no edge"),
        ({"edges": {"A": "B"}}, "expected a list"),
        ({"edges": 3}, "edges=3: expected a list"),
        ({"edges": (("A", "B") for _ in count())}, "edges: more than 1,000,000"),
        ({"nodes": [3], "edges": []}, "3 is no node"),
        ({"nodes": [["A"]], "edges": []}, "is no node"),
        ({"nodes": ["User", "Planner"], "edges": ["User -> Planer"]}, "did you mean 'Planner'?"),
        ({"edges": ["A -> B"], "rules": [3]}, "3 is no rule"),
        ({"edges": ["A -> B"], "rules": ["timeot(3)"]}, "did you mean 'timeout'?"),
        ({"edges": ["A -> B"], "rules": ["timeout(3)", "timeout(4)"]}, "contradict"),
        ({"edges": ["A -> B"], "entry": ["C"]}, "entry 'C'"),
        ("hub_and_spokes(hub=A)", "did you mean 'hub_and_spoke'?"),
    ],
)
def test_what_is_wrong_inside_is_told_in_one_line(value: object, told: str) -> None:
    with pytest.raises(TopologyError) as error:
        ensure_topology(value)
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 300


def test_edges_cannot_make_more_than_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.topology.convert.MAX_EDGES", 20)
    with pytest.raises(TopologyError, match="the lists make 9 edges; expected at most 2"):
        ensure_topology(["a, b, c -> d, e, f", "d, e, f -> g, h, i", "g, h, i -> j, k, l"])
