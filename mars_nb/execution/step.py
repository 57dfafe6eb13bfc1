"""One step: an agent is asked, and what it replies is checked.

A `StepRequest` goes in and an outcome comes out, an event that says whether the step completed or failed; whatever an
agent raises is such an outcome, never an exception here. A reply that the topology does not allow is corrected within
the step: the agent is told what it may do, with the exchange in its memory, as often as it accepts corrections.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.actions import ACTIONS
from mars_nb.agents.agent import Agent
from mars_nb.agents.approvals import ApprovalNeeded
from mars_nb.agents.context import StepContext
from mars_nb.agents.prompting import refusal
from mars_nb.agents.replies import as_text, hand_over, to_content
from mars_nb.agents.secrets import Redactor
from mars_nb.errors import ContentError, ReplyError
from mars_nb.errors import describe as described
from mars_nb.events import ApprovalAsked, StepCompleted, StepFailed

Outcome = StepCompleted | StepFailed | ApprovalAsked
"""How the asking of an agent ends: it replied, it failed, or a person has to be asked before it can go on."""

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.execution.recorded import Recorded


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
    redactor : Redactor
        Takes secrets out of replies.
    """

    validate: Callable[[str, Any], None]
    corrected: Callable[[StepRequest, str], None]
    recorded: Recorded | None = None
    redactor: Redactor = field(default_factory=Redactor.of_process)

    async def execute(self, asked: StepRequest) -> Outcome:
        """Ask, and give the outcome.

        Parameters
        ----------
        asked : StepRequest
            Whom to ask what.

        Returns
        -------
        StepCompleted, StepFailed or ApprovalAsked
            The event to record.
        """
        if self.recorded and (known := self.recorded.find(asked.agent, asked.request, asked.context)):
            return msgspec.structs.replace(known, branch=asked.branch, step=asked.step, recorded=True)
        try:
            reply = await self._reply(asked)
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            raise  # somebody stops the step, the program or the coroutine
        except ApprovalNeeded as needed:
            return ApprovalAsked(asked.branch, asked.step, needed.call_id, needed.question)
        except BaseException as error:  # noqa: BLE001 (an agent's failure is data, whatever it raises)
            return failure(asked, error)
        return _completed(asked, self.redactor.content(reply))

    async def _reply(self, asked: StepRequest) -> Any:
        request, context = hand_over(asked.request), asked.context
        for n_left in range(asked.agent.n_repetitions, -1, -1):
            returned = await asked.agent._run(request, context)  # noqa: SLF001 (the hook that agents override)
            try:
                reply = to_content(returned)
                self.validate(asked.branch, reply)
            except (ReplyError, ContentError) as error:
                if not n_left:
                    raise
                self.corrected(asked, str(error))
                context = _with_exchange(context, request, returned)
                request = refusal(str(error))
            else:
                return reply
        raise AssertionError("unreachable")


def _completed(asked: StepRequest, reply: Any) -> StepCompleted:
    """Give the event of a reply, with what models took for it."""
    content, action = (None, reply) if type(reply) in ACTIONS else (reply, None)
    around = asked.context.surroundings
    if around is None:
        return StepCompleted(asked.branch, asked.step, content, action)
    spent = around.spent()
    return StepCompleted(
        asked.branch,
        asked.step,
        content,
        action,
        n_input_tokens=spent.n_input_tokens,
        n_output_tokens=spent.n_output_tokens,
        cost_usd=spent.cost_usd,
    )


def failure(asked: StepRequest, error: BaseException) -> StepFailed:
    """Give the event of an attempt that raised."""
    is_final = getattr(error, "is_final", False) is True
    return StepFailed(asked.branch, asked.step, type(error).__name__, describe(error), asked.attempt, is_final)


def describe(error: BaseException) -> str:
    """Give an exception's text and its cause's, on one line, without secrets."""
    return described(error, clean=Redactor.of_process().text)


def _with_exchange(context: StepContext, request: Any, returned: Any) -> StepContext:
    said = [{"role": "user", "content": request}, {"role": "assistant", "content": _said(returned)}]
    return context.remembering(said)


def _said(returned: Any) -> str:
    return repr(returned) if type(returned) in ACTIONS else as_text(returned)
