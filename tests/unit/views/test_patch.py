"""What has changed, said as a merge patch."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mars_nb.views.patch import diff, merged

values = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=2), values, max_size=4)


@given(objects, objects)
def test_a_patch_makes_the_one_of_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(before, diff(before, after)) == after


@given(objects)
def test_nothing_changed_is_an_empty_patch(same: dict[str, Any]) -> None:
    assert diff(same, same) == {}


def test_only_what_changed_is_said() -> None:
    before = {"nodes": {"0": "idle", "1": "idle"}, "seq": 1}
    assert diff(before, {"nodes": {"0": "idle", "1": "running"}, "seq": 1}) == {"nodes": {"1": "running"}}
