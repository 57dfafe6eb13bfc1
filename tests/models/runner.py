"""Works on a session whose agent asks a model over the network: the process that is killed.

``python runner.py FOLDER URL SIDE_FILE`` starts the session, or goes on with it, and kills itself right after the first
response of a model, or result of a tool, that it wrote down; each tool notes in the side file that it ran.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from mars_nb import Agent, AgentRegistry, FileStorageBackend, Orchestra, SessionNotFound, StateManager
from mars_nb.events import ModelResponded, ToolReturned


async def main(folder: str, url: str, side_file: str) -> None:
    """Go on with the session, up to the next thing worth losing."""

    def look_up(word: str) -> str:
        """Look a word up."""
        with open(side_file, "a", encoding="utf-8") as side:  # noqa: PTH123 (as a user would)
            side.write(f"{word}\n")
        return f"{word} is red"

    def die(event: Any) -> None:
        if isinstance(event, ModelResponded | ToolReturned):
            os.kill(os.getpid(), signal.SIGKILL)

    registry = AgentRegistry()
    config = {"name": "openai:gpt-5-mini", "base_url": url, "api_key": "a-key-of-no-use"}
    Agent(config, "Writer", tools=[look_up], registry=registry)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(folder)))
    orchestra.event_bus.subscribe("*", die)
    try:
        result = await orchestra.resume_session("s")
    except SessionNotFound:
        session = await orchestra.create_session("write", session_id="s")
        result = await session.run("User -> Writer -> User")
    print(result.final_response)  # noqa: T201 (what the test reads)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
