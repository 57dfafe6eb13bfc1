"""A program as a user would write it: it must run as it stands and satisfy `mypy --strict`."""

from __future__ import annotations

import asyncio
from typing import Any, assert_type

from mars_nb import (
    Agent,
    AgentRegistry,
    Edge,
    Final,
    Invoke,
    MarsError,
    Orchestra,
    OrchestraResult,
    PatternConfig,
    StepContext,
    TimeoutRule,
    Topology,
    agent,
    ensure_topology,
)

registry = AgentRegistry()


@agent("Planner", registry=registry)
async def plan(request: Any, context: StepContext) -> Invoke:
    """Hand every request on, with the style that the run asks for."""
    return Invoke("Writer", f"{request}, {context.get('style', 'plain')}")


class Writer(Agent):
    """An agent as a class."""

    async def _run(self, request: Any, context: StepContext) -> Final:
        return Final(f"{context.agent} wrote: {request}")


async def run() -> OrchestraResult:
    """Run the two of them."""
    Writer(name="Writer", answer=str, registry=registry)
    topology = {
        "nodes": ["User", plan, "Writer"],
        "edges": ["User -> Planner", Edge(source="Planner", target="Writer"), ("Writer", "User")],
        "rules": [TimeoutRule(max_duration=30), "max_steps(10)"],
    }
    return await Orchestra.run(
        task="A report", topology=topology, agent_registry=registry, context={"style": "brief"}, max_steps=50
    )


def main() -> None:
    """Print what a reader of the result looks at first."""
    assert_type(ensure_topology(PatternConfig.hub_and_spoke(hub="Hub", spokes=["A", "B"])), Topology)
    try:
        result = asyncio.run(run())
    except MarsError as error:
        print(error)
        return
    assert_type(result, OrchestraResult)
    assert_type(result.success, bool)
    assert_type(result.total_steps, int)
    assert_type(result.total_duration, float)
    print(result.success, result.final_response, result.total_steps, result.error)
    for branch in result.branch_results:
        assert_type(branch.branch_id, str)
        print(branch.branch_id, branch.success)


if __name__ == "__main__":
    main()
