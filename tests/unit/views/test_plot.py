from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import matplotlib as mpl
import pytest

from mars_nb.views import picture
from mars_nb.views.palette import NodeState, NodeView
from tests.unit.views.drawings import drawing, grouping

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


def test_turns_are_written_at_their_conversation() -> None:
    ax = picture.plot(FAN, turns={frozenset(("Merger", "Reviewer")): "1/3"})
    assert "1/3" in words(ax)


def test_a_frame_is_drawn_around_agents_that_are_taken_together() -> None:
    plain = len(picture.plot(FAN).patches)
    assert len(picture.plot(grouping(FAN, {"North", "South"})).patches) == plain + 1


def test_a_topology_too_large_to_read_is_plotted_layer_by_layer() -> None:
    ax = picture.plot(drawing("Hub " + "|".join(f"s{i}" for i in range(400))))
    assert set(words(ax)) == {"Hub", "layer 2:", "400 agents"}
