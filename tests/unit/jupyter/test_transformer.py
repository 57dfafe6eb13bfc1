from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from mars_nb.jupyter import load_ipython_extension, unload_ipython_extension
from mars_nb.jupyter.transformer import Rewriter

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CELL = ["%%mars report --quiet\n", "task: x\n", "User -> A\n"]
AWAITED = (
    "await get_ipython().magics_manager.registry['MarsMagics'].run_cell('report --quiet', 'task: x\\nUser -> A\\n')\n"
)
CALLED = "get_ipython().run_cell_magic('mars', 'report --quiet', 'task: x\\nUser -> A\\n')\n"


class Kernel:
    """Tells the id of the request that it works on."""

    def __init__(self) -> None:
        self.request = "first"

    def get_parent(self) -> dict[str, Any]:
        return {"header": {"msg_id": self.request}}


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def rewriter(kernel: Kernel) -> Rewriter:
    made = Rewriter(SimpleNamespace(kernel=kernel, autoawait=True))  # type: ignore[arg-type]  # all that it looks at
    kernel.request = "second"
    return made


def test_a_cell_that_stands_by_itself_is_awaited(rewriter: Rewriter) -> None:
    assert rewriter(CELL) == [AWAITED]


def test_comments_and_blank_lines_may_stand_above(rewriter: Rewriter) -> None:
    assert rewriter(["\n", "# nightly\n", "  # run\n", *CELL]) == [AWAITED]


def test_line_ends_of_windows_are_line_ends(rewriter: Rewriter) -> None:
    assert rewriter([CELL[0].replace("\n", "\r\n"), *CELL[1:]]) == [AWAITED]


@pytest.mark.parametrize(
    "first", ["x = 1\n", "%%marsh\n", "%%mars?\n", "%%mars ?\n", " %%mars\n", "%mars\n", "%%time\n"]
)
def test_other_cells_are_left_alone(rewriter: Rewriter, first: str) -> None:
    assert rewriter([first, *CELL]) == [first, *CELL]


def test_an_empty_cell_is_left_alone(rewriter: Rewriter) -> None:
    assert rewriter([]) == []
    assert rewriter(["# only this"]) == ["# only this"]


def test_a_cell_inside_the_cell_that_is_executed_is_called(rewriter: Rewriter) -> None:
    rewriter.note_request()
    assert rewriter(CELL) == [CALLED]


def test_the_next_request_is_awaited_again(rewriter: Rewriter, kernel: Kernel) -> None:
    rewriter.note_request()
    kernel.request = "third"
    assert rewriter(CELL) == [AWAITED]


def test_the_cell_that_loads_the_extension_counts_as_executed(kernel: Kernel) -> None:
    loading = Rewriter(SimpleNamespace(kernel=kernel, autoawait=True))  # type: ignore[arg-type]
    assert loading(CELL) == [CALLED]


def test_without_autoawait_a_cell_is_called(kernel: Kernel) -> None:
    shell = SimpleNamespace(kernel=kernel, autoawait=False)
    rewriter = Rewriter(shell)  # type: ignore[arg-type]
    kernel.request = "second"
    assert rewriter(CELL) == [CALLED]


def test_in_a_terminal_a_cell_is_called() -> None:
    assert Rewriter(SimpleNamespace(autoawait=True))(CELL) == [CALLED]  # type: ignore[arg-type]


def test_prompts_in_a_task_are_not_stripped(shell: InteractiveShell) -> None:
    load_ipython_extension(shell)
    cell = "%%mars\ntask: explain\n  >>> 1 + 1\n  In [1]: 2\nUser -> A"
    assert r">>> 1 + 1\n  In [1]: 2" in shell.transform_cell(cell)  # type: ignore[no-untyped-call]  # IPython
    unload_ipython_extension(shell)


def test_a_terminal_waits_for_the_rest_of_the_cell(shell: InteractiveShell) -> None:
    load_ipython_extension(shell)
    assert shell.input_transformer_manager.check_complete("%%mars")[0] == "incomplete"
    unload_ipython_extension(shell)


def test_unloading_leaves_the_shell_as_it_was(shell: InteractiveShell) -> None:
    def snapshot() -> tuple[object, ...]:
        magics = shell.magics_manager
        return (
            [*shell.input_transformers_cleanup],
            [*shell.events.callbacks["pre_execute"]],
            [*shell.Completer.custom_matchers],
            {kind: set(known) for kind, known in magics.magics.items()},
            set(magics.registry),
        )

    before = snapshot()
    load_ipython_extension(shell)
    assert snapshot() != before
    unload_ipython_extension(shell)
    assert snapshot() == before


def test_unloading_gives_back_a_magic_of_the_same_name(shell: InteractiveShell) -> None:
    def mine(_line: str) -> str:
        return "mine"

    shell.magics_manager.register_function(mine, "line", "mars")
    load_ipython_extension(shell)
    unload_ipython_extension(shell)
    assert shell.run_line_magic("mars", "") == "mine"


def test_loading_twice_loads_once(shell: InteractiveShell) -> None:
    load_ipython_extension(shell)
    load_ipython_extension(shell)
    assert sum(isinstance(each, Rewriter) for each in shell.input_transformers_cleanup) == 1
    unload_ipython_extension(shell)
    unload_ipython_extension(shell)
