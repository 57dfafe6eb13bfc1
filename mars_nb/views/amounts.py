"""How amounts are written: numbers of things, names, times, dollars, and texts that are too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

THOUSAND: Final = 1_000


def counted(n: int, what: str) -> str:
    """Write a number of things.

    Examples
    --------
    >>> counted(1, "step"), counted(2_000, "step")
    ('1 step', '2,000 steps')
    """
    return f"{n:,} {what}" if n == 1 else f"{n:,} {what}s"


def named(names: Sequence[str], n_most: int) -> str:
    """Name some things, and say how many there are besides.

    Examples
    --------
    >>> named(["North", "South", "East"], 2), named(["North"], 2)
    ('North, South and 1 more', 'North')
    """
    more = f" and {len(names) - n_most} more" if len(names) > n_most else ""
    return ", ".join(names[:n_most]) + more


def short_number(n: int) -> str:
    """Write a number in three digits or so.

    Examples
    --------
    >>> short_number(950), short_number(8_123), short_number(2_500_000)
    ('950', '8.1k', '2.5M')
    """
    if n < THOUSAND:
        return str(n)
    return f"{n / THOUSAND:.1f}k" if n < THOUSAND**2 else f"{n / THOUSAND**2:.1f}M"


def clock_text(seconds: float) -> str:
    """Write seconds as minutes and seconds.

    Examples
    --------
    >>> clock_text(6.4), clock_text(72), clock_text(3_700)
    ('0:06', '1:12', '1:01:40')
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def dollars(cost_usd: float | None) -> str:
    """Write US dollars; nothing where the price is not known.

    Examples
    --------
    >>> dollars(0.0123), dollars(None)
    ('$0.012', '')
    """
    return "" if cost_usd is None else f"${cost_usd:.3f}"


def cut(text: str, length: int) -> str:
    """Cut a text that is longer, and say how much is missing.

    Examples
    --------
    >>> cut("It rains.", 20), cut("It rains.", 2)
    ('It rains.', 'It… (7 characters more)')
    """
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length:,} characters more)"
