"""Completion inside ``%%mars`` cells and ``%mars`` lines: agents, rules, headers, variables, options, verbs, runs.

Where something of ours fits, Python's own suggestions are kept out: a cell is no Python.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import SimpleCompletion, SimpleMatcherResult, context_matcher

from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import MarsError
from mars_nb.jupyter.cell_lines import HEADERS
from mars_nb.jupyter.help import TOPICS
from mars_nb.jupyter.options import KINDS, OPTIONS, WIDTHS_IN
from mars_nb.jupyter.placeholders import own_names
from mars_nb.jupyter.runs import Run, record_of
from mars_nb.jupyter.verbs import BUILT
from mars_nb.state import positions
from mars_nb.topology.names import RESERVED
from mars_nb.topology.notation import edge_names
from mars_nb.topology.rule_text import RULE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from IPython.core.completer import CompletionContext

    from mars_nb.jupyter.desk import Desk

_LINE_MAGIC = re.compile(r"(?:.*=\s*)?%mars(?P<rest>(?:\s.*)?)$")
_PLACEHOLDER = re.compile(r"(?<!\{)\{(\w*)$")
_LAST_NAME = re.compile(r"(?:->|,|\(|:|^)\s*([^,>(:]*)$")
MODELS = ("offline", "openai:", "anthropic:", "google:", "ollama:", "local:smollm2")
_CHOICES = {
    "--view": ("live", "static", "none"),
    "--format": ("md", "text", "json"),
    "-f": ("md", "text", "json"),
    "--checkpoint-every": ("join", "step"),
    "--model": MODELS,
    "-m": MODELS,
    "--kind": KINDS,
    "--width": tuple(WIDTHS_IN),
}
_VARIABLE_OPTIONS = {"-t", "--topology", "-c", "--context", "-u", "--user"}

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
        """Give the completions in the form that IPython asks for."""
        typed, fitting, kind = self.found(context.full_text, context.cursor_line, context.text_until_cursor)
        names = [name for name in fitting if name.casefold().startswith(typed.casefold())]
        return SimpleMatcherResult(
            completions=[SimpleCompletion(text=name, type=kind) for name in dict.fromkeys(names)],
            matched_fragment=typed,
            suppress=bool(names),
            ordered=True,
        )

    def found(self, text: str, number: int, before: str) -> Found:
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
        tuple of str, iterable of str and str
            What is typed already, what may stand there, and its kind.
        """
        if line := _LINE_MAGIC.match(before):
            return self._verb(line["rest"])
        lines = text.split("\n")
        head = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), number)
        if not re.match(r"%%mars(\s|$)", lines[head]) or number < head:
            return "", (), ""
        if number == head:
            return self._option(before)
        return self._cell_line(lines[head + 1 : number], before)

    def _verb(self, rest: str) -> Found:
        *words, typed = rest.split(" ") if rest.strip() else ["", ""]
        words = [word for word in words if word]
        if not words:
            return typed, sorted(BUILT), "command"
        verb = BUILT.get(words[0])
        if verb is None:
            return typed, (), "run"
        if typed.startswith("-"):
            return typed, [option.long for option in verb.options if option.long not in words], "option"
        if words[-1] in _CHOICES or words[-1] in _VARIABLE_OPTIONS:
            return self._option_value(words[-1], typed)
        return self._argument(verb.takes, typed)

    def _argument(self, takes: str, typed: str) -> Found:
        if takes == "model":
            return typed, MODELS, "model"
        if takes == "topic":
            return typed, TOPICS, "topic"
        if takes in ("where", "at") and "@" in typed:
            run, _, where = typed.partition("@")
            return where, self._positions(run), "position"
        if takes == "live":
            return typed, [run.name for run in self._desk.live], "run"
        if takes == "where":
            return typed, [*self._runs(), *self._positions("")], "run"
        return typed, self._runs() if takes in ("run", "at") else (), "run"

    def _positions(self, run: str) -> list[str]:
        """Give the checkpoints and the steps of a run; none if it cannot be read."""
        try:
            session_id = record_of(self._desk.find(run)).session_id
            records = self._desk.store.holder(session_id).records(session_id) if session_id else []
        except MarsError:
            return []
        return [*positions.checkpoints(records), *positions.completed_steps(records)]

    def _option_value(self, option: str, typed: str) -> Found:
        return (typed, _CHOICES[option], "value") if option in _CHOICES else (typed, self._variables(), "variable")

    def _option(self, before: str) -> Found:
        *words, typed = re.split(r"\s+", before)
        last = words[-1] if words else ""
        if last in _CHOICES or last in _VARIABLE_OPTIONS:
            return self._option_value(last, typed)
        if last in ("-s", "--session"):
            return typed, self._desk.store.ids(), "session"
        if last in ("-p", "--pause-before"):
            return typed, AgentRegistry.default().names(), "agent"
        given = set(words)
        options = [option.long for option in OPTIONS if option.long not in given]
        return (typed, options, "option") if typed.startswith("-") or len(words) > 1 else (typed, (), "")

    def _cell_line(self, above: list[str], before: str) -> Found:
        if place := _PLACEHOLDER.search(before):
            return place[1], self._variables(), "variable"
        header = before.partition(":")[0].strip().casefold() if ":" in before else ""
        last = _LAST_NAME.search(before)
        typed = last[1] if last else ""
        if header == "task" or before[:1].isspace():
            return "", (), ""
        if header == "context":
            return typed, self._variables(), "variable"
        if header == "entry" or "->" in before or "(" in before:
            return typed, self._agents(above), "agent"
        starts = [*(f"{header} " for header in HEADERS), *(f"{word}(" for word in RULE_WORDS)]
        return before, [*starts, *self._agents(above)], "line"

    def _agents(self, above: list[str]) -> list[str]:
        drawn = [name for line in above for name in edge_names(line) or ()]
        return [*dict.fromkeys([*AgentRegistry.default().names(), *drawn, *sorted(RESERVED)])]

    def _variables(self) -> list[str]:
        return sorted(own_names(self._desk.variables))

    def _runs(self) -> list[str]:
        bound = [name for name, value in self._desk.variables.items() if isinstance(value, Run)]
        return [*sorted({*bound, *(run.name for run in self._desk.runs)}), *self._desk.store.ids()]
