"""Filling a form: from a text and a JSON schema to a value.

There are two ways. *Finding* takes a value only where the text holds one, and gives `NOTHING` otherwise: this is how
the arguments of tools are filled, for a tool must not be called with made-up arguments. *Completing* gives something
for everything that is required, for an answer of a certain shape has to have that shape: the summary for a text, 0 for
a number that is not there. What is optional is only filled with what was found.

Examples
--------
>>> order = {
...     "type": "object",
...     "properties": {"n_boxes": {"type": "integer"}, "day": {"type": "string", "format": "date"}},
...     "required": ["n_boxes", "day"],
... }
>>> found(order, "Please send 12 boxes on 2026-03-01.")
{'n_boxes': 12, 'day': '2026-03-01'}
>>> found(order, "Please send some boxes.") is NOTHING
True
>>> completed(order, "Please send some boxes.")
{'n_boxes': 0, 'day': '1970-01-01'}
"""

from __future__ import annotations

import math
import re
import warnings
from typing import TYPE_CHECKING, Any, Final

from mars_nb.agents.offline.evidence import Evidence
from mars_nb.agents.offline.schema import (
    as_sequence,
    choices_of,
    count_of,
    number_of,
    options_of,
    properties,
    required,
    resolved,
    types_of,
)
from mars_nb.agents.offline.textrank import key_sentences
from mars_nb.agents.offline.words import clipped, joined, keywords, sentences, term_of, terms, word_set

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.agents.offline.evidence import Number
    from mars_nb.agents.offline.schema import Schema

NOTHING: Final = object()
"""The text holds no such value."""

DEEPEST = 12
"""Levels of a form inside each other; deeper ones, as of a schema that holds itself, stay empty."""

MOST_ITEMS = 5
MOST_LOOKED_AT = 20
"""Sentences that are looked at for the items of a list of forms."""

_WHOLE = frozenset(map(term_of, word_set("text content body document message passage input source")))
_ASKED = frozenset(map(term_of, word_set("query question topic request prompt search subject term keyword what")))
_TITLES = frozenset(map(term_of, word_set("title name headline label heading subject topic")))
_STAND_INS = {
    "date": "1970-01-01", "date-time": "1970-01-01T00:00:00Z", "time": "00:00:00Z", "email": "nobody@example.org",
    "uri": "https://example.org", "url": "https://example.org", "duration": "PT0S",
    "uuid": "00000000-0000-4000-8000-000000000000", "ipv4": "0.0.0.0", "ipv6": "::",  # noqa: S104 (text, not a door)
}  # fmt: skip


def found(schema: object, text: str, *, asked: str = "") -> Any:
    """Fill a form with what stands in a text, or give `NOTHING`.

    Parameters
    ----------
    schema : object
        JSON schema.
    text : str
        Where to look.
    asked : str
        What the text is about, for fields such as ``query``; they stay empty without it.

    Returns
    -------
    JSON value or NOTHING
        `NOTHING` if something that is required does not stand there.
    """
    return _Form(schema, text, asked=asked, is_complete=False).filled()


def completed(schema: object, text: str, *, asked: str = "") -> Any:
    """Fill a form from a text, whatever it holds.

    Parameters
    ----------
    schema : object
        JSON schema; types, choices, bounds, lengths, formats and references are heeded.
    text : str
        Where to look, and what to summarise where text is wanted.
    asked : str
        What the text is about.

    Returns
    -------
    JSON value
        Fits the types of the schema.
    """
    return _Form(schema, text, asked=asked, is_complete=True).filled()


class _Form:
    """One form while it is filled; what was used of the text is not used again."""

    def __init__(self, schema: object, text: str, *, asked: str, is_complete: bool) -> None:
        self.root = schema
        self.text = text
        self.asked = asked
        self.is_complete = is_complete
        self.evidence = Evidence(text)

    def filled(self) -> Any:
        return self.value(self.root, "", must=self.is_complete, depth=0)

    def value(self, schema: object, name: str, *, must: bool, depth: int) -> Any:  # noqa: PLR0911 (one a type)
        """Give a value for one schema; `must` it be there, something is given in any case."""
        known = resolved(schema, self.root)
        if choices := choices_of(known):
            return self._choice(choices, name, must=must)
        if depth > DEEPEST:
            return None if must else NOTHING
        if options := options_of(known):
            return self._option(options, known, name, must=must, depth=depth)
        match types_of(known)[0]:
            case "object":
                return self._object(known, must=must, depth=depth)
            case "array":
                return self._array(known, name, must=must, depth=depth)
            case "integer" | "number" as kind:
                return self._number(known, name, must=must, is_whole=kind == "integer")
            case "boolean":
                said = self.evidence.truth(name)
                return said if said is not None else False if must else NOTHING
            case "null":
                return None
            case _:
                return self._string(known, name, must=must)

    # -- choices

    def _choice(self, choices: list[Any], name: str, *, must: bool) -> Any:
        if len(choices) == 1:
            return choices[0]
        said = self.evidence.labelled(name)
        labelled = [each for each in choices if said is not None and str(each).casefold() == said.casefold()]
        mentioned = labelled or self.evidence.mentioned(choices)
        return mentioned[0] if mentioned else choices[0] if must else NOTHING

    def _option(self, options: list[Any], schema: Schema, name: str, *, must: bool, depth: int) -> Any:
        """Take the first alternative that the text can fill, else null, else the first one."""
        shared = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf", "type")}
        full = [{**shared, **resolved(option, self.root)} for option in options]
        proper = [option for option in full if types_of(option) != ["null"]]
        for option in proper:
            value = self.value(option, name, must=False, depth=depth + 1)
            if value is not NOTHING:
                return value
        if len(proper) < len(full):
            return None if must else NOTHING
        return self.value(proper[0], name, must=True, depth=depth + 1) if must else NOTHING

    # -- containers

    def _object(self, schema: Schema, *, must: bool, depth: int) -> Any:
        """Fill the required properties, and of the optional ones those that the text names."""
        filled = {}
        needed = required(schema)
        for key, each in properties(schema).items():
            if key not in needed and not self._is_named(key, each):
                continue
            value = self.value(each, key, must=must and key in needed, depth=depth + 1)
            if value is NOTHING and key in needed:
                return NOTHING
            if value is not NOTHING:
                filled[key] = value
        filled |= {key: "" for key in needed if key not in filled} if must else {}
        return filled if filled or must or not needed else NOTHING

    def _is_named(self, key: str, schema: object) -> bool:
        """Tell whether the text speaks of an optional property, or may hold it in a shape that cannot be mistaken."""
        known = resolved(schema, self.root)
        if known.get("format") or choices_of(known):
            return True
        return self.names(key)

    def names(self, key: str) -> bool:
        """Tell whether the text holds a word of a property's name."""
        return bool(frozenset(terms(key.replace("_", " "))).intersection(terms(self.text)))

    def _array(self, schema: Schema, name: str, *, must: bool, depth: int) -> Any:
        first = [self.value(each, name, must=must, depth=depth + 1) for each in as_sequence(schema.get("prefixItems"))]
        fewest, most = count_of(schema, "minItems", 0), count_of(schema, "maxItems", MOST_ITEMS + len(first))
        items = first if "items" not in schema and first else [*first, *self._items(schema, name, depth)]
        items = _distinct(items)[: min(most, max(fewest, 100))] if schema.get("uniqueItems") else items[:most]
        while must and len(items) < min(fewest, 1_000):
            items.append(self._another(schema, name, len(items), depth))
        if NOTHING in items or len(items) < max(fewest, not must):
            return NOTHING
        return items

    def _items(self, schema: Schema, name: str, depth: int) -> list[Any]:
        """Give what the text holds for the items: choices mentioned, all numbers, key words, or forms by sentence."""
        item = resolved(schema.get("items"), self.root)
        if choices := choices_of(item):
            return self.evidence.mentioned(choices)
        match types_of(item)[0]:
            case "integer" | "number":
                return self._all(item, name, depth)
            case "string" if not item.get("format") and not item.get("pattern"):
                return [_lengthened(each, item) for each in self._texts(name)]
            case "object":
                return self._by_sentence(item, depth)
            case _:
                return self._all(item, name, depth)

    def _all(self, item: Schema, name: str, depth: int) -> list[Any]:
        values = (self.value(item, name, must=False, depth=depth + 1) for _ in range(MOST_ITEMS))
        return _distinct(value for value in values if value is not NOTHING)

    def _texts(self, name: str) -> list[str]:
        if not self.is_complete:
            quoted = (self.evidence.quotation() for _ in range(MOST_ITEMS))
            return [each for each in quoted if each]
        is_short = bool({"keyword", "tag", "topic", "word"}.intersection(terms(name.replace("_", " "))))
        return keywords(self.text, MOST_ITEMS) if is_short else key_sentences(self.text, 3)

    def _by_sentence(self, item: Schema, depth: int) -> list[Any]:
        """Give one form for each sentence that names a field and holds all that is required."""
        filled = []
        for sentence in sentences(self.text)[:MOST_LOOKED_AT]:
            form = _Form(self.root, sentence, asked="", is_complete=False)
            if any(form.names(key) for key in properties(item)):
                filled.append(form.value(item, "", must=False, depth=depth + 1))
        return [each for each in filled if each is not NOTHING and each][:MOST_ITEMS]

    def _another(self, schema: Schema, name: str, at: int, depth: int) -> Any:
        """Give one more item where too few were found; a different one where they must differ."""
        item = resolved(schema.get("items"), self.root)
        choices = choices_of(item)
        if not schema.get("uniqueItems"):
            return self.value(item, name, must=True, depth=depth + 1)
        if choices:
            return choices[at % len(choices)]
        value = self.value(item, name, must=True, depth=depth + 1)
        if isinstance(value, str):
            return _lengthened(f"{at + 1} {value}", item)
        return value + at if isinstance(value, int | float) and not isinstance(value, bool) else value

    # -- scalars

    def _number(self, schema: Schema, name: str, *, must: bool, is_whole: bool) -> Any:
        about = f"{name} {schema.get('title', '')} {schema.get('description', '')}" if name else ""
        value = self.evidence.number(about, lambda number: _fits(number, schema, is_whole=is_whole))
        if value is not None:
            return int(value) if is_whole else value
        return _nearest(0, schema, is_whole=is_whole) if must else NOTHING

    def _string(self, schema: Schema, name: str, *, must: bool) -> Any:
        shape = str(schema.get("format") or _shape_by_name(name))
        value = self.evidence.shaped(shape)
        if value is None and not schema.get("format"):
            value = self._matching(schema) if schema.get("pattern") else self._text(name)
        if value is None:
            return _lengthened(_STAND_INS.get(shape) or clipped(self.text, 30), schema) if must else NOTHING
        return _lengthened(value, schema)

    def _matching(self, schema: Schema) -> str | None:
        """Give the first word of the text that fits a pattern."""
        try:
            with warnings.catch_warnings(action="ignore"):  # about a pattern that nobody here wrote
                pattern = re.compile(str(schema["pattern"]))
        except (re.error, OverflowError, RecursionError):
            return None
        return next((word for word in re.split(r"[\s,;]+", self.text[:2_000]) if pattern.search(word)), None)

    def _text(self, name: str) -> str | None:
        if said := self.evidence.labelled(name) if name else None:
            return said
        parts = frozenset(terms(name.replace("_", " ")))
        if self.is_complete:
            return self._answer(parts, name)
        if parts & _WHOLE:
            return self.text or None
        if parts & _ASKED:
            return self.evidence.quotation() or self.asked or None
        return self.evidence.quotation() or self.evidence.name()

    def _answer(self, parts: frozenset[str], name: str) -> str | None:
        """Give the text that answers: a title, the sentences that speak of the field, or the summary."""
        if parts & _TITLES:
            return clipped(self.asked or ", ".join(keywords(self.text, 3)), 12) or None
        return joined(key_sentences(self.text, 2, focus=dict.fromkeys(terms(name.replace("_", " ")), 1.0))) or None


# ------------------------------------------------------------------------------------------------------------- bounds


def _fits(number: Number, schema: Schema, *, is_whole: bool) -> bool:
    return _nearest(number, schema, is_whole=is_whole) == number


def _nearest(number: Number, schema: Schema, *, is_whole: bool) -> Number:
    """Give the number within the bounds of a schema that is nearest to one."""
    step = number_of(schema, "multipleOf") or (1 if is_whole else 0)
    least, most = number_of(schema, "minimum"), number_of(schema, "maximum")
    above, below = number_of(schema, "exclusiveMinimum"), number_of(schema, "exclusiveMaximum")
    gap = step or _gap(above, below)
    lows = [bound for bound in (least, None if above is None else above + gap) if bound is not None]
    highs = [bound for bound in (most, None if below is None else below - gap) if bound is not None]
    value = max([number, *lows])
    value = _on_grid(min([value, *highs]), step, is_upward=bool(lows) and value == max(lows))
    return int(value) if is_whole and math.isfinite(value) else value


def _gap(above: float | None, below: float | None) -> float:
    """Give a distance from an exclusive bound that stays below the other one, and is not lost in rounding."""
    if above is not None and below is not None:
        return (below - above) / 2
    return max(1.0, abs(above or below or 0.0) * 1e-6)


def _on_grid(value: float, step: float, *, is_upward: bool) -> float:
    if step <= 0 or not math.isfinite(value / step):
        return value
    return (math.ceil if is_upward else math.floor)(value / step) * step


def _lengthened(text: str, schema: Schema) -> str:
    """Bring a text to the length that a schema demands."""
    fewest = count_of(schema, "minLength", 0)
    cut = text[: count_of(schema, "maxLength", 0)] if number_of(schema, "maxLength") is not None else text
    return cut.ljust(min(fewest, 100_000), ".")


def _distinct(values: Iterable[Any]) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if value not in kept:
            kept.append(value)
    return kept


def _shape_by_name(name: str) -> str:
    """Tell the format of a text from the name of its field."""
    parts = name.casefold().replace("-", "_").split("_")
    shapes = {
        "email": "email",
        "mail": "email",
        "date": "date",
        "day": "date",
        "url": "uri",
        "link": "uri",
        "uuid": "uuid",
    }
    return next((shapes[part] for part in parts if part in shapes), "")
