from __future__ import annotations

from dataclasses import dataclass
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.errors import CellError, MarsError, NotationError, RuleError, TopologyError
from mars_nb.jupyter.cell import Cell, parse
from mars_nb.topology.model import Topology

EDGES = "\nUser -> A -> User"


def task_of(text: str, **variables: object) -> object:
    return parse("", text + EDGES, variables).task


def told(line: str, cell: str, variables: dict[str, Any] | None = None) -> str:
    with pytest.raises(MarsError) as error:
        parse(line, cell, variables or {})
    message = str(error.value)
    assert isinstance(error.value, ValueError)
    assert len(message.splitlines()) == 1
    assert len(message) < 300
    return message


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("task: one", "one"),
        ("TASK:one", "one"),
        ("task:\n  one\n\n    two\n  three\n\n", "one\n\n  two\nthree"),
        ("task:\n\tone\n\t\ttwo", "one\n\ttwo"),
        ("task:\n\tone\n    two", "\tone\n    two"),
        ("task: one\r\n  two\r\n", "one\ntwo"),
        ("task:\n\u00a0\u00a0one", "one"),
        ("task: 50% # of 'A' -> B (now)", "50% # of 'A' -> B (now)"),
        ("task:\n  # heading\n  timeout(3)\n  %time", "# heading\ntimeout(3)\n%time"),
        ('task: """one"""', "one"),
        ('task: """one\n    two\n      three\n"""  # done', "one\ntwo\n  three"),
        ("task: zero\u200bwidth \u202e\x00", "zero\u200bwidth \u202e\x00"),
        ("task:\n  explain why B -> C", "explain why B -> C"),
        ("task:\n  a -> \n  (A) -> B", "a -> \n(A) -> B"),
    ],
)
def test_a_task_is_its_text_without_the_common_indent(text: str, task: str) -> None:
    assert task_of(text) == task


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("task:\n\n" + EDGES, "line 2: 'task:' is empty"),
        ("task: a\ntask: b" + EDGES, "line 3: a second 'task:'"),
        ('task: """a' + EDGES, 'line 2: the task\'s """ is never closed'),
        ('task: """a""" b' + EDGES, "line 2: 'b' after"),
        ("task: a", "the cell has no edges"),
        (EDGES, "the cell has no task; expected a line like 'task: Say hello'"),
        ("task: a\nUser -> A\nNote: more", "line 4: unknown header 'Note:'; expected task:, context:, entry:"),
        ("tasks: a" + EDGES, "did you mean 'task:'?"),
        ("task: a\nUser -> A\n  hello", "line 4: 'hello' is no edge, rule or header"),
        ("!ls\ntask: a" + EDGES, "put it in a cell of its own"),
        ("task: a\n  User -> B" + EDGES, "line 3: 'User -> B' is indented, so it belongs to the task; un-indent it"),
        ("task: a\n  X -> Y", "line 3: 'X -> Y' is indented"),
        ("task: a\n  A -> User\nUser -> A", "line 3: 'A -> User' is indented"),
        ("task: a\nUser -> A\u202e", "line 3: 'User -> A\\u202e' holds the invisible character U+202E"),
        ("task: a" + EDGES + " # \u200b", "U+200B"),
        ("task: a\nUser -> A\x00", "U+0000"),
        ("task: a\nUser -> " + "A" * 4000, "4,008 characters; expected at most 4,000"),
        ("task: a\nA <-> A", "did you mean 'A -> A'?"),
        (
            "task: a" + EDGES + "\ntimeout(3)\ntimeout(4)",
            "line 5: 'timeout(3)' and 'timeout(4)' are the same limit twice",
        ),
        ("task: a" + EDGES + "\nretry(Q, 3)", "line 4: 'retry(Q, 3)': 'Q' is not in the topology"),
        ("task: a\nA -> B -> A\nentry: C", "line 4: entry 'C' is no agent in the topology"),
        ("task: a\nA -> B -> A\nentry: A,", "line 4: a name is missing; expected 'entry: A, B'"),
        ("task: a\nA -> B -> A\nentry:", "line 4: a name is missing; expected 'entry: A, B'"),
        ("context:\ntask: a" + EDGES, "line 2: a name is missing; expected 'context: table, limits'"),
        ("task: a" + EDGES + "\ntimeout 300", "line 4: 'timeout 300' is no edge, rule or header"),
        ("task: a" + EDGES + "\ntimeout 300", "did you mean 'timeout(300)'?"),
        ("task: a" + EDGES + "\nmax_steps = 5", "did you mean 'max_steps(5)'?"),
        (
            "task: a" + EDGES + "\nTimeout: 300",
            "line 4: 'Timeout:' is a rule and no header; did you mean 'timeout(300)'?",
        ),
        ("retry the analysis" + EDGES, "did you mean 'task: retry the analysis'?"),
        ("task say hello" + EDGES, "did you mean 'task: say hello'?"),
        ("task: a" + EDGES + "\nentry A", "did you mean 'entry: A'?"),
        ("task: a\nUser - > A < - > B", "did you mean 'User -> A <-> B'?"),
        ("task: a" + EDGES + "\nnodes: B", "'A' is not among the nodes"),
        ("task: a" + EDGES + "\ncontext: x y", "'x y' is no variable; expected 'context: table, limits'"),
        ("task: a" + EDGES + "\ncontext: tabel", "line 4: context: the notebook has no variable 'tabel'"),
        ("task:\n\n  {f}" + EDGES, "line 4: '{f}' is of type builtin_function_or_method"),
        ("task: \ud800" + EDGES, "half a character"),
        ("task: " + "a" * 1_000_000, "expected at most 1,000,000"),
    ],
)
def test_a_wrong_cell_is_told_with_its_line(cell: str, message: str) -> None:
    assert message in told("", cell, {"f": print})


def test_all_problems_are_counted_and_the_first_is_told() -> None:
    message = told("", "task: {nope}\nUser => A\nfrobnicate(3)" + EDGES)
    assert message.startswith("line 2: '{nope}'")
    assert message.endswith("(and 2 more: %mars check)")


def test_an_error_keeps_its_type_and_its_line() -> None:
    with pytest.raises(NotationError) as error:
        parse("", "task: a\nUser => A\nB => C", {})
    assert error.value.line == 3
    with pytest.raises(RuleError):
        parse("", "task: a\nUser -> A\ntimeout(x)", {})
    with pytest.raises(TopologyError):
        parse("", "task: a\nUser => A", {})


def test_the_same_limit_in_the_line_and_in_the_cell_is_an_error() -> None:
    assert "the same limit twice" in told("--max-steps 50", "task: a\nmax_steps(20)" + EDGES)


def test_a_name_that_is_taken_is_not_overwritten_unless_asked() -> None:
    assert "the variable 'report' (str) is no run" in told("report", "task: a" + EDGES, {"report": "text"})
    assert parse("report --replace", "task: a" + EDGES, {"report": "text"}).options["replace"] is True
    assert parse("report", "task: a" + EDGES, {"report": _Result("x")}).options["name"] == "report"


@dataclass
class _Result:
    final_response: object


def test_the_cell_gives_its_topology() -> None:
    cell = parse("", "task: a\nentry: B\nA -> B -> A\ntimeout(3)", {})
    assert cell.topology() == Topology(edges=["A -> B -> A"], rules=["timeout(3)"], entry=["B"])
    assert cell.entry == ["B"]


def test_text_written_by_a_topology_is_a_cell() -> None:
    drawn = Topology(["B", "A"], ["User -> A, B", "A <-> B"], ["max_turns(A <-> B, 2)"])
    assert parse("", f"task: a\n{drawn.to_text()}", {}).topology() == drawn


def test_context_is_looked_up_and_checked() -> None:
    cell = parse("-c 'n, table'", "task: a\nContext: table # two" + EDGES, {"table": [1], "n": 2})
    assert cell.context == ["table"]
    assert cell.context_values == {"table": [1], "n": 2}
    assert "could" not in told("", "task: a\ncontext: f" + EDGES, {"f": print})


def test_a_dry_run_needs_no_task() -> None:
    assert parse("-n", "User -> A", {}).task is None


@pytest.mark.parametrize(
    ("cell", "task"),
    [
        ("go", "go"),
        ("\n\n  one\n    two\n\n", "one\n  two"),
        ("Task: one\n  two", "one\ntwo"),
        ('task: """\nUser -> A\n"""', "User -> A"),
        ("Explain A -> B", "Explain A -> B"),
        ("max_steps(3)", "max_steps(3)"),
        ("a word\nUser -> A", "a word\nUser -> A"),
    ],
)
def test_with_t_the_cell_is_the_task(cell: str, task: str) -> None:
    assert parse("-t topo", cell, {}).task == task


@pytest.mark.parametrize("cell", ["User -> A", "task: a\nUser -> A\ntimeout(3)", "# note\nUser -> A\nA -> User"])
def test_with_t_a_cell_that_only_draws_is_an_error(cell: str) -> None:
    assert "leave out -t" in told("-t topo", cell)


def test_with_t_an_empty_cell_is_an_error() -> None:
    assert "expected the task as its text" in told("-t topo", " \n\n")


def test_t_names_a_variable_a_run_a_pattern_or_edges() -> None:
    drawn = Topology.from_text("User -> A <-> B\nA <-> C\nA -> User")

    def named(text: str) -> Topology:
        return parse(f'-t "{text}"', "go", {"topo": drawn.to_text(), "earlier": _Run(drawn)}).topology()

    assert named("topo") == named("earlier") == named("star(A, [B, C])") == drawn
    assert named("User -> A") == Topology.from_text("User -> A")


@dataclass
class _Run:
    topology: Topology


def test_t_that_names_nothing_is_an_error() -> None:
    cell = parse("-t tpo", "go", {"topo": "A -> B"})
    with pytest.raises(CellError, match=r"-t 'tpo': no variable is called so; did you mean 'topo'\?"):
        cell.topology()


def test_lines_that_are_indented_below_edges_are_read_as_edges() -> None:
    assert parse("", "task: a\nUser -> A\n    A -> User", {}).edges == [("User", "A", "->"), ("A", "User", "->")]


def test_a_cell_can_be_shown_and_compared() -> None:
    assert parse("", "task: a" + EDGES, {}) == parse("", "task: a" + EDGES + "\n", {"x": 1})
    assert isinstance(parse("", "task: a" + EDGES, {}), Cell)


MEGABYTE = 999_900
HOSTILE = {
    "braces": "task: " + "{" * MEGABYTE + EDGES,
    "placeholders": "task: " + "{a" * (MEGABYTE // 2) + EDGES,
    "unknown placeholders": "task: " + "".join(f"{{a{n}}}" for n in range(100_000)) + EDGES,
    "tex": "task: " + "\\aa{" * (MEGABYTE // 4) + EDGES,
    "tex brackets": "task: " + "\\aa[" * (MEGABYTE // 4) + EDGES,
    "expressions": "task: " + "{d." * (MEGABYTE // 3) + EDGES,
    "bad lines": "hello => world\n" * 60_000,
    "text": "hello\n" * 160_000,
    "indented arrows": "task:\n" + "  why a -> b\n" * 70_000 + "User -> A",
    "nodes": "task: a\n" + "\n".join(f"a{n} -> b{n}" for n in range(600)),
    "edges": "task: a\n" + "\n".join(f"a{n % 500} -> b{n % 400}" for n in range(12_000)),
    "product": "task: a\n" + " -> ".join(",".join(f"a{m}_{n}" for n in range(60)) for m in range(8)),
    "rules": "task: a\nUser -> A\n" + "\n".join(f"retry(a{n}, 3)" for n in range(40_000)),
    "entries": "task: a\nUser -> A\n" + "\n".join(f"entry: a{n}" for n in range(40_000)),
    "context": "task: a\nUser -> A\n" + "\n".join(f"context: a{n}" for n in range(40_000)),
    "brackets": "task: a\nUser -> A\n" + "timeout(" * 490,
    "one line": "x" * MEGABYTE,
    "colons": ":" * MEGABYTE,
    "carriage returns": "\r" * MEGABYTE,
    "comments": "# " * (MEGABYTE // 2),
    "hashes": "task: a\nUser -> A " + " #x" * 1_200,
    "quotes": "task: a\n" + "'" * 3_900 + " -> A",
}


@pytest.mark.parametrize("cell", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_cell_is_read_or_refused_in_linear_time(cell: str) -> None:
    started = process_time()
    try:
        parse("", cell, {"d": 1})
    except MarsError as error:
        assert len(str(error)) < 300  # noqa: PT017  # either outcome is right; an error has one short line
    assert process_time() - started < 10


CELL_TEXT = st.text(alphabet="AB{}ab \t\n\r->,<=#'\"():\\$%!\u200b\u00a0→é", max_size=120)


@given(st.sampled_from(["", "-n", "-t x", "report --raw"]), CELL_TEXT)
def test_any_cell_is_read_or_refused_in_one_short_line(line: str, text: str) -> None:
    try:
        parse(line, f"task: {text}{EDGES}", {"a": 1, "b": "{a}"})
        parse(line, text, {})
    except MarsError as error:
        assert isinstance(error, ValueError)  # noqa: PT017  # either outcome is right
        assert len(str(error).splitlines()) == 1  # noqa: PT017
        assert len(str(error)) < 300  # noqa: PT017
