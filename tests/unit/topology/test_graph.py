from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.errors import RuleError, TopologyError
from mars_nb.topology.graph import TopologyAnalyzer, TopologyGraph
from mars_nb.topology.model import Edge, Topology


def graph_of(text: str, known: list[str] | None = None) -> TopologyGraph:
    return TopologyAnalyzer().analyze(Topology.from_text(text), known)


def test_neighbours_are_in_the_order_of_the_edges() -> None:
    graph = graph_of("User -> A\nA -> C\nB <-> A\nA -> End\nA -> A\nC -> User\nA -> User")
    assert graph.agents == ("A", "C", "B")
    assert graph.targets("A") == ("C", "B", "End", "A", "User")
    assert graph.partners("A") == ("B",)
    assert graph.onward("A") == ("C", "A")
    assert graph.deliveries("A") == ("End", "User")
    assert graph.predecessors("A") == ("User", "B", "A")
    assert [graph.index(name) for name in graph.agents] == [0, 1, 2]
    assert "B" in graph
    assert "User" not in graph


def test_two_opposite_one_way_edges_are_a_conversation() -> None:
    graph = graph_of("User -> A\nA -> B\nB -> A")
    assert graph.partners("A") == ("B",)
    assert graph.onward("A") == ()


def test_entry_and_delivery_are_no_conversation_with_a_person() -> None:
    graph = graph_of("User -> A -> User")
    assert not graph.talks_to_user("A")
    assert graph.can_ask_user("A")
    assert graph.deliveries("A") == ("User",)


def test_a_written_conversation_with_a_person_delivers_nothing_by_itself() -> None:
    graph = graph_of("User <-> A")
    assert graph.talks_to_user("A")
    assert graph.can_ask_user("A")
    assert graph.deliveries("A") == ()
    assert graph.partners("A") == ()
    assert graph.targets("A") == ("User",)
    assert graph_of("A <-> User\nA -> User").deliveries("A") == ("User",)


def test_who_has_no_edge_to_a_person_cannot_ask() -> None:
    assert not graph_of("User -> A -> End").can_ask_user("A")


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("Start -> B\nUser -> A\nB -> A", ("B",)),
        ("User -> B, A\nUser <-> C\nA -> C", ("B", "A")),
        ("B -> A\nUser <-> B", ("B",)),
        ("A <-> User\nA -> B", ("A",)),
        ("B -> C\nA -> C", ("B", "A")),
        ("A -> B -> A\nentry: B", ("B",)),
        ("User -> A -> B\nentry: A", ("A",)),
        ("A -> B\nentry: A, B", ("A", "B")),
        ("nodes: A", ("A",)),
    ],
)
def test_the_entry_is_found_in_the_order_of_the_design(text: str, entries: tuple[str, ...]) -> None:
    assert graph_of(text).entries == entries


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("user -> A -> user", "no entry: 'user' is drawn as an agent; did you mean 'User'?"),
        ("A -> B -> C -> A", "entry: everybody waits for somebody in the cycle 'A -> B -> C -> A'; draw 'User -> A'"),
        ("A -> A", "cycle 'A -> A'"),
        ("User -> A -> B\nentry: B", "entry 'B', but the edges give the task to 'A'"),
        ("User -> A -> User\nB -> A", "'B' cannot be reached from the entry 'A'"),
        ("User -> A\nB -> C -> D", "'B' and 2 more cannot be reached"),
        ("User -> Planner\nPlaner -> B", "did you mean 'Planner'?"),
        ("User -> A\nUser <-> B", "'B' cannot be reached"),
        ("A -> End -> B", "'End -> B': no edge leads out of 'End'"),
        ("Start -> A -> Start", "'A -> Start': no edge leads into 'Start'"),
        ("Start <-> A", "'Start'"),
        ("User -> End\nUser -> A", "expected an agent at one end"),
        ("", "no agent to run"),
        ("nodes: User", "no agent to run"),
    ],
)
def test_what_cannot_run_is_refused(text: str, told: str) -> None:
    with pytest.raises(TopologyError) as error:
        graph_of(text)
    assert told in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("timeout(Q, 3)", "'Q' is not in the topology"),
        ("retry(Revewer, 3)", "did you mean 'Reviewer'?"),
        ("pause_before(User)", "'User' executes no step"),
        ("parallel(A, User)", "'User' executes no step"),
        ("max_turns(User <-> A, 3)", "there is no conversation between them; draw 'User <-> A'"),
        ("max_turns(A <-> B, 3)", "draw 'A <-> B'"),
        ("max_turns(A <-> A, 3)", "there is no conversation"),
        ("max_turns(A <-> Q, 3)", "'Q' is not in the topology"),
    ],
)
def test_a_rule_on_what_is_not_there_is_refused(rule: str, told: str) -> None:
    with pytest.raises(RuleError) as error:
        graph_of(f"User -> A -> B -> Reviewer -> User\n{rule}")
    assert told in str(error.value)


def test_turns_may_be_limited_in_every_conversation() -> None:
    assert graph_of("User <-> A\nmax_turns(A <-> User, 3)").agents == ("A",)
    assert graph_of("User -> A\nA -> B\nB -> A\nmax_turns(A <-> B, 3)").partners("A") == ("B",)


def test_agents_that_are_not_registered_are_refused() -> None:
    with pytest.raises(TopologyError, match=r"'Planer' is not a registered agent; did you mean 'Planner'\?"):
        graph_of("User -> Planer", ["Planner"])
    with pytest.raises(TopologyError, match=r"'A' is not a registered agent; registered: nobody$"):
        graph_of("User -> A", [])
    with pytest.raises(TopologyError, match=r"'A' \(and 1 more\) is not a registered agent; registered: 'Xyz'"):
        graph_of("User -> A -> B", ["Xyz"])
    with pytest.raises(TopologyError, match=r"did you mean 'User'\?"):
        graph_of("user -> A", ["A"])
    assert graph_of("User -> A", ["A"]).agents == ("A",)


def test_an_agent_object_in_the_topology_is_registered() -> None:
    drawn = Topology([_Agent()], ["User -> A"])
    assert TopologyAnalyzer().analyze(drawn, []).agents == ("A",)


class _Agent:
    name = "A"


def test_sources_are_those_from_which_something_can_still_arrive() -> None:
    graph = graph_of("User -> A -> B, C -> D -> E")
    assert graph.sources("D") == {"A", "B", "C"}
    assert graph.sources("A") == frozenset()
    assert graph.can_reach("A", "E")
    assert not graph.can_reach("E", "A")
    assert not graph.can_reach("A", "A")


def test_nobody_before_the_target_may_be_avoided() -> None:
    graph = graph_of("User -> H\nH <-> A, B")
    everybody = {"H", "A", "B"}
    assert graph.sources("A") == everybody
    assert graph.sources("A", avoiding=frozenset({"H"})) == frozenset()
    assert graph.sources("H", avoiding=frozenset({"H"})) == {"A", "B"}
    assert graph.sources("H", avoiding=frozenset({"A"})) == {"H", "B"}


def test_paths_do_not_lead_through_the_user() -> None:
    assert graph_of("User -> A, B\nA -> User").sources("B") == frozenset()


def test_an_answer_is_remembered_and_shared_between_equal_questions() -> None:
    graph = graph_of("User -> A -> B, C")
    assert graph.sources("B") is graph.sources("B") is graph.sources("C")


def test_remembered_answers_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.topology.graph.MAX_REMEMBERED", 10)
    graph = graph_of("User -> " + " -> ".join(f"a{n}" for n in range(20)))
    assert [len(graph.sources(f"a{n}")) for n in range(20)] == list(range(20))
    assert graph.sources("a1") == {"a0"}


def test_a_large_fan_out_is_built_and_asked_in_no_time() -> None:
    many = [f"w{n}" for n in range(10_000)]
    edges = [Edge(source="User", target="H"), *(Edge(source="H", target=each, bidirectional=True) for each in many)]
    graph = TopologyAnalyzer().analyze(Topology(edges=edges))
    answers = {id(graph.sources(each)) for each in many}
    assert len(answers) == 1


def test_it_shows_itself_in_one_line() -> None:
    assert repr(graph_of("User -> A -> B")) == "<TopologyGraph of 2 agents, entry A>"


AGENTS = "ABCDEF"
PAIRS = st.lists(st.tuples(st.sampled_from(AGENTS), st.sampled_from(AGENTS)), max_size=14)


@given(PAIRS, st.sets(st.sampled_from(AGENTS)), st.sampled_from(AGENTS))
def test_sources_agree_with_walking_every_path(pairs: list[tuple[str, str]], avoided: set[str], target: str) -> None:
    edges = [Edge(source=a, target=b) for a, b in pairs]
    graph = TopologyGraph(Topology(AGENTS.replace("", " ").split(), edges, entry=["A"]))
    expected = {name for name in AGENTS if _walks(name, target, avoided, pairs)}
    assert graph.sources(target, frozenset(avoided)) == expected


def _walks(source: str, target: str, avoided: set[str], pairs: list[tuple[str, str]]) -> bool:
    """Walk forward from the source, as the definition says it."""
    reached: set[str] = set()
    waiting = [source]
    while waiting:
        name = waiting.pop()
        if name in avoided:
            continue
        new = {other for one, other in pairs if one == name} - reached
        reached |= new
        waiting.extend(new)
    return target in reached
