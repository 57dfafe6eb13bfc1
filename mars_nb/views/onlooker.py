"""The onlooker: what somebody who watches a run notices, and the state does not keep.

The engine's state knows neither times nor what was said on the way. An `Onlooker` is shown every event with its time
and remembers when the run was at work and when it stood still, which position got which name, who spoke last, and in
which lane of a small chart each step has its bar. It is a fold like the state: shown the same events, it has noticed
the same, so a view of the past needs but another onlooker who is shown less.

Examples
--------
>>> from mars_nb.events import RunPaused, RunResumed, RunStarted
>>> onlooker = Onlooker()
>>> for at, event in [(10, RunStarted(task="", topology="")), (14, RunPaused("lunch")), (100, RunResumed())]:
...     onlooker.note(event, at)
>>> onlooker.worked_s(14), onlooker.worked_s(50), onlooker.worked_s(103)
(4.0, 4.0, 7.0)
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from mars_nb.actions import said_by
from mars_nb.events import (
    CheckpointCreated,
    ModelResponded,
    Restored,
    RunEnded,
    RunPaused,
    RunResumed,
    RunStarted,
    StepCompleted,
    StepFailed,
    StepScheduled,
    StepStreamed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.state.record import Record

SPOKEN_LENGTH: Final = 600
"""Last characters of what is being said that a view shows."""
SILENCE_S: Final = 2.0
"""After so long a silence another agent that speaks is shown; until then nobody interrupts, or nothing can be read."""
Key = tuple[str, int]


@dataclass(frozen=True)
class Speaker:
    """Who speaks, or spoke last.

    Parameters
    ----------
    agent, branch_id : str
    step : int
    began_at : float
        When the step began, in seconds since 1970 (UTC).
    said : JSON value
        What was said so far: the end of what is being streamed, or the reply.
    is_live : bool
        Whether more may come.
    """

    agent: str
    branch_id: str
    step: int
    began_at: float
    said: Any = ""
    is_live: bool = True

    @property
    def key(self) -> Key:
        """The step in which it is said."""
        return self.branch_id, self.step


class Onlooker:
    """Watches a run.

    Attributes
    ----------
    seq : int
        Number of the last event that it was shown.
    marks : dict of str to int
        The seq that each checkpoint names.
    lanes : dict of (str, int) to int
        Lane of each step, by branch and step; steps in one lane do not overlap.
    n_lanes : int
        How many lanes there are.
    speaker : Speaker or None
        Who speaks, or spoke last.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.marks: dict[str, int] = {}
        self.lanes: dict[Key, int] = {}
        self.n_lanes = 0
        self.speaker: Speaker | None = None
        self._began_at: dict[Key, tuple[str, float]] = {}
        self._heard: dict[Key, str] = {}
        self._heard_at = 0.0
        self._free: list[int] = []
        self._holders: dict[int, Key] = {}
        self._spells: list[list[float]] = []
        self._is_at_work = False
        self._last_at = 0.0

    @classmethod
    def of(cls, records: Iterable[Record]) -> Onlooker:
        """Give an onlooker who was shown these records."""
        onlooker = cls()
        for record in records:
            onlooker.note(record.event, record.at)
        return onlooker

    def note(self, event: object, at: float) -> None:
        """Notice an event.

        Parameters
        ----------
        event : Event
            What happened; streamed words, which no journal keeps, have no number.
        at : float
            When, in seconds since 1970 (UTC).
        """
        if isinstance(event, StepStreamed):
            self._hear(event, at)
            return
        self.seq += 1
        match event:
            case StepScheduled():
                self._begin(event, at)
            case StepCompleted() | StepFailed():
                self._end(event, at)
            case ModelResponded():
                self._heard.pop((event.branch, event.step), None)  # what it says next is another response
            case RunStarted() | RunResumed():
                self._spells.append([at, at])
                self._is_at_work = True
            case RunPaused() | RunEnded():
                self._stop(at)
            case Restored():
                self.leave_off()
                self.speaker = None
            case CheckpointCreated():
                self.marks[event.name] = self.seq - 1
            case _:
                pass
        self._last_at = at
        if self._is_at_work:
            self._spells[-1][1] = at

    def worked_s(self, at: float) -> float:
        """Give the seconds that the run had been at work at a moment; while it stands still, none are added."""
        total = sum(max(0.0, min(end, at) - began) for began, end in self._spells)
        if self._is_at_work and at > self._last_at:
            total += at - self._last_at
        return round(total, 3)

    @property
    def is_at_work(self) -> bool:
        """Whether the clock of the run goes."""
        return self._is_at_work

    def leave_off(self) -> None:
        """Notice that nobody carries the run on, though no event says so: its last one is the last sign of work."""
        self._stop(self._last_at)

    def _stop(self, at: float) -> None:
        """Let the clock stand still."""
        if self._is_at_work:
            self._spells[-1][1] = at
        self._is_at_work = False

    def _begin(self, event: StepScheduled, at: float) -> None:
        key = event.branch, event.step
        self._began_at[key] = event.agent, at
        self.lanes[key] = lane = self._lane(key)
        self._holders[lane] = key
        self.n_lanes = max(self.n_lanes, lane + 1)

    def _lane(self, key: Key) -> int:
        """Give the lane that a step had, or where that is taken a free one."""
        had = self.lanes.get(key)
        if had is not None and self._holders.get(had, key) == key:
            return had
        while self._free:
            lane = heapq.heappop(self._free)
            if lane not in self._holders:
                return lane
        return self.n_lanes

    def _end(self, event: StepCompleted | StepFailed, at: float) -> None:
        key = event.branch, event.step
        agent, began_at = self._began_at.pop(key, ("", 0.0))
        self._heard.pop(key, None)
        if not agent:
            return
        if isinstance(event, StepCompleted):  # one that failed may be asked again, and then its bar goes on
            del self._holders[self.lanes[key]]
            heapq.heappush(self._free, self.lanes[key])
        if isinstance(event, StepCompleted) and self._may_speak(key, at):
            said = event.content if event.action is None else said_by(event.action)
            self.speaker = Speaker(agent, *key, began_at, said, is_live=False)
        elif self.speaker is not None and self.speaker.key == key:
            self.speaker = replace(self.speaker, is_live=False)

    def _hear(self, event: StepStreamed, at: float) -> None:
        key = event.branch, event.step
        said = self._heard[key] = (self._heard.get(key, "") + event.text)[-SPOKEN_LENGTH:]
        if self._may_speak(key, at):
            began_at = self._began_at.get(key, ("", self._last_at))[1]
            self.speaker, self._heard_at = Speaker(event.agent, *key, began_at, said), at

    def _may_speak(self, key: Key, at: float) -> bool:
        """Tell whether a step may be shown as who speaks: nobody else does, or not for a while."""
        speaker = self.speaker
        return speaker is None or not speaker.is_live or speaker.key == key or at - self._heard_at > SILENCE_S
