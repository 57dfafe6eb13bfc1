"""What an agent may know while it is asked.

The request says what to do; the context says where and under which circumstances. Since a run's own ``context=`` is
what most agents look for, the object *is* that mapping, read-only, with the circumstances as attributes beside it.

Examples
--------
>>> context = StepContext(task="Analyse sales", values={"department": "sales"}, agent="Analyst")
>>> context["department"], context.get("year", 2026), context.agent
('sales', 2026, 'Analyst')
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from mars_nb.agents.surroundings import Surroundings

Message = Mapping[str, Any]
"""One message that an agent exchanged: ``{"role": ..., "content": ...}``."""


def _nothing_heard(_text: str) -> None:
    """Drop a streamed chunk: nobody listens."""


def _nothing_recalled() -> Sequence[Message]:
    return ()


class StepContext:
    """A read-only mapping over the run's ``context=``, with what is known about this step as attributes.

    The values themselves are shared by all steps of a run: read them, do not change them.

    Parameters
    ----------
    task : JSON value
        What the user asked of the whole run.
    values : mapping of str to JSON value
        What was given to the run as ``context=``.
    agent : str
        Name of the agent that is asked.
    branch_id : str
        Where in the run the step stands, such as ``"b0.1"``.
    step : int
        Number of the step within its branch, from 1.
    run_key : str
        What makes the keys of this run unique.
    attempt : int
        Counted from 1; higher when a retry rule asks again.
    neighbours : tuple of str
        Whom the agent may name in an action.
    failures : tuple of mapping
        Contributors that failed before this step: ``{"agent", "branch", "error"}`` each.
    memory : callable
        Gives the messages of this agent in its lineage, oldest first; called when `memory` is first read.
    emit : callable
        Takes a chunk of streamed text.
    surroundings : Surroundings, optional
        The run around the step, for an agent that a model speaks for.

    Attributes
    ----------
    step_id : str
        Where in the run the step stands, such as ``"b0.1#3"``.
    step_key : str
        Idempotency key: the same for every attempt at this step, also after a crash.
    memory : sequence of mapping
        The messages ``{"role", "content"}``, without the current request.
    """

    __slots__ = (
        "_emit",
        "_memory",
        "_recall",
        "_values",
        "agent",
        "attempt",
        "branch_id",
        "failures",
        "neighbours",
        "run_key",
        "step",
        "surroundings",
        "task",
    )

    def __init__(
        self,
        *,
        task: Any = None,
        values: Mapping[str, Any] | None = None,
        agent: str = "",
        branch_id: str = "",
        step: int = 1,
        run_key: str = "",
        attempt: int = 1,
        neighbours: tuple[str, ...] = (),
        failures: tuple[Mapping[str, Any], ...] = (),
        memory: Callable[[], Sequence[Message]] = _nothing_recalled,
        emit: Callable[[str], object] = _nothing_heard,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.task = task
        self.agent = agent
        self.branch_id = branch_id
        self.step = step
        self.run_key = run_key
        self.attempt = attempt
        self.neighbours = neighbours
        self.failures = failures
        self.surroundings = surroundings
        self._values: Mapping[str, Any] = values if values is not None else {}
        self._recall = memory
        self._memory: Sequence[Message] | None = None
        self._emit = emit

    @property
    def step_id(self) -> str:
        """Where in the run the step stands, such as ``"b0.1#3"``."""
        return f"{self.branch_id}#{self.step}"

    @property
    def step_key(self) -> str:
        """Idempotency key: the same for every attempt at this step, also after a crash."""
        return f"{self.run_key}/{self.step_id}"

    @property
    def memory(self) -> Sequence[Message]:
        """The messages that this agent exchanged in its lineage, oldest first, without the current request."""
        if self._memory is None:
            self._memory = self._recall()
        return self._memory

    def emit(self, text: str) -> None:
        """Stream a chunk of text to whoever watches the run; it is not the reply."""
        self._emit(text)

    def get(self, key: str, default: Any = None) -> Any:
        """Give the run's context value for `key`, or `default`."""
        return self._values.get(key, default)

    def keys(self) -> KeysView[str]:
        """Give the keys of the run's context."""
        return self._values.keys()

    def values(self) -> ValuesView[Any]:
        """Give the values of the run's context."""
        return self._values.values()

    def items(self) -> ItemsView[str, Any]:
        """Give the keys and values of the run's context."""
        return self._values.items()

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        """Be true always: a context without values is still a context."""
        return True

    def __repr__(self) -> str:
        return f"StepContext(agent={self.agent!r}, step_id={self.step_id!r}, values={dict(self._values)!r})"

    def for_thread(self, loop: asyncio.AbstractEventLoop) -> StepContext:
        """Give the same context for use in a worker thread: what it streams is handed to the loop, in order."""
        emit = self._emit
        return self._with(lambda: self.memory, lambda text: loop.call_soon_threadsafe(emit, text))

    def remembering(self, messages: Sequence[Message]) -> StepContext:
        """Give the same context with messages added to its memory."""
        return self._with(lambda: [*self.memory, *messages], self._emit)

    def _with(self, memory: Callable[[], Sequence[Message]], emit: Callable[[str], object]) -> StepContext:
        return StepContext(
            task=self.task,
            values=self._values,
            agent=self.agent,
            branch_id=self.branch_id,
            step=self.step,
            run_key=self.run_key,
            attempt=self.attempt,
            neighbours=self.neighbours,
            failures=self.failures,
            memory=memory,
            emit=emit,
            surroundings=self.surroundings,
        )


Mapping.register(StepContext)
