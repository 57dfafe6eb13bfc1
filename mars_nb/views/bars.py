"""When who did what: the events of a run as bars, waits and links over time.

A branch is a lane. In it stand a bar for each attempt of a step and a thinner one wherever the branch waits: for others
that are to join it, for those it called, for a person, for its turn. A link leads from the branches that joined to the
one that they became, and from a branch that forked to its children. Times are seconds since the run began, pauses
included; `Chart.worked_s` leaves the pauses out.

It is a fold of the events that led to the present, so it can be asked for any position, and while a run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from mars_nb.events import (
    ApprovalAsked,
    BranchCreated,
    BranchEnded,
    BranchesJoined,
    BranchForked,
    BranchMoved,
    BranchResumed,
    QuestionAnswered,
    QuestionAsked,
    Restored,
    RunEnded,
    RunPaused,
    RunResumed,
    StepCompleted,
    StepFailed,
    StepScheduled,
)
from mars_nb.views.history import present
from mars_nb.views.palette import NodeState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mars_nb.state.record import Record
    from mars_nb.views.history import History

LEAST_WAIT: Final = 0.004
"""Share of the run below which a wait is not worth a bar."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a branch did for a while.

    Parameters
    ----------
    lane : int
        Its row in the chart, from 0.
    branch_id, agent : str
        Who, and where it stood.
    step_id : str
        As ``"b0.1#3"``; empty for a wait before a branch's first step.
    start_s, end_s : float
        Seconds since the run began; ``end_s`` is None while it goes on.
    state : NodeState
        ``DONE``, ``FAILED`` or ``RUNNING``, or ``PAUSED`` for one that was broken off; for a wait ``WAITING``,
        ``ASKING`` or ``READY``.
    seq : int
        Of the event that ended it; while it goes on, of the one that began it.
    kind : {"step", "wait"}
        Whether somebody works.
    says : str
        What is going on, in a few words.
    """

    lane: int
    branch_id: str
    agent: str
    step_id: str
    start_s: float
    end_s: float | None
    state: NodeState
    seq: int
    kind: Literal["step", "wait"] = "step"
    says: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A branch became another one: by a fork, or by joining others."""

    kind: Literal["fork", "join"]
    at_s: float
    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Chart:
    """A run over time.

    Parameters
    ----------
    lanes : tuple of str
        What each row is called: the ids of the branches, in the order in which they were made.
    bars : tuple of Bar
        In the order in which they began.
    links : tuple of Link
        Between the lanes.
    pauses : tuple of (float, float)
        When the run stood still, in seconds since it began.
    end_s : float
        When it was last heard of.
    n_left_out : int
        Lanes that there was no room for.
    """

    lanes: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    links: tuple[Link, ...] = ()
    pauses: tuple[tuple[float, float], ...] = ()
    end_s: float = 0.0
    n_left_out: int = 0

    def worked_s(self, at_s: float) -> float:
        """Give how long the run had worked at a time, without its pauses."""
        return at_s - sum(min(at_s, end) - start for start, end in self.pauses if start < at_s)

    @property
    def span_s(self) -> float:
        """How long the run has worked, without its pauses."""
        return self.worked_s(self.end_s)


def chart(history: History) -> Chart:
    """Give the bars of a run, up to where its state stands.

    Parameters
    ----------
    history : History
        What happened.

    Returns
    -------
    Chart
        Empty for a run that has not begun.
    """
    records = [record for record in history.journal.records() if record.seq <= history.state.n_events]
    return _Reader().read(present(records))


class _Reader:
    """Reads the events of a run, one after another."""

    def __init__(self) -> None:
        self.bars: list[Bar] = []
        self.open: dict[str, int] = {}
        self.last_step: dict[str, int] = {}
        self.agents: dict[str, str] = {}
        self.links: list[tuple[Literal["fork", "join"], float, str, str]] = []
        self.pauses: list[tuple[float, float]] = []
        self.rested_at: float | None = None
        self.now = 0.0
        self.seq = 0

    def read(self, records: Sequence[Record]) -> Chart:
        began_at = records[0].at if records else 0.0
        for record in records:
            before, self.now, self.seq = self.now, max(self.now, record.at - began_at), record.seq
            self._note(record.event, before)
        if self.rested_at is not None:
            self.now = self.rested_at
            for branch in list(self.open):
                self._close(branch)
        return self._chart()

    def _note(self, event: object, before: float) -> None:
        match event:
            case BranchCreated() | BranchMoved() | BranchForked() | BranchesJoined() | BranchResumed() | BranchEnded():
                self._note_branch(event)
            case StepScheduled() | StepCompleted() | StepFailed():
                self._note_step(event)
            case ApprovalAsked(branch=branch):
                self._close(branch, NodeState.DONE, "asks whether it may use a tool")
                self._wait(branch, NodeState.ASKING, "asks a person")
            case QuestionAsked(branch=branch):
                self._wait(branch, NodeState.ASKING, "asks a person")
            case QuestionAnswered(branch=branch):
                self._wait(branch, NodeState.READY, "ready")
            case RunPaused() | RunEnded():
                self._rest(self.now)
            case Restored():
                self._rest(before)
            case RunResumed():
                self._rest(before)
                self._go_on()
            case _:
                pass

    def _note_branch(
        self, event: BranchCreated | BranchMoved | BranchForked | BranchesJoined | BranchResumed | BranchEnded
    ) -> None:
        branch = event.branch
        match event:
            case BranchCreated(agent=agent, parent=parent, called=called):
                self.agents[branch] = agent
                self._link("fork", [parent] if parent else [], branch)
                self._arrive(branch, is_ready=called)
            case BranchMoved(agent=agent):
                self.agents[branch] = agent
                self._arrive(branch)
            case BranchesJoined(agent=agent, joined=joined):
                self.agents[branch] = agent
                for each in joined:
                    self._close(each)
                self._link("join", joined, branch)
                self._arrive(branch, is_ready=True)
            case BranchForked(n_called=n_called) if n_called:
                self._wait(branch, NodeState.WAITING, f"waits for {_n_answers(n_called)}")
            case BranchResumed():
                self._wait(branch, NodeState.READY, "ready")
            case _:
                self._close(branch)

    def _note_step(self, event: StepScheduled | StepCompleted | StepFailed) -> None:
        branch, step_id = event.branch, event.step_id
        match event:
            case StepScheduled(agent=agent, attempt=attempt):
                self._retried(branch, attempt)
                self._close(branch)
                self._begin(branch, Bar(0, branch, agent, step_id, self.now, None, NodeState.RUNNING, self.seq))
                self.last_step[branch] = self.open[branch]
            case StepCompleted():
                self._end_step(branch, NodeState.DONE, "")
            case StepFailed(error=error, message=message):
                self._end_step(branch, NodeState.FAILED, f"{error}: {message}")

    def _retried(self, branch: str, attempt: int) -> None:
        """Note the pause between a failed attempt and the next one."""
        last = self.bars[self.last_step[branch]] if branch in self.last_step else None
        if last and last.end_s is not None and last.state is NodeState.FAILED:
            says = f"pauses before attempt {attempt}"
            self.bars.append(
                replace(last, start_s=last.end_s, end_s=self.now, state=NodeState.READY, kind="wait", says=says)
            )

    def _arrive(self, branch: str, *, is_ready: bool = False) -> None:
        if is_ready:
            self._wait(branch, NodeState.READY, "ready")
        else:
            self._wait(branch, NodeState.WAITING, f"waits for others at {self.agents[branch]}")

    def _wait(self, branch: str, state: NodeState, says: str) -> None:
        self._close(branch)
        step = self.bars[self.last_step[branch]].step_id if branch in self.last_step else ""
        bar = Bar(0, branch, self.agents.get(branch, ""), step, self.now, None, state, self.seq, "wait", says)
        self._begin(branch, bar)

    def _begin(self, branch: str, bar: Bar) -> None:
        self.open[branch] = len(self.bars)
        self.bars.append(bar)

    def _close(self, branch: str, state: NodeState | None = None, says: str = "") -> None:
        at = self.open.pop(branch, None)
        if at is not None:
            bar = self.bars[at]
            self.bars[at] = replace(bar, end_s=self.now, seq=self.seq, state=state or bar.state, says=says or bar.says)

    def _end_step(self, branch: str, state: NodeState, says: str) -> None:
        """End a step; also one that was taken for broken off, and finished after all."""
        if branch in self.last_step:
            self.open[branch] = self.last_step[branch]
            self._close(branch, state, says)

    def _rest(self, at_s: float) -> None:
        """Note that the run stands still; what was running is broken off."""
        if self.rested_at is None:
            self.rested_at = at_s
        now, self.now = self.now, self.rested_at
        for branch, at in list(self.open.items()):
            if self.bars[at].kind == "step":
                self._close(branch, NodeState.PAUSED, "broken off")
        self.now = now

    def _go_on(self) -> None:
        if self.rested_at is not None and self.now > self.rested_at:
            self.pauses.append((self.rested_at, self.now))
        self.rested_at = None

    def _link(self, kind: Literal["fork", "join"], sources: Iterable[str], target: str) -> None:
        self.links += [(kind, self.now, source, target) for source in sources]

    def _chart(self) -> Chart:
        """Leave out the waits that nobody could see, and give every branch that has a bar its lane."""
        whole = Chart(pauses=tuple(self.pauses), end_s=self.now)
        least_s = whole.span_s * LEAST_WAIT
        kept = [bar for bar in self.bars if bar.kind == "step" or _length_s(bar, whole) > least_s]
        drawn = {bar.branch_id for bar in kept}
        lanes = {branch: i for i, branch in enumerate(branch for branch in self.agents if branch in drawn)}
        bars = sorted((replace(bar, lane=lanes[bar.branch_id]) for bar in kept), key=lambda bar: bar.start_s)
        links = (Link(kind, at_s, lanes[a], lanes[b]) for kind, at_s, a, b in self.links if a in lanes and b in lanes)
        return replace(whole, lanes=tuple(lanes), bars=tuple(bars), links=tuple(links))


def _length_s(bar: Bar, whole: Chart) -> float:
    return whole.worked_s(whole.end_s if bar.end_s is None else bar.end_s) - whole.worked_s(bar.start_s)


def _n_answers(n: int) -> str:
    return "an answer" if n == 1 else f"{n} answers"
