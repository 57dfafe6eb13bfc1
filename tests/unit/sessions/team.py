"""A team of scripted agents over a storage, and what they were asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from mars_nb import AgentRegistry, FileStorageBackend, Orchestra, ScriptedAgent, StateManager
from mars_nb.testing.scripted import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mars_nb import OrchestraResult, Session, StepContext
    from mars_nb.events import Event
    from mars_nb.state.record import Record
    from mars_nb.state.storage import StorageBackend


class Team:
    """Scripted agents and an orchestra of their own; another one over the same storage is what a new process has.

    A script is a list of replies, or the reply that is given every time.
    """

    def __init__(self, storage: StorageBackend, user: object = None, **scripts: Any) -> None:
        self.storage = storage
        self.stage = Stage()
        self.registry = AgentRegistry()
        self.keys: list[str] = []
        for name, script in scripts.items():
            self.hire(name, script if isinstance(script, list) else [script] * 100)
        self.manager = StateManager(storage)
        self.orchestra = Orchestra(self.registry, state_manager=self.manager, user=user)

    def hire(self, name: str, replies: Sequence[Any]) -> ScriptedAgent:
        noted = [self._noting(reply) for reply in replies]
        return ScriptedAgent(name, noted, corrections=0, registry=self.registry, stage=self.stage)

    def _noting(self, reply: Any) -> Callable[[Any, StepContext], Any]:
        """Note the idempotency key before replying."""

        async def noted(request: Any, context: StepContext) -> Any:
            self.keys.append(context.step_key)
            if isinstance(reply, BaseException):
                raise reply
            said = reply(request, context) if callable(reply) else reply
            return await said if asyncio.iscoroutine(said) else said

        return noted

    def again(self, user: object = None, **scripts: Any) -> Team:
        """Give what a new process has: new agents, and new objects over the same files."""
        storage = self.storage
        if isinstance(storage, FileStorageBackend):
            storage = FileStorageBackend(storage.path)
        return Team(storage, user, **scripts)

    @property
    def asked(self) -> list[str]:
        """Who was asked, in order."""
        return self.stage.order

    def requests(self, name: str) -> list[Any]:
        return [call.request for call in self.stage.calls if call.agent == name]

    async def run(self, topology: Any, task: str = "TASK", *, name: str = "s", **options: Any) -> OrchestraResult:
        return await (await self.session(task, name=name)).run(topology, **options)

    async def session(self, task: str = "TASK", *, name: str = "s") -> Session:
        return await self.orchestra.create_session(task, session_id=name)

    def records(self, name: str = "s") -> list[Record]:
        return list(self.storage.read(name))

    def events(self, name: str = "s") -> list[Event]:
        return [record.event for record in self.records(name)]  # type: ignore[misc]

    def kinds(self, name: str = "s") -> list[str]:
        return [type(event).__name__ for event in self.events(name)]

    def cut(self, records: Sequence[Record], name: str) -> Session:
        """Make a session whose writer died after these records."""
        header = {"task": "TASK", "context": {}}
        self.storage.create(name, header, records=records).close()
        return self.orchestra.session(name)


class Gate:
    """A reply that is given when the test says so."""

    def __init__(self, reply: Any = "done") -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.reply = reply

    async def __call__(self, _request: Any, _context: StepContext) -> Any:
        self.entered.set()
        await self.open.wait()
        return self.reply


def status(result: OrchestraResult) -> str:
    return str(result.metadata["status"])
