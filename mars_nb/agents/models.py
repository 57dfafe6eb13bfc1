"""Which model an agent speaks with: data only, as the user wrote it.

Configurations come from many tools, so unknown keys are kept. Whatever looks like a secret is sealed as soon as it is
read, wherever it stands, and is neither shown nor written down: a run records the digest of a configuration only.

Examples
--------
>>> config = ModelConfig.of({"name": "openai:gpt-5", "temperature": 0.2, "headers": {"Authorization": "Bearer abc"}})
>>> config.name, config.temperature, config.public()["headers"]
('openai:gpt-5', 0.2, {})
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from mars_nb.agents.secrets import is_secret_name, seal, seal_password, without_password
from mars_nb.errors import AgentError

_SECRET_TEXT = re.compile(r"^(sk-|pk-|rk-|ghp_|gho_|hf_|xox[a-z]-|AIza|AKIA|eyJ|Bearer )")
_ALIASES = {"model": "name", "timeout": "timeout_s"}


class ModelConfig(BaseModel):
    """Which model, where, and how it is to answer; unknown keys are kept as they are.

    Parameters
    ----------
    name : str or None
        Such as ``"openai:gpt-5"`` or ``"offline"``; ``model`` is accepted too.
    provider : str or None
        Who serves it, if the name does not say.
    temperature : float or None
        Sampling temperature, from 0.
    max_tokens : int or None
        Most tokens of one response.
    timeout_s : float or None
        Seconds until a request is given up; ``timeout`` is accepted too.
    base_url : str or None
        Address of a compatible server.
    api_key : SecretStr or None
        Better left to the environment.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    name: str | None = None
    provider: str | None = None
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, gt=0)
    timeout_s: float | None = Field(default=None, gt=0)
    base_url: str | None = None
    api_key: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _tidy(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        renamed = {_ALIASES.get(key, key) if _ALIASES.get(key) not in given else key: given[key] for key in given}
        return _sealed(renamed, secret=False)

    @classmethod
    def of(cls, given: ModelConfig | Mapping[str, Any] | str | None) -> ModelConfig | None:
        """Read what the user gave as ``model_config``: a mapping, the name of a model, or nothing.

        Raises
        ------
        AgentError
            If it is neither, or a value is not of the right kind.
        """
        match given:
            case None | ModelConfig():
                return given
            case str():
                return cls(name=given)
            case Mapping():
                return cls._validated(given)
            case _:
                raise AgentError(f"model_config is a {type(given).__name__}; expected a mapping or the name of a model")

    @classmethod
    def _validated(cls, given: Mapping[str, Any]) -> ModelConfig:
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(each) for each in first["loc"]) or "model_config"
            raise AgentError(f"model_config: {place!r} does not fit: {first['msg']}") from None

    def public(self) -> dict[str, Any]:
        """Give what may be shown: everything that was set, without secrets."""
        shown: dict[str, Any] = _without_secrets(self.model_dump(exclude_unset=True))
        return shown

    @property
    def digest(self) -> str:
        """Short hash of the configuration without its secrets: a renewed key is no changed agent."""
        text = json.dumps(self.public(), sort_keys=True, default=repr)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        return f"ModelConfig({', '.join(f'{key}={value!r}' for key, value in self.public().items())})"

    __str__ = __repr__


def _sealed(value: Any, *, secret: bool) -> Any:
    """Wrap each text that stands under a secret's name, or looks like a secret itself."""
    match value:
        case str() if value and (secret or _SECRET_TEXT.match(value)):
            seal(value)
            return SecretStr(value)
        case str():
            seal_password(value)
            return value
        case SecretStr():
            seal(value.get_secret_value())
            return value
        case Mapping():
            return {key: _sealed(each, secret=secret or is_secret_name(key)) for key, each in value.items()}
        case list() | tuple():
            return [_sealed(each, secret=secret) for each in value]
        case _:
            return value


def unsealed(value: Any) -> Any:
    """Give what a user set, with the secrets, to be sent and never to be shown."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Mapping():
            return {key: unsealed(each) for key, each in value.items()}
        case list() | tuple():
            return [unsealed(each) for each in value]
        case _:
            return value


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return without_password(value)
        case Mapping():
            return {key: _without_secrets(each) for key, each in value.items() if not isinstance(each, SecretStr)}
        case list() | tuple():
            return [_without_secrets(each) for each in value if not isinstance(each, SecretStr)]
        case _:
            return value
