"""A session: a run that is kept, with an id.

It is made before anything runs, so that it can be named, listed and found again. It holds no state of its own: what it
says is read from its journal, so it works the same in the kernel that ran it and in one that was started later. Pause,
crash, failure and restart share one way back, `Session.resume`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from mars_nb.agents.replies import to_content
from mars_nb.agents.secrets import without_secrets
from mars_nb.conductor import with_rules
from mars_nb.engine.folding import fold, replay
from mars_nb.errors import SessionError
from mars_nb.events import CheckpointCreated, Restored
from mars_nb.execution.recorded import Recorded
from mars_nb.execution.resumption import check_edited, limit_of, profiles_of, resumption
from mars_nb.state import positions
from mars_nb.state.manager import run_key, worked_s
from mars_nb.state.names import check_id
from mars_nb.state.trust import untrusted
from mars_nb.views.history import drawn_in, history_of, numbered, present, told_by
from mars_nb.views.result import OrchestraResult, describe_state, result_of
from mars_nb.views.why import why

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mars_nb.agents.agent import Agent
    from mars_nb.conductor import Conductor
    from mars_nb.engine.folding import Folded
    from mars_nb.engine.state import RunState
    from mars_nb.execution.loop import Cast
    from mars_nb.execution.resumption import Resumption
    from mars_nb.state.manager import StateManager
    from mars_nb.state.record import Record
    from mars_nb.topology.rules import Rule


class Session:
    """A run that is kept.

    Made by `Orchestra.create_session`, `Orchestra.session` or `fork`.

    Parameters
    ----------
    session_id : str
        Its id.
    conductor : Conductor
        Runs it.
    manager : StateManager
        Keeps it.
    user : callable, list of str or mapping, optional
        How a person is reached.
    """

    def __init__(self, session_id: str, *, conductor: Conductor, manager: StateManager, user: object = None) -> None:
        self.id = session_id
        self._conductor = conductor
        self._manager = manager
        self._user = user

    def __repr__(self) -> str:
        return f"<Session {self.id!r} {self.status}>"

    @property
    def status(self) -> str:
        """``"created"``, ``"running"``, ``"interrupted"``, ``"paused"``, or how it ended."""
        loop = self._conductor.live.get(self.id)
        return loop.state.status if loop else str(self._manager.describe(self.id)["status"])

    @property
    def result(self) -> OrchestraResult:
        """What it gave so far.

        Raises
        ------
        SessionError
            When it never ran.
        """
        return result_of(history_of(self._records()), session_id=self.id)

    async def run(self, topology: Any, *, max_steps: int | None = None, model: object = None) -> OrchestraResult:
        """Run the task of this session over a topology.

        Parameters
        ----------
        topology : dict, str, PatternConfig or Topology
            Who may talk to whom.
        max_steps : int, optional
            Steps that may complete; default 100, or what a ``max_steps`` rule says.
        model : str, mapping or ModelConfig, optional
            Which model speaks, for every agent that has no function.

        Returns
        -------
        OrchestraResult
            What it gave; ``metadata["status"]`` is ``"paused"`` if it was paused.

        Raises
        ------
        SessionError
            When it has run before: one session is one run.
        TopologyError
            When the topology is wrong; the session is as new then.
        """
        self._conductor.check_not_live(self.id)
        if self._records():
            raise SessionError(f"session {self.id!r} has run already; resume it, fork it, or create another one")
        task, context = self._manager.commission(self.id)
        cast = self._conductor.cast(topology, max_steps, self._user, model=model)
        started = self._conductor.started(cast, task, context, is_kept=True)
        return await self._conductor.conduct(cast, [started], self.id, self._manager.open(self.id))

    async def pause(self, *, now: bool = False, reason: str = "you asked for it") -> bool:
        """Let no further step start, and return when the running ones are over.

        Parameters
        ----------
        now : bool
            Cancel the running steps instead; they are asked again when the run is resumed.
        reason : str
            What the journal says why.

        Returns
        -------
        bool
            Whether it is paused, or will be when the step that asked for it is over; False when it was not running in
            this process.
        """
        loop = self._conductor.live.get(self.id)
        if loop is None:
            return False
        loop.pause(reason, now=now)
        if loop.is_around():
            return True
        await loop.wait()
        return loop.state.status == "paused"

    async def resume(
        self,
        *,
        topology: Any = None,
        rules: Iterable[Rule | str] | None = None,
        max_steps: int | None = None,
        agents: Iterable[Agent] | None = None,
        user: object = None,
        model: object = None,
        trust: bool = False,
    ) -> OrchestraResult:
        """Go on from where the journal leaves everybody, in this process or a new one.

        A completed step is never asked again; what was running, or had failed, is.

        Parameters
        ----------
        topology : dict, str, PatternConfig or Topology, optional
            Go on under another topology.
        rules : iterable of Rule or str, optional
            Rules that take the place of those with the same subject.
        max_steps : int, optional
            Another limit.
        agents : iterable of Agent, optional
            Agents that take the place of those of the same name.
        user : callable, list of str or mapping, optional
            How a person is reached.
        model : str, mapping or ModelConfig, optional
            Which model speaks from here on; default: the one that spoke before.
        trust : bool
            Go on even with a session that was made elsewhere.

        Returns
        -------
        OrchestraResult
            What it gave; that of a session which succeeded is given again, without asking anybody.

        Raises
        ------
        SessionNotFound
            When the session is gone.
        SessionError
            When it never ran, is running here, or was made elsewhere and is not trusted.
        JournalLocked
            When it is running elsewhere.
        TopologyError
            When a branch stands at an agent that is gone, or the topology is wrong.
        """
        self._conductor.check_not_live(self.id)
        records = self._records()
        folded = fold(numbered(records))
        if folded.state.status == "succeeded":
            return result_of(told_by(records, folded.state), session_id=self.id)
        wanted = _Wanted(topology, rules, max_steps, agents, self._user if user is None else user, model)
        prepared = self._prepared(records, folded, wanted)
        journal = self._manager.open(self.id, trust=trust)
        try:
            if journal.n_events != len(records):  # until it was ours, somebody else went on with it
                records = list(journal.records())
                prepared = self._prepared(records, fold(numbered(records)), wanted)
        except BaseException:
            journal.close()
            raise
        return await self._conductor.conduct(
            prepared.cast,
            prepared.going_on.events,
            self.id,
            journal,
            state=prepared.going_on.state,
            worked=prepared.worked_s,
            recorded=prepared.recorded,
            run_key=prepared.run_key,
        )

    def _prepared(self, records: list[Record], folded: Folded, wanted: _Wanted) -> _Prepared:
        """Give all that a run needs to go on; nothing is written."""
        kept = present(records)
        drawn = drawn_in(kept) if wanted.topology is None else self._conductor.drawn(wanted.topology)
        drawn = with_rules(drawn, wanted.rules, wanted.max_steps)
        limit = limit_of(numbered(kept), drawn_in(kept), drawn) if wanted.max_steps is None else wanted.max_steps
        profiles = profiles_of(numbered(kept))
        cast = self._conductor.cast(drawn, limit, wanted.user, wanted.agents, model=wanted.model, profiles=profiles)
        going_on = resumption(numbered(records), folded, cast)
        return _Prepared(cast, going_on, worked_s(kept), self._recorded(records, cast), run_key(self.id, kept))

    def _recorded(self, records: list[Record], cast: Cast) -> Recorded | None:
        """Give the replies that may be taken from the session that this one was forked from."""
        parent = self._manager.backend.header(self.id).get("parent")
        if not parent:
            return None
        before, now = self._manager.parent_events(self.id), cast.profiles()
        return Recorded.of(before, numbered(records), after=parent["seq"], profiles=now)

    async def checkpoint(self, name: str) -> str:
        """Name the present position; copies nothing.

        Returns
        -------
        str
            Id of the checkpoint, ``"session@name"``.

        Raises
        ------
        SessionError
            When the name is malformed or the session never ran.
        """
        event = CheckpointCreated(check_id(name, "checkpoint"))
        if self.id in self._conductor.live:
            self._conductor.live[self.id].note(event)
        else:
            history_of(self._records())
            self._manager.append(self.id, event)
        return f"{self.id}@{name}"

    async def restore(self, where: int | str) -> dict[str, Any]:
        """Go back to a position; what came after stays in the journal.

        Parameters
        ----------
        where : int or str
            A seq, a checkpoint's name, or ``"Writer#2"``.

        Returns
        -------
        dict
            The state there: ``session_id``, ``checkpoint``, ``seq``, ``status``, ``task``, ``context``,
            ``total_steps``, ``branches`` and ``responses``. The session is paused; resume it to go on from there.

        Raises
        ------
        SessionError
            When there is no such position, or the session is running.
        """
        self._conductor.check_not_live(self.id)
        records = self._records()
        seq = _seq(records, where)
        state = describe_state(history_of(positions.until(records, seq)))
        self._manager.append(self.id, Restored(seq))
        return {"session_id": self.id, "checkpoint": str(where), "seq": seq, **state}

    def at(self, where: int | str) -> OrchestraResult:
        """Give the run as it was at a position: its state, picture and tables."""
        records = self._records()
        past = history_of(positions.until(records, _seq(records, where)))
        return result_of(past, session_id=self.id)

    async def fork(
        self,
        at: int | str,
        *,
        edit: Any = None,
        new_id: str | None = None,
        trust: bool = False,
    ) -> Session:
        """Make another session that goes on from a position of this one, which stays as it is.

        Parameters
        ----------
        at : int or str
            A seq, a checkpoint's name, or ``"Writer#2"``: right after Writer's second step.
        edit : JSON value or action, optional
            What that step replied instead.
        new_id : str, optional
            Id of the new session.
        trust : bool
            Fork even from a session that was made elsewhere.

        Returns
        -------
        Session
            ``await fork.resume(topology=…, rules=…, agents=…)`` lets it go on. What did not change takes its recorded
            reply, only what changed is asked. Under another topology the reply at which it was forked is routed anew.

        Raises
        ------
        SessionError
            When there is no such position, ``edit`` is given for what is no reply, the new id is taken or malformed, or
            this session is not trusted.
        ReplyError
            When ``edit`` is an action that the topology did not allow there.
        """
        if not trust and not self._manager.backend.is_trusted(self.id):
            raise untrusted(self.id)
        records = self._records()
        seq = _seq(records, at)
        kept = positions.until(records, seq)
        history_of(kept)
        if edit is not None:
            kept = positions.edited(kept, without_secrets(to_content(edit)))
            check_edited(numbered(kept))
        header = {"parent": {"session": self.id, "seq": seq}}
        name = self._manager.make(new_id, header, records=kept)
        return Session(name, conductor=self._conductor, manager=self._manager, user=self._user)

    async def replay(self, *, speed: float | None = None) -> OrchestraResult:
        """Feed the recorded replies through the engine again, asking nobody, and tell the event bus.

        Parameters
        ----------
        speed : float, optional
            How many times faster than it was; default: as fast as it goes.

        Returns
        -------
        OrchestraResult
            The same as it was.

        Raises
        ------
        SessionError
            When the journal is not what the engine makes of it, or ``speed`` is no speed.
        """
        if speed is not None and not speed > 0:
            raise SessionError(f"speed={speed!r} does not fit; expected how many times faster, such as 10")
        records = self._records()
        state: RunState | None = None
        last = records[0].at if records else 0.0
        for seq, event, reached in replay(numbered(records)):
            state = reached
            if speed:
                await asyncio.sleep(max(0.0, records[seq - 1].at - last) / speed)
                last = records[seq - 1].at
            self._conductor.event_bus.publish(event)
        return result_of(told_by(records, state) if state else history_of(records), session_id=self.id)

    def why(self, step: str) -> str:
        """Say which events and which rule made a step run: an id such as ``"b0.1#2"``, or ``"Writer#2"``."""
        return why(self._records(), step)

    def _records(self) -> list[Record]:
        loop = self._conductor.live.get(self.id)
        return loop.records() if loop else self._manager.records(self.id)


class _Wanted(NamedTuple):
    """What `Session.resume` was given."""

    topology: Any
    rules: Iterable[Rule | str] | None
    max_steps: int | None
    agents: Iterable[Agent] | None
    user: object
    model: object


class _Prepared(NamedTuple):
    """What a run needs to go on."""

    cast: Cast
    going_on: Resumption
    worked_s: float
    recorded: Recorded | None
    run_key: str


def _seq(records: list[Record], where: int | str) -> int:
    return positions.find(records, where, present=present(records))
