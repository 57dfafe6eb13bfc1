"""What has changed between two JSON objects, as small as it can be said.

A live view is told of changes only. They are written as a merge patch (RFC 7396): an object with the keys that are
new or different, nested where both sides are objects, and null for what is gone. A null cannot be a value, then: the
objects compared here hold none.

Examples
--------
>>> diff({"a": 1, "b": {"c": 2, "d": 3}}, {"a": 1, "b": {"c": 4}})
{'b': {'d': None, 'c': 4}}
>>> merged({"a": 1, "b": {"c": 2, "d": 3}}, {'b': {'c': 4, 'd': None}})
{'a': 1, 'b': {'c': 4}}

References
----------
P. Hoffman and J. Snell, *JSON Merge Patch*, RFC 7396, 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Give the merge patch that makes ``after`` of ``before``; empty if they are equal.

    Parameters
    ----------
    before, after : mapping
        JSON objects without nulls.

    Returns
    -------
    dict
        The patch.
    """
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = diff(old, value)
            if inner:
                patch[key] = inner
        elif old != value:
            patch[key] = value
    return patch


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Give an object with a patch applied; both stay as they are."""
    result = dict(target)
    for key, value in patch.items():
        old = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = merged(old if isinstance(old, dict) else {}, value)
        else:
            result[key] = value
    return result
