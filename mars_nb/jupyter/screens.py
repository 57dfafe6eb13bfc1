"""Screens: where a run is seen in a notebook, from the first picture to the last.

A `Screen` shows a picture under one display id and repaints it. A `LiveScreen` has a widget as well, in an output of
its own below the picture, which hides the picture while it lives. When the run is over, the answer takes the widget's
place: what stays in the notebook is a picture and text, which need no kernel and no JavaScript. While a run is paused
the widget stays, since its buttons are what one looks for; the picture above it is what a saved notebook shows. A
`Painter` sees to it that what is on the screens is never long out of date, and that painting never holds up the run.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from mars_nb.agents.replies import as_text
from mars_nb.jupyter.display import Text, answer_bundle, show_bundle
from mars_nb.views.labels import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from IPython.core.display_functions import DisplayHandle

    from mars_nb.jupyter.display import Format, View
    from mars_nb.jupyter.live_view import LiveView, Wish
    from mars_nb.jupyter.records import RunRecord

PAINT_EVERY_S: Final = 0.25
"""Least time between two pictures of one run."""
SHOW_EVERY_S: Final = 0.12
"""Least time between two changes of a live view."""
STILL_EVERY_S: Final = 3.0
"""Least time between two pictures behind a live view: they are for the notebook that is saved before a crash."""
OVER: Final = ("succeeded", "cancelled")
"""Statuses of a run at which nothing can be pressed any more."""


def in_place(work: Callable[[], object]) -> object:
    """Carry something out in the thread that asks for it."""
    return work()


class Screen:
    """The picture of a run in a notebook; shown once, then repainted.

    Parameters
    ----------
    view : {"live", "static", "none"}
        Repaint while the run goes on, show the end only, or show nothing.
    repaints : bool
        Whether what was shown can be shown anew in its place, also when its cell is over.

    Attributes
    ----------
    view, repaints : str and bool
        The same.
    every_s : float
        Least seconds between two pictures.
    can_be_heard : bool
        Whether there is anything on it to click.
    relay : callable
        Carries out what has to be done in the cell's own thread.
    """

    every_s = PAINT_EVERY_S
    can_be_heard = False

    def __init__(self, view: View, *, repaints: bool = True) -> None:
        self.view = view
        self.repaints = repaints
        self.relay: Callable[[Callable[[], object]], object] = in_place
        self._handle: DisplayHandle | None = None
        self._line: DisplayHandle | None = None
        self._shown: Mapping[str, str] = {}

    @property
    def is_heard(self) -> bool:
        """Whether clicks on it reach the kernel."""
        return False

    @property
    def shows_answer(self) -> bool:
        """Whether it shows the answer of a run that is over."""
        return False

    def open(self, record: RunRecord) -> None:
        """Show a run that is about to begin; called in the thread of its cell."""
        if self.view == "live":
            self.paint(record.bundle())

    def show(self, record: RunRecord) -> None:
        """Show how a run stands, while it goes on."""
        if self.view == "live":
            bundle = record.bundle()
            self.relay(lambda: self.paint(bundle))

    def settle(self, record: RunRecord) -> None:
        """Show a run that has come to rest."""
        self.paint(record.bundle())

    def retire(self, record: RunRecord) -> None:
        """Leave a run to a later screen."""

    def say(self, text: str) -> None:
        """Show a line below, in place of the one before."""
        bundle = {"text/plain": clean(text)}
        if self._line is None:
            self._line = show_bundle(bundle, display_id=self.repaints)
        else:
            self._line.update(dict(bundle), raw=True)  # type: ignore[no-untyped-call]  # IPython

    @property
    def has_said(self) -> bool:
        """Whether there is a line below that can be another one."""
        return self._line is not None

    def paint(self, bundle: Mapping[str, str]) -> None:
        """Show a picture, in place of the one before."""
        if bundle != self._shown:
            self.repaint(bundle)

    def repaint(self, bundle: Mapping[str, str]) -> None:
        """Show a picture, also if it is the same as before."""
        if self.view == "none":
            return
        self._shown = bundle
        if self._handle is None:
            self._handle = show_bundle(bundle, display_id=True)
        else:
            self._handle.update(dict(bundle), raw=True)  # type: ignore[no-untyped-call]  # IPython


class LiveScreen(Screen):
    """A picture, and a live view below it.

    Parameters
    ----------
    grant : callable
        Does what a person wishes, given the record of the run, the view and the wish.
    form : {"md", "text", "json"}
        How the answer is shown.
    can_steer : bool
        Whether more may be wished than to look, and to pause.
    """

    every_s = SHOW_EVERY_S
    can_be_heard = True

    def __init__(
        self, grant: Callable[[RunRecord, LiveView, Wish], None], *, form: Format = "md", can_steer: bool = True
    ) -> None:
        super().__init__("live")
        self._grant = grant
        self._form = form
        self._can_steer = can_steer
        self._live: LiveView | None = None
        self._slot: DisplayHandle | None = None
        self._drawn: object = None
        self._painted_at = 0.0
        self._status = ""

    @property
    def is_heard(self) -> bool:
        """Whether a page has answered since it was opened."""
        return self._live is not None and self._live.is_heard

    @property
    def shows_answer(self) -> bool:
        """Whether the answer has taken the place of the live view, or will."""
        return self._slot is not None

    def open(self, record: RunRecord) -> None:
        """Show the picture, and the live view below it."""
        from mars_nb.jupyter.live_view import LiveView

        self._paint_still(record)
        self._drawn = record.stage
        self._live = LiveView(
            lambda view, wish: self._grant(record, view, wish),
            svg=record.stage.blank(record.name),
            scene=record.scene(),
            cell=_cell(record),
            can_steer=self._can_steer,
        )
        data: Any = self._live._repr_mimebundle_()
        bundle = data[0] if isinstance(data, tuple) else data
        plain = f"live view of {record.name}, which needs its kernel; as it was left: %mars show {record.handle}"
        self._slot = show_bundle({**bundle, "text/plain": plain}, display_id=True)

    def show(self, record: RunRecord) -> None:
        """Tell the live view what has changed; now and then paint the picture behind it."""
        if self._live is None:
            return
        if self._drawn is not record.stage:
            self._drawn = record.stage
            self._live.redraw(record.stage.blank(record.name), _cell(record))
        scene = record.scene()
        self._live.show(scene)
        is_news = scene["status"] != self._status
        if is_news or time.monotonic() - self._painted_at >= STILL_EVERY_S:
            self._status = scene["status"]
            self._paint_still(record)

    def settle(self, record: RunRecord) -> None:
        """Show a run that has come to rest: with buttons while they can do something, else its answer."""
        live = self._live
        if live is None:
            self.paint(record.bundle())
            return
        self.show(record)
        self._paint_still(record)
        if record.status in OVER:
            self._replace(_last_words(record, self._form))
            if live.n_pages <= 1:
                self._close()

    def retire(self, record: RunRecord) -> None:
        """Leave a run to a later screen."""
        if self._live is not None:
            self._paint_still(record)
            self._replace({"text/plain": f"{record.name} goes on below"})
            self._close()

    def repaint(self, bundle: Mapping[str, str]) -> None:
        """Show a picture behind the live view."""
        if self._live is None:
            super().repaint(bundle)

    def _paint_still(self, record: RunRecord) -> None:
        bundle = record.bundle()
        if bundle != self._shown:
            super().repaint(bundle)
        self._painted_at = time.monotonic()

    def _replace(self, bundle: Mapping[str, str]) -> None:
        """Show something in the place of the live view.

        A page that was opened again cannot: it does not know which of its outputs is meant.
        """
        if self._slot is not None:
            self._slot.update(dict(bundle), raw=True)  # type: ignore[no-untyped-call]  # IPython

    def _close(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.close()


def _cell(record: RunRecord) -> str:
    """Give a cell with the same task and team; nothing in the task is filled in once more."""
    task = as_text(record.task).replace("\n", "\n    ")
    return f"%%mars {record.name} --raw\ntask: {task}\n{record.stage.topology.to_text()}"


def _last_words(record: RunRecord, form: Format) -> dict[str, str]:
    """Give what takes the place of a live view: the answer, or in one line how the run ended."""
    from mars_nb.jupyter.runs import Run

    run = Run(record)
    if record.status == "succeeded" and run.final_response is not None:
        return answer_bundle(run, form)
    return {"text/plain": str(Text(record.scene()["banner"]["text"]))}


class Painter:
    """Shows a run while it goes on: now and then, and less often where showing it is slow.

    Parameters
    ----------
    record : RunRecord
        What is shown, on its screens.

    Attributes
    ----------
    is_due : bool
        Whether something happened since it was shown last.
    """

    def __init__(self, record: RunRecord) -> None:
        self.is_due = False
        self._record = record

    def paint(self) -> float:
        """Show it now; give the seconds that took."""
        began = time.perf_counter()
        self.is_due = False
        self._record.show()
        return time.perf_counter() - began

    async def keep_painting(self) -> None:
        """Show it whenever something happened, until cancelled."""
        took_s = 0.0
        while True:
            # Large pictures take long; the agents get at least four fifths of the loop.
            every_s = min((screen.every_s for screen in self._record.screens), default=PAINT_EVERY_S)
            await asyncio.sleep(max(every_s, 4 * took_s))
            took_s = self.paint() if self.is_due else 0.0
