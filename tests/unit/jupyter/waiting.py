"""Waiting for what another thread, or another task, does."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


async def until(is_true: Callable[[], object]) -> None:
    """Let the others go on until something is true; the test's own timeout ends it otherwise."""
    while not is_true():  # noqa: ASYNC110 (there is no event to wait for)
        await asyncio.sleep(0)


def wait_until(is_true: Callable[[], object]) -> None:
    """Wait in a thread that has no loop; see `until`."""
    while not is_true():
        time.sleep(0.001)
