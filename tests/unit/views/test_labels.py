from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.views import labels


@given(st.text())
def test_whatever_is_cleaned_and_escaped_can_stand_in_xml(text: str) -> None:
    parsed = ET.fromstring(f"<a b={labels.attribute(text)}>{labels.escape(text)}</a>")  # noqa: S314 - our own text
    assert parsed.text in {labels.clean(text), None}
    assert parsed.get("b") == labels.clean(text)


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "a\x00b", "a\x1bb", "a\u200bb", "a\ud800b", "a\ufeffb"])
def test_invisible_and_reversing_characters_are_dropped(text: str) -> None:
    assert labels.clean(text) == "ab"


def test_joined_emoji_stay_joined() -> None:
    family = "\U0001f469\u200d\U0001f467"
    assert labels.clean(family) == family


@given(st.text(min_size=1, max_size=90), st.floats(30, 150))
def test_wrapped_names_fit_and_have_at_most_two_lines(text: str, width: float) -> None:
    lines = labels.wrap(labels.clean(text), width, 12)
    assert len(lines) <= 2
    assert all(labels.width_px(line, 12) <= max(width, 60) for line in lines) or "\u200d" in text


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Writer", ("Writer",)),
        ("FactChecker", ("Fact", "Checker")),
        ("data quality", ("data", "quality")),
        ("Investigator", ("Investig-", "ator")),
        ("a" * 80, ("aaaaaaa-", "aaaaaaa…")),
        ("", ("",)),
    ],
)
def test_names_break_at_a_joint_or_with_a_hyphen(name: str, lines: tuple[str, ...]) -> None:
    assert labels.wrap(name, 60, 12) == lines


def test_a_broken_word_leaves_no_single_letter_on_the_second_line() -> None:
    assert all(len(labels.wrap("x" * n, 60, 12)[-1]) > 2 for n in range(3, 30))


def test_right_to_left_names_are_isolated_and_others_are_not() -> None:
    hebrew = "\u05e9\u05dc\u05d5\u05dd"
    assert labels.isolate(hebrew) == f"\u2068{hebrew}\u2069"
    assert labels.isolate("Writer") == "Writer"
