"""How a reply is read."""

from __future__ import annotations

import datetime as dt
import enum
import math
import types
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb import Agent, AgentRegistry, AskUser, ContentError, EndConversation, Final, Invoke, Parallel
from mars_nb.agents.replies import as_text, hand_over, headed, to_content

if TYPE_CHECKING:
    from collections.abc import Iterator


def iter_nothing() -> Iterator[None]:
    yield from ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Point(NamedTuple):
    x: int
    y: int


@dataclass
class Finding:
    title: str
    points: list[Point] = field(default_factory=list)


class Report(pydantic.BaseModel):
    day: dt.date
    findings: dict[str, float]


class Note(msgspec.Struct):
    text: str


class Label(str):
    __slots__ = ()


@given(json_values)
def test_json_stays_what_it_is(value: Any) -> None:
    assert to_content(value) == value


@given(json_values)
def test_a_hand_over_is_equal_and_shares_nothing(value: Any) -> None:
    copy = hand_over(value)
    assert copy == value
    assert not isinstance(value, dict | list) or copy is not value


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (deque([1]), [1]),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (Finding("t", [Point(1, 2)]), {"title": "t", "points": [[1, 2]]}),
        (Report(day=dt.date(2026, 1, 2), findings={"a": 1}), {"day": "2026-01-02", "findings": {"a": 1.0}}),
        (Note("n"), {"text": "n"}),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "2026-01-02T03:00:00+00:00"),
        (dt.time(12, 30), "12:30:00"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Label("text"), "text"),
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),  # noqa: FBT003
        (np.str_("text"), "text"),
        (np.datetime64("2026-01-02", "ns"), "2026-01-02T00:00:00.000000000"),
        (np.datetime64("NaT"), None),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.array(5), 5),
        (np.array(["2026-01-02"], dtype="datetime64[D]"), ["2026-01-02"]),
        (np.longdouble(1), 1.0),
        (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
        (pd.NaT, None),
        (pd.NA, None),
    ],
)
def test_what_plainly_stands_for_content_becomes_content(value: Any, content: Any) -> None:
    found = to_content(value)
    assert found == content
    assert type(found) is type(content)


def test_keys_become_text_as_json_would_write_them() -> None:
    keys = {7: "a", 2.5: "b", np.int64(3): "c", Colour.RED: "d"}
    assert to_content(keys) == {"7": "a", "2.5": "b", "3": "c", "red": "d"}
    assert to_content({True: 1}) == {"true": 1}


def test_nan_and_infinity_are_kept_as_floats() -> None:
    found = to_content({"a": math.nan, "b": math.inf})
    assert math.isnan(found["a"])
    assert math.isinf(found["b"])


def test_lone_surrogates_are_replaced_and_pairs_joined() -> None:
    assert to_content("a\ud800b") == "a\ufffdb"
    assert to_content({"\udcff": "\ud83d\ude00"}) == {"\ufffd": "\U0001f600"}
    assert to_content("grüße") == "grüße"


def test_what_the_agent_changes_later_changes_no_history() -> None:
    rows = [{"a": [1]}]
    table = pd.DataFrame({"a": [1]})
    found, kept = to_content(rows), to_content({"t": table})["t"]
    rows[0]["a"].append(2)
    table.loc[0, "a"] = 9
    assert found == [{"a": [1]}]
    assert kept["a"].tolist() == [1]
    assert hand_over([kept])[0] is not kept


def test_tables_stay_tables() -> None:
    series = pd.Series([1, 2], name="n")
    pd.testing.assert_series_equal(to_content(series), series)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "a value of type .object. is no content; expected JSON content or a DataFrame"),
        ({"a": [0, b"x"]}, r"a value of type 'bytes' at \['a'\]\[1\] is no content; decode it to text"),
        ({1, "a"}, "a set that cannot be sorted is no content; return a list"),
        ({(1, 2): 3}, r"a key of type 'tuple' at \[\(1, 2\)\] is no content; expected text or a number"),
        ({None: 3}, "a key of type 'NoneType'"),
        ({1: "a", "1": "b"}, "two keys that are both '1' as text"),
        (np.zeros(1001), "an array of 1,001 elements is no content; expected at most 1,000; return it as a DataFrame"),
        (np.array([1j]), "a value of type 'complex'"),
        (np.complex64(1), "a value of type 'complex64'"),
        (Path(), "Path' is no content; convert it with str"),
        (pydantic.SecretStr("hidden"), "secrets are never handed over"),
        (Finding, "a value of type 'type'"),
        ([Invoke("A", 1)], r"a value of type 'Invoke' at \[0\]"),
        (pd.Index([1]), "a value of type 'Index'"),
        (iter_nothing(), "a value of type 'generator' is no content; collect it"),
    ],
)
def test_anything_else_is_named_with_its_place_and_a_way_out(value: Any, message: str) -> None:
    with pytest.raises(ContentError, match=message) as caught:
        to_content(value)
    assert "\n" not in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_two_hundred_levels_are_content_and_one_more_is_not() -> None:
    def nested(n_levels: int) -> Any:
        value: Any = "core"
        for _ in range(n_levels):
            value = [value]
        return value

    deep = nested(200)
    assert to_content(deep) == deep == hand_over(deep)
    with pytest.raises(ContentError, match="more than 200 levels"):
        to_content(nested(201))


def test_a_container_that_holds_itself_is_an_error() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    with pytest.raises(ContentError, match=r"holds itself at \[1\] is no content; break the circle"):
        to_content(ring)
    shared = [1]
    assert to_content([shared, shared]) == [[1], [1]]
    finding = Finding("t")
    loop: Any = finding.points
    loop.append(finding)
    with pytest.raises(ContentError, match="holds itself"):
        to_content(finding)


def test_actions_are_read_inside() -> None:
    request = {"a": [1]}
    found = to_content(Invoke("B", request))
    request["a"].append(2)
    assert found == Invoke("B", {"a": [1]})
    assert to_content(Parallel([("B", (1,)), ("C", {2})])) == Parallel([("B", [1]), ("C", [2])])
    assert to_content(Final((1,))) == Final([1])
    assert to_content(EndConversation(Colour.RED)) == EndConversation("red")
    question: Any = {"which": 1}
    assert to_content(AskUser(question)) == AskUser('{"which": 1}')
    with pytest.raises(ContentError, match=r"'object' at \['x'\]"):
        to_content(Final({"x": object()}))


def test_an_action_may_name_an_agent_object_or_nobody() -> None:
    writer: Any = Agent(name="Writer", answer=str, registry=AgentRegistry())
    nobody: Any = None
    assert to_content(Invoke(writer, "go")) == Invoke("Writer", "go")
    assert to_content(Parallel([(writer, "go")])) == Parallel([("Writer", "go")])
    assert to_content(Invoke(nobody)) == Invoke("")


def test_content_as_text() -> None:
    assert as_text("as it is") == "as it is"
    assert as_text({"grüße": [1, None, True]}) == '{"grüße": [1, null, true]}'
    assert as_text(pd.DataFrame({"a": [1, 2]})) == ",a\n0,1\n1,2\n(2 rows x 1 columns)"
    assert as_text(pd.Series([5], name="s")) == ",s\n0,5\n(1 rows x 1 columns)"
    assert "(1 rows x 1 columns)" in as_text({"t": pd.DataFrame({"a": [1]})})


def test_a_long_table_is_shown_by_its_first_rows() -> None:
    text = as_text(pd.DataFrame({"a": range(100_000)}))
    assert len(text.encode()) < 20_100
    assert text.startswith(",a\n0,0\n")
    assert "(100000 rows x 1 columns; the first " in text


def test_contributions_stand_under_headings() -> None:
    assert headed({"A": "x", "A#2": [1]}) == "## A\n\nx\n\n## A#2\n\n[1]"
