"""Small modules, small functions, little nesting: what keeps the code readable is counted, so that it stays."""

from __future__ import annotations

import ast
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_MODULE_LINES = 400
MAX_BODY_LINES = 40
MAX_MEDIAN_BODY_LINES = 6
MAX_NINE_IN_TEN_BODY_LINES = 20
MAX_NESTING = 3

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCK = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


class Function(NamedTuple):
    where: str
    body_lines: int
    nesting: int


def functions(modules: dict[str, ast.Module]) -> Iterator[Function]:
    for path, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION):
                yield Function(f"{path}:{node.lineno} {node.name}", body_lines(node), nesting(node))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def nesting(node: ast.AST) -> int:
    """Count how deep blocks stand in blocks; a function inside a function is measured by itself."""
    return max((nesting(child) + is_deeper(node, child) for child in children(node)), default=0)


def children(node: ast.AST) -> list[ast.AST]:
    return [child for child in ast.iter_child_nodes(node) if not isinstance(child, (*FUNCTION, ast.ClassDef))]


def is_deeper(parent: ast.AST, child: ast.AST) -> bool:
    """Tell whether the child opens a block of its own: `elif` stands beside its `if`, not inside it."""
    is_elif = isinstance(parent, ast.If) and isinstance(child, ast.If) and parent.orelse == [child]
    return isinstance(child, BLOCK) and not is_elif


def test_elif_is_no_nesting_and_a_block_in_a_block_is() -> None:
    chain = ast.parse("if a:\n    pass\nelif b:\n    pass\nelif c:\n    pass")
    nested = ast.parse("for a in b:\n    with c:\n        match d:\n            case 1:\n                if e: pass")
    assert (nesting(chain), nesting(nested)) == (1, 4)


def test_a_docstring_is_not_counted_as_body() -> None:
    function = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a').body[0]
    assert isinstance(function, ast.FunctionDef)
    assert body_lines(function) == 2


def test_no_module_is_longer_than_four_hundred_lines(sources: dict[str, str]) -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources.items()}
    assert {path: n for path, n in lengths.items() if n > MAX_MODULE_LINES} == {}


def test_no_function_body_is_longer_than_forty_lines(modules: dict[str, ast.Module]) -> None:
    assert [each for each in functions(modules) if each.body_lines > MAX_BODY_LINES] == []


def test_half_of_the_bodies_have_at_most_six_lines_and_nine_in_ten_at_most_twenty(
    modules: dict[str, ast.Module],
) -> None:
    lines = [each.body_lines for each in functions(modules)]
    assert median(lines) <= MAX_MEDIAN_BODY_LINES
    assert quantiles(lines, n=10)[-1] <= MAX_NINE_IN_TEN_BODY_LINES


def test_blocks_are_nested_at_most_three_deep(modules: dict[str, ast.Module]) -> None:
    assert [each for each in functions(modules) if each.nesting > MAX_NESTING] == []
