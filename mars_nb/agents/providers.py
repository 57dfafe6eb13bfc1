"""Which model speaks, and who serves it.

A model has a name of two parts, ``provider:model``. The first of these that is given decides: the call, the agent, the
choice of the process (``%mars model`` in a notebook), the environment variable ``MARS_MODEL``; else ``offline`` speaks,
which needs neither a key nor the network. Whatever is missing (a package, a key) is found before anything runs, and
told in one line.

Examples
--------
>>> chosen(None, None, environment={}).name, chosen(None, None, environment={"MARS_MODEL": "ollama:qwen3"}).name
('offline', 'ollama:qwen3')
>>> chosen("offline", ModelConfig(name="openai:gpt-5", temperature=0.2)).name
'offline'
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from mars_nb.agents.address import Address
from mars_nb.agents.dialogue import Model
from mars_nb.agents.models import ModelConfig, unsealed
from mars_nb.agents.secrets import without_password
from mars_nb.errors import ModelUnavailable, did_you_mean
from mars_nb.topology.names import quoted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OFFLINE = "offline"
"""The model that is always there."""

VARIABLE = "MARS_MODEL"
"""Environment variable that names the model of a process."""


class Provider(NamedTuple):
    """Who serves models.

    Parameters
    ----------
    package : str
        What has to be importable beside pydantic-ai.
    extra : str
        The extra of this package that brings it.
    keys : tuple of str
        Environment variables that may hold the key; none when it needs no key.
    base_url : str
        Where it is, if not where its package says.
    """

    package: str
    extra: str
    keys: tuple[str, ...]
    base_url: str = ""


PROVIDERS = {
    "openai": Provider("openai", "openai", ("OPENAI_API_KEY",)),
    "anthropic": Provider("anthropic", "anthropic", ("ANTHROPIC_API_KEY",)),
    "google": Provider("google.genai", "google", ("GOOGLE_API_KEY", "GEMINI_API_KEY")),
    "ollama": Provider("openai", "openai", (), "http://localhost:11434/v1"),
}
"""Who can be asked over the network."""

_ADDRESS = re.compile(r"https?://([^\s/@]*@)?([\w.-]+|\[[\da-fA-F:.]+\])(:\d{1,5})?(/\S*)?")
LOCAL = "local"
"""The provider of models that run in a process of their own on this machine."""

Speaker = ModelConfig | Model
"""Who speaks for an agent: a model by its configuration, or an object that is one."""

Given = Speaker | Mapping[str, Any] | str | None
"""What a user gives as a model."""

_process_choice: Speaker | None = None


def speaker(given: Given) -> Speaker | None:
    """Read what a user gave as a model.

    Raises
    ------
    AgentError
        If it is none.
    """
    if isinstance(given, ModelConfig):
        return given
    return given if isinstance(given, Model) else ModelConfig.of(given)


def choose(given: Given) -> None:
    """Choose the model of this process, for agents that name none; None takes the choice back.

    Raises
    ------
    AgentError, ModelUnavailable
        When the model cannot be used; nothing changes then.
    """
    global _process_choice  # noqa: PLW0603 (one choice a process is what it is)
    found = speaker(given)
    if found is not None:
        check(found)
    _process_choice = found


def process_choice(environment: Mapping[str, str] | None = None) -> Speaker:
    """Give the model that speaks for agents that name none."""
    named = (os.environ if environment is None else environment).get(VARIABLE, "").strip()
    return _process_choice or ModelConfig(name=named or OFFLINE)


def chosen(call: Given, own: Speaker | None, *, environment: Mapping[str, str] | None = None) -> Speaker:
    """Give the model that speaks for an agent.

    Parameters
    ----------
    call : ModelConfig, Model, mapping or str, optional
        What the call names.
    own : ModelConfig or Model, optional
        What the agent names.
    environment : mapping of str to str, optional
        Instead of that of the process.
    """
    found = speaker(call)
    if found is None and own is not None and (own.name or _given_of_place(own)):
        return own
    if found is None:
        found = process_choice(environment)
    if isinstance(own, ModelConfig) and isinstance(found, ModelConfig):
        return found.model_copy(update=_manners(own))
    return found


def _given_of_place(config: Speaker) -> list[str]:
    """Give what a configuration says of where a model is, and with which key."""
    return [name for name in ("provider", "base_url", "api_key") if getattr(config, name, None) is not None]


def _manners(own: ModelConfig) -> dict[str, Any]:
    """Give how an agent wants to be answered, whoever answers."""
    return {
        name: value for name in ("temperature", "max_tokens", "timeout_s") if (value := getattr(own, name)) is not None
    }


def address(config: ModelConfig) -> Address:
    """Read the name of a model.

    Raises
    ------
    ModelUnavailable
        When nobody serves it.
    """
    name = config.name or OFFLINE
    if name == OFFLINE:
        return Address(OFFLINE, OFFLINE)
    first, colon, rest = name.partition(":")
    if config.provider in PROVIDERS:
        return Address(config.provider, rest if first == config.provider else name)
    if colon and rest and (first in PROVIDERS or first == LOCAL):
        return Address(first, rest)
    if config.base_url:
        return Address("", name)
    raise _unknown(config.provider or first, f"{config.provider}:{name}" if config.provider else name)


def _unknown(provider: str, name: str) -> ModelUnavailable:
    expected = f"{', '.join(f'{each}:' for each in (*PROVIDERS, LOCAL))} and a model's name, or any name with base_url="
    if provider in (*PROVIDERS, LOCAL):
        return ModelUnavailable(
            f"the model {quoted(name)} has no name after its provider; expected {OFFLINE}, {expected}"
        )
    close = did_you_mean(provider, [*PROVIDERS, LOCAL, OFFLINE])
    source = f" ({VARIABLE} names it)" if os.environ.get(VARIABLE, "").strip() == name else ""
    what = f"nobody is known who serves the model {quoted(name)}{source}{close}"
    return ModelUnavailable(f"{what}; expected {OFFLINE}, {expected}")


def check(config: Speaker) -> None:
    """Refuse a model that could not answer, before anything runs.

    Raises
    ------
    ModelUnavailable
        When its provider is unknown, a package is not installed or a key is missing; in one line with the way out.
    """
    if not isinstance(config, ModelConfig):
        return
    if not config.name and (given := _given_of_place(config)):
        raise ModelUnavailable(
            f"model_config gives {' and '.join(given)} and no model; add its name: {{'name': '...'}}"
        )
    found = address(config)
    _check_sent(config)
    if found.provider == OFFLINE:
        return
    if found.provider == LOCAL:
        from mars_nb.agents.local import check_installed

        check_installed(found.model)
        return
    provider = PROVIDERS[found.provider or "openai"]
    missing = [name for name in ("pydantic_ai", provider.package) if not _is_installed(name)]
    if missing:
        raise ModelUnavailable(
            f"the model {config.name!r} needs packages that are not installed; install them: "
            f"pip install 'mars_nb[{provider.extra}]'"
        )
    if provider.keys and not config.base_url and key(config) is None:
        raise ModelUnavailable(
            f"the model {config.name!r} needs a key, and {' or '.join(provider.keys)} is not set; set it in the "
            "environment, or take the model 'offline', which needs none"
        )


def _check_sent(config: ModelConfig) -> None:
    """Refuse an address that is none, and a key that no request could carry; the key is not shown."""
    if config.base_url is not None and not _ADDRESS.fullmatch(config.base_url):
        where = without_password(config.base_url)
        raise ModelUnavailable(
            f"base_url={where!r:.100} is no address; expected one such as 'http://127.0.0.1:8000/v1'"
        )
    found = key(config) or ""
    if not (found.isascii() and found.isprintable()):
        raise ModelUnavailable(f"the key for the model {config.name!r} holds characters that no key has; copy it again")


def key(config: ModelConfig) -> str | None:
    """Give the key for a model, from its configuration or the environment; None when there is none."""
    provider = PROVIDERS.get(address(config).provider)
    names = provider.keys if provider else ()
    given = config.api_key.get_secret_value() if config.api_key else ""
    found = (each.strip() for each in (given, *(os.environ.get(name, "") for name in names)))
    return next(filter(None, found), None)


def label(config: Speaker) -> str:
    """Give the name of a model as it is shown."""
    return config.name or OFFLINE


def place(config: Speaker) -> str:
    """Give where a model is asked if not where its provider is, without a password; empty where nothing is said."""
    return without_password(getattr(config, "base_url", None) or "")


def has_price(config: Speaker) -> bool:
    """Tell whether it is known what a model costs; an object that is a model knows itself."""
    if not isinstance(config, ModelConfig):
        return True
    found = address(config)
    if found.provider == OFFLINE:
        return True
    from mars_nb.agents.prices import has_price as is_in_table

    return bool(found.provider) and is_in_table(found.provider, found.model)


class Models:
    """The models of one run; each is opened when it is first asked, and all are closed at the end."""

    def __init__(self) -> None:
        self._open: dict[str, Model] = {}

    def get(self, config: Speaker) -> Model:
        """Give the model of a configuration, always the same for the same one."""
        if not isinstance(config, ModelConfig):
            return config
        # With the secrets: who has another key, in whatever place, is somebody else to the server.
        found = json.dumps(unsealed(config.model_dump()), sort_keys=True, default=repr)
        if found not in self._open:
            self._open[found] = open_model(config)
        return self._open[found]

    async def close(self) -> None:
        """Close what is open."""
        while self._open:
            _, model = self._open.popitem()
            close = getattr(model, "close", None)
            if close is not None:
                await close()


@asynccontextmanager
async def opened(own: Speaker | None) -> AsyncIterator[Model]:
    """Give the model of a configuration for a while."""
    models = Models()
    config = chosen(None, own)
    check(config)
    try:
        yield models.get(config)
    finally:
        await models.close()


def open_model(config: ModelConfig) -> Model:
    """Make the model of a configuration."""
    found = address(config)
    if found.provider == OFFLINE:
        from mars_nb.agents.offline.model import OfflineModel

        return OfflineModel()
    if found.provider == LOCAL:
        from mars_nb.agents.local import LocalModel

        return LocalModel(config, found.model)
    from mars_nb.agents.client import ClientModel

    return ClientModel(config, found)


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package around it is not there
        return False
