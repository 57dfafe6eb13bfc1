"""The line of the magic: ``%%mars report --max-steps 50  # nightly``.

A name for the run, then options, then perhaps a comment. Quoting is that of a shell; options are neither abbreviated
nor bundled, because a misspelt option that is taken for another one costs money.

Examples
--------
>>> parse_options("report -b --max-steps=7 # nightly", {}).values
{'name': 'report', 'background': True, 'max_steps': 7}
>>> parse_options("--max-step 7", {}).problems
("unknown option '--max-step'; did you mean '--max-steps'?",)
"""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, get_args

from mars_nb.errors import CellError, did_you_mean, nearest
from mars_nb.jupyter.display import Format, View
from mars_nb.jupyter.placeholders import fill
from mars_nb.topology.names import quoted
from mars_nb.topology.rule_text import RULE_WORDS
from mars_nb.views.charts import PlotKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MAX_LINE_LENGTH = 4_000
MAX_DIGITS = 12
DEFAULT_NAME = "run"
VERBS: tuple[str, ...] = (
    "run", "save", "sessions", "show", "agents", "patterns", "timeline", "pause", "resume", "step", "stop", "answer",
    "checkpoint", "restore", "fork", "replay", "compare", "why", "watch", "check", "cost", "figure", "export", "import",
    "trust", "delete", "clean", "model", "executor", "demo", "help",
)  # fmt: skip
"""What may follow ``%mars``; no run can be called so, but for the default name."""
VIEWS: Final[tuple[View, ...]] = get_args(View)
"""How a run is shown."""
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
"""How an answer is shown."""
KINDS: Final[tuple[PlotKind, ...]] = get_args(PlotKind)
"""Pictures of a run."""
WIDTHS_IN: Final = {"3.5": 3.5, "7": 7.0}
"""Widths of a figure in inches."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option of ``%%mars``.

    Parameters
    ----------
    long, short : str
        Its names, dashes included; ``short`` may be empty.
    metavar : str
        What its value is called in messages; empty for a flag.
    read : callable
        Makes the value of its text; raises ``ValueError`` with what was expected.
    """

    long: str
    short: str = ""
    metavar: str = ""
    read: Callable[[str], Any] = str

    @property
    def key(self) -> str:
        """Its name among the parsed options."""
        return self.long.removeprefix("--").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Options:
    """What a magic line says.

    Parameters
    ----------
    values : dict
        ``name``, and each given option under its long name with ``_``.
    problems : tuple of str
        What is wrong, in order.
    """

    values: dict[str, Any]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False


@dataclass(slots=True)
class _Found:
    name: str = DEFAULT_NAME
    given: list[tuple[Option, str | None]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("some text")
    return text


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS and int(text)):
        raise ValueError("a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    digits = text.replace(".", "", 1)
    if not (digits.isascii() and digits.isdigit() and len(text) <= MAX_DIGITS):
        raise ValueError("seconds, such as 0.5")
    return float(text)


def _often(text: str) -> str | int:
    try:
        return text if text in ("join", "step") else _count(text)
    except ValueError:
        raise ValueError("'join', 'step' or a whole number from 1") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise ValueError("a whole number from 0")
    return int(text)


def _times(text: str) -> float:
    digits = text.removesuffix("x")
    if not (
        digits.replace(".", "", 1).isdecimal() and digits.isascii() and len(digits) <= MAX_DIGITS and float(digits)
    ):
        raise ValueError("how many times faster, such as 4x")
    return float(digits)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{', '.join(choices[:-1])} or {choices[-1]}{did_you_mean(text[:80], choices)}")
        return text

    return read


def _width(text: str) -> float:
    if text not in WIDTHS_IN:
        raise ValueError(f"{' or '.join(WIDTHS_IN)} inches")
    return WIDTHS_IN[text]


OPTIONS: tuple[Option, ...] = (
    Option("--background", "-b"),
    Option("--topology", "-t", "TOPOLOGY", _text),
    Option("--dry-run", "-n"),
    Option("--max-steps", "", "N", _count),
    Option("--session", "-s", "ID", _text),
    Option("--once"),
    Option("--context", "-c", "VAR", _text),
    Option("--model", "-m", "MODEL", _text),
    Option("--user", "-u", "VAR", _text),
    Option("--raw", "-r"),
    Option("--checkpoint-every", "", "join|step|N", _often),
    Option("--pause-before", "-p", "AGENT", _text),
    Option("--pace", "", "S", _seconds),
    Option("--view", "", "|".join(VIEWS), _one_of(*VIEWS)),
    Option("--quiet", "-q"),
    Option("--format", "-f", "|".join(FORMATS), _one_of(*FORMATS)),
    Option("--in-memory"),
    Option("--stub"),
    Option("--replace"),
    Option("--keep-going"),
)
VERB_OPTIONS: tuple[Option, ...] = (
    Option("--tools", "", "NAMES", _text),
    Option("--description", "-d", "TEXT", _text),
    Option("--now"),
    Option("--rule", "", "RULE", _text),
    Option("--as", "", "NEW", _text),
    Option("--edit", "", "TEXT", _text),
    Option("--agent", "", "OLD=NEW", _text),
    Option("--speed", "", "4x", _times),
    Option("--keep", "", "N", _number),
    Option("--from", "", "ID", _text),
    Option("--kind", "", "|".join(KINDS), _one_of(*KINDS)),
    Option("--width", "", "3.5|7", _width),
)
"""Options that only verbs have."""


def options_of(*keys: str) -> tuple[Option, ...]:
    """Give options by their keys."""
    known = {option.key: option for option in (*OPTIONS, *VERB_OPTIONS)}
    return tuple(known[key] for key in keys)


_BY_NAME = {name: option for option in OPTIONS for name in (option.long, option.short) if name}


def parse_options(line: str, variables: Mapping[str, object]) -> Options:
    """Read the line of a ``%%mars`` cell.

    Parameters
    ----------
    line : str
        What stands after ``%%mars``.
    variables : mapping of str to object
        The notebook's variables, for ``{name}`` in values.

    Returns
    -------
    Options
        Its values and problems.
    """
    try:
        tokens = split_line(line)
    except CellError as error:
        return Options({"name": DEFAULT_NAME}, (str(error),))
    found = _Found()
    _read_options(_read_name(tokens, found), found)
    raw = any(option.long == "--raw" for option, _ in found.given)
    values: dict[str, Any] = {"name": found.name}
    for option, text in found.given:
        _set(values, option, _filled(option, text, None if raw else variables, found), found)
    if "once" in values and "session" in values:
        found.problems.append("--once makes an id of its own; leave out --once or --session")
    return Options(values, tuple(found.problems))


def _read_name(tokens: list[_Token], found: _Found) -> list[_Token]:
    if not tokens or tokens[0].text.startswith("-"):
        return tokens
    name = tokens[0].text
    arrows = 1 if len(tokens) > 1 and tokens[1].text == "<<" else 0
    found.name = name = name.removesuffix("<<")
    if not name.isidentifier() or keyword.iskeyword(name):
        found.problems.append(f"{quoted(name)} is no name for a run; expected a Python name, such as 'report'")
    elif name in VERBS and name != DEFAULT_NAME:
        found.problems.append(f"{name!r} is a command ('%mars {name}'); expected another name, such as 'report'")
    return tokens[1 + arrows :]


def _read_options(tokens: list[_Token], found: _Found) -> None:
    place = 0
    while place < len(tokens):
        name, equals, value = _split_equals(tokens[place])
        option = _BY_NAME.get(name)
        place += 1
        if option is None:
            found.problems.append(_unknown(tokens[place - 1]))
            place = _after_value(tokens, place) if name.startswith("-") and not equals else place
        elif not option.metavar:
            _flag(option, equals, found)
        elif equals:
            found.given.append((option, value))
        elif place < len(tokens) and (tokens[place].quoted or tokens[place].text not in _BY_NAME):
            found.given.append((option, tokens[place].text))
            place += 1
        else:
            found.problems.append(f"{name!r} needs a value: '{name} {option.metavar}'")


def _after_value(tokens: list[_Token], place: int) -> int:
    """Pass over what is probably the value of an option that nobody knows: one mistake, one problem."""
    return place + 1 if place < len(tokens) and not tokens[place].text.startswith("-") else place


def _flag(option: Option, equals: str, found: _Found) -> None:
    if equals:
        found.problems.append(f"{option.long!r} takes no value; write {option.long!r} alone")
    else:
        found.given.append((option, None))


def _split_equals(token: _Token) -> tuple[str, str, str]:
    return token.text.partition("=") if token.text.startswith("--") else (token.text, "", "")


def _unknown(token: _Token) -> str:
    text = token.text
    short, rest = text[:2], text[2:]
    if not text.startswith("-"):
        return f"unexpected {quoted(text)}; expected options ('--…'); the name of the run stands first"
    if short in _BY_NAME and rest:
        option = _BY_NAME[short]
        meant = f"{short} {rest.lstrip('=')}" if option.metavar else f"{short} -{rest}"
        return f"unknown option {quoted(text)}; short options are not joined: did you mean {quoted(meant)}?"
    name = text.partition("=")[0]
    word = name.removeprefix("--").replace("-", "_")
    if word in RULE_WORDS and f"--{word.replace('_', '-')}" not in _BY_NAME:
        return f"{quoted(name)} is a rule and no option; write it as a line of the cell: '{word}(…)'"
    near = nearest_option(name, OPTIONS)
    return f"unknown option {quoted(name)}{near or '; %mars help options lists them'}"


def nearest_option(name: str, options: Iterable[Option]) -> str:
    """Give ``"; did you mean '--…'?"``; that all of them begin with dashes makes no two of them alike."""
    close = nearest(name.lstrip("-")[:80], [option.long.removeprefix("--") for option in options])
    return f"; did you mean '--{close}'?" if close else ""


def _filled(option: Option, text: str | None, variables: Mapping[str, object] | None, found: _Found) -> str | None:
    """Fill in placeholders; without variables (--raw) everything is text, and so are the braces of a pattern."""
    if text is None or variables is None:
        return text
    filled = fill(text, variables, lenient=option.long == "--topology")
    found.problems.extend(problem.message for problem in filled.problems)
    return None if filled.problems else filled.text


def _set(values: dict[str, Any], option: Option, text: str | None, found: _Found) -> None:
    if option.key in values:
        found.problems.append(f"{option.long!r} is given twice; keep one of them")
    elif not option.metavar:
        values[option.key] = True
    elif text is not None:
        try:
            values[option.key] = option.read(text)
        except ValueError as error:
            found.problems.append(f"{quoted(f'{option.long} {text}')}: expected {error}")


def split_line(line: str) -> list[_Token]:
    """Split a line as a shell does; ``#`` at the start of a word begins a comment.

    Raises
    ------
    CellError
        If a quotation is not closed, or the line is too long.
    """
    if len(line) > MAX_LINE_LENGTH:
        raise CellError(f"the line has {len(line):,} characters; expected at most {MAX_LINE_LENGTH:,}")
    tokens: list[_Token] = []
    place = 0
    while place < len(line) and line[place] != "#":
        if line[place].isspace():
            place += 1
        else:
            token, place = _word(line, place)
            tokens.append(token)
    return tokens


def first_word(line: str) -> tuple[str, str]:
    """Split off the first word of a line; give the rest as it stands.

    Examples
    --------
    >>> first_word("'my team.mars' report -q")
    ('my team.mars', 'report -q')
    """
    start = len(line) - len(line.lstrip())
    token, place = _word(line, start)
    return token.text, line[place:].strip()


def _word(line: str, place: int) -> tuple[_Token, int]:
    """Read one word from ``place``: pieces in quotes, escaped characters and plain ones."""
    pieces: list[str] = []
    start = place
    while place < len(line) and not line[place].isspace():
        piece, place = _piece(line, place)
        pieces.append(piece)
    return _Token("".join(pieces), quoted=line[start] in "\"'"), place


def _piece(line: str, place: int) -> tuple[str, int]:
    mark = line[place]
    if mark == "\\":
        return line[place + 1 : place + 2], place + 2
    if mark not in "\"'":
        return mark, place + 1
    end = place + 1
    while end < len(line) and line[end] != mark:
        end += 2 if mark == '"' and line[end] == "\\" else 1
    if end >= len(line):
        raise CellError(f"{quoted(line[place:])}: the quotation is not closed; expected another {mark}")
    inner = line[place + 1 : end]
    return (_unescaped(inner) if mark == '"' else inner), end + 1


def _unescaped(text: str) -> str:
    r"""Undo ``\"`` and ``\\``; every other backslash stays, as in a shell."""
    return "\\".join(part.replace('\\"', '"') for part in text.split("\\\\"))
