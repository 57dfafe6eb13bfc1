"""Mistakes that a type checker has to find: each line says which one it expects."""

from __future__ import annotations

import mars_nb
from mars_nb import Agent, Invoke, Orchestra, OrchestraResult, TimeoutRule, agent


async def run() -> OrchestraResult:
    unawaited: OrchestraResult = Orchestra.run("task", {"edges": ["User -> A"]})  # expect: assignment
    await Orchestra.run("task")  # expect: call-arg
    await Orchestra.run("task", {"edges": []}, max_steps="many")  # expect: arg-type
    return unawaited


def read(result: OrchestraResult) -> None:
    result.total_step  # expect: attr-defined
    result.total_steps + "1"  # expect: operator


def build() -> None:
    mars_nb.Orchestar  # expect: attr-defined
    Invoke(agent=3)  # expect: arg-type
    TimeoutRule(max_duration="soon")  # expect: arg-type
    Agent(name="A", answer=7)  # expect: arg-type
    Agent(name="A", answers=str)  # expect: call-arg
    agent(naem="Planner")  # expect: call-overload
