"""Completion inside ``%%mars`` cells, ``%mars`` and ``%%agent`` lines: agents, rules, options, verbs, runs, variables.

Python's own suggestions are kept out of them, also where nothing of ours fits: a cell is no Python.
"""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from IPython.core.completer import SimpleCompletion, SimpleMatcherResult, context_matcher

from mars_nb.agents.providers import OFFLINE, PROVIDERS
from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import MarsError
from mars_nb.jupyter.agent_cells import USAGE
from mars_nb.jupyter.cell_lines import FENCE, HEADERS
from mars_nb.jupyter.help import TOPICS
from mars_nb.jupyter.options import FORMATS, KINDS, OPTIONS, VERB_OPTIONS, VIEWS, WIDTHS_IN
from mars_nb.jupyter.placeholders import own_names
from mars_nb.jupyter.runs import Run, record_of
from mars_nb.jupyter.verbs import BUILT
from mars_nb.state import positions
from mars_nb.topology.names import RESERVED
from mars_nb.topology.notation import edge_names
from mars_nb.topology.rule_text import RULE_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from IPython.core.completer import CompletionContext

    from mars_nb.jupyter.arguments import Verb
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.options import Option

_LINE_MAGIC = re.compile(r"(?:.*=\s*)?%mars\s(?P<rest>.*)$")
_CELL_MAGIC = re.compile(r"%%(?P<magic>mars|agent)(?:\s|$)")
_WHOLE_TASK = re.compile(r"\s(?:-t|--topology)\b")
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w*)$")
_LAST_NAME = re.compile(r"(?:->|,|\(|:|^)\s*([^,>(:]*)$")
MODELS = (OFFLINE, *(f"{provider}:" for provider in PROVIDERS), "local:smollm2")
_RULES = tuple(f"{word}(" for word in RULE_WORDS)
_CHOICES: Final[dict[str, Sequence[str]]] = {
    "--view": VIEWS,
    "--format": FORMATS,
    "--checkpoint-every": ("join", "step"),
    "--model": MODELS,
    "--kind": KINDS,
    "--width": tuple(WIDTHS_IN),
    "--rule": _RULES,
}
_OPTIONS: Final = {name: option for option in (*OPTIONS, *VERB_OPTIONS) for name in (option.long, option.short) if name}

Found = tuple[str, "Iterable[str]", str]
"""What is typed already, what may stand there, and what kind of thing that is."""


class Matcher:
    """Finds what may stand at the cursor.

    Parameters
    ----------
    desk : Desk
        Knows the variables and the runs.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @context_matcher(identifier="mars_nb")  # type: ignore[untyped-decorator]  # IPython
    def match(self, context: CompletionContext) -> SimpleMatcherResult:
        """Give the completions in the form that IPython asks for.

        Where nothing fits, what is typed stays as it is: only a matcher that has something may suppress the others.
        """
        found = self.found(context.full_text, context.cursor_line, context.text_until_cursor)
        typed, fitting, kind = found or ("", (), "")
        names = [name for name in fitting if name.casefold().startswith(typed.casefold())]
        shown = names or ([typed] if found else [])
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=name, type=kind) for name in dict.fromkeys(shown)],
            matched_fragment=typed,
            suppress=found is not None,
            ordered=True,
        )

    def found(self, text: str, number: int, before: str) -> Found | None:
        """Find what may stand at the cursor.

        Parameters
        ----------
        text : str
            The whole cell.
        number : int
            The line of the cursor, from 0.
        before : str
            That line up to the cursor.

        Returns
        -------
        tuple of str, iterable of str and str, or None
            What is typed already, what may stand there, and its kind; None where Python knows better.
        """
        if line := _LINE_MAGIC.match(before):
            return self._verb(line["rest"])
        lines = text.split("\n")
        head = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), number)
        magic = _CELL_MAGIC.match(lines[head] if number > head else before) if number >= head else None
        if magic is None or (number == head and not re.search(r"\s", before)):
            return None
        if number == head:
            return self._head(magic["magic"], before)
        if magic["magic"] == "agent":
            return None
        return self._cell_line(lines[head], lines[head + 1 : number], before)

    def _head(self, magic: str, before: str) -> Found:
        """Find what may stand on the line of a cell magic: a name, then options."""
        *words, typed = re.split(r"\s+", before)
        if value := self._value_at(words, typed):
            return value
        options = _left(OPTIONS if magic == "mars" else USAGE.options, words)
        if typed.startswith("-") or len(words) > 1:
            return typed, options, "option"
        names = self._bound() if magic == "mars" else AgentRegistry.default().names()
        return typed, [*names, *options], "name"

    def _verb(self, rest: str) -> Found:
        """Find what may stand after ``%mars``: a verb, its words and options."""
        *words, typed = re.split(r"\s+", rest.lstrip())
        if not words:
            return typed, sorted(BUILT), "command"
        verb = BUILT.get(words[0])
        if verb is None:
            return typed, (), ""
        return self._value_at(words, typed) or self._argument(verb, words[1:], typed)

    def _argument(self, verb: Verb, words: list[str], typed: str) -> Found:
        takes, place = verb.takes.split(), _n_words(words)
        if typed.startswith("-") or place >= len(takes):
            return typed, _left(verb.options, words), "option"
        return self._word(takes[place], typed)

    def _word(self, takes: str, typed: str) -> Found:
        run, at, where = typed.partition("@")
        if at and takes in ("where", "place", "at"):
            return where, self._positions(run), "position"
        known: dict[str, Callable[[], Iterable[str]]] = {
            "place": lambda: [*self._runs(), *self._positions("")],
            "live": lambda: [run.name for run in self._desk.live],
            "file": lambda: _files(typed),
            "model": lambda: MODELS,
            "topic": lambda: TOPICS,
        }
        return typed, known.get(takes, self._runs)(), takes

    def _positions(self, run: str) -> list[str]:
        """Give the checkpoints and the steps of a run; none if it cannot be read."""
        try:
            record = record_of(self._desk.find(run))
            holder = self._desk.store.holder(record.session_id, record.place)
            records = holder.records(record.session_id) if record.session_id else []
        except MarsError:
            return []
        return [*positions.checkpoints(records), *positions.completed_steps(records)]

    def _value_at(self, words: list[str], typed: str) -> Found | None:
        """Find what may stand for the value of an option, ``--view st`` or ``--view=st``; None if none is due here."""
        if place := _PLACEHOLDER.search(typed):
            return place[1], self._data(), "variable"
        long, equals, value = typed.partition("=")
        if equals and long in _OPTIONS:
            return self._value(_OPTIONS[long].long, value)
        option = _OPTIONS.get(words[-1]) if words else None
        return self._value(option.long, typed) if option and option.metavar else None

    def _value(self, option: str, typed: str) -> Found:
        known: dict[str, Callable[[], Iterable[str]]] = {
            "--topology": self._data,
            "--context": self._data,
            "--user": lambda: [*self._data(), *self._functions()],
            "--tools": self._functions,
            "--pause-before": AgentRegistry.default().names,
            "--agent": AgentRegistry.default().names,
            "--session": self._desk.store.ids,
            "--from": self._runs,
        }
        if find := known.get(option):
            return re.split("[,=]", typed)[-1], find(), option.removeprefix("--")
        return typed, _CHOICES.get(option, ()), "value"

    def _cell_line(self, magic: str, above: list[str], before: str) -> Found:
        if place := _PLACEHOLDER.search(before):
            return place[1], self._data(), "variable"
        header = before.partition(":")[0].strip().casefold() if ":" in before else ""
        is_fenced = "\n".join(above).count(FENCE) % 2 == 1
        last = _LAST_NAME.search(before)
        typed = last[1] if last else ""
        if header == "task" or before[:1].isspace() or is_fenced or _WHOLE_TASK.search(magic):
            return "", (), ""
        if header == "context":
            return typed, self._data(), "variable"
        if header == "entry":
            return typed, [name for name in self._agents(above) if name not in RESERVED], "agent"
        if "->" in before or "(" in before:
            return typed, self._agents(above), "agent"
        starts = [*(f"{header} " for header in HEADERS), *_RULES]
        return before, [*starts, *self._agents(above)], "line"

    def _agents(self, above: list[str]) -> list[str]:
        drawn = [name for line in above for name in edge_names(line) or ()]
        return [*dict.fromkeys([*AgentRegistry.default().names(), *drawn, *sorted(RESERVED)])]

    def _data(self) -> list[str]:
        """Give the variables that hold something which can be written down, or drawn."""
        names, variables = own_names(self._desk.variables), self._desk.variables
        return sorted(each for each in names if not (callable(variables[each]) or _is_code(variables[each])))

    def _functions(self) -> list[str]:
        names, variables = own_names(self._desk.variables), self._desk.variables
        return sorted(each for each in names if callable(variables[each]) and not _is_code(variables[each]))

    def _bound(self) -> list[str]:
        return [name for name, value in self._desk.variables.items() if isinstance(value, Run)]

    def _runs(self) -> list[str]:
        return [*sorted({*self._bound(), *(run.name for run in self._desk.runs)}), *self._desk.store.ids()]


def _is_code(value: object) -> bool:
    return isinstance(value, type | ModuleType)


def _left(options: Iterable[Option], words: list[str]) -> list[str]:
    """Give the options that are not there yet."""
    return [option.long for option in options if not {option.long, option.short} & set(words)]


def _n_words(words: list[str]) -> int:
    """Count the words that are neither options nor their values."""
    is_value = [bool((option := _OPTIONS.get(before)) and option.metavar) for before in ["", *words]]
    return sum(not (word.startswith("-") or after) for word, after in zip(words, is_value, strict=False))


def _files(typed: str) -> list[str]:
    """Give the files and folders of which the path so far may be the beginning."""
    folder = typed[: typed.rfind("/") + 1]
    try:
        inside = sorted(Path(folder or ".").expanduser().iterdir())
    except OSError:
        return []
    return [f"{folder}{each.name}{'/' if each.is_dir() else ''}" for each in inside if not each.name.startswith(".")]
