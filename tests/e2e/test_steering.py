"""The live view, steered by clicks: what a person presses happens, on every kernel that can hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.e2e.harmless import assert_harmless
from tests.e2e.kernels import KERNELS, NEWEST
from tests.e2e.team import SETUP, cell

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.e2e.conftest import OpenNotebook, Shoot
    from tests.e2e.lab import App
    from tests.e2e.notebook_page import NotebookPage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

everywhere = pytest.mark.parametrize(("app", "kernel"), [*(("lab", each) for each in KERNELS), ("notebook", NEWEST)])


def button(view: Locator, name: str) -> Locator:
    return view.get_by_role("button", name=name, exact=True)


def press(view: Locator, name: str) -> None:
    button(view, name).first.click()


def started(notebook: NotebookPage, *agents: str, position: int = 1) -> Locator:
    """Let these agents go on, run the setup and a cell in the background; give what the cell shows."""
    notebook.run(0)
    notebook.let(*agents)
    return notebook.run(position)


# ------------------------------------------------------------------------------------------------- pause, resume, step


@everywhere
def test_a_click_pauses_a_run_in_the_background_and_another_resumes_it(
    open_notebook: OpenNotebook, shoot: Shoot, app: App, kernel: str
) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"), app=app, kernel=kernel)
    view = started(notebook, "Planner", "North")
    notebook.wait_for(view, North="done", South="running")
    shoot(notebook, "running")
    press(view, "Pause")
    expect(view).to_contain_text("Pausing")
    shoot(notebook, "pausing")
    notebook.let("South")
    expect(view).to_contain_text("Paused")
    expect(view).to_contain_text("you pressed Pause")
    notebook.wait_for(view, South="done", Writer="paused")
    shoot(notebook, "paused")
    assert notebook.ask("report.status") == "'paused'"
    notebook.let("Writer")
    press(view, "Resume")
    expect(view).to_contain_text("Writer has done it")
    notebook.wait_for(view, Writer="done")
    assert notebook.ask("report.status") == "'succeeded'"


@pytest.mark.parametrize("kernel", ["ipykernel-7.3", NEWEST])
def test_a_click_pauses_a_run_that_its_cell_waits_for(open_notebook: OpenNotebook, kernel: str) -> None:
    notebook = open_notebook(SETUP, cell(), kernel=kernel)
    notebook.run(0)
    notebook.let("Planner", "North")
    view = notebook.start(1)
    notebook.wait_for(view, North="done", South="running")
    press(view, "Pause")
    expect(view).to_contain_text("Pausing")
    notebook.let("South")
    notebook.finished(1)
    expect(view).to_contain_text("%mars resume report")
    notebook.let("Writer")
    press(view, "Resume")
    expect(view).to_contain_text("Writer has done it")
    expect(view).not_to_contain_text("%mars step report")


def test_a_kernel_that_hears_no_clicks_is_noticed_and_the_stop_button_named(
    open_notebook: OpenNotebook, shoot: Shoot
) -> None:
    notebook = open_notebook(SETUP, cell(), kernel="ipykernel-6")
    notebook.run(0)
    notebook.let("Planner", "North")
    view = notebook.start(1)
    notebook.wait_for(view, North="done", South="running")
    press(view, "Pause")
    expect(view).to_contain_text("stop button")
    shoot(notebook, "hint")
    notebook.press_stop()
    expect(view).to_contain_text("Pausing")
    notebook.let("South")
    notebook.finished(1)
    expect(view).to_contain_text("%mars resume report")
    expect(view).not_to_contain_text("Not answering?")


def test_a_second_click_on_pause_does_not_wait_for_the_running_step(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"))
    view = started(notebook, "Planner", "North")
    notebook.wait_for(view, North="done", South="running")
    press(view, "Pause")
    expect(view).to_contain_text("Pausing")
    view.get_by_role("button", name="Pause").first.click()
    expect(view).to_contain_text("Paused")
    notebook.wait_for(view, North="done", South="paused")


def test_each_click_on_step_lets_every_branch_do_one_step(open_notebook: OpenNotebook) -> None:
    chain = "User -> Planner -> North -> South -> Writer -> User"
    notebook = open_notebook(SETUP, cell(line="-b -p North", drawing=chain))
    view = started(notebook, "Planner", "North", "South", "Writer")
    notebook.wait_for(view, Planner="done", North="paused")
    press(view, "Step")
    notebook.wait_for(view, North="done", South="paused")
    press(view, "Step")
    notebook.wait_for(view, South="done", Writer="paused")
    press(view, "Resume")
    expect(view).to_contain_text("Writer has done it")


def test_a_click_on_stop_ends_a_run_and_keeps_what_it_has(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"))
    view = started(notebook, "Planner", "North")
    notebook.wait_for(view, North="done", South="running")
    press(view, "Stop")
    expect(button(view, "Pause")).to_have_count(0)
    assert notebook.ask("report.status") == "'cancelled'"
    assert "North has done it" in notebook.ask("report.timeline()['response'].tolist()")


def test_a_failed_step_is_asked_again_by_a_click(open_notebook: OpenNotebook, shoot: Shoot) -> None:
    notebook = open_notebook(SETUP, cell(line="-b", drawing="User -> Planner -> Broken, North -> Writer -> User"))
    view = started(notebook, "Planner", "North", "Writer")
    notebook.wait_for(view, Broken="failed")
    expect(view.get_by_role("alert")).to_contain_text("ConnectionError")
    shoot(notebook, "failed")
    (notebook.folder / "mended").touch()
    press(view, "Retry only Broken")
    expect(view).to_contain_text("Writer has done it")
    assert notebook.ask("report.total_steps") == "4"


def test_a_checkpoint_is_made_and_the_run_goes_back_to_it_and_is_forked_from_it(
    open_notebook: OpenNotebook, shoot: Shoot
) -> None:
    notebook = open_notebook(SETUP, cell(line="-b -p Writer"), "result = await other\n%mars show other")
    view = started(notebook, "Planner", "North", "South")
    notebook.wait_for(view, South="done", Writer="paused")
    press(view, "Checkpoint ▾")
    view.get_by_role("textbox", name="Name of the checkpoint").fill("before-writing")
    press(view, "Create")
    expect(view).to_contain_text("%mars checkpoint report@before-writing")
    notebook.let("Writer")
    press(view, "Checkpoint ▾")
    shoot(notebook, "checkpoints")
    press(view, "Fork before-writing…")
    view.get_by_role("textbox", name="Name of the new run").fill("other")
    shoot(notebook, "fork")
    view.locator("[data-form=fork]").get_by_role("button", name="Create").click()
    expect(view).to_contain_text("%mars fork report@before-writing --as other")
    fork = notebook.run(2)
    expect(fork).to_contain_text("Writer has done it")
    assert notebook.ask("report.status, other.status") == "('paused', 'succeeded')"
    notebook.page.keyboard.press("Escape")
    press(view, "Checkpoint ▾")
    press(view, "Restore before-writing")
    expect(view).to_contain_text("%mars restore report@before-writing")
    press(view, "Resume")
    expect(view).to_contain_text("Writer has done it")


# --------------------------------------------------------------------------------------------------- questions, looking


def test_a_question_is_answered_in_its_box(open_notebook: OpenNotebook, shoot: Shoot) -> None:
    notebook = open_notebook(SETUP, cell(line="-b", drawing="User -> Editor -> User"))
    view = started(notebook)
    expect(view).to_contain_text("Editor asks you")
    expect(view).to_contain_text("Publish it?")
    shoot(notebook, "asking")
    view.get_by_role("textbox").fill("yes")
    press(view, "Send")
    expect(view).to_contain_text("You said yes")


def test_the_scrubber_shows_the_run_as_it_was_and_leads_back(open_notebook: OpenNotebook, shoot: Shoot) -> None:
    notebook = open_notebook(SETUP, cell(line="-b -p Writer"))
    view = started(notebook, "Planner", "North", "South")
    notebook.wait_for(view, South="done", Writer="paused")
    scrubber = view.get_by_role("slider")
    scrubber.focus()
    notebook.page.keyboard.press("Home")
    notebook.wait_for(view, South="idle", Writer="idle")
    expect(view).to_contain_text("viewing")
    expect(button(view, "Resume").first).to_be_disabled()
    shoot(notebook, "past")
    press(view, "Back to live")
    notebook.wait_for(view, South="done", Writer="paused")
    expect(button(view, "Resume").first).to_be_enabled()


def test_a_click_shows_what_an_agent_did_what_went_over_an_edge_and_a_step(
    open_notebook: OpenNotebook, shoot: Shoot
) -> None:
    notebook = open_notebook(SETUP, cell(line="-b -p Writer"))
    view = started(notebook, "Planner", "North", "South")
    notebook.wait_for(view, South="done", Writer="paused")
    details = view.get_by_role("region", name="Details")
    view.get_by_role("button", name="South, done").click()
    expect(details.get_by_role("heading")).to_have_text("South")
    expect(details).to_contain_text("Planner has done it")
    expect(details).to_contain_text("South has done it")
    shoot(notebook, "details")
    notebook.page.keyboard.press("Escape")
    expect(details).to_be_hidden()
    view.locator("[data-source=Planner][data-target=North] [data-part=hit]").click(force=True)
    expect(details.get_by_role("heading")).to_have_text("Planner → North")
    expect(details).to_contain_text("Planner has done it")
    view.locator("[data-step='b0.1#1']").click()
    expect(details).to_contain_text("b0.1#1")
    expect(details).to_contain_text("South has done it")


def test_a_closed_tab_is_no_loss_since_show_attaches_again(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"), "%mars show report")
    view = started(notebook, "Planner", "North")
    notebook.wait_for(view, North="done", South="running")
    notebook.save()
    notebook.close()
    notebook.open()
    view = notebook.run(2)
    notebook.wait_for(view, North="done", South="running")
    press(view, "Pause")
    expect(view).to_contain_text("Pausing")
    notebook.let("South", "Writer")
    expect(view).to_contain_text("Paused")
    press(view, "Resume")
    expect(view).to_contain_text("Writer has done it")


def test_a_page_that_is_opened_again_shows_how_its_run_ends(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(SETUP, cell(line="-b -p Writer"))
    view = started(notebook, "Planner", "North", "South")
    notebook.wait_for(view, South="done", Writer="paused")
    notebook.save()
    notebook.close()
    notebook.open()
    view = notebook.output(1)
    notebook.let("Writer")
    press(view, "Resume")
    expect(view.locator(".mars-banner")).to_contain_text("Done")
    expect(view.locator(".mars-speaker")).to_contain_text("Writer has done it")
    notebook.wait_for(view, Writer="done")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_keys_in_the_picture_are_its_own(open_notebook: OpenNotebook, app: App) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"), app=app)
    view = started(notebook, "Planner", "North")
    notebook.wait_for(view, North="done", South="running")
    button(view, "Planner, done").focus()
    notebook.page.keyboard.press("ArrowRight")
    expect(button(view, "North, done")).to_be_focused()
    notebook.page.keyboard.press("ArrowDown")
    expect(button(view, "South, running")).to_be_focused()
    notebook.page.keyboard.press("Enter")
    expect(view.get_by_role("region", name="Details").get_by_role("heading")).to_have_text("South")


@pytest.mark.parametrize("app", ["lab", "notebook"])
def test_after_a_restart_a_view_says_that_its_kernel_is_gone(open_notebook: OpenNotebook, app: App) -> None:
    notebook = open_notebook(SETUP, cell(line="-b"), "%mars show report", app=app)
    view = started(notebook, "Planner", "North")
    notebook.wait_for(view, North="done", South="running")
    notebook.restart()
    expect(view).to_contain_text("Not connected")
    expect(button(view, "Pause").first).to_be_disabled()
    button(view, "South, running").click()
    expect(view).to_contain_text("The kernel does not answer")
    notebook.run(0)
    again = notebook.run(2)
    expect(again.locator(".mars-word")).to_have_text("Paused")
    notebook.wait_for(again, North="done", South="paused")
    notebook.let("South", "Writer")
    press(again, "Resume")
    expect(again).to_contain_text("Writer has done it")


def test_what_an_agent_says_in_a_live_view_is_shown_and_never_obeyed(open_notebook: OpenNotebook) -> None:
    drawings = ["User -> Mallory -> Writer -> User", "User -> Trudy -> User", "User -> Oscar -> User"]
    cells = [cell(line="-b", drawing=each, name=f"run{i}") for i, each in enumerate(drawings)]
    notebook = open_notebook(SETUP, *cells)
    for position in range(4):
        notebook.run(position)
    said = '<script>window.attacked = 1</script><img src=x onerror="window.attacked = 1">'
    expect(notebook.output(1).locator(".mars-speaker")).to_contain_text(said)
    expect(notebook.output(2).get_by_role("alert")).to_contain_text("<script>window.attacked = 1</script>")
    expect(notebook.output(3).locator(".mars-question")).to_contain_text(said)
    notebook.output(1).get_by_role("button", name="Mallory, done").click()
    expect(notebook.output(1).get_by_role("region", name="Details")).to_contain_text(said)
    assert_harmless(notebook)
