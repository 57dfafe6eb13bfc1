"""Where blocking functions run: one pool of threads for the whole process.

A plain function may hold its thread for as long as pandas, a disk or a person needs; on the event loop it would freeze
every other agent and, in a notebook, the kernel. `asyncio.to_thread` has too few threads for a wide fan-out (the number
of cores plus four), so the pool here is this package's own, and made when it is first needed.

A thread cannot be stopped from outside: when a step is cancelled, the function that it called goes on until it returns,
and its result is dropped.
"""

from __future__ import annotations

import asyncio
import contextvars
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

N_THREADS = 128
"""Most blocking calls that run at once in this process; more of them wait for a free thread."""


class _Pool:
    """Owns the threads; they are started one by one, as calls need them."""

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(max_workers=N_THREADS, thread_name_prefix="mars_nb-agent")


_POOL = _Pool()


async def in_thread(call: Callable[..., Any], /, *arguments: Any) -> Any:
    """Run a blocking call in a worker thread and wait for what it returns.

    Context variables are carried over, so that logging and tracing see the same run.

    Parameters
    ----------
    call : callable
        What to run.
    *arguments : object
        What to run it with.

    Returns
    -------
    object
        What the call returned.
    """
    run = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(_POOL.threads, run, _without_stop, call, *arguments)


def _without_stop(call: Callable[..., Any], *arguments: Any) -> Any:
    # A future refuses StopIteration, and whoever awaits it would wait for ever.
    try:
        return call(*arguments)
    except StopIteration as stop:
        raise RuntimeError("StopIteration instead of a reply: next() on an empty iterator? give it a default") from stop
