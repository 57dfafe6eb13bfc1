"""What a response costs, from the price table of genai-prices, which needs no network.

A price that is not in the table is None, never 0: a run of which a part has no price has none either.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Usage(NamedTuple):
    """Tokens of one response, in the form that the table asks for."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    input_audio_tokens: int | None = None
    cache_audio_read_tokens: int | None = None
    output_audio_tokens: int | None = None


def price_usd(provider: str, model: str, usage: Any) -> float | None:
    """Give what a response cost in US dollars, None when the table does not know the model.

    Parameters
    ----------
    provider, model : str
        As in ``"openai:gpt-5"``.
    usage : Usage
        Tokens read and written, and those of them that came from a cache.
    """
    try:
        from genai_prices import calc_price
    except ImportError:
        return None
    try:
        return float(calc_price(usage, model, provider_id=provider).total_price)
    except (LookupError, ValueError):
        return None


def has_price(provider: str, model: str) -> bool:
    """Tell whether the price of a model is known."""
    return price_usd(provider, model, Usage(1_000, 1_000)) is not None
