"""The chart of a run as SVG and as text: what it shows, and that it is safe and small."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mars_nb.views import gantt, labels
from mars_nb.views.bars import Bar, Chart, Link, chart
from mars_nb.views.gantt import svg, text
from mars_nb.views.palette import NodeState
from mars_nb.views.picture import LARGEST_BYTES
from tests.unit.views.happenings import chain, diamond, history, wide, with_pause
from tests.unit.views.test_picture import HOSTILE, SVG, parsed, texts

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

DIAMOND = chart(history(*diamond()))


def groups(picture: str, mark: str) -> list[ET.Element]:
    return [group for group in parsed(picture).iter(f"{SVG}g") if group.get(mark) is not None]


def numbers(element: ET.Element, *names: str) -> tuple[float, ...]:
    return tuple(float(element.attrib[name]) for name in names)


def test_every_bar_is_marked_with_its_step_and_state_and_says_what_it_is() -> None:
    bars = groups(svg(DIAMOND), "data-bar")
    marks = [(bar.get("data-bar"), bar.get("data-state"), bar.get("data-seq")) for bar in bars]
    assert marks == [
        ("b0#1", "done", "4"),
        ("b0.0#1", "done", "10"),
        ("b0.1#1", "done", "12"),
        ("b0.0#1", "waiting", "14"),
        ("b0.jJ#1", "done", "16"),
    ]
    assert bars[3].findtext(f"{SVG}title") == "J · b0.0#1 · 3 s · waits for others at J"


def test_a_wait_is_thin_and_hatched_and_lies_between_its_step_and_the_join() -> None:
    _, step, _, wait, after = [
        numbers(rect, "x", "y", "width", "height")
        for bar in groups(svg(DIAMOND), "data-bar")
        for rect in bar.iter(f"{SVG}rect")
    ]
    assert wait[3] < step[3]
    assert wait[0] == pytest.approx(step[0] + step[2], abs=0.2)
    assert wait[0] + wait[2] == pytest.approx(after[0], abs=0.2)
    (hatch,) = groups(svg(DIAMOND), "data-bar")[3].iter(f"{SVG}path")
    assert hatch.get("stroke-dasharray")


def test_lines_lead_to_joins_and_from_forks() -> None:
    links = groups(svg(DIAMOND), "data-link")
    assert [link.findtext(f"{SVG}title") for link in links] == [
        "b0 forks into b0.0",
        "b0 forks into b0.1",
        "b0.0 joins b0.jJ",
        "b0.1 joins b0.jJ",
    ]


def test_lanes_and_time_are_named() -> None:
    written = texts(parsed(svg(DIAMOND)))
    assert written[:5] == ["0 s", "1 s", "2 s", "3 s", "4 s"]
    assert {"b0", "b0.0", "b0.1", "b0.jJ", "P", "A", "B", "J"} <= set(written)


def test_a_pause_takes_no_room_and_is_marked() -> None:
    picture = svg(chart(with_pause()))
    assert "paused 1:00:00" in texts(parsed(picture))
    first, second = [numbers(bar[1], "x", "width") for bar in groups(picture, "data-bar")]
    assert first[0] + first[1] == pytest.approx(second[0], abs=0.2)
    assert second[1] == pytest.approx(1.5 * first[1], rel=0.01)


def test_of_many_pauses_those_are_named_that_there_is_room_for() -> None:
    pauses = tuple((i * 2.0, i * 2.0 + 1.5) for i in range(100))
    bar = Bar(0, "b0", "A", "b0#1", 0, 200, NodeState.DONE, 1)
    picture = svg(Chart(("b0",), (bar,), pauses=pauses, end_s=200.0))
    marks = [mark for mark in groups(picture, "data-part") if mark.get("data-part") == "pause"]
    written = [numbers(found, "x")[0] for mark in marks if (found := mark.find(f"{SVG}text")) is not None]
    assert (len(marks), len(written) > 5) == (100, True)
    width = labels.width_px("paused 1.5 s", 10)
    assert all(b - a >= width for a, b in pairwise(written))


def test_a_failed_and_a_running_bar_have_a_glyph_and_others_none() -> None:
    def n_paths(state: NodeState) -> int:
        bar = Bar(0, "b0", "A", "b0#1", 0, 1, state, 1)
        return len(list(groups(svg(Chart(("b0",), (bar,), end_s=1.0)), "data-bar")[0].iter(f"{SVG}path")))

    assert [n_paths(state) for state in (NodeState.DONE, NodeState.FAILED, NodeState.RUNNING)] == [0, 1, 1]


def test_a_run_in_which_nothing_happened_says_so() -> None:
    assert texts(parsed(svg(Chart()))) == ["nothing has run yet"]
    assert text(Chart()) == "nothing has run yet"


def test_names_lie_inside_their_bars() -> None:
    names = ["A", "Writer", "An Extraordinarily Meticulous Investigator", "\u7814\u7a76\u8005" * 9]
    bars = [Bar(0, "b0", name, "b0#1", i, i + 0.3 + i / 4, NodeState.FAILED, 1) for i, name in enumerate(names * 2)]
    for bar in groups(svg(Chart(("b0",), tuple(bars), end_s=9.0)), "data-bar"):
        (x, width), written = numbers(bar[1], "x", "width"), bar.find(f"{SVG}text")
        if written is not None:
            half = labels.width_px(written.text or "", 10) / 2
            assert x <= numbers(written, "x")[0] - half
            assert numbers(written, "x")[0] + half <= x + width


def test_the_picture_needs_nothing_that_sites_strip() -> None:
    picture = svg(chart(with_pause()), title="report")
    for banned in ("style", "class=", " id=", "<script", "href", "url(", "<image", "<foreignObject", "<use", " on"):
        assert banned not in picture


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    bar = Bar(0, name, name, name, 0, 1, NodeState.FAILED, 1, says=name)
    drawn = Chart((name, name), (bar,), (Link("join", 1, 0, 1),), end_s=1.0)
    root = parsed(svg(drawn, title=name))
    assert {each.tag for each in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "rect", "g", "path", "text")
    }
    assert not any(key.startswith("on") for each in root.iter() for key in each.attrib)
    assert len(text(drawn).splitlines()) == 2


@settings(max_examples=25)
@given(st.text(max_size=40), st.text(max_size=40), st.floats(0, 1e9), st.floats(0, 1e9))
def test_any_names_and_times_make_a_well_formed_picture(name: str, says: str, start: float, length: float) -> None:
    bar = Bar(0, name, name, name, start, start + length, NodeState.DONE, 1, "wait", says)
    assert parsed(svg(Chart((name,), (bar,), (), ((start, start),), start + length))).tag == f"{SVG}svg"


@pytest.mark.parametrize("drawn", [chart(chain(3_000)), chart(wide(1_000))], ids=["long", "wide"])
def test_no_chart_floods_a_notebook(drawn: Chart) -> None:
    assert len(svg(drawn).encode()) <= LARGEST_BYTES
    assert len(text(drawn).encode()) <= 8_000
    assert len(text(drawn).splitlines()) <= 41


def test_what_is_left_out_is_counted() -> None:
    assert "and 961 more agents that worked less" in texts(parsed(svg(chart(wide(1_000)))))
    assert text(chart(wide(1_000))).endswith("and 961 more agents that worked less")


def test_the_text_shows_work_full_and_waits_light() -> None:
    assert text(DIAMOND, width=16).splitlines() == [
        "b0    ██               P",
        "b0.0    ████░░░░░░     A",
        "b0.1    ██████████     B",
        "b0.jJ             ████ J",
    ]


def test_a_failure_is_marked_in_the_text() -> None:
    bar = Bar(0, "b0", "A", "b0#1", 0, 1, NodeState.FAILED, 1)
    assert text(Chart(("b0",), (bar,), end_s=1.0), width=4) == "b0 ███✗ A"


def test_a_bundle_holds_svg_and_text() -> None:
    bundle = gantt.mimebundle(history(*diamond()), title="report")
    assert list(bundle) == ["image/svg+xml", "text/plain"]
    assert parsed(bundle["image/svg+xml"]).findtext(f"{SVG}title") == "report"
