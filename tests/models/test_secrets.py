"""Canaries: secrets of the environment, of headers and of exceptions are in no journal, output or traceback."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from mars_nb import (
    Agent,
    AgentRegistry,
    AskUser,
    FileStorageBackend,
    Invoke,
    ModelUnavailable,
    Orchestra,
    ScriptedModel,
    StateManager,
    StepContext,
)
from mars_nb.agents.models import ModelConfig
from mars_nb.agents.secrets import Redactor
from mars_nb.testing.model import call
from tests.models.server import Call, Say, Status, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.models.server import Answer

IN_ENVIRONMENT = "canary-env-7f3a9b1c"
IN_CONFIG = "sk-canary-config-2b4d6f8a0c1e"
IN_HEADER = "canary-header-99aa88bb"
PASSWORD = "canary-password-5e5e5e"  # noqa: S105 (a canary)
CANARIES = (IN_ENVIRONMENT, IN_CONFIG, IN_HEADER, PASSWORD)


def everything_in(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


def talkative(body: dict[str, Any]) -> Answer:
    """Repeat every secret that a server could have seen, as a text and as an argument."""
    if sum(message["role"] == "assistant" for message in body["messages"]):
        return Say(f"the key is {IN_CONFIG} and {IN_ENVIRONMENT} and {PASSWORD}")
    return Call("reveal", {"what": f"{IN_ENVIRONMENT} {IN_CONFIG}"})


def reveal(what: str) -> str:
    """Raise with everything that is secret."""
    raise PermissionError(f"Authorization: Bearer {IN_CONFIG}; {PASSWORD}; {what}")


@pytest.mark.parametrize("refuses", [False, True])
async def test_no_canary_is_written_or_shown(
    *,
    refuses: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("OTHER_API_KEY", IN_ENVIRONMENT)
    monkeypatch.setenv("DATABASE_PASSWORD", PASSWORD)
    refusal = Status(401, f"the key {IN_CONFIG} is wrong, {PASSWORD}", (("Set-Cookie", IN_HEADER),))
    registry = AgentRegistry()
    async with serving(lambda body: refusal if refuses else talkative(body)) as server:
        config: dict[str, Any] = {"name": "openai:gpt-5-mini", "base_url": server.url, "api_key": IN_CONFIG}
        config |= {"headers": {"X-Canary": IN_HEADER, "X-Api-Key": IN_HEADER}}
        Agent(config, "Writer", instructions=f"Use {PASSWORD}.", tools=[reveal], registry=registry)
        orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
        result = await orchestra.execute("write", "User -> Writer -> User", {"session_id": "s"})
    assert server.headers[0]["x-canary"] == IN_HEADER
    assert server.headers[0]["authorization"] == f"Bearer {IN_CONFIG}"
    shown = [repr(result), str(result.error), repr(registry.get("Writer")), repr(registry.get("Writer").model_config)]
    shown += [frame.to_string() for frame in (result.timeline(), result.events(), result.messages(), result.branches())]
    said = capfd.readouterr()
    for canary in CANARIES:
        assert canary not in everything_in(tmp_path)
        assert canary not in "\n".join(shown)
        assert canary not in said.out + said.err
        assert canary not in "\n".join(record.getMessage() for record in caplog.records if "mars_nb" in record.name)
    assert result.success is not refuses


async def test_a_function_that_returns_a_secret_keeps_it_from_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_API_KEY", IN_ENVIRONMENT)
    registry = AgentRegistry()
    Agent(name="Leaky", answer=lambda _request: {"found": [IN_ENVIRONMENT]}, registry=registry)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    result = await orchestra.execute("write", "User -> Leaky -> User")
    assert result.final_response == {"found": ["[secret]"]}
    assert IN_ENVIRONMENT not in everything_in(tmp_path)


async def test_a_secret_that_is_streamed_in_pieces_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", IN_ENVIRONMENT)
    said = f"Sorry: {IN_ENVIRONMENT}, {IN_CONFIG} and Bearer {IN_HEADER} are secret; ask Bea"
    heard: list[str] = []
    registry = AgentRegistry()

    async def leaky(_request: str) -> AsyncIterator[str]:
        for letter in said:
            yield letter

    Agent(name="Leaky", answer=leaky, registry=registry)
    orchestra = Orchestra(registry)
    orchestra.event_bus.subscribe("StepStreamed", lambda event: heard.append(event.text))
    await orchestra.execute("write", "User -> Leaky -> User")
    # The last word may yet become "Bearer ...", so it waits for the reply itself.
    assert "".join(heard) == "Sorry: [secret], [secret] and Bearer [secret] are secret; ask "


async def test_a_password_in_an_address_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE", f"postgres://bob:{IN_ENVIRONMENT}@host/db")
    registry = AgentRegistry()
    config = {"name": "mine", "base_url": f"http://bob:{PASSWORD}@127.0.0.1:9/v1"}
    Agent(config, "Writer", instructions=f"{PASSWORD} and {IN_ENVIRONMENT}", registry=registry)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    result = await orchestra.execute("write", "User -> Writer -> User")
    assert "cannot be reached at http://bob:[secret]@127.0.0.1:9/v1" in str(result.error)
    shown = f"{result.error} {registry.get('Writer').model_config} {everything_in(tmp_path)}"
    assert PASSWORD not in shown
    assert IN_ENVIRONMENT not in shown


async def test_what_a_user_or_a_person_says_is_kept_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_API_KEY", IN_ENVIRONMENT)
    registry = AgentRegistry()

    def ask(request: str, context: StepContext) -> object:
        return AskUser(f"who is {context['who']}?") if request.startswith("about") else Invoke(IN_ENVIRONMENT, "x")

    lines = [call(IN_ENVIRONMENT), call("answer", content={IN_ENVIRONMENT: [IN_ENVIRONMENT]})]
    Agent(name="Asker", answer=ask, corrections=1, registry=registry)
    Agent(ScriptedModel(lines), "Writer", registry=registry)
    orchestra = Orchestra(
        registry, state_manager=StateManager(FileStorageBackend(tmp_path)), user=[f"it is {IN_ENVIRONMENT}"] * 2
    )
    given = {"who": IN_ENVIRONMENT}
    made = await orchestra.create_session(f"about {IN_ENVIRONMENT}", given, session_id="s")
    assert IN_ENVIRONMENT not in everything_in(tmp_path)
    assert not (await made.run("User <-> Asker\nAsker -> User")).success
    result = await orchestra.execute("write", "User -> Writer -> User", given)
    assert result.final_response == {"[secret]": ["[secret]"]}
    assert "it is [secret]" in everything_in(tmp_path)
    assert IN_ENVIRONMENT not in everything_in(tmp_path)


async def test_a_secret_is_taken_out_of_an_error_before_the_error_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_API_KEY", IN_ENVIRONMENT)
    registry = AgentRegistry()

    def fail(_request: str) -> None:
        raise ValueError("x" * 1_990 + IN_ENVIRONMENT)

    Agent(name="Leaky", answer=fail, registry=registry)
    result = await Orchestra.run("write", "User -> Leaky -> User", registry)
    assert IN_ENVIRONMENT[:6] not in str(result.error)


async def test_two_agents_with_different_keys_in_their_headers_send_each_their_own() -> None:
    registry = AgentRegistry()
    async with serving() as server:
        for name, secret in (("One", IN_HEADER), ("Two", PASSWORD)):
            given = {"name": "mine", "base_url": server.url, "headers": {"X-Api-Key": secret}}
            Agent(given, name, registry=registry)
        await Orchestra.run("write", "User -> One -> Two -> User", registry)
    assert [each["x-api-key"] for each in server.headers] == [IN_HEADER, PASSWORD]


def test_a_table_is_kept_without_secrets_and_as_it_is_where_there_are_none() -> None:
    redactor = Redactor([IN_ENVIRONMENT])
    table = pd.DataFrame([[1, f"a {IN_ENVIRONMENT}", "c"], [2, "b", IN_ENVIRONMENT]], columns=["n", "x", "x"])
    clean = redactor.content({"of": [table]})["of"][0]
    assert clean.to_numpy().tolist() == [[1, "a [secret]", "c"], [2, "b", "[secret]"]]
    assert list(clean["n"]) == [1, 2]
    assert table.iloc[1, 2] == IN_ENVIRONMENT
    assert list(redactor.content(table.iloc[:, 1])) == ["a [secret]", "b"]
    assert redactor.content(clean) is clean


def test_a_missing_key_is_one_line_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    registry = AgentRegistry()
    begun: list[object] = []
    Agent("openai:gpt-5-mini", "Writer", registry=registry)
    Agent(name="First", answer=begun.append, registry=registry)
    with pytest.raises(ModelUnavailable, match=r"needs a key, and OPENAI_API_KEY is not set") as caught:
        Orchestra.run_sync("write", "User -> First -> Writer -> User", registry)
    assert not begun
    assert "\n" not in str(caught.value)


def test_a_traceback_shows_no_key() -> None:
    with pytest.raises(Exception, match="does not fit") as caught:
        ModelConfig.of({"name": "openai:x", "api_key": IN_CONFIG, "temperature": -1})
    assert IN_CONFIG not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("text", [f"Bearer {IN_CONFIG}", "ghp_" + "a" * 36, "AKIA" + "B" * 16, "hf_" + "c" * 34])
def test_keys_are_known_by_their_form(text: str) -> None:
    assert "[secret]" in Redactor([]).text(f"and then {text} was refused")
