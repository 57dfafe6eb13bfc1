"""The notebook that pauses, restarts its kernel and resumes does so: the kernel is restarted in the middle."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent.parent
NOTEBOOK = ROOT / "notebooks" / "01_pause_resume.ipynb"
FIRST_AFTER_RESTART = "load-again"
LOG = "asked.log"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Executed:
    """The notebook after all of its cells have run, with or without a restart of its kernel."""

    def __init__(self, folder: Path, *, restarts: bool) -> None:
        self.folder = folder
        self.notebook: Any = nbformat.read(NOTEBOOK, as_version=4)
        self.client = NotebookClient(
            self.notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        )
        self.kernels: list[str] = []
        asyncio.run(self._execute(restarts=restarts))

    async def _execute(self, *, restarts: bool) -> None:
        async with self.client.async_setup_kernel():
            for cell in self.notebook.cells:
                if restarts and cell.id == FIRST_AFTER_RESTART:
                    await self._restart()
                await self._run(cell)
                if restarts and cell.id == "resume-early":
                    await self._run(self.cell("agents"))

    async def _run(self, cell: Any) -> None:
        await self.client.async_execute_cell(cell, self.notebook.cells.index(cell))

    async def _restart(self) -> None:
        """Restart the kernel: Python forgets everything."""
        probe = nbformat.v4.new_code_cell("'house' in globals()")
        self.notebook.cells.append(probe)
        for _ in range(2):
            await self._run(probe)
            self.kernels.append(probe.outputs[0].data["text/plain"])
            if len(self.kernels) == 1:
                manager: Any = self.client.km
                client: Any = self.client.kc
                await manager.restart_kernel()
                await client.wait_for_ready(timeout=60)
        self.notebook.cells.remove(probe)

    def cell(self, cell_id: str) -> Any:
        [found] = [each for each in self.notebook.cells if each.id == cell_id]
        return found

    def text(self, cell_id: str) -> str:
        """Give all that a cell shows, as text."""
        return "\n".join(
            "\n".join(output.traceback) if output.output_type == "error" else output.get("text") or plain(output)
            for output in self.cell(cell_id).outputs
        )

    def asked(self, cell_id: str) -> list[str]:
        """Give who was asked, as a cell prints the log."""
        return [line.partition(" ")[0] for line in self.text(cell_id).splitlines() if line]


def plain(output: Any) -> str:
    return str(output.data["text/plain"])


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return Executed(tmp_path_factory.mktemp("restarted"), restarts=True)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    return Executed(tmp_path_factory.mktemp("straight"), restarts=False)


def test_the_kernel_is_another_one_in_the_second_half(restarted: Executed) -> None:
    assert restarted.kernels == ["True", "False"]


def test_the_run_pauses_before_the_buyer_and_says_how_to_go_on(restarted: Executed) -> None:
    assert "✓ Surveyor → ✓ Painter, ✓ Roofer → ‖ Buyer" in restarted.text("house")
    assert restarted.text("house").endswith(
        "mars: run 'house' paused after 3 steps (pause_before(Buyer)); nothing is lost, go on: %mars resume house"
    )
    assert sorted(restarted.asked("log-1")) == ["Painter", "Roofer", "Surveyor"]


def test_after_the_restart_loading_names_what_waits(restarted: Executed) -> None:
    assert restarted.text("load-again").endswith("unfinished: house-1 · %mars resume house-1 · %mars sessions")


def test_without_its_agents_the_run_names_those_that_are_missing(restarted: Executed) -> None:
    error = restarted.text("resume-early")
    assert error.startswith(
        "mars: 'Surveyor, Painter, Roofer, Buyer' are no agents of this kernel; run the cells again"
    )


def test_after_the_restart_only_what_had_no_reply_is_asked(restarted: Executed) -> None:
    assert "painting 1,800 + roof 7,600 = 9,400 euros" in restarted.text("resume")
    assert sorted(restarted.asked("log-2")) == ["Buyer", "Painter", "Roofer", "Surveyor"]


def test_a_restored_run_stands_where_it_stood_and_the_new_buyer_is_asked(restarted: Executed) -> None:
    assert "✓ Surveyor → ✓ Painter, ✓ Roofer → ‖ Buyer" in restarted.text("restored")
    assert "changed since it ran last: Buyer" in restarted.text("resume-bargain")
    assert "painting 1,620 + roof 6,840 = 8,460 euros" in restarted.text("resume-bargain")


def test_a_fork_with_another_reply_gives_another_sum(restarted: Executed) -> None:
    assert "painting 1,080 + roof 6,840 = 7,920 euros" in restarted.text("fork-resume")


def test_the_comparison_shows_what_changed_and_what_was_recorded(restarted: Executed) -> None:
    [output] = restarted.cell("compare").outputs
    rows = [re.findall("<td>(.*?)</td>", row) for row in output.data["text/html"].split("<tr>")[1:]]
    assert [(agent, kind, source) for agent, kind, *_, source in filter(None, rows)] == [
        ("Surveyor", "same", "asked"),
        ("Painter", "changed", "asked"),
        ("Roofer", "same", "recorded"),
        ("Buyer", "changed", "asked"),
    ]


def test_only_the_buyer_is_asked_more_than_once(restarted: Executed) -> None:
    asked = restarted.asked("log-3")
    assert {name: asked.count(name) for name in asked} == {"Surveyor": 1, "Painter": 1, "Roofer": 1, "Buyer": 3}


def test_why_leads_back_to_the_replies(restarted: Executed) -> None:
    assert "Buyer was asked as" in restarted.text("why")
    assert "met at Buyer" in restarted.text("why")


def test_the_notebook_tidies_up(restarted: Executed) -> None:
    assert [each.name for each in restarted.folder.iterdir()] == [".mars"]
    assert [each.name for each in (restarted.folder / ".mars").iterdir() if each.is_dir()] == []


def test_it_runs_without_a_restart_as_well(straight: Executed) -> None:
    assert "9,400 euros" in straight.text("resume-early")
    assert "shown again, nobody was asked" in straight.text("resume")
    assert straight.asked("log-3").count("Buyer") == 3


@pytest.mark.parametrize("kind", ["restarted", "straight"])
def test_only_cells_that_show_an_error_end_with_one(kind: str, request: pytest.FixtureRequest) -> None:
    executed: Executed = request.getfixturevalue(kind)
    cells = [cell for cell in executed.notebook.cells if cell.cell_type == "code"]
    failed = [cell.id for cell in cells if any(output.output_type == "error" for output in cell.outputs)]
    assert failed == (["house", "resume-early"] if kind == "restarted" else ["house"])


def test_the_notebook_is_committed_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
