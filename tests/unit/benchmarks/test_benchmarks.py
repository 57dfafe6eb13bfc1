"""The harness works, whatever the figures are: sizes so small that they say nothing about speed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import WORKLOADS, main
from benchmarks.harness import Figure, interleaved, json_lines, markdown, number
from benchmarks.target import TARGETS
from benchmarks.team import chain, fan, talk
from benchmarks.workloads import Scale
from mars_nb import StateManager

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.team import Team

# fmt: off
TINY = Scale(
    n_steps=3, n_branches=3, n_many_branches=6, n_turns=2, n_many_turns=4, n_workers=2, work_s=0.001, n_commits=2,
    n_events=60, n_repeats=1,
)
# fmt: on
FAR_OVER = Figure("T1", "a chain", [6.2, 6.1, 6.3])
OVER = Figure("T1", "a chain", [3.1])


def test_every_workload_has_a_target_and_the_other_way_round() -> None:
    assert list(WORKLOADS) == list(TARGETS)


@pytest.mark.parametrize("name", [name for name in WORKLOADS if name not in {"T9", "T10"}])
def test_a_workload_gives_figures_of_its_target(name: str) -> None:
    figures = WORKLOADS[name](TINY)
    assert {figure.target_id for figure in figures} == {name}
    assert all(figure.value > 0 for figure in figures)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["T9", "T10"])
def test_a_workload_in_fresh_interpreters_gives_figures_of_its_target(name: str) -> None:
    assert {figure.target_id for figure in WORKLOADS[name](TINY)} == {name}


@pytest.mark.parametrize("draw", [chain, fan, talk])
async def test_a_team_takes_the_steps_that_it_says(draw: Callable[[int], Team]) -> None:
    team = draw(5)
    assert (await team.run()).total_steps == team.n_steps


async def test_a_run_may_be_kept_by_a_state_manager() -> None:
    manager = StateManager()
    await chain(2).run(manager)
    assert [each["status"] for each in await manager.list_sessions()] == ["succeeded"]


async def test_what_a_run_is_compared_with_is_measured_before_and_after_it() -> None:
    said: list[str] = []

    async def run() -> None:
        said.append("run")

    async def beside() -> None:
        said.append("beside")

    samples = await interleaved(run, beside, 2)
    assert said == ["beside", "run", *["beside", "run", "beside"] * 2]
    assert len(samples) == 2


def test_a_team_that_is_drawn_again_has_an_equal_topology_that_is_another_object() -> None:
    team = chain(3)
    again = team.redrawn()
    assert again.topology == team.topology
    assert again.topology is not team.topology


def test_the_value_is_the_median() -> None:
    assert FAR_OVER.value == 6.2


def test_the_table_has_the_limit_and_the_verdict_beside_each_figure() -> None:
    within = Figure("T4", "a turn", [1.0], "5.0 us over 5.0 us")
    rows = markdown([OVER, within]).splitlines()[-2:]
    assert rows == [
        "| T1 | a chain | **3.10 x floor** | 3.10 to 3.10 | 3 | 1.50 | over |  |",
        "| T4 | a turn | **1 x** | 1 to 1 | 1.30 | 1 | PASS | 5.0 us over 5.0 us |",
    ]


def test_a_json_line_holds_the_figure_and_the_machine() -> None:
    told = json.loads(json_lines([OVER]))
    assert (told["target"], told["value"], told["unit"], told["is_within"]) == ("T1", 3.1, "x floor", False)
    assert {"date", "cpu", "n_cores", "python", "mars_nb"} <= told.keys()


def test_the_command_prints_a_table_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["T1"], TINY) == 0
    assert "| T1 | chain of 3 steps" in capsys.readouterr().out


def test_the_command_refuses_an_unknown_workload(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["T99"])
    assert "there is no workload 'T99'" in capsys.readouterr().err


@pytest.mark.parametrize(("figure", "code"), [(FAR_OVER, 1), (OVER, 0), (Figure("T12", "tables", [99.0]), 0)])
def test_the_gate_fails_only_for_a_ratio_far_past_its_limit(
    figure: Figure, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WORKLOADS, figure.target_id, lambda _scale: [figure])
    assert main(["--gate", figure.target_id], TINY) == code


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (1.5, "1.50"), (12.345, "12.3"), (0.0123, "0.012"), (-4.2, "-4.20")]
)
def test_a_number_has_as_many_digits_as_mean_something(value: float, text: str) -> None:
    assert number(value) == text
