"""What models took: tokens and money of steps, summed.

A price that is not known makes the whole unknown: a sum that left it out would look like a price.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.engine.trace import StepTrace


def usage(steps: Iterable[StepTrace]) -> dict[str, int]:
    """Give ``n_input_tokens``, ``n_output_tokens`` and ``n_responses`` of steps, failed attempts included."""
    found = {"n_input_tokens": 0, "n_output_tokens": 0, "n_responses": 0}
    for step in steps:
        for name in found:
            found[name] += getattr(step, name)
    return found


def cost_usd(steps: Iterable[StepTrace]) -> float | None:
    """Give what steps cost in US dollars, None when the price of any of them is not known."""
    total = 0.0
    for step in steps:
        if step.cost_usd is None:
            return None
        total += step.cost_usd
    return total
