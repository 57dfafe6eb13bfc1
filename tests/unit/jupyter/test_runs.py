from __future__ import annotations

import asyncio

import pytest

from mars_nb import Orchestra, RunNotFound, agent
from mars_nb.agents.registry import AgentRegistry
from mars_nb.jupyter.placeholders import is_run
from mars_nb.jupyter.records import RunRecord
from mars_nb.jupyter.runs import Run
from mars_nb.topology.model import Topology

TOPOLOGY = Topology.from_text("User -> A -> User")
MOST_PUBLIC_NAMES = 22


def drawn() -> RunRecord:
    return RunRecord("report", "hello", TOPOLOGY)


async def ended() -> Run:
    registry = AgentRegistry()
    agent("A", registry=registry)(lambda request: f"you said {request}")
    record = drawn()
    result = await Orchestra.run("hello", TOPOLOGY, registry)
    record.history = result.history
    record.finish(result, "succeeded")
    return Run(record)


def test_a_run_that_was_only_drawn_has_no_result_and_says_why() -> None:
    run = Run(drawn())
    with pytest.raises(RunNotFound, match="run 'report' was only drawn; run its cell without --dry-run"):
        _ = run.final_response


def test_a_run_that_goes_on_says_how_to_wait_for_it() -> None:
    record = drawn()
    record.status = "running"
    with pytest.raises(RunNotFound, match="has not ended yet; wait for it: await report"):
        Run(record).timeline()


async def test_a_drawn_run_cannot_be_awaited() -> None:
    with pytest.raises(RunNotFound, match="only drawn"):
        await Run(drawn())


async def test_a_run_has_the_fields_and_tables_of_its_result() -> None:
    run = await ended()
    assert (run.name, run.task, run.topology, run.status) == ("report", "hello", TOPOLOGY, "succeeded")
    assert (run.success, run.final_response, run.error, run.total_steps) == (True, "you said hello", None, 1)
    assert run.responses == {"A": "you said hello"}
    assert run.total_duration == run.result.total_duration
    assert run.metadata is run.result.metadata
    assert (run.usage, run.cost_usd) == (run.result.usage, 0.0)
    assert [each.branch_id for each in run.branch_results] == ["b0"]
    assert [len(table) > 0 for table in (run.timeline(), run.branches(), run.events(), run.messages())] == [True] * 4


async def test_a_run_plots_its_branches() -> None:
    import matplotlib as mpl

    mpl.use("agg")
    assert (await ended()).plot().get_figure() is not None


async def test_whoever_awaits_a_run_gets_its_result_and_may_give_up_waiting() -> None:
    record = drawn()
    record.status = "running"
    run = Run(record)

    async def wait() -> object:
        return await run

    impatient, patient = asyncio.ensure_future(wait()), asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    result = (await ended()).result
    record.finish(result, "succeeded")
    assert await patient is result
    assert impatient.cancelled()


def test_a_run_that_could_not_be_carried_out_has_failed_and_tells_the_reason() -> None:
    record = drawn()
    record.break_off(OSError("disk full"))
    run = Run(record)
    assert (run.status, run.success, run.error) == ("failed", False, "OSError: disk full")


async def test_a_run_shows_itself_as_a_line_and_a_picture() -> None:
    run = await ended()
    assert repr(run).startswith("<Run 'report' succeeded: 1 step, ")
    assert run._repr_mimebundle_()["text/plain"].endswith("\n✓ A")
    assert repr(Run(drawn())) == "<Run 'report' drawn>"


async def test_a_run_prints_where_everybody_stands(capsys: pytest.CaptureFixture[str]) -> None:
    (await ended()).print()
    assert capsys.readouterr().out == "✓ A\n"


def test_a_run_has_about_twenty_public_names() -> None:
    names = [name for name in dir(Run) if not name.startswith("_")]
    assert len(names) <= MOST_PUBLIC_NAMES


def test_placeholders_know_a_run() -> None:
    assert is_run(Run(drawn()))
