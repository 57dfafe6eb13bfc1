"""What may import what, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAVY = {"IPython", "anywidget", "dask", "distributed", "ipywidgets", "matplotlib", "networkx", "pandas", "pydantic_ai"}
MODEL_LIBRARIES = {
    "anthropic",
    "genai_prices",
    "google",
    "httpx",
    "langchain_core",
    "openai",
    "pydantic_ai",
    "xllamacpp",
}
# Imported inside the function that needs them, wherever that is.
LATE = {"dask", "distributed", "matplotlib", "networkx", "pandas"} | MODEL_LIBRARIES
BANNED_MODULES = {"cloudpickle", "dill", "marshal", "pickle", "shelve"}
BANNED_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "__import__"}


def loaded_after(statement: str, *, root: Path, of: set[str] = HEAVY | MODEL_LIBRARIES) -> set[str]:
    """Run one statement in a fresh interpreter and give the heavy libraries that it loaded."""
    program = f"import sys\n{statement}\nprint(*({of!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def imports_at_load(tree: ast.Module) -> Iterator[str]:
    """Give the top-level packages that loading a module imports: not those inside functions or for type checkers."""
    for node in at_load(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def at_load(node: ast.AST) -> Iterator[ast.AST]:
    later = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, later) and not is_for_type_checkers(child):
            yield child
            yield from at_load(child)


def is_for_type_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def banned_in(tree: ast.Module) -> Iterator[str]:
    """Give what the module imports or calls although it would let text or bytes become code."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names if alias.name.split(".")[0] in BANNED_MODULES)
            case ast.ImportFrom(module=str(name)) if name.split(".")[0] in BANNED_MODULES:
                yield name
            case ast.Call(func) if ast.unparse(func) in BANNED_CALLS:
                yield ast.unparse(func)


def test_the_layers_point_down(root: Path) -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-logo", "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contract_about_the_notebook_speaks_of_every_other_layer(root: Path) -> None:
    settings = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    contracts = {each["id"]: each for each in settings["contracts"]}
    layers = {f"mars_nb.{name}" for layer in contracts["layers"]["layers"] for name in layer.split(" | ")}
    assert set(contracts["notebook"]["source_modules"]) == layers - {"mars_nb.jupyter"}


@pytest.mark.parametrize("statement", ["import mars_nb", "from mars_nb import *"])
def test_importing_the_package_loads_no_heavy_library(statement: str, root: Path) -> None:
    assert loaded_after(statement, root=root) == set()


def test_importing_everything_but_the_notebook_layer_loads_no_heavy_library(
    modules: dict[str, ast.Module], root: Path
) -> None:
    names = [path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in modules]
    core = [name for name in names if not name.startswith("mars_nb.jupyter")]
    assert loaded_after(f"import {', '.join(core)}", root=root) == set()


def test_importing_the_package_loads_none_of_its_modules(root: Path) -> None:
    program = "import sys, mars_nb; print(*(name for name in sys.modules if name.startswith('mars_nb.')))"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_heavy_libraries_are_imported_where_they_are_needed(modules: dict[str, ast.Module]) -> None:
    early = {path: LATE & set(imports_at_load(tree)) for path, tree in modules.items()}
    assert {path: names for path, names in early.items() if names} == {}


def test_nothing_turns_text_or_bytes_into_code(modules: dict[str, ast.Module]) -> None:
    found = {path: list(banned_in(tree)) for path, tree in modules.items()}
    assert {path: names for path, names in found.items() if names} == {}


def test_the_search_for_banned_calls_finds_them() -> None:
    tree = ast.parse("import pickle\nfrom marshal import loads\nimport yaml\nyaml.load(x)\neval('1')\ndf.eval('a')")
    assert sorted(banned_in(tree)) == ["eval", "marshal", "pickle", "yaml.load"]


def test_an_agent_that_answers_offline_needs_no_model_library(root: Path) -> None:
    statement = (
        "from mars_nb import Agent, Orchestra\nAgent(name='Writer')\n"
        "assert Orchestra.run_sync('Tell about Mars. Mars is red.', 'User -> Writer -> User').success"
    )
    assert loaded_after(statement, root=root, of=MODEL_LIBRARIES - {"google"}) == set()
