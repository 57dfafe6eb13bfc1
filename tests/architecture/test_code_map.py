"""ARCHITECTURE.md is a map: it names every module, and nothing that is not there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ROW = re.compile(r"^\| (`[^|]+`) \|", re.MULTILINE)


def mapped(root: Path) -> set[str]:
    """Give the paths that the code map names; one without a folder is in the folder of the one before."""
    text = (root / "ARCHITECTURE.md").read_text("utf-8")
    found = set()
    for row in ROW.findall(text.partition("## Code map")[2].partition("\n## ")[0]):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            folder = name[: name.rfind("/") + 1] or folder
            found.add(folder + name.rpartition("/")[2])
    return found


def test_the_code_map_names_every_module(root: Path, sources: dict[str, str]) -> None:
    named = mapped(root)
    folders = tuple(name for name in named if name.endswith("/"))
    paths = [path.removeprefix("mars_nb/") for path in sources if not path.endswith("__init__.py")]
    assert [path for path in paths if path not in named and not path.startswith(folders)] == []


def test_the_code_map_names_nothing_that_is_gone(root: Path) -> None:
    assert [name for name in mapped(root) if not (root / "mars_nb" / name).exists()] == []
