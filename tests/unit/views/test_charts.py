"""Charts with matplotlib: over time, of dollars, of tokens. Each says something, also if there is nothing to say."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from mars_nb import FigureError
from mars_nb.views import charts
from mars_nb.views.bars import Bar, Chart, chart
from mars_nb.views.figure import figure, topology_figure
from mars_nb.views.palette import NodeState
from tests.unit.views.happenings import chain, diamond, history, wide, with_pause
from tests.unit.views.test_picture import HOSTILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes


@pytest.fixture(autouse=True)
def _no_window() -> Iterator[None]:
    import matplotlib.pyplot as plt

    with mpl.rc_context({"backend": "agg"}):
        yield
        plt.close("all")


def rendered(ax: Axes) -> bytes:
    drawn = ax.get_figure(root=True)
    assert drawn is not None
    file = BytesIO()
    drawn.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def boxes(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def steps(*rows: tuple[str, int, int, float]) -> pd.DataFrame:
    """Give a table of steps by agent, tokens read and written, and dollars."""
    return pd.DataFrame(rows, columns=["agent", "n_input_tokens", "n_output_tokens", "cost_usd"])


# ---------------------------------------------------------------------------------------------------------- over time


def test_a_gantt_chart_has_a_row_a_branch_and_a_bar_a_step() -> None:
    ax = charts.gantt(chart(history(*diamond())))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b0", "b0.0", "b0.1", "b0.jJ"]
    thick = [bar for bar in boxes(ax) if bar.get_height() > 0.5]
    assert [(bar.get_x(), bar.get_width()) for bar in thick] == [(0, 1), (1, 2), (1, 5), (6, 2)]
    assert words(ax) == ["P", "A", "B", "J"]
    assert rendered(ax)


def test_a_wait_is_a_thin_hatched_bar() -> None:
    [wait] = [bar for bar in boxes(charts.gantt(chart(history(*diamond())))) if bar.get_height() < 0.5]
    assert (wait.get_x(), wait.get_width()) == (3, 3)
    assert wait.get_y() + wait.get_height() / 2 == pytest.approx(1)
    assert wait.get_hatch()


def test_lines_lead_from_those_that_join_to_what_they_become() -> None:
    lines: list[Any] = list(charts.gantt(chart(history(*diamond()))).collections)
    joins = [line.get_segments()[0].tolist() for line in lines][-2:]
    assert joins == [[[6, 1], [6, 3]], [[6, 2], [6, 3]]]


def test_a_pause_is_a_dotted_line_and_takes_no_room() -> None:
    ax = charts.gantt(chart(with_pause()))
    assert ax.get_xlim()[1] == pytest.approx(5, rel=0.01)
    assert [np.asarray(line.get_xdata()).tolist() for line in ax.lines] == [[2, 2]]
    assert "paused 1:00:00" in words(ax)


def test_a_failed_step_differs_in_more_than_colour() -> None:
    done, failed = (Bar(0, "b0", "A", "b0#1", 0, 1, state, 1) for state in (NodeState.DONE, NodeState.FAILED))
    looks = []
    for bar in (done, failed):
        [box] = boxes(charts.gantt(Chart(("b0",), (bar,), end_s=1.0)))
        looks.append((box.get_hatch(), box.get_linewidth()))
    assert looks[0] != looks[1]


def test_a_run_in_which_nothing_happened_says_so() -> None:
    ax = charts.gantt(Chart())
    assert words(ax) == ["nothing has run yet"]
    assert rendered(ax)


def test_a_name_is_written_where_it_fits_and_nothing_where_it_does_not() -> None:
    long, short = "An Extraordinarily Meticulous Investigator", "Al"
    bars = [Bar(0, "b0", n, "b0#1", at, at + 5, NodeState.DONE, 1) for n, at in ((long, 0.0), (short, 5.0))]
    tiny = Bar(0, "b0", "Merger", "b0#3", 10.0, 10.2, NodeState.DONE, 1)
    ax = charts.gantt(Chart(("b0",), (*bars, tiny), end_s=10.2))
    assert words(ax) == [long, "Al"]


def test_many_branches_make_a_page_and_not_a_scroll() -> None:
    ax = charts.gantt(chart(wide(300)))
    drawn = ax.get_figure(root=True)
    assert drawn is not None
    assert drawn.get_figheight() <= 12
    assert len(ax.get_yticklabels()) == 40
    assert ax.get_title() == "without 261 agents that worked less"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_names_in_a_chart(name: str) -> None:
    bar = Bar(0, name, name, name, 0, 1, NodeState.DONE, 1)
    with mpl.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # the font of the tests has no sign for some
        root = ET.fromstring(rendered(charts.gantt(Chart((name,), (bar,), end_s=1.0))))  # noqa: S314 - our own
    tags = {each.tag.rpartition("}")[2] for each in root.iter()}
    assert not tags & {"script", "image", "foreignObject", "a"}
    assert not any(key.startswith("on") for each in root.iter() for key in each.attrib)


# ------------------------------------------------------------------------------------------------ dollars and tokens


def test_dollars_are_bars_with_the_dearest_on_top() -> None:
    ax = charts.cost(steps(("A", 0, 0, 0.01), ("B", 0, 0, 1.5), ("A", 0, 0, 0.02)))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["B", "A"]
    assert words(ax) == ["$1.50", "$0.0300"]
    assert ax.get_xlabel() == "US dollars"


def test_steps_of_unknown_cost_are_counted_in_words() -> None:
    ax = charts.cost(steps(("A", 0, 0, 0.01), ("B", 0, 0, np.nan)))
    assert ax.get_title() == "the cost of 1 step is unknown"
    assert words(charts.cost(steps(("A", 0, 0, np.nan), ("A", 0, 0, np.nan)))) == ["the cost of 2 steps is unknown"]


def test_tokens_are_bars_in_two_parts() -> None:
    ax = charts.tokens(steps(("A", 100, 20, 0.0), ("B", 1_000, 500, 0.0)))
    assert [bar.get_width() for bar in boxes(ax)] == [1_000, 100, 500, 20]
    assert words(ax) == ["1,500", "120"]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["read", "written"]
    assert len({to_hex(bar.get_facecolor()) for bar in boxes(ax)}) == 2


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "no step has ended yet"),
        ((("A", 0, 0, 0.0),), "the only step did not {}"),
        ((("A", 0, 0, 0.0), ("B", 0, 0, 0.0)), "none of the 2 steps {}"),
    ],
)
def test_where_nothing_was_used_the_chart_says_so(rows: tuple[tuple[str, int, int, float], ...], said: str) -> None:
    assert words(charts.cost(steps(*rows))) == [said.format("cost anything")]
    used = "use tokens" if len(rows) == 1 else "used tokens"
    assert words(charts.tokens(steps(*rows))) == [said.format(used)]


def test_beyond_thirty_agents_the_others_share_a_bar() -> None:
    ax = charts.tokens(steps(*((f"A{i}", 100 - i, 0, 0.0) for i in range(50))))
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert (len(names), names[0], names[-1]) == (30, "A0", "21 others")


# --------------------------------------------------------------------------------------------------------- the doors


def test_an_unknown_kind_is_named_with_the_nearest_one() -> None:
    with pytest.raises(FigureError, match=r"'gant': there is no such picture; did you mean 'gantt'\?; expected topo"):
        charts.draw(history(*diamond()), "gant")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["topology", "gantt", "cost", "tokens"])
@pytest.mark.parametrize("width_in", [3.5, 7.0])
def test_a_figure_has_the_width_that_was_asked_for(kind: charts.PlotKind, width_in: float) -> None:
    import matplotlib.pyplot as plt

    made = figure(history(*diamond()), kind, width_in)
    assert made.get_figwidth() == width_in
    assert 0.5 < made.get_figheight() < 9
    assert plt.get_fignums() == []


def test_text_in_a_narrow_figure_is_as_large_as_in_a_wide_one() -> None:
    sizes = []
    for width_in in (3.5, 7.0):
        [ax] = topology_figure(history(*diamond()).topology, width_in).axes
        sizes.append({round(float(text.get_fontsize()), 1) for text in ax.texts})
    assert sizes[0] == sizes[1]
    assert min(sizes[0]) >= 5.5


def test_a_long_conversation_makes_a_figure_too() -> None:
    assert figure(chain(2_000), "gantt", 3.5).get_figheight() < 2
