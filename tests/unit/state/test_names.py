from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.errors import SessionError
from mars_nb.state.names import check_id, new_session_id


@pytest.mark.parametrize(
    "name", ["a", "A1", "report-2.final", "x" * 64, "20260301-142233-9f3a1c", "a_", "con1", "auxiliary"]
)
def test_a_plain_name_is_allowed(name: str) -> None:
    assert check_id(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".a",
        "a.",
        "-a",
        "_a",
        "a b",
        "a/b",
        "a\\b",
        "a..b",
        "a\n",
        "a\x00",
        "ä",
        "a:b",
        "~",
        "con",
        "CON",
        "nul",
        "Aux.txt",
        "com1",
        "lpt9.log",
    ],
)
def test_a_name_that_is_no_file_name_everywhere_is_refused(name: str) -> None:
    with pytest.raises(SessionError, match="expected 1 to 64 of") as refused:
        check_id(name)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", [None, 3, b"a", ["a"]])
def test_what_is_no_text_is_no_name(name: object) -> None:
    with pytest.raises(SessionError):
        check_id(name)  # type: ignore[arg-type]


def test_the_message_says_what_was_to_be_named() -> None:
    with pytest.raises(SessionError, match="no checkpoint name"):
        check_id("a/b", "checkpoint")


@given(st.text())
def test_no_allowed_name_can_leave_its_folder(name: str) -> None:
    try:
        check_id(name)
    except SessionError:
        return
    assert not set(name) & set("/\\:\0")
    assert name.strip(".") == name


def test_new_ids_are_allowed_and_different() -> None:
    ids = {check_id(new_session_id()) for _ in range(50)}
    assert len(ids) == 50
