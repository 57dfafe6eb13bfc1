"""What a run gave, and how it shows itself."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from mars_nb import AgentRegistry, Orchestra, OrchestraResult, RunNotFound
from mars_nb.testing import PlainAgent, ScriptedAgent
from mars_nb.views.nodes import node_views, run_mimebundle, turns
from mars_nb.views.palette import NodeState

DIAMOND = "User -> P -> A, B -> J -> User"


async def ran(topology: str, **scripts: list[object]) -> OrchestraResult:
    registry = AgentRegistry()
    for name in ("P", "A", "B", "J", "W", "V"):
        if name in scripts:
            ScriptedAgent(name, scripts[name], registry=registry)
        else:
            PlainAgent(name, registry=registry)
    return await Orchestra.run("task", topology, registry)


async def test_a_result_is_one_line_of_text_however_long_its_answer() -> None:
    result = await ran("User -> A -> User", A=["one\ntwo " * 50])
    assert repr(result).startswith("<OrchestraResult succeeded: 1 step, ")
    assert "\n" not in repr(result)
    assert len(repr(result)) < 130
    assert repr(list(result.branch_results)) == "[<BranchResult b0 succeeded: 1 step>]"


async def test_a_result_shows_the_picture_of_its_run() -> None:
    result = await ran(DIAMOND)
    bundle = result._repr_mimebundle_()
    assert sorted(bundle) == ["image/svg+xml", "text/plain"]
    picture = ET.fromstring(bundle["image/svg+xml"])  # noqa: S314 (our own)
    states = {node.get("data-node"): node.get("data-state") for node in picture.iter() if node.get("data-node")}
    assert states == dict.fromkeys(["User", "P", "A", "B", "J"], "done")


def test_a_result_made_by_hand_says_that_it_has_no_history() -> None:
    result = OrchestraResult(success=True, final_response="x")
    assert result._repr_mimebundle_() == {"text/plain": repr(result)}
    with pytest.raises(RunNotFound, match="made by hand"):
        result.timeline()


async def test_branch_results_are_a_sequence_that_is_made_when_looked_at() -> None:
    result = await ran(DIAMOND)
    assert len(result.branch_results) == 4
    assert [branch.branch_id for branch in result.branch_results[1:3]] == ["b0.0", "b0.1"]
    assert result.branch_results[-1].final_response == "J#1"


async def test_every_table_has_its_documented_columns_and_types() -> None:
    result = await ran(DIAMOND, A=[{"n": [1, 2]}])
    timeline = result.timeline()
    assert isinstance(timeline["started_at"].dtype, pd.DatetimeTZDtype)
    assert (timeline["duration_s"] >= 0).all()
    assert timeline["agent"].dtype == "category"
    assert timeline.loc[timeline["agent"] == "A", "response"].iloc[0] == {"n": [1, 2]}
    assert list(result.messages()["role"][:2]) == ["user", "assistant"]
    assert list(result.branches()["ended"]) == ["forked", "joined", "joined", "delivered"]
    events = result.events()
    assert list(events["seq"]) == list(range(1, len(events) + 1))
    assert events["type"].iloc[0] == "RunStarted"


async def test_a_failure_is_drawn_at_its_agent_and_what_it_blocks_waits() -> None:
    result = await ran(DIAMOND, B=[ValueError("down")])
    assert result.history is not None
    views = node_views(result.history)
    assert views["B"].state is NodeState.FAILED
    assert views["J"].state is NodeState.WAITING
    assert "1 of 2" in views["J"].detail
    assert "✗ B" in run_mimebundle(result.history)["text/plain"]


async def test_a_conversation_shows_its_turns() -> None:
    result = await ran("User -> W <-> V -> User\nmax_turns(W <-> V, 3)")
    assert result.history is not None
    assert turns(result.history.state) == {frozenset(("W", "V")): "3/3"}


async def test_a_run_can_be_plotted() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    axes = (await ran(DIAMOND)).plot()
    assert len(axes.patches) >= 4
