"""Text to edges and back: the notation one would write on a board.

A line is blank, a comment, a header (``entry:``), a rule (``timeout(300)``) or edges; the first that fits. Names hold
neither ``:`` nor ``(``, so no line can be read in two ways. Everything is read by hand, line by line and without
recursion, in time linear in its length; what a product of lists would make is counted before it is built.

Examples
--------
>>> [str(edge) for edge in parse_edges("User -> A, B -> C  # both at once")]
['User -> A', 'User -> B', 'A -> C', 'B -> C']
>>> parse_edges("User => A")
Traceback (most recent call last):
mars_nb.errors.NotationError: 'User => A': '=>' is no arrow; expected 'A -> B' or 'A <-> B'; did you mean 'User -> A'?
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise, product
from typing import TYPE_CHECKING, Literal, TypeVar

from mars_nb.errors import NotationError, RuleError, TopologyError, did_you_mean, nearest
from mars_nb.topology.model import MAX_EDGES, Edge, Topology
from mars_nb.topology.names import name_problem, quoted, unquoted, unseen, written
from mars_nb.topology.repairs import repaired_arrows, wrong_arrow
from mars_nb.topology.rule_text import RULE_WORDS
from mars_nb.topology.rules import parse_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mars_nb.topology.rules import Rule

T = TypeVar("T")
Kind = Literal["blank", "header", "rule", "edge", "text"]

MAX_LINE_LENGTH = 1_000_000
MAX_LINE_EDGES = 100_000
MAX_REPAIR_LENGTH = 4_000
NAMES_PER_LINE = 40
EXPECTED = "expected 'A -> B' or 'A <-> B'"

_ARROW = re.compile(r"<->|->")
_TRAILING_COMMENT = re.compile(r"\s#(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text and its number.

    Parameters
    ----------
    number : int
        Counted from 1, or from 2 in a cell, whose first line is the magic's.
    text : str
        The line as written, without its end.
    """

    number: int
    text: str

    @property
    def blank(self) -> bool:
        """Whether there is nothing but white space."""
        return not self.text.strip()

    @property
    def indented(self) -> bool:
        """Whether it starts with white space and holds something."""
        return self.text[:1].isspace() and not self.blank

    @property
    def kind(self) -> Kind:
        """What the line is taken for."""
        return kind_of(self.text)


def lines_of(text: str, first: int = 1) -> list[Line]:
    """Split a text into numbered lines; Windows and old Mac ends are ends."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return [Line(number, line) for number, line in enumerate(plain.split("\n"), first)]


def kind_of(text: str) -> Kind:
    """Tell what a line is taken for, by what it begins with and whether it holds an arrow.

    Examples
    --------
    >>> kind_of("# note"), kind_of("entry: A"), kind_of("timeout(3)"), kind_of("A => B"), kind_of("Say hello")
    ('blank', 'header', 'rule', 'edge', 'text')
    """
    line = text.strip()
    if not line or line.startswith("#"):
        return "blank"
    if header_of(line):
        return "header"
    if _begins_rule(line):
        return "rule"
    return "edge" if "->" in line or wrong_arrow(line) else "text"


def header_of(line: str) -> tuple[str, str] | None:
    """Split ``word: rest`` into the word, in lower case, and the rest; None when the line is no header."""
    word, colon, rest = line.partition(":")
    word = word.strip()
    return (word.casefold(), rest.strip()) if colon and word.isidentifier() else None


def _begins_rule(line: str) -> bool:
    word, bracket, _ = line.partition("(")
    if not bracket or not word.strip().isidentifier():
        return False
    return not word[-1].isspace() or nearest(word.strip()[:80], RULE_WORDS) is not None


def without_comment(line: str) -> str:
    """Cut a trailing comment: white space, ``#``, and white space or the end.

    Examples
    --------
    >>> without_comment("A -> B  # why")
    'A -> B'
    >>> without_comment("A -> B #2")
    'A -> B #2'
    """
    line = line.strip()
    comment = _TRAILING_COMMENT.search(line)
    return "" if line.startswith("#") else line[: comment.start()].rstrip() if comment else line


def parse_edges(line: str, *, max_edges: int = MAX_LINE_EDGES) -> list[Edge]:
    """Read one line of edges: names, lists and chains of arrows.

    Parameters
    ----------
    line : str
        Such as ``A, B -> C <-> D``, perhaps with a comment.
    max_edges : int
        Edges that the line may make.

    Returns
    -------
    list of Edge
        The edges in the order of the line; a list is a product.

    Raises
    ------
    NotationError
        If the line is anything else; the message quotes it, says what was expected and how to mend it.
    """
    if len(line) > MAX_LINE_LENGTH:
        found = f"{quoted(line)}: the line has {len(line):,} characters"
        raise NotationError(f"{found}; expected at most {MAX_LINE_LENGTH:,}")
    text = without_comment(line)
    try:
        groups, arrows = _chain(text)
    except TopologyError as error:
        raise NotationError(f"{quoted(text)}: {error}{_repaired(text)}") from None
    n_edges = sum(len(left) * len(right) for left, right in pairwise(groups))
    if n_edges > max_edges:
        raise NotationError(f"{quoted(text)}: the lists make {n_edges:,} edges; expected at most {max_edges:,}")
    try:
        return _edges(groups, arrows)
    except TopologyError as error:
        raise NotationError(f"{quoted(text)}: {error}") from None


def _edges(groups: list[list[str]], arrows: list[str]) -> list[Edge]:
    steps = zip(pairwise(groups), arrows, strict=True)
    return [
        Edge(source=source, target=target, bidirectional=arrow == "<->")
        for (left, right), arrow in steps
        for source, target in product(left, right)
    ]


def _chain(text: str) -> tuple[list[list[str]], list[str]]:
    """Split a line into its groups of names and the arrows between them."""
    hidden = unseen(text)
    if hidden:
        raise NotationError(f"it holds the invisible character {hidden}; expected visible text: type the line again")
    wrong = wrong_arrow(text)
    if wrong:
        raise NotationError(f"{quoted(wrong)} is no arrow; {EXPECTED}")
    arrows: list[str] = _ARROW.findall(text)
    if not arrows:
        raise NotationError(f"there is no arrow; {EXPECTED}")
    return [parse_names(group) for group in _ARROW.split(text)], arrows


def edge_names(line: str) -> list[str] | None:
    """Give the names in a line of edges, or None when it is no such line: a cheap look without building anything."""
    try:
        groups, _ = _chain(without_comment(line))
    except TopologyError:
        return None
    return list(chain.from_iterable(groups))


def parse_names(text: str, expected: str = EXPECTED) -> list[str]:
    """Read a list of names, separated by commas; a name may stand in quotes.

    Parameters
    ----------
    text : str
        The names.
    expected : str
        What the errors say was expected.

    Returns
    -------
    list of str
        Each name once.

    Raises
    ------
    NotationError
        If one is no name.

    Examples
    --------
    >>> parse_names("Market Researcher, 'Writer'")
    ['Market Researcher', 'Writer']
    """
    return list(dict.fromkeys(_name(part, expected) for part in text.split(",")))


def _name(part: str, expected: str = EXPECTED) -> str:
    name = " ".join(unquoted(part.strip()).split())
    if not name:
        raise NotationError(f"a name is missing; {expected}")
    problem = name_problem(name)
    if problem:
        hint = "" if ";" in problem else f"; {expected}"
        raise NotationError(f"{quoted(name)} is not a name: {problem}{hint}")
    return name


def _repaired(text: str) -> str:
    """Suggest the line with its arrows put right, if that makes it a good one."""
    if len(text) > MAX_REPAIR_LENGTH:
        return ""
    line = repaired_arrows(text)
    try:
        _chain(line)
    except TopologyError:
        return ""
    return f"; did you mean {quoted(line)}?" if line != text else ""


def parse_topology(text: str) -> Topology:
    r"""Read a topology: lines of edges, rules, ``entry: A, B`` and ``nodes: A, B`` (for an order of their own).

    Parameters
    ----------
    text : str
        The lines.

    Returns
    -------
    Topology
        What they draw.

    Raises
    ------
    NotationError
        If a line is none of these; the message has its number, quotes it and says what was expected.
    RuleError
        If a rule is unknown or malformed.

    Examples
    --------
    >>> parse_topology("User -> A <-> B\nmax_turns(A <-> B, 3)").rules
    (MaxTurnsRule(source='A', target='B', turns=3),)
    """
    edges: list[Edge] = []
    rules: list[Rule] = []
    names: dict[str, list[str]] = {"entry": [], "nodes": []}
    for line in lines_of(text):
        match line.kind:
            case "edge":
                edges += numbered(line, partial(parse_edges, max_edges=min(MAX_LINE_EDGES, MAX_EDGES - len(edges))))
            case "rule":
                rules.append(numbered(line, lambda text: parse_rule(visible(without_comment(text)))))
            case "header":
                header, listed = numbered(line, _names_header)
                names[header] += listed
            case "text":
                numbered(line, _refuse)
            case "blank":
                pass
    return Topology(nodes=names["nodes"], edges=edges, rules=rules, entry=names["entry"])


def numbered(line: Line, read: Callable[[str], T]) -> T:
    """Read one line; an error of it gets the line's number."""
    try:
        return read(line.text)
    except RuleError as error:
        raise RuleError(f"line {line.number}: {error}") from None
    except TopologyError as error:
        raise NotationError(str(error), line=line.number) from None


def visible(text: str) -> str:
    """Give a text back.

    Raises
    ------
    NotationError
        If it holds characters that cannot be seen.
    """
    hidden = unseen(text)
    if hidden:
        raise NotationError(f"{quoted(text)} holds the invisible character {hidden}; type the line again")
    return text


def _names_header(text: str) -> tuple[str, list[str]]:
    word, listed = header_of(visible(without_comment(text))) or ("", "")
    if word in ("entry", "nodes"):
        return word, parse_names(listed)
    if word in ("task", "context"):
        raise NotationError(f"'{word}:' belongs to a %%mars cell; a topology has edges, rules and 'entry:' only")
    raise NotationError(f"unknown header {quoted(word + ':')}; expected 'entry:'{did_you_mean(word[:80], ['entry'])}")


def _refuse(text: str) -> None:
    raise NotationError(f"{quoted(text.strip())} is no edge, rule or header; {EXPECTED}")


def write_topology(topology: Topology) -> str:
    """Write a topology as `parse_topology` reads it.

    Parameters
    ----------
    topology : Topology
        What to write.

    Returns
    -------
    str
        One line an edge, then ``nodes:`` where their order is not that of the edges, ``entry:`` and the rules.
    """
    named = dict.fromkeys(chain.from_iterable((edge.source, edge.target) for edge in topology.edges))
    nodes = () if tuple(named) == topology.nodes else topology.nodes
    lines = chain(
        map(str, topology.edges),
        _header_lines("nodes", nodes),
        _header_lines("entry", topology.entry),
        map(str, topology.rules),
    )
    return "\n".join(lines)


def _header_lines(word: str, names: tuple[str, ...]) -> Iterable[str]:
    starts = range(0, len(names), NAMES_PER_LINE)
    return (f"{word}: {', '.join(map(written, names[start : start + NAMES_PER_LINE]))}" for start in starts)
