"""The verbs of ``%mars``: one function each, from the desk and the arguments to something usable.

``df = %mars timeline`` is a DataFrame; what is only text shows itself as text.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from mars_nb.errors import CellError, MarsError, did_you_mean
from mars_nb.jupyter import figures, keeping, looking, speaking, steering
from mars_nb.jupyter.arguments import Verb, read_arguments
from mars_nb.jupyter.cell import parse
from mars_nb.jupyter.demo import run_demo
from mars_nb.jupyter.display import Text
from mars_nb.jupyter.help import help_text, verb_lines
from mars_nb.jupyter.options import OPTIONS, VERBS, first_word, options_of
from mars_nb.jupyter.plans import missing, summary, topology_of, unknown_agents
from mars_nb.topology.drawings import DRAWINGS
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.views.frames import strings
from mars_nb.views.table import tabled

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from mars_nb.jupyter.arguments import Arguments
    from mars_nb.jupyter.desk import Desk
    from mars_nb.topology.model import Topology


def call(desk: Desk, line: str) -> object:
    """Do what a ``%mars`` line says.

    Parameters
    ----------
    desk : Desk
        What the notebook knows.
    line : str
        A verb and its arguments; empty for the status.

    Returns
    -------
    object
        What the verb gives: a table, a run or a text.

    Raises
    ------
    CellError
        If there is no such verb, it comes later, or its arguments are wrong.
    """
    if not line.strip() or line.lstrip().startswith("#"):
        return looking.status(desk)
    name, rest = first_word(line)
    name = "help" if name in ASKS_FOR_HELP else name
    if name not in BUILT:
        raise CellError(_no_verb(name))
    verb = BUILT[name]
    return verb.do(desk, read_arguments(name, verb, rest))


def _no_verb(name: str) -> str:
    if name in VERBS:
        return f"'%mars {name}' comes in a later release; %mars help verbs lists what there is"
    hint = did_you_mean(name[:40], BUILT) or f"; there are: {', '.join(sorted(BUILT))}"
    return f"'%mars {name[:40]}' is no command{hint}"


def patterns(_desk: Desk, _arguments: Arguments) -> pd.DataFrame:
    """Give one row a pattern: ``pattern``, ``call`` (what ``-t`` takes), ``description`` (str)."""
    return tabled(
        {
            "pattern": strings(DRAWINGS),
            "call": strings(_call_of(name, draw) for name, draw in DRAWINGS.items()),
            "description": strings(_first_line(name) for name in DRAWINGS),
        }
    )


def _call_of(name: str, draw: Callable[..., object]) -> str:
    arguments = inspect.signature(draw).parameters.values()
    shown = [each.name if each.default is each.empty else f"{each.name}={_written(each.default)}" for each in arguments]
    return f"{name}({', '.join(shown)})"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _first_line(name: str) -> str:
    from mars_nb.topology.patterns import PatternConfig

    return (inspect.getdoc(getattr(PatternConfig, name)) or "").partition("\n")[0]


def check(desk: Desk, arguments: Arguments) -> Text:
    """Check the cell that was tried last, or the topology of a run."""
    if arguments.words:
        return Text(_verdict(desk.find(arguments.word()).topology))
    if desk.last_cell is None:
        raise CellError("there is no %%mars cell to check yet; run one, or draw it with %%mars --dry-run")
    line, text = desk.last_cell
    try:
        return Text(_verdict(topology_of(parse(line, text, desk.variables))))
    except MarsError as error:
        problems = getattr(error, "problems", (error,))
        return Text("\n".join(f"{i}. {problem}" for i, problem in enumerate(problems, start=1)))


def _verdict(topology: Topology) -> str:
    TopologyAnalyzer().analyze(topology)
    unknown = unknown_agents(topology)
    if unknown:
        return "\n".join(f"{i}. {missing([name])}" for i, name in enumerate(unknown, start=1))
    return f"no problem: {summary(topology)}"


def show(desk: Desk, arguments: Arguments) -> object:
    """Show a run, or with ``--kind`` another picture of it than that of its topology."""
    if arguments.options.get("kind", "topology") == "topology":
        return looking.show(desk, arguments)
    return figures.show_kind(desk, arguments)


def show_demo(desk: Desk, _arguments: Arguments) -> None:
    """Run a small team, and show the cell that does it."""
    run_demo(desk)


def show_help(_desk: Desk, arguments: Arguments) -> Text:
    """Give the help on a topic."""
    topic = arguments.word()
    if topic in ("verbs", "sessions"):
        return Text(
            verb_lines({name: verb for name, verb in BUILT.items() if (name in LOOKING_VERBS) == (topic == "verbs")})
        )
    return Text(help_text(topic))


_SHOWN = ("background", "topology", "model", "quiet", "view", "format", "keep_going")
_GO_ON = options_of("max_steps", "user", "rule", *_SHOWN)
_FORK = options_of("as", "edit", "agent", *_SHOWN)

BUILT: dict[str, Verb] = {
    "agents": Verb(looking.agents, "[--from RUN]", "the agents, or those of a run", options_of("from"), 0),
    "answer": Verb(steering.answer, "TEXT", "answer the question that is open", n_words=-1),
    "check": Verb(check, "[RUN]", "what is wrong with the last cell", takes="run"),
    "checkpoint": Verb(steering.checkpoint, "[RUN@]NAME", "give the present position a name", takes="at"),
    "clean": Verb(keeping.clean, "[--keep N]", "delete finished sessions but the last N (20)", options_of("keep"), 0),
    "compare": Verb(looking.compare, "A B", "two runs step by step, as a table", n_words=2, takes="run run"),
    "cost": Verb(looking.cost, "[RUN]", "steps, seconds, tokens and dollars, as a table", takes="run"),
    "delete": Verb(keeping.delete, "RUN", "delete a session", takes="run"),
    "demo": Verb(show_demo, "", "a small team at work", n_words=0),
    "export": Verb(keeping.export, "[RUN] [FILE]", "a session as one file", n_words=2, takes="run file"),
    "figure": Verb(
        figures.figure,
        "FILE [RUN[@WHERE]]",
        "a picture as .pdf, .png, .svg: --kind topology|gantt|cost|tokens, --width 3.5|7",
        options_of("kind", "width"),
        2,
        takes="file where",
    ),
    "fork": Verb(
        steering.fork,
        "RUN@WHERE --as NEW",
        "another run from there: --edit TEXT, --agent OLD=NEW, -m MODEL",
        _FORK,
        takes="where",
    ),
    "help": Verb(show_help, "[TOPIC]", "this", takes="topic"),
    "import": Verb(keeping.bring_in, "FILE [--as ID]", "a session that was exported", options_of("as"), takes="file"),
    "model": Verb(speaking.model, "[NAME]", "which model speaks where none is named; choose it", takes="model"),
    "patterns": Verb(patterns, "", "teams that are drawn often, for -t", n_words=0),
    "pause": Verb(
        steering.pause,
        "[RUN] [--now]",
        "no step starts, the running ones finish; also in another kernel",
        options_of("now"),
        takes="live",
    ),
    "replay": Verb(
        looking.replay, "[RUN] [--speed 4x]", "play it again, asking nobody", options_of("speed"), takes="run"
    ),
    "restore": Verb(steering.restore, "[RUN@]WHERE", "go back; what came after stays in the journal", takes="place"),
    "resume": Verb(
        steering.resume,
        "[RUN] [-b]",
        "go on: --topology T, --rule R, --max-steps N, -m MODEL, -u VAR",
        _GO_ON,
        takes="run",
    ),
    "run": Verb(keeping.run_file, "FILE [NAME] [options]", "run a cell that was saved", OPTIONS, -1, takes="file"),
    "save": Verb(keeping.save, "FILE [--replace]", "the last cell as a file", options_of("replace"), takes="file"),
    "sessions": Verb(looking.sessions, "", "all sessions, as a table", n_words=0),
    "show": Verb(
        show,
        "[RUN[@WHERE]]",
        "picture and answer, now or as it was; --kind gantt: over time",
        options_of("kind"),
        takes="where",
    ),
    "step": Verb(steering.step, "[RUN]", "each branch that can do one step does, then pause", _GO_ON, takes="run"),
    "stop": Verb(steering.stop, "[RUN]", "end it; what it has is kept", takes="live"),
    "timeline": Verb(looking.timeline, "[RUN[@WHERE]]", "one row a step: df = %mars timeline report", takes="where"),
    "trust": Verb(keeping.trust, "RUN", "allow a session made elsewhere to go on", takes="run"),
    "watch": Verb(
        looking.watch, "[ID]", "a live view of a session that another kernel runs; it can pause it", takes="run"
    ),
    "why": Verb(looking.why, "[RUN@]STEP", "which events and which rule made a step run", takes="place"),
}
"""The verbs that exist, by name."""

ASKS_FOR_HELP = ("-h", "--help", "?")
"""What other commands take for `help`."""
LOOKING_VERBS = frozenset({
    "agents", "check", "cost", "demo", "figure", "help", "model",
    "patterns", "run", "save", "show", "timeline", "watch",
})  # fmt: skip
"""Those that ``%mars help verbs`` tells about; ``%mars help sessions`` tells about the others."""
