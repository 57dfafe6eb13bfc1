"""JSON schemas, read with care: they come from anywhere, and nothing in them is taken for granted.

Examples
--------
>>> schema = {"properties": {"day": {"$ref": "#/$defs/Day"}}, "$defs": {"Day": {"type": "string", "format": "date"}}}
>>> resolved(properties(schema)["day"], schema)
{'type': 'string', 'format': 'date'}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_REFERENCES = 10
"""References that are followed one after another."""

Schema = Mapping[str, Any]


def as_mapping(value: object) -> Schema:
    """Give a mapping as it is, and anything else as an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_sequence(value: object) -> Sequence[Any]:
    """Give a list as it is, and anything else as an empty one."""
    return value if isinstance(value, list | tuple) else ()


def properties(schema: object) -> Schema:
    """Give the schemas of an object's properties."""
    return as_mapping(as_mapping(schema).get("properties"))


def required(schema: object) -> list[str]:
    """Give the names of the properties that an object must have."""
    return [name for name in as_sequence(as_mapping(schema).get("required")) if isinstance(name, str)]


def resolved(schema: object, root: object) -> Schema:
    """Follow references inside the document, and merge what ``allOf`` demands together.

    Parameters
    ----------
    schema : object
        A part of `root`.
    root : object
        The whole schema.

    Returns
    -------
    mapping
        Without ``$ref`` at its top; empty, which allows anything, if a reference leads nowhere.
    """
    found = as_mapping(schema)
    for _ in range(MOST_REFERENCES):
        if "$ref" not in found:
            break
        beside = {key: value for key, value in found.items() if key != "$ref"}
        found = {**_pointed(found["$ref"], root), **beside}
    return _merged(found, root)


def types_of(schema: Schema) -> list[str]:
    """Give the types that a schema allows; without any, what its other keys tell."""
    declared = schema.get("type")
    if isinstance(declared, str):
        return [declared]
    named = [each for each in as_sequence(declared) if isinstance(each, str)]
    if named:
        return named
    return [kind for key, kind in (("properties", "object"), ("items", "array")) if key in schema] or ["string"]


def options_of(schema: Schema) -> list[Any]:
    """Give the alternatives of a schema, an array of types being one, too."""
    options = [*as_sequence(schema.get("anyOf")), *as_sequence(schema.get("oneOf"))]
    if options:
        return options
    declared = as_sequence(schema.get("type"))
    return [{**schema, "type": each} for each in declared] if len(declared) > 1 else []


def choices_of(schema: Schema) -> list[Any]:
    """Give the values that a schema lists, if it does."""
    if "const" in schema:
        return [schema["const"]]
    return list(as_sequence(schema.get("enum")))


def number_of(schema: Schema, key: str) -> float | None:
    """Give a bound of a schema, if it is a number."""
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def count_of(schema: Schema, key: str, default: int) -> int:
    """Give a count of a schema, such as ``minItems``; never below 0."""
    value = number_of(schema, key)
    return default if value is None else max(0, min(int(value), 1_000_000))


def _pointed(reference: object, root: object) -> Schema:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return {}
    found: object = root
    for part in reference[1:].split("/")[1:]:
        found = as_mapping(found).get(part.replace("~1", "/").replace("~0", "~"))
    return as_mapping(found)


def _merged(schema: Schema, root: object) -> Schema:
    parts = as_sequence(schema.get("allOf"))
    if not parts:
        return schema
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in parts:
        more = as_mapping(part)
        more = {**_pointed(more["$ref"], root), **more} if "$ref" in more else more
        both = {**properties(merged), **properties(more)}
        needed = [*required(merged), *required(more)]
        merged = {**merged, **{key: value for key, value in more.items() if key not in ("$ref", "allOf")}}
        merged |= {"properties": both} if both else {}
        merged |= {"required": needed} if needed else {}
    return merged
