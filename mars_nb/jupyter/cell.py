r"""The text of a ``%%mars`` cell: a task, the edges, the rules.

::

    %%mars report --max-steps 50
    task: Compare the two quarters in {table}
    User -> Planner -> North, South -> Writer
    Writer <-> Reviewer -> User
    timeout(300)

Each line is a comment, a header, a rule or edges; the first that fits. The task runs over indented lines and is
otherwise left alone: nothing in it is a comment, an arrow or a magic. With ``-t`` the whole cell is the task. All
problems are counted and the first one is told, with the line that was probably meant. No IPython here: this is text to
data.

Examples
--------
>>> cell = parse("report --quiet", "task: Say {word}\nUser -> A -> User", {"word": "hello"})
>>> cell.task, cell.edges, cell.options
('Say hello', [('User', 'A', '->'), ('A', 'User', '->')], {'name': 'report', 'quiet': True})
>>> parse("", "task: Say hello\nUser --> A", {})
Traceback (most recent call last):
mars_nb.errors.NotationError: line 3: 'User --> A': '-->' is no arrow; expected 'A -> B' or 'A <-> B'; did you mean
'User -> A'?
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mars_nb.errors import CellError, MarsError, NotationError, RuleError, TopologyError, did_you_mean
from mars_nb.jupyter.cell_lines import MAX_PROBLEMS, CellLines, only_structure, read_lines, task_block
from mars_nb.jupyter.options import parse_options
from mars_nb.jupyter.placeholders import fill, is_run, only_name, value_of, variable
from mars_nb.topology.convert import ensure_topology
from mars_nb.topology.graph import unknown_node
from mars_nb.topology.model import Topology
from mars_nb.topology.names import RESERVED, quoted
from mars_nb.topology.notation import lines_of
from mars_nb.topology.rules import MaxStepsRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.jupyter.cell_lines import Problem, Task

MAX_CELL_LENGTH = 1_000_000
MAX_MESSAGE_LENGTH = 299
FIRST_LINE = 2
"""The magic's own line is line 1."""


@dataclass(frozen=True)
class Cell:
    """What a ``%%mars`` cell says.

    Parameters
    ----------
    task : JSON value, DataFrame or None
        The task with its placeholders filled in; the value itself when the task is one placeholder.
    edges : list of (str, str, str)
        Source, target and ``"->"`` or ``"<->"``; chains and lists expanded, each edge once.
    rules : list of str
        The rules in canonical form.
    context : list of str
        The variables that ``context:`` names.
    entry : list of str
        The agents that ``entry:`` names.
    options : dict
        ``name``, and each given option under its long name with ``_``.
    context_values : dict
        The values of the variables that ``context:`` and ``--context`` name.
    variables : mapping
        The notebook's variables, where ``-t`` looks for its topology.
    """

    task: Any
    edges: list[tuple[str, str, str]] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    context: list[str] = field(default_factory=list)
    entry: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    context_values: dict[str, Any] = field(default_factory=dict)
    drawn: Topology | None = field(default=None, repr=False)
    variables: Mapping[str, object] = field(default_factory=dict, repr=False, compare=False)

    def topology(self) -> Topology:
        """Give the topology that the cell draws, or that ``-t`` names (a variable, a run, a pattern, edges).

        Raises
        ------
        TopologyError
            If ``-t`` names something that is wrong.
        CellError
            If ``-t`` names nothing that is known here; a file is read by whoever may open files.
        """
        return named_topology(self.options["topology"], self.variables) if self.drawn is None else self.drawn


def named_topology(text: str, variables: Mapping[str, object]) -> Topology:
    """Find the topology that ``-t`` names.

    Parameters
    ----------
    text : str
        A variable (a topology in any form, or a run), a pattern such as ``ring(agents=[A, B])``, or edges.
    variables : mapping of str to object
        The notebook's variables.

    Returns
    -------
    Topology
        The topology.

    Raises
    ------
    TopologyError
        If it is wrong.
    CellError
        If there is no such variable, and the text is neither a pattern nor edges.
    """
    if text in variables:
        value = variables[text]
        drawn = getattr(value, "topology", value)
        return ensure_topology(drawn() if callable(drawn) else drawn)
    if "(" in text or "->" in text:
        return ensure_topology(text)
    near = did_you_mean(text[:80], [name for name in variables if not name.startswith("_")])
    raise CellError(f"-t {quoted(text)}: no variable is called so{near}; expected a variable, a pattern or a file")


def parse(line: str, cell: str, variables: Mapping[str, object]) -> Cell:
    """Read a ``%%mars`` cell.

    Parameters
    ----------
    line : str
        What stands after ``%%mars``.
    cell : str
        The lines below.
    variables : mapping of str to object
        The notebook's variables, for placeholders, ``context:`` and ``-t``.

    Returns
    -------
    Cell
        What it says.

    Raises
    ------
    CellError
        If an option, a header or a placeholder is wrong.
    TopologyError
        If an edge or a rule is. Both are a ``MarsError`` and a ``ValueError`` with one line.
    """
    _check_text(cell)
    read = parse_options(line, variables)
    options = read.values
    problems: list[Problem] = [(1, CellError(f"line 1: {message}")) for message in read.problems]
    lines = _task_only(cell, problems) if "topology" in options else read_lines(lines_of(cell, FIRST_LINE))
    problems += lines.problems
    drawn = None if "topology" in options else _drawn(lines, problems)
    _check_together(lines, options, variables, problems)
    values = _context(lines, options, variables, problems)
    task = _task(lines.task, options, variables, problems)
    _raise_first(problems)
    return Cell(
        task=task,
        edges=[(edge.source, edge.target, edge.kind) for edge in drawn.edges] if drawn else [],
        rules=[str(rule) for rule in drawn.rules] if drawn else [],
        context=list(dict.fromkeys(name for _, name in lines.context)),
        entry=list(drawn.entry) if drawn else [],
        options=options,
        context_values=values,
        drawn=drawn,
        variables=variables,
    )


def _check_text(cell: str) -> None:
    if len(cell) > MAX_CELL_LENGTH:
        raise CellError(
            f"the cell has {len(cell):,} characters; expected at most {MAX_CELL_LENGTH:,}: put the text into a "
            "variable and write {its_name}"
        )
    if not cell.isascii() and any("\ud800" <= each <= "\udfff" for each in cell):
        raise CellError("the cell holds half a character (a lone surrogate), which no file can keep; type it again")


def _task_only(cell: str, problems: list[Problem]) -> CellLines:
    """Take the whole cell as the task, as ``-t`` asks; but not one that draws."""
    lines = lines_of(cell, FIRST_LINE)
    if only_structure(lines):
        problems.append(
            (FIRST_LINE, CellError("with -t the whole cell is the task, but this one draws edges; leave out -t"))
        )
    return CellLines(task=task_block(lines))


def _drawn(lines: CellLines, problems: list[Problem]) -> Topology | None:
    """Build the topology, and check what can only be checked when all edges are known."""
    if problems:
        return None
    try:
        topology = Topology(
            [name for _, name in lines.nodes], [edge for _, edge in lines.edges], [rule for _, rule in lines.rules]
        )
        topology = Topology(topology.nodes, topology.edges, topology.rules, _entry(lines, topology, problems))
    except TopologyError as error:
        problems.append((0, error))
        return None
    _check_rules(lines, set(topology.nodes), problems)
    if not topology.nodes:
        problems.append((0, CellError("the cell has no edges; expected a line 'User -> A -> User', or -t NAME")))
    return topology


def _check_rules(lines: CellLines, nodes: set[str], problems: list[Problem]) -> None:
    for number, rule in lines.rules:
        problem = unknown_node(rule, nodes) if len(problems) < MAX_PROBLEMS else None
        if problem:
            problems.append((number, RuleError(f"line {number}: {quoted(str(rule))}: {problem}")))


def _entry(lines: CellLines, topology: Topology, problems: list[Problem]) -> list[str]:
    agents = [name for name in topology.nodes if name not in RESERVED]
    known = set(agents)
    for number, name in lines.entry:
        if name not in known and len(problems) < MAX_PROBLEMS:
            what = f"line {number}: entry {quoted(name)} is no agent in the topology{did_you_mean(name, agents)}"
            problems.append((number, CellError(what)))
    return [name for _, name in lines.entry if name in known]


def _check_together(
    lines: CellLines, options: Mapping[str, Any], variables: Mapping[str, object], problems: list[Problem]
) -> None:
    """Check what the line and the cell say about the same thing."""
    name = options["name"]
    if name in variables and "replace" not in options and not is_run(variables[name]):
        kind = type(variables[name]).__name__[:40]
        what = f"line 1: the variable {quoted(name)} ({kind}) is no run; expected another name for it, or --replace"
        problems.append((1, CellError(what)))
    for number, rule in lines.rules:
        if isinstance(rule, MaxStepsRule) and "max_steps" in options:
            both = f"'{rule}' and '--max-steps {options['max_steps']}' are the same limit twice; keep one of them"
            problems.append((number, CellError(f"line {number}: {both}")))


def _context(
    lines: CellLines, options: Mapping[str, Any], variables: Mapping[str, object], problems: list[Problem]
) -> dict[str, Any]:
    where = [(number, f"line {number}: context", name) for number, name in lines.context]
    where += [(1, "line 1: --context", name.strip()) for name in options.get("context", "").split(",") if name.strip()]
    values: dict[str, Any] = {}
    for number, place, name in where:
        try:
            if len(problems) < MAX_PROBLEMS:
                values[name] = value_of(name, variable(name, variables))
        except MarsError as error:
            problems.append((number, CellError(f"{place}: {error}")))
    return values


def _task(
    task: Task | None, options: Mapping[str, Any], variables: Mapping[str, object], problems: list[Problem]
) -> object:
    if task is None:
        if not problems and "dry_run" not in options:
            wanted = "the task as its text" if "topology" in options else "a line like 'task: Say hello'"
            problems.append((0, CellError(f"the cell has no task; expected {wanted}")))
        return None
    if "raw" in options:
        return task.text
    name = only_name(task.text)
    if name is not None and name in variables:
        return _whole(name, task, variables, problems)
    filled = fill(task.text, variables)
    for problem in filled.problems:
        number = task.line_at(problem.at)
        problems.append((number, CellError(f"line {number}: {problem.message}")))
    return filled.text


def _whole(name: str, task: Task, variables: Mapping[str, object], problems: list[Problem]) -> object:
    try:
        return value_of(name, variables[name])
    except MarsError as error:
        problems.append((task.first_line, CellError(f"line {task.first_line}: {error}")))
        return None


def _raise_first(problems: list[Problem]) -> None:
    if not problems:
        return
    in_order = [error for _, error in sorted(problems, key=lambda problem: problem[0] or MAX_CELL_LENGTH)]
    first = in_order[0]
    more = f" (and {len(problems) - 1:,} more: %mars check)" if len(problems) > 1 else ""
    message = " ".join(str(first).splitlines())
    room = MAX_MESSAGE_LENGTH - len(more)
    raised = type(first)((message if len(message) <= room else f"{message[: room - 1]}…") + more)
    if isinstance(raised, NotationError) and isinstance(first, NotationError):
        raised.line = first.line
    vars(raised)["problems"] = tuple(" ".join(str(error).splitlines()) for error in in_order)  # for %mars check
    raise raised
