"""The tables: their columns, types, units and index; and that they print small, safely, and leave pandas alone."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from mars_nb import compare
from mars_nb.events import BranchCreated, StepCompleted, StepScheduled
from mars_nb.state.record import Record
from mars_nb.views import frames
from mars_nb.views.history import history_of
from mars_nb.views.table import CELL_WIDTH, tabled
from tests.unit.views.happenings import BEGAN, chain, diamond, history
from tests.unit.views.hostile import HOSTILE_TEXTS
from tests.unit.views.test_result import DIAMOND, ran

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.views.history import History

UTC = "datetime64[us, UTC]"
TABLES: dict[str, tuple[Callable[[History], pd.DataFrame], str | None, dict[str, str]]] = {
    "timeline": (
        frames.timeline,
        "step_id",
        {
            "branch_id": "str", "parent_id": "str", "agent": "category", "step": "int64", "attempt": "int64",
            "started_at": UTC, "ended_at": UTC, "duration_s": "float64", "status": "category",
            "n_input_tokens": "int64", "n_output_tokens": "int64", "cost_usd": "float64", "request": "object",
            "response": "object", "action": "category", "error": "object", "source": "category",
        },
    ),
    "branches": (
        frames.branches,
        None,
        {
            "branch_id": "str", "parent_id": "str", "agent": "category", "state": "category", "ended": "category",
            "n_steps": "int64", "depth": "int64", "content": "object", "error": "object",
        },
    ),
    "events": (
        frames.events,
        None,
        {
            "seq": "int64", "at": UTC, "type": "category", "branch_id": "str", "step": "Int64", "agent": "category",
            "detail": "object",
        },
    ),
    "messages": (
        frames.messages,
        None,
        {
            "branch_id": "str", "step": "int64", "agent": "category", "role": "category", "content": "object",
            "text": "str",
        },
    ),
    "costs": (
        frames.costs,
        "agent",
        {
            "n_steps": "int64", "duration_s": "float64", "n_input_tokens": "int64", "n_output_tokens": "int64",
            "cost_usd": "float64",
        },
    ),
}  # fmt: skip
BEGUN = history(*diamond()[:1])


def types(table: pd.DataFrame) -> dict[str, str]:
    """Give the type of each column; text has another name in pandas 2."""
    return {str(name): "str" if str(dtype) == "string" else str(dtype) for name, dtype in table.dtypes.items()}


def expected(columns: dict[str, str]) -> dict[str, str]:
    text = str(pd.Series(["x"], dtype="str").dtype)
    return {name: text if dtype == "str" else dtype for name, dtype in columns.items()}


@pytest.mark.parametrize("told", [history(*diamond()), BEGUN], ids=["run", "no step yet"])
@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_its_documented_columns_types_and_index(name: str, told: History) -> None:
    make, index, columns = TABLES[name]
    table = make(told)
    assert types(table) == expected(columns)
    assert table.index.name == index
    assert table.index.is_unique


@pytest.mark.parametrize("name", TABLES)
def test_every_documented_column_is_documented(name: str) -> None:
    make, index, columns = TABLES[name]
    assert make.__doc__ is not None
    assert [each for each in (*columns, *filter(None, [index])) if f"``{each}``" not in make.__doc__] == []


def test_moments_are_those_of_the_journal_in_utc() -> None:
    table = frames.timeline(history(*diamond()))
    assert table.loc["b0.1#1", "started_at"] == pd.Timestamp(BEGAN + 1, unit="s", tz="UTC")
    assert list(table["duration_s"]) == [1, 2, 5, 2]
    assert ((table["ended_at"] - table["started_at"]).dt.total_seconds() == table["duration_s"]).all()


def test_a_running_step_has_no_end() -> None:
    step = frames.timeline(history(*diamond()[:9])).loc["b0.1#1"]
    assert (step["status"], step["ended_at"], step["response"]) == ("running", pd.NaT, None)
    assert np.isnan(step["duration_s"])


def test_what_a_run_used_is_summed_up_by_agent() -> None:
    table = frames.costs(history(*diamond()))
    assert list(table.index) == ["P", "A", "B", "J", "total"]
    assert list(table["n_steps"]) == [1, 1, 1, 1, 4]
    assert table.loc["total", "duration_s"] == 10


def test_the_cost_of_an_agent_is_unknown_if_that_of_a_step_is() -> None:
    records = list(history(*diamond()).journal.records())
    unknown = [Record(r.seq, r.at, _without_cost(r.event)) if r.seq == 4 else r for r in records]
    table = frames.costs(history_of(unknown))
    assert list(table["cost_usd"].isna()) == [True, False, False, False, True]


def _without_cost(event: Any) -> Any:
    return type(event)(event.branch, event.step, content=event.content, cost_usd=None)


def test_an_agent_that_is_called_total_does_not_vanish() -> None:
    table = frames.costs(
        history(
            (0, BranchCreated("b0", "total")),
            (0, StepScheduled("b0", 1, "total")),
            (3, StepCompleted("b0", 1, content="x")),
            topology="User -> total -> User",
        )
    )
    assert list(table["n_steps"]) == [1, 1]


async def test_two_runs_side_by_side_have_documented_types() -> None:
    one, other = await ran(DIAMOND), await ran(DIAMOND, A=["other"])
    for table in (compare(one, other), compare(one, one).iloc[:0]):
        assert types(table) == expected(
            {
                "step": "str", "agent": "str", "kind": "category", "request_a": "object", "request_b": "object",
                "response_a": "object", "response_b": "object", "source_a": "category", "source_b": "category",
                "is_first_divergence": "bool",
            }
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- printing


def long_table(n: int, cell: str) -> pd.DataFrame:
    cells = [cell] * n
    return tabled({"step_id": [f"b0#{i}" for i in range(n)], "request": cells, "response": cells}, index="step_id")


def test_a_table_is_a_dataframe_whose_cells_are_whole() -> None:
    table = long_table(3, "x" * 10_000)
    assert isinstance(table, pd.DataFrame)
    assert table.loc["b0#1", "response"] == "x" * 10_000


def test_a_cell_is_cut_where_it_is_printed() -> None:
    table = long_table(1, "x" * 10_000)
    assert "x" * (CELL_WIDTH - 5) in repr(table)
    assert "x" * CELL_WIDTH not in repr(table)
    assert "x" * CELL_WIDTH not in table._repr_html_()  # type: ignore[operator]


@pytest.mark.parametrize("cell", ["x" * 100_000, "<&>\"'" * 20_000, "\u7814" * 50_000, "\n" * 100_000])
def test_no_table_floods_a_notebook(cell: str) -> None:
    steps = {f"c{i}": [cell] * 5_000 for i in range(6)}
    table = tabled(steps)
    assert len(repr(table).encode()) + len(table._repr_html_().encode()) <= 100_000  # type: ignore[operator]


def test_the_tables_of_a_long_run_print_small() -> None:
    told = chain(3_000)
    for make, _, _ in TABLES.values():
        table = make(told)
        assert len(repr(table).encode()) + len(table._repr_html_().encode()) <= 50_000  # type: ignore[operator]


@pytest.mark.parametrize(
    "part",
    [
        lambda table: table[["response"]],
        lambda table: table.iloc[2:5],
        lambda table: table[table["request"] == "x"],
        lambda table: table.sort_index(ascending=False),
        lambda table: table.reset_index(),
        lambda table: table.assign(more=1),
        lambda table: table.copy(),
        lambda table: pd.concat([table, table]),
        lambda table: table.merge(table, on="request").head(),
        lambda table: table.groupby("request").first(),
        lambda table: table.T,
        copy.deepcopy,
    ],
)
def test_what_is_made_of_a_table_prints_small_too(part: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    table = part(long_table(10, "x"))
    assert type(table) is type(long_table(1, ""))


def test_pandas_options_stay_as_they_are() -> None:
    names = ("display.max_colwidth", "display.max_rows", "display.min_rows", "display.html.use_mathjax")
    before = [pd.get_option(name) for name in names]
    assert repr(long_table(1, "x")), long_table(1, "x")._repr_html_()  # type: ignore[operator]
    assert [pd.get_option(name) for name in names] == before
    with pd.option_context("display.max_colwidth", None):
        assert "x" * 81 not in repr(long_table(1, "x" * 500))
        assert "x" * 81 in repr(pd.DataFrame({"a": ["x" * 500]}))


def test_elsewhere_it_is_a_plain_dataframe() -> None:
    table = long_table(2, "x")
    table.attrs["aligned_by"] = "agent and visit"
    kept = io.BytesIO()
    table.to_pickle(kept)
    kept.seek(0)
    plain = pd.read_pickle(kept)  # noqa: S301 - our own
    assert type(plain) is pd.DataFrame
    assert plain.equals(pd.DataFrame(table))
    assert plain.attrs == table.attrs
    assert pd.read_csv(io.StringIO(table.to_csv()), index_col=0).shape == (2, 2)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_nothing_in_a_cell_is_markup_mathematics_or_a_command_to_a_terminal(text: str) -> None:
    table = tabled({text: [text], "b": [{text: text}]}, index="b")
    html = table._repr_html_()  # type: ignore[operator]
    assert "mathjax_ignore" in html
    for banned in ("<script", "<img", "<svg", "<iframe", "<a ", "<style>", "<math", "<object", "<base", "<link"):
        assert banned not in html.lower()
    for shown in (html, repr(table)):
        assert not any(ord(char) < 32 and char != "\n" for char in shown)
        assert not set(shown) & set("\x1b\x7f\x9b\u202e\u2066\u2067\u2069")
