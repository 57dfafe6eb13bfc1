"""Between an event and its JSON: tables, numbers of numpy, and text that is no Unicode.

Almost every event is plain JSON, and msgspec writes it in a fraction of a microsecond. The rest takes the slow path
here, once per such event:

* A pandas DataFrame or Series is written in pandas' own ``orient="table"`` form inside a marked object,
  ``{"$mars": "DataFrame", "table": {...}}``, and comes back as what it was. Floats are written exactly;
  complex numbers, periods and intervals come back as text.
* An object in which an agent itself used the key ``"$mars"`` is told apart by one more dollar sign on that key
  (``"$$mars"``), which reading takes away again. No other tag builds an object.
* A lone surrogate, which is no Unicode, becomes U+FFFD. NaN and the infinities become null, as in every JSON.
* A scalar of numpy is written as the number it is.

What is no JSON even so is a `ContentError` before anything is written.
"""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb import events
from mars_nb.errors import ContentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from mars_nb.events import Event

MARK = "$mars"
"""The key of an object that stands for a table."""

MAX_DEPTH = 200
"""Deepest nesting of lists and objects in one event; deeper ones could be written but perhaps not read again."""

_MARK_BYTES = b'$mars"'
_DOLLAR = ord("$")  # a fifth of the price to look for, and almost never there
_MARK_KEY = re.compile(r"\$+mars")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_EXACT_DTYPE = re.compile(r"(u?int[0-9]|float[0-9]|datetime64|timedelta64)[0-9A-Za-z\[\], /+:_-]*")
_READ_FROM_TABLE: dict[str, Any] = {"orient": "table", "precise_float": True}


class UnknownEvent(msgspec.Struct, frozen=True):
    """An event that a newer version wrote: kept and handed on as it is, without a meaning here.

    Parameters
    ----------
    type : str
        Its name.
    fields : dict
        Everything else it holds.
    """

    type: str
    fields: dict[str, Any] = {}


class _NeedsPackingError(Exception):
    """The event holds a table, so it takes the slow path."""


def _hook(value: object) -> object:
    if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        return value.item()
    if _is_table(value):
        raise _NeedsPackingError
    raise TypeError(f"{type(value).__name__} is not JSON")


_encoder = msgspec.json.Encoder(enc_hook=_hook)
_any_decoder = msgspec.json.Decoder()


def encode_event(event: Event | UnknownEvent) -> bytes:
    """Give an event as one JSON object on one line.

    Parameters
    ----------
    event : Event or UnknownEvent
        What happened.

    Returns
    -------
    bytes
        JSON in UTF-8, starting with the event's type.

    Raises
    ------
    ContentError
        When the event holds something that is no JSON, or is nested more than `MAX_DEPTH` deep.

    Examples
    --------
    >>> from mars_nb.events import BranchMoved
    >>> encode_event(BranchMoved("b0", "Writer"))
    b'{"type":"BranchMoved","branch":"b0","agent":"Writer"}'
    """
    try:
        payload = _encode(event)
    except (TypeError, ValueError, OverflowError, NotImplementedError, RecursionError) as error:
        raise ContentError(
            f"{type(event).__name__} cannot be kept: {error}; expected JSON values, a DataFrame or a Series"
        ) from error
    _check_depth(payload, event)
    return payload


def encode_events(events: Sequence[Event | UnknownEvent]) -> list[bytes]:
    """Give several events as `encode_event` does, at a fraction of its price when all of them are plain.

    Raises
    ------
    ContentError
        When one of them is no JSON.
    """
    try:
        joined = b"" if UnknownEvent in map(type, events) else _encoder.encode_lines(events)
    except Exception:  # noqa: BLE001 (whatever it is, it is found again, or cured, one event at a time)
        joined = b""
    payloads = joined.splitlines()  # JSON has no line end within
    if len(payloads) != len(events) or (_DOLLAR in joined and _MARK_BYTES in joined):
        return [encode_event(each) for each in events]
    if joined.count(b"[") + joined.count(b"{") - len(payloads) >= MAX_DEPTH:  # each event has one at least
        for payload, event in zip(payloads, events, strict=True):
            _check_depth(payload, event)
    return payloads


def _check_depth(payload: bytes, event: Event | UnknownEvent) -> None:
    if payload.count(b"[") + payload.count(b"{") > MAX_DEPTH and _depth(payload) > MAX_DEPTH:
        raise ContentError(f"{type(event).__name__} is nested more than {MAX_DEPTH} deep; flatten what it holds")


def _encode(event: Event | UnknownEvent) -> bytes:
    if isinstance(event, UnknownEvent):
        return _encoder.encode({"type": event.type, **event.fields})
    try:
        payload = _encoder.encode(event)
    except (_NeedsPackingError, UnicodeEncodeError):
        return _encoder.encode(_packed(event))
    return _encoder.encode(_packed(event)) if _MARK_BYTES in payload else payload


def _depth(payload: bytes) -> int:
    depth = deepest = 0
    for bracket in _STRINGS.sub(b"", payload).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def decode_event(
    line: bytes, name: str, *, known: bool = True, skip: frozenset[str] = frozenset()
) -> Event | UnknownEvent:
    """Give back the event of a line of JSON.

    Parameters
    ----------
    line : bytes
        One JSON object; keys that the event does not have are passed over.
    name : str
        The event's type.
    known : bool
        False to make an `UnknownEvent` of it whatever its type.
    skip : frozenset of str
        Keys that belong to the record and not to an event of unknown type.

    Returns
    -------
    Event or UnknownEvent
        The latter when no event of this type is known.

    Raises
    ------
    ValueError
        When the line is no such event (`msgspec.ValidationError` is one).
    RecursionError
        When it is nested too deeply to be read.
    """
    if not known or name not in events.EVENT_TYPES:
        fields = _any_decoder.decode(line)
        return UnknownEvent(name, {key: value for key, value in fields.items() if key not in skip | {"type"}})
    event = events.decode(line)
    unpacked: Event = _unpacked(event) if _MARK_BYTES in line else event
    return unpacked


def encode_content(value: Any) -> bytes:
    """Give content as JSON, tables included; `decode_content` gives it back.

    Raises
    ------
    ContentError
        When it is no JSON.
    """
    try:
        return msgspec.json.encode(_packed(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise ContentError(f"this cannot be kept, for it is no JSON: {error}") from error


def decode_content(data: bytes) -> Any:
    """Give back what `encode_content` wrote."""
    return _unpacked(_any_decoder.decode(data))


def _packed(value: Any) -> Any:
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {_packed_key(key): _packed(each) for key, each in value.items()}
        case list() | tuple():
            return [_packed(each) for each in value]
        case msgspec.Struct():
            return _with_fields(value, _packed)
        case _:
            return _from_table(value) if _is_table(value) else value


def _packed_key(key: Any) -> Any:
    if not isinstance(key, str):
        return key
    return "$" + _packed(key) if _MARK_KEY.fullmatch(key) else _packed(key)


def _unpacked(value: Any) -> Any:
    match value:
        case {"$mars": "DataFrame" | "Series" as kind, "table": dict(table)}:
            return _to_table(kind, table, value.get("name"))
        case dict():
            return {key[1:] if _MARK_KEY.fullmatch(key) else key: _unpacked(each) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_unpacked(each) for each in value)
        case msgspec.Struct():
            return _with_fields(value, _unpacked)
        case _:
            return value


def _with_fields(struct: Any, change: Any) -> Any:
    return msgspec.structs.replace(struct, **{name: change(getattr(struct, name)) for name in struct.__struct_fields__})


def _is_table(value: object) -> bool:
    pandas = sys.modules.get("pandas")  # a table exists only where pandas is imported already
    return pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series)


def _from_table(value: Any) -> dict[str, Any]:
    if value.ndim == 1:
        return {MARK: "Series", "name": _packed(value.name), "table": _table(value.to_frame(name="values"))}
    return {MARK: "DataFrame", "table": _table(value)}


def _table(frame: pd.DataFrame) -> Any:
    labels = list(frame.columns)
    named = frame.set_axis(_unique_names(labels), axis="columns")
    more: dict[str, Any] = {}
    if frame.columns.nlevels > 1:
        more["levels"] = list(frame.columns.names)
    if _needs_columns(named):
        more["index"] = list(frame.index.names)
        named = named.reset_index(names=[f"$index {level}" for level in range(frame.index.nlevels)])
    dtypes = [str(each) for each in named.dtypes]
    if any(map(_is_exotic, named.dtypes)):
        named = named.apply(_writable)
    table = msgspec.json.decode(named.to_json(orient="table", date_unit="ns"))
    for name, dtype in named.dtypes.items():
        if dtype.kind == "f":
            _write_exactly(table["data"], str(name), named[name].tolist())
    return table | {"columns": labels, "dtypes": dtypes, **more}


def _needs_columns(frame: pd.DataFrame) -> bool:
    """Tell whether the index has to travel as columns, for pandas would not read it back as one."""
    index = frame.index
    if not index.is_unique or not set(map(str, index.names)).isdisjoint(frame.columns):
        return True
    return any(_is_exotic(each) and not str(each).startswith("period") for each in index.to_frame().dtypes)


def _is_exotic(dtype: Any) -> bool:
    """Tell whether pandas writes such a column in a way that it does not read back."""
    inner = str(dtype.categories.dtype if hasattr(dtype, "categories") else dtype)
    return inner.startswith(("timedelta", "complex", "interval", "period"))


def _writable(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a column as pandas reads it back: durations as whole numbers of their unit, the rest of these as text."""
    if not _is_exotic(column.dtype):
        return column
    return column.astype("int64" if column.dtype.kind == "m" else str)


def _unique_names(labels: list[Any]) -> list[str]:
    plain = all(isinstance(each, str) for each in labels) and len(set(labels)) == len(labels)
    return labels if plain else [str(position) for position in range(len(labels))]


def _write_exactly(rows: list[dict[str, Any]], column: str, values: list[float]) -> None:
    for row, value in zip(rows, values, strict=True):
        row[column] = value  # pandas itself writes ten decimals


def _to_table(kind: str, table: dict[str, Any], name: Any) -> Any:
    import pandas as pd

    text = io.StringIO(msgspec.json.encode(table).decode())
    try:
        frame = pd.read_json(text, **_READ_FROM_TABLE)
        frame = frame.astype({key: dtype for key, dtype in _dtypes(frame, table) if _EXACT_DTYPE.fullmatch(dtype)})
        levels = table.get("index", [])
        if levels:
            frame = frame.set_index(list(frame.columns[: len(levels)])).rename_axis(levels)
        frame = frame.set_axis(_labels(table), axis="columns")
        return frame if kind == "DataFrame" else frame["values"].rename(name)
    except Exception:  # noqa: BLE001 - whatever pandas thinks of it, the data itself is still here
        return table


def _labels(table: dict[str, Any]) -> Any:
    """Give the columns; several levels of them are lists in JSON."""
    import pandas as pd

    names = table.get("levels")
    return pd.MultiIndex.from_tuples(map(tuple, table["columns"]), names=names) if names else table["columns"]


def _dtypes(frame: pd.DataFrame, table: dict[str, Any]) -> zip[tuple[Any, str]]:
    return zip(frame.columns, table["dtypes"], strict=True)
