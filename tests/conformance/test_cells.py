"""The cells of the language, as data: each line of ``cells.json`` is one cell and what it says, or its error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mars_nb.errors import MarsError
from mars_nb.jupyter.cell import Cell, parse
from mars_nb.topology.convert import ensure_topology

CELLS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cells.json").read_text(encoding="utf-8"))
GOOD = [pytest.param(case, id=case["id"]) for case in CELLS if "error_contains" not in case["expect"]]
BAD = [pytest.param(case, id=case["id"]) for case in CELLS if "error_contains" in case["expect"]]


def parsed(case: dict[str, Any]) -> Cell:
    return parse(case["line"], case["cell"], case.get("vars", {}))


@pytest.mark.parametrize("case", GOOD)
def test_a_good_cell_says_what_it_should(case: dict[str, Any]) -> None:
    cell = parsed(case)
    said = {
        "task": cell.task,
        "edges": [list(edge) for edge in cell.edges],
        "rules": cell.rules,
        "context": cell.context,
        "entry": cell.entry,
        "options": cell.options,
    }
    assert said == {"entry": [], **case["expect"]}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_cell_that_draws_gives_a_topology_that_can_be_written_and_read_again(case: dict[str, Any]) -> None:
    cell = parsed(case)
    if cell.edges:
        drawn = cell.topology()
        assert ensure_topology(drawn.to_text()) == drawn


@pytest.mark.parametrize("case", BAD)
def test_a_bad_cell_is_told_in_one_line(case: dict[str, Any]) -> None:
    with pytest.raises(MarsError) as told:
        parsed(case)
    message = str(told.value)
    assert isinstance(told.value, ValueError)
    assert len(message.splitlines()) == 1
    assert len(message) < 300
    for part in (*case["expect"]["error_contains"], case["expect"]["suggests"]):
        assert part in message


def test_there_are_forty_cells() -> None:
    assert len({case["id"] for case in CELLS}) == 40
