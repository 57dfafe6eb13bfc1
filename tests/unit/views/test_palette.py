from __future__ import annotations

import re

import pytest

from mars_nb.views.palette import SIGNS, NodeState, NodeView


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("state", NodeState)
def test_text_can_be_read_on_its_fill_in_light_and_dark(state: NodeState) -> None:
    assert contrast(state.light.text, state.light.fill) >= 8
    assert contrast(state.dark.text, state.dark.fill) >= 8


@pytest.mark.parametrize("state", NodeState)
def test_borders_can_be_seen_against_their_fill(state: NodeState) -> None:
    assert contrast(state.light.border, state.light.fill) >= 4.38
    assert contrast(state.dark.border, state.dark.fill) >= 4.38


@pytest.mark.parametrize("state", NodeState)
def test_a_glyph_is_a_path_of_four_commands_inside_its_box(state: NodeState) -> None:
    assert set(re.findall("[A-Za-z]", state.path)) <= set("MLCZ")
    assert all(0 <= float(number) <= 12 for number in re.findall(r"[-\d.]+", state.path))


def test_no_two_states_share_a_word_a_glyph_or_a_border_and_colour() -> None:
    for trait in ("word", "glyph", "ascii", "path"):
        assert len({getattr(state, trait) for state in NodeState}) == len(NodeState)
    assert len({(state.border, state.light) for state in NodeState}) == len(NodeState)


def test_ascii_glyphs_are_ascii() -> None:
    assert all(state.ascii.isascii() and len(state.ascii) == 1 for state in NodeState)


def test_markers_are_signed_with_the_same_four_commands() -> None:
    assert all(set(re.findall("[A-Za-z]", sign)) <= set("MLCZ") for sign in SIGNS.values())


def test_counts_name_the_most_pressing_state_first_and_skip_zero() -> None:
    view = NodeView(NodeState.DONE, counts={NodeState.DONE: 2, NodeState.FAILED: 1, NodeState.IDLE: 0})
    assert view.pressing == ((NodeState.FAILED, 1), (NodeState.DONE, 2))


def test_a_screen_reader_hears_the_state_and_the_detail() -> None:
    assert NodeView(NodeState.WAITING, "2 of 4").spoken == "waiting, 2 of 4"
    assert NodeView(NodeState.DONE).spoken == "done"
