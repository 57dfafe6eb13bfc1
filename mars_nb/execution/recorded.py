"""Recorded replies: what another session's agents said, to be said again where nothing changed.

A request is unchanged when the same agent (by its digest) is asked the same thing with the same memory. Its recorded
reply is then taken instead of asking, each as often as it was given; anything else is asked anew.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, cast

from mars_nb.agents.replies import as_text
from mars_nb.engine.folding import KNOWN, effective
from mars_nb.engine.machine import evolve
from mars_nb.engine.plan import plan_of
from mars_nb.engine.state import RunState
from mars_nb.events import RunStarted, StepCompleted, TopologyChanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mars_nb.agents.agent import Agent
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.events import Event


class Recorded:
    """The replies of a session, found by what was asked.

    Parameters
    ----------
    events : iterable of Event
        The effective events of the session, `RunStarted` first.
    """

    def __init__(self, events: Iterable[Event]) -> None:
        self._replies: dict[str, deque[StepCompleted]] = defaultdict(deque)
        state: RunState | None = None
        digests: dict[str, str] = {}
        for event in events:
            match event:
                case RunStarted():
                    state, digests = RunState(plan_of(event)), event.agents
                case TopologyChanged():
                    digests = event.agents
                case StepCompleted() if state:
                    self._keep(state.branches[event.branch], digests, event)
                case _:
                    pass
            if state:
                evolve(state, event)

    def _keep(self, branch: ExecutionBranch, digests: Mapping[str, str], event: StepCompleted) -> None:
        last = branch.memory.get(branch.agent)
        memory = last.messages() if last else []
        self._replies[_key(branch.agent, digests.get(branch.agent, ""), branch.request, memory)].append(event)

    @classmethod
    def of(cls, events: Iterable[tuple[int, object]]) -> Recorded | None:
        """Give the replies of a session's journal, None when it has none."""
        known = [cast("Event", event) for _, event in effective(events) if type(event) in KNOWN]
        return cls(known) if known else None

    def find(self, agent: Agent, request: Any, memory: Sequence[Mapping[str, Any]]) -> StepCompleted | None:
        """Give the next recorded reply to this request, None when it must be asked."""
        known = self._replies.get(_key(agent.name, agent.digest, request, memory))
        return known.popleft() if known else None


def _key(agent: str, digest: str, request: Any, memory: Sequence[Mapping[str, Any]]) -> str:
    said = [[message["role"], as_text(message["content"])] for message in memory]
    decisive = json.dumps([agent, digest, as_text(request), said])
    return hashlib.sha256(decisive.encode(errors="replace")).hexdigest()

