"""Tables: a run as pandas DataFrames.

Every table is built column by column, with documented dtypes, which are the same for a table without rows. Units stand
in the names: ``_s`` is seconds, ``_usd`` US dollars, ``n_…`` a count, ``…_at`` a moment in UTC. Text that an agent
wrote stays whole; it is only cut where a table is printed (`mars_nb.views.table`).

Rows are numbered from 0, but for those of steps, which have names of their own: ``timeline().loc["b0.1#2"]`` is the
second step of branch ``b0.1``, as it is called in ``%mars why`` and in errors, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.agents.replies import as_text
from mars_nb.views.result import response_of
from mars_nb.views.table import tabled

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from mars_nb.state.journal import Journal
    from mars_nb.views.history import History


def timeline(history: History) -> pd.DataFrame:
    """Give one row a step, in the order in which they began.

    Returns
    -------
    pandas.DataFrame
        Index ``step_id`` (str, ``"b0.1#2"``). ``branch_id``, ``parent_id`` (str), ``agent`` (category), ``step``,
        ``attempt`` (int64), ``started_at``, ``ended_at`` (datetime64[us, UTC]; NaT while it runs), ``duration_s``
        (float64, seconds), ``status`` (category: running, completed, failed), ``n_input_tokens``, ``n_output_tokens``
        (int64), ``cost_usd`` (float64, US dollars; NaN when unknown), ``request``, ``response`` (object), ``action``
        (category), ``error`` (object), ``source`` (category: ``asked``, or ``recorded`` when a fork took the reply of
        the session that it came from).
    """
    import pandas as pd

    state, steps = history.state, history.state.steps
    at = _times(history.journal)
    began = [at[step.began_seq] for step in steps]
    ended = [at[step.ended_seq] if step.ended_seq else float("nan") for step in steps]
    return tabled(
        {
            "step_id": strings(step.step_id for step in steps),
            "branch_id": strings(step.branch_id for step in steps),
            "parent_id": strings(state.branches[step.branch_id].parent_id for step in steps),
            "agent": categories(step.agent for step in steps),
            "step": numbers(step.step for step in steps),
            "attempt": numbers(step.attempt for step in steps),
            "started_at": moments(began),
            "ended_at": moments(ended),
            "duration_s": pd.Series(ended, dtype="float64") - pd.Series(began, dtype="float64"),
            "status": categories(step.status for step in steps),
            "n_input_tokens": numbers(step.n_input_tokens for step in steps),
            "n_output_tokens": numbers(step.n_output_tokens for step in steps),
            "cost_usd": pd.Series([step.cost_usd for step in steps], dtype="float64"),
            "request": objects(step.request for step in steps),
            "response": objects(response_of(step) for step in steps),
            "action": categories(type(step.action).__name__ if step.action else None for step in steps),
            "error": objects(step.error for step in steps),
            "source": categories("recorded" if step.is_recorded else "asked" for step in steps),
        },
        index="step_id",
    )


def branches(history: History) -> pd.DataFrame:
    """Give one row a branch, in branch order.

    Returns
    -------
    pandas.DataFrame
        ``branch_id``, ``parent_id`` (str), ``agent`` (category; where it stands or ended), ``state`` (category),
        ``ended`` (category: delivered, returned, answered, exhausted, empty, forked, joined, given up), ``n_steps``
        (int64; completed), ``depth`` (int64; completed steps in its lineage), ``content`` (object), ``error`` (object).
    """
    rows = sorted(history.state.branches.values(), key=lambda branch: branch.position)
    return tabled(
        {
            "branch_id": strings(row.id for row in rows),
            "parent_id": strings(row.parent_id for row in rows),
            "agent": categories(row.agent for row in rows),
            "state": categories(row.state.value for row in rows),
            "ended": categories(row.ended or None for row in rows),
            "n_steps": numbers(row.n_done for row in rows),
            "depth": numbers(row.depth for row in rows),
            "content": objects(row.content for row in rows),
            "error": objects(": ".join(row.error) if row.error else None for row in rows),
        }
    )


def events(history: History) -> pd.DataFrame:
    """Give one row an event, in the order in which they happened.

    Returns
    -------
    pandas.DataFrame
        ``seq`` (int64, from 1), ``at`` (datetime64[us, UTC]), ``type`` (category), ``branch_id`` (str), ``step``
        (Int64), ``agent`` (category), ``detail`` (object: a dict of the event's other fields).
    """
    import pandas as pd

    records = list(history.journal.records())
    happened = [record.event for record in records]
    return tabled(
        {
            "seq": numbers(record.seq for record in records),
            "at": moments([record.at for record in records]),
            "type": categories(type(event).__name__ for event in happened),
            "branch_id": strings(getattr(event, "branch", None) for event in happened),
            "step": pd.array([getattr(event, "step", None) for event in happened], dtype="Int64"),
            "agent": categories(getattr(event, "agent", None) for event in happened),
            "detail": objects(_detail(event) for event in happened),
        }
    )


def messages(history: History) -> pd.DataFrame:
    """Give one row a message: what each step was asked and what it replied, in the order in which steps began.

    Returns
    -------
    pandas.DataFrame
        ``branch_id`` (str), ``step`` (int64), ``agent`` (category), ``role`` (category: user, assistant), ``content``
        (object), ``text`` (str).
    """
    rows = [
        (step, role, content)
        for step in history.state.steps
        for role, content in (("user", step.request), ("assistant", response_of(step)))
        if role == "user" or step.status == "completed"
    ]
    return tabled(
        {
            "branch_id": strings(step.branch_id for step, _, _ in rows),
            "step": numbers(step.step for step, _, _ in rows),
            "agent": categories(step.agent for step, _, _ in rows),
            "role": categories(role for _, role, _ in rows),
            "content": objects(content for _, _, content in rows),
            "text": strings(as_text(content) for _, _, content in rows),
        }
    )


def costs(history: History) -> pd.DataFrame:
    """Give what a run used: one row an agent, in the order in which they began, and their sum.

    Returns
    -------
    pandas.DataFrame
        Index ``agent`` (str; the last row is ``total``). ``n_steps`` (int64), ``duration_s`` (float64, seconds),
        ``n_input_tokens``, ``n_output_tokens`` (int64), ``cost_usd`` (float64, US dollars; NaN if that of any step is
        unknown).
    """
    steps = timeline(history)
    by_agent = [(agent, steps[steps["agent"] == agent]) for agent in dict.fromkeys(steps["agent"])]
    rows = [*by_agent, ("total", steps)]
    return tabled(
        {
            "agent": strings(agent for agent, _ in rows),
            "n_steps": numbers(len(mine) for _, mine in rows),
            "duration_s": _amounts(mine["duration_s"].sum() for _, mine in rows),
            "n_input_tokens": numbers(mine["n_input_tokens"].sum() for _, mine in rows),
            "n_output_tokens": numbers(mine["n_output_tokens"].sum() for _, mine in rows),
            "cost_usd": _amounts(mine["cost_usd"].sum(skipna=False) for _, mine in rows),
        },
        index="agent",
    )


def _detail(event: Any) -> dict[str, Any]:
    if not isinstance(event, msgspec.Struct):
        return {}
    fields: dict[str, Any] = msgspec.structs.asdict(event)
    return {name: value for name, value in fields.items() if name not in ("branch", "step", "agent")}


def _times(journal: Journal) -> list[float]:
    return [0.0, *(record.at for record in journal.records())]


def moments(seconds: Iterable[float]) -> pd.Series[Any]:
    """Give a column of moments in UTC, to the microsecond; NaT for NaN."""
    import pandas as pd

    series = pd.Series(list(seconds), dtype="float64")
    return pd.to_datetime((series * 1e6).round(), unit="us", utc=True).astype("datetime64[us, UTC]")


def categories(values: Iterable[str | None]) -> pd.Series[Any]:
    """Give a column of few different words."""
    import pandas as pd

    return pd.Series(list(values), dtype="object").astype("category")


def numbers(values: Iterable[int]) -> pd.Series[Any]:
    """Give a column of whole numbers."""
    import pandas as pd

    return pd.Series(list(values), dtype="int64")


def _amounts(values: Iterable[float]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(list(values), dtype="float64")


def strings(values: Iterable[str | None]) -> pd.Series[Any]:
    """Give a column of text."""
    import pandas as pd

    return pd.Series(list(values), dtype="str")


def objects(values: Iterable[Any]) -> pd.Series[Any]:
    """Give a column of contents, each as it is."""
    import numpy as np
    import pandas as pd

    items = list(values)
    cells = np.empty(len(items), dtype=object)  # filled by hand: pandas would spread a list or a table over cells
    for i, item in enumerate(items):
        cells[i] = item
    return pd.Series(cells, dtype="object")
