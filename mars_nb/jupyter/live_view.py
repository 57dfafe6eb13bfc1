"""The live view: a widget that shows a scene, is told how it changes, and passes on what a person wishes.

Python decides, the page paints. The scene is one synced trait, sent whole when a page first asks for it; from then on
only merge patches go out (`mars_nb.views.patch`). What a person does comes back as a *wish*, a small JSON object that
names what to do and gets exactly one reply. The page is one ES module and one stylesheet beside this file, and loads
nothing else.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anywidget
import traitlets

from mars_nb.views.patch import diff

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STATIC: Final = Path(__file__).parent / "static"
Wish = dict[str, Any]


class LiveView(anywidget.AnyWidget):
    """Shows a run and hears what is wished of it.

    Parameters
    ----------
    grant : callable
        Takes the view and a wish; replies by `reply`. Called in whichever thread the kernel hears clicks.
    svg : str
        The picture, with every box in it.
    scene : dict
        What is shown around it; see `mars_nb.views.scene`.
    cell : str
        A cell with the same task and team.
    can_steer : bool
        Whether more may be wished than to look, and to pause.

    Attributes
    ----------
    is_heard : bool
        Whether a page has answered, so that clicks reach this kernel, also in the middle of a cell.
    n_pages : int
        How many pages have said hello; the same notebook that is opened again is another one.
    """

    _esm = STATIC / "live.js"
    _css = STATIC / "live.css"
    svg = traitlets.Unicode().tag(sync=True)
    scene = traitlets.Dict().tag(sync=True)
    cell = traitlets.Unicode().tag(sync=True)
    can_steer = traitlets.Bool(default_value=True).tag(sync=True)
    hides_twin = traitlets.Bool(default_value=True).tag(sync=True)

    def __init__(
        self,
        grant: Callable[[LiveView, Wish], None],
        *,
        svg: str,
        scene: Mapping[str, Any],
        cell: str = "",
        can_steer: bool = True,
    ) -> None:
        self.is_heard = False
        self.n_pages = 0
        self._grant = grant
        self._sending = threading.Lock()
        super().__init__(svg=svg, scene=dict(scene), cell=cell, can_steer=can_steer)
        self.on_msg(self._hear)

    def show(self, scene: Mapping[str, Any]) -> None:
        """Show another scene; only what has changed is sent."""
        with self._sending:
            patch = diff(self.scene, scene)
            if patch:
                self._know("scene", dict(scene))
                self.send({"type": "changes", "patch": patch})

    def redraw(self, svg: str, cell: str) -> None:
        """Show another drawing."""
        with self._sending:
            self._know("svg", svg)
            self._know("cell", cell)
            self.send({"type": "svg", "svg": svg, "cell": cell})

    def reply(self, wish: Wish, **said: Any) -> None:
        """Answer a wish."""
        self.send({"type": "reply", "id": wish.get("id"), **said})

    def _know(self, name: str, value: object) -> None:
        """Hold a value for pages that ask later, without sending it to those that are there."""
        self._trait_values[name] = value

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        self.is_heard = True
        if isinstance(content, dict):
            self.n_pages += content.get("do") == "hello"
            self._grant(self, content)
