"""What the tests of the offline model share: how it is asked, and the tools by which a model moves in a topology."""

from __future__ import annotations

import asyncio
from typing import Any

from mars_nb.agents.dialogue import ModelRequest, ModelResponse, ToolSpec, Turn, UserSaid
from mars_nb.agents.offline import OfflineModel

TEXT = {"type": "string"}


def ask(
    instructions: str, *turns: str | Turn, tools: tuple[ToolSpec, ...] = (), output: dict[str, Any] | None = None
) -> ModelResponse:
    said = tuple(UserSaid(turn) if isinstance(turn, str) else turn for turn in turns)
    return asyncio.run(OfflineModel().respond(ModelRequest(instructions, said, tools, output), emit=lambda _: None))


def tool(name: str, description: str, optional: tuple[str, ...] = (), **fields: dict[str, Any]) -> ToolSpec:
    needed = [field for field in fields if field not in optional]
    return ToolSpec(name, description, {"type": "object", "properties": fields, "required": needed})


def agents(people: dict[str, str]) -> dict[str, Any]:
    described = "; ".join(f"{name}: {text}" for name, text in people.items())
    return {"type": "string", "enum": list(people), "description": described}


def hand_over(people: dict[str, str]) -> ToolSpec:
    return tool("hand_over_to", "Hand over to one of the others.", agent=agents(people), request=TEXT)


def ask_in_parallel(people: dict[str, str]) -> ToolSpec:
    item = {"type": "object", "properties": {"agent": agents(people), "request": TEXT}}
    return tool("ask_in_parallel", "Ask several at the same time.", requests={"type": "array", "items": item})


ANSWER = tool("answer", "Give the final answer.", content=TEXT)
END = tool("end_conversation", "Leave the conversation.", content=TEXT)
ASK_USER = tool("ask_user", "Ask a person.", question=TEXT)
