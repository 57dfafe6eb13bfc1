"""Model configurations: what is kept, and what is never shown."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

from mars_nb import AgentError
from mars_nb.agents.models import ModelConfig

SECRET = "the-secret-itself"  # noqa: S105


def read(given: Any) -> ModelConfig:
    config = ModelConfig.of(given)
    assert config is not None
    return config


def test_a_name_alone_is_a_configuration() -> None:
    assert read("openai:gpt-5").name == "openai:gpt-5"
    assert ModelConfig.of(None) is None
    config = read({"name": "offline"})
    assert ModelConfig.of(config) is config


def test_loose_dicts_are_read_and_unknown_keys_kept() -> None:
    config = read({"model": "gpt-5", "timeout": 30, "max_tokens": 100, "type": "api", "n_retries": 3})
    assert (config.name, config.timeout_s, config.max_tokens) == ("gpt-5", 30, 100)
    assert config.public() == {"name": "gpt-5", "timeout_s": 30.0, "max_tokens": 100, "type": "api", "n_retries": 3}


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": SECRET},
        {"apiKey": SECRET},
        {"OPENAI_API_KEY": SECRET},
        {"access_token": SECRET},
        {"password": SECRET},
        {"headers": {"Authorization": SECRET}},
        {"servers": [{"secret": SECRET}]},
        {"api_keys": [SECRET, SECRET]},
        {"extra": f"sk-{SECRET}"},
    ],
)
def test_secrets_are_neither_shown_nor_written(given: dict[str, Any]) -> None:
    config = read({"name": "gpt-5", **given})
    for shown in (repr(config), str(config), f"{config.model_dump()}", config.model_dump_json(), f"{config.public()}"):
        assert SECRET not in shown


def test_a_secret_can_still_be_read_by_who_needs_it() -> None:
    key = read({"api_key": SECRET}).api_key
    assert key is not None
    assert key.get_secret_value() == SECRET


def test_the_digest_ignores_secrets_and_notices_the_rest() -> None:
    digest = read({"name": "a", "api_key": "one"}).digest
    assert read({"name": "a", "api_key": "two"}).digest == digest
    assert read({"name": "b", "api_key": "one"}).digest != digest


def test_a_wrong_value_is_named_in_one_line_without_secrets() -> None:
    with pytest.raises(AgentError, match="'temperature' does not fit") as caught:
        read({"temperature": "warm", "api_key": SECRET})
    assert "\n" not in str(caught.value)
    assert SECRET not in str(caught.value)
    with pytest.raises(AgentError, match="model_config is a int"):
        read(7)
    with pytest.raises(pydantic.ValidationError):
        ModelConfig.model_validate(7)
