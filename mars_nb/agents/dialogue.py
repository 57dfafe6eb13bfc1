"""What is said between an agent and a model: one request, one response.

A model is a function of everything that was said before; it remembers nothing. So each request holds the whole
dialogue: what the agent is told to be (`instructions`), the turns so far, the tools that may be called now, and, if the
answer must have a certain shape, its JSON schema. The response is text, or calls of tools, or both. The loop that goes
on from there (call the tools, ask again) is the agent's, so a model is one small protocol, and a script, a replayed
journal, an offline worker or a provider's server fits behind it alike.

Examples
--------
>>> request = ModelRequest(instructions="Be brief.", turns=(UserSaid("Hello"),))
>>> request.turns[0].content, request.tools
('Hello', ())
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import msgspec

from mars_nb.actions import ToolCall

__all__ = [
    "Emit",
    "Model",
    "ModelRequest",
    "ModelResponse",
    "ModelSaid",
    "ToolCall",
    "ToolSaid",
    "ToolSpec",
    "Turn",
    "UserSaid",
]

Emit = Callable[[str], object]
"""Takes a piece of text as it is streamed."""


class ToolSpec(msgspec.Struct, frozen=True):
    """A tool that a model may call.

    Parameters
    ----------
    name : str
        By which the model calls it.
    description : str
        What it does, for the model.
    parameters : dict
        JSON schema of its arguments, of type ``"object"``.
    """

    name: str
    description: str
    parameters: dict[str, Any]


class UserSaid(msgspec.Struct, frozen=True, tag=True):
    """The agent is asked something, or told what was wrong."""

    content: str


class ModelSaid(msgspec.Struct, frozen=True, tag=True):
    """The model said something, or called tools."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


class ToolSaid(msgspec.Struct, frozen=True, tag=True):
    """A tool gave its result.

    Parameters
    ----------
    call_id : str
        Which call it answers.
    name : str
        Which tool.
    content : str
        What it gave: text, or JSON.
    is_error : bool
        Whether it is the text of an error, for the model to mend.
    """

    call_id: str
    name: str
    content: str
    is_error: bool = False


Turn = UserSaid | ModelSaid | ToolSaid


class ModelRequest(msgspec.Struct, frozen=True):
    """Everything a model is told, once.

    Parameters
    ----------
    instructions : str
        What the agent is to be, before anything else.
    turns : tuple of Turn
        What was said so far, oldest first; the last one is to be answered.
    tools : tuple of ToolSpec
        What it may call now; the ways to hand over are among them.
    output : dict or None
        JSON schema that the text of the answer has to fit.
    """

    instructions: str
    turns: tuple[Turn, ...]
    tools: tuple[ToolSpec, ...] = ()
    output: dict[str, Any] | None = None


class ModelResponse(msgspec.Struct, frozen=True):
    """What a model answered.

    Parameters
    ----------
    text : str
        What it said; may be empty when it calls tools.
    calls : tuple of ToolCall
        The tools it wants to be called, in order.
    n_input_tokens, n_output_tokens : int
        What it read and wrote; 0 where nothing is counted.
    cost_usd : float or None
        What it cost in US dollars; None when the price is not known, never 0 for that.
    model : str
        Who answered, such as ``"openai:gpt-5"`` or ``"offline"``.
    problem : str
        Why it says nothing, where asking again could not help; it is paid for all the same.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float | None = None
    model: str = ""
    problem: str = ""


@runtime_checkable
class Model(Protocol):
    """Answers requests; remembers nothing between them."""

    @property
    def name(self) -> str:
        """Who answers, such as ``"openai:gpt-5"`` or ``"offline"``."""
        ...

    async def respond(self, request: ModelRequest, *, emit: Emit) -> ModelResponse:
        """Answer one request.

        Parameters
        ----------
        request : ModelRequest
            Everything the model is told.
        emit : callable
            Takes each piece of the text as it comes.

        Returns
        -------
        ModelResponse
            The whole answer.

        Raises
        ------
        ModelError
            When there is none.
        """
        ...
