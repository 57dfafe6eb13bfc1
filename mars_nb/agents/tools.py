"""Tools: functions that a model may call.

The type hints of a function say what it takes, its docstring what it does; from them the model is told, and what the
model sends is checked before the function sees it. A plain function runs in a worker thread, so that it may block. A
parameter named ``context`` is not the model's business: it gets the `StepContext` of the step.

A tool whose call cannot be taken back is declared so (``effect="unsafe"``): a person approves each call, and one that
was on its way when the process died is never simply made again.

Examples
--------
>>> @tool
... def add(a: int, b: int = 1) -> int:
...     "Add two numbers."
...     return a + b
>>> add.name, add.description, add.spec.parameters["required"], add(2)
('add', 'Add two numbers.', ['a'], 3)
"""

from __future__ import annotations

import enum
import inspect
import json
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_type_hints, overload

from mars_nb.agents.content import as_content
from mars_nb.agents.dialogue import ToolSpec
from mars_nb.agents.functions import body, label
from mars_nb.agents.replies import as_text
from mars_nb.agents.threads import in_thread
from mars_nb.errors import AgentError, ReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from mars_nb.agents.context import StepContext

Effect = Literal["safe", "unsafe"]
"""Whether a call may be made again when nobody knows if it was made."""

CONTEXT = "context"
"""Name of the parameter that gets the `StepContext`."""

LONGEST_RESULT = 100_000
"""Most characters of a result that a model is told."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


class Tool:
    """A function that a model may call.

    Parameters
    ----------
    function : callable
        What is called; sync or async.
    name : str, optional
        By which the model calls it; default: the name of the function.
    description : str, optional
        What it does; default: the docstring.
    effect : "safe" or "unsafe"
        Whether a call may be repeated when nobody knows if it was made.
    needs_approval : bool, optional
        Whether a person approves each call; default: for unsafe tools.

    Raises
    ------
    AgentError
        If the function cannot be told to a model.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        effect: Effect = "safe",
        needs_approval: bool | None = None,
    ) -> None:
        if not callable(function):
            raise AgentError(f"a {type(function).__name__} is no tool; expected a function with type hints")
        self.function = function
        self.name = _checked_name(name or str(getattr(function, "__name__", "")), function)
        self.description = inspect.getdoc(function) or "" if description is None else description
        if effect not in ("safe", "unsafe"):
            raise AgentError(f"effect={effect!r} of tool {self.name!r} does not fit; expected 'safe' or 'unsafe'")
        self.is_unsafe = effect == "unsafe"
        self.needs_approval = self.is_unsafe if needs_approval is None else needs_approval
        self._is_async = inspect.iscoroutinefunction(body(function))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the function directly, as if it were no tool."""
        return self.function(*arguments, **named)

    def __repr__(self) -> str:
        effect = ", unsafe" if self.is_unsafe else ""
        return f"Tool({self.name!r}{effect}{', needs approval' if self.needs_approval else ''})"

    @cached_property
    def spec(self) -> ToolSpec:
        """What a model is told of it."""
        from pydantic.errors import PydanticUserError

        try:
            schema = self._arguments.model_json_schema()
        except (PydanticUserError, NameError, TypeError, ValueError) as error:
            message = f"tool {self.name!r} cannot be told to a model: {_first_sentence(error)}"
            raise AgentError(message) from None
        schema.pop("title", None)
        for each in schema.get("properties", {}).values():
            each.pop("title", None)
        return ToolSpec(self.name, self.description, schema)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Give the arguments as the function takes them.

        Raises
        ------
        ReplyError
            When they do not fit.
        """
        from pydantic import ValidationError

        try:
            found = self._arguments.model_validate(dict(arguments))
        except ValidationError as error:
            raise ReplyError(f"the arguments of {self.name!r} do not fit: {told(error)}") from None
        named = self._arguments.model_fields
        return {str(named[field].alias): getattr(found, field) for field in found.model_fields_set}

    async def call(self, arguments: Mapping[str, Any], context: StepContext) -> str:
        """Call the function with checked arguments and give its result as text."""
        given = {**arguments, CONTEXT: context} if self._takes_context else dict(arguments)
        if self._is_async:
            result = await self.function(**given)
        else:
            result = await in_thread(lambda: self.function(**given))
            result = await result if inspect.isawaitable(result) else result
        text = as_text(as_content(result))
        n_more = len(text) - LONGEST_RESULT
        return f"{text[:LONGEST_RESULT]}\n(cut: {n_more:,} more characters)" if n_more > 0 else text

    @cached_property
    def _takes_context(self) -> bool:
        return CONTEXT in inspect.signature(self.function).parameters

    @cached_property
    def _arguments(self) -> type[BaseModel]:
        from pydantic import ConfigDict, create_model

        return create_model(self.name, __config__=ConfigDict(extra="forbid"), **_fields(self.function))


@overload
def tool(function: Callable[..., Any], /) -> Tool: ...


@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "safe",
    needs_approval: bool | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect = "safe",
    needs_approval: bool | None = None,
) -> Tool | Callable[[Callable[..., Any]], Tool]:
    """Make a tool of the function below: ``@tool``, or ``@tool(effect="unsafe")``.

    Parameters
    ----------
    function : callable, optional
        The function, when written without parentheses.
    name : str, optional
        By which the model calls it; default: the name of the function.
    description : str, optional
        What it does; default: the docstring.
    effect : "safe" or "unsafe"
        Whether a call may be repeated when nobody knows if it was made.
    needs_approval : bool, optional
        Whether a person approves each call; default: for unsafe tools.

    Returns
    -------
    Tool
        Called directly, it is still the function.
    """

    def made(function: Callable[..., Any]) -> Tool:
        return Tool(function, name=name, description=description, effect=effect, needs_approval=needs_approval)

    return made if function is None else made(function)


def as_tools(given: object, reserved: frozenset[str]) -> tuple[Tool, ...]:
    """Give what an agent was given as ``tools=``, checked.

    Raises
    ------
    AgentError
        If one is no function, two have the same name, or a name is reserved.
    """
    if callable(given) or not hasattr(given, "__iter__"):
        raise AgentError(f"tools= is a {type(given).__name__}; expected a list of functions: tools=[look_up]")
    found: dict[str, Tool] = {}
    for each in given:
        made = each if isinstance(each, Tool) else Tool(each)
        if made.name in found or made.name in reserved:
            why = "another tool has it" if made.name in found else "it is a way to hand over"
            raise AgentError(f"the name {made.name!r} of a tool is taken, {why}; give it another: Tool(f, name='...')")
        made.spec  # noqa: B018 (a hint that no schema can be made of is told now, not in the middle of a run)
        found[made.name] = made
    return tuple(found.values())


def told(error: Any) -> str:
    """Give the first problem that pydantic found, without what was given."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place!r}: {first['msg']}" if place else str(first["msg"])


def _fields(function: Callable[..., Any]) -> dict[str, Any]:
    hints = get_type_hints(function if inspect.isroutine(function) else body(function), include_extras=True)
    fields: dict[str, Any] = {}
    for i, (name, each) in enumerate(inspect.signature(function).parameters.items()):
        if name == CONTEXT:
            continue
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise TypeError(f"parameter {name!r} has no name by which a model could give it; use plain parameters")
        fields[f"p{i}"] = (hints.get(name, Any), _field(name, each))
    return fields


def _field(name: str, parameter: inspect.Parameter) -> Any:
    """Give the field of a parameter; its name is only the alias, since a field could not have every name."""
    from pydantic import Field

    default = parameter.default
    if default is parameter.empty:
        return Field(alias=name)
    if _is_json(default):
        return Field(default, alias=name)
    return Field(alias=name, default_factory=lambda: default)  # which is told to nobody


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return isinstance(value, enum.Enum)
    return True


def _checked_name(name: str, function: Callable[..., Any]) -> str:
    if _NAME.fullmatch(name):
        return name
    raise AgentError(f"{label(function)} needs a name as a tool, of letters, digits and '_': Tool(f, name='look_up')")


def _first_sentence(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].partition(". ")[0]
