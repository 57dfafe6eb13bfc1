"""What is known of a run; written by whoever runs it, read by its handle and by whatever shows it.

Examples
--------
>>> from mars_nb.topology.model import Topology
>>> record = RunRecord("report", "Say hello", Topology.from_text("User -> A -> User"), session_id="report-2")
>>> record.handle, record.status, record.scene()["name"]
('report', 'drawn', 'report')
"""

from __future__ import annotations

import re
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mars_nb.agents.secrets import Redactor
from mars_nb.jupyter.speaking import who_speaks
from mars_nb.views import nodes
from mars_nb.views.onlooker import Onlooker
from mars_nb.views.result import OrchestraResult
from mars_nb.views.scene import Caption, drawn_scene, scene
from mars_nb.views.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from mars_nb.jupyter.live import Live
    from mars_nb.jupyter.screens import Screen
    from mars_nb.topology.model import Topology
    from mars_nb.views.history import History

Status = Literal["drawn", "running", "interrupted", "paused", "succeeded", "failed", "cancelled"]
"""Where a run stands; ``"drawn"`` before it starts, ``"interrupted"`` when its process died."""
LOOK_EVERY_S = 0.1
"""How often whoever waits looks up, so that the stop button is heard everywhere."""


@dataclass(eq=False)
class RunRecord:
    """What is known of a run; written by whoever runs it.

    Parameters
    ----------
    name : str
        The variable that it is bound to.
    task : JSON value
        What is asked.
    topology : Topology
        Who may talk to whom.
    stubs : tuple of str
        Agents that only repeat what they are asked, because nobody defined them.
    status : str
        Where it stands.
    session_id : str
        Id of its session; empty before there is one.
    history : History or None
        What happened so far; None before its first event.
    live : Live or None
        What may be done to it while it goes on.
    screens : list of Screen
        Where it is shown.
    place : str
        Where its session is kept; empty if only in memory.
    onlooker : Onlooker
        Was shown every event so far.
    end : Future of OrchestraResult
        Done when it has come to rest; another one from when it goes on.
    seen_at : float or None
        The moment that is shown, in seconds since 1970 (UTC); None for now.
    """

    name: str
    task: Any
    topology: Topology
    stubs: tuple[str, ...] = ()
    status: Status = "drawn"
    session_id: str = ""
    history: History | None = field(default=None, repr=False)
    live: Live | None = field(default=None, repr=False)
    screens: list[Screen] = field(default_factory=list, repr=False)
    place: str = ""
    onlooker: Onlooker = field(default_factory=Onlooker, repr=False)
    end: Future[OrchestraResult] = field(default_factory=Future, repr=False)
    seen_at: float | None = None
    _stage: Stage | None = field(default=None, init=False, repr=False)
    _redactor: Redactor = field(default_factory=Redactor.of_process, init=False, repr=False)

    @property
    def handle(self) -> str:
        """What it is called after ``%mars``: its name where that leads to its session, else the session's id."""
        return self.name if base_of(self.session_id) in {self.name, ""} else self.session_id

    def begin(self, live: Live | None = None) -> None:
        """Note that the run goes on, for the first time or again; ``live`` follows where it starts elsewhere."""
        self.live, self.status = live, "running"
        self._redactor = Redactor.of_process()
        if self.end.done():
            self.end = Future()

    def finish(self, result: OrchestraResult, status: Status) -> None:
        """Note how the run ended, and wake whoever waits for it."""
        self.live, self.status = None, status
        if self.end.done():
            self.end = Future()
        self.end.set_result(result)

    def break_off(self, error: BaseException) -> None:
        """Note that the run could not be carried out at all."""
        reason = f"{type(error).__name__}: {error}"
        facts = {"session_id": self.session_id, "status": "failed"}
        self.finish(OrchestraResult(success=False, error=reason, metadata=facts, history=self.history), "failed")

    def attach(self, screen: Screen) -> None:
        """Show it on this screen from now on, in place of those of earlier cells."""
        for old in self.screens:
            old.retire(self)
        self.screens = [screen]

    def show(self) -> None:
        """Show how it stands now."""
        for screen in list(self.screens):
            screen.show(self)

    def settle(self) -> None:
        """Show that it has come to rest."""
        for screen in list(self.screens):
            screen.settle(self)
        self.say()

    def say(self) -> None:
        """Say anew what can be done next, where that was said before."""
        for screen in list(self.screens):
            if screen.has_said:
                screen.say(self.next_steps)

    def repaint(self) -> None:
        """Show it anew, in this cell: nbclient drops what is painted for a cell that is over."""
        for screen in self.screens:
            screen.repaint(self.bundle())

    @property
    def next_steps(self) -> str:
        """The line that stands below it: what it took if it is done, and what can be done next."""
        called = self.handle
        match self.status:
            case "running":
                first = f"%mars pause {called} · "
            case "paused" if self.history and self.history.state.questions:
                first = "%mars answer TEXT · "
            case "paused":
                first = f"%mars resume {called} · %mars step {called} · "
            case "failed" | "cancelled":
                first = f"%mars resume {called}{self._raised} (asks again only what has no reply) · "
            case "succeeded":
                first = f"{self.scene()['banner']['text']} · "
            case _:
                first = ""
        steps = f"{first}{self.name}.timeline() · %mars show {called}"
        if self.history and (who := who_speaks(self.history.state.profiles)):
            steps += f" · {who}"
        return f"{steps} · only repeating what they are asked: {', '.join(self.stubs)}" if self.stubs else steps

    @property
    def _raised(self) -> str:
        """What a run that stands at a limit needs to go on: another one."""
        error = self.history.state.error if self.history else None
        limit = re.match(r"(\w+)\([\d.]+\) reached", error or "")
        return f" --rule '{limit[1]}(…)'" if limit else ""

    @property
    def is_heard(self) -> bool:
        """Whether a click on one of its screens reaches this kernel now."""
        return any(screen.is_heard for screen in self.screens)

    def bundle(self) -> dict[str, str]:
        """Give the picture: of where everybody stands, or of what is drawn."""
        return self._read(self._bundle)

    def _bundle(self) -> dict[str, str]:
        if self.history is None:
            return self.stage.mimebundle({}, {})
        return self.stage.mimebundle(nodes.node_views(self.history, self.status), nodes.turns(self.history.state))

    @property
    def stage(self) -> Stage:
        """The topology, laid out."""
        topology = self.topology if self.history is None else self.history.topology
        if self._stage is None or self._stage.topology is not topology:
            self._stage = Stage(topology)
        return self._stage

    @property
    def caption(self) -> Caption:
        """What stands around it in a live view."""
        return Caption(self.name, self.session_id, self.handle, self.place, self.models, self.status)

    @property
    def models(self) -> str:
        """The models that speak in it; empty where none does."""
        profiles = self.history.state.profiles if self.history else {}
        return ", ".join(dict.fromkeys(profile.model for profile in profiles.values()))

    def scene(self) -> dict[str, Any]:
        """Give what a live view shows now."""
        return self._read(self._scene)

    def _scene(self) -> dict[str, Any]:
        if self.history is None:
            return drawn_scene(self.stage, self.caption)
        shown = scene(self.history, self.onlooker, self.stage, self.caption, at=self.seen_at or time.time())
        if "speaker" in shown:  # a secret that is streamed word by word is known as one only now
            shown["speaker"]["text"] = self._redactor.text(shown["speaker"]["text"])
        return shown

    def _read(self, look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        live = self.live
        return look() if live is None else live.read(look)


def base_of(session_id: str) -> str:
    """Give the name in a session's id.

    Examples
    --------
    >>> base_of("report-2"), base_of("my-study")
    ('report', 'my-study')
    """
    return re.sub(r"-[0-9]{1,6}$", "", session_id)
