"""Works on a session until it is done: the process that the kill loop over whole runs kills.

``python runner.py FOLDER SESSION SIDE_FILE`` starts the session, or goes on with it. Every agent notes in the side file
that it begins, and every event that the run was told is durable is noted as well.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from mars_nb import Agent, AgentRegistry, FileStorageBackend, Orchestra, Parallel, StateManager, StepContext

TOPOLOGY = """
User -> Hub
Hub <-> North
Hub <-> South
Hub <-> East
Hub -> Left, Right
Left -> Last
Right -> Middle -> Last
Last -> User
"""
N_ROUNDS = 3


def agents(side: int) -> AgentRegistry:
    """Make the agents: what they reply is decided by what they are asked and remember."""
    registry = AgentRegistry()

    def note(word: str, key: str) -> None:
        os.write(side, f"{word} {key}\n".encode())

    async def hub(request: Any, context: StepContext) -> Any:
        note("begun", context.step_key)
        n_before = len(context.memory) // 2
        await asyncio.sleep(0)
        if n_before < N_ROUNDS:
            return Parallel([(name, f"{n_before}:{name}") for name in ("North", "South", "East", "North")])
        return {"rounds": n_before, "last": request}

    async def other(request: Any, context: StepContext) -> Any:
        note("begun", context.step_key)
        await asyncio.sleep(0.001)
        return f"{context.agent} did {request}"

    Agent(name="Hub", answer=hub, registry=registry)
    for name in ("North", "South", "East", "Left", "Right", "Middle", "Last"):
        Agent(name=name, answer=other, registry=registry)
    return registry


async def main(folder: str, session_id: str, side_file: str) -> None:
    """Run the session, or go on with it, and print the answer."""
    side = os.open(side_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    storage = FileStorageBackend(Path(folder))
    orchestra = Orchestra(agents(side), state_manager=StateManager(storage))

    def heard(event: Any) -> None:
        os.write(side, f"done {session_id}/{event.step_id}\n".encode())

    orchestra.event_bus.subscribe("StepCompleted", heard)
    known = session_id in storage.list()
    session = orchestra.session(session_id) if known else await orchestra.create_session("TASK", session_id=session_id)
    result = await (session.run(TOPOLOGY) if session.status == "created" else session.resume())
    sys.stdout.write(f"{result.final_response}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
