"""The magics in real kernels: small notebooks, executed as *Run All* does, and requests with a stop button."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from jupyter_client.manager import start_new_async_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import v4

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import AsyncKernelManager

LOAD = "%load_ext mars_nb"
ECHO = "%%agent Echo\ndef echo(request):\n    return f'you said {request}'"
BAD = "%%agent Bad\ndef fail(request):\n    raise ValueError('too\\nbad')"
RUN_ECHO = "%%mars\ntask: hello\nUser -> Echo -> User"
RUN_BAD = "%%mars\ntask: hello\nUser -> Bad -> User"
LAST = "done = 'reached'\ndone"

# A kernel takes seconds to start, and longer on a machine that is busy.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Client(NotebookClient):
    """Executes a notebook, in a folder of its own, and remembers the messages that its cells sent."""

    def __init__(self, nb: Any) -> None:
        super().__init__(nb, timeout=120, kernel_name="python3")
        self.sent: list[tuple[int, str, Any]] = []

    def run_all(self) -> None:
        """Execute all cells, on a loop that is closed afterwards."""
        with tempfile.TemporaryDirectory() as folder:
            self.resources = {"metadata": {"path": folder}}
            asyncio.run(self.async_execute())

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        self.sent.append((cell_index, msg["msg_type"], msg["content"]))
        return super().process_message(msg, cell, cell_index)


def notebook_of(*sources: str) -> Any:
    return v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])


def executed(*sources: str) -> Any:
    """Give the notebook of these cells after *Run All*."""
    notebook = notebook_of(*sources)
    Client(notebook).run_all()
    return notebook


def texts(cell: Any) -> list[str]:
    return [output["data"]["text/plain"] for output in cell.outputs if "data" in output]


# ------------------------------------------------------------------------------------------------------------ Run All


@pytest.fixture(scope="module")
def tour() -> dict[str, Any]:
    """Execute one notebook with a cell for each case."""
    cells = {
        "load": LOAD,
        "status": "%mars",
        "agent": ECHO,
        "commented": f"# nightly\n\n{RUN_ECHO}",
        "prompts": "%%mars\ntask: explain\n  >>> 1 + 1\n  In [1]: 2\nUser -> Echo -> User",
        "run": "run",
        "await": "(await run).final_response",
        "time": f"%%time\n{RUN_ECHO}",
        "capture": f"%%capture kept\n{RUN_ECHO}",
        "captured": "len(kept.outputs)",
        "called": "get_ipython().run_cell_magic('mars', 'called', 'task: x\\nUser -> Echo -> User')",
        "nested": "get_ipython().run_cell('%%mars nested\\ntask: x\\nUser -> Echo -> User').success",
        "autoawait": "%autoawait off",
        "sync": RUN_ECHO,
        "value": "print(_oh.get(len(In) - 2))",
        "timeline": "df = %mars timeline\ndf['response'].tolist()",
        "demo": "%mars demo",
        "hostile": "%%agent Mallory\ndef lie(request):\n    return '<script>alert(1)</script> ![x](http://evil/x.png) "
        "[y](javascript:alert(1))\\x1b[2J'",
        "attacked": "%%mars\ntask: x\nUser -> Mallory -> User",
        "keep going": f"{BAD}",
        "failed": RUN_BAD.replace("%%mars", "%%mars --keep-going"),
        "last": LAST,
        "unload": "%unload_ext mars_nb",
        "reload": "%load_ext mars_nb",
        "again": RUN_ECHO,
    }
    notebook = executed(*cells.values())
    return dict(zip(cells, notebook.cells, strict=True))


def test_loading_shows_one_line(tour: dict[str, Any]) -> None:
    assert len(texts(tour["load"])) == 1
    assert len(texts(tour["reload"])) == 1


@pytest.mark.parametrize("case", ["commented", "time", "sync", "again"])
def test_a_cell_shows_picture_answer_and_next_steps(tour: dict[str, Any], case: str) -> None:
    *shown, below = texts(tour[case])
    assert shown == ["✓ Echo", "you said hello"]
    assert below.startswith("Done · 1 step · ")
    assert tour[case].outputs[0]["data"]["image/svg+xml"].startswith("<svg")


def test_a_cell_has_no_value_of_its_own(tour: dict[str, Any]) -> None:
    assert all(output.output_type != "execute_result" for output in tour["commented"].outputs)


def test_prompts_in_a_task_are_text(tour: dict[str, Any]) -> None:
    assert texts(tour["prompts"])[1] == "you said explain\n>>> 1 + 1\nIn [1]: 2"


def test_a_run_is_a_variable_that_can_be_awaited(tour: dict[str, Any]) -> None:
    assert texts(tour["run"])[0].startswith("<Run 'run' succeeded: 1 step, ")
    assert "you said explain" in texts(tour["await"])[0]


def test_a_captured_cell_shows_nothing_and_its_outputs_are_kept(tour: dict[str, Any]) -> None:
    assert tour["capture"].outputs == []
    assert int(texts(tour["captured"])[0]) >= 3


def test_cells_run_from_python_and_inside_a_cell(tour: dict[str, Any]) -> None:
    assert texts(tour["called"])[1] == "you said x"
    assert texts(tour["nested"])[-1] == "True"


def test_a_table_is_the_value_of_a_line(tour: dict[str, Any]) -> None:
    assert texts(tour["timeline"]) == ["['you said hello']"]


def test_the_demonstration_ends_with_a_picture_an_answer_and_its_cell(tour: dict[str, Any]) -> None:
    picture, answer, cell, _ = texts(tour["demo"])
    assert picture == "✓ Planner → ✓ Lower Half, ✓ Upper Half → ✓ Writer"
    assert "669 primes" in answer
    assert "%%mars demo_run" in cell


def test_a_hostile_reply_is_shown_and_does_nothing(tour: dict[str, Any]) -> None:
    answer = tour["attacked"].outputs[1]["data"]
    assert answer["text/markdown"] == (
        r"&lt;script>alert(1)&lt;/script> [image: x] http://evil/x.png [y]\(javascript:alert(1))[2J"
    )
    assert {media for output in tour["attacked"].outputs for media in output["data"]} == {
        "image/svg+xml",
        "text/markdown",
        "text/plain",
    }
    assert "<script" not in tour["attacked"].outputs[0]["data"]["image/svg+xml"]


def test_keep_going_lets_the_notebook_go_on_after_a_failed_run(tour: dict[str, Any]) -> None:
    resume = "%mars resume run (asks again only what has no reply)"
    assert texts(tour["failed"]) == ["✗ Bad", f"{resume} · run.timeline() · %mars show run"]
    assert texts(tour["last"]) == ["'reached'"]


def test_run_all_stops_at_a_failed_run_after_its_view_is_drawn() -> None:
    notebook = notebook_of(LOAD, BAD, RUN_BAD, LAST)
    with pytest.raises(CellExecutionError) as caught:
        Client(notebook).run_all()
    assert caught.value.ename == "RunFailed"
    line = str(caught.value).strip().splitlines()[-1]
    assert line == "mars: run 'run' failed: Bad (b0#1) failed: ValueError: too bad"
    assert [output.output_type for output in notebook.cells[2].outputs] == ["display_data", "display_data", "error"]
    assert texts(notebook.cells[2])[0] == "✗ Bad"
    assert notebook.cells[3].outputs == []


def test_run_all_goes_on_after_a_failed_run_whose_cell_may_raise() -> None:
    notebook = notebook_of(LOAD, BAD, RUN_BAD, LAST)
    notebook.cells[2].metadata["tags"] = ["raises-exception"]
    Client(notebook).run_all()
    assert notebook.cells[2].outputs[-1].traceback == ["mars: run 'run' failed: Bad (b0#1) failed: ValueError: too bad"]
    assert texts(notebook.cells[3]) == ["'reached'"]


def test_the_picture_is_repainted_under_its_id_at_most_four_times_a_second() -> None:
    slow = "%%agent Slow\nimport time\ndef wait(request):\n    time.sleep(0.1)\n    return 'ok'"
    cell = "%%mars --keep-going\ntask: x\nUser -> Slow -> Echo -> Slow\nEcho -> User\nmax_steps(12)"
    client = Client(notebook_of(LOAD, ECHO, slow, cell, "run.total_duration"))
    client.run_all()
    sent = [(kind, content) for index, kind, content in client.sent if index == 3 and "display" in kind]
    updates = [content["transient"]["display_id"] for kind, content in sent if kind == "update_display_data"]
    [shown] = {content["transient"]["display_id"] for _, content in sent if content["transient"].get("display_id")}
    duration_s = float(texts(client.nb.cells[4])[0])
    assert set(updates) == {shown}
    assert len(updates) <= duration_s * 4 + 1


# -------------------------------------------------------------------------------------------- keyboard and stop button


class Kernel:
    """A kernel to which cells are sent one by one."""

    def __init__(self, manager: AsyncKernelManager, client: AsyncKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.outputs: list[dict[str, Any]] = []
        self.prompts: list[str] = []
        self.interrupts: list[asyncio.Future[None]] = []
        self.interrupt_on = ""
        self.n_presses = 1

    async def run(self, code: str, *, reply: str = "", interrupt_on: str = "", n_presses: int = 1) -> str:
        """Run a cell, type a reply if it asks, interrupt when an output shows ``interrupt_on``; give its status."""
        self.outputs, self.prompts, self.interrupt_on, self.n_presses = [], [], interrupt_on, n_presses

        def type_(message: Any) -> None:
            self.prompts.append(message["content"]["prompt"])
            if reply == "^C":
                self._interrupt()
            else:
                self.client.input(reply)

        answered = await self.client.execute_interactive(
            code, allow_stdin=bool(reply), stdin_hook=type_, output_hook=self._note, timeout=60
        )
        return str(answered["content"]["status"])

    def _interrupt(self) -> None:
        self.interrupts.append(asyncio.ensure_future(self._press()))

    async def _press(self) -> None:
        for _ in range(self.n_presses):
            await asyncio.sleep(0.2)  # as a person does: after what is shown, and two signals at once are one
            await self.manager.interrupt_kernel()

    def _note(self, message: Any) -> None:
        content = message["content"]
        self.outputs.append(content)
        if self.interrupt_on and self.interrupt_on in content.get("data", {}).get("text/plain", ""):
            self.interrupt_on = ""
            self._interrupt()

    @property
    def error(self) -> str:
        [traceback] = [output["traceback"] for output in self.outputs if "traceback" in output]
        return "\n".join(traceback)

    @property
    def texts(self) -> list[str]:
        return [output["data"]["text/plain"] for output in self.outputs if "text/plain" in output.get("data", {})]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kernel(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kernel]:
    folder = str(tmp_path_factory.mktemp("notebook"))
    manager, client = await start_new_async_kernel(kernel_name="python3", cwd=folder)
    made = Kernel(manager, client)
    await made.run(LOAD)
    await made.run(AGENTS)
    yield made
    client.stop_channels()
    await manager.shutdown_kernel()


AGENTS = """
import asyncio, time
from mars_nb import AskUser, agent

@agent
def Fast(request): return 'ok'

@agent
async def Slow(request): await asyncio.sleep(1)

@agent
def Busy(request): time.sleep(1)

@agent
async def Endless(request): await asyncio.sleep(600)

@agent
def Last(request): return 'done'

@agent
def Asker(request, context): return f'you chose {request}' if context.memory else AskUser('red or blue?')
"""

in_one_loop = pytest.mark.asyncio(loop_scope="module")
PAUSED = "nothing is lost, go on: %mars resume run"


@in_one_loop
@pytest.mark.parametrize("before", ["", "%%time\n"])
@pytest.mark.parametrize("agent", ["Slow", "Busy"])
async def test_the_stop_button_pauses_a_run_when_the_running_step_is_over(
    kernel: Kernel, before: str, agent: str
) -> None:
    cell = f"{before}%%mars\ntask: x\nUser -> Fast -> {agent} -> Last -> User"
    assert await kernel.run(cell, interrupt_on=f"▶ {agent}") == "error"
    assert kernel.error == f"mars: run 'run' paused after 2 steps (you pressed the stop button); {PAUSED}"
    assert f"✓ Fast → ✓ {agent} → ‖ Last" in kernel.texts
    assert await kernel.run("%mars resume") == "ok"
    assert await kernel.run("run.status, len(run.timeline())") == "ok"
    assert kernel.texts == ["('succeeded', 3)"]


@in_one_loop
@pytest.mark.parametrize("before", ["", "%%time\n"])
async def test_the_stop_button_pressed_twice_pauses_at_once(kernel: Kernel, before: str) -> None:
    cell = f"{before}%%mars\ntask: x\nUser -> Fast -> Endless -> User"
    assert await kernel.run(cell, interrupt_on="▶ Endless", n_presses=2) == "error"
    assert kernel.error == f"mars: run 'run' paused after 1 step (you pressed the stop button); {PAUSED}"


@in_one_loop
async def test_the_stop_button_pauses_a_run_in_the_background_that_a_cell_waits_for(kernel: Kernel) -> None:
    cell = "%%mars -b\ntask: x\nUser -> Slow -> Last -> User"
    for wait in ("await run", "run.wait()"):
        assert await kernel.run(cell) == "ok"
        assert await kernel.run(f"display('waiting')\n{wait}", interrupt_on="waiting") == "error"
        assert kernel.error == f"mars: run 'run' paused after 1 step (you pressed the stop button); {PAUSED}"
        assert "✓ Slow → ‖ Last" in kernel.texts


@in_one_loop
async def test_a_run_in_the_background_can_be_watched_from_another_cell(kernel: Kernel) -> None:
    await kernel.run("%%mars -b\ntask: x\nUser -> Slow -> Last -> User")
    assert await kernel.run("%mars show\nresult = await run") == "ok"
    shown = [output["transient"]["display_id"] for output in kernel.outputs if "transient" in output]
    assert len(set(shown)) == 2
    assert kernel.texts[-1] == "✓ Slow → ✓ Last"


@in_one_loop
@pytest.mark.parametrize("before", ["", "%%time\n"])
async def test_a_question_is_typed_below_the_picture(kernel: Kernel, before: str) -> None:
    assert await kernel.run(f"{before}%%mars\ntask: x\nUser -> Asker -> User", reply="blue") == "ok"
    assert kernel.prompts == ["red or blue?\n> "]
    assert "? Asker" in kernel.texts
    assert "you chose blue" in kernel.texts


@in_one_loop
@pytest.mark.parametrize("before", ["", "%%time\n"])
async def test_the_stop_button_pauses_a_run_while_its_question_is_open(kernel: Kernel, before: str) -> None:
    assert await kernel.run(f"{before}%%mars\ntask: x\nUser -> Asker -> User", reply="^C") == "error"
    assert kernel.error == "mars: run 'run' asks 'red or blue?'; answer and go on: %mars answer TEXT"
    assert await kernel.run("%mars resume", reply="blue") == "ok"
    assert "you chose blue" in kernel.texts


@in_one_loop
async def test_a_question_that_nobody_can_type_an_answer_to_waits_for_one(kernel: Kernel) -> None:
    assert await kernel.run("%%mars\ntask: x\nUser -> Asker -> User") == "error"
    assert kernel.error == "mars: run 'run' asks 'red or blue?'; answer and go on: %mars answer TEXT"
    assert await kernel.run("%mars answer blue") == "ok"
    assert "you chose blue" in kernel.texts


@in_one_loop
async def test_a_run_in_the_background_survives_a_restart_of_the_kernel(kernel: Kernel) -> None:
    assert await kernel.run("%%mars kept -b\ntask: x\nUser -> Fast -> Slow -> Last -> User") == "ok"
    assert kernel.texts[-1] == "kept goes on in the background · await kept · %mars pause kept"
    await kernel.manager.restart_kernel()
    await kernel.client.wait_for_ready(timeout=60)
    await kernel.run(LOAD)
    assert "unfinished: kept-1" in kernel.texts[1]
    assert await kernel.run("%mars resume kept") == "error"
    await kernel.run(AGENTS)
    assert await kernel.run("%mars resume kept") == "ok"
    assert "✓ Fast → ✓ Slow → ✓ Last" in kernel.texts


@in_one_loop
async def test_agents_are_completed_after_an_arrow(kernel: Kernel) -> None:
    code = "%%mars\ntask: x\nUser -> Fa"
    content = (await kernel.client.complete(code, reply=True, timeout=60))["content"]
    assert content["matches"] == ["Fast"]
    assert code[: content["cursor_start"]] == "%%mars\ntask: x\nUser -> "
