"""Where a model is found: who serves it, and what it is called there."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """Where a model is found.

    Parameters
    ----------
    provider : str
        Such as ``"openai"``; empty for a server that is known by its ``base_url`` alone.
    model : str
        Its name there.
    """

    provider: str
    model: str
