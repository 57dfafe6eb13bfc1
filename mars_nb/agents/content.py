"""What can be handed over, kept, and shown again after a restart.

*Content* is text, numbers, booleans, None, lists and mappings of them, and tables (a pandas DataFrame or Series). Much
else plainly stands for content and is converted; the rest is an error that says where it stands and what to do. The
result shares nothing with what it was made from, so that nobody can change what was recorded.

NaN and infinity are no JSON, yet data work is full of them: they are kept as floats while the run lives and are null in
its journal.

Examples
--------
>>> import datetime
>>> as_content({"day": datetime.date(2026, 1, 31), 7: (1, 2)})
{'day': '2026-01-31', '7': [1, 2]}
>>> as_content({"result": {"when": object()}})
Traceback (most recent call last):
    ...
mars_nb.errors.ContentError: a value of type 'object' at ['result']['when'] is no content; expected JSON content ...
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import sys
from collections.abc import Collection, KeysView, Mapping, Sequence, ValuesView
from typing import Any

import msgspec

from mars_nb.actions import Action
from mars_nb.errors import ContentError

DEEPEST = 200
"""Most levels of lists and mappings inside each other."""

MOST_ELEMENTS = 1_000
"""Most elements of an array that becomes a list; a larger one belongs in a DataFrame."""

_LONGEST_PLACE = 6
_PLAIN = frozenset({bool, int, float, type(None)})
_HINTS = {
    "bytes": "decode it to text",
    "coroutine": "await it",
    "Decimal": "convert it with float() or str()",
    "function": "call it and return what it gives",
    "generator": "collect it with list()",
    "Path": "convert it with str()",
    "PosixPath": "convert it with str()",
    "WindowsPath": "convert it with str()",
    "SecretStr": "secrets are never handed over",
    "timedelta": "use .total_seconds()",
    "UUID": "convert it with str()",
}


def as_content(value: Any) -> Any:
    """Convert a value to content.

    Parameters
    ----------
    value : object
        Content, or what plainly stands for it: tuples and sets become lists, dataclasses and pydantic models mappings,
        dates ISO 8601 text, enum members their values, numpy scalars numbers, arrays of up to 1,000 elements nested
        lists, numeric keys text.

    Returns
    -------
    content
        Shares nothing with `value` that could be changed.

    Raises
    ------
    ContentError
        If a part of it is of another type, is nested more than 200 levels deep, or holds itself.
    """
    kind = type(value)
    if kind in _PLAIN or (kind is str and value.isascii()):
        return value
    try:
        return _content(value, ())
    except _UnfitError as unfit:
        raise ContentError(str(unfit)) from None


class _UnfitError(Exception):
    """Something that is no content was found; each container on the way out adds where."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix
        self.where: list[Any] = []

    def __str__(self) -> str:
        place = "".join(f"[{key!r:.40}]" for key in self.where[:_LONGEST_PLACE])
        return f"{self.what}{f' at {place}' if place else ''} is no content; {self.fix}"


def _unfit(value: Any) -> _UnfitError:
    name = type(value).__name__
    fix = _HINTS.get(name, "expected JSON content or a DataFrame: return a dict, a list, text or a number")
    return _UnfitError(f"a value of type {name!r}", fix)


def _content(value: Any, path: tuple[int, ...]) -> Any:
    """Convert one value; `path` holds the ids of the containers around it."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is str:
        return _text(value)
    if kind is dict:
        return _mapping(value, path)
    if kind is list:
        return _sequence(value, path)
    return _converted(value, path)


def _converted(value: Any, path: tuple[int, ...]) -> Any:  # noqa: PLR0911 (one line a type)
    match value:
        case enum.Enum():
            return _content(value.value, path)
        case str():
            return _text(str.__str__(value))
        case int() | float():  # of a subclass, such as numpy's float64
            return int(value) if isinstance(value, int) else float(value)
        case dt.date() | dt.time():  # a datetime is a date
            return None if _is_missing(value) else value.isoformat()
        case Mapping():
            return _mapping(value, path)
        case set() | frozenset():
            return _sequence(_sorted(value), path)
        case bytes() | bytearray() | memoryview():
            raise _unfit(value)
        case Sequence() | KeysView() | ValuesView():
            return _sequence(value, path)
        case _:
            return _structured(value, path)


def _structured(value: Any, path: tuple[int, ...]) -> Any:
    if isinstance(value, msgspec.Struct) and not isinstance(value, Action):
        return _mapping(msgspec.structs.asdict(value), path, of=value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _mapping({each.name: getattr(value, each.name) for each in dataclasses.fields(value)}, path, of=value)
    if _is_a(value, "pydantic", "BaseModel"):
        return _content(value.model_dump(mode="json"), path)
    return _from_library(value, path)


def _from_library(value: Any, path: tuple[int, ...]) -> Any:
    if is_table(value):
        return value.copy()
    if _is_a(value, "numpy", "ndarray"):
        return _content(_listed(value), path)
    if _is_a(value, "numpy", "generic"):
        return _number(value)
    if _is_missing(value):
        return None
    raise _unfit(value)


def _mapping(value: Mapping[Any, Any], path: tuple[int, ...], *, of: object = None) -> dict[str, Any]:
    inside = _deeper(value if of is None else of, path)
    result: dict[str, Any] = {}
    key: Any = None
    try:
        for key, each in value.items():
            result[_new_key(key, result)] = _content(each, inside)
    except _UnfitError as unfit:
        unfit.where.insert(0, key)
        raise
    return result


def _sequence(value: Collection[Any], path: tuple[int, ...]) -> list[Any]:
    inside = _deeper(value, path)
    result: list[Any] = []
    try:
        for each in value:
            result.append(_content(each, inside))  # noqa: PERF401 (the error says where)
    except _UnfitError as unfit:
        unfit.where.insert(0, len(result))
        raise
    return result


def _deeper(container: object, path: tuple[int, ...]) -> tuple[int, ...]:
    if id(container) in path:
        raise _UnfitError("a container that holds itself", "break the circle")
    if len(path) >= DEEPEST:
        raise _UnfitError(f"a nesting of more than {DEEPEST} levels", "flatten it")
    return (*path, id(container))


def _new_key(key: Any, result: dict[str, Any]) -> str:
    name = _key(key)
    if name in result:
        raise _UnfitError(f"two keys that are both {name!r} as text", "rename one of them")
    return name


def _key(key: Any) -> str:
    if type(key) is str:
        return _text(key)
    match _content(key, ()):
        case str() as text:
            return text
        case bool() | int() | float() as number:
            return json.dumps(number)
        case _:
            raise _UnfitError(f"a key of type {type(key).__name__!r}", "expected text or a number as key")


def _text(text: str) -> str:
    """Replace lone surrogates, which no file and no browser takes; pairs become the character that they stand for."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _sorted(value: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        raise _UnfitError("a set that cannot be sorted", "return a list") from None


# ------------------------------------------------------------------------------------------------- numpy and pandas


def _is_a(value: object, module: str, *names: str) -> bool:
    """Say whether the value is of a library's class; the library is not imported, for without it there is none."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(value, tuple(getattr(loaded, name) for name in names))


def is_table(value: object) -> bool:
    """Say whether the value is a pandas DataFrame or Series, without importing pandas.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool
        False if pandas was never imported.
    """
    return type(value).__module__.partition(".")[0] not in {"builtins", "numpy"} and _is_a(
        value,
        "pandas",
        "DataFrame",
        "Series",
    )


def _is_missing(value: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NaT or value is pandas.NA)


def _listed(array: Any) -> Any:
    if array.size > MOST_ELEMENTS:
        raise _UnfitError(
            f"an array of {array.size:,} elements",
            f"expected at most {MOST_ELEMENTS:,}; return it as a DataFrame, or a summary",
        )
    return (array.astype(str) if array.dtype.kind == "M" else array).tolist()


def _number(scalar: Any) -> Any:
    match scalar.dtype.kind:
        case "b":
            return bool(scalar)
        case "i" | "u":
            return int(scalar)
        case "f":
            return float(scalar)
        case "M":
            return None if str(scalar) == "NaT" else str(scalar)
        case _:
            raise _unfit(scalar)
