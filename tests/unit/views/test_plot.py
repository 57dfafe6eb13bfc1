from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import pandas as pd
import pytest

from mars_nb.views import picture, plot
from mars_nb.views.palette import NodeState, NodeView
from tests.unit.views.drawings import drawing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

FAN = drawing("User Planner North|South Merger ~Reviewer User", "North North")


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    import matplotlib.pyplot as plt

    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


def rendered(ax: Axes) -> bytes:
    figure = ax.get_figure(root=True)
    assert figure is not None
    file = BytesIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def steps(*rows: tuple[str, str, float | None, float | None, str]) -> pd.DataFrame:
    start = pd.Timestamp("2025-01-01", tz="UTC")

    def at(second: float | None) -> pd.Timestamp | None:
        return None if second is None else start + pd.Timedelta(seconds=second)

    return pd.DataFrame(
        {
            "branch_id": [row[0] for row in rows],
            "agent": [row[1] for row in rows],
            "step": range(1, len(rows) + 1),
            "started_at": pd.to_datetime([at(row[2]) for row in rows], utc=True),
            "ended_at": pd.to_datetime([at(row[3]) for row in rows], utc=True),
            "duration_s": [None if None in row[2:4] else float(row[3] or 0) - float(row[2] or 0) for row in rows],
            "status": [row[4] for row in rows],
        }
    )


def test_a_topology_is_plotted_with_all_its_names() -> None:
    ax = picture.plot(FAN)
    assert words(ax) == ["Planner", "North", "South", "Merger", "Reviewer", "User", "User"] or set(words(ax)) == {
        "User",
        "Planner",
        "North",
        "South",
        "Merger",
        "Reviewer",
    }
    assert rendered(ax)


@pytest.mark.parametrize("state", NodeState)
def test_every_state_can_be_plotted(state: NodeState) -> None:
    ax = picture.plot(FAN, states={"North": NodeView(state)})
    assert state.word in words(ax)
    assert rendered(ax)


def test_counts_are_plotted_in_words() -> None:
    ax = picture.plot(drawing("A"), states={"A": NodeView(NodeState.RUNNING, counts={NodeState.RUNNING: 3})})
    assert "3 running" in words(ax)


def test_a_topology_is_plotted_on_given_axes_in_their_size() -> None:
    import matplotlib.pyplot as plt

    _, (left, right) = plt.subplots(1, 2, figsize=(4, 2))
    assert picture.plot(FAN, left) is left
    assert right.texts == []
    assert left.texts[0].get_fontsize() < 8


def test_a_dollar_in_a_name_is_no_mathematics() -> None:
    assert rendered(picture.plot(drawing("$x^ $$")))


def test_a_gantt_chart_has_a_line_a_branch_and_a_bar_a_step() -> None:
    rows = steps(("b0", "Planner", 0, 4, "done"), ("b0.0", "North", 4, 9, "done"), ("b0.0", "North", 10, 12, "failed"))
    ax = plot.gantt(rows)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b0", "b0.0"]
    assert [bar.get_width() for bar in ax.patches] == [4, 5, 2]
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "///"]
    assert rendered(ax)


def test_a_step_that_has_not_ended_reaches_to_the_last_known_time() -> None:
    ax = plot.gantt(steps(("b0", "A", 0, 10, "done"), ("b0.0", "B", 4, None, "running")))
    assert [bar.get_width() for bar in ax.patches] == [10, 6]


def test_a_step_that_has_not_started_stands_at_the_end() -> None:
    ax = plot.gantt(steps(("b0", "A", 0, 10, "done"), ("b0", "B", None, None, "ready")))
    assert ax.patches[1].get_x() == 10


def test_an_empty_run_makes_an_empty_chart() -> None:
    ax = plot.gantt(steps())
    assert len(ax.patches) == 0
    assert rendered(ax)


def test_hostile_names_are_only_names_in_a_chart() -> None:
    assert rendered(plot.gantt(steps(("$b_$", "$x^ $$\x00", 0, 1, "no such status"))))
