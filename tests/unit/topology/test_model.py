from __future__ import annotations

import copy
import html
import re
from dataclasses import dataclass
from itertools import count

import pytest

from mars_nb.errors import TopologyError
from mars_nb.topology.model import END, RESERVED, START, USER, Edge, Topology
from mars_nb.topology.rules import TimeoutRule
from tests.unit.views.hostile import HOSTILE_TEXTS


@dataclass(frozen=True)
class Person:
    name: str


def test_reserved_names_are_user_start_and_end() -> None:
    assert {USER, START, END} == RESERVED == {"User", "Start", "End"}


def test_an_edge_writes_itself() -> None:
    assert str(Edge(source="A", target="B")) == "A -> B"
    assert str(Edge(source="A", target="B", bidirectional=True)) == "A <-> B"


def test_an_edge_takes_agent_objects_and_is_equal_to_one_of_names() -> None:
    writer = Person("Writer")
    edge = Edge(source=writer, target="B")
    assert edge == Edge(source="Writer", target="B")
    assert hash(edge) == hash(Edge(source="Writer", target="B"))
    assert edge.ends == (writer, "B")
    assert edge != "Writer -> B"


@pytest.mark.parametrize("end", [None, 3, "", " ", "A,B", "A\u200b", "x" * 81, "-A", Person("A#2"), Person("A  B")])
def test_an_end_that_is_no_name_is_refused(end: object) -> None:
    with pytest.raises(TopologyError):
        Edge(source=end, target="B")


def test_a_conversation_with_oneself_is_refused_and_an_edge_to_oneself_is_not() -> None:
    assert str(Edge(source="A", target="A")) == "A -> A"
    with pytest.raises(TopologyError, match="did you mean 'A -> A'"):
        Edge(source="A", target="A", bidirectional=True)


def test_a_direction_is_true_or_false() -> None:
    with pytest.raises(TopologyError, match="True or False"):
        Edge(source="A", target="B", bidirectional="yes")  # type: ignore[arg-type]  # what a user may write


def test_the_same_edge_twice_is_one_edge() -> None:
    drawn = Topology(edges=["A -> B", "A -> B", "A <-> B", "B <-> A"])
    assert [str(edge) for edge in drawn.edges] == ["A -> B", "A <-> B"]
    assert drawn.directed_edges() == (("A", "B"), ("B", "A"))


def test_nodes_are_in_the_order_of_the_edges_unless_they_are_listed() -> None:
    assert Topology(edges=["User -> B, A", "A -> End"]).nodes == ("User", "B", "A", "End")
    assert Topology(["A", "B"], ["User -> B, A", "A -> End"]).nodes == ("User", "A", "B", "End")


def test_an_edge_to_a_node_that_is_not_listed_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(TopologyError, match=r"'Planer' is not among the nodes; did you mean 'Planner'\?"):
        Topology(["User", "Planner"], ["User -> Planer"])
    with pytest.raises(TopologyError, match="add it to the nodes"):
        Topology(["Xyz"], ["User -> Planer"])


def test_the_entry_is_one_of_the_agents() -> None:
    assert Topology(edges=["A -> B", "B -> A"], entry=["B"]).entry == ("B",)
    with pytest.raises(TopologyError, match="entry 'C' is not in the topology"):
        Topology(edges=["A -> B"], entry=["C"])
    with pytest.raises(TopologyError, match="expected an agent"):
        Topology(edges=["User -> B"], entry=["User"])


def test_agent_objects_are_kept_by_name_whether_they_stand_among_the_nodes_or_in_edges() -> None:
    one, other, user = Person("One"), Person("Other"), Person("User")
    drawn = Topology([user, one, "Other"], [Edge(source="User", target=one), ("One", other)])
    assert dict(drawn.agents) == {"One": one, "Other": other}
    assert drawn.nodes == ("User", "One", "Other")


def test_two_agents_of_one_name_are_refused() -> None:
    with pytest.raises(TopologyError, match="two different agents are called 'A'"):
        Topology([Person("A"), [].append, Person("A")][::2], [])
    with pytest.raises(TopologyError, match="two different agents"):
        Topology([_Equal(), _Equal()])


class _Equal:
    name = "A"


def test_rules_may_be_text_or_objects() -> None:
    assert Topology(edges=["A -> B"], rules=["timeout(3)"]).rules == (TimeoutRule(max_duration=3),)
    assert Topology(edges=["A -> B"], rules=[TimeoutRule(max_duration=3), "timeout(3)"]).rules == (
        TimeoutRule(max_duration=3),
    )


@pytest.mark.parametrize("nodes", ["A", 5, {"A": 1}, b"A"])
def test_nodes_that_are_no_list_are_refused(nodes: object) -> None:
    with pytest.raises(TopologyError, match="expected a list"):
        Topology(nodes)  # type: ignore[arg-type]  # what a user may write


def test_an_endless_list_ends_in_an_error() -> None:
    with pytest.raises(TopologyError, match="cannot be larger"):
        Topology(str(each) for each in count())


def test_too_many_nodes_are_refused() -> None:
    with pytest.raises(TopologyError, match="at most 100,000"):
        Topology([f"n{each}" for each in range(100_001)])


def test_a_topology_can_be_copied_and_compared() -> None:
    drawn = Topology([Person("A"), "B"], ["User -> A <-> B"], ["timeout(3)"])
    assert copy.deepcopy(drawn) == drawn
    assert hash(copy.copy(drawn)) == hash(drawn)
    assert copy.deepcopy(drawn).agents == drawn.agents


def test_networkx_gets_each_arrow_once_with_its_kind() -> None:
    graph = Topology.from_text("User -> A <-> B\nA -> B").to_networkx()
    assert sorted(graph.edges(data="kind")) == [("A", "B", "<->"), ("B", "A", "<->"), ("User", "A", "->")]


def test_it_draws_itself_in_a_notebook_and_with_matplotlib() -> None:
    drawn = Topology.from_text("User -> A -> User")
    bundle = drawn._repr_mimebundle_()
    assert "image/svg+xml" in bundle
    assert drawn.plot().figure is not None


def test_a_name_with_two_dashes_is_refused_where_no_arrow_is_expected() -> None:
    with pytest.raises(TopologyError, match="names cannot contain '--'"):
        Edge(source="A--B", target="C")


def test_it_shows_itself_in_one_line() -> None:
    shown = repr(Topology.from_text("A -> B -> C -> D -> E -> F"))
    assert shown == "<Topology of 6 nodes, 5 edges, 0 rules: A -> B, B -> C, C -> D, D -> E, …>"


@pytest.mark.parametrize("name", ["A & B", "50 %", "$$x$$", "it's", "end", "\u7814\u7a76\u8005", "a~b^c*d_e"])
def test_a_mermaid_flowchart_holds_names_as_labels_and_nothing_else(name: str) -> None:
    lines = Topology(edges=[("User", name)]).to_mermaid().splitlines()
    assert len(lines) == 4
    assert re.fullmatch(r'    n1\["(?:[^"#$%&;<>`\\\[\]{}|()]|#\d+;)*"\]', lines[2])
    assert html.unescape(re.sub(r"#(\d+);", r"&#\1;", lines[2])) == f'    n1["{name}"]'


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_no_text_breaks_out_of_a_mermaid_label(text: str) -> None:
    drawn = Topology(edges=["User -> A"])
    object.__setattr__(drawn, "nodes", ("User", text))  # no name may be so, but were it
    object.__setattr__(drawn, "edges", ())
    label = drawn.to_mermaid().split("\n", 2)[2]
    assert not set(label.removeprefix('    n1["').removesuffix('"]')) & set('"<>`\n\r\x1b')
