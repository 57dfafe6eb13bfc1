"""The calls that the reference API promises, as a user of the original would write them."""

from __future__ import annotations

from typing import Any

import pytest

from mars_nb import Agent, AgentRegistry, Edge, EventBus, Orchestra, OrchestraResult, PatternConfig, TimeoutRule
from mars_nb.testing.scripted import PlainAgent


@pytest.fixture(autouse=True)
def agents() -> None:
    AgentRegistry.default().clear()
    names = "Planner Worker1 Worker2 Worker3 PlannerAgent ExecutorAgent1 ExecutorAgent2 Coordinator Manager"
    for name in f"{names} TeamLead1 TeamLead2 Dev1 Dev2 Dev3 Dev4".split():
        PlainAgent(name)


async def test_string_notation() -> None:
    topology = {
        "nodes": ["User", "Planner", "Worker1", "Worker2"],
        "edges": ["User -> Planner", "Planner -> Worker1", "Planner -> Worker2"],
        "rules": ["parallel(Worker1, Worker2)"],
    }
    result = await Orchestra.run(task="Analyze data", topology=topology)
    assert result.success
    assert result.total_steps == 3
    assert result.responses == {"Worker1": "Worker1#1", "Worker2": "Worker2#1"}


async def test_object_based_mixed_types() -> None:
    user_agent = Agent(name="User", answer=lambda request: request)
    planner_agent = PlainAgent("Planner")
    topology = {
        "nodes": [user_agent, planner_agent, "Worker1", "Worker2"],
        "edges": [
            Edge(source="User", target="Planner"),
            ("Planner", "Worker1"),
            "Planner -> Worker2",
        ],
        "rules": [TimeoutRule(max_duration=300), "parallel(Worker1, Worker2)"],
    }
    result = await Orchestra.run(task="Complex analysis", topology=topology)
    assert result.success
    assert result.total_steps == 3


async def test_pattern_configuration() -> None:
    topology = PatternConfig.hub_and_spoke(
        hub="Coordinator", spokes=["Worker1", "Worker2", "Worker3"], parallel_spokes=True
    )
    result = await Orchestra.run(task="Distributed processing", topology=topology)
    assert result.final_response == "Coordinator#2"
    assert result.total_steps == 5


async def test_simple_one_line_execution() -> None:
    topology = {
        "nodes": ["User", "PlannerAgent", "ExecutorAgent1", "ExecutorAgent2"],
        "edges": ["User -> PlannerAgent", "PlannerAgent <-> ExecutorAgent1", "PlannerAgent <-> ExecutorAgent2"],
    }
    result = await Orchestra.run(
        task="Analyze quarterly sales data", topology=topology, context={"department": "sales"}, max_steps=100
    )
    said = f"Success: {result.success}, {result.final_response}, {result.total_steps}, {result.total_duration:.2f}s"
    assert said.startswith("Success: True, PlannerAgent#2, 4, 0.")


async def test_instance_based_execution() -> None:
    orchestra = Orchestra(AgentRegistry.default())
    topology = PatternConfig.hierarchical(
        tree={"Manager": ["TeamLead1", "TeamLead2"], "TeamLead1": ["Dev1", "Dev2"], "TeamLead2": ["Dev3", "Dev4"]}
    )
    result = await orchestra.execute(
        task="Create technical documentation", topology=topology, context={"format": "markdown"}, max_steps=50
    )
    assert result.final_response == "Manager#2"
    for branch in result.branch_results:
        assert branch.success
        assert branch.total_steps > 0


async def test_context_reaches_every_agent_as_a_mapping() -> None:
    seen: list[Any] = []

    async def look(_request: str, context: Any) -> str:
        seen.append((context["department"], context.get("year", 2026), dict(context)))
        return "done"

    Agent(name="Planner", answer=look)
    await Orchestra.run("task", "User -> Planner -> User", context={"department": "sales"})
    assert seen == [("sales", 2026, {"department": "sales"})]


async def test_an_unsupported_topology_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="topology"):
        await Orchestra.run("task", 42)


async def test_a_failed_run_can_be_analysed_branch_by_branch() -> None:
    def fail(_request: str) -> str:
        raise ConnectionError("no route to the south")

    Agent(name="Worker1", answer=fail, inline=True)
    result = await Orchestra.run("task", "User -> Planner -> Worker1, Worker2")
    assert not result.success
    assert result.error is not None
    assert "Worker1" in result.error
    assert "ConnectionError: no route to the south" in result.error
    failed = [branch for branch in result.branch_results if not branch.success]
    assert [branch.branch_id for branch in failed] == ["b0.0"]
    assert failed[0].error == "ConnectionError: no route to the south"


async def test_events_of_a_run_can_be_subscribed_by_name() -> None:
    orchestra = Orchestra()
    assert isinstance(orchestra.event_bus, EventBus)
    created: list[str] = []
    completed: list[str] = []
    orchestra.event_bus.subscribe("BranchCreated", lambda event: created.append(event.branch))
    orchestra.event_bus.subscribe("StepCompleted", lambda event: completed.append(event.step_id))
    await orchestra.execute("task", "User -> Planner -> Worker1, Worker2")
    assert created == ["b0", "b0.0", "b0.1"]
    assert sorted(completed) == ["b0#1", "b0.0#1", "b0.1#1"]


async def test_the_result_has_every_field_of_the_reference() -> None:
    result = await Orchestra.run("task", "User -> Planner -> Worker1, Worker2 -> Manager -> User")
    assert result.metadata["session_id"]
    assert result.metadata["topology_nodes"] == 5
    assert result.metadata["topology_edges"] == 6
    assert result.metadata["completed_branches"] == len(result.branch_results)
    assert result.metadata["cancelled_tasks"] == 0
    join = next(branch for branch in result.branch_results if branch.branch_id == "b0.jManager")
    assert join.execution_trace[0]["request"] == {"Worker1": "Worker1#1", "Worker2": "Worker2#1"}
    assert join.branch_memory["Planner"][0] == {"role": "user", "content": "task"}
    arm = next(branch for branch in result.branch_results if branch.branch_id == "b0.0")
    assert arm.metadata["ended_at_convergence"]


def test_a_result_can_be_made_by_hand() -> None:
    result = OrchestraResult(
        success=True,
        final_response="Analysis complete",
        branch_results=[],
        total_steps=45,
        total_duration=12.5,
        metadata={"session_id": "abc123"},
    )
    assert result.error is None
    assert "45 steps" in repr(result)
