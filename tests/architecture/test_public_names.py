"""What a user can import, and that every public name says what it is."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import mars_nb

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The class names of the module that this package is an implementation of.
# fmt: off
REFERENCE_NAMES = {
    "Orchestra", "OrchestraResult", "BranchResult", "EventBus", "Topology", "TopologyAnalyzer", "TopologyGraph", "Edge",
    "TimeoutRule", "PatternConfig", "PatternConfigConverter", "RulesEngine", "ValidationProcessor", "Router",
    "BranchExecutor", "StepExecutor", "DynamicBranchSpawner", "StateManager", "FileStorageBackend", "Session",
    "ExecutionBranch", "Agent", "AgentRegistry",
}
# fmt: on

Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Documented]]:
    """Give every public function, class and method; a method of a private class is private."""
    for child in node.body:
        if isinstance(child, Documented) and not child.name.startswith("_") and not is_continuation(child):
            yield f"{prefix}{child.name}", child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child, f"{prefix}{child.name}.")


def is_continuation(node: Documented) -> bool:
    """Tell whether a definition continues another one that carries the docstring: an overload or a setter."""
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    return any(mark.endswith((".setter", ".deleter", "overload")) for mark in marks)


def names_for_type_checkers(tree: ast.Module) -> dict[str, str]:
    """Give the public names that the package shows to type checkers, with the module each comes from."""
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    ours = [node for node in imports if node.module and node.module.startswith("mars_nb.")]
    return {alias.name: str(node.module) for node in ours for alias in node.names}


def test_all_is_sorted_and_names_nothing_twice() -> None:
    assert sorted(set(mars_nb.__all__)) == mars_nb.__all__


@pytest.mark.parametrize("name", mars_nb.__all__)
def test_every_public_name_resolves_and_has_a_docstring(name: str) -> None:
    assert getattr(mars_nb, name).__doc__.strip()


def test_type_checkers_see_the_same_names_from_the_same_modules(modules: dict[str, ast.Module]) -> None:
    assert names_for_type_checkers(modules["mars_nb/__init__.py"]) == mars_nb._HOME_OF


def test_every_name_is_defined_in_the_module_it_is_fetched_from() -> None:
    strangers = {name: getattr(mars_nb, name).__module__ for name in mars_nb.__all__}
    assert strangers == mars_nb._HOME_OF


def test_every_error_class_is_public() -> None:
    errors = vars(importlib.import_module("mars_nb.errors"))
    classes = {name for name, value in errors.items() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes <= set(mars_nb.__all__)


def test_a_star_import_brings_every_class_of_the_reference(root: Path) -> None:
    program = "from mars_nb import *\nprint(*(name for name in dir() if isinstance(globals()[name], type)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert len(REFERENCE_NAMES) == 23
    assert REFERENCE_NAMES - set(done.stdout.split()) == set(), done.stderr


def test_dir_shows_the_public_names_before_they_are_fetched() -> None:
    assert set(mars_nb.__all__) <= set(dir(mars_nb))


def test_an_unknown_name_is_an_attribute_error_that_names_the_package() -> None:
    with pytest.raises(AttributeError, match="module 'mars_nb' has no attribute 'Orchestar'"):
        mars_nb.Orchestar  # type: ignore[attr-defined]  # noqa: B018


def test_every_module_and_every_public_definition_has_a_docstring(modules: dict[str, ast.Module]) -> None:
    bare = [path for path, tree in modules.items() if not ast.get_docstring(tree)]
    for path, tree in modules.items():
        bare += [
            f"{path}:{node.lineno} {name}" for name, node in public_definitions(tree) if not ast.get_docstring(node)
        ]
    assert bare == []
