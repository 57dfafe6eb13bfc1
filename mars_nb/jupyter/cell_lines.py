"""The lines of a cell, one after the other: what each of them says, or what is wrong with it.

A wrong line does not end the reading, so that all problems can be counted. Time is linear in the cell, and what a line
would make is counted before it is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mars_nb.errors import CellError, MarsError, NotationError, did_you_mean
from mars_nb.topology.names import RESERVED, quoted, unseen
from mars_nb.topology.notation import (
    EXPECTED,
    edge_names,
    header_of,
    numbered,
    parse_edges,
    parse_names,
    without_comment,
)
from mars_nb.topology.repairs import joined_arrows
from mars_nb.topology.rule_text import RULE_WORDS
from mars_nb.topology.rules import parse_rule

if TYPE_CHECKING:
    from mars_nb.topology.model import Edge
    from mars_nb.topology.notation import Line
    from mars_nb.topology.rules import BaseRule, Rule

Problem = tuple[int, MarsError]
"""The number of the line, or 0 for the cell, and what is wrong."""

MAX_LINE_LENGTH = 4_000
MAX_NODES = 1_000
MAX_EDGES = 10_000
MAX_PROBLEMS = 100
FENCE = '"""'
RULE_OF_WORDS = re.compile(r"([a-z_]+)(?: *= *| +)([0-9.]+)")
"""A rule as it is written by whoever forgets the brackets: ``timeout 300``, ``max_steps=5``."""
HEADERS = ("task:", "context:", "entry:")


@dataclass(frozen=True)
class Task:
    """The text of the task and where it stands.

    Parameters
    ----------
    text : str
        Without the common indent and without blank lines around it.
    first_line : int
        The number of the line on which it begins.
    """

    text: str
    first_line: int

    def line_at(self, place: int) -> int:
        """Give the number of the line on which the character at ``place`` stands."""
        return self.first_line + self.text.count("\n", 0, place)


@dataclass
class CellLines:
    """What the lines of a cell say, each with its number."""

    task: Task | None = None
    edges: list[tuple[int, Edge]] = field(default_factory=list)
    rules: list[tuple[int, Rule]] = field(default_factory=list)
    nodes: list[tuple[int, str]] = field(default_factory=list)
    entry: list[tuple[int, str]] = field(default_factory=list)
    context: list[tuple[int, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_lines(lines: list[Line]) -> CellLines:
    """Read a cell that draws.

    Parameters
    ----------
    lines : list of Line
        Its lines, numbered.

    Returns
    -------
    CellLines
        What they say, and what is wrong with them.
    """
    reader = _Reader(lines)
    while reader.place < len(lines) and len(reader.found.problems) < MAX_PROBLEMS:
        reader.read_line()
    reader.check_indented()
    return reader.found


class _Reader:
    """Reads lines from the first to the last; a task takes as many as belong to it."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines = lines
        self.place = 0
        self.found = CellLines()
        self.names: dict[str, None] = {}
        self.limits: dict[tuple[object, ...], BaseRule] = {}
        self.has_task = False
        self.indented: list[Line] = []

    def read_line(self) -> None:
        line = self.lines[self.place]
        self.place += 1
        try:
            self.read(line)
        except MarsError as error:
            self.found.problems.append((line.number, error))

    def read(self, line: Line) -> None:
        header = header_of(line.text)
        if header and header[0] == "task":
            self.task(line)
            return
        _check_line(line)
        match line.kind:
            case "header":
                self.header(line)
            case "rule":
                self.rule(line)
            case "edge":
                self.edges(line)
            case "text":
                raise CellError(f"line {line.number}: {self.what_text_is(line.text.strip())}")
            case "blank":
                pass

    def task(self, line: Line) -> None:
        repeated, self.has_task = self.has_task, True
        if line.text.partition(":")[2].strip().startswith(FENCE):
            task, self.place = _fenced(self.lines, self.place - 1)
        else:
            task, self.place = _indented(self.lines, self.place - 1)
            self.indented += self.lines[line.number - self.lines[0].number + 1 : self.place]
        if repeated:
            raise CellError(f"line {line.number}: a second 'task:'; expected one, its further lines indented")
        if task is None:
            raise CellError(f"line {line.number}: 'task:' is empty; expected text after it, or indented lines below it")
        self.found.task = task

    def header(self, line: Line) -> None:
        word, rest = header_of(without_comment(line.text)) or ("", "")
        match word:
            case "context":
                self.found.context += [(line.number, name) for name in _variables(line, rest)]
            case "entry":
                self.found.entry += _names(line, rest)
            case "nodes":
                self.found.nodes += _names(line, rest)
            case _:
                shown = quoted(line.text.strip().partition(":")[0].strip() + ":")
                if word in RULE_WORDS:
                    meant = quoted(f"{word}({rest.strip()})")
                    raise CellError(f"line {line.number}: {shown} is a rule and no header; did you mean {meant}?")
                near = did_you_mean(f"{word[:80]}:", HEADERS)
                hint = "; if it belongs to the task, indent it" if self.has_task else near
                raise CellError(f"line {line.number}: unknown header {shown}; expected {', '.join(HEADERS)}{hint}")

    def rule(self, line: Line) -> None:
        rule = numbered(line, lambda text: parse_rule(without_comment(text)))
        first = self.limits.setdefault(rule.subject, rule)
        if first.contradicts(rule):
            both = f"{quoted(str(first))} and {quoted(str(rule))}"
            raise CellError(f"line {line.number}: {both} are the same limit twice; keep one of them")
        self.found.rules.append((line.number, rule))

    def edges(self, line: Line) -> None:
        edges = numbered(line, lambda text: parse_edges(text, max_edges=MAX_EDGES))
        if len(self.found.edges) + len(edges) > MAX_EDGES:
            raise NotationError(f"the cell draws more than {MAX_EDGES:,} edges; use the Python API", line=line.number)
        self.names.update(dict.fromkeys(name for edge in edges for name in (edge.source, edge.target)))
        if len(self.names) > MAX_NODES:
            raise NotationError(f"the cell draws more than {MAX_NODES:,} nodes; use the Python API", line=line.number)
        self.found.edges += [(line.number, edge) for edge in edges]

    def what_text_is(self, text: str) -> str:
        if text[0] in "%!":
            return (
                f"{quoted(text)}: IPython's % and ! lines have no place in a %%mars cell; put it in a cell of its own"
            )
        what = f"{quoted(text)} is no edge, rule or header; {EXPECTED}"
        meant = _meant(text)
        if self.has_task and meant.startswith("task:"):
            return f"{what}; if it belongs to the task, indent it"
        return f"{what}; did you mean {quoted(meant)}?"

    def check_indented(self) -> None:
        """Find lines of the task that were meant as edges; an editor indents them by itself below ``task:``."""
        for line in self.indented:
            if "->" in line.text and len(self.found.problems) < MAX_PROBLEMS and self.is_edge(line.text):
                self.found.problems.append(
                    (
                        line.number,
                        CellError(
                            f"line {line.number}: {quoted(line.text.strip())} is indented, so it belongs to the task; "
                            f"un-indent it to make it an edge, or put the task in {FENCE} to keep it as text"
                        ),
                    )
                )

    def is_edge(self, text: str) -> bool:
        """Tell prose from edges: those name ``User``, or nodes that are drawn, or are all that is drawn."""
        names = edge_names(text) if len(text) <= MAX_LINE_LENGTH else None
        if names is None:
            return False
        return not self.names or not RESERVED.isdisjoint(names) or all(name in self.names for name in names)


def _check_line(line: Line) -> None:
    if line.blank:
        return
    if len(line.text) > MAX_LINE_LENGTH:
        length = f"{len(line.text):,} characters; expected at most {MAX_LINE_LENGTH:,}"
        raise NotationError(f"{quoted(line.text.strip())}: the line has {length}", line=line.number)
    hidden = unseen(line.text)
    if hidden:
        what = f"{quoted(line.text.strip())} holds the invisible character {hidden}"
        raise NotationError(f"{what}; expected visible text: type the line again", line=line.number)


def _meant(text: str) -> str:
    """Give the line that was meant: an arrow in two pieces, a rule without brackets, a header without colon, a task."""
    joined = joined_arrows(text)
    if joined != text and edge_names(joined):
        return joined
    rule = RULE_OF_WORDS.fullmatch(text)
    if rule and rule[1] in RULE_WORDS:
        return f"{rule[1]}({rule[2]})"
    word, _, rest = text.partition(" ")
    return f"{word}: {rest}" if f"{word.casefold()}:" in HEADERS else f"task: {text}"


def _names(line: Line, rest: str) -> list[tuple[int, str]]:
    word = line.text.partition(":")[0].strip()
    return [(line.number, name) for name in numbered(line, lambda _: parse_names(rest, f"expected '{word}: A, B'"))]


def _variables(line: Line, rest: str) -> list[str]:
    names = [name.strip() for name in rest.split(",")]
    for name in names:
        if not name.isidentifier():
            what = f"{quoted(name)} is no variable" if name else "a name is missing"
            raise CellError(f"line {line.number}: {what}; expected 'context: table, limits'")
    return names


def _indented(lines: list[Line], place: int) -> tuple[Task | None, int]:
    """Take the task from the line of its header on, over indented and blank lines; give also where it ends."""
    end = place + 1
    while end < len(lines) and (lines[end].blank or lines[end].indented):
        end += 1
    first = lines[place].text.partition(":")[2].strip()
    return _task([first, *_dedented([line.text for line in lines[place + 1 : end]])], lines[place].number), end


def _fenced(lines: list[Line], place: int) -> tuple[Task | None, int]:
    """Take the task between the fences; whatever stands there is text."""
    number = lines[place].number
    opening = lines[place].text.partition(FENCE)[2]
    body: list[str] = []
    text, closed, after = opening.partition(FENCE)
    while not closed:
        body.append(text)
        place += 1
        if place >= len(lines):
            raise CellError(f"line {number}: the task's {FENCE} is never closed; expected another {FENCE}")
        text, closed, after = lines[place].text.partition(FENCE)
    if without_comment(after):
        raise CellError(f"line {lines[place].number}: {quoted(after.strip())} after {FENCE}; expected nothing more")
    body.append(text)
    return _task([body[0].strip(), *_dedented(body[1:])], number), place + 1


def _dedented(lines: list[str]) -> list[str]:
    """Remove the indent that all lines share; one that is only white space is empty."""
    full = [line for line in lines if line.strip()]
    if not full:
        return [""] * len(lines)
    least, most = min(full), max(full)
    width = 0
    while width < len(least) and width < len(most) and least[width] == most[width] and least[width].isspace():
        width += 1
    return [line[width:] if line.strip() else "" for line in lines]


def _task(lines: list[str], number: int) -> Task | None:
    full = [place for place, line in enumerate(lines) if line.strip()]
    if not full:
        return None
    return Task("\n".join(lines[full[0] : full[-1] + 1]).rstrip(), number + full[0])


def task_block(lines: list[Line]) -> Task | None:
    """Take a whole cell as its task, with or without ``task:`` before it.

    Parameters
    ----------
    lines : list of Line
        The cell.

    Returns
    -------
    Task or None
        The text, dedented; None if there is none.
    """
    start = next((place for place, line in enumerate(lines) if not line.blank), None)
    if start is None:
        return None
    header = header_of(lines[start].text)
    if not (header and header[0] == "task"):
        return _task(_dedented([line.text for line in lines[start:]]), lines[start].number)
    first = lines[start].text.partition(":")[2].strip()
    rest = _dedented([line.text for line in lines[start + 1 :]])
    return _unfenced(_task([first, *rest], lines[start].number))


def _unfenced(task: Task | None) -> Task | None:
    if task and task.text.startswith(FENCE) and task.text.endswith(FENCE) and len(task.text) >= 2 * len(FENCE):
        inner = task.text[len(FENCE) : -len(FENCE)].split("\n")
        return _task(inner, task.first_line)
    return task


def only_structure(lines: list[Line]) -> bool:
    """Tell whether a cell holds nothing but edges (one of them with ``User``), rules and headers: no text of a task."""
    full = [line for line in lines if line.kind != "blank"]
    if full and (header_of(full[0].text) or ("",))[0] == "task":
        full = full[1:]
    names = [edge_names(line.text) if line.kind == "edge" else [] for line in full[:MAX_NODES]]
    drawn = all(each is not None for each in names) and not any(line.kind == "text" for line in full)
    return drawn and any(not RESERVED.isdisjoint(each or ()) for each in names)
