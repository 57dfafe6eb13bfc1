"""Making durable what was written, for many appends at a time (group commit).

Writing hands bytes to the system, which survives the death of the process; only a sync survives the loss of power, and
costs as much as hundreds of writes. So there is one sync for all that was written since the last began. A thread syncs
within `INTERVAL_S` of a write, or at once when it is urgent. Who waits for it syncs himself, for waking a thread takes
as long as a fast disk; of many who wait at once the first does it for all of them.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_S = 0.05


class Syncer:
    """What syncs one journal; its thread starts when it is first needed.

    Parameters
    ----------
    sync : callable
        Makes durable what is written so far; called by one thread at a time.
    name : str
        Name of the thread.
    """

    def __init__(self, sync: Callable[[], None], name: str) -> None:
        self._sync = sync
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._turn = threading.Lock()  # one sync at a time
        self._dirty = self._urgent = self._stopped = False
        self._n_begun = self._n_done = 0
        self.error: BaseException | None = None

    def soon(self, *, urgent: bool = False) -> None:
        """Ask for a sync within `INTERVAL_S`, or at once when ``urgent``; returns without waiting."""
        if self._dirty and not urgent:  # an unlocked look: the thread clears it before it syncs, so nothing is missed
            return
        with self._changed:
            self._ask(urgent=urgent)

    def wait(self) -> None:
        """Return when all that was written before the call is durable.

        Raises
        ------
        OSError
            When a sync failed, now or ever: what is on the disk is unknown since.
        """
        target = self._n_begun + 1  # a sync that begins from now on has all that was written before
        with self._turn:
            if self._n_done < target:
                self._sync_now()

    def stop(self) -> None:
        """Let the thread end; what was not synced is not."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _ask(self, *, urgent: bool) -> None:
        self._dirty = True
        self._urgent |= urgent
        if self._thread.ident is None:
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while self._due():
            with self._turn, contextlib.suppress(Exception):  # the next append has to raise it, whatever it is
                self._sync_now()

    def _sync_now(self) -> None:
        """Sync, in turn; one that was interrupted does not count."""
        if self.error is not None:
            raise self.error
        self._n_begun += 1
        try:
            self._sync()
        except Exception as error:
            self.error = error
            raise
        self._n_done = self._n_begun

    def _due(self) -> bool:
        """Wait until a sync is due; False when there will be none."""
        with self._changed:
            self._changed.wait_for(lambda: self._dirty or self._stopped)
            self._changed.wait_for(lambda: self._urgent or self._stopped, timeout=INTERVAL_S)
            if self._stopped or self.error is not None:
                return False
            self._dirty = self._urgent = False
            return True
