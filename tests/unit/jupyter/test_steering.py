"""The verbs that steer, look at and keep runs."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import AskUser, CellError, MarsError, ModelUnavailable, SessionError, TopologyError, agent
from mars_nb.errors import AgentNotFound, RunFailed, RunNotFound, RunPaused, StorageError
from mars_nb.jupyter import runner, steering
from mars_nb.jupyter.desk import Desk
from mars_nb.jupyter.live import Live
from mars_nb.jupyter.looking import ShownRun
from mars_nb.jupyter.runs import Run, record_of
from mars_nb.jupyter.screens import Screen
from mars_nb.jupyter.verbs import call
from tests.unit.jupyter.waiting import until, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.jupyter.conftest import Notebook

CELL = "task: hello\nUser -> A -> B -> User"
SLOW = "task: hello\nUser -> Slow -> B -> User"


class Gate:
    """Lets an agent go on."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    async def wait(self) -> None:
        self.begun.set()
        await until(self.open.is_set)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


@pytest.fixture
def team(notebook: Notebook, gate: Gate) -> Notebook:
    async def a(request: object) -> str:
        return f"a({request})"

    async def b(request: object) -> str:
        return f"b({request})"

    async def slow(request: object) -> str:
        await gate.wait()
        return f"slow({request})"

    for name, answer in {"A": a, "B": b, "Slow": slow}.items():
        agent(name)(answer)
    return notebook


@pytest.fixture
def paused(team: Notebook) -> Notebook:
    team.mars("report -p B --keep-going", CELL)
    team.outputs.clear()
    return team


@pytest.fixture
def behind(team: Notebook, gate: Gate) -> Notebook:
    """Give a notebook in which a run goes on in the background."""
    team.mars("report -b", SLOW)
    gate.begun.wait()
    return team


@pytest.fixture
def open_after_pause(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the agent go on as soon as its run was told to pause."""
    before = Live._pause

    def pause(live: Live, reason: str, *, now: bool) -> None:
        before(live, reason, now=now)
        live.call(gate.open.set)

    monkeypatch.setattr(Live, "_pause", pause)


def desk_of(notebook: Notebook) -> Desk:
    desk: Desk = notebook.shell.magics_manager.registry["MarsMagics"].desk
    return desk


# ---------------------------------------------------------------------------------------------------------- background


def test_a_cell_in_the_background_gives_its_handle_at_once(behind: Notebook, gate: Gate) -> None:
    run = behind.variables["report"]
    assert (run.status, repr(run)) == ("running", "<Run 'report' running>")
    assert behind.texts == ["report goes on in the background · await report · %mars pause report"]
    with pytest.raises(RunNotFound, match="has not ended yet; wait for it: await report"):
        run.wait(timeout_s=0.01)
    gate.open.set()
    assert run.wait().final_response == "b(slow(hello))"


async def test_a_run_in_the_background_can_be_awaited(behind: Notebook, gate: Gate) -> None:
    gate.open.set()
    assert (await behind.variables["report"]).final_response == "b(slow(hello))"


def test_waiting_for_a_run_that_was_only_drawn_says_so(team: Notebook) -> None:
    team.mars("plan -n", CELL)
    with pytest.raises(RunNotFound, match="only drawn"):
        team.variables["plan"].wait()


def test_a_cell_whose_run_goes_on_is_refused_but_with_replace(behind: Notebook, gate: Gate) -> None:
    with pytest.raises(CellError, match=r"run 'report' is still going on; pause it \(%mars pause report\)"):
        behind.mars("report", CELL)
    before = record_of(behind.variables["report"])
    behind.mars("report --replace", CELL)
    assert before.status == "paused"
    assert behind.variables["report"].final_response == "b(a(hello))"
    assert not gate.open.is_set()


def test_a_question_in_the_background_is_answered_by_a_line(team: Notebook) -> None:
    define_asker()
    team.mars("report -b", "task: x\nUser -> Asker -> User")
    run = team.variables["report"]
    wait_until(lambda: asks(run))
    assert "report (asks: red or blue?)" in team.mars()
    team.mars("answer 'blue'")
    assert run.wait().final_response == "you chose blue"


def asks(run: Run) -> str:
    live = record_of(run).live
    return live.question if live else ""


def define_asker() -> None:
    agent("Asker")(lambda request, context: f"you chose {request}" if context.memory else AskUser("red or blue?"))


def test_a_paused_question_of_the_background_is_asked_again(team: Notebook) -> None:
    define_asker()
    team.mars("report -b", "task: x\nUser -> Asker -> User")
    run = team.variables["report"]
    wait_until(lambda: asks(run))
    assert team.mars("pause").status == "paused"
    assert team.texts[-1] == "run 'report' asks 'red or blue?'; answer and go on: %mars answer TEXT"
    assert team.mars("answer red").final_response == "you chose red"


def test_what_breaks_a_run_in_the_background_is_told_by_its_handle(
    team: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("mars_nb.session.Session.run", breaks)
    team.mars("report -b", CELL)
    assert team.variables["report"].wait().error == "OSError: disk full"


def test_leaving_the_notebook_pauses_what_goes_on(behind: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "DRAIN_S", 0.01)
    runner.come_to_rest([record_of(behind.variables["report"])])
    assert behind.variables["report"].status == "paused"


# --------------------------------------------------------------------------------------------------- pause, step, stop


@pytest.mark.usefixtures("open_after_pause")
def test_pause_lets_the_running_step_finish(behind: Notebook) -> None:
    record = record_of(behind.variables["report"])
    run = behind.mars("pause")
    assert (run.status, run.total_steps, record.status) == ("paused", 1, "paused")
    assert behind.texts[-1].startswith("run 'report' paused after 1 step (")


def test_pause_now_cancels_the_running_step_which_is_asked_again(behind: Notebook, gate: Gate) -> None:
    assert behind.mars("pause report --now").total_steps == 0
    gate.open.set()
    assert behind.mars("resume").final_response == "b(slow(hello))"


def test_a_pause_that_takes_long_says_for_whom_it_waits(behind: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "GRACE_S", 0.0)
    assert behind.mars("pause").status == "running"
    assert behind.texts[-1].startswith("run 'report' pauses when Slow is done; not to wait: %mars pause report --now")


async def test_a_run_on_this_very_loop_pauses_after_the_cell(team: Notebook, gate: Gate) -> None:
    magics = team.shell.magics_manager.registry["MarsMagics"]
    cell = asyncio.ensure_future(magics.run_cell("report --keep-going", SLOW))
    await until(gate.begun.is_set)
    assert team.mars("checkpoint here") == "report-1@here"
    team.mars("pause --now")
    assert team.texts[-1].startswith("run 'report' pauses as soon as this cell is over")
    await cell
    assert team.variables["report"].status == "paused"


@pytest.mark.usefixtures("open_after_pause")
def test_a_run_of_another_kernel_is_asked_to_pause(behind: Notebook) -> None:
    elsewhere = Desk(behind.shell)
    with pytest.raises(RunNotFound, match="stop it there, or pause it: %mars pause report-1"):
        call(elsewhere, "stop report-1")
    with pytest.raises(CellError, match="--now is for the kernel that runs 'report-1'"):
        call(elsewhere, "pause report-1 --now")
    call(elsewhere, "pause report-1")
    assert behind.texts[-1] == "asked for; whoever runs it pauses when the running steps are over"
    assert behind.variables["report"].wait().metadata["status"] == "paused"


@pytest.mark.usefixtures("open_after_pause")
def test_a_run_that_ends_before_it_pauses_says_so(team: Notebook, gate: Gate) -> None:
    team.mars("report -b", "task: x\nUser -> Slow -> User")
    gate.begun.wait()
    assert team.mars("pause").status == "succeeded"
    assert team.texts[-1] == "run 'report' succeeded before it could pause"


def test_a_run_is_looked_at_from_its_own_loop(behind: Notebook) -> None:
    live = record_of(behind.variables["report"]).live
    assert live is not None
    assert live.read(threading.get_ident) != threading.get_ident()


def test_a_run_whose_loop_is_held_up_can_be_looked_at(behind: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.jupyter.live.LOOK_S", 0.0)
    live, held = record_of(behind.variables["report"]).live, threading.Event()
    assert live is not None
    live.call(held.wait)
    assert live.read(threading.get_ident) == threading.get_ident()
    held.set()


def test_a_bare_verb_with_two_live_runs_lists_them(behind: Notebook) -> None:
    behind.mars("other -b", SLOW)
    for verb in ("pause", "stop", "show"):
        with pytest.raises(RunNotFound, match="several runs are going on: report, other; say which one you mean"):
            behind.mars(verb)
    assert behind.mars("pause other --now").name == "other"
    assert "next: %mars pause report · %mars show report · await report" in behind.mars()


def test_only_what_goes_on_can_be_paused(paused: Notebook) -> None:
    with pytest.raises(RunNotFound, match="no run is going on; a cell in the background is one"):
        paused.mars("pause")
    with pytest.raises(RunNotFound, match=r"run 'report' is not going on \(status: paused\)"):
        paused.mars("pause report")


def test_step_lets_each_branch_do_one_step_and_is_no_error(team: Notebook) -> None:
    with pytest.raises(RunPaused):
        team.mars("report -p A", CELL)
    assert team.mars("step").total_steps == 1
    assert (team.mars("step").status, team.variables["report"].final_response) == ("succeeded", "b(a(hello))")


def test_stop_ends_a_paused_run_which_is_unfinished_no_more(paused: Notebook) -> None:
    assert paused.mars("stop").status == "cancelled"
    assert "unfinished" not in paused.mars()
    assert len(paused.mars("timeline")) == 1
    with pytest.raises(RunNotFound, match="neither going on nor paused"):
        paused.mars("stop")
    with pytest.raises(RunPaused):
        paused.mars("resume")
    assert paused.mars("resume").final_response == "b(a(hello))"


def test_stop_ends_a_run_that_goes_on(behind: Notebook) -> None:
    assert behind.mars("stop").status == "cancelled"
    assert behind.texts[-1] == "run 'report' was stopped; every result so far is kept: report.timeline()"


# -------------------------------------------------------------------------------------------------------------- resume


def test_resume_goes_on_with_the_same_handle(paused: Notebook) -> None:
    before = paused.variables["report"]
    paused.mars("resume")
    assert paused.variables["report"] is before
    assert before.final_response == "b(a(hello))"
    *shown, below = paused.texts
    assert shown == ["✓ A → ✓ B", "b(a(hello))"]
    assert below.startswith("Done · 2 steps · ")


def test_resume_of_a_run_that_is_over_speaks_of_no_changes(team: Notebook) -> None:
    team.mars("report", CELL)
    agent("B")(lambda request: f"new {request}")
    team.outputs.clear()
    assert team.mars("resume report").final_response == "b(a(hello))"
    assert not any("changed" in text for text in team.texts)


def test_resume_in_the_background(paused: Notebook) -> None:
    assert paused.mars("resume -b").wait().final_response == "b(a(hello))"


def test_resume_of_a_failed_run_retries_only_what_failed(team: Notebook) -> None:
    agent("Bad")(lambda _: 1 / 0)
    with pytest.raises(RunFailed):
        team.mars("report", "task: x\nUser -> A -> Bad -> User")
    agent("Bad")(lambda request: f"good {request}")
    assert team.mars("resume").final_response == "good a(x)"
    assert list(team.mars("cost")["n_steps"]) == [1, 1, 2]


def test_resume_under_another_drawing_and_other_rules(paused: Notebook, gate: Gate, tmp_path: Path) -> None:
    file = tmp_path / "team.mars"
    file.write_text("User -> A -> B -> Slow -> User", "utf-8")
    with pytest.raises(RunFailed, match="max_steps"):
        paused.mars(f"resume -t '{file}' --max-steps 2")
    paused.variables["drawing"] = "User -> A -> B -> Slow -> User"
    gate.open.set()
    paused.mars("resume -t drawing --max-steps 9 --rule timeout(30)")
    assert paused.variables["report"].status == "succeeded"


def test_a_drawing_in_which_a_branch_would_stand_nowhere_changes_nothing(paused: Notebook) -> None:
    with pytest.raises(MarsError, match="branch b0 stands at 'B'"):
        paused.mars("resume -t 'User -> A -> User'")
    assert paused.variables["report"].status == "paused"
    assert paused.mars("resume").status == "succeeded"


def test_resume_of_a_run_that_goes_on_or_was_only_drawn_is_an_error(behind: Notebook) -> None:
    with pytest.raises(CellError, match="run 'report' is going on; pause it first: %mars pause report"):
        behind.mars("resume report")
    with pytest.raises(CellError, match="run 'report' is going on; pause it first"):
        behind.mars("restore report@1")
    behind.mars("plan -n", CELL)
    with pytest.raises(RunNotFound, match="only drawn; run its cell"):
        behind.mars("resume plan")


# ------------------------------------------------------------------------------------------- checkpoint, restore, fork


def test_a_checkpoint_can_be_made_of_a_run_that_goes_on(behind: Notebook, gate: Gate) -> None:
    assert behind.mars("checkpoint report@here") == "report-1@here"
    gate.open.set()
    behind.variables["report"].wait()
    assert behind.mars("show report@here").total_steps == 0


def test_restore_goes_back_and_resume_goes_on_from_there(paused: Notebook) -> None:
    assert paused.mars("checkpoint early") == "report-1@early"
    paused.mars("resume")
    run = paused.mars("restore early")
    assert (run.status, run.total_steps) == ("paused", 1)
    assert paused.texts[-1] == "report is back at early, and nothing is deleted; go on: %mars resume report"
    assert paused.mars("resume").final_response == "b(a(hello))"
    paused.mars("restore report@A#1 ")
    assert run._repr_mimebundle_()["text/plain"].endswith("‖ A → ○ B")


def test_a_fork_with_another_reply_leaves_the_first_run_alone(team: Notebook) -> None:
    team.mars("report", CELL)
    run = team.mars("fork report@A#1 --as other --edit something")
    assert (run.final_response, run.metadata["session_id"]) == ("b(something)", "other-1")
    assert team.variables["other"].final_response == "b(something)"
    assert team.variables["report"].final_response == "b(a(hello))"
    table = team.mars("compare report other")
    assert (list(table["kind"]), table.attrs["first_divergence"]) == (["changed", "changed"], "b0#1")


def test_a_fork_whose_model_could_not_answer_is_not_begun(team: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    team.mars("report", CELL)
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY is not set"):
        team.mars("fork report@A#1 --as other --model openai:gpt-5-mini")
    assert len(team.mars("sessions")) == 1


def test_a_fork_takes_the_value_of_a_variable_another_agent_and_another_drawing(team: Notebook) -> None:
    team.mars("report", CELL)
    team.variables["reply"] = {"n": 3}
    agent("Careful")(lambda request: f"careful {request}")
    assert team.mars("fork report@A#1 --edit {reply} --agent B=Careful").final_response == "careful {'n': 3}"
    assert team.variables["report_fork"].status == "succeeded"
    run = team.mars("fork report@A#1 --as short -t 'User -> A -> User'")
    assert run.final_response == "a(hello)"


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("fork report", CellError, "takes a position"),
        ("fork report@nowhere", SessionError, "no position 'nowhere'"),
        ("fork report@A#1 --agent B", CellError, "expected OLD=NEW"),
        ("fork report@A#1 --agent B=Nobody", AgentNotFound, "Nobody"),
        ("fork report@A#1 --agent Bee=A", CellError, "--agent 'Bee': no such agent is drawn"),
        ("fork report@end --agent B=A", CellError, "is over there.*: %mars fork report@WHERE"),
        ("fork report@end -m offline", CellError, "is over there"),
        ("fork report@A#1 -m nobody:knows", ModelUnavailable, "nobody is known who serves"),
        ("fork report@A#1 -t 'User -> B -> User'", TopologyError, "stands at 'A', which the new topology does not"),
        ("resume report --rule timeout(3)", CellError, "is over there, and nothing would change"),
        ("fork report@A#1 --as taken", CellError, r"the variable 'taken' \(int\) is no run"),
        ("fork report@A#1 -t 'User -> A -> Nobody -> User'", CellError, "'Nobody' is no agent of this kernel"),
        ("restore", CellError, "takes a position"),
        ("checkpoint", CellError, "takes a name"),
        ("checkpoint report@5", CellError, "'5' is a seq, and no name for a checkpoint"),
        ("checkpoint report@../x", SessionError, "is no checkpoint name"),
        ("why", CellError, "takes a step"),
        ("compare report", CellError, "takes two runs"),
        ("delete", CellError, "takes a session"),
        ("delete plan", CellError, "only drawn"),
        ("export report notes.txt", CellError, r"'notes.txt': expected a name that ends in '.zip', such as 'report-1"),
        ("demo now", CellError, "'%mars demo' takes nothing; found 'now'"),
        (f"save {'x' * 300}.mars", StorageError, "cannot be written: File name too long"),
        (f"import {'x' * 300}", StorageError, "could not read '…x{100}'"),
        (f"fork report@{'x' * 300}", SessionError, "no position 'x+…'; expected"),
        (f"why report@{'x' * 300}", SessionError, "no step 'x+…'; expected"),
        (f"fork report@A#1 -m {'x' * 300}", ModelUnavailable, "the model 'x+…'; expected"),
        (f"fork report@A#1 --agent B={'x' * 300}", AgentNotFound, "no agent 'x+…' is registered"),
        ("import", CellError, "takes a file"),
        ("import nothing.zip", StorageError, "nothing.zip"),
        ("save", CellError, "takes a file"),
        ("save cell.txt", CellError, "ends in '.mars'"),
        ("save nowhere/cell.mars", StorageError, "cannot be written: No such file"),
        ("run", CellError, "takes a file"),
        ("run nothing.mars", CellError, "No such file"),
    ],
)
def test_a_verb_that_cannot_be_done_is_one_line(
    team: Notebook, line: str, error: type[Exception], message: str
) -> None:
    team.mars("report", CELL)
    team.mars("checkpoint end")
    team.mars("plan -n", CELL)
    team.variables["taken"] = 42
    with pytest.raises(error, match=message) as raised:
        team.mars(line)
    assert len(str(raised.value)) < 300
    assert desk_of(team).store.ids() == ["report-1"]
    assert "report_fork" not in team.variables


# ------------------------------------------------------------------------------------------------------------- looking


def test_the_sessions_are_a_table(paused: Notebook) -> None:
    paused.mars("fork report@A#1 --as other --keep-going")
    table = paused.mars("sessions")
    assert list(table["session_id"]) == ["report-1", "other-1"]
    assert list(table["run"]) == ["report", "other"]
    assert list(table["status"]) == ["paused", "paused"]
    assert table["parent"].iloc[1].startswith("report-1@")
    assert str(table["created_at"].dt.tz) == "UTC"


def test_no_sessions_are_an_empty_table(notebook: Notebook) -> None:
    assert len(notebook.mars("sessions")) == 0


def test_why_names_the_rule(paused: Notebook) -> None:
    paused.mars("resume")
    assert "one-way edges not taken yet" in paused.mars("why B#1")
    assert "b0#2" in paused.mars("why report@b0#2")


def test_what_a_run_used_is_a_table_with_a_sum(team: Notebook) -> None:
    team.mars("report", CELL)
    table = team.mars("cost")
    assert list(table.index) == ["A", "B", "total"]
    assert list(table["n_steps"]) == [1, 1, 2]


def test_replay_shows_a_run_again_without_asking_anybody(paused: Notebook, agents: Any) -> None:
    paused.mars("resume")
    agents.clear()
    paused.outputs.clear()
    assert paused.mars("replay report").final_response == "b(a(hello))"
    assert paused.texts[0] == "✓ A → ✓ B"
    assert "every one followed from the recorded replies" in paused.texts[1]


def test_replay_at_a_speed_paints_on_the_way(team: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mars_nb.jupyter.looking.screen_of", lambda *_: Screen("live"))
    monkeypatch.setattr(Screen, "every_s", 0.0)
    team.mars("report -q", CELL)
    team.outputs.clear()
    team.mars("replay --speed 1000x")
    assert "▶ A → ○ B" in team.texts


def test_a_run_that_its_cell_has_shown_shows_nothing_more_in_that_cell(paused: Notebook) -> None:
    run = paused.mars("resume")
    assert isinstance(run, ShownRun)
    paused.outputs.clear()
    formatter: Any = paused.shell.display_formatter
    formatter.format(run)
    assert paused.outputs == []
    paused.shell.execution_count += 1
    formatter.format(run)
    assert paused.texts[0].startswith("<Run 'report' succeeded")


# ------------------------------------------------------------------------------------------------------------- keeping


def test_a_session_travels_as_one_file_and_is_trusted_before_it_goes_on(paused: Notebook) -> None:
    path = paused.mars("export report")
    assert path == Path("report-1.mars.zip")
    copy = paused.mars(f"import {path} --as copy")
    assert (copy.status, copy.total_steps) == ("paused", 1)
    for line in ("resume copy", "fork copy@A#1", "checkpoint copy@here", "restore copy@A#1", "stop copy"):
        with pytest.raises(SessionError, match=r"'copy' was not made here: .*; to go on from it: %mars trust copy"):
            paused.mars(line)
    assert list(paused.mars("trust copy")["here"]) == ["the same", "the same"]
    assert "copy is trusted from now on: %mars resume copy would ask A, B" in paused.texts[-1]
    assert paused.mars("resume copy").final_response == "b(a(hello))"
    paused.mars("trust copy")
    assert "was trusted already" in paused.texts[-1]


def test_what_goes_on_here_is_trusted_already(behind: Notebook) -> None:
    behind.mars("trust report")
    assert "report-1 was trusted already" in behind.texts[-1]


def test_an_export_may_be_called_otherwise(paused: Notebook) -> None:
    assert paused.mars("export report 'my run.zip'").is_file()


def test_delete_takes_the_session_and_its_run_away(paused: Notebook) -> None:
    assert paused.mars("delete report") == "deleted report-1"
    assert "report" not in paused.variables
    assert desk_of(paused).runs == []
    with pytest.raises(RunNotFound):
        paused.mars("delete report-1")


@pytest.mark.parametrize("is_written", [False, True])
def test_what_goes_on_is_not_deleted(behind: Notebook, monkeypatch: pytest.MonkeyPatch, *, is_written: bool) -> None:
    monkeypatch.setattr(desk_of(behind).store.backend, "has_writer", lambda _session_id: is_written)
    with pytest.raises(CellError, match="'report-1' is going on, here or in another kernel; stop it there first"):
        behind.mars("delete report")


def test_clean_leaves_the_newest_the_unfinished_and_what_they_came_from(paused: Notebook) -> None:
    for name in ("one", "two", "three"):
        paused.mars(name, CELL)
    paused.mars("fork one@A#1 --as fork --keep-going")
    paused.mars("fork two@A#1 --as half -t 'User -> A -> B -> User\npause_before(B)' --keep-going")
    assert paused.mars("clean") == "deleted none; 6 sessions left"
    assert paused.mars("clean --keep 1") == "deleted 2 sessions: one-1, three-1; 4 sessions left"
    assert desk_of(paused).store.ids() == ["fork-1", "half-1", "report-1", "two-1"]


def test_a_cell_is_saved_and_run_from_its_file(team: Notebook) -> None:
    with pytest.raises(CellError, match="no %%mars cell to save yet"):
        team.mars("save team.mars")
    team.mars("report --max-steps 5", CELL)
    path = team.mars("save team.mars")
    assert path.read_text("utf-8") == f"# %%mars report --max-steps 5\n{CELL}"
    with pytest.raises(CellError, match="is there already"):
        team.mars("save team.mars")
    team.mars("save team.mars --replace")
    assert team.mars("run team.mars").metadata["session_id"] == "report-2"
    assert team.mars("run team.mars other -q").name == "other"
    team.mars("-t team.mars", "another task")
    assert team.variables["run"].final_response == "b(a(another task))"
    path.write_text(CELL, "utf-8")
    assert isinstance(team.mars("run team.mars"), Run)


def test_a_file_may_begin_with_a_mark_of_its_encoding(team: Notebook) -> None:
    Path("team.mars").write_text(f"# %%mars report -q\n{CELL}", "utf-8-sig")
    assert team.mars("run team.mars").name == "report"


def test_a_comment_is_no_verb(team: Notebook) -> None:
    assert "next: " in team.mars("# what is there?")
