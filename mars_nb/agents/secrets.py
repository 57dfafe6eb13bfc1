"""Secrets: what must never be written down, and how it is taken out of what is.

A key can come back in the text of an exception, in the answer of a server, in what a tool prints. So whatever a step
writes into the journal goes through a `Redactor`: it knows the values that were sealed in a configuration and those of
the environment whose names say that they are secret, and the forms in which well-known keys are written.

Examples
--------
>>> Redactor(["correct horse"]).text("401: the key 'correct horse' is not valid")
"401: the key '[secret]' is not valid"
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from mars_nb.actions import ACTIONS
from mars_nb.agents.content import is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MASK = "[secret]"
"""What stands where a secret stood."""

SHORTEST = 8
"""Characters below which a value is taken for a word, not for a secret."""

_NAME = re.compile(
    r"api.?key|secret|passw|credential|authorization|private.?key|access.?key|bearer|cookie|headers$"
    r"|(^|[_-])(token|key)$",
    re.IGNORECASE,
)
_WRITTEN = re.compile(
    r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|\bgh[po]_[A-Za-z0-9]{20,}|\bhf_[A-Za-z0-9]{20,}|\bxox[a-z]-[A-Za-z0-9-]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}|\bAKIA[A-Z0-9]{12,}|(?<=Bearer )[A-Za-z0-9._~+/-]{8,}=*"
)
_BEGUN = re.compile(
    r"\b(?:[spr]k?|g(?:h[po]?)?|hf?|xo?x?[a-z]?|A(?:I(?:za?)?|K(?:IA?)?)?|B(?:e(?:a(?:r(?:er?)?)?)?)?)\Z"
    r"|\b(?:[spr]k-|gh[po]_|hf_|xox[a-z]-|AIza|AKIA|Bearer )[A-Za-z0-9._~+/=-]*\Z"
)
"""The end of a text that may go on, where it could become a key."""
_LONGEST_HELD = 500
_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):([^\s/@]+)(?=@)")
"""User and password in a URL."""
_PARAMETER = re.compile(r"([?&][\w-]*(?:key|token|secret|passw\w*|signature)=)([^\s&#'\"]+)", re.IGNORECASE)
"""A secret among the parameters of a URL."""
_SEALED: set[str] = set()


def is_secret_name(name: object) -> bool:
    """Tell whether what stands under this name is a secret."""
    return isinstance(name, str) and _is_secret_name(name)


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    return _NAME.search(name) is not None


def seal(value: str) -> None:
    """Remember a value that was given as a secret, so that it is taken out of everything written from here on."""
    value = value.strip()
    if len(value) >= SHORTEST:
        _SEALED.add(value)


def without_password(url: str) -> str:
    """Give a URL without the password, and without the key, that stands in it.

    Examples
    --------
    >>> without_password("http://bob:hush@127.0.0.1/v1"), without_password("http://127.0.0.1/v1?api_key=hush&n=1")
    ('http://bob:[secret]@127.0.0.1/v1', 'http://127.0.0.1/v1?api_key=[secret]&n=1')
    """
    return _PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}", url))


def seal_password(url: str) -> None:
    """Remember the password, and the key, that stand in a URL."""
    for _, password in (*_PASSWORD.findall(url), *_PARAMETER.findall(url)):
        seal(password)


class Redactor:
    """Takes secrets out of texts and content.

    Parameters
    ----------
    secrets : iterable of str
        The values.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be part of another.
        self._secrets = sorted(
            {each for each in map(str.strip, secrets) if len(each) >= SHORTEST}, key=len, reverse=True
        )

    @classmethod
    def of_process(cls, environment: Mapping[str, str] | None = None) -> Redactor:
        """Give one that knows what was sealed, and what the environment holds under the name of a secret."""
        found = os.environ if environment is None else environment
        named = (value for name, value in found.items() if is_secret_name(name))
        urls = (value for value in found.values() if "://" in value)
        passwords = (each for url in urls for _, each in _PASSWORD.findall(url))
        return cls([*_SEALED, *named, *passwords])

    def text(self, text: str) -> str:
        """Give a text without secrets."""
        return _WRITTEN.sub(MASK, without_password(self._known_out(text)))

    def piece(self, text: str) -> tuple[str, str]:
        """Give what may be shown of a text that may go on, and the end of it that could yet become a secret.

        Examples
        --------
        >>> Redactor(["correct horse"]).piece("the key is corr")
        ('the key is ', 'corr')
        """
        text = self._known_out(text)
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST_HELD))
        end = min([begun.start() if begun else len(text), *(_begin(secret, text) for secret in self._secrets)])
        return self.text(text[:end]), text[end:]

    def content(self, value: Any) -> Any:
        """Give content, or an action, without the secrets that are known; the same object where there are none."""
        return self._without(value) if self._secrets else value

    def _without(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._known_out(value)
        match value:
            case dict():
                return {self._known_out(str(key)): self._without(each) for key, each in value.items()}
            case list() | tuple():
                return type(value)(self._without(each) for each in value)
            case _ if type(value) in ACTIONS:
                fields = {name: self._without(getattr(value, name)) for name in value.__struct_fields__}
                return msgspec.structs.replace(value, **fields)
            case _:
                return self._table(value) if is_table(value) else value

    def _table(self, table: Any) -> Any:
        """Give a table without secrets in its texts; the same object where there are none."""
        if table.ndim == 1:
            return table.map(self._without) if self._is_in(table) else table
        leaky = [i for i in range(table.shape[1]) if self._is_in(table.iloc[:, i])]
        found = table.copy() if leaky else table
        for i in leaky:
            found.isetitem(i, table.iloc[:, i].map(self._without))
        return found

    def _is_in(self, column: Any) -> bool:
        """Tell whether a column of texts holds a secret; looked for in all of them at once, since tables are long."""
        text = "\n".join(map(str, column)) if column.dtype.kind == "O" else ""
        return any(secret in text for secret in self._secrets)

    def _known_out(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        return text


def without_secrets(content: Any) -> Any:
    """Give content that comes from a user, or from a person who was asked, without the secrets of this process."""
    return Redactor.of_process().content(content)


def _begin(secret: str, text: str) -> int:
    """Give where the end of a text begins that is the beginning of a secret."""
    longest = min(len(secret) - 1, len(text))
    return len(text) - next((n for n in range(longest, 0, -1) if text.endswith(secret[:n])), 0)
