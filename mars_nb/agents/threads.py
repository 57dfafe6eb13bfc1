"""Where blocking functions run: one pool of threads for the whole process.

A plain function may hold its thread for as long as pandas, a disk or a person needs; on the event loop it would freeze
every other agent and, in a notebook, the kernel. `asyncio.to_thread` has too few threads for a wide fan-out (the number
of cores plus four), so the pool here is this package's own, and made when it is first needed.

A thread cannot be stopped from outside: when a step is cancelled, the function that it called goes on until it returns,
and its result is dropped. A program that is over does not wait for it: the threads are daemons, which those of
`concurrent.futures` are not.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

N_THREADS = 128
"""Most blocking calls that run at once in this process; more of them wait for a free thread."""


class _Call(NamedTuple):
    future: Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class _Pool:
    """Owns the threads; they are started one by one, as calls need them."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin without any threads, as in a process that was forked: it has none of its parent's."""
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._growing = threading.Lock()
        self._n_threads = 0

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Have a function called in a thread."""
        from concurrent.futures import Future

        future: Future[Any] = Future()
        self._calls.put(_Call(future, function, arguments))
        if not self._idle.acquire(blocking=False):
            self._grow()
        return future

    def _grow(self) -> None:
        with self._growing:
            if self._n_threads < N_THREADS:
                threading.Thread(target=self._work, name=f"mars_nb-agent_{self._n_threads}", daemon=True).start()
                self._n_threads += 1

    def _work(self) -> None:
        while True:
            _make(self._next())

    def _next(self) -> _Call:
        try:
            return self._calls.get_nowait()
        except Empty:
            self._idle.release()
            return self._calls.get()


def _make(call: _Call) -> None:
    """Make a call, unless whoever asked for it has gone."""
    if not call.future.set_running_or_notify_cancel():
        return
    try:
        result = call.function(*call.arguments)
    except BaseException as error:  # noqa: BLE001 (whoever awaits it hears of it)
        call.future.set_exception(error)
    else:
        call.future.set_result(result)


_POOL = _Pool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_POOL.begin)


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
    return await asyncio.wrap_future(_POOL.submit(run, _without_stop, call, *arguments))


def _without_stop(call: Callable[..., Any], *arguments: Any) -> Any:
    # A future refuses StopIteration, and whoever awaits it would wait for ever.
    try:
        return call(*arguments)
    except StopIteration as stop:
        raise RuntimeError("StopIteration instead of a reply: next() on an empty iterator? give it a default") from stop
