r"""Placeholders: ``{name}`` in a task is the notebook's variable of that name.

Names only, and nothing is evaluated: ``{df.shape}`` is an error, not code. Text is filled once and what was filled in
is never read again. ``{{name}}`` gives the literal ``{name}``; every other brace is text, so JSON, code and
``\frac{a}{b}`` pass unharmed.

A value goes into a text as text (a table as CSV), and as a whole task or as context as it is. What could not survive a
restart, and what looks like a key, is an error in both.

Examples
--------
>>> fill("Compare {table}, {n} times; keep {{table}} and {'a': 1}", {"table": "Q1", "n": 2}).text
"Compare Q1, 2 times; keep {table} and {'a': 1}"
>>> fill("Compare {tabel}", {"table": "Q1"}).problems[0].message
"'{tabel}': the notebook has no variable 'tabel'; did you mean 'table'?; for the literal text write '{{tabel}}'"
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mars_nb.errors import CellError, MarsError, did_you_mean
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_CSV_BYTES = 20_000
MAX_ARRAY_SIZE = 1_000
MAX_DEPTH = 100
MAX_ITEMS = 1_000_000
MAX_PROBLEMS = 100
MAX_EXPRESSION = 200
_OF_IPYTHON = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
PLAIN_NAMES = "only plain names are filled in; compute it in a Python cell first"

_PIECE = re.compile(
    r"\\[A-Za-z]{2,}\*?"  # a TeX command: its brace groups are its own
    r"|\{\{(?P<literal>[^\W\d]\w*)\}\}"
    r"|\{(?P<name>[^\W\d]\w*)(?P<after>[}.\[(:!=]?)"
)
_ONLY = re.compile(r"\{([^\W\d]\w*)\}")
_KEYS = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|gsk_[A-Za-z0-9]{20,}|gh[opsu]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{20,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|nvapi-[\w-]{20,})"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
)
_KEY_NAMES = re.compile(
    r"(?i)(?:^|_)(?:api_?keys?|secrets?|secret_?key|password|passwd|(?:access|auth|bearer)_?token)$"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place of a text.

    Parameters
    ----------
    at : int
        Offset in the text.
    message : str
        One line.
    """

    at: int
    message: str


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its placeholders filled in, and what was wrong on the way."""

    text: str
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placeholder:
    start: int
    end: int
    name: str
    kind: Literal["value", "literal", "expression"]


def fill(text: str, variables: Mapping[str, object], *, lenient: bool = False) -> Filled:
    """Fill in the placeholders of a text.

    Parameters
    ----------
    text : str
        The text.
    variables : mapping of str to object
        The notebook's variables.
    lenient : bool
        Take everything that is no plain placeholder for a known variable as text (a pattern may hold ``{A: [B, C]}``).

    Returns
    -------
    Filled
        The text, and one problem for each name that could not be filled in.
    """
    pieces: list[str] = []
    problems: dict[str, Problem] = {}
    place = 0
    for found in _placeholders(text, variables):
        if lenient and not (found.kind == "value" and found.name in variables):
            continue
        pieces += text[place : found.start], _filled(text, found, variables, problems)
        place = found.end
    return Filled("".join([*pieces, text[place:]]), tuple(problems.values()))


def _filled(text: str, found: _Placeholder, variables: Mapping[str, object], problems: dict[str, Problem]) -> str:
    if found.kind == "literal":
        return f"{{{found.name}}}"
    written = text[found.start : found.end]
    if written in problems or len(problems) >= MAX_PROBLEMS:
        return ""
    try:
        if found.kind == "expression":
            raise CellError(f"{quoted(written)}: {PLAIN_NAMES}")
        return text_of(found.name, _meant(found.name, variables))
    except MarsError as error:
        problems[written] = Problem(found.start, str(error))
        return ""


def only_name(text: str) -> str | None:
    """Give the name if the text is one placeholder and nothing else."""
    found = _ONLY.fullmatch(text.strip())
    return found[1] if found else None


def _placeholders(text: str, variables: Mapping[str, object]) -> Iterator[_Placeholder]:
    if "{" not in text:
        return
    closing = _closing_braces(text) if "\\" in text else {}
    skip_to = 0
    for match in _PIECE.finditer(text):
        if match.start() < skip_to:
            continue
        if match[0].startswith("\\"):
            skip_to = _after_groups(text, match.end(), closing)
        elif match["literal"]:
            yield _Placeholder(match.start(), match.end(), match["literal"], "literal")
        elif match["after"] == "}":
            yield _Placeholder(match.start(), match.end(), match["name"], "value")
        elif match["after"] and match["name"] in variables:
            yield from _expression(text, match)


def _expression(text: str, match: re.Match[str]) -> Iterator[_Placeholder]:
    """Recognise ``{df.shape}``; ``{a: 1}`` and whatever is not closed on its line is text."""
    rest = text[match.end() : match.end() + MAX_EXPRESSION].split("\n", 1)[0]
    end = rest.find("}")
    if end >= 0 and not (match["after"] == ":" and rest[:1].isspace()):
        yield _Placeholder(match.start(), match.end() + end + 1, match["name"], "expression")


def _closing_braces(text: str) -> dict[int, int]:
    """Pair the braces, so that a TeX command's arguments can be skipped without looking at anything twice."""
    opened: list[int] = []
    pairs: dict[int, int] = {}
    for brace in re.finditer(r"[{}]", text):
        if brace[0] == "{":
            opened.append(brace.start())
        elif opened:
            pairs[opened.pop()] = brace.start()
    return pairs


def _after_groups(text: str, place: int, closing: Mapping[int, int]) -> int:
    """Find the end of the arguments of a TeX command: ``[…]`` once, then ``{…}`` as often as there are."""
    if text[place : place + 1] == "[":
        end = text.find("]", place, place + MAX_EXPRESSION)
        place = end + 1 if end >= 0 else place
    while place in closing:
        place = closing[place] + 1
    return place


def variable(name: str, variables: Mapping[str, object]) -> object:
    """Look a variable up.

    Raises
    ------
    CellError
        If the notebook has none of this name.
    """
    if name in variables:
        return variables[name]
    near = did_you_mean(name[:80], own_names(variables))
    raise CellError(f"the notebook has no variable {quoted(name)}{near}")


def own_names(variables: Mapping[str, object]) -> list[str]:
    """Give the names of the variables that somebody made, without those that IPython puts into every notebook.

    Examples
    --------
    >>> own_names({"In": [], "open": open, "_": "", "table": "Q1"})
    ['table']
    """
    return [name for name in variables if not (name.startswith("_") or name in _OF_IPYTHON)]


def _meant(name: str, variables: Mapping[str, object]) -> object:
    """Look up what a placeholder names; its braces may have been meant as text."""
    try:
        return variable(name, variables)
    except CellError as error:
        literal = quoted(f"{{{{{name}}}}}")
        raise CellError(f"{_shown(name)}: {error}; for the literal text write {literal}") from None


def text_of(name: str, value: object) -> str:
    """Write a value as text: strings as they are, tables as CSV, everything else as JSON.

    Raises
    ------
    CellError
        If it cannot be written, is too large, or looks like a key.
    """
    value = _unwrapped(name, value)
    if is_table(value):
        return _unkeyed(name, _csv(name, value))
    if isinstance(value, str):
        return _unkeyed(name, str(value))
    return _unkeyed(name, json.dumps(_json(name, value), ensure_ascii=False))


def value_of(name: str, value: object) -> object:
    """Give a value as it goes into a run: JSON as it is, a table as the table.

    Raises
    ------
    CellError
        If it could not survive a restart, or looks like a key.
    """
    value = _unwrapped(name, value)
    if is_table(value):
        return value
    plain = _json(name, value)
    _unkeyed(name, plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False))
    return plain


def is_run(value: object) -> bool:
    """Tell whether a value is a run or the result of one."""
    kind = type(value)
    fields = (*getattr(kind, "__dataclass_fields__", ()), *getattr(kind, "__struct_fields__", ()))
    ours = kind.__module__.startswith("mars_nb.") and hasattr(kind, "__await__")
    return ours or hasattr(kind, "final_response") or "final_response" in fields


def is_table(value: object) -> bool:
    """Tell whether a value is a pandas DataFrame or Series, without importing pandas."""
    return _is_a(value, "pandas", {"DataFrame", "Series"})


def _is_a(value: object, package: str, names: set[str]) -> bool:
    return any(each.__module__.split(".")[0] == package and each.__name__ in names for each in type(value).__mro__)


def _unwrapped(name: str, value: object) -> Any:
    """Give the value itself: of a run its final response, of a pydantic model its JSON, of an array its list."""
    if is_run(value):
        value = _final_response(name, value)
    if hasattr(type(value), "get_secret_value"):
        raise CellError(f"{_shown(name)} is a secret; it would be kept in the journal: leave it out")
    if hasattr(type(value), "model_dump"):
        return value.model_dump(mode="json")  # type: ignore[attr-defined]  # what pydantic's models have
    if _is_a(value, "numpy", {"ndarray", "generic"}):
        return _listed(name, value)
    return value


def _final_response(name: str, run: object) -> object:
    try:
        answer = run.final_response  # type: ignore[attr-defined]  # what makes it a run
    except MarsError as error:
        raise CellError(f"{_shown(name)} is a run without a result yet: {error}") from None
    except AttributeError:
        raise _unusable(name, run) from None
    if answer is None and not getattr(run, "success", True):
        raise CellError(f"{_shown(name)} is a run that has no answer: it did not succeed; go on with it first")
    return answer


def _listed(name: str, array: Any) -> object:
    if array.size > MAX_ARRAY_SIZE:
        raise CellError(
            f"{_shown(name)} is an array of {array.size:,} elements; expected at most {MAX_ARRAY_SIZE:,}: "
            "summarise it, or make it a DataFrame and name it in context:"
        )
    listed: object = array.tolist()
    return listed


def _csv(name: str, table: Any) -> str:
    """Write a table as CSV with a note of its shape; every cell takes a byte at least, so size tells early."""
    numbered = type(table.index).__name__ == "RangeIndex" and table.index.name is None
    text = "" if table.size > MAX_CSV_BYTES else str(table.to_csv(index=not numbered)).rstrip("\n")
    if table.size > MAX_CSV_BYTES or len(text.encode("utf-8", "replace")) > MAX_CSV_BYTES:
        raise CellError(
            f"{_shown(name)} is a table of more than {MAX_CSV_BYTES // 1000} kB as text; "
            f"name it in a line 'context: {name[:40]}' instead, or pass a part of it"
        )
    n_rows, n_columns = (*table.shape, 1)[:2]
    return f"({n_rows} rows x {n_columns} columns)\n{text}"


def _json(name: str, value: object) -> object:
    """Give a value back if it is JSON; looked through by hand, since a value may be nested without end."""
    waiting: list[tuple[object, int]] = [(value, 0)]
    n_items = 0
    while waiting:
        item, depth = waiting.pop()
        n_items += 1
        if depth > MAX_DEPTH or n_items > MAX_ITEMS:
            raise CellError(f"{_shown(name)} is nested too deeply or too large: convert it to something smaller")
        waiting.extend((inner, depth + 1) for inner in _inner(name, item, value))
    return value


def _inner(name: str, item: object, whole: object) -> list[object]:
    match item:
        case dict() if all(isinstance(key, str) for key in item):
            return list(item.values())
        case list() | tuple():
            return list(item)
        case float() if item != item or item in (float("inf"), float("-inf")):  # noqa: PLR0124  # NaN
            raise CellError(f"{_shown(name)} holds {item}, which is no JSON: replace it first")
        case None | str() | bool() | int() | float():
            return []
        case _:
            raise _unusable(name, whole if whole is item else item, inside=whole is not item)


def _unusable(name: str, value: object, *, inside: bool = False) -> CellError:
    holds = "holds something" if inside else "is"
    return CellError(
        f"{_shown(name)} {holds} of type {type(value).__name__[:40]}; expected text, numbers, JSON (dicts with text "
        "keys), a table or a run: convert it in a Python cell first"
    )


def _unkeyed(name: str, text: str) -> str:
    if _KEYS.search(text) or (_KEY_NAMES.search(name) and text.strip()):
        raise CellError(f"{_shown(name)} looks like a key; it would be kept in the journal: leave it out")
    return text


def _shown(name: str) -> str:
    return quoted(f"{{{name}}}")
