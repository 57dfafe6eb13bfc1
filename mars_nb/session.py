"""A session: a run that is kept, with an id.

It is made before anything runs, so that it can be named, listed and found again. It holds no state of its own: what it
says is read from its journal, and what it does is done by the host that made it, so it works the same in the kernel that
ran it and in one that was started later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mars_nb.agents.agent import Agent
    from mars_nb.topology.rules import Rule
    from mars_nb.views.result import OrchestraResult


class SessionHost(Protocol):
    """What a session needs of the orchestra that made it."""

    async def run_session(
        self, session_id: str, topology: Any, *, max_steps: int | None, user: object
    ) -> OrchestraResult:
        """Run the task of a session."""
        ...

    async def pause_session(self, session_id: str, *, now: bool = False) -> bool:
        """Pause it."""
        ...

    async def resume_session(
        self,
        session_id: str,
        *,
        topology: Any = None,
        rules: Iterable[Rule | str] | None = None,
        max_steps: int | None = None,
        agents: Iterable[Agent] | None = None,
        user: object = None,
    ) -> OrchestraResult:
        """Resume it."""
        ...

    async def create_checkpoint(self, session_id: str, checkpoint_name: str) -> str:
        """Name its present position."""
        ...

    async def restore_checkpoint(self, checkpoint_id: str) -> dict[str, Any]:
        """Go back to a position."""
        ...

    async def fork_session(
        self, session_id: str, at: int | str, *, edit: Any = None, new_id: str | None = None
    ) -> Session:
        """Make another session from a position of it."""
        ...

    def session_at(self, session_id: str, at: int | str | None = None) -> OrchestraResult:
        """Give what it was at a position."""
        ...

    async def replay_session(self, session_id: str, *, speed: float | None = None) -> OrchestraResult:
        """Play it again without asking anybody."""
        ...

    def why(self, session_id: str, step: str) -> str:
        """Say why a step ran."""
        ...

    def describe_session(self, session_id: str) -> dict[str, Any]:
        """Give what is known of it."""
        ...


class Session:
    """A run that is kept.

    Made by `Orchestra.create_session`, `Orchestra.session` or `fork`.

    Parameters
    ----------
    session_id : str
        Its id.
    host : SessionHost
        Does what the session is asked to do.
    user : callable, list of str or mapping, optional
        How a person is reached.
    """

    def __init__(self, session_id: str, host: SessionHost, *, user: object = None) -> None:
        self.id = session_id
        self._host = host
        self._user = user

    def __repr__(self) -> str:
        return f"<Session {self.id!r} {self.status}>"

    @property
    def status(self) -> str:
        """``"created"``, ``"running"``, ``"interrupted"``, ``"paused"``, or how it ended."""
        return str(self._host.describe_session(self.id)["status"])

    @property
    def result(self) -> OrchestraResult:
        """What it gave so far."""
        return self._host.session_at(self.id)

    async def run(self, topology: Any, *, max_steps: int | None = None) -> OrchestraResult:
        """Run the task of this session over a topology.

        Parameters
        ----------
        topology : dict, str, PatternConfig or Topology
            Who may talk to whom.
        max_steps : int, optional
            Steps that may complete; default 100, or what a ``max_steps`` rule says.

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
        return await self._host.run_session(self.id, topology, max_steps=max_steps, user=self._user)

    async def pause(self, *, now: bool = False) -> bool:
        """Let no further step start, and return when the running ones are over.

        Parameters
        ----------
        now : bool
            Cancel the running steps instead; they are asked again when the run is resumed.

        Returns
        -------
        bool
            Whether it is paused; False when it was not running.
        """
        return await self._host.pause_session(self.id, now=now)

    async def resume(
        self,
        *,
        topology: Any = None,
        rules: Iterable[Rule | str] | None = None,
        max_steps: int | None = None,
        agents: Iterable[Agent] | None = None,
        user: object = None,
    ) -> OrchestraResult:
        """Go on from where it stands; the arguments are those of `Orchestra.resume_session`."""
        return await self._host.resume_session(
            self.id,
            topology=topology,
            rules=rules,
            max_steps=max_steps,
            agents=agents,
            user=self._user if user is None else user,
        )

    async def checkpoint(self, name: str) -> str:
        """Name the present position; give the checkpoint's id."""
        return await self._host.create_checkpoint(self.id, name)

    async def restore(self, where: int | str) -> Mapping[str, Any]:
        """Go back to a position: a seq, a checkpoint's name, or ``"Writer#2"``; nothing is deleted."""
        return await self._host.restore_checkpoint(f"{self.id}@{where}")

    def at(self, where: int | str) -> OrchestraResult:
        """Give the run as it was at a position: its state, picture and tables."""
        return self._host.session_at(self.id, where)

    async def fork(self, at: int | str, *, edit: Any = None, new_id: str | None = None) -> Session:
        """Make another session that goes on from a position of this one, which stays as it is.

        Parameters
        ----------
        at : int or str
            A seq, a checkpoint's name, or ``"Writer#2"``: right after Writer's second step.
        edit : JSON value, optional
            What that step replied instead.
        new_id : str, optional
            Id of the new session.

        Returns
        -------
        Session
            Paused; ``await fork.resume(topology=…, rules=…, agents=…)`` lets it go on. What did not change takes its
            recorded reply, only what changed is asked.
        """
        return await self._host.fork_session(self.id, at, edit=edit, new_id=new_id)

    async def replay(self, *, speed: float | None = None) -> OrchestraResult:
        """Feed the recorded replies through the engine again, asking nobody.

        Parameters
        ----------
        speed : float, optional
            How many times faster than it was; default: as fast as it goes.

        Returns
        -------
        OrchestraResult
            The same as it was.
        """
        return await self._host.replay_session(self.id, speed=speed)

    def why(self, step: str) -> str:
        """Say which events and which rule made a step run; ``step`` is an id such as ``"b0.1#2"`` or ``"Writer#2"``."""
        return self._host.why(self.id, step)
