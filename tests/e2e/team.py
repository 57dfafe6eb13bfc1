"""A team whose agents wait until a test lets them go on: nothing depends on how fast the machine is.

An agent waits for a file with its name, which every kernel sees, also one that hears nothing while its cell runs.
"""

from __future__ import annotations

SETUP = """%load_ext mars_nb
import asyncio
from pathlib import Path
from mars_nb import Agent, AskUser, agent

async def gated(request, context):
    while not Path(f"go-{context.agent}").exists():
        await asyncio.sleep(0.01)
    return f"{context.agent} has done it"

for name in ("Planner", "North", "South", "Writer"):
    Agent(name=name, answer=gated)

@agent
def Editor(request, context):
    return f"You said {request}" if context.memory else AskUser("Publish it?")
"""

DRAWING = "User -> Planner -> North, South -> Writer -> User"


def cell(*, line: str = "", drawing: str = DRAWING, above: str = "") -> str:
    """Give a cell that runs the team as ``report``, with these options in its first line."""
    return f"{above}%%mars report {line}".rstrip() + f"\ntask: Compare the regions\n{drawing}"
