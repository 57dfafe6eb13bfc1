from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mars_nb.actions import Invoke, Parallel
from mars_nb.errors import ContentError
from mars_nb.events import EVENT_TYPES, RunStarted, StepCompleted
from mars_nb.state.codec import MAX_DEPTH, UnknownEvent, decode_event, encode_event, encode_events
from mars_nb.state.record import RESERVED

if TYPE_CHECKING:
    from mars_nb.events import Event

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["$mars", "$$mars", "table", "mars"]), inner)
        | st.fixed_dictionaries({"$mars": st.sampled_from(["DataFrame", "Series"]), "table": inner})
    ),
    max_leaves=15,
)


def round_trip(content: Any) -> Any:
    event = decode_event(encode_event(StepCompleted("b0", 1, content=content)), "StepCompleted")
    assert isinstance(event, StepCompleted)
    return event.content


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@given(json_values)
def test_any_json_comes_back_even_if_it_looks_like_a_table(value: Any) -> None:
    assert round_trip(value) == value


TABLES = {
    "numbers": pd.DataFrame({"a": [1, 2], "b": [0.1 + 0.2, 1.2345678901234567e-20]}),
    "text": pd.DataFrame({"s": ["x", "<b>\u2028"]}, index=["p", "q"]),
    "times": pd.DataFrame({"t": pd.to_datetime(["2024-01-01 00:00:00.123456", "2024-06-01 00:00:00.5"], utc=True)}),
    "categories": pd.DataFrame({"c": pd.Categorical(["u", "v", "u"])}),
    "small numbers": pd.DataFrame({"i": np.array([1, 2], "int8"), "f": np.array([0.1, 2], "float32")}),
    "columns that are numbers": pd.DataFrame([[1, 2.5], [3, 4.5]]),
    "columns twice": pd.DataFrame([[1, 2]], columns=["a", "a"]),
    "a named index": pd.DataFrame({"a": [1]}, index=pd.Index([7], name="key")),
    "nothing": pd.DataFrame({"a": pd.Series([], dtype="int64")}),
    "gaps": pd.DataFrame({"a": [1.0, float("nan")]}),
    "yes and no": pd.DataFrame({"a": [True, False]}),
    "rows that were put together": pd.concat([pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]})]),
    "days twice": pd.DataFrame({"a": [1, 2]}, index=pd.to_datetime(["2024-01-01", "2024-01-01"])),
    "an index of two levels, twice": pd.DataFrame({"a": [1, 2]}, index=pd.MultiIndex.from_tuples([("p", 1)] * 2)),
    "an index named as a column": pd.DataFrame({"a": [1]}, index=pd.Index([5], name="a")),
    "durations": pd.DataFrame({"a": pd.to_timedelta([1, None], unit="s")}),
    "an index of durations": pd.DataFrame({"a": [1, 2]}, index=pd.to_timedelta([1, 2], unit="s")),
    "columns of two levels": pd.DataFrame({"g": [1, 1], "v": [1.0, 2.0]}).groupby("g").agg(["mean", "sum"]),
}


@pytest.mark.parametrize("frame", TABLES.values(), ids=TABLES)
def test_a_table_comes_back_as_it_was(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(round_trip(frame), frame, check_column_type=False, check_index_type=False)


@pytest.mark.parametrize(
    "values",
    [[1j, 2j], pd.period_range("2024", periods=2, freq="M"), pd.interval_range(0, 2), pd.cut([1, 2], 2)],
    ids=["complex", "periods", "intervals", "bins"],
)
def test_what_pandas_cannot_write_comes_back_as_text_in_a_table(values: Any) -> None:
    frame = pd.DataFrame({"a": values, "b": [1, 2]})
    back = round_trip(frame)
    assert list(back["a"]) == list(frame["a"].astype(str))
    assert back["b"].equals(frame["b"])


@pytest.mark.parametrize("name", [None, "price", 3])
def test_a_series_comes_back_with_its_name(name: Any) -> None:
    series = pd.Series([1.5, 2.5], index=["a", "b"], name=name)
    pd.testing.assert_series_equal(round_trip(series), series)


def test_tables_come_back_from_wherever_an_event_holds_them() -> None:
    frame = TABLES["numbers"]
    asked = Parallel([("A", {"data": [frame]}), ("B", frame)])
    event = decode_event(encode_event(StepCompleted("b0", 1, action=asked)), "StepCompleted")
    assert isinstance(event, StepCompleted)
    assert isinstance(event.action, Parallel)
    pd.testing.assert_frame_equal(event.action.targets[0][1]["data"][0], frame)
    pd.testing.assert_frame_equal(event.action.targets[1][1], frame)

    moved = decode_event(encode_event(StepCompleted("b0", 1, action=Invoke("A", frame))), "StepCompleted")
    assert isinstance(moved, StepCompleted)
    assert isinstance(moved.action, Invoke)
    pd.testing.assert_frame_equal(moved.action.request, frame)

    started = decode_event(encode_event(RunStarted(task=frame, topology="A -> B", context={"df": frame})), "RunStarted")
    assert isinstance(started, RunStarted)
    pd.testing.assert_frame_equal(started.task, frame)
    pd.testing.assert_frame_equal(started.context["df"], frame)


def test_what_stands_beside_a_table_comes_back_too() -> None:
    beside = round_trip({"table": TABLES["text"], 1: "one", "$mars": {"$mars": 2}})
    assert (beside["1"], beside["$mars"]) == ("one", {"$mars": 2})
    pd.testing.assert_frame_equal(beside["table"], TABLES["text"])


def test_a_table_that_pandas_cannot_read_is_given_as_the_data_it_is() -> None:
    line = b'{"type":"StepCompleted","branch":"b0","step":1,"content":{"$mars":"DataFrame","table":{"schema":7}}}'
    event = decode_event(line, "StepCompleted")
    assert isinstance(event, StepCompleted)
    assert event.content == {"schema": 7}


def test_what_is_no_number_becomes_null() -> None:
    assert round_trip([float("nan"), float("inf"), -float("inf")]) == [None, None, None]


def test_half_a_character_becomes_a_replacement_character() -> None:
    assert round_trip({"a\ud800": "\udfffb"}) == {"a\ufffd": "\ufffdb"}


def test_scalars_of_numpy_become_numbers() -> None:
    assert round_trip([np.float64(1.5), np.int64(3), np.bool_(True)]) == [1.5, 3, True]  # noqa: FBT003


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {(1, 2): 3},
        10**5000,
        np.array([1]),
        nested(MAX_DEPTH + 1),
        nested(100_000),
        pd.Timestamp("2024-01-01"),
        pd.DataFrame([[1]], columns=[object()]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(ContentError, match="StepCompleted"):
        encode_event(StepCompleted("b0", 1, content=value))


def test_wide_is_not_deep() -> None:
    wide = [["[[[{{{"] * 3] * 500
    assert round_trip(wide) == wide
    assert round_trip([wide, nested(MAX_DEPTH - 5)]) == [wide, nested(MAX_DEPTH - 5)]


@pytest.mark.parametrize(
    "contents",
    [
        ["plain", {"a": [1, None]}],
        ["$mars", {"$mars": 1}],
        ["half \ud800", "whole"],
        [np.int64(3), TABLES["numbers"]],
        [[["[[[{{{"] * 3] * 500, nested(MAX_DEPTH - 5)],
        ["\u2028\n\r\x0b\x85", ""],
        [],
    ],
    ids=["plain", "marked", "half a character", "tables", "wide and deep", "line ends", "none"],
)
def test_many_events_are_written_as_each_of_them_is(contents: list[Any]) -> None:
    steps: list[Event | UnknownEvent] = [StepCompleted("b0", 1, content=each) for each in contents]
    for events in (steps, [*steps, UnknownEvent("BranchDreamt", {"of": "sheep"})]):
        assert encode_events(events) == [encode_event(each) for each in events]


@pytest.mark.parametrize("bad", [object(), nested(MAX_DEPTH + 1), nested(100_000)], ids=["object", "deep", "deeper"])
def test_one_that_is_no_json_among_many_is_refused(bad: Any) -> None:
    with pytest.raises(ContentError, match="StepCompleted"):
        encode_events([StepCompleted("b0", 1, content="fine"), StepCompleted("b0", 2, content=bad)])


def test_an_event_of_a_newer_version_is_kept_as_it_is() -> None:
    line = b'{"v":1,"seq":4,"type":"BranchDreamt","branch":"b0","of":["sheep"],"crc":"0"}'
    event = decode_event(line, "BranchDreamt", skip=RESERVED - {"type"})
    assert event == UnknownEvent("BranchDreamt", {"branch": "b0", "of": ["sheep"]})
    assert encode_event(event) == b'{"type":"BranchDreamt","branch":"b0","of":["sheep"]}'


def test_no_event_has_a_member_of_the_record_or_a_name_of_its_marks() -> None:
    for name, event in EVENT_TYPES.items():
        assert not RESERVED & set(event.__struct_fields__)  # type: ignore[attr-defined]
        assert not name.startswith("Journal")


def test_pandas_is_not_imported_for_plain_events() -> None:
    code = (
        "import sys; from mars_nb.state.storage import MemoryStorageBackend; from mars_nb.state.codec import *; "
        "from mars_nb.events import *; e = encode_event(StepCompleted('b0', 1, content={'a': '$mars'})); "
        "decode_event(e, 'StepCompleted'); assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
