"""What an agent may know while it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from mars_nb import StepContext


def test_it_reads_like_the_mapping_given_to_the_run() -> None:
    context = StepContext(values={"department": "sales", "year": 2026})
    assert isinstance(context, Mapping)
    assert dict(context) == {"department": "sales", "year": 2026}
    assert list(context.keys()) == list(context) == ["department", "year"]
    assert list(context.values()) == ["sales", 2026]
    assert next(iter(context.items())) == ("department", "sales")
    assert "year" in context
    assert len(context) == 2
    assert context.get("month", 1) == 1
    with pytest.raises(KeyError):
        context["month"]


def test_it_is_true_even_without_values() -> None:
    assert StepContext()


def test_it_cannot_be_written_through() -> None:
    context: Any = StepContext(values={})
    with pytest.raises(TypeError):
        context["department"] = "sales"
    with pytest.raises(AttributeError):
        context.departement = "sales"


def test_memory_is_asked_for_once_and_only_when_read() -> None:
    n_asked = 0

    def recall() -> Sequence[Mapping[str, Any]]:
        nonlocal n_asked
        n_asked += 1
        return ({"role": "user", "content": "hello"},)

    context = StepContext(memory=recall)
    assert n_asked == 0
    assert context.memory is context.memory
    assert n_asked == 1


def test_streamed_text_reaches_the_listener_and_nobody_by_default() -> None:
    heard: list[str] = []
    StepContext(emit=heard.append).emit("a")
    StepContext().emit("b")
    assert heard == ["a"]


def test_it_shows_who_and_where_in_one_line() -> None:
    shown = repr(StepContext(agent="Writer", branch_id="b0", values={"a": 1}))
    assert shown == "StepContext(agent='Writer', step_id='b0#1', values={'a': 1})"
