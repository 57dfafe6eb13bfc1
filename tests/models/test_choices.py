"""Whatever a model answers, only edges of the topology are taken, and every run comes to an end."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mars_nb import Agent, AgentRegistry, Orchestra, ScriptedModel, ensure_topology
from mars_nb.agents.dialogue import ModelResponse, ToolCall
from mars_nb.events import (
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchMoved,
    ContentDelivered,
    QuestionAsked,
)

DRAWINGS = [
    "User -> A -> B -> User",
    "User -> A\nA <-> B\nA -> C -> User",
    "User -> A\nA <-> B\nA <-> C\nA -> User\nmax_turns(A <-> B, 2)",
    "User -> A -> B, C -> D -> User",
    "User <-> A\nA -> B -> User\nB -> A",
    "User -> A\nA <-> B\nB <-> C\nC <-> A\nC -> User",
]
NAMES = st.sampled_from(["A", "B", "C", "D", "User", "End", "Start", "Nobody", "", "a"])
JSON = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda each: st.lists(each, max_size=2))
TEXT = st.sampled_from(["", " ", "text", "{}", "hand_over_to(B)"]) | st.text(max_size=8)
REQUEST = st.fixed_dictionaries({}, optional={"agent": NAMES, "request": TEXT | JSON})
ARGUMENTS = st.one_of(
    REQUEST,
    st.fixed_dictionaries({"content": TEXT | JSON}),
    st.fixed_dictionaries({"question": TEXT | JSON}),
    st.fixed_dictionaries({"requests": st.lists(REQUEST | JSON, max_size=3) | JSON}),
)
TOOLS = st.sampled_from(["hand_over_to", "ask_in_parallel", "answer", "ask_user", "end_conversation", "other", ""])
CALLS = st.builds(ToolCall, st.sampled_from(["", "1"]), TOOLS, ARGUMENTS, st.sampled_from(["", "", "", "{broken"]))
RESPONSES = st.builds(ModelResponse, TEXT, st.lists(CALLS, max_size=2).map(tuple))


class Talk:
    """Gives each model the drawn responses, then plain text, so that it comes to an end by itself."""

    def __init__(self, responses: list[ModelResponse]) -> None:
        self.left = responses

    def __call__(self, _request: Any) -> Any:
        return self.left.pop(0) if self.left else "text"


class Watcher:
    """Follows the events, and notes each way that is taken."""

    def __init__(self) -> None:
        self.at: dict[str, str] = {}
        self.taken: set[tuple[str, str]] = set()

    def __call__(self, event: Any) -> None:
        match event:
            case BranchCreated(branch, agent, parent):
                self.taken.add((self.at[parent] if parent else "User", agent))
                self.at[branch] = agent
            case BranchMoved(branch, agent):
                self.taken.add((self.at[branch], agent))
                self.at[branch] = agent
            case BranchesJoined(branch, agent):
                self.at[branch] = agent
            case ContentDelivered(branch, target):
                self.taken.add((self.at[branch], target))
            case BranchEnded(branch, "delivered" | "answered") | QuestionAsked(branch):
                self.taken.add((self.at[branch], "User"))
            case _:
                pass


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DRAWINGS), st.lists(RESPONSES, max_size=12))
def test_only_edges_of_the_topology_are_taken(drawn: str, responses: list[ModelResponse]) -> None:
    registry, talk, watcher = AgentRegistry(), Talk(responses), Watcher()
    for name in "ABCD":
        Agent(ScriptedModel(talk), name, registry=registry)
    orchestra = Orchestra(registry, user=lambda _question: "reply")
    orchestra.event_bus.subscribe("*", watcher)
    result = asyncio.run(orchestra.execute("t", drawn, max_steps=25))
    assert result.metadata["status"] in ("succeeded", "failed")
    assert watcher.taken <= set(ensure_topology(drawn).directed_edges())
