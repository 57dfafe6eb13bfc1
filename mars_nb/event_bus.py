"""The event bus: whoever wants to know what happens subscribes.

Listeners hear every event right after it was written to the journal, in order. They watch; they have no say. One that
raises is reported once to the log and kept in `EventBus.failures`, and the run goes on as if it had not been there.

Examples
--------
>>> bus = EventBus()
>>> seen = []
>>> stop = bus.subscribe("BranchMoved", seen.append)
>>> from mars_nb.events import BranchMoved
>>> bus.publish(BranchMoved("b0", "Writer"))
>>> seen
[BranchMoved(branch='b0', agent='Writer')]
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from typing import TYPE_CHECKING, Any

from mars_nb.errors import MarsError, did_you_mean
from mars_nb.events import EVENT_TYPES, AboutBranch, AboutRun, AboutStep, StepStreamed

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger(__name__)

EVERYTHING = "*"
_FAMILIES = {"RunEvent": AboutRun, "BranchEvent": AboutBranch, "StepEvent": AboutStep}
_KNOWN: dict[str, type] = {**EVENT_TYPES, **_FAMILIES, StepStreamed.__name__: StepStreamed}


class EventBus:
    """Tells listeners what happens.

    Attributes
    ----------
    failures : list of (str, BaseException)
        Listeners that raised, and what.
    """

    def __init__(self) -> None:
        self.failures: list[tuple[str, BaseException]] = []
        self._listeners: list[tuple[type, Callable[[Any], object]]] = []
        self._by_type: dict[type, tuple[Callable[[Any], object], ...]] = {}
        self._waiting: set[asyncio.Future[Any]] = set()

    def subscribe(self, event_type: str | type, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Call a listener with every event of a type.

        Parameters
        ----------
        event_type : str or type
            An event class, its name (``"StepCompleted"``), a family (``"StepEvent"``), or ``"*"`` for everything.
        listener : callable
            Takes the event; may be a coroutine function, which then runs beside the agents.

        Returns
        -------
        callable
            Ends the subscription.

        Raises
        ------
        MarsError
            When there is no event of this name, or the listener cannot be called.
        """
        if not callable(listener):
            raise MarsError(f"a listener is a function that takes the event; this is {listener!r}")
        entry = (_event_class(event_type), listener)
        self._listeners.append(entry)
        self._by_type.clear()
        return lambda: self._forget(entry)

    def unsubscribe(self, event_type: str | type, listener: Callable[[Any], object]) -> None:
        """End a subscription; one that does not exist is no error."""
        self._forget((_event_class(event_type), listener))

    def publish(self, event: object) -> None:
        """Tell every listener of this type, in the order in which they subscribed."""
        if not self._listeners:
            return
        kind = type(event)
        listeners = self._by_type.get(kind)
        if listeners is None:
            listeners = tuple(listener for wanted, listener in self._listeners if issubclass(kind, wanted))
            self._by_type[kind] = listeners
        for listener in listeners:
            try:
                answer = listener(event)
                if answer is not None and inspect.iscoroutine(answer):
                    self._await(listener, asyncio.ensure_future(answer))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 (whatever a listener does must not hurt the run)
                self._report(listener, error)

    def _await(self, listener: Callable[[Any], object], job: asyncio.Future[Any]) -> None:
        self._waiting.add(job)
        job.add_done_callback(lambda done: self._heard(listener, done))

    def _heard(self, listener: Callable[[Any], object], done: asyncio.Future[Any]) -> None:
        self._waiting.discard(done)
        if not done.cancelled() and (error := done.exception()):
            self._report(listener, error)

    def _report(self, listener: Callable[[Any], object], error: BaseException) -> None:
        name = getattr(listener, "__qualname__", repr(listener))
        if not any(known == name for known, _ in self.failures):
            _log.error("listener %s failed: %s: %s (the run goes on)", name, type(error).__name__, error)
        self.failures.append((name, error))

    def _forget(self, entry: tuple[type, Callable[[Any], object]]) -> None:
        if entry in self._listeners:
            self._listeners.remove(entry)
            self._by_type.clear()


def _event_class(event_type: str | type) -> type:
    if isinstance(event_type, type):
        return event_type
    if event_type == EVERYTHING:
        return object
    found = _KNOWN.get(str(event_type))
    if found:
        return found
    hint = did_you_mean(str(event_type), _KNOWN)
    raise MarsError(f"there is no event {event_type!r}; expected '*' or an event such as 'StepCompleted'{hint}")
