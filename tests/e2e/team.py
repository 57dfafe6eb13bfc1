"""A team whose agents wait until a test lets them go on: nothing depends on how fast the machine is.

An agent waits for a file with its name, which every kernel sees, also one that hears nothing while its cell runs. The
team is a module beside the notebook, so that the notebook shows its runs and little else.
"""

from __future__ import annotations

MODULE = """import asyncio
import random
from pathlib import Path
from mars_nb import Agent, AskUser, Final, Parallel, agent


async def gated(request, context):
    while not Path(f"go-{context.agent}").exists():
        await asyncio.sleep(0.01)
    return f"{context.agent} has done it"


for name in ("Planner", "North", "South", "Writer"):
    Agent(name=name, answer=gated)


@agent
def Editor(request, context):
    return f"You said {request}" if context.memory else AskUser("Publish it?")


@agent
def Broken(request):
    if not Path("mended").exists():
        raise ConnectionError("nobody answers")
    return "mended"


@agent
def Splitter(request):
    if isinstance(request, dict):
        return Final(f"{len(request)} parts")
    return Parallel([("Worker", f"part {i}") for i in range(1000)])


async def work(request):
    await asyncio.sleep(random.uniform(0, 6))
    return request


for name in ("Worker", *(f"W{i}" for i in range(990))):
    Agent(name=name, answer=work)


@agent
def Collector(parts):
    return f"{len(parts)} parts"


ATTACK = '''
<script>window.attacked = 1</script><img src=x onerror="window.attacked = 1"><svg onload="window.attacked = 1"></svg>
<iframe srcdoc="<script>parent.attacked = 1</script>"></iframe><a href="javascript:window.attacked = 1">click</a>
![x](https://attacker.invalid/x.png) [go](javascript:alert(1)) </title></text><script>alert(1)</script>
<style>@import "https://attacker.invalid/x.css";</style> $\\\\href{javascript:alert(1)}{x}$
'''


@agent
async def Mallory(request):
    yield ATTACK
    yield ATTACK


@agent
def Trudy(request):
    raise ValueError(ATTACK)


@agent
def Oscar(request):
    return AskUser(ATTACK)
"""

SETUP = "%load_ext mars_nb\nimport team"
DRAWING = "User -> Planner -> North, South -> Writer -> User"


def cell(*, line: str = "", drawing: str = DRAWING, above: str = "", name: str = "report") -> str:
    """Give a cell that runs the team, with these options in its first line."""
    return f"{above}%%mars {name} {line}".rstrip() + f"\ntask: Compare the regions\n{drawing}"
