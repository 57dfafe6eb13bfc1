"""An agent: a coroutine from a request to a reply, with a name.

It is written in one of three ways, and the rest of the package sees no difference: as a function, which the decorator
`agent` turns into one; as a subclass that overrides ``async def _run(self, request, context)``; or as a model with
instructions. How a function is called (on the loop, in a thread, streamed) is settled when the agent is made.

Examples
--------
>>> @agent
... async def shout(request):
...     return request.upper()
>>> shout
Agent('shout', function)
>>> import asyncio
>>> asyncio.run(shout("hello"))
'HELLO'
"""

from __future__ import annotations

import hashlib
import inspect
import json
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal, overload

from mars_nb.agents.adapters import answering, name_of
from mars_nb.agents.functions import Answer, asking, body, label
from mars_nb.agents.registry import AgentRegistry
from mars_nb.errors import AgentError
from mars_nb.topology.names import END, MAX_NAME_LENGTH, START, name_problem, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import CodeType

    from mars_nb.agents.context import StepContext
    from mars_nb.agents.functions import Ask
    from mars_nb.agents.providers import Given, Speaker
    from mars_nb.agents.tools import Tool
    from mars_nb.events import Profile

Kind = Literal["function", "model", "custom"]
"""How an agent answers: by a function, by a model, or by a ``_run`` of its own."""

_MARKERS = frozenset({START, END})
_MODEL_CORRECTIONS = 2


class Agent:
    """Someone who can be asked, under a name by which topologies know them.

    It enters a registry when it is made; one of the same name is replaced.

    Parameters
    ----------
    model_config : mapping, str, ModelConfig or Model, optional
        The model that answers, if no function does; default: the one that the run, the process or ``MARS_MODEL``
        names, else ``"offline"``.
    name : str, optional
        1 to 80 characters, without the signs of the notation; default: the name of the function.
    answer : callable, optional
        Takes ``(request)``, ``(request, context)`` or ``(request, context, memory)``; sync, async or a generator. Or a
        pydantic-ai ``Agent``, or a LangChain or LangGraph runnable.
    instructions : str
        What a model is told before anything else.
    description : str
        What others are told about the agent; default: the first line of the function's docstring.
    tools : sequence of callable or Tool
        What a model may call: functions with type hints.
    corrections : int, optional
        How often the agent is asked again when a reply is not allowed; default 2 for a model, else 0.
    output : type, optional
        What a model has to answer with.
    inline : bool
        Run a plain function on the event loop; for one that never blocks.
    registry : AgentRegistry, optional
        Where to enter; default: the one of the process.

    Raises
    ------
    AgentError
        If the name, the function or the configuration cannot be used.

    Examples
    --------
    >>> mine = AgentRegistry()
    >>> Agent(name="Echo", answer=lambda request: request, registry=mine)
    Agent('Echo', function)
    >>> Agent({"name": "offline"}, "Assistant", registry=mine)
    Agent('Assistant', model)
    """

    def __init__(
        self,
        model_config: Given = None,
        name: str | None = None,
        *,
        answer: Answer | None = None,
        instructions: str = "",
        description: str = "",
        tools: Sequence[Callable[..., Any]] = (),
        corrections: int | None = None,
        output: type | None = None,
        inline: bool = False,
        registry: AgentRegistry | None = None,
    ) -> None:
        self.name = _checked_name(name if name is not None else _default_name(model_config, answer))
        answer = None if answer is None else answering(answer)
        self.answer = answer
        self.model_config = _read_config(model_config)
        self.instructions = _checked_text("instructions", instructions)
        self.description = _checked_text("description", description) or _first_line(answer)
        self.tools = self._checked_tools(tools)
        self.output = output
        self._check_output()
        self.corrections = _checked_corrections(corrections, self.kind)
        self._ask: Ask = self._ask_model if answer is None else asking(answer, inline=inline)
        (AgentRegistry.default() if registry is None else registry).register(self)

    @property
    def kind(self) -> Kind:
        """How the agent answers: ``"function"``, ``"model"``, or ``"custom"`` if ``_run`` is overridden."""
        if type(self)._run is not Agent._run:  # noqa: SLF001 (our own hook)
            return "custom"
        return "model" if self.answer is None else "function"

    @property
    def n_repetitions(self) -> int:
        """How often a step asks it again when its reply is not allowed; for a model, its own loop does that."""
        return 0 if self.kind == "model" else self.corrections

    async def _run(self, request: Any, context: StepContext) -> Any:
        """Answer one request; the hook to override.

        Parameters
        ----------
        request : JSON value
            What the agent is asked.
        context : StepContext
            What is known about this step.

        Returns
        -------
        JSON value or action
            The reply.
        """
        return await self._ask(request, context)

    async def _ask_model(self, request: Any, context: StepContext) -> Any:
        from mars_nb.agents.thinking import Thinking

        if context.surroundings is not None:
            return await Thinking(self, request, context, context.surroundings).reply()
        from mars_nb.agents.providers import opened
        from mars_nb.agents.surroundings import Alone

        async with opened(self.model_config) as model:
            return await Thinking(self, request, context, Alone(model)).reply()

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """JSON schema of what a model has to answer with, None for plain text."""
        if self.output is None:
            return None
        from pydantic import TypeAdapter

        return TypeAdapter(self.output).json_schema()

    def _check_output(self) -> None:
        """Refuse an ``output=`` that no schema can be made of now, and not in the middle of a run."""
        if self.output is None:
            return
        from pydantic.errors import PydanticUserError

        try:
            self.output_schema  # noqa: B018 (made once, and kept)
        except (PydanticUserError, NameError, TypeError) as error:
            raise AgentError(
                f"output= of {self.name!r} cannot be told to a model: {str(error).strip().splitlines()[0]}"
            ) from None

    def _checked_tools(self, tools: Sequence[Callable[..., Any]]) -> tuple[Tool, ...]:
        if not tools:
            return ()
        from mars_nb.agents.choosing import ROUTING
        from mars_nb.agents.tools import as_tools

        return as_tools(tools, ROUTING)

    def profile(self, speaker: Speaker) -> Profile:
        """Give who the agent is, for the journal: enough to make it again, without keys."""
        from mars_nb.agents.providers import label, place
        from mars_nb.agents.secrets import Redactor
        from mars_nb.events import Profile

        text = Redactor.of_process().text
        return Profile(
            label(speaker),
            text(self.instructions),
            text(self.description),
            tuple(tool.name for tool in self.tools),
            self.model_config is not None and self.model_config.name == speaker.name,
            place(speaker),
            tuple(tool.name for tool in self.tools if tool.is_unsafe),
            tuple(tool.name for tool in self.tools if tool.needs_approval),
        )

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function of the agent directly, as if it were not one."""
        if self.answer is None:
            raise AgentError(f"agent {self.name!r} has no function to call; ask it in a run: Orchestra.run(...)")
        return self.answer(*arguments, **named)

    @cached_property
    def digest(self) -> str:
        """Short hash of what decides how the agent answers, to notice a changed one when a session is resumed."""
        config = getattr(self.model_config, "digest", None) or getattr(self.model_config, "name", "")
        source = _source(type(self)._run if self.answer is None else self.answer)  # noqa: SLF001 (our own hook)
        decisive = [self.name, self.kind, self.instructions, config, source]
        if self.tools or self.output:
            decisive += [*(f"{tool.name}: {_source(tool.function)}" for tool in self.tools), str(self.output_schema)]
        return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.kind})"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return {"text/plain": repr(self)}


@overload
def agent(target: Answer, /) -> Agent: ...


@overload
def agent(
    target: str | None = None,
    /,
    *,
    name: str | None = None,
    corrections: int | None = None,
    inline: bool = False,
    registry: AgentRegistry | None = None,
    description: str = "",
) -> Callable[[Answer], Agent]: ...


def agent(
    target: Answer | str | None = None,
    /,
    *,
    name: str | None = None,
    corrections: int | None = None,
    inline: bool = False,
    registry: AgentRegistry | None = None,
    description: str = "",
) -> Agent | Callable[[Answer], Agent]:
    """Make an agent from the function below: ``@agent``, ``@agent("Name")`` or ``@agent(name="Name", ...)``.

    Parameters
    ----------
    target : callable or str, optional
        The function (when written without parentheses), or the name of the agent.
    name : str, optional
        Name of the agent; default: that of the function.
    corrections : int, optional
        How often the agent is asked again when a reply is not allowed; default 0.
    inline : bool
        Run a plain function on the event loop; for one that never blocks.
    registry : AgentRegistry, optional
        Where to enter; default: the one of the process.
    description : str
        What others are told about the agent; default: the first line of the docstring.

    Returns
    -------
    Agent
        Called directly, it is still the function.

    Examples
    --------
    >>> @agent("Planner", registry=AgentRegistry())
    ... def plan(request):
    ...     return ["think", request]
    >>> plan.name, plan("write")
    ('Planner', ['think', 'write'])
    """

    def made(answer: Answer) -> Agent:
        return Agent(
            name=target if isinstance(target, str) else name,
            answer=answer,
            corrections=corrections,
            inline=inline,
            registry=registry,
            description=description,
        )

    return made(target) if callable(target) else made


# ------------------------------------------------------------------------------------------------------------- checks


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise AgentError(
            f"an agent name is a {type(name).__name__}; expected text of 1 to {MAX_NAME_LENGTH} characters"
        )
    tidy = " ".join(name.split())
    if tidy in _MARKERS:
        raise AgentError(f"agent name {tidy!r} is reserved for a marker of the topology; choose another name")
    if problem := name_problem(tidy):
        raise AgentError(f"{quoted(name)} is no agent name: {problem}")
    return tidy


def _default_name(model_config: object, answer: Answer | None) -> str:
    found = None if answer is None or model_config is not None else getattr(answer, "__name__", None) or name_of(answer)
    if not isinstance(found, str) or found == "<lambda>":
        raise AgentError("an agent needs a name: Agent(name='Writer', answer=...) or Agent(model_config, 'Writer')")
    return found


def _checked_corrections(corrections: object, kind: Kind) -> int:
    if corrections is None:
        return _MODEL_CORRECTIONS if kind == "model" else 0
    if not isinstance(corrections, int) or corrections < 0:
        raise AgentError(f"corrections={corrections!r} does not fit; expected a whole number from 0")
    return corrections


def _checked_text(name: str, text: object) -> str:
    if isinstance(text, str):
        return text
    raise AgentError(f"{name}= is a {type(text).__name__}; expected text")


def _read_config(given: Given) -> Speaker | None:
    if given is None:
        return None
    from mars_nb.agents.providers import speaker

    return speaker(given)


# -------------------------------------------------------------------------------------------------------- description


def _first_line(answer: Answer | None) -> str:
    text = inspect.getdoc(answer) if inspect.isroutine(answer) else None
    return text.partition("\n")[0].strip() if text else ""


def _source(answer: Answer) -> str:
    code = getattr(inspect.unwrap(body(answer)), "__code__", None)
    return label(answer) if code is None else _source_of(code)


@lru_cache(maxsize=1024)
def _source_of(code: CodeType) -> str:
    try:
        return inspect.getsource(code)
    except (OSError, TypeError):  # made from text that was not kept; its instructions tell as much
        return code.co_code.hex() + repr([each for each in code.co_consts if not inspect.iscode(each)])
