"""Recorded replies: what another session's agents said, to be said again where nothing changed.

A request is unchanged when the same agent (by its digest, and the model that speaks for it) is asked the same thing
with the same memory. Its recorded reply is then taken instead of asking, each as often as it was given; anything else
is asked anew. What a person answered to the same question of the same step is taken in the same way.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from mars_nb.agents.replies import as_text
from mars_nb.engine.folding import known, write
from mars_nb.engine.plan import plan_of
from mars_nb.engine.state import RunState
from mars_nb.events import QuestionAnswered, RunStarted, StepCompleted, TopologyChanged

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mars_nb.agents.agent import Agent
    from mars_nb.agents.context import StepContext
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.events import Profile


class Reply(NamedTuple):
    """A reply, or what a person answered, and a digest of what was asked."""

    seq: int
    asked: str
    event: StepCompleted | QuestionAnswered


class Recorded:
    """The replies of a session, found by what was asked.

    Parameters
    ----------
    replies : iterable of Reply
        Those that may be said again, in order.
    profiles : mapping of str to Profile
        Who the agents are now for which a model speaks.
    """

    def __init__(self, replies: Iterable[Reply], profiles: Mapping[str, Profile]) -> None:
        self._profiles = profiles
        self._steps: dict[str, dict[str, StepCompleted]] = {}
        self._answers: dict[str, QuestionAnswered] = {}
        for _, asked, event in replies:
            if isinstance(event, StepCompleted):
                self._steps.setdefault(asked, {})[event.step_id] = event
            elif not event.error:
                self._answers[asked] = event

    @classmethod
    def of(
        cls,
        parent: Iterable[tuple[int, object]],
        own: Iterable[tuple[int, object]],
        *,
        after: int,
        profiles: Mapping[str, Profile],
    ) -> Recorded | None:
        """Give what a session may still take from the one it was forked from.

        Parameters
        ----------
        parent : iterable of (int, object)
            Seq and event of the session that it was forked from.
        own : iterable of (int, object)
            Seq and event of the session itself; a reply that it took already is not taken twice.
        after : int
            Seq of the fork: the replies up to there are part of the session.
        profiles : mapping of str to Profile
            Who the agents are now for which a model speaks.

        Returns
        -------
        Recorded or None
            None when there is nothing to take.
        """
        found = cls((each for each in replies(parent) if each.seq > after), profiles)
        for seq, asked, event in replies(own):
            if seq > after and isinstance(event, StepCompleted) and event.recorded:
                found._take(asked, event.step_id)
        return found if found._steps or found._answers else None

    def find(self, agent: Agent, request: Any, context: StepContext) -> StepCompleted | None:
        """Give the recorded reply to this request, None when it must be asked."""
        if not self._steps:
            return None
        who = _who(agent.name, agent.digest, self._profiles)
        return self._take(_asked(agent.name, who, request, context.memory), context.step_id)

    def _take(self, asked: str, step_id: str) -> StepCompleted | None:
        """Take the reply of the same step, else the first of those who were asked the same."""
        left = self._steps.get(asked)
        if not left:
            return None
        return left.pop(step_id if step_id in left else next(iter(left)))

    def answer(self, branch: ExecutionBranch) -> QuestionAnswered | None:
        """Give what the person answered to the question that a branch has, None when nobody did."""
        return self._answers.pop(_question(branch), None)


def replies(events: Iterable[tuple[int, object]]) -> Iterator[Reply]:
    """Give every reply of a run, and what was asked."""
    state: RunState | None = None
    began: RunStarted | TopologyChanged | None = None
    for seq, event in known(events):
        if isinstance(event, RunStarted):
            state = RunState(plan_of(event))
        if isinstance(event, RunStarted | TopologyChanged):
            began = event
        if state is None or began is None:
            return
        match event:
            case StepCompleted():
                branch = state.branches[event.branch]
                last = branch.memory.get(branch.agent)
                memory = last.messages() if last else []
                who = _who(branch.agent, began.agents.get(branch.agent, ""), began.profiles)
                yield Reply(seq, _asked(branch.agent, who, branch.request, memory), event)
            case QuestionAnswered():
                yield Reply(seq, _question(state.branches[event.branch]), event)
            case _:
                pass
        write(state, seq, event)


def _question(branch: ExecutionBranch) -> str:
    return json.dumps([branch.step_id, as_text(branch.question)])


def _who(agent: str, digest: str, profiles: Mapping[str, Profile]) -> str:
    """Give who answers for an agent: it, and the model that speaks for it."""
    return f"{digest} {profiles[agent].model}" if agent in profiles else digest


def _asked(agent: str, who: str, request: Any, memory: Sequence[Mapping[str, Any]]) -> str:
    said = [[message["role"], message["content"]] for message in memory]
    decisive = json.dumps([agent, who, request, said], default=as_text)
    return hashlib.sha256(decisive.encode()).hexdigest()
