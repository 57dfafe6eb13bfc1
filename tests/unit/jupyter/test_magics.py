from __future__ import annotations

import asyncio
import re
import signal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from traitlets import TraitError

from mars_nb import AgentRegistry, AskUser, CellError, PatternConfig, Topology, agent
from mars_nb.errors import RunFailed, RunNotFound, RunPaused, RunStopped, TopologyError
from mars_nb.jupyter import demo, foreground, load_ipython_extension, unload_ipython_extension
from mars_nb.jupyter.desk import N_RUNS
from mars_nb.jupyter.foreground import close_run, keyboard_of, open_run, run_now
from mars_nb.jupyter.help import TOPICS
from mars_nb.jupyter.options import VERBS
from mars_nb.jupyter.runner import run_behind
from mars_nb.jupyter.runs import Run
from mars_nb.jupyter.screens import Screen
from mars_nb.jupyter.verbs import BUILT

if TYPE_CHECKING:
    from pathlib import Path

    from IPython.core.interactiveshell import InteractiveShell

    from tests.unit.jupyter.conftest import Notebook

CELL = "task: hello\nUser -> Echo -> User"


@pytest.fixture
def echo(notebook: Notebook) -> Notebook:
    agent("Echo")(lambda request: f"you said {request}")
    return notebook


def test_loading_shows_one_truthful_line(shell: InteractiveShell, shown: list[dict[str, Any]]) -> None:
    load_ipython_extension(shell)
    [output] = shown
    unload_ipython_extension(shell)
    line = output["data"]["text/plain"]
    assert "model: offline" in line
    assert "nothing is sent anywhere" in line
    assert line.endswith("try %mars demo")


# -------------------------------------------------------------------------------------------------------------- %%mars


def test_a_cell_shows_picture_answer_and_next_steps_and_binds_its_run(echo: Notebook) -> None:
    assert echo.mars("report", CELL) is None
    *shown, below = echo.texts
    assert shown == ["✓ Echo", "you said hello"]
    assert re.fullmatch(r"Done · 1 step · \d:\d\d · \$0\.000 · report\.timeline\(\) · %mars show report", below)
    assert "image/svg+xml" in echo.outputs[0]["data"]
    assert "text/markdown" in echo.outputs[1]["data"]
    assert echo.variables["report"].final_response == "you said hello"


async def test_an_awaited_cell_shows_the_same(echo: Notebook) -> None:
    await echo.shell.magics_manager.registry["MarsMagics"].run_cell("report", CELL)
    *shown, below = echo.texts
    assert shown == ["✓ Echo", "you said hello"]
    assert re.fullmatch(r"Done · 1 step · \d:\d\d · \$0\.000 · report\.timeline\(\) · %mars show report", below)


async def test_an_awaited_cell_can_be_a_dry_run(echo: Notebook) -> None:
    await echo.shell.magics_manager.registry["MarsMagics"].run_cell("-n", CELL)
    assert echo.texts == ["Echo", "checked: 1 agent, 2 edges; nothing has run"]


def test_a_run_is_called_run_unless_it_has_a_name(echo: Notebook) -> None:
    echo.mars("", CELL)
    assert isinstance(echo.variables["run"], Run)


def test_placeholders_are_filled_from_the_notebook_and_never_evaluated(echo: Notebook) -> None:
    echo.variables.update(word="{word} {1/0}")
    echo.mars("", "task: say {word}, {{word}}, {1/0} $word\nUser -> Echo -> User")
    assert echo.variables["run"].final_response == "you said say {word} {1/0}, {word}, {1/0} $word"


def test_raw_fills_in_nothing(echo: Notebook) -> None:
    echo.mars("-r", "task: say {word}\nUser -> Echo -> User")
    assert echo.variables["run"].final_response == "you said say {word}"


def test_context_reaches_the_agents(notebook: Notebook) -> None:
    agent("Reader")(lambda _request, context: f"{context['limits']} {context['table']['a'].sum()}")
    notebook.variables.update(limits=[1, 2], table=pd.DataFrame({"a": [3, 4]}))
    notebook.mars("-c limits", "task: x\ncontext: table\nUser -> Reader -> User")
    assert notebook.variables["run"].final_response == "[1, 2] 7"


def test_a_run_can_be_the_task_of_the_next(echo: Notebook) -> None:
    echo.mars("first", CELL)
    echo.mars("second", "task: {first}\nUser -> Echo -> User")
    assert echo.variables["second"].final_response == "you said you said hello"


def test_a_variable_that_is_no_run_is_not_overwritten_without_replace(echo: Notebook) -> None:
    echo.variables["report"] = 42
    with pytest.raises(CellError, match="--replace"):
        echo.mars("report", CELL)
    assert echo.variables["report"] == 42
    echo.mars("report --replace", CELL)
    echo.mars("report", CELL)
    assert isinstance(echo.variables["report"], Run)


@pytest.mark.parametrize(
    "value",
    [
        "User -> Echo -> User",
        {"edges": ["User -> Echo", "Echo -> User"]},
        [("User", "Echo"), ("Echo", "User")],
        Topology.from_text("User -> Echo -> User"),
        PatternConfig.broadcast("Echo", ["Silent"]),
    ],
)
def test_a_topology_may_be_a_variable_in_any_form(echo: Notebook, value: object) -> None:
    agent("Silent")(lambda request: request)
    echo.variables["team"] = value
    echo.mars("-t team", "hello -> you")
    assert echo.variables["run"].final_response == "you said hello -> you"


def test_a_topology_may_be_that_of_a_run(echo: Notebook) -> None:
    echo.mars("first", CELL)
    echo.mars("second -t first", "again")
    assert echo.variables["second"].final_response == "you said again"


def test_a_topology_may_be_a_quoted_pattern(echo: Notebook) -> None:
    agent("Silent")(lambda request: request)
    echo.mars('-t "broadcast(Echo, [Silent])"', "again")
    assert echo.variables["run"].final_response == "you said again"


def test_a_topology_may_be_a_file(echo: Notebook, tmp_path: Path) -> None:
    file = tmp_path / "team.mars"
    file.write_text("task: of its own\nUser -> Echo -> User\nmax_steps(5)", "utf-8")
    echo.mars(f"-t '{file}'", "again")
    assert echo.variables["run"].final_response == "you said again"


def test_a_file_that_is_not_there_is_one_line(echo: Notebook) -> None:
    with pytest.raises(CellError, match=r"'nowhere.mars': No such file or directory; expected a file"):
        echo.mars("-t nowhere.mars", "again")


def test_a_file_that_is_no_text_is_one_line(echo: Notebook, tmp_path: Path) -> None:
    (tmp_path / "team.mars").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CellError, match="it is no text"):
        echo.mars(f"-t '{tmp_path / 'team.mars'}'", "again")


def test_a_dry_run_draws_checks_binds_and_runs_nothing(notebook: Notebook) -> None:
    agent("Echo")(lambda _: pytest.fail("it ran"))
    notebook.mars("plan --dry-run", "User -> Echo -> User\ntimeout(5)")
    assert notebook.texts == ["Echo", "checked: 1 agent, 2 edges, 1 rule; nothing has run"]
    with pytest.raises(RunNotFound, match="only drawn"):
        _ = notebook.variables["plan"].final_response


def test_a_dry_run_names_agents_that_are_missing(notebook: Notebook) -> None:
    notebook.mars("-n", "User -> Echo -> User")
    assert "'Echo' is no agent here; define it: %%agent Echo; or --stub" in notebook.texts[-1]


def test_max_steps_limits_the_run(notebook: Notebook) -> None:
    agent("A")(lambda _: "a")
    agent("B")(lambda _: "b")
    with pytest.raises(RunFailed, match=r"run 'run' failed: .*max_steps"):
        notebook.mars("--max-steps 1", "task: x\nUser -> A -> B -> User")


def test_a_failed_run_draws_its_view_and_ends_its_cell(notebook: Notebook) -> None:
    agent("Bad")(lambda _: 1 / 0)
    with pytest.raises(RunFailed, match=r"run 'run' failed: Bad .*ZeroDivisionError"):
        notebook.mars("", "task: x\nUser -> Bad -> User")
    resume = "%mars resume run (asks again only what has no reply)"
    assert notebook.texts == ["✗ Bad", f"{resume} · run.timeline() · %mars show run"]
    assert notebook.variables["run"].status == "failed"


def test_a_failed_run_ends_its_cell_with_one_short_line(notebook: Notebook) -> None:
    def fails(_request: object) -> None:
        raise ValueError("first\nsecond" + "x" * 1_000)

    agent("Bad")(fails)
    with pytest.raises(RunFailed) as caught:
        notebook.mars("", "task: x\nUser -> Bad -> User")
    [line] = caught.value._render_traceback_()
    assert line.startswith("mars: run 'run' failed: ")
    assert "\n" not in line
    assert len(line) < 300


def test_keep_going_lets_the_notebook_go_on(notebook: Notebook) -> None:
    agent("Bad")(lambda _: 1 / 0)
    notebook.mars("--keep-going", "task: x\nUser -> Bad -> User")
    assert notebook.variables["run"].status == "failed"


def test_a_run_that_pauses_ends_its_cell_and_says_so(notebook: Notebook) -> None:
    agent("A")(lambda _: "a")
    agent("B")(lambda _: "b")
    with pytest.raises(RunPaused, match=r"run 'run' paused after 1 step \(pause_before\(B\)\); .*: %mars resume run"):
        notebook.mars("", "task: x\nUser -> A -> B -> User\npause_before(B)")
    assert notebook.texts == ["✓ A → ‖ B", "%mars resume run · %mars step run · run.timeline() · %mars show run"]
    assert notebook.mars().splitlines()[1] == "runs: run (paused, 1 step)"


def test_quiet_shows_nothing_in_the_background_and_of_a_session_that_is_over(echo: Notebook) -> None:
    echo.mars("report -b -q", CELL)
    echo.variables["report"].wait()
    echo.mars("-q --once", CELL)
    echo.mars("-q --once", CELL)
    assert echo.outputs == []


def test_a_run_that_was_over_at_once_does_not_go_on_in_the_background(
    echo: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_to_its_end(job: Any, screen: Screen) -> None:
        run_behind(job, screen)
        job.record.end.result()

    monkeypatch.setattr(foreground, "run_behind", run_to_its_end)
    said: list[str] = []
    monkeypatch.setattr(Screen, "say", lambda _screen, text: said.append(text))
    echo.mars("report -b", CELL)
    assert said[-1].startswith("Done · 1 step · ")


def test_a_run_at_a_limit_says_how_to_go_on(echo: Notebook) -> None:
    agent("Repeat")(lambda request: request)
    echo.mars("report --max-steps 1 --keep-going", "task: x\nUser -> Echo -> Repeat -> User")
    assert echo.variables["report"].error.startswith("max_steps(1) reached: 1 step is done")
    assert echo.texts[-1].startswith("%mars resume report --rule 'max_steps(…)' (asks again")
    assert echo.mars("resume report --rule max_steps(5)").success


@pytest.mark.parametrize("line", ["-h", "--help", "?"])
def test_help_is_had_by_any_of_its_names(echo: Notebook, line: str) -> None:
    assert str(echo.mars(line)) == str(echo.mars("help"))


def test_a_folder_without_a_name_is_refused(echo: Notebook) -> None:
    magics = echo.shell.magics_manager.registry["MarsMagics"]
    with pytest.raises(TraitError, match=r"folder is empty; expected a folder, such as '\.mars'"):
        magics.folder = " "
    assert magics.folder == ".mars"


def test_quiet_shows_nothing(echo: Notebook) -> None:
    echo.mars("-q", CELL)
    assert echo.texts == []


def test_no_view_shows_the_answer_only(echo: Notebook) -> None:
    echo.mars("--view none", CELL)
    answer, below = echo.texts
    assert (answer, below.partition(" · run.")[2]) == ("you said hello", "timeline() · %mars show run")


@pytest.mark.parametrize(("form", "media_types"), [("md", {"text/markdown", "text/plain"}), ("json", {"text/plain"})])
def test_the_answer_has_the_format_that_was_asked_for(echo: Notebook, form: str, media_types: set[str]) -> None:
    echo.mars(f"--view none -f {form}", CELL)
    assert set(echo.outputs[0]["data"]) == media_types


def test_a_run_without_an_answer_shows_none(notebook: Notebook) -> None:
    agent("Silent")(lambda _: None)
    notebook.mars("--view none", "task: x\nUser -> Silent -> User")
    assert [text.partition(" · run.")[2] for text in notebook.texts] == ["timeline() · %mars show run"]


def test_stubs_repeat_what_they_are_asked_and_are_no_agents_of_the_notebook(echo: Notebook) -> None:
    echo.mars("--stub", f"task: {'long ' * 100}\nUser -> Planner -> Echo -> User")
    answer = echo.variables["run"].final_response
    assert answer.startswith("you said [stub Planner] long long")
    assert answer.endswith("…")
    assert echo.texts[-1].endswith("only repeating what they are asked: Planner")
    assert "Planner" not in AgentRegistry.default()


def test_an_unknown_agent_is_an_error_with_the_nearest_one_and_what_helps(notebook: Notebook) -> None:
    agent("Planner")(lambda request: request)
    with pytest.raises(CellError) as caught:
        notebook.mars("", "task: x\nUser -> Planer -> User")
    assert caught.value._render_traceback_() == [
        "mars: 'Planer' is no agent here; did you mean 'Planner'? (or define it: %%agent Planer; or --stub)"
    ]
    assert "run" not in notebook.variables


def test_all_unknown_agents_are_named(notebook: Notebook) -> None:
    with pytest.raises(CellError, match=r"'A1' is no agent here; .* and 2 more: 'B1, C1'"):
        notebook.mars("", "task: x\nUser -> A1 -> B1 -> C1 -> User")


def test_a_topology_that_cannot_run_is_an_error_before_anything_is_bound(echo: Notebook) -> None:
    with pytest.raises(TopologyError, match="no entry"):
        echo.mars("", "task: x\nEcho -> Other -> Echo")
    assert "run" not in echo.variables


# ----------------------------------------------------------------------------------------------------------- questions


def asks(request: object, context: Any) -> Any:
    return f"you chose {request}" if context.step_id.endswith("#2") else AskUser("red or blue?")


@pytest.mark.parametrize("user", [["red"], lambda _: "red", {"red or blue?": "red"}])
def test_a_question_is_answered_by_the_user_that_is_named(notebook: Notebook, user: object) -> None:
    agent("Asker")(asks)
    notebook.variables["me"] = user
    notebook.mars("-u me", "task: x\nUser -> Asker -> User")
    assert notebook.variables["run"].final_response == "you chose red"


def test_a_question_without_anybody_pauses_the_run_and_says_how_to_answer(notebook: Notebook) -> None:
    agent("Asker")(asks)
    with pytest.raises(RunPaused, match=r"run 'run' asks 'red or blue\?'; answer and go on: %mars answer TEXT"):
        notebook.mars("", "task: x\nUser -> Asker -> User")
    assert notebook.texts[0] == "? Asker"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"^--user 'mee': the notebook has no variable 'mee'; did you mean 'me'\?$"),
        (3, "--user 'mee': user= is of type int; expected a function"),
    ],
)
def test_a_user_that_cannot_answer_is_an_error(notebook: Notebook, value: object, message: str) -> None:
    agent("Asker")(asks)
    notebook.variables["me"] = ["red"]
    if value:
        notebook.variables["mee"] = value
    with pytest.raises(CellError, match=message):
        notebook.mars("-u mee", "task: x\nUser -> Asker -> User")


class Kernel:
    _allow_stdin = True


def test_the_keyboard_is_used_where_the_front_end_has_one(shell: InteractiveShell) -> None:
    shell.kernel = Kernel()  # type: ignore[attr-defined]  # what a kernel's shell has
    assert keyboard_of(shell) is input
    shell.kernel._allow_stdin = False  # type: ignore[attr-defined]
    assert keyboard_of(shell) is None


# --------------------------------------------------------------------------------------------------------- stop button


async def test_the_stop_button_pauses_a_cell_even_if_it_keeps_going(notebook: Notebook) -> None:
    begun = asyncio.Event()

    async def waits(_request: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    agent("Fast")(lambda _: "ok")
    agent("Slow")(waits)
    magics = notebook.shell.magics_manager.registry["MarsMagics"]
    cell = asyncio.ensure_future(magics.run_cell("--keep-going", "task: x\nUser -> Fast -> Slow -> User"))
    await begun.wait()
    for _ in range(2):
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(RunPaused, match=r"run 'run' paused after 1 step .*nothing is lost, go on: %mars resume run"):
        await cell
    assert notebook.variables["run"].status == "paused"
    assert len(notebook.mars("timeline")) == 2


@pytest.mark.parametrize(
    ("status", "told"),
    [("cancelled", "was stopped after 1 step; every result"), ("succeeded", "succeeded before it could pause; every")],
)
def test_a_pressed_button_ends_the_cell_whatever_became_of_the_run(echo: Notebook, status: Any, told: str) -> None:
    foreground = open_run(echo.shell.magics_manager.registry["MarsMagics"].desk, "", CELL)
    run_now(foreground)
    foreground.job.record.status = status
    with pytest.raises(RunStopped, match=f"run 'run' {told} result|run 'run' {told}"):
        close_run(foreground, ended=False)


# ------------------------------------------------------------------------------------------------------------- %%agent


def test_a_cell_with_one_function_is_an_agent(notebook: Notebook) -> None:
    cell = 'import math\nN = 2\n\ndef find(request):\n    """Looks."""\n    return N'
    notebook.agent("Market Researcher  # the first", cell)
    assert notebook.texts == ["agent 'Market Researcher' is ready (function find): Looks."]
    assert AgentRegistry.default().get("Market Researcher")("x") == 2
    assert notebook.variables["N"] == 2


def test_a_function_that_is_decorated_already_is_the_same_agent(notebook: Notebook) -> None:
    notebook.agent("Writer", "from mars_nb import agent\n\n@agent\nasync def write(request):\n    return 'w'")
    notebook.mars("--view none", "task: x\nUser -> Writer -> User")
    assert notebook.variables["run"].final_response == "w"


def test_the_source_of_an_agent_can_be_found(notebook: Notebook) -> None:
    import inspect

    notebook.agent("Writer", "def write(request: str) -> str:\n    return 'w'")
    assert "return 'w'" in inspect.getsource(notebook.variables["write"])
    assert notebook.variables["write"].__annotations__ == {"request": str, "return": str}


@pytest.mark.parametrize(
    ("line", "cell", "message"),
    [
        ("", "def f(r): ...", r"needs a name: '%%agent Writer'"),
        ("--model offline", "def f(r): ...", "needs a name"),
        ("Writer --model offline", "def f(r): ...", "'--model' is for instructions"),
        ("Writer --modell x", "Write.", "'%%agent': unknown option '--modell'; did you mean '--model'"),
        ("Writer --tools nothing", "Write.", "--tools 'nothing': is not defined here"),
        ("Writer", "Write about {tabel}.", "no variable 'tabel'"),
        ("A -> B", "def f(r): ...", "unknown option '->'"),
        ("A(b)", "def f(r): ...", "is not a name"),
        ("Writer", "def f(r) ...", r"does not read as Python"),
        ("Writer", "import math", "defines no function; expected exactly one function"),
        ("Writer", "  ", "is empty"),
        ("Writer", "def f(r): ...\ndef g(r): ...", "defines 2 functions"),
        ("Writer", "def f(): ...", "takes 0 arguments"),
    ],
)
def test_a_cell_that_makes_no_agent_says_why(notebook: Notebook, line: str, cell: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        notebook.agent(line, cell)
    assert AgentRegistry.default().names() == []


# --------------------------------------------------------------------------------------------------------------- %mars


def test_the_status_names_agents_runs_and_three_next_commands(notebook: Notebook) -> None:
    status = notebook.mars().splitlines()
    assert status.pop(3).startswith("sessions: 0 in ")
    assert status[1:] == [
        "runs: none yet",
        "agents: none yet",
        "next: %mars demo · %mars help agents · %mars help cell",
    ]
    agent("Echo")(lambda request: request)
    assert notebook.mars().splitlines()[-1] == "next: %mars agents · %mars help cell · %mars patterns"
    notebook.mars("report", CELL)
    notebook.mars("plan -n", CELL)
    status = notebook.mars().splitlines()
    assert status.pop(3).startswith("sessions: 1 in ")
    assert status[1:] == [
        "runs: plan (drawn), report (succeeded, 1 step)",
        "agents: Echo",
        "next: %mars timeline plan · %mars show plan · %mars help",
    ]


def test_the_status_stays_short(notebook: Notebook) -> None:
    for i in range(9):
        agent(f"A{i}")(lambda request: request)
    assert "agents: A0, A1, A2, A3, A4 and 4 more" in notebook.mars()


def test_a_table_of_the_agents(echo: Notebook) -> None:
    table = echo.mars("agents")
    assert table.to_dict("records") == [{"agent": "Echo", "kind": "function", "description": ""}]


def test_a_table_of_the_patterns_whose_calls_can_be_read(notebook: Notebook) -> None:
    table = notebook.mars("patterns")
    assert len(table) == 10
    assert "hub_and_spoke(hub, spokes, parallel_spokes=false)" in set(table["call"])
    assert all(table["description"])


def test_the_timeline_of_the_last_run_or_of_one_by_name(echo: Notebook) -> None:
    echo.mars("report", CELL)
    echo.mars("second", CELL.replace("hello", "bye"))
    assert list(echo.mars("timeline")["response"]) == ["you said bye"]
    assert list(echo.mars("timeline report")["response"]) == ["you said hello"]
    assert list(echo.mars("timeline rep")["response"]) == ["you said hello"]


def test_a_run_is_found_by_its_session_too(echo: Notebook) -> None:
    echo.mars("report", CELL)
    run = echo.variables.pop("report")
    assert echo.mars(f"show {run.metadata['session_id']}") is run


def test_a_run_that_is_not_there_is_an_error_with_the_nearest_one(echo: Notebook) -> None:
    with pytest.raises(RunNotFound, match="there is no run yet; try %mars demo"):
        echo.mars("timeline")
    echo.mars("report_a", CELL)
    echo.mars("report_b", CELL)
    with pytest.raises(RunNotFound, match="there is no run 'repotr_a'; did you mean 'report_a'"):
        echo.mars("timeline repotr_a")
    with pytest.raises(RunNotFound, match="'report_' fits several runs: 'report_a, report_b'"):
        echo.mars("timeline report_")


def test_the_desk_forgets_the_oldest_runs(echo: Notebook) -> None:
    for i in range(N_RUNS + 1):
        echo.mars(f"run{i} -n", CELL)
    desk = echo.shell.magics_manager.registry["MarsMagics"].desk
    assert (len(desk.runs), desk.runs[0].name) == (N_RUNS, "run1")


def test_show_gives_the_run_and_shows_its_answer(echo: Notebook) -> None:
    echo.mars("report -q", CELL)
    assert echo.mars("show report") is echo.variables["report"]
    assert echo.texts == ["you said hello"]
    echo.outputs.clear()
    echo.mars("plan -n -q", CELL)
    echo.mars("show plan")
    assert "you said hello" not in echo.texts


def test_check_looks_at_the_last_cell(echo: Notebook) -> None:
    with pytest.raises(CellError, match="no %%mars cell to check yet"):
        echo.mars("check")
    echo.mars("", CELL)
    assert echo.mars("check") == "no problem: 1 agent, 2 edges"
    assert echo.mars("check run") == "no problem: 1 agent, 2 edges"
    with pytest.raises(CellError):
        echo.mars("", "task: x\nUser -> Ecko -> Other -> User")
    first, second = echo.mars("check").splitlines()
    assert first.startswith("1. 'Ecko' is no agent here; did you mean 'Echo'?")
    assert second.startswith("2. 'Other' is no agent here")
    with pytest.raises(ValueError, match="-->"):
        echo.mars("", "task: x\nUser --> Echo\nEcho => User")
    first, second = echo.mars("check").splitlines()
    assert first.startswith("1. line 3: 'User --> Echo'")
    assert second.startswith("2. line 4: 'Echo => User'")


def test_the_demonstration_runs_four_agents_and_shows_a_cell_that_does_the_same(
    notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "THINKING_S", 0)
    assert notebook.mars("demo") is None
    picture, answer, cell, steps = notebook.texts
    assert picture == "✓ Planner → ✓ Lower Half, ✓ Upper Half → ✓ Writer"
    assert "109 more primes" in answer
    assert steps.endswith(" · demo_run.timeline() · %mars show demo_run")
    line, text = cell.split("%%mars ")[1].split("\n", 1)
    notebook.mars(f"{line} --view none", text)
    assert notebook.variables["demo_run"].final_response == answer


def test_the_demonstration_takes_nothing_away(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "THINKING_S", 0)
    mine = agent("Planner")(lambda _: "mine")
    notebook.variables["demo_run"] = 42
    notebook.mars("demo")
    assert AgentRegistry.default().get("Planner") is mine
    assert notebook.variables["demo_run"] == 42
    assert len(notebook.mars("timeline demo_run")) == 4


@pytest.mark.parametrize("topic", ["", *TOPICS])
def test_there_is_help_on_every_topic_that_fits_the_screen(notebook: Notebook, topic: str) -> None:
    text = notebook.mars(f"help {topic}")
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) <= 25


def test_help_names_every_verb_and_says_which_come_later(notebook: Notebook) -> None:
    told = notebook.mars("help verbs") + "\n" + notebook.mars("help sessions")
    assert {line.split()[1] for line in told.splitlines() if line.startswith("%mars ")} == set(BUILT)
    later = told.split("In a later release: ")[1].splitlines()[0].rstrip(".").split(", ")
    assert set(later) == set(VERBS) - set(BUILT)


def test_an_unknown_topic_is_an_error_with_the_nearest_one(notebook: Notebook) -> None:
    with pytest.raises(CellError, match="no help on 'rule'; did you mean 'rules'"):
        notebook.mars("help rule")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("executor", r"'%mars executor' comes in a later release; %mars help verbs"),
        ("timelime", r"'%mars timelime' is no command; did you mean 'timeline'\?"),
        ("show a b", "takes '.RUN.@WHERE..'; found 'a b'"),
        ("show --fast", "'%mars show': unknown option '--fast'; expected --kind"),
        ("resume --backround", "unknown option '--backround'; did you mean '--background'"),
        ("resume --max-steps", "'--max-steps' needs a value: '--max-steps N'"),
        ("resume --max-steps many", "'--max-steps many': expected a whole number from 1"),
        ("resume --max-steps 3 --max-steps 4", "'--max-steps' is given twice"),
        ("resume --background=yes", "'--background' takes no value"),
        ("replay --speed fast", "expected seconds|expected how many"),
        ("replay --speed 0x", "expected how many times faster"),
        ("clean --keep few", "expected a whole number from 0"),
        ("show 'a", "the quotation is not closed"),
    ],
)
def test_a_line_that_makes_no_sense_says_why(notebook: Notebook, line: str, message: str) -> None:
    with pytest.raises(CellError, match=message):
        notebook.mars(line)
