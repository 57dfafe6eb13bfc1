"""What the architecture tests look at: the package as text and as syntax trees."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def sources() -> dict[str, str]:
    """Give the text of every module of the package, by path."""
    paths = sorted((ROOT / "mars_nb").rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="session")
def modules(sources: dict[str, str]) -> dict[str, ast.Module]:
    """Give the syntax tree of every module of the package, by path."""
    # CPython 3.11 miscounts its own depth when a finalizer of something else runs inside of `ast.parse`.
    gc.collect()
    gc.disable()
    try:
        return {path: ast.parse(text, path) for path, text in sources.items()}
    finally:
        gc.enable()
