"""A session: a run that is kept, with an id.

It is made before anything runs, so that it can be named, listed and found again; its journal begins when it is run. It
is given the means to run and never looks for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.errors import SessionError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mars_nb.views.result import OrchestraResult


class Session:
    """A run that is kept.

    Made by `Orchestra.create_session`.

    Parameters
    ----------
    session_id : str
        Its id.
    task : JSON value
        What the user asks.
    context : dict
        Given to every agent.
    run : callable
        Runs the task over a topology, and gives the result.

    Attributes
    ----------
    id : str
        Its id.
    result : OrchestraResult or None
        What it gave, once it has run.
    """

    def __init__(
        self,
        session_id: str,
        task: Any,
        *,
        context: dict[str, Any],
        run: Callable[[Session, Any, int | None], Awaitable[OrchestraResult]],
    ) -> None:
        self.id = session_id
        self.task = task
        self.context = context
        self.result: OrchestraResult | None = None
        self._run = run
        self._has_begun = False

    @property
    def status(self) -> str:
        """``"created"``, ``"running"``, or how it ended."""
        if self.result is not None:
            return str(self.result.metadata["status"])
        return "running" if self._has_begun else "created"

    async def run(self, topology: Any, *, max_steps: int | None = None) -> OrchestraResult:
        """Run the task of this session over a topology.

        Parameters
        ----------
        topology : dict, str, PatternConfig or Topology
            Who may talk to whom.
        max_steps : int, optional
            Steps that may complete; default 100.

        Returns
        -------
        OrchestraResult
            What it gave.

        Raises
        ------
        SessionError
            When it has run before: one session is one run.
        TopologyError
            When the topology is wrong; the session is as new then.
        """
        if self._has_begun:
            raise SessionError(f"session {self.id!r} has run already ({self.status}); create another session")
        self._has_begun = True
        try:
            self.result = await self._run(self, topology, max_steps)
        except ValueError:
            self._has_begun = False
            raise
        return self.result

    def __repr__(self) -> str:
        return f"<Session {self.id!r} {self.status}>"
