"""Agents by name."""

from __future__ import annotations

from typing import Any

import pytest

from mars_nb import Agent, AgentError, AgentNotFound, AgentRegistry


@pytest.fixture
def registry() -> AgentRegistry:
    return AgentRegistry()


def echo(name: str, registry: AgentRegistry | None = None) -> Agent:
    return Agent(name=name, answer=str, registry=registry)


def test_an_agent_enters_the_default_registry_when_it_is_made() -> None:
    made = echo("Made for the default registry")
    assert AgentRegistry.default().get("Made for the default registry") is made
    AgentRegistry.default().unregister(made.name)
    assert made.name not in AgentRegistry.default()


def test_an_empty_registry_of_ones_own_is_not_mistaken_for_none(registry: AgentRegistry) -> None:
    echo("Kept apart", registry)
    assert registry.names() == ["Kept apart"]
    assert "Kept apart" not in AgentRegistry.default()


def test_the_same_name_replaces_as_when_a_cell_is_run_again(registry: AgentRegistry) -> None:
    echo("A", registry)
    echo("B", registry)
    second = echo("A", registry)
    assert registry.get("A") is second
    assert [each.name for each in registry] == ["A", "B"]
    assert len(registry) == 2


def test_an_unknown_name_is_met_with_the_nearest_one(registry: AgentRegistry) -> None:
    echo("Planner", registry)
    with pytest.raises(AgentNotFound, match="no agent 'Planer' is registered; did you mean 'Planner'"):
        registry.get("Planer")
    with pytest.raises(AgentNotFound, match="define it first"):
        registry.unregister("Zebra")


def test_only_agents_enter(registry: AgentRegistry) -> None:
    nobody: Any = "Planner"
    with pytest.raises(AgentError, match="a str is no agent"):
        registry.register(nobody)


def test_clear_forgets_all(registry: AgentRegistry) -> None:
    assert registry.register(echo("A")).name == "A"
    assert repr(registry) == "AgentRegistry(A)"
    registry.clear()
    AgentRegistry.default().unregister("A")
    assert not registry.names()
