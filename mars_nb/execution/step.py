"""One step: an agent is asked, and what it replies is checked.

A `StepRequest` goes in and an outcome comes out, an event that says whether the step completed or failed; whatever an
agent raises is such an outcome, never an exception here. A reply that the topology does not allow is corrected within
the step: the agent is told what it may do, with the exchange in its memory, as often as it accepts corrections.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.actions import ACTIONS
from mars_nb.agents.agent import Agent
from mars_nb.agents.context import StepContext
from mars_nb.agents.replies import as_text, hand_over, to_content
from mars_nb.errors import ContentError, ReplyError
from mars_nb.events import StepCompleted, StepFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.execution.recorded import Recorded


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class StepRequest(msgspec.Struct, frozen=True):
    """What an agent is asked, and all it may know.

    Parameters
    ----------
    branch : str
        Id of the branch.
    step, attempt : int
        Number of the step in its branch and of the attempt, both from 1.
    agent : Agent
        Who is asked.
    request : JSON value
        What it is asked.
    context : StepContext
        What it may know.
    """

    branch: str
    step: int
    attempt: int
    agent: Agent
    request: Any
    context: StepContext


@dataclass(slots=True, frozen=True)
class StepExecutor:
    """Asks one agent once.

    Parameters
    ----------
    validate : callable
        Takes the branch id and the reply, and raises `ReplyError` when the topology does not allow it.
    corrected : callable
        Told the request and the correction when an agent is asked again within the step.
    recorded : Recorded, optional
        Replies of another session; one that fits is taken instead of asking.
    """

    validate: Callable[[str, Any], None]
    corrected: Callable[[StepRequest, str], None]
    recorded: Recorded | None = None

    async def execute(self, asked: StepRequest) -> StepCompleted | StepFailed:
        """Ask, and give the outcome.

        Parameters
        ----------
        asked : StepRequest
            Whom to ask what.

        Returns
        -------
        StepCompleted or StepFailed
            The event to record.
        """
        if self.recorded and (known := self.recorded.find(asked.agent, asked.request, asked.context)):
            return msgspec.structs.replace(known, branch=asked.branch, step=asked.step, recorded=True)
        try:
            reply = await self._reply(asked)
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            raise  # somebody stops the step, the program or the coroutine
        except BaseException as error:  # noqa: BLE001 (an agent's failure is data, whatever it raises)
            return failure(asked, error)
        if type(reply) in ACTIONS:
            return StepCompleted(asked.branch, asked.step, None, reply)
        return StepCompleted(asked.branch, asked.step, reply)

    async def _reply(self, asked: StepRequest) -> Any:
        request, context = hand_over(asked.request), asked.context
        for n_left in range(asked.agent.corrections, -1, -1):
            returned = await asked.agent._run(request, context)  # noqa: SLF001 (the hook that agents override)
            try:
                reply = to_content(returned)
                self.validate(asked.branch, reply)
            except (ReplyError, ContentError) as error:
                if not n_left:
                    raise
                self.corrected(asked, str(error))
                context = _with_exchange(context, request, returned)
                request = f"This is not possible: {error}. Reply again."
            else:
                return reply
        raise AssertionError("unreachable")


def failure(asked: StepRequest, error: BaseException) -> StepFailed:
    """Give the event of an attempt that raised."""
    return StepFailed(asked.branch, asked.step, type(error).__name__, describe(error), asked.attempt)


def describe(error: BaseException) -> str:
    """Give an exception's text and its cause's, on one line of at most 2,000 characters."""
    text = _one_line(error)
    cause = error.__cause__
    if cause:
        text += f" (because of {type(cause).__name__}: {_one_line(cause)})"
    return text[:2_000]


def _one_line(error: BaseException) -> str:
    """Give an exception's text without line ends and what else could steer a terminal."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (a broken __str__ must not hide the error)
        return "(its text cannot be read)"
    return " ".join(_CONTROLS.sub(" ", text).split())


def _with_exchange(context: StepContext, request: Any, returned: Any) -> StepContext:
    said = [{"role": "user", "content": request}, {"role": "assistant", "content": _said(returned)}]
    return context.remembering(said)


def _said(returned: Any) -> str:
    return repr(returned) if type(returned) in ACTIONS else as_text(returned)
