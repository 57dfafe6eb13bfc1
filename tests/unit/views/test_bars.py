"""The bars of a run: who worked when, who waited for what, and which branches became one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb import AskUser
from mars_nb.events import (
    ApprovalAsked,
    BranchCreated,
    BranchForked,
    BranchMoved,
    BranchResumed,
    CheckpointCreated,
    QuestionAnswered,
    QuestionAsked,
    Restored,
    RetryDue,
    RunEnded,
    RunPaused,
    RunResumed,
    StepCompleted,
    StepFailed,
    StepScheduled,
)
from mars_nb.views.bars import Bar, Chart, Link, chart
from mars_nb.views.lanes import condensed, spoken, tick_text, ticks
from mars_nb.views.palette import NodeState
from tests.unit.views.happenings import chain, diamond, history, wide
from tests.unit.views.test_result import ran

if TYPE_CHECKING:
    from mars_nb.events import Event

CHAIN = "User -> A -> B -> User"
RETRIED = "User -> A -> User\nretry(A, 2)"
CALLS = "User -> A\nA <-> B, C\nA -> User"


def told(*happened: tuple[float, Event], topology: str = CHAIN) -> Chart:
    return chart(history((0, BranchCreated("b0", "A")), *happened, topology=topology))


def seen(drawn: Chart) -> list[tuple[str, str, float, float | None, str]]:
    """Give of each bar its lane, agent, begin, end and state."""
    return [(drawn.lanes[bar.lane], bar.agent, bar.start_s, bar.end_s, bar.state.value) for bar in drawn.bars]


def test_a_branch_is_a_lane_and_a_step_a_bar() -> None:
    drawn = chart(history(*diamond()))
    assert drawn.lanes == ("b0", "b0.0", "b0.1", "b0.jJ")
    steps = [bar for bar in drawn.bars if bar.kind == "step"]
    assert [(bar.step_id, bar.start_s, bar.end_s, bar.seq) for bar in steps] == [
        ("b0#1", 0, 1, 4),
        ("b0.0#1", 1, 3, 10),
        ("b0.1#1", 1, 6, 12),
        ("b0.jJ#1", 6, 8, 16),
    ]


def test_who_waits_for_others_at_a_join_has_a_thin_bar() -> None:
    [wait] = [bar for bar in chart(history(*diamond())).bars if bar.kind == "wait"]
    assert (wait.branch_id, wait.agent, wait.start_s, wait.end_s) == ("b0.0", "J", 3, 6)
    assert (wait.state, wait.says) == (NodeState.WAITING, "waits for others at J")


def test_links_lead_from_a_fork_and_to_a_join() -> None:
    links = chart(history(*diamond())).links
    forks = [Link("fork", 1, 0, 1), Link("fork", 1, 0, 2)]
    assert list(links) == [*forks, Link("join", 6, 1, 3), Link("join", 6, 2, 3)]


def test_while_a_run_goes_on_its_bars_are_open() -> None:
    drawn = chart(history(*diamond()[:9]))
    assert seen(drawn)[-2:] == [("b0.0", "A", 1, 3, "done"), ("b0.1", "B", 1, None, "running")]
    later = chart(history(*diamond()[:10], (4, CheckpointCreated("here"))))
    assert ("b0.0", "J", 3, None, "waiting") in seen(later)


def test_a_run_in_the_past_has_only_the_bars_of_then() -> None:
    whole = history(*diamond())
    past = history(*diamond()[:3])
    assert chart(type(whole)(whole.topology, past.state, whole.journal)) == chart(past)


def test_each_attempt_has_a_bar_and_so_has_the_pause_between_them() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (2, StepFailed("b0", 1, "ValueError", "no luck")),
        (5, RetryDue("b0", 1)),
        (5, StepScheduled("b0", 1, "A", attempt=2)),
        (6, StepCompleted("b0", 1, content="x")),
        topology=RETRIED,
    )
    assert seen(drawn) == [
        ("b0", "A", 0, 2, "failed"),
        ("b0", "A", 2, 5, "ready"),
        ("b0", "A", 5, 6, "done"),
    ]
    assert [bar.says for bar in drawn.bars] == ["ValueError: no luck", "pauses before attempt 2", ""]


def test_a_caller_waits_for_its_answers() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (1, StepCompleted("b0", 1, content="x")),
        (1, BranchForked("b0", n_called=2)),
        (1, BranchCreated("b0.0", "B", parent="b0", called=True)),
        (1, BranchCreated("b0.1", "C", parent="b0", called=True)),
        (1, StepScheduled("b0.0", 1, "B")),
        (2, StepScheduled("b0.1", 1, "C")),
        topology=CALLS,
    )
    assert ("b0", "A", 1, None, "waiting") in seen(drawn)
    assert [bar.says for bar in drawn.bars if bar.lane == 0][-1] == "waits for 2 answers"
    assert ("b0.1", "C", 1, 2, "ready") in seen(drawn)


def test_who_asks_a_person_waits_for_the_answer() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (1, StepCompleted("b0", 1, action=AskUser("really?"))),
        (1, QuestionAsked("b0")),
        (4, QuestionAnswered("b0", "yes")),
        (4, StepScheduled("b0", 2, "A")),
    )
    assert seen(drawn)[1] == ("b0", "A", 1, 4, "asking")


def test_a_step_that_asks_for_approval_is_two_bars_and_a_wait() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (1, ApprovalAsked("b0", 1, call_id="1", question="may I?")),
        (4, QuestionAnswered("b0", "yes")),
        (4, StepScheduled("b0", 1, "A")),
        (6, StepCompleted("b0", 1, content="x")),
    )
    assert seen(drawn) == [
        ("b0", "A", 0, 1, "done"),
        ("b0", "A", 1, 4, "asking"),
        ("b0", "A", 4, 6, "done"),
    ]
    assert {bar.step_id for bar in drawn.bars} == {"b0#1"}


def test_a_pause_takes_no_working_time() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (2, StepCompleted("b0", 1, content="x")),
        (2, BranchMoved("b0", "B")),
        (2, RunPaused("lunch")),
        (3_602, RunResumed()),
        (3_602, StepScheduled("b0", 2, "B")),
        (3_603, StepCompleted("b0", 2, content="y")),
        (3_603, RunEnded("succeeded")),
    )
    assert list(drawn.pauses) == [(2, 3_602)]
    assert (drawn.end_s, drawn.span_s) == (3_603, 3)
    assert [drawn.worked_s(at) for at in (1, 2, 1_000, 3_602, 3_603)] == [1, 2, 2, 2, 3]
    assert [bar.kind for bar in drawn.bars] == ["step", "step"]


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_step_that_a_pause_or_a_crash_broke_off_ends_there(is_noted: bool) -> None:  # noqa: FBT001
    pause: list[tuple[float, Event]] = [(2, RunPaused("now"))] if is_noted else []
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (2, CheckpointCreated("here")),
        *pause,
        (100, RunResumed()),
        (100, StepScheduled("b0", 1, "A")),
        (101, StepCompleted("b0", 1, content="x")),
    )
    assert list(drawn.pauses) == [(2, 100)]
    assert seen(drawn)[-1] == ("b0", "A", 100, 101, "done")
    assert seen(drawn)[-2][-1] == "paused"


def test_a_step_that_ended_after_all_is_done() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (2, RunPaused("now")),
        (3, StepCompleted("b0", 1, content="x")),
    )
    assert [bar.state for bar in drawn.bars] == [NodeState.DONE]


def test_what_a_restore_left_behind_is_not_drawn() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (1, StepCompleted("b0", 1, content="x")),
        (1, BranchMoved("b0", "B")),
        (1, StepScheduled("b0", 2, "B")),
        (5, StepCompleted("b0", 2, content="y")),
        (50, Restored(5)),
        (60, RunResumed()),
        (60, StepScheduled("b0", 2, "B")),
        (61, StepCompleted("b0", 2, content="z")),
    )
    assert [bar[:4] for bar in seen(drawn)] == [("b0", "A", 0, 1), ("b0", "B", 60, 61)]
    assert list(drawn.pauses) == [(1, 60)]


def test_in_a_run_that_is_over_nothing_is_open() -> None:
    drawn = chart(history(*diamond()[:10], (4, StepFailed("b0.1", 1, "E", "x")), (4, RunEnded("failed", "x"))))
    assert [bar for bar in drawn.bars if bar.end_s is None] == []
    assert ("b0.0", "J", 3, 4, "waiting") in seen(drawn)


def test_a_caller_that_goes_on_has_waited() -> None:
    drawn = told(
        (0, StepScheduled("b0", 1, "A")),
        (1, StepCompleted("b0", 1, content="x")),
        (1, BranchForked("b0", n_called=1)),
        (1, BranchCreated("b0.0", "B", parent="b0", called=True)),
        (1, StepScheduled("b0.0", 1, "B")),
        (3, StepCompleted("b0.0", 1, content="y")),
        (3, BranchResumed("b0")),
        (3, StepScheduled("b0", 2, "A")),
        topology=CALLS,
    )
    assert ("b0", "A", 1, 3, "waiting") in seen(drawn)
    assert [bar.says for bar in drawn.bars if bar.kind == "wait"] == ["waits for an answer"]


async def test_the_bars_of_a_real_run_are_its_steps() -> None:
    result = await ran("User -> P -> A, B -> J -> User", A=[ValueError("no"), "a"])
    assert result.history is not None
    drawn = chart(result.history)
    steps = [bar.step_id for bar in drawn.bars if bar.kind == "step"]
    assert sorted(steps) == sorted(step.step_id for step in result.history.state.steps)
    assert all(bar.end_s is not None and bar.start_s <= bar.end_s <= drawn.end_s for bar in drawn.bars)


# --------------------------------------------------------------------------------------------------------- condensed


def test_a_small_chart_stays_as_it_is() -> None:
    drawn = chart(history(*diamond()))
    assert condensed(drawn) is drawn


def test_with_many_branches_a_lane_is_an_agent_and_those_that_worked_most_are_kept() -> None:
    drawn = condensed(chart(wide(100)))
    assert len(drawn.lanes) == 40
    assert drawn.lanes[:2] == ("P", "W0")
    assert drawn.n_left_out == 61
    assert drawn.links == ()


def test_steps_that_would_be_slivers_are_one_bar() -> None:
    drawn = condensed(chart(chain(4_800)))
    assert (drawn.lanes, len(drawn.bars)) == (("b0",), 240)
    assert (drawn.bars[0].agent, drawn.bars[0].says) == ("20 steps", "20 done")
    assert (drawn.bars[0].start_s, drawn.bars[0].end_s) == (0, 20)
    assert drawn.bars[-1].end_s == 4_800


def test_bars_apart_stay_apart_when_others_are_merged() -> None:
    bars = [Bar(0, "b0", "A", f"b0#{i}", i * 10.0, i * 10.0 + 1, NodeState.DONE, i) for i in range(3)]
    close = [Bar(1, "b1", "B", f"b1#{i}", i * 0.01, i * 0.01 + 0.01, NodeState.FAILED, i) for i in range(300)]
    drawn = condensed(Chart(("b0", "b1"), (*bars, *close), end_s=21.0))
    assert [bar.agent for bar in drawn.bars if bar.lane == 0] == ["A", "A", "A"]
    assert {bar.agent for bar in drawn.bars if bar.lane == 1} == {"B \u00d717", "B \u00d711"}
    assert {bar.state for bar in drawn.bars if bar.lane == 1} == {NodeState.FAILED}


def test_a_bar_says_what_it_shows() -> None:
    drawn = chart(history(*diamond()))
    assert spoken(drawn.bars[0], drawn) == "P · b0#1 · 1 s · done"
    assert spoken(drawn.bars[3], drawn) == "J · b0.0#1 · 3 s · waits for others at J"


@pytest.mark.parametrize("span_s", [0.0, 1e-7, 0.003, 0.7, 8, 59, 3_000, 86_400, 1e9])
def test_an_axis_has_a_few_round_marks(span_s: float) -> None:
    marks = ticks(span_s)
    assert marks[0] == 0
    assert len(marks) <= 10
    assert all(mark <= span_s * 1.001 for mark in marks)
    assert len({tick_text(mark) for mark in marks}) == len(marks)


def test_ten_thousand_events_are_a_chart() -> None:
    drawn = chart(chain(3_400))
    assert len(drawn.bars) == 3_400
