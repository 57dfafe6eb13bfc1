"""The floor: the least that asyncio itself needs for the same steps, one task a step.

Absolute times of a shared machine drift by a factor of two within minutes. A run divided by its floor, both measured
within the same second, stays where it is.
"""

from __future__ import annotations

import asyncio
from typing import Any


async def answer(request: Any) -> Any:
    """Answer as the cheapest agent does; both the floor and the runs ask this one."""
    return request


async def chain(n_steps: int) -> None:
    """Await so many tasks, one after another."""
    for _ in range(n_steps):
        await asyncio.create_task(answer("task"))


async def fan(n_branches: int) -> None:
    """Await one task, so many at once, and one more."""
    await asyncio.create_task(answer("task"))
    await asyncio.gather(*[asyncio.create_task(answer("task")) for _ in range(n_branches)])
    await asyncio.create_task(answer("task"))
