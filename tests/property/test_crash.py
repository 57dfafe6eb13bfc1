"""Crashes: a journal that was cut anywhere goes on as if nothing had happened.

A run is played to its end. Then, for every prefix of its journal, a new process that has nothing but this prefix goes
on with the same agents. What was done is not done again, what was running is asked again as the same step, and where
the outcome does not depend on who is faster it is the same outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from mars_nb.actions import Final, Parallel
from mars_nb.engine.folding import fold, replay
from mars_nb.engine.resuming import reindex
from mars_nb.events import RunEnded, RunResumed, StepCompleted, StepFailed, StepScheduled
from tests.property.driver import Driver
from tests.property.topologies import NAMES, Case, cases

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mars_nb.engine.branch import ExecutionBranch, Frame
    from mars_nb.engine.state import RunState
    from mars_nb.events import Event
    from tests.property.model import Step

MAX_STEPS = 25


def played(case: Case, driver: Driver | None = None) -> Driver:
    """Play a case to its end, the running steps landing in an order that only the case decides."""
    driver = driver or of(case, max_steps=MAX_STEPS)
    turn = case.order
    while choices := driver.choices():
        driver.happen(choices[turn % len(choices)])
        turn = turn * 7 + 3
    return driver


def of(case: Case, *, max_steps: int) -> Driver:
    driver = Driver(case.reply(), case.person())
    driver.begin(case.topology, "TASK", max_steps=max_steps)
    return driver


def resumed(case: Case, journal: Sequence[Event]) -> Driver:
    """Go on from a journal in a new process."""
    driver = Driver(case.reply(), case.person())
    folded = fold(enumerate(journal, 1))
    driver.state = folded.state
    driver.events = list(journal)
    driver.tell(*folded.due, RunResumed(has_person=driver.person is not None))
    return played(case, driver)


def completed(events: Sequence[Event]) -> set[str]:
    return {event.step_id for event in events if isinstance(event, StepCompleted)}


def in_flight(events: Sequence[Event]) -> set[str]:
    found: set[str] = set()
    for event in events:
        if isinstance(event, StepScheduled):
            found.add(event.step_id)
        elif isinstance(event, StepCompleted | StepFailed):
            found.discard(event.step_id)
    return found


def is_over(events: Sequence[Event]) -> bool:
    return isinstance(events[-1], RunEnded)


def prefixes(events: Sequence[Event]) -> list[Sequence[Event]]:
    return [events[:n] for n in range(1, len(events) + 1) if not is_over(events[:n])]


# ---------------------------------------------------------------------------------------------- callers upon callers


@dataclass(frozen=True)
class Hierarchy(Case):
    """A tree of agents who call those below them several times, and some of whom fail now and then.

    What comes of it is decided by what was asked, not by who was faster: failures depend on the request, and every call
    is a frame of its own.
    """

    n_rounds: int = 2
    n_failing: int = 3

    def reply(self) -> Callable[[Step], Any]:
        below = {agent: [each for each in self.graph.targets(agent) if each > agent] for agent in self.graph.agents}

        def reply(step: Step) -> Any:
            asked = f"{step.agent} {step.request}"
            if step.agent != "A" and chance(asked, self.order) % 10 < self.n_failing:
                raise ValueError(asked)
            names = below[step.agent]
            if not names or len(step.memory) >= self.n_rounds:
                return Final(asked)
            picked = [name for name in names if chance(asked, name) % 4] or names[:1]
            return Parallel([(name, f"{asked}/{len(step.memory)}") for name in picked])

        return reply


def chance(*parts: object) -> int:
    return crc32(repr(parts).encode())


@st.composite
def hierarchies(draw: st.DrawFn) -> Hierarchy:
    n = draw(st.integers(3, 7))
    boss = [0, 0, *(draw(st.integers(0, i - 1)) for i in range(3, n))]
    edges = ["User -> A", *(f"{NAMES[above]} <-> {NAMES[i]}" for i, above in enumerate(boss, 1))]
    rule = draw(st.sampled_from(["quorum(0.3)", "quorum(0.5)", "quorum(A, 0.5)", "retry(B, 2)"]))
    order, failing, rounds = draw(st.integers(0, 1_000_000)), draw(st.integers(2, 6)), draw(st.integers(1, 3))
    return Hierarchy("\n".join([*edges, rule]), {}, order=order, n_rounds=rounds, n_failing=failing)


# ------------------------------------------------------------------------------------------------- what is looked at


def look(state: RunState) -> dict[str, Any]:
    """Give all that decides how a run goes on, as plain values."""
    reindex(state)
    return {
        "status": (state.status, state.error, state.n_completed, state.n_live, state.n_forks, state.deadline_s),
        "branches": {branch.id: _look_at_branch(branch) for branch in state.branches.values()},
        "root": _look_at_frame(state.root),
        "deliveries": state.deliveries,
        "questions": [branch.id for branch in state.questions],
        "ready": [branch.id for branch in state.ready],
        "visits": state.visits,
        "steps": [(step.step_id, step.status, step.began_seq, step.ended_seq, step.attempt) for step in state.steps],
    }


def _look_at_branch(branch: ExecutionBranch) -> tuple[Any, ...]:
    memory = {agent: link.messages() for agent, link in branch.memory.items()}
    where = (branch.agent, branch.state.value, branch.parent_id, branch.position, branch.forks.agents)
    done = (branch.n_steps, branch.n_done, branch.n_children, branch.depth, branch.attempt, branch.from_join)
    said = (branch.request, branch.said, branch.action, branch.content, branch.ended, branch.error)
    frames = [_look_at_frame(frame) for frame in branch.frames]
    return (where, done, said, branch.settled_at, branch.inbox, branch.failures, memory, frames)


def _look_at_frame(frame: Frame) -> tuple[Any, ...]:
    talks = {name: (talk.opener, talk.n_sent, talk.unanswered) for name, talk in frame.talks.items()}
    waiting = {agent: sorted(join.waiting) for agent, join in frame.joins.items()}
    counts = (frame.n_live, frame.n_active, {forks: dict(each) for forks, each in frame.live.items() if each})
    n_live = (counts[0], counts[1], sum(sum(each.values()) for each in counts[2].values()))
    return (frame.asked, sorted(frame.taken), talks, frame.answers, sorted(frame.failed), waiting, n_live)


# --------------------------------------------------------------------------------------------------------- properties


@given(cases(acyclic=True, kinds=("plain",)))
def test_a_run_that_was_cut_anywhere_ends_like_one_that_was_not(case: Case) -> None:
    whole = played(case)
    wanted = {step.id: step.request for step in whole.steps}
    for prefix in prefixes(whole.events):
        again = resumed(case, prefix)
        received = {step.id: step.request for step in again.steps}
        assert again.final_response() == whole.final_response(), again.journal()
        assert again.state.status == whole.state.status, again.journal()
        assert received == {name: wanted[name] for name in wanted if name not in completed(prefix)}, again.journal()


@given(hierarchies())
def test_callers_whose_calls_fail_go_on_after_a_crash_as_they_would_have(case: Hierarchy) -> None:
    whole = played(case, of(case, max_steps=60))
    wanted = {step.id: step.request for step in whole.steps}
    for prefix in prefixes(whole.events):
        again = resumed(case, prefix)
        if "max_steps" in (whole.state.error or ""):
            continue  # which steps were left out depends on who was faster
        assert {step.id: step.request for step in again.steps}.items() <= wanted.items(), again.journal()
        assert again.final_response() == whole.final_response(), again.journal()
        assert (again.state.status, again.state.error) == (whole.state.status, whole.state.error), again.journal()


@given(cases())
def test_no_completed_step_is_asked_again_after_any_crash(case: Case) -> None:
    whole = played(case)
    for prefix in prefixes(whole.events):
        again = resumed(case, prefix)
        assert completed(prefix).isdisjoint(step.id for step in again.steps), again.journal()


@given(cases())
def test_a_step_in_flight_at_a_crash_is_asked_again_as_the_same_step_with_the_same_request(case: Case) -> None:
    whole = played(case)
    for prefix in prefixes(whole.events):
        before = fold(enumerate(prefix, 1)).state
        requests = {branch.step_id: branch.request for branch in before.branches.values()}
        again = resumed(case, prefix)
        asked = {step.id: step.request for step in again.steps}
        assert in_flight(prefix) <= asked.keys(), again.journal()
        assert all(asked[name] == requests[name] for name in in_flight(prefix)), again.journal()


@given(cases(), st.integers(0, 1_000), st.integers(0, 1_000))
def test_a_run_that_crashes_twice_completes_every_step_once(case: Case, first: int, second: int) -> None:
    whole = played(case)
    cut = prefixes(whole.events)[first % len(prefixes(whole.events))]
    again = resumed(case, cut)
    cuts = [each for each in prefixes(again.events) if len(each) > len(cut)]
    if cuts:
        again = resumed(case, cuts[second % len(cuts)])
    done = [event.step_id for event in again.events if isinstance(event, StepCompleted)]
    assert len(done) == len(set(done)), again.journal()


@given(cases(), st.integers(0, 1_000))
def test_the_fold_of_a_journal_is_the_state_of_the_run_that_wrote_it(case: Case, cut: int) -> None:
    whole = played(case)
    for run in (whole, resumed(case, prefixes(whole.events)[cut % len(prefixes(whole.events))])):
        folded = fold(enumerate(run.events, 1))
        assert not folded.due, run.journal()
        assert look(folded.state) == look(run.state), run.journal()


@given(cases(), st.integers(0, 1_000))
def test_every_journal_replays(case: Case, cut: int) -> None:
    whole = played(case)
    for run in (whole, resumed(case, prefixes(whole.events)[cut % len(prefixes(whole.events))])):
        assert [event for _, event, _ in replay(enumerate(run.events, 1))] == run.events
