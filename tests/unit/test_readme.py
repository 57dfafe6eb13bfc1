"""The README is true: its blocks run in the order in which they stand, and show what it says they show."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text("utf-8")
# A block, and the ``text`` block that stands right below it: what it shows.
BLOCK = re.compile(r"^```(python|mars)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#]+)\)")


class Block(NamedTuple):
    """A block of the README."""

    language: str
    source: str
    shows: str


BLOCKS = [Block(*found.groups(default="")) for found in BLOCK.finditer(README)]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Run all blocks as the cells of one notebook, in an empty folder."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(block.source) for block in BLOCKS])
    folder = str(tmp_path_factory.mktemp("readme"))
    client = NotebookClient(
        notebook,
        timeout=60,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": folder}},
        extra_arguments=["--IPKernelApp.log_level=40"],
    )
    asyncio.run(client.async_execute())
    return list(notebook.cells)


def shown(cell: Any) -> str:
    """Give all that a cell shows, as text."""
    return "".join(f"{each.data['text/plain']}\n" if "data" in each else each.text for each in cell.outputs)


def heading(position: int) -> str:
    """Give the heading that a block stands under."""
    above = README[: README.index(BLOCKS[position].source)]
    return str(re.findall(r"^#+ (.*)$", above, re.MULTILINE)[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "position", range(len(BLOCKS)), ids=lambda position: f"{heading(position)} {BLOCKS[position].language} {position}"
)
def test_a_block_runs_and_shows_what_stands_below_it(cells: list[Any], position: int) -> None:
    errors = [f"{each.ename}: {each.evalue}" for each in cells[position].outputs if each.output_type == "error"]
    assert errors == []
    assert BLOCKS[position].shows.strip() in shown(cells[position])


def test_the_cell_below_the_picture_is_the_one_of_the_quickstart() -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "00_quickstart.ipynb", as_version=4)
    cell = next(each.source for each in notebook.cells if each.id == "report")
    assert f"```text\n{cell}\n```\n" in README


@pytest.mark.parametrize("target", LINK.findall(README))
def test_a_link_leads_to_a_file(target: str) -> None:
    assert (ROOT / target).exists()


def test_all_patterns_and_rules_are_listed() -> None:
    from mars_nb.topology.patterns import PATTERNS
    from mars_nb.topology.rule_text import RULE_WORDS

    assert [name for name in (*PATTERNS, *RULE_WORDS) if f"`{name}(" not in README] == []
