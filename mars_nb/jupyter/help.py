"""What ``%mars help`` says, one short text a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mars_nb.errors import CellError, did_you_mean
from mars_nb.jupyter.options import OPTIONS
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mars_nb.jupyter.arguments import Verb

LATER_VERBS = ("executor",)
"""Verbs that are planned and not built."""
_START = """\
A team of agents in a cell: first define them, then draw who may talk to whom.

    %%agent Planner
    def plan(request):
        return f"a plan for: {request}"

    %%mars report
    task: Compare the two quarters
    User -> Planner -> User

The run is bound to `report`: report.final_response, report.timeline(), %mars show report.
%mars demo runs a small team.
Topics: """

_CELL = """\
%%mars [NAME] [options]      NAME is the variable of the run; without it, `run`
task: what is asked          goes on over indented lines; nothing in it is a comment or an arrow
User -> A -> B, C -> D       hands over; B and C run in parallel, D gets both
D <-> E                      a conversation; max_turns(D <-> E, 3) ends it
D -> User                    the answer
context: table, limits       variables that every agent gets
entry: A                     where the task goes when nothing is drawn from User
timeout(300)                 a rule, see %mars help rules
# a comment

    %%mars report --max-steps 20
    task: Compare {first} and {second}
    User -> Planner -> North, South -> Writer -> User"""

_RULES = """\
timeout(S)  timeout(Agent, S)      seconds for the run, for one attempt of an agent
max_steps(N)                       steps of the run
max_turns(A <-> B, N)              how often the one who opens a conversation may speak
parallel(A, B)                     take these together when one of them is
max_parallel(N)                    steps at once
quorum(Agent, SHARE)               go on when so many of those it waits for are there: 0.75
retry(Agent, N)                    attempts in all
pause_before(Agent)                pause when this agent is to start
budget(USD)  max_tokens(N)         what models may cost, and read and write

    User -> Planner -> North, South, East -> Writer -> User
    quorum(Writer, 0.6)"""

_AGENTS = """\
%%agent NAME and one function below make an agent. It takes (request), (request, context) or
(request, context, memory) and returns text, JSON, a table, or an action:
    Invoke("Writer", request)   Parallel([("A", x), ("B", y)])   AskUser("…?")   Final(answer)   EndConversation()
Plain functions run in threads, `async def` on the loop, generators stream what they yield.
In Python: from mars_nb import agent, Agent. %mars agents lists them. --stub lets missing ones repeat what they hear.
%%agent NAME and text below: instructions, for which a model speaks. [--model M] [--tools f,g] [--description D].
%mars model says which one does where none is named: MARS_MODEL, else `offline`, a small worker that needs no key.

    %%agent Writer --description "puts findings into one text"
    You are a writer. Put what you receive into one paragraph."""

_PLACEHOLDERS = """\
{name} in a task is the variable of that name: text as it is, numbers, lists and dicts as JSON, a table as CSV up to
20 kB. {{name}} is the literal text, and every other brace is text as well. Only names: compute anything else in a
Python cell first. A task that is nothing but {name} hands over the value itself. --raw fills in nothing.

    %%mars report
    task: Sum up {table} in the form {{"total": …}}"""

_QUESTIONS = """\
An agent with an edge to User may ask: AskUser("Publish?"), or in a conversation, User <-> Tutor. The live view asks in
a box, and %mars answer TEXT does the same; a kernel that hears no clicks while its cell runs asks with an input line.
Where nobody types (nbclient, papermill, CI), --user VAR names a list of replies, or a function from a question to a
reply. Without one the run pauses, and %mars answer TEXT goes on with it, also after a restart. The other agents go on.

    replies = ["yes", "no"]
    %%mars report -u replies"""

_VIEW = """\
A run shows itself while it goes on: what each agent does, who speaks, when each step ran, and buttons. Each button
shows the %mars line that does the same. Click an agent, an edge or a bar to look closer; drag the slider to see the run
as it was, and fork it there. Keys inside the view: Space pause or resume, . one step, arrows from agent to agent,
Enter look closer, Esc close, ? all keys. When the run is over, its picture and its answer stay in the notebook.

    %%mars report -b --pace 1          in the background, slow enough to watch; every kernel hears clicks then
    %mars show report                  the live view again, also of a run that is over
    %mars watch report-1               in another notebook: look on, and pause; for a projector
    %config MarsMagics.view = "static" pictures instead; also --view static, --view none, -q

A kernel before ipykernel 7 hears no clicks while a cell runs: press the stop button of the notebook, which pauses."""

_ERRORS = """\
A run that fails or pauses ends its cell with one line, so that Run All stops there; --keep-going, or the cell tag
raises-exception, lets it go on. Everything until then is kept: run.timeline(), run.error; %mars resume goes on.
The stop button pauses a run: the running steps finish, for up to five seconds. Press it again to cancel them; they are
asked again when the run is resumed. %mars check lists all that is wrong with the cell that was tried last.

    %%mars report --keep-going
    report.error"""

_SESSIONS_END = """\
A run is kept beside the notebook as session report-1, report-2, …: pause it, close everything, resume it another day.
RUN: a variable, a session's id, or how one begins; default: the last run. WHERE: a seq, a checkpoint, or Writer#2.

    %mars fork report@Writer#1 --as other --edit "a better text"
    %mars compare report other"""

VERB_EXAMPLE = "    df = %mars timeline report"

_OPTION_NOTES = {
    "topology": "take the topology from a variable, a run, a 'pattern(…)' or a file; the cell is the task",
    "background": "go on while other cells run; await it, or %mars pause it",
    "dry_run": "draw and check, run nothing",
    "max_steps": "most steps of the run",
    "session": "the run is this session: new, gone on with, or shown again if it is over",
    "once": "the same with an id made from cell, agents and inputs: Run All costs nothing",
    "context": "a variable that every agent gets; several by comma",
    "model": "which model speaks in this run: offline, openai:…, anthropic:…, google:…, ollama:…",
    "user": "who answers questions: a list of replies, or a function",
    "checkpoint_every": "name positions on the way: step-4 after four steps",
    "pause_before": "pause when this agent is to start; several by comma",
    "pace": "each step takes at least so many seconds, to watch it",
    "raw": "fill in no {placeholders}",
    "view": "repaint while it runs, show the end only, or show no picture",
    "quiet": "show nothing but errors",
    "format": "how the answer is shown",
    "in_memory": "keep the run in memory only, not in .mars beside the notebook",
    "stub": "agents that are not defined repeat what they are asked",
    "replace": "overwrite a variable that is no run",
    "keep_going": "a run that fails or pauses does not end its cell with an error",
}


def _options() -> str:
    built = [option for option in OPTIONS if option.key in _OPTION_NOTES]
    names = {option.key: f"{option.long} {option.metavar}".strip() for option in built}
    rows = [f"{option.short or '  '}  {names[option.key]:26} {_OPTION_NOTES[option.key]}" for option in built]
    example = "    %%mars report -b --checkpoint-every join --pause-before Writer"
    return "\n".join([*rows, "", example])


def verb_lines(verbs: Mapping[str, Verb]) -> str:
    """Give the help on verbs: one line each, and what a run and a position are called."""
    rows = [f"{f'%mars {name} {verb.usage}':36} {verb.about}" for name, verb in verbs.items()]
    if "sessions" in verbs:
        return "\n".join([*rows, _SESSIONS_END])
    later = ", ".join(LATER_VERBS)
    more = "%mars help sessions: pause, resume, go back, fork, compare."
    return "\n".join([*rows, more, f"In a later release: {later}.", "", VERB_EXAMPLE])


TOPICS = ("cell", "options", "rules", "agents", "placeholders", "view", "questions", "errors", "verbs", "sessions")
"""What help can be had on."""


def help_text(topic: str = "") -> str:
    """Give the help on a topic.

    Parameters
    ----------
    topic : str
        One of `TOPICS`; empty for where to begin.

    Returns
    -------
    str
        Some lines of text.

    Raises
    ------
    CellError
        If there is no such topic.

    Examples
    --------
    >>> help_text("options").splitlines()[2]
    '-n  --dry-run                  draw and check, run nothing'
    """
    texts = {
        "": _START + ", ".join(TOPICS),
        "cell": _CELL,
        "options": _options(),
        "rules": _RULES,
        "agents": _AGENTS,
        "placeholders": _PLACEHOLDERS,
        "view": _VIEW,
        "questions": _QUESTIONS,
        "errors": _ERRORS,
    }
    if topic not in texts:
        near = did_you_mean(topic[:80], TOPICS)
        raise CellError(f"there is no help on {quoted(topic)}{near}; topics: {', '.join(TOPICS)}")
    return texts[topic]
