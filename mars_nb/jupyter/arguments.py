"""The arguments of a ``%mars`` verb: words and options, read in one way for all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mars_nb.errors import CellError
from mars_nb.jupyter.options import Option, nearest_option, split_line
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mars_nb.jupyter.desk import Desk


@dataclass(frozen=True)
class Arguments:
    """What stands after a verb.

    Parameters
    ----------
    words : tuple of str
        The words that are no options.
    options : dict
        Each given option under its long name with ``_``; a list where it may be given several times.
    text : str
        The line after the verb as it stands.
    """

    words: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    text: str = ""

    def word(self, place: int = 0) -> str:
        """Give a word; empty if there is none."""
        return self.words[place] if place < len(self.words) else ""

    def where(self) -> tuple[str, str]:
        """Split the first word, ``RUN@WHERE``; without an ``@`` it is the position."""
        run, at, place = self.word().rpartition("@")
        return (run, place) if at else ("", self.word())

    def of_run(self) -> tuple[str, str]:
        """Split the first word, ``RUN@WHERE``; without an ``@`` it is the run."""
        run, _, place = self.word().partition("@")
        return run, place


@dataclass(frozen=True)
class Verb:
    """A verb of ``%mars``.

    Parameters
    ----------
    do : callable
        Does it, given the desk and the arguments.
    usage : str
        What may follow.
    about : str
        What it does, in a few words.
    options : tuple of Option
        Its options.
    n_words : int
        Most words that it takes; any number of them if negative.
    takes : str
        What each of its words is, for completion: ``"run"``, ``"where"`` (RUN@WHERE), ``"place"`` ([RUN@]WHERE),
        ``"at"`` ([RUN@]NAME), ``"live"``, ``"file"``, ``"model"``, ``"topic"``.
    """

    do: Callable[[Desk, Arguments], Any]
    usage: str
    about: str
    options: tuple[Option, ...] = ()
    n_words: int = 1
    takes: str = ""


MANY = frozenset({"agent", "rule"})
"""Options that may be given several times."""


def read_arguments(name: str, verb: Verb, line: str) -> Arguments:
    """Read what stands after a verb.

    Parameters
    ----------
    name : str
        The verb.
    verb : Verb
        What it takes.
    line : str
        The rest of the line.

    Returns
    -------
    Arguments
        Words and options.

    Raises
    ------
    CellError
        If there are too many words, or an option is unknown, has no value or a wrong one.
    """
    text = line.strip()
    if verb.n_words < 0:
        return Arguments(text=text)
    tokens = split_line(line)
    known = {each: option for option in verb.options for each in (option.long, option.short) if each}
    words: list[str] = []
    values: dict[str, Any] = {}
    while tokens:
        token = tokens.pop(0)
        long, equals, value = token.text.partition("=") if token.text.startswith("--") else (token.text, "", "")
        if token.quoted or not (long in known or long.startswith("-")):
            words.append(token.text)
        elif long not in known:
            raise CellError(_unknown(name, long, verb.options))
        else:
            option = known[long]
            after = value if equals or not option.metavar else _value(tokens, option)
            _set(values, option, after, equals)
    if len(words) > verb.n_words:
        takes = f"{verb.usage!r}" if verb.usage else "nothing"
        raise CellError(f"'{_called(name)}' takes {takes}; found {quoted(' '.join(words))}")
    return Arguments(tuple(words), values, text)


def _called(name: str) -> str:
    return name if name.startswith("%") else f"%mars {name}"


def _unknown(name: str, found: str, options: Sequence[Option]) -> str:
    names = [option.long for option in options]
    expected = f"expected {', '.join(names)}" if names else "it takes none"
    return f"'{_called(name)}': unknown option {quoted(found)}{nearest_option(found, options) or f'; {expected}'}"


def _value(tokens: list[Any], option: Option) -> str:
    if not tokens:
        raise CellError(f"{option.long!r} needs a value: '{option.long} {option.metavar}'")
    text: str = tokens.pop(0).text
    return text


def _set(values: dict[str, Any], option: Option, text: str, equals: str) -> None:
    if not option.metavar:
        if equals:
            raise CellError(f"{option.long!r} takes no value; write {option.long!r} alone")
        values[option.key] = True
        return
    try:
        value = option.read(text)
    except ValueError as error:
        raise CellError(f"{quoted(f'{option.long} {text}')}: expected {error}") from None
    if option.key in MANY:
        values.setdefault(option.key, []).append(value)
    elif option.key in values:
        raise CellError(f"{option.long!r} is given twice; keep one of them")
    else:
        values[option.key] = value
