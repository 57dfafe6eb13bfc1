"""Thinking: how an agent that a model speaks for comes to a reply.

Ask the model; write down what it answered; call the tools it wants, writing down each result; ask again, until it
replies. Everything is read from the record of the step and written to it before it is acted on, so there is no other
state: a step that is broken off, by a crash, a pause or a question to a person, goes on from its record. No response
is paid for twice, and no tool that gave its result is called again.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.actions import ToolCall
from mars_nb.agents.approvals import ApprovalNeeded, question, read
from mars_nb.agents.choosing import ROUTING, chosen, routing_tools
from mars_nb.agents.content import as_content
from mars_nb.agents.dialogue import ModelRequest, ModelResponse
from mars_nb.agents.prompting import instructions, opening, standing
from mars_nb.agents.replies import parsed
from mars_nb.agents.secrets import Redactor
from mars_nb.agents.tools import told
from mars_nb.errors import ContentError, LimitReached, ModelRejected, NobodyToAsk, ReplyError, describe, did_you_mean
from mars_nb.events import ModelResponded, StepCorrected, ToolReturned, ToolStarted

if TYPE_CHECKING:
    from mars_nb.agents.agent import Agent
    from mars_nb.agents.context import StepContext
    from mars_nb.agents.dialogue import ModelSaid, ToolSpec, Turn
    from mars_nb.agents.prompting import Standing
    from mars_nb.agents.surroundings import Surroundings
    from mars_nb.agents.tools import Tool

MAX_RESPONSES = 25
"""Responses of a model within one asking; one that only ever calls tools comes to an end."""

_NOT_YET = object()
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)\n?```", re.DOTALL | re.IGNORECASE)


class Thinking:
    """One agent at one step.

    Parameters
    ----------
    agent : Agent
        Who thinks.
    request : JSON value
        What it is asked.
    context : StepContext
        What it may know.
    around : Surroundings
        The run around it.
    """

    def __init__(self, agent: Agent, request: Any, context: StepContext, around: Surroundings) -> None:
        self._agent = agent
        self._request = request
        self._context = context
        self._around = around
        self._tools: dict[str, Tool] = {tool.name: tool for tool in agent.tools}
        self._redactor = Redactor.of_process()
        self._n_asked = 0
        self._wrong: set[int] = set()

    async def reply(self) -> Any:
        """Give the reply: content, or an action.

        Raises
        ------
        ReplyError
            When the model does not come to one that is allowed.
        ModelError
            When it gives no answer.
        ApprovalNeeded
            When a person has to be asked before it can go on.
        LimitReached
            When money or tokens are used up before it has replied.
        """
        while True:
            now = standing(self._around.record())
            if now.said is None:
                await self._ask(now.turns)
                continue
            reply = await self._follow(now.said, now)
            if reply is not _NOT_YET:
                return reply

    async def _ask(self, said: list[Turn]) -> None:
        if spent := self._around.overspent():
            raise LimitReached(f"{spent} in the middle of a step; change the limit to go on from there")
        if self._n_asked >= MAX_RESPONSES:
            raise ReplyError(f"{self._agent.name!r} called tools in {MAX_RESPONSES} responses and never replied")
        self._n_asked += 1
        answer: object = await self._around.model.respond(self._model_request(said), emit=self._context.emit)
        if not isinstance(answer, ModelResponse):
            kind = type(answer).__name__
            raise TypeError(f"the model {self._around.model.name!r} gave a {kind}; expected a ModelResponse")
        self._around.note(self._responded(answer))
        if answer.problem:
            raise ModelRejected(answer.problem)

    def _model_request(self, said: list[Turn]) -> ModelRequest:
        agent, people, choices = self._agent, self._around.people, self._around.choices()
        output = agent.output_schema
        told_first = instructions(agent, self._context, people, choices, output)
        tools: list[ToolSpec] = [*(tool.spec for tool in agent.tools), *routing_tools(choices, people, output)]
        turns = (*opening(self._request, self._context, people), *said)
        return ModelRequest(told_first, turns, tuple(tools), output)

    def _responded(self, answer: ModelResponse) -> ModelResponded:
        n_before = sum(isinstance(each, ModelResponded) for each in self._around.record())
        calls = [self._written(call, f"{n_before}-{i}") for i, call in enumerate(answer.calls)]
        return ModelResponded(
            self._around.branch,
            self._around.step,
            self._redactor.text(as_content(answer.text)),
            tuple(calls),
            answer.n_input_tokens,
            answer.n_output_tokens,
            answer.cost_usd,
            answer.model,
        )

    def _written(self, call: ToolCall, place: str) -> ToolCall:
        """Give a call as it is written down; servers give ids that are empty, or the same in each response."""
        name = call.id if call.id and not self._is_known(call.id) else f"{call.id or 'call'}-{place}"
        try:
            arguments = self._redactor.content(as_content(call.arguments))
        except ContentError as error:  # such as arguments that are nested too deep to be kept
            return ToolCall(name, self._redactor.text(as_content(call.name)), malformed=str(error))
        malformed = self._redactor.text(as_content(call.malformed))
        return ToolCall(name, self._redactor.text(as_content(call.name)), arguments, malformed)

    def _is_known(self, call_id: str) -> bool:
        said = (each for each in self._around.record() if isinstance(each, ModelResponded))
        return any(call.id == call_id for each in said for call in each.calls)

    # ----------------------------------------------------------------------------------------------- what it said

    async def _follow(self, said: ModelSaid, now: Standing) -> Any:
        """Do what the last response asks for; give the reply if it is one."""
        await self._call_all([call for call in now.open_calls.values() if call.name not in ROUTING], now)
        ways = [call for call in said.calls if call.name in ROUTING]
        if said.calls and not ways:
            return _NOT_YET
        try:
            reply = self._choice(ways) if ways else self._text(said.text)
            self._around.check(reply)
        except ReplyError as error:
            self._correct(error)
            return _NOT_YET
        return reply

    def _choice(self, ways: list[ToolCall]) -> Any:
        if len(ways) > 1:
            names = ", ".join(call.name for call in ways)
            raise ReplyError(f"only one way can be taken at a time, not {names}; to ask several take ask_in_parallel")
        action = chosen(ways[0], self._around.choices())
        content = getattr(action, "content", None)
        if self._agent.output is None or content is None:
            return action
        return msgspec.structs.replace(action, content=self._fitting(content))

    def _text(self, text: str) -> Any:
        if not text.strip():
            raise ReplyError("the reply is empty")
        if self._agent.output is None:
            return text
        fenced = _FENCE.search(text)
        try:
            content = parsed(fenced[1] if fenced else text)
        except ValueError:
            raise ReplyError("the reply is no JSON; reply with JSON of the schema and nothing else") from None
        return self._fitting(content)

    def _fitting(self, content: Any) -> Any:
        """Give an answer that fits ``output=``."""
        from pydantic import TypeAdapter, ValidationError

        wanted: Any = self._agent.output
        adapter: TypeAdapter[Any] = TypeAdapter(wanted)
        try:
            return as_content(adapter.dump_python(adapter.validate_python(content), mode="json"))
        except ValidationError as error:
            raise ReplyError(f"the reply does not fit the schema: {told(error)}") from None
        except (ContentError, ValueError) as error:  # nested too deep, for us or for pydantic
            raise ReplyError(f"the reply cannot be kept: {describe(error)}") from None

    def _correct(self, error: ReplyError) -> None:
        self._count_wrong(error)
        self._note(StepCorrected(self._around.branch, self._around.step, self._redactor.text(str(error))))

    def _count_wrong(self, error: ReplyError) -> None:
        """Count a response with mistakes; one from before this asking began (number 0) is corrected for nothing."""
        self._wrong.add(self._n_asked)
        if len(self._wrong - {0}) > self._agent.corrections:
            raise error

    def _note(self, event: StepCorrected | ToolReturned | ToolStarted) -> None:
        self._around.note(event)

    # ----------------------------------------------------------------------------------------------------- tools

    async def _call_all(self, calls: list[ToolCall], now: Standing) -> None:
        """Call tools: together those that need nobody, then one by one those that a person has to look at."""
        alone = [call for call in calls if self._is_alone(call)]
        for error in await asyncio.gather(*(self._call(call) for call in calls if call not in alone)):
            if error is not None:
                self._count_wrong(error)
        for call in alone:
            await self._call_with_approval(self._tools[call.name], call, now)

    def _is_alone(self, call: ToolCall) -> bool:
        tool = self._tools.get(call.name)
        return tool is not None and (tool.is_unsafe or tool.needs_approval)

    async def _call(self, call: ToolCall) -> ReplyError | None:
        """Call a tool; give what was wrong with the call."""
        try:
            tool = self._known_tool(call)
            arguments = self._checked(tool, call)
        except ReplyError as error:
            self._returned(call, str(error), is_error=True)
            return error
        await self._make(tool, call, arguments)
        return None

    async def _call_with_approval(self, tool: Tool, call: ToolCall, now: Standing) -> None:
        """Make a call that a person may have to approve, and one that was on its way only when a person says so."""
        is_in_doubt, answer = call.id in now.started, now.answers.get(call.id)
        try:
            arguments = self._checked(tool, call)
        except ReplyError as error:
            self._returned(call, str(error), is_error=True)
            self._count_wrong(error)
            return
        if answer is None and (is_in_doubt or tool.needs_approval):
            raise self._approval(call, question(self._agent.name, call, is_in_doubt=is_in_doubt))
        if answer is not None:
            verdict = read(answer, call.arguments)
            if verdict.arguments is None:
                self._settle_without(call, verdict.result, verdict.reason)
                return
            arguments = self._edited(tool, call, verdict.arguments)
        if tool.is_unsafe:
            self._note(ToolStarted(self._around.branch, self._around.step, call.id, call.name))
        await self._make(tool, call, arguments)

    def _settle_without(self, call: ToolCall, result: str | None, reason: str) -> None:
        if result is None:
            self._returned(call, f"a person refused this call: {reason}", is_error=True)
        else:
            self._returned(call, result)

    def _edited(self, tool: Tool, call: ToolCall, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return tool.check(arguments)
        except ReplyError as error:
            raise self._approval(call, question(self._agent.name, call, problem=str(error))) from None

    def _approval(self, call: ToolCall, text: str) -> ApprovalNeeded | NobodyToAsk:
        if self._around.can_ask():
            return ApprovalNeeded(call.id, self._redactor.text(text))
        return NobodyToAsk(
            f"a call of {call.name!r} needs a person to approve it, and nobody can be reached; give user= a function "
            "or a list of replies, or keep the run with state_manager=, so that it can wait"
        )

    def _known_tool(self, call: ToolCall) -> Tool:
        if call.name in self._tools:
            return self._tools[call.name]
        names = [*self._tools, *(spec.name for spec in routing_tools(self._around.choices(), {}, None))]
        known = f"there are {', '.join(names)}" if names else "there are none"
        raise ReplyError(f"no tool {call.name!r:.80} is here{did_you_mean(call.name, names)}; {known}")

    def _checked(self, tool: Tool, call: ToolCall) -> dict[str, Any]:
        if call.malformed:
            raise ReplyError(f"the arguments of {call.name!r} are no JSON object")
        return tool.check(call.arguments)

    async def _make(self, tool: Tool, call: ToolCall, arguments: dict[str, Any]) -> None:
        inside = self._context.for_thread(asyncio.get_running_loop())
        try:
            result = await tool.call(arguments, inside)
        except (asyncio.CancelledError, KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 (the model hears of it, and may do something else)
            self._returned(call, f"{type(error).__name__}: {describe(error, clean=self._redactor.text)}", is_error=True)
        else:
            self._returned(call, result)

    def _returned(self, call: ToolCall, content: str, *, is_error: bool = False) -> None:
        text = self._redactor.text(content)
        self._note(ToolReturned(self._around.branch, self._around.step, call.id, call.name, text, is_error))
