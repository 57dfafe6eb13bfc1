"""A server that misbehaves: each time the run recovers, or ends in one clear error, and soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import Agent, AgentRegistry, Orchestra
from tests.models.server import Call, Cut, End, Garbage, Hang, Say, Server, Status, serving

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
        [End("cut without a word")],
        [Say("")],
        [Say(" ")],
        [Call("hand_over_to", {"agent": "Nobody", "request": "x"})],
        [Call("hand_over_to", "no json {")],
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
        (Status(401, "bad key"), {}, "ModelRejected", ["401", "OPENAI_API_KEY"], 1),
        (Status(404, "no model"), {}, "ModelRejected", ["404", "gpt-5-mini"], 1),
        (Status(400, "bad request"), {}, "ModelRejected", ["400", "bad request"], 1),
        (Hang(), {"timeout_s": 0.2}, "ModelTimeout", ["0.2 s", "timeout_s"], 1),
        (Cut("never whole"), {}, "ModelGarbled", ["cut"], 3),
        (Garbage(), {}, "ModelGarbled", ["JSON"], 3),
        (End("x"), {}, "ModelGarbled", ["cut"], 3),
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


async def test_a_server_that_is_not_there_is_named() -> None:
    async with serving() as server:
        pass
    result = await told(server)
    assert result.error is not None
    assert "ModelUnavailable" in result.error
    assert server.url in result.error


async def test_a_step_timeout_reaches_the_request() -> None:
    async with serving(lambda _body: Hang()) as server:
        result = await told(server, "timeout(Writer, 0.2)")
        assert result.error is not None
        assert "StepTimeout" in result.error
        await server.gone.wait()


async def test_a_retry_rule_asks_again_but_not_where_that_is_no_use() -> None:
    async with serving(first=[Cut("x")] * 3) as server:
        assert (await told(server, "retry(Writer, 2)")).success
    async with serving(first=[Status(401)] * 3) as server:
        assert not (await told(server, "retry(Writer, 3)")).success
    assert len(server.bodies) == 1
