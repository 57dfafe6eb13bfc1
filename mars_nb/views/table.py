"""Tables that print small: a DataFrame in every respect but how it shows itself.

Requests and replies stay whole in the data, and are cut only where a table is printed: 80 characters a cell, 20 rows.
What they hold comes from agents, so nothing in it is markup, mathematics or a command to a terminal. A part of such a
table (some columns, some rows, a group) is one as well; pandas' own options are left as they are.

Examples
--------
>>> table = tabled({"step_id": ["b0#1"], "response": ["x" * 1_000]}, index="step_id")
>>> table.loc["b0#1", "response"] == "x" * 1_000, len(repr(table)) < 300
(True, True)
>>> type(table[["response"]]) is type(table)
True
"""

from __future__ import annotations

import re
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import pandas as pd

CELL_WIDTH: Final = 80
"""Characters of a cell that are shown."""
N_ROWS: Final = 20
"""Rows that are shown; of a longer table its first and last ten."""
N_COLUMNS: Final = 20
_UNSHOWN: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def tabled(columns: Mapping[str, Any], *, index: str | None = None) -> pd.DataFrame:
    """Make a table of its columns.

    Parameters
    ----------
    columns : mapping of str to sequence or pandas.Series
        By name, in their order.
    index : str, optional
        Which of them becomes the index; the rows are numbered from 0 otherwise.

    Returns
    -------
    pandas.DataFrame
        A subclass that prints small.
    """
    table = _table_type()(dict(columns))
    return table.set_index(index) if index else table


@cache
def _table_type() -> type[pd.DataFrame]:
    """Make the class when the first table is made: until then nobody needs pandas."""
    import pandas as pd

    class Table(pd.DataFrame):
        """A DataFrame that prints small."""

        @property
        def _constructor(self) -> type[pd.DataFrame]:
            return Table

        def __repr__(self) -> str:
            with _briefly():
                return _UNSHOWN.sub("", super().__repr__())

        def _repr_html_(self) -> str | None:
            with _briefly():
                html: str | None = super()._repr_html_()  # type: ignore[misc]  # the stubs do not know it
            return html and _UNSHOWN.sub("", html)

        def __reduce__(self) -> tuple[Any, ...]:
            # Elsewhere it is what it is: a DataFrame, also where this package is not installed.
            plain = pd.DataFrame(self)
            plain.attrs = self.attrs
            return copy, (plain,)

    return Table


def _briefly() -> AbstractContextManager[None]:
    """Set pandas' options for the length of one printing."""
    import pandas as pd

    return pd.option_context(
        "display.max_colwidth", CELL_WIDTH,
        "display.max_rows", N_ROWS,
        "display.min_rows", N_ROWS,
        "display.max_columns", N_COLUMNS,
        "display.max_seq_items", CELL_WIDTH,
        "display.show_dimensions", "truncate",
        "display.html.use_mathjax", False,  # noqa: FBT003
        "display.html.table_schema", False,  # noqa: FBT003
    )  # fmt: skip
