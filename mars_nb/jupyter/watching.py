"""Looking on: a live view of a session that another kernel runs, for a projector, or for a kernel that hears no clicks.

Nothing is shared with whoever runs it but the session's folder. Its journal is read again whenever it has grown, and a
click on Pause leaves a knock there (`mars_nb.state.knock`). The view can look at all of the past, and change nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from mars_nb.errors import CellError, MarsError
from mars_nb.jupyter.foreground import screen_of
from mars_nb.jupyter.jobs import refresh
from mars_nb.jupyter.loop_thread import LOOP
from mars_nb.jupyter.screens import OVER, LiveScreen
from mars_nb.jupyter.wishes import grant

if TYPE_CHECKING:
    from mars_nb.jupyter.desk import Desk
    from mars_nb.jupyter.live_view import LiveView, Wish
    from mars_nb.jupyter.records import RunRecord
    from mars_nb.jupyter.screens import Screen
    from mars_nb.jupyter.store import Store

LOOK_EVERY_S: Final = 0.25
"""Least time between two looks at the journal."""
ASKED_FOR: Final = "asked for; whoever runs it pauses when the running steps are over"


def watch(store: Store, record: RunRecord, screen: Screen) -> None:
    """Follow a session from now on, until it is over.

    Parameters
    ----------
    store : Store
        Where the session is kept.
    record : RunRecord
        A record of its own, which only this shows.
    screen : Screen
        Where it is shown.
    """
    record.attach(screen)
    screen.open(record)
    LOOP.submit(_follow(store, record))


async def _follow(store: Store, record: RunRecord) -> bool:
    """Read the journal again whenever it has grown; large ones less often."""
    size, took_s = -1, 0.0
    while record.status not in OVER:
        await asyncio.sleep(max(LOOK_EVERY_S, 4 * took_s))
        began = time.perf_counter()
        with contextlib.suppress(MarsError, OSError):  # deleted, or in the middle of being written: look again
            now = store.backend.n_bytes(record.session_id)
            if now != size or record.status == "running":
                size = now
                refresh(record, store.files)
                record.show()
        took_s = time.perf_counter() - began
    record.settle()
    return True


def watching_screen(desk: Desk) -> Screen | None:
    """Give the screen of somebody who looks on; None where there is no live view."""
    if not screen_of(desk, {"view": "live"}).can_be_heard:
        return None
    return LiveScreen(partial(grant_watcher, desk), can_steer=False)


def grant_watcher(desk: Desk, record: RunRecord, view: LiveView, wish: Wish) -> None:
    """Do what somebody who only looks on may wish: look, and ask for a pause."""
    if wish.get("do") != "pause":
        grant(desk, record, view, wish)
        return
    try:
        knock(desk, record)
    except MarsError as error:
        view.reply(wish, error=str(error))
    else:
        view.reply(wish, text=ASKED_FOR)


def knock(desk: Desk, record: RunRecord) -> None:
    """Ask whoever runs a session to pause it.

    Raises
    ------
    CellError
        If nobody runs it.
    """
    backend = desk.store.backend
    if not backend.has_writer(record.session_id):
        raise CellError(f"session {record.session_id!r} is not going on anywhere (status: {record.status})")
    backend.knock(record.session_id)
