"""What happened to a step of a branch, and within it."""

from __future__ import annotations

from typing import Any

import msgspec

from mars_nb.actions import Action, ToolCall


class AboutStep(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A step of a branch was scheduled, completed or failed. ``step`` counts the branch's steps from 1."""

    branch: str
    step: int

    @property
    def step_id(self) -> str:
        """Position of the step in the run, as ``"b0.1#3"``."""
        return f"{self.branch}#{self.step}"


class StepScheduled(AboutStep, frozen=True, gc=False):
    """An agent is about to be asked; recorded before it is, so that a crash leaves a trace."""

    agent: str
    attempt: int = 1


class StepCorrected(AboutStep, frozen=True, gc=False):
    """A reply was not allowed, and the agent was told so and asked again within the step."""

    correction: str


class ModelResponded(AboutStep, frozen=True, gc=False):
    """A model answered within a step: with text, or with calls of tools. It is paid for, so it is never asked again.

    Parameters
    ----------
    text : str
        What it said.
    calls : tuple of ToolCall
        The tools that it wants to be called; the ways to hand over are among them.
    n_input_tokens, n_output_tokens : int
        What it read and wrote.
    cost_usd : float or None
        What the response cost in US dollars; None when the price is not known.
    model : str
        Who answered.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float | None = 0.0
    model: str = ""


class ToolStarted(AboutStep, frozen=True, gc=False):
    """A tool that must not run twice is about to run; without its `ToolReturned` nobody knows whether it did."""

    call_id: str
    name: str


class ToolReturned(AboutStep, frozen=True, gc=False):
    """A tool that a model called gave its result, or an error for the model to mend (``is_error``)."""

    call_id: str
    name: str
    content: str
    is_error: bool = False


class ApprovalAsked(AboutStep, frozen=True, gc=False):
    """A person is asked about a tool call; the step waits, and goes on from there when the answer is known."""

    call_id: str
    question: str


class StepCompleted(AboutStep, frozen=True, gc=False):
    """An agent replied, with ``content`` or with an ``action``.

    Parameters
    ----------
    recorded : bool
        Whether the reply was taken from the record of another session instead of asking.
    n_input_tokens, n_output_tokens : int
        What a model read and wrote; 0 without one.
    cost_usd : float or None
        What the step cost in US dollars; None when unknown.
    """

    content: Any = None
    action: Action | None = None
    recorded: bool = False
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float | None = 0.0


class StepFailed(AboutStep, frozen=True, gc=False):
    """An attempt failed. ``error`` is the exception's type, ``message`` its text, ``final`` forbids a retry."""

    error: str
    message: str
    attempt: int = 1
    final: bool = False


class RetryDue(AboutStep, frozen=True, gc=False):
    """The pause before the next attempt of a failed step is over."""


class StepStreamed(AboutStep, frozen=True, gc=False):
    """An agent said a piece of its reply. Published to listeners only: no journal keeps it, no state depends on it."""

    agent: str
    text: str
