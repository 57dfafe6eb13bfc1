"""Where the runs of a notebook are kept, and cells that may be run again."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mars_nb import AskUser, CellError, SessionError, agent
from mars_nb.errors import RunFailed, RunNotFound, RunPaused, SessionNotFound
from mars_nb.jupyter import load_ipython_extension, unload_ipython_extension
from mars_nb.jupyter.store import Store, slug

if TYPE_CHECKING:
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.runs import Run
    from tests.unit.jupyter.conftest import Notebook

CELL = "task: hello\nUser -> A -> B -> User"


@pytest.fixture
def asked() -> list[str]:
    """Give who was asked, in order."""
    return []


@pytest.fixture
def team(notebook: Notebook, asked: list[str]) -> Notebook:
    for name in "AB":
        define(name, asked)
    return notebook


def define(name: str, asked: list[str]) -> None:
    async def answer(request: object, context: Any) -> str:
        asked.append(context.agent)
        return f"{context.agent.lower()}({request})"

    agent(name)(answer)


def desk_of(notebook: Notebook) -> Desk:
    desk: Desk = notebook.shell.magics_manager.registry["MarsMagics"].desk
    return desk


def restart(notebook: Notebook) -> list[str]:
    """Forget all runs and variables, as a new kernel has; give what loading shows."""
    unload_ipython_extension(notebook.shell)
    for name in ("run", "report", "again", "study"):
        notebook.variables.pop(name, None)
    notebook.outputs.clear()
    load_ipython_extension(notebook.shell)
    return notebook.texts


# --------------------------------------------------------------------------------------------------------------- store


def test_a_run_is_kept_beside_the_notebook_under_its_name_and_a_number(team: Notebook) -> None:
    for _ in range(2):
        team.mars("report", CELL)
    assert desk_of(team).store.ids() == ["report-1", "report-2"]
    assert desk_of(team).store.path == Path.cwd() / ".mars"
    assert team.variables["report"].metadata["session_id"] == "report-2"


def test_in_memory_leaves_nothing_behind(team: Notebook) -> None:
    team.mars("report --in-memory", CELL)
    assert not Path(".mars").exists()
    assert desk_of(team).store.ids() == ["report-1"]


def test_a_dry_run_keeps_nothing(team: Notebook) -> None:
    team.mars("-n", CELL)
    assert desk_of(team).store.ids() == []


def test_another_folder_can_be_chosen(team: Notebook, tmp_path: Path) -> None:
    team.shell.run_line_magic("config", f"MarsMagics.folder = {str(tmp_path / 'elsewhere')!r}")
    team.mars("", CELL)
    assert (tmp_path / "elsewhere" / "run-1").is_dir()


def test_the_folder_stays_where_it_was_when_the_working_directory_changes(team: Notebook, tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    os.chdir(tmp_path / "deeper")
    team.mars("", CELL)
    assert (tmp_path / ".mars" / "run-1").is_dir()


def test_a_folder_that_cannot_be_written_is_one_line_that_names_the_way_out(team: Notebook) -> None:
    Path(".mars").write_text("a file", "utf-8")
    with pytest.raises(CellError, match=r"--in-memory runs the cell without keeping it"):
        team.mars("", CELL)
    assert "run" not in team.variables
    team.mars("--in-memory", CELL)


def test_tables_are_kept_too(team: Notebook) -> None:
    team.variables["table"] = pd.DataFrame({"a": [1, 2]})
    with pytest.raises(RunPaused):
        team.mars("report -p A", "task: {table}\ncontext: table\nUser -> A -> User")
    restart(team)
    assert team.mars("resume report -q").final_response == team.variables["report"].final_response
    assert list(team.variables["report"].task["a"]) == [1, 2]


@pytest.mark.parametrize(("name", "base"), [("report", "report"), ("größe", "gr_e"), ("__", "run"), ("nul", "run")])
def test_any_name_of_a_run_gives_an_id(name: str, base: str) -> None:
    assert slug(name) == base


def test_a_damaged_session_is_listed_as_damaged(team: Notebook) -> None:
    team.mars("", CELL)
    journal = Path(".mars/run-1/journal.jsonl")
    journal.write_bytes(journal.read_bytes().replace(b"StepCompleted", b"StepXompleted", 1))
    assert list(team.mars("sessions")["status"]) == ["damaged"]
    Path(".mars/run-1/journal.jsonl").write_bytes(b"nothing\n")
    assert Store().unfinished() == []


# ---------------------------------------------------------------------------------------------------- --session, --once


def test_a_named_session_that_is_over_is_shown_again_for_free(team: Notebook, asked: list[str]) -> None:
    team.mars("report -s study", CELL)
    team.outputs.clear()
    team.mars("again -s study", CELL)
    assert asked == ["A", "B"]
    assert team.variables["again"].final_response == "b(a(hello))"
    assert team.texts[-1] == "session 'study' had succeeded before: shown again, nobody was asked"


def test_a_named_session_that_stopped_goes_on(team: Notebook, asked: list[str]) -> None:
    with pytest.raises(RunPaused):
        team.mars("-s study -p B", CELL)
    restart(team)
    team.mars("-s study", CELL)
    assert asked == ["A", "B"]
    assert team.variables["run"].final_response == "b(a(hello))"


def test_a_named_session_that_was_made_and_never_ran_runs(team: Notebook) -> None:
    desk_of(team).store.files.create("study", "hello", {})
    team.mars("-s study", CELL)
    assert team.variables["run"].final_response == "b(a(hello))"


def test_a_higher_limit_lets_a_named_session_go_on(team: Notebook, asked: list[str]) -> None:
    with pytest.raises(RunFailed, match="max_steps"):
        team.mars("-s study --max-steps 1", CELL)
    team.mars("-s study --max-steps 5", CELL)
    assert asked == ["A", "B"]


@pytest.mark.parametrize(
    ("cell", "difference"),
    [
        ("task: bye\nUser -> A -> B -> User", r"its task is 'hello', here it is 'bye'"),
        ("task: hello\ncontext: n\nUser -> A -> B -> User", "its context has other values"),
        ("task: hello\nUser -> A -> B -> User\ntimeout(3)", r"there 'nothing', here 'timeout\(3\)' instead"),
    ],
)
def test_another_cell_under_the_same_id_is_an_error_with_the_difference(
    team: Notebook, cell: str, difference: str
) -> None:
    team.mars("-s study", CELL)
    team.variables["n"] = 3
    with pytest.raises(SessionError, match=f"'study' was made by another cell: {difference}; choose another id"):
        team.mars("-s study", cell)


def test_a_session_is_the_same_cell_after_it_went_on_under_another_drawing(team: Notebook) -> None:
    with pytest.raises(RunPaused):
        team.mars("-s study -p B", CELL)
    team.mars("resume study --rule timeout(60)")
    team.mars("-s study", CELL)
    team.mars("-s study", f"{CELL}\ntimeout(60)")
    with pytest.raises(SessionError, match="another cell"):
        team.mars("-s study", f"{CELL}\ntimeout(61)")


def test_once_runs_the_same_cell_once_and_any_other_anew(team: Notebook, asked: list[str]) -> None:
    for _ in range(3):
        team.mars("--once", CELL)
    assert asked == ["A", "B"]
    team.mars("--once", CELL.replace("hello", "bye"))
    assert len(asked) == 4
    agent("B")(lambda request: f"other {request}")
    team.mars("--once", CELL)
    assert team.variables["run"].final_response == "other a(hello)"


def test_a_malformed_id_is_an_error(team: Notebook) -> None:
    with pytest.raises(SessionError, match=r"'\.\./x' is no session name"):
        team.mars("-s ../x", CELL)


def test_a_session_that_runs_elsewhere_is_left_alone(team: Notebook) -> None:
    with pytest.raises(RunPaused):
        team.mars("-s study -p B", CELL)
    writer = Store().files.open("study")
    try:
        with pytest.raises(SessionError, match="'study' is going on, here or in another kernel"):
            team.mars("-s study", CELL)
        with pytest.raises(SessionError, match="'study' is going on"):
            team.mars("resume study")
        assert "unfinished" not in team.mars()
    finally:
        writer.close()


# ---------------------------------------------------------------------------------------------- options of a paused run


def test_several_agents_can_be_paused_before(team: Notebook, asked: list[str]) -> None:
    with pytest.raises(RunPaused, match=r"pause_before\(A\)"):
        team.mars("-p A,B", CELL)
    with pytest.raises(RunPaused, match=r"pause_before\(B\)"):
        team.mars("resume")
    team.mars("resume")
    assert asked == ["A", "B"]


def test_an_agent_to_pause_before_that_is_not_drawn_is_an_error(team: Notebook) -> None:
    with pytest.raises(CellError, match=r"--pause-before 'BB': no such agent is drawn; did you mean 'B'"):
        team.mars("-p BB", CELL)


def test_keep_going_lets_the_notebook_go_on_after_a_pause(team: Notebook) -> None:
    team.mars("-p B --keep-going", CELL)
    assert team.variables["run"].status == "paused"


def test_with_a_pace_each_step_takes_at_least_so_long(team: Notebook) -> None:
    began = time.monotonic()
    team.mars("--pace 0.05", CELL)
    assert time.monotonic() - began >= 0.1
    assert list(team.mars("agents --from run")["here"]) == ["the same", "the same"]


@pytest.mark.parametrize(
    ("every", "names"), [("step", ["step-1", "step-2", "step-3"]), ("2", ["step-2"]), ("join", ["join-2"])]
)
def test_positions_get_names_on_the_way(team: Notebook, asked: list[str], every: str, names: list[str]) -> None:
    define("C", asked)
    team.mars(f"--checkpoint-every {every}", "task: x\nUser -> A, B -> C -> User")
    found = [name for name in ("step-1", "step-2", "step-3", "join-2") if has(team, f"run@{name}")]
    assert found == names


def has(notebook: Notebook, position: str) -> bool:
    try:
        notebook.mars(f"timeline {position}")
    except SessionError:
        return False
    return True


# ------------------------------------------------------------------------------------------------------------- restart


def test_after_a_restart_loading_names_what_is_unfinished(team: Notebook) -> None:
    team.mars("report", CELL)
    assert len(restart(team)) == 1
    for _ in range(4):
        team.mars("report -p B --keep-going", CELL)
    _, second = restart(team)
    assert second == "unfinished: report-5, report-4, report-3 and 1 more · %mars resume report-5 · %mars sessions"
    assert "next: %mars resume report-5 · %mars show report-5 · %mars sessions" in team.mars()


def test_after_a_restart_a_run_is_found_by_its_name_and_goes_on(team: Notebook, asked: list[str]) -> None:
    team.mars("report", CELL)
    team.mars("report -p B --keep-going", CELL)
    restart(team)
    assert team.mars("show report").status == "paused"
    run: Run = team.mars("resume report")
    assert (run.name, run.final_response, asked) == ("report", "b(a(hello))", ["A", "B", "A", "B"])
    assert team.variables["report"].metadata["session_id"] == "report-2"


def test_without_a_name_the_only_unfinished_session_goes_on(team: Notebook) -> None:
    team.mars("report -p B --keep-going", CELL)
    restart(team)
    assert team.mars("resume").final_response == "b(a(hello))"


def test_without_a_name_several_unfinished_sessions_are_named(team: Notebook) -> None:
    for name in ("report", "study"):
        team.mars(f"{name} -p B --keep-going", CELL)
    restart(team)
    with pytest.raises(RunNotFound, match="several sessions are unfinished: study-1, report-1; say which"):
        team.mars("resume")


def test_agents_that_are_missing_after_a_restart_are_named(team: Notebook, agents: Any, asked: list[str]) -> None:
    team.mars("report -p B --keep-going", CELL)
    restart(team)
    agents.clear()
    with pytest.raises(CellError, match=r"'A, B' are no agents of this kernel; .* %mars agents --from report"):
        team.mars("resume report")
    define("A", asked)
    with pytest.raises(CellError, match=r"'B' is no agent of this kernel; run the cell again that defines it"):
        team.mars("resume report")
    assert list(team.mars("agents --from report")["here"]) == ["the same", "missing"]
    assert team.mars("show report").status == "paused"


def test_an_agent_that_changed_is_shown(team: Notebook) -> None:
    team.mars("report -p B --keep-going", CELL)
    agent("B")(lambda request: f"new {request}")
    assert list(team.mars("agents --from report")["here"]) == ["the same", "changed"]
    assert team.mars("resume").final_response == "new a(hello)"
    assert "changed since it ran last: B; what is defined here now is asked" in team.texts


def test_a_cell_that_goes_on_with_its_session_names_the_agents_that_changed(team: Notebook) -> None:
    team.mars("report -s study -p B --keep-going", CELL)
    agent("B")(lambda request: f"new {request}")
    team.mars("report -s study", CELL)
    assert team.variables["report"].final_response == "new a(hello)"
    assert "changed since it ran last: B; what is defined here now is asked" in team.texts


def test_an_older_run_does_not_take_the_variable_of_a_later_one(team: Notebook) -> None:
    team.mars("report -p B --keep-going", CELL)
    team.mars("report", CELL)
    later = team.variables["report"]
    assert team.mars("resume report-1").name == "report_1"
    assert team.variables["report"] is later
    assert team.variables["report_1"].success


def test_a_session_in_memory_does_not_hide_one_in_the_folder(team: Notebook) -> None:
    team.mars("report -s study", CELL)
    with pytest.raises(CellError, match="'study' is kept elsewhere: leave out --in-memory, or choose another id"):
        team.mars("report -s study --in-memory", CELL)


def test_runs_stay_within_reach_when_another_folder_is_chosen(team: Notebook) -> None:
    team.mars("kept -p B --keep-going", CELL)
    team.mars("gone -p B --keep-going --in-memory", CELL)
    team.shell.magics_manager.registry["MarsMagics"].folder = "elsewhere"
    assert list(team.mars("sessions")["session_id"]) == ["gone-1"]
    assert team.mars("resume kept").final_response == "b(a(hello))"
    assert team.mars("resume gone").final_response == "b(a(hello))"
    team.mars("kept", CELL)
    assert sorted(each.name for each in Path().glob("*/kept-*")) == ["kept-1", "kept-1"]
    assert team.mars("export kept").is_file()


def test_a_variable_that_is_no_run_is_not_taken_by_one_that_is_found_again(team: Notebook) -> None:
    team.mars("report -p B --keep-going", CELL)
    restart(team)
    team.variables["report"] = 42
    assert team.mars("resume report-1").name == "report_1"
    assert team.variables["report"] == 42
    assert team.variables["report_1"].status == "succeeded"


def test_a_session_that_never_ran_cannot_be_shown(team: Notebook) -> None:
    desk_of(team).store.files.create("empty", "hello", {})
    with pytest.raises(SessionError, match="has not run yet"):
        team.mars("show empty")
    with pytest.raises((RunNotFound, SessionNotFound), match="there is no run 'emtpy'; did you mean 'empty'"):
        team.mars("show emtpy")


# ----------------------------------------------------------------------------------------------------------- questions


def asks(request: object, context: Any) -> Any:
    return f"you chose {request}" if context.memory else AskUser("red or blue?")


def test_a_question_is_answered_later_and_after_a_restart(notebook: Notebook) -> None:
    agent("Asker")(asks)
    notebook.mars("report --keep-going", "task: x\nUser -> Asker -> User")
    assert notebook.texts[-1] == "%mars answer TEXT · report.timeline() · %mars show report"
    restart(notebook)
    notebook.variables["shade"] = "light"
    assert notebook.mars("answer {shade} blue, please").final_response == "you chose light blue, please"


def test_an_answer_that_nobody_waits_for_is_an_error(notebook: Notebook) -> None:
    with pytest.raises(RunNotFound, match="no run asks anything"):
        notebook.mars("answer blue")


def test_an_answer_that_several_wait_for_is_an_error(notebook: Notebook) -> None:
    agent("Asker")(asks)
    for name in ("one", "two"):
        notebook.mars(f"{name} --keep-going", "task: x\nUser -> Asker -> User")
    with pytest.raises(RunNotFound, match="several runs ask: one, two; answer in a live view"):
        notebook.mars("answer blue")
    notebook.variables["me"] = ["green"]
    assert notebook.mars("resume one -u me").final_response == "you chose green"


def test_a_cell_that_ran_twice_is_answered_once_for_its_last_run(notebook: Notebook) -> None:
    agent("Asker")(asks)
    for _ in range(2):
        notebook.mars("report --keep-going", "task: x\nUser -> Asker -> User")
    assert notebook.mars("answer blue").metadata["session_id"] == "report-2"
    notebook.mars("report --keep-going", "task: x\nUser -> Asker -> User")
    restart(notebook)
    with pytest.raises(RunNotFound, match="several runs ask: report-3, report-1; answer in a live view"):
        notebook.mars("answer blue")


def test_an_answer_with_an_unknown_variable_is_an_error(notebook: Notebook) -> None:
    with pytest.raises(CellError, match="no variable 'colour'"):
        notebook.mars("answer {colour}")
