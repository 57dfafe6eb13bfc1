"""A model that is asked over the network, with pydantic-ai as the client.

Only its direct model API is used: one request, streamed. The loop around it, the record and the routing are ours. There
is one layer of retries: the provider's package repeats what never began to be answered (429 with its Retry-After, 5xx,
a lost connection); an answer that breaks off midway is asked for again as a whole here. A server that points elsewhere
is not followed: what an agent says, and its key, go where the user sent them.

What can go wrong is told as one of the errors below `ModelError`, without keys and without the server's pages.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import AsyncExitStack
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from mars_nb.agents.dialogue import ModelResponse, ModelSaid, ToolCall, ToolSaid, UserSaid
from mars_nb.agents.models import unsealed
from mars_nb.agents.prices import price_usd
from mars_nb.agents.providers import PROVIDERS, key, label
from mars_nb.agents.replies import parsed
from mars_nb.agents.threads import in_thread
from mars_nb.agents.troubles import Asked, trouble
from mars_nb.errors import ModelGarbled, ModelRejected, ModelTimeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.messages import ModelResponse as Response
    from pydantic_ai.models import Model as Client
    from pydantic_ai.models import ModelRequestParameters, StreamedResponse
    from pydantic_ai.settings import ModelSettings

    from mars_nb.agents.address import Address
    from mars_nb.agents.dialogue import Emit, ModelRequest, Turn
    from mars_nb.agents.models import ModelConfig

DEFAULT_TIMEOUT_S = 300.0
"""Seconds that a response may take, with all repetitions, where the configuration says nothing."""

N_REPETITIONS = 2
"""How often a request is sent again: by the provider's package, and here when the answer was cut."""

LONGEST_RESPONSE = 10_000_000
"""Most characters of a response; a server that never ends is broken off."""

PASSED_ON = (
    "top_p",
    "seed",
    "stop_sequences",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
    "extra_body",
)
"""Settings that the client takes under the same name; ``headers`` is passed on, too."""

_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_HEARD: ContextVar[list[object]] = ContextVar("mars_nb_heard")
"""Answers to the request that is on its way here, as soon as they begin."""


class ClientModel:
    """Asks a server.

    Parameters
    ----------
    config : ModelConfig
        How it is to be asked.
    where : Address
        Who serves it.
    """

    def __init__(self, config: ModelConfig, where: Address) -> None:
        self._config = config
        self._where = where
        self._timeout_s = config.timeout_s or DEFAULT_TIMEOUT_S
        self._closing = AsyncExitStack()
        self._client: Client | None = None
        self._connecting = asyncio.Lock()

    @property
    def name(self) -> str:
        """Who answers."""
        return label(self._config)

    async def close(self) -> None:
        """Close the connections."""
        await self._closing.aclose()
        self._client = None

    async def respond(self, request: ModelRequest, *, emit: Emit) -> ModelResponse:
        """Answer one request; see `Model.respond`."""
        async with self._connecting:
            if self._client is None:  # in a thread: to import a provider's package takes a second
                self._client = await in_thread(self._connected)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._whole(request, emit)
        except TimeoutError:
            message = f"{self.name} did not answer within {self._timeout_s:g} s; raise timeout_s of its configuration"
            raise ModelTimeout(message) from None

    async def _whole(self, request: ModelRequest, emit: Emit) -> ModelResponse:
        """Ask until an answer is whole."""
        for n_left in range(N_REPETITIONS, -1, -1):
            try:
                return await self._once(request, emit)
            except ModelGarbled:
                if not n_left:
                    raise
        raise AssertionError("unreachable")

    async def _once(self, request: ModelRequest, emit: Emit) -> ModelResponse:
        from pydantic_ai.direct import model_request_stream

        assert self._client is not None  # noqa: S101 (`respond` has connected it)
        asked = model_request_stream(
            self._client,
            _messages(request),
            model_settings=self._settings(),
            model_request_parameters=_parameters(request),
        )
        heard: list[object] = []
        _HEARD.set(heard)
        try:
            async with asked as stream:
                response = await _drained(stream, emit)
        except (asyncio.CancelledError, ModelRejected):
            raise
        except Exception as error:  # noqa: BLE001 (each client has its own errors; here they become ours)
            raise trouble(error, self._asked(), has_begun=bool(heard)) from None
        return self._read(response)

    def _read(self, response: Response) -> ModelResponse:
        if self._is_cut(response):
            raise ModelGarbled(f"the answer of {self.name} was cut, also when it was asked for again")
        usage = response.usage
        text = "".join(part.content for part in response.parts if part.part_kind == "text")
        calls = tuple(_call(part) for part in response.parts if part.part_kind == "tool-call")
        return ModelResponse(
            text,
            calls,
            n_input_tokens=usage.input_tokens,
            n_output_tokens=usage.output_tokens,
            cost_usd=self._cost_usd(usage),
            model=self.name,
            problem="" if text.strip() or calls else self._silence(response.finish_reason),
        )

    def _silence(self, reason: str | None) -> str:
        """Give why the model said nothing, where asking again could not help."""
        match reason:
            case "length":
                return f"{self.name} used up its tokens before it said anything; raise max_tokens of its configuration"
            case "content_filter":
                return f"{self.name} said nothing: it refused, or its server's filter withheld the answer"
            case _:
                return ""

    def _is_cut(self, response: Response) -> bool:
        """Tell whether a stream ended without the end of the answer; the client takes that for a good end."""
        if response.finish_reason not in (None, "stop"):
            return False
        return not (response.provider_details or {}).get("finish_reason")

    def _cost_usd(self, usage: Any) -> float | None:
        """Give what a response cost; a server that counts nothing leaves that open."""
        if not self._where.provider or not (usage.input_tokens or usage.output_tokens):
            return None
        return price_usd(self._where.provider, self._where.model, usage)

    def _settings(self) -> ModelSettings:
        settings: ModelSettings = {"timeout": self._timeout_s}
        if self._config.temperature is not None:
            settings["temperature"] = self._config.temperature
        if self._config.max_tokens is not None:
            settings["max_tokens"] = self._config.max_tokens
        more = self._config.model_extra or {}
        passed: Any = {name: unsealed(more[name]) for name in PASSED_ON if name in more}
        if "headers" in more:
            passed["extra_headers"] = unsealed(more["headers"])
        return {**passed, **settings}

    def _asked(self) -> Asked:
        names = PROVIDERS[self._where.provider].keys if self._where.provider else ()
        held_by = "the api_key of its configuration" if self._config.api_key else " or ".join(names)
        return Asked(self.name, self._where.model, self._base_url, held_by, self._timeout_s)

    @property
    def _base_url(self) -> str:
        return self._config.base_url or (PROVIDERS[self._where.provider].base_url if self._where.provider else "")

    # ------------------------------------------------------------------------------------------------- connecting

    def _connected(self) -> Client:
        match self._where.provider:
            case "anthropic":
                return self._anthropic()
            case "google":
                return self._google()
            case _:
                return self._openai()

    def _openai(self) -> Client:
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.profiles.openai import OpenAIModelProfile
        from pydantic_ai.providers.openai import OpenAIProvider

        client = AsyncOpenAI(
            # Servers of one's own often take any key, and the package wants one.
            api_key=key(self._config) or "none",
            base_url=self._base_url or None,
            max_retries=N_REPETITIONS,
            timeout=self._timeout_s,
            http_client=DefaultAsyncHttpxClient(follow_redirects=False, event_hooks={"response": [_hear]}),
        )
        self._closing.push_async_callback(client.close)
        # Servers that speak as OpenAI's did before it renamed the field know `max_tokens` only.
        own = (
            None
            if self._where.provider == "openai"
            else OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
        )
        return OpenAIChatModel(self._where.model, provider=OpenAIProvider(openai_client=client), profile=own)

    def _anthropic(self) -> Client:
        from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        client = AsyncAnthropic(
            api_key=key(self._config),
            base_url=self._config.base_url,
            max_retries=N_REPETITIONS,
            timeout=self._timeout_s,
            http_client=DefaultAsyncHttpxClient(follow_redirects=False, event_hooks={"response": [_hear]}),
        )
        self._closing.push_async_callback(client.close)
        return AnthropicModel(self._where.model, provider=AnthropicProvider(anthropic_client=client))

    def _google(self) -> Client:
        from google.genai.types import HttpRetryOptions
        from pydantic_ai.models.google import GoogleModel
        from pydantic_ai.providers.google import GoogleProvider

        provider = GoogleProvider(
            api_key=key(self._config) or "",
            base_url=self._config.base_url,
            retry_options=HttpRetryOptions(attempts=N_REPETITIONS + 1),
        )
        return GoogleModel(self._where.model, provider=provider)


async def _hear(response: object) -> None:
    _HEARD.get().append(response)


async def _drained(stream: StreamedResponse, emit: Emit) -> Response:
    n = 0
    async for event in stream:
        text, arguments = _text_of(event), _arguments_of(event)
        n += len(text) + len(arguments)
        if n > LONGEST_RESPONSE:
            raise ModelRejected(f"the answer is longer than {LONGEST_RESPONSE:,} characters, and was broken off")
        if text:
            emit(text)
    return stream.get()


# -------------------------------------------------------------------------------------------------------- translation


def _messages(request: ModelRequest) -> Sequence[ModelMessage]:
    """Give the dialogue as the client wants it: what is said to the model in one message, up to its next answer."""
    from pydantic_ai import messages

    found: list[ModelMessage] = []
    heard: list[Any] = []
    for turn in request.turns:
        if isinstance(turn, ModelSaid):
            found += [messages.ModelRequest(heard, instructions=request.instructions)] if heard else []
            heard = []
            found.append(messages.ModelResponse(_said(turn)))
        else:
            heard.append(_heard(turn))
    return [*found, messages.ModelRequest(heard, instructions=request.instructions)]


def _heard(turn: Turn) -> Any:
    from pydantic_ai import messages

    match turn:
        case UserSaid(content=content):
            return messages.UserPromptPart(content)
        case ToolSaid():
            return messages.ToolReturnPart(_named(turn.name), turn.content, turn.call_id)
        case _:
            raise AssertionError("a model does not hear itself")


def _said(turn: ModelSaid) -> list[Any]:
    from pydantic_ai import messages

    text: list[Any] = [messages.TextPart(turn.text)] if turn.text.strip() else []
    return [*text, *(messages.ToolCallPart(_named(call.name), _written(call), call.id) for call in turn.calls)]


def _named(name: str) -> str:
    """Give the name of a tool that was called; servers refuse a history with a name that no tool could have."""
    return _NO_NAME.sub("_", name)[:64] or "_"


def _written(call: ToolCall) -> str:
    """Give the arguments as JSON; those that were none in an object, since servers refuse a history with others."""
    return json.dumps(call.arguments if not call.malformed else {"malformed": call.malformed}, ensure_ascii=False)


def _parameters(request: ModelRequest) -> ModelRequestParameters:
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.tools import ToolDefinition

    tools = [
        ToolDefinition(name=each.name, description=each.description, parameters_json_schema=each.parameters)
        for each in request.tools
    ]
    return ModelRequestParameters(function_tools=tools, allow_text_output=True)


def _call(part: Any) -> ToolCall:
    if isinstance(part.args, dict):
        return ToolCall(part.tool_call_id, part.tool_name, part.args)
    text = part.args or "{}"
    try:
        arguments = parsed(text)
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        return ToolCall(part.tool_call_id, part.tool_name, arguments)
    return ToolCall(part.tool_call_id, part.tool_name, malformed=text)


def _text_of(event: Any) -> str:
    """Give the piece of text that an event of the stream brings."""
    match event.event_kind:
        case "part_start":
            return event.part.content if event.part.part_kind == "text" else ""
        case "part_delta":
            return event.delta.content_delta if event.delta.part_delta_kind == "text" else ""
        case _:
            return ""


def _arguments_of(event: Any) -> str:
    """Give the piece of a tool's arguments that an event of the stream brings."""
    match event.event_kind:
        case "part_start":
            piece = event.part.args if event.part.part_kind == "tool-call" else ""
        case "part_delta":
            piece = event.delta.args_delta if event.delta.part_delta_kind == "tool_call" else ""
        case _:
            piece = ""
    return piece if isinstance(piece, str) else ""
