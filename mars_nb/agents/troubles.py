"""What went wrong with a server, told as one of our errors: on one line, without a key, without the server's pages.

Each provider's package has errors of its own, and pydantic-ai puts others around them. What they have in common is read
from the chain of their causes: a status, the names of their classes, and whether the answer had already begun.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from mars_nb.agents.secrets import Redactor, without_password
from mars_nb.errors import (
    ModelBusy,
    ModelError,
    ModelGarbled,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    describe,
)

_BUSY = frozenset({408, 409, 425, 429})
_REDIRECTIONS = range(300, 400)
_SERVER_ERROR = 500
_LONGEST_DETAIL = 300
_TIMEOUTS = frozenset({"APITimeoutError", "ReadTimeout", "ConnectTimeout", "ModelTimeoutError"})
_UNCONNECTED = frozenset({"APIConnectionError", "ConnectError", "ConnectionRefusedError", "gaierror"})


class Asked(NamedTuple):
    """What was asked.

    Parameters
    ----------
    name : str
        The model, as it is shown.
    model : str
        Its name at the server.
    base_url : str
        Where the server is; empty where its package knows it.
    key : str
        What holds the key; empty where none is needed.
    timeout_s : float
        Seconds that an answer may take.
    """

    name: str
    model: str
    base_url: str
    key: str
    timeout_s: float


def trouble(error: Exception, asked: Asked, *, has_begun: bool) -> ModelError:
    """Give what went wrong as one of our errors.

    Parameters
    ----------
    error : Exception
        Of the client, or of a package below it.
    asked : Asked
        What was asked.
    has_begun : bool
        Whether the server had begun to answer; what is lost before that was repeated by the provider's package.
    """
    links = _chain(error)
    detail = Redactor.of_process().text(_detail(links))[:_LONGEST_DETAIL]
    kinds = {each.__name__ for link in links for each in type(link).__mro__}
    if kinds & _TIMEOUTS:
        return ModelTimeout(f"{asked.name} did not answer within {asked.timeout_s:g} s: {detail}")
    if _first(links, "in_stream", bool):
        return ModelGarbled(f"the answer of {asked.name} broke off, also when asked again: {detail}")
    if _first(links, "status_code", int):
        return _refusal(links, asked, detail)
    if kinds & _UNCONNECTED and not has_begun:
        where = f" at {without_password(asked.base_url)}" if asked.base_url else ""
        return ModelUnavailable(f"{asked.name} cannot be reached{where}: {detail}")
    return ModelGarbled(f"the answer of {asked.name} was cut or is no valid JSON, also when asked again: {detail}")


def _refusal(links: list[BaseException], asked: Asked, detail: str) -> ModelError:
    """Give the error of an answer that is but a status."""
    status = _first(links, "status_code", int)
    if status in _BUSY or status >= _SERVER_ERROR:
        return ModelBusy(f"{asked.name} has no time or failed ({status}): {detail}{_wait(links)}")
    if status in _REDIRECTIONS:
        return ModelRejected(_redirected(status, links, asked))
    return ModelRejected(f"{asked.name} refused the request ({status}): {detail}{_hint(status, asked)}")


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in found:
        found.append(link)
        link = link.__cause__ or link.__context__
    return found


def _first(links: list[BaseException], name: str, *kinds: type) -> Any:
    """Give the first attribute of that name that is of one of these kinds and says something."""
    found = (getattr(link, name, None) for link in links)
    return next((each for each in found if each and isinstance(each, kinds)), None)


def _detail(links: list[BaseException]) -> str:
    """Give what a server said, where it said so in the usual form; else the text of the first cause."""
    if not _first(links, "status_code", int):
        return _first_cause(links)
    match getattr(links[0], "body", None):
        case {"message": str(message)} | {"error": {"message": str(message)}} | {"error": str(message)}:
            return " ".join(message.split())
        case str(text) if not text.lstrip().startswith("<"):
            return " ".join(text.split()) or "it did not say why"
        case str():
            return "it sent a page"
        case body:
            return json.dumps(body, default=str) if body else "it did not say why"


def _first_cause(links: list[BaseException]) -> str:
    """Give the text of the innermost error that has one; those around it only say that there was one."""
    return next((text for link in reversed(links) if (text := describe(link))), type(links[-1]).__name__)


def _wait(links: list[BaseException]) -> str:
    wait_s = _first(links, "retry_after", float, int)
    return f"; it asks to wait {wait_s:g} s" if wait_s else ""


def _redirected(status: int, links: list[BaseException], asked: Asked) -> str:
    headers = getattr(_first(links, "response", object), "headers", None) or {}
    where = Redactor.of_process().text(headers.get("location", ""))
    place = f"{where!r:.300}" if where else "another place"
    return f"{asked.name} points to {place} ({status}), and nothing is sent there unasked; is its base_url right?"


def _hint(status: int, asked: Asked) -> str:
    match status:
        case 401 | 403 if asked.key:
            return f"; is {asked.key} right?"
        case 404:
            return f"; is {asked.model!r} the name of a model there?"
        case _:
            return ""
