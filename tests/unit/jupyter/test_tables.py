"""The tables that ``%mars`` gives, also when there is nothing in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from mars_nb import agent
from tests.unit.views.test_tables import expected, types

if TYPE_CHECKING:
    from tests.unit.jupyter.conftest import Notebook

CELL = "task: hello\nUser -> Echo -> User"
SESSIONS = {
    "session_id": "str", "run": "str", "status": "category", "task": "str", "n_events": "int64",
    "created_at": "datetime64[us, UTC]", "parent": "str",
}  # fmt: skip
AGENTS = {"agent": "str", "kind": "category", "description": "str"}


@pytest.fixture
def echo(notebook: Notebook) -> Notebook:
    agent("Echo")(lambda request: f"you said {request}")
    return notebook


@pytest.mark.parametrize(("line", "columns"), [("sessions", SESSIONS), ("agents", AGENTS)])
def test_a_table_has_the_same_types_with_and_without_rows(
    notebook: Notebook, line: str, columns: dict[str, str]
) -> None:
    empty = notebook.mars(line)
    assert (len(empty), types(empty)) == (0, expected(columns))
    agent("Echo")(lambda request: f"you said {request}")
    notebook.mars("report", CELL)
    assert types(notebook.mars(line)) == expected(columns)
    assert len(notebook.mars(line)) == 1


def test_sessions_say_when_they_were_created_and_where_they_came_from(echo: Notebook) -> None:
    echo.mars("report", CELL)
    echo.mars("fork report@Echo#1 --as other --edit else --keep-going")
    first, second = echo.mars("sessions").to_dict("records")
    assert abs(pd.Timestamp.now(tz="UTC") - first["created_at"]) < pd.Timedelta(minutes=5)
    assert first["parent"] == ""
    assert second["parent"].startswith("report-1@")


def test_the_agents_of_a_session_are_compared_with_those_that_are_here(echo: Notebook) -> None:
    echo.mars("report", CELL)
    table = echo.mars("agents --from report")
    assert types(table) == expected({"agent": "str", "here": "category", "digest": "str", "digest_here": "str"})


def test_costs_are_a_table_by_agent(echo: Notebook) -> None:
    echo.mars("report", CELL)
    table = echo.mars("cost report")
    assert (table.index.name, list(table.index)) == ("agent", ["Echo", "total"])


def test_every_table_prints_small(echo: Notebook) -> None:
    echo.mars("report", CELL)
    kinds = {type(echo.mars(line)) for line in ("sessions", "agents", "cost", "timeline", "patterns")}
    assert [kind.__name__ for kind in kinds] == ["Table"]


def test_a_run_adds_little_to_a_notebook_however_much_is_said(notebook: Notebook) -> None:
    names = [f"Agent{i}" for i in range(45)]
    for name in names:
        agent(name)(lambda _: "<&>\u7814" * 25_000)
    notebook.outputs.clear()
    notebook.mars(
        "report --in-memory", f"task: x\nUser -> {names[0]} -> {', '.join(names[1:-1])} -> {names[-1]} -> User"
    )
    n_bytes = sum(len(text.encode()) for output in notebook.outputs for text in output["data"].values())
    assert len(notebook.outputs) == 3
    assert n_bytes <= 100_000
    for line in ("timeline report", "cost report", "show report --kind gantt"):
        shown = notebook.mars(line)
        html = shown._repr_html_() if hasattr(shown, "_repr_html_") else shown._repr_mimebundle_()["image/svg+xml"]
        assert len(repr(shown).encode()) + len(html.encode()) <= 100_000
