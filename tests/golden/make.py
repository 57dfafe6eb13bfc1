"""Writes the golden journals of this release: ``python -m tests.golden.make``.

Between them the sessions hold every kind of event, a reply large enough for a blob, a run that was paused, failed,
changed, restored and resumed, and a fork of it.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mars_nb
from mars_nb import (
    Agent,
    AgentRegistry,
    AskUser,
    FileStorageBackend,
    Final,
    Invoke,
    ModelError,
    Orchestra,
    Parallel,
    ScriptedAgent,
    ScriptedModel,
    StateManager,
    Tool,
)
from mars_nb.agents.dialogue import ModelResponse
from mars_nb.testing.model import call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mars_nb import OrchestraResult, Session

GOLDEN = Path(__file__).parent
LARGE = "All work and no play makes a large reply. " * 800


class Stage:
    """Makes sessions in a folder."""

    def __init__(self, folder: Path) -> None:
        self.manager = StateManager(FileStorageBackend(folder))

    async def session(self, name: str, user: object = None, **scripts: list[Any]) -> Session:
        registry = AgentRegistry()
        for agent, script in scripts.items():
            ScriptedAgent(agent, script, corrections=1, registry=registry)
        orchestra = Orchestra(registry, state_manager=self.manager, user=user)
        return await orchestra.create_session({"task": "Ünïcödé \u2028 and <b>more</b>"}, {"golden": True}, name)


async def waiting(_request: Any, _context: object) -> str:
    await asyncio.Event().wait()
    return "never"


async def calls(stage: Stage) -> None:
    """Make callers, their answers, a person, a conversation, joins: every way for content to go."""
    session = await stage.session(
        "calls",
        ["blue", ""],
        Hub=[Parallel([("West", 1), ("East", [2]), ("West", None)]), AskUser("Which colour?"), {"all": "of you"}],
        West=[Parallel([("Deep", "down"), ("Hub", "up")]), Final("west"), "west again"],
        East=["east"],
        Deep=["deep"],
        North=["north"],
        South=[LARGE],
        Join=[Parallel([("User", "delivered"), ("Talker", "talk")])],
        Talker=["What else?"],
    )
    await session.run(
        "User -> Hub\nHub <-> West\nHub <-> East\nWest <-> Deep\nHub -> User\nHub -> North, South\n"
        "North, South -> Join\nJoin -> User, Talker\nTalker <-> User"
    )


async def troubles(stage: Stage) -> None:
    """Make a correction, a retry, a failure, pauses, a changed topology, a checkpoint, a restored position."""
    session = await stage.session(
        "troubles",
        Planner=[Invoke("Nobody", "?"), "planned"],
        Left=[ValueError("once"), "left", "left again"],
        Right=[ValueError("for good"), "right", "right again"],
        Join=["joined", "joined again"],
    )
    drawn = "User -> Planner -> Left, Right\nLeft, Right -> Join -> User\nretry(Left, 2)"
    await session.run(drawn)
    await session.checkpoint("failed")
    await session.resume(topology=drawn + "\npause_before(Join)", rules=["max_steps(50)"])
    await session.checkpoint("held")
    await session.resume()
    await session.restore("Planner#1")
    await session.checkpoint("again")
    await session.resume(topology=drawn)


async def deadline(stage: Stage) -> None:
    """Make a run that its timeout stopped."""
    session = await stage.session("deadline", Quick=["quick"], Slow=[waiting])
    await session.run("User -> Quick -> Slow -> User\ntimeout(0.05)")


async def made_up_for(stage: Stage) -> None:
    """Make a join and a caller that went on without somebody, and one that could not."""
    session = await stage.session(
        "made_up_for",
        Hub=[Parallel([("A", 1), ("B", 2), ("C", 3)]), "on"],
        A=[ValueError("a")],
        B=["b"],
        C=["c"],
        D=[ValueError("d")],
        E=["e"],
        F=["f"],
    )
    await session.run("User -> Hub\nHub <-> A\nHub <-> B\nHub <-> C\nHub -> D, E\nD, E -> F -> User\nquorum(0.5)")


async def thinking(stage: Stage) -> None:
    """Make a step of a model: tools, a correction, a call that a person approves, and one that failed before."""
    registry = AgentRegistry()

    def pay(amount: int) -> str:
        return f"paid {amount}"

    lines: list[Any] = [
        call("look_up", word="mars"),
        ModelResponse("", (), 10, 5, None, "golden"),
        ModelError("down"),
        call("pay", amount=5),
        call("answer", content="thought"),
    ]
    tools = [Tool(look_up), Tool(pay, effect="unsafe")]
    Agent(ScriptedModel(lines), "Thinker", instructions="Think.", tools=tools, registry=registry)
    orchestra = Orchestra(registry, state_manager=stage.manager, user=["yes"])
    session = await orchestra.create_session("think", session_id="thinking")
    await session.run("User -> Thinker -> User")
    await session.resume()


def look_up(word: str) -> str:
    """Look a word up."""
    return word.upper()


async def what_if(stage: Stage) -> None:
    """Make two forks: an edited reply, recorded replies and a recorded answer, and steps that are asked anew."""
    reader = Orchestra(AgentRegistry(), state_manager=stage.manager)
    names = ["Hub", "West", "East", "Deep", "North", "South", "Join", "Talker"]
    agents = [ScriptedAgent(name, [f"new {name}"] * 3, registry=AgentRegistry()) for name in names]
    edit = Parallel([("User", "other"), ("Talker", "other talk")])
    edited = await reader.session("calls").fork("Join#1", edit=edit, new_id="edited")
    await edited.resume(agents=agents, user=[""])
    same = await reader.session("calls").fork("East#1", new_id="same")
    await same.resume(agents=agents)


def expected(result: OrchestraResult) -> dict[str, Any]:
    """Give what a session has to give, for ever."""
    timeline = result.timeline()
    return {
        "status": result.metadata["status"],
        "final_response": result.final_response if result.final_response != LARGE else "LARGE",
        "total_steps": result.total_steps,
        "error": result.error,
        "n_events": len(result.events()),
        "steps": [f"{row.branch_id}#{row.step} {row.agent} {row.status} {row.source}" for row in timeline.itertuples()],
        "branches": [f"{each.branch_id} {each.metadata['state']}" for each in result.branch_results],
    }


SESSIONS: tuple[Callable[[Stage], Awaitable[None]], ...] = (calls, troubles, deadline, made_up_for, what_if, thinking)


async def main(folder: Path) -> None:
    """Write all sessions and what they have to give."""
    stage = Stage(folder)
    for make in SESSIONS:
        await make(stage)
    found = {}
    for name in stage.manager.backend.list():
        result = Orchestra(AgentRegistry(), state_manager=stage.manager).session(name).result
        found[name] = expected(result)
    (folder / "expected.json").write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    target = GOLDEN / mars_nb.__version__
    if target.exists():
        raise SystemExit(f"{target} is there already; a golden journal is never written again")
    asyncio.run(main(target))
