from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

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


def bars(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def steps(*rows: tuple[str, str, float | None, float | None, str]) -> pd.DataFrame:
    start = pd.Timestamp("2025-01-01", tz="UTC")

    def at(seconds: list[float | None]) -> pd.Series:
        return start + pd.to_timedelta(pd.Series(seconds, dtype="float64"), unit="s")

    return pd.DataFrame(
        {
            "branch_id": [row[0] for row in rows],
            "agent": [row[1] for row in rows],
            "step": range(1, len(rows) + 1),
            "started_at": at([row[2] for row in rows]),
            "ended_at": at([row[3] for row in rows]),
            "duration_s": [None if None in row[2:4] else float(row[3] or 0) - float(row[2] or 0) for row in rows],
            "status": [row[4] for row in rows],
        }
    )


def test_a_topology_is_plotted_with_all_its_names() -> None:
    ax = picture.plot(FAN)
    assert set(words(ax)) == {"User", "Planner", "North", "South", "Merger", "Reviewer"}
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
    assert words(right) == []
    assert max(float(text.get_fontsize()) for text in left.texts) < 8


def test_a_dollar_in_a_name_is_no_mathematics() -> None:
    assert rendered(picture.plot(drawing("$x^ $$")))


def test_a_gantt_chart_has_a_line_a_branch_and_a_bar_a_step() -> None:
    rows = steps(("b0", "Planner", 0, 4, "done"), ("b0.0", "North", 4, 9, "done"), ("b0.0", "North", 10, 12, "failed"))
    ax = plot.gantt(rows)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b0", "b0.0"]
    assert [bar.get_width() for bar in bars(ax)] == [4, 5, 2]
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "///"]
    assert rendered(ax)


def test_a_step_that_has_not_ended_reaches_to_the_last_known_time() -> None:
    ax = plot.gantt(steps(("b0", "A", 0, 10, "done"), ("b0.0", "B", 4, None, "running")))
    assert [bar.get_width() for bar in bars(ax)] == [10, 6]


def test_a_step_that_has_not_started_stands_at_the_end() -> None:
    ax = plot.gantt(steps(("b0", "A", 0, 10, "done"), ("b0", "B", None, None, "ready")))
    assert bars(ax)[1].get_x() == 10


def test_an_empty_run_makes_an_empty_chart() -> None:
    ax = plot.gantt(steps())
    assert len(ax.patches) == 0
    assert rendered(ax)


def test_a_chart_of_many_branches_stays_a_page_and_labels_some() -> None:
    import matplotlib.pyplot as plt

    ax = plot.gantt(steps(*((f"b{i}", "A", 0, 1, "done") for i in range(300))))
    assert plt.gcf().get_figheight() <= 28
    assert len(ax.get_yticklabels()) == 75


def test_hostile_names_are_only_names_in_a_chart() -> None:
    assert rendered(plot.gantt(steps(("$b_$", "$x^ $$\x00", 0, 1, "no such status"))))
