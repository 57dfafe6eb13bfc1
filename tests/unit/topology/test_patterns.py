from __future__ import annotations

from typing import Any

import pytest

from mars_nb.errors import TopologyError
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.model import Topology
from mars_nb.topology.patterns import PATTERNS, PatternConfig, PatternConfigConverter, is_pattern, parse_pattern

DRAWN = {
    "hub_and_spoke(hub=H, spokes=[A, B], parallel_spokes=true)": "User -> H <-> A\nH <-> B\nH -> User\nparallel(A, B)",
    "hub_and_spoke(hub=H, spokes=[A, B])": "User -> H <-> A\nH <-> B\nH -> User\nmax_parallel(1)",
    "hub_and_spoke(hub=H, spokes=[A], parallel_spokes=True)": "User -> H <-> A\nH -> User\nmax_parallel(1)",
    "hierarchical(tree={M: [L, R], L: [A, B]})": "User -> M <-> L, R\nL <-> A, B\nM -> User",
    "pipeline(stages=[{name: s1, agents: [A, B]}, {name: s2, agents: [C]}])": "User -> A, B\nA, B -> C -> User",
    "pipeline(stages=[[A, B], [C]], parallel_within_stage=false)": "User -> A -> B -> C -> User",
    "mesh(agents=[A, B, C], entry_point=B)": "User -> B\nA <-> B, C\nB <-> C\nB -> User",
    "star(center=A, points=[B, C])": "User -> A <-> B, C\nA -> User",
    "ring(agents=[A, B, C])": "User -> A -> B -> C -> A",
    "ring([A, B], B)": "User -> B\nA -> B -> A",
    "broadcast(broadcaster=A, receivers=[B, C])": "User -> A -> B, C",
    "debate(debaters=[A, B, C], judge=J, rounds=3)": "User -> J\nJ <-> A, B, C\nJ -> User\n"
    "max_turns(J <-> A, 3)\nmax_turns(J <-> B, 3)\nmax_turns(J <-> C, 3)",
    "debate(debaters=[A, B], judge=J, rounds=3)": "User -> A, B\nA <-> B\nA, B -> J -> User\nmax_turns(A <-> B, 3)",
    "map_reduce(mapper=M, workers=[A, B], reducer=R)": "User -> M -> A, B -> R -> User",
    "review(author=W, reviewer='Devil\u2019s Advocate', rounds=2)": (
        "User -> W <-> Devil\u2019s Advocate -> User\nmax_turns(W <-> Devil\u2019s Advocate, 2)"
    ),
}


@pytest.mark.parametrize(("call", "text"), DRAWN.items())
def test_a_pattern_draws_what_it_promises_and_can_run(call: str, text: str) -> None:
    drawn = parse_pattern(call).topology()
    expected = Topology.from_text(text)
    assert drawn.directed_edges() == expected.directed_edges() or set(drawn.edges) == set(expected.edges)
    assert drawn.rules == expected.rules
    assert TopologyAnalyzer().analyze(drawn, drawn.nodes).agents


def test_a_pattern_is_the_same_as_an_object_and_as_text() -> None:
    assert parse_pattern("star(A, [B])") == PatternConfig.star("A", ["B"])
    assert parse_pattern("broadcast(A, [B])") == PatternConfig.broadcast("A", ["B"])
    assert parse_pattern("map_reduce(A, [B], C)") == PatternConfig.map_reduce("A", ["B"], "C")


def test_every_pattern_is_tried_here() -> None:
    assert {call.partition("(")[0] for call in DRAWN} == set(PATTERNS)


def test_agent_objects_stay_with_the_topology() -> None:
    hub = _Agent()
    drawn = PatternConfigConverter().convert(PatternConfig.hub_and_spoke(hub, ["A"]))
    assert drawn.agents == {"Hub": hub}


class _Agent:
    name = "Hub"


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: PatternConfig.hub_and_spoke("H", []), "hub_and_spoke: spokes=[]: expected at least 1"),
        (lambda: PatternConfig.hub_and_spoke("H", ["H"]), "'H' is named twice"),
        (lambda: PatternConfig.hub_and_spoke("User", ["A"]), "'User' is no agent"),
        (lambda: PatternConfig.hub_and_spoke("H", "AB"), "expected a list of agents"),
        (lambda: PatternConfig.hub_and_spoke("H", ["A"], parallel_spokes=1), "expected true or false"),  # type: ignore[arg-type]  # wrong on purpose
        (lambda: PatternConfig.hub_and_spoke("H", [3]), "3 is no node"),
        (lambda: PatternConfig.hierarchical({}), "expected {parent: [children]}"),
        (lambda: PatternConfig.hierarchical({"A": ["B"], "B": ["A"]}), "expected one root, found a cycle"),
        (lambda: PatternConfig.hierarchical({"R": ["X"], "A": ["B"], "B": ["A"]}), "a cycle; expected a tree"),
        (lambda: PatternConfig.hierarchical({"A": ["B"], "C": ["D"]}), "expected one root, found A, C"),
        (lambda: PatternConfig.hierarchical({"A": ["B", "C"], "B": ["C"]}), "'C' is named twice"),
        (lambda: PatternConfig.pipeline([]), "stages=[]"),
        (lambda: PatternConfig.pipeline([{"agent": ["A"]}]), "is no stage"),
        (lambda: PatternConfig.pipeline([["A"], ["A"]]), "'A' is named twice"),
        (
            lambda: PatternConfig.pipeline([[f"{x}{n}" for n in range(1100)] for x in "ab"]),
            "expected at most 1,000,000",
        ),
        (lambda: PatternConfig.mesh(["A"]), "expected at least 2"),
        (lambda: PatternConfig.mesh(["Ann", "Bob"], "Bop"), "is none of the agents; did you mean 'Bob'?"),
        (lambda: PatternConfig.mesh([f"a{n}" for n in range(1500)]), "1,124,250 pairs"),
        (lambda: PatternConfig.ring(["A", "A"]), "'A' is named twice"),
        (lambda: PatternConfig.debate(["A", "B"], "J", rounds=0), "rounds=0: expected a whole number from 1"),
        (lambda: PatternConfig.debate(["A", "B"], "A"), "'A' is named twice"),
        (lambda: PatternConfig.debate(["A", "B"], "J", rounds=True), "rounds=True"),
        (lambda: PatternConfig.review("A", None), "'reviewer' is missing"),
        (lambda: PatternConfig("nope").topology(), "unknown pattern 'nope'"),
        (lambda: PatternConfig("ring", {"agent": []}).topology(), "unknown argument 'agent'"),
    ],
)
def test_wrong_arguments_are_refused(make: Any, told: str) -> None:
    with pytest.raises(TopologyError) as error:
        make()
    assert told in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ring(agents=[A, B]]", "expected ',' or ')'"),
        ("ring(agents=[A, B", "at the end"),
        ("ring(agents=[A, B]) more", "expected nothing more"),
        ("ring(agents=[A, B,])", "expected another one"),
        ("ring([A, B], agents=[A, B])", "'agents' is given twice"),
        ("ring([A, B], A, B)", "at most 2 arguments"),
        ("ring(agents=)", "expected a name, a list or a mapping"),
        ("ring(agents=[" + "[" * 50 + "])", "nested deeper than 8"),
        ("hierarchical({A: [B], A: [C]})", "'A' is given twice"),
        ("ring", "expected '('"),
        ("(A)", "expected the name of a pattern"),
        ("rings([A, B])", "did you mean 'ring'?"),
        ("zzz(A)", "expected one of hub_and_spoke"),
        ("ring(agents=[" + "A, " * 100_000 + "B])", "expected at most 200,000"),
        ("review(A, B, rounds=99999999999999999999)", "expected a whole number from 1"),
    ],
)
def test_text_that_is_no_pattern_is_refused(text: str, told: str) -> None:
    with pytest.raises(TopologyError) as error:
        parse_pattern(text)
    assert told in str(error.value)
    assert len(str(error.value)) < 300


def test_text_of_patterns_is_told_from_lines_of_edges() -> None:
    assert is_pattern(" mesh (agents=[A, B])")
    assert is_pattern("hub_and_spokes(hub=A)")
    assert not is_pattern("timeout(3)")
    assert not is_pattern("A -> B")
    assert not is_pattern("A -> B(3)")


def test_words_that_mean_nothing_else_are_read_as_values() -> None:
    assert parse_pattern("mesh([A, B], none)") == PatternConfig.mesh(["A", "B"])
    assert parse_pattern("""mesh(["A", 'B C'])""").arguments == {"agents": ["A", "B C"]}
