from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.errors import MarsError, NotationError, RuleError, TopologyError
from mars_nb.topology.model import RESERVED, Edge, Topology
from mars_nb.topology.names import name_problem
from mars_nb.topology.notation import edge_names, kind_of, lines_of, parse_edges, parse_topology, without_comment
from mars_nb.topology.rules import parse_rule


def drawn(line: str) -> list[str]:
    return [str(edge) for edge in parse_edges(line)]


@pytest.mark.parametrize(
    ("line", "edges"),
    [
        ("A->B", ["A -> B"]),
        ("A\u00a0 ->\tB", ["A -> B"]),
        ("A <-> B -> C", ["A <-> B", "B -> C"]),
        ("A -> B, C -> D", ["A -> B", "A -> C", "B -> D", "C -> D"]),
        ("A, A -> B", ["A -> B"]),
        ("Market   Researcher -> Devil's Advocate", ["Market Researcher -> Devil's Advocate"]),
        ("\"A\" -> 'B'", ["A -> B"]),
        ("Co-Author -> 作者 -> Prüferin", ["Co-Author -> 作者", "作者 -> Prüferin"]),
        ("A -> A", ["A -> A"]),
        ("A -> B # C -> D", ["A -> B"]),
        ("A -> B  #", ["A -> B"]),
        ("'t Hooft -> B", ["'t Hooft -> B"]),
    ],
)
def test_a_line_of_edges(line: str, edges: list[str]) -> None:
    assert drawn(line) == edges


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("A => B", "A -> B"),
        ("A --> B", "A -> B"),
        ("A ---> B", "A -> B"),
        ("A <- B", "B -> A"),
        ("A <- B <- C", "C -> B -> A"),
        ("A <=> B", "A <-> B"),
        ("A <--> B", "A <-> B"),
        ("A |> B", "A -> B"),
        ("A -- B", "A -> B"),
        ("A → B", "A -> B"),
        ("A ↔ B", "A <-> B"),
        ("A ← B", "B -> A"),
        ("A ⇒ B -> C", "A -> B -> C"),
        ("User --> A -> User", "User -> A -> User"),
    ],
)
def test_other_arrows_are_refused_with_the_line_that_was_meant(line: str, meant: str) -> None:
    with pytest.raises(NotationError) as error:
        parse_edges(line)
    assert repr(line) in str(error.value)
    assert "expected 'A -> B' or 'A <-> B'" in str(error.value)
    assert f"did you mean {meant!r}?" in str(error.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("A ->", "a name is missing"),
        ("-> A", "a name is missing"),
        ("A -> -> B", "a name is missing"),
        ("A, -> B", "a name is missing"),
        ("A -> ''", "a name is missing"),
        ("", "there is no arrow"),
        ("A B", "there is no arrow"),
        ("Agent #2 -> B", "a comment starts with '# ' (a space after it)"),
        ("A -> B(3)", "names cannot contain '('"),
        ("A; B -> C", "names cannot contain ';'"),
        ('A "x" y -> B', "names cannot contain '\"'"),
        ("A <- B -> C", "'<-' is no arrow"),
        ("A--b", "'--' is no arrow"),
        ("A- -> B", "start or end with '-'"),
        ("A -> B\u200b", "U+200B"),
        ("A -> \u202eB", "U+202E"),
        ("A -> B\x00", "U+0000"),
        ("A -> \u3164", "U+3164"),
        ("x" * 81 + " -> A", "at most 80 characters"),
        ("A <-> A", "did you mean 'A -> A'?"),
        (",".join(f"a{n}" for n in range(400)) + " -> " + ",".join(f"b{n}" for n in range(400)), "160,000 edges"),
        ("A -> " * 300_000, "1,500,000 characters"),
        ("A => B" * 1_000, "is no arrow"),
    ],
)
def test_anything_else_is_refused(line: str, told: str) -> None:
    with pytest.raises(NotationError) as error:
        parse_edges(line)
    message = str(error.value)
    assert told in message
    assert len(message) < 300
    assert len(message.splitlines()) == 1


def test_a_name_between_dashes_is_told_apart_from_an_arrow() -> None:
    with pytest.raises(NotationError, match="names cannot start or end with '-'"):
        parse_edges("-A -> B")
    assert drawn("A - B -> C") == ["A - B -> C"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("", "blank"),
        ("   # A -> B", "blank"),
        ("task: A -> B", "header"),
        ("Task : x", "header"),
        ("timeout(3)", "rule"),
        ("timeout (3)", "rule"),
        ("frobnicate(3)", "rule"),
        ("Compare (briefly) the two", "text"),
        ("max_turns(A <-> B, 3)", "rule"),
        ("A -> B", "edge"),
        ("A => B", "edge"),
        ("Say hello", "text"),
        ("x >= 3", "text"),
    ],
)
def test_the_first_kind_that_fits_is_taken(line: str, kind: str) -> None:
    assert kind_of(line) == kind


@pytest.mark.parametrize(
    ("line", "rest"), [("# a", ""), ("A # b # c", "A"), ("A #b", "A #b"), ("A# b", "A# b"), ("A\t#\tb", "A")]
)
def test_a_comment_needs_white_space_on_both_sides(line: str, rest: str) -> None:
    assert without_comment(line) == rest


def test_lines_end_as_on_any_system() -> None:
    assert [line.text for line in lines_of("a\r\nb\rc\nd\u2028e")] == ["a", "b", "c", "d\u2028e"]


def test_names_of_a_line_are_seen_without_building_it() -> None:
    assert edge_names("A -> B, C") == ["A", "B", "C"]
    assert edge_names("A => B") is None


def test_a_topology_of_all_kinds_of_lines() -> None:
    topology = parse_topology("# mine\nA -> B -> A  # cycle\nentry: B\ntimeout(3)  # short\nnodes: B, A\n\n")
    assert topology == Topology(["B", "A"], ["A -> B", "B -> A"], ["timeout(3)"], ["B"])


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("A -> B\nC => D", NotationError, "line 2: 'C => D'"),
        ("A -> B\ntimeout(x)", RuleError, "line 2: 'timeout(x)'"),
        ("Say hello", NotationError, "line 1: 'Say hello' is no edge, rule or header"),
        ("task: x", NotationError, "belongs to a %%mars cell"),
        ("entri: x", NotationError, "did you mean 'entry'?"),
        ("foo: x", NotationError, "unknown header 'foo:'"),
        ("entry: A,,B", NotationError, "a name is missing"),
        ("timeout(3)\u200b", NotationError, "U+200B"),
        ("timeout(3)\ntimeout(4)", RuleError, "contradict"),
        ("A -> B\nentry: C", TopologyError, "entry 'C'"),
    ],
)
def test_a_wrong_line_is_told_with_its_number(text: str, error: type[MarsError], told: str) -> None:
    with pytest.raises(error) as raised:
        parse_topology(text)
    assert told in str(raised.value)


def test_a_notation_error_carries_its_line() -> None:
    with pytest.raises(NotationError) as error:
        parse_topology("A -> B\nC => D")
    assert error.value.line == 2


NAMES = st.text(min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(lambda n: not name_problem(n))
SOME_NAMES = st.lists(NAMES.filter(lambda name: name not in RESERVED), min_size=2, max_size=6, unique=True)
RULES = [
    "timeout(3)",
    "max_steps(7)",
    "budget(0.25)",
    "quorum(0.5)",
    "max_parallel(2)",
    "max_tokens(9)",
]


@st.composite
def topologies(draw: st.DrawFn) -> Topology:
    agents = draw(SOME_NAMES)
    ends = st.sampled_from([*agents, "User", "Start", "End"])
    pairs = draw(st.lists(st.tuples(ends, ends, st.booleans()), max_size=10))
    edges = [Edge(source=a, target=b, bidirectional=both and a != b) for a, b, both in pairs]
    rules = [parse_rule(text) for text in draw(st.lists(st.sampled_from(RULES), max_size=3))]
    first, second = draw(st.permutations(agents))[:2]
    about = [
        parse_rule(f"retry({_quoted(first)}, 3)"),
        parse_rule(f"max_turns({_quoted(first)} <-> {_quoted(second)}, 2)"),
        parse_rule(f"parallel({_quoted(first)}, {_quoted(second)})"),
    ]
    entry = draw(st.lists(st.sampled_from(agents), max_size=2))
    return Topology(agents, edges, [*rules, *draw(st.lists(st.sampled_from(about), max_size=3))], entry)


def _quoted(name: str) -> str:
    return f'"{name}"'


@given(topologies())
def test_a_topology_survives_its_text(topology: Topology) -> None:
    assert parse_topology(topology.to_text()) == topology


@given(st.text(alphabet="AB ->,<=#'\"():\n\u200b→-é\t", max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        topology = parse_topology(text)
    except TopologyError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  # either outcome is right; an error has one line
    else:
        assert parse_topology(topology.to_text()) == topology
