"""What an onlooker notices: the time at work, lanes, checkpoints, who speaks."""

from __future__ import annotations

import pytest

from mars_nb import Invoke
from mars_nb.events import (
    CheckpointCreated,
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
from mars_nb.state.record import Record
from mars_nb.views.onlooker import SPOKEN_LENGTH, Onlooker

START = RunStarted(task="x", topology="User -> A -> User")


def shown(*events: tuple[float, object]) -> Onlooker:
    onlooker = Onlooker()
    for at, event in events:
        onlooker.note(event, at)
    return onlooker


def test_the_clock_stands_still_while_the_run_does() -> None:
    onlooker = shown((10, START), (14, RunPaused("lunch")), (100, RunResumed()), (103, RunEnded("succeeded")))
    assert [onlooker.worked_s(at) for at in (10, 12, 14, 99, 101, 103, 500)] == [0, 2, 4, 4, 5, 7, 7]
    assert not onlooker.is_at_work


def test_the_clock_of_a_run_goes_on_after_its_last_event() -> None:
    onlooker = shown((10, START))
    assert (onlooker.worked_s(25), onlooker.is_at_work) == (15, True)


def test_a_process_that_died_worked_until_its_last_event() -> None:
    onlooker = shown((10, START), (13, StepScheduled("b0", 1, "A")), (500, RunResumed()), (502, RunPaused("")))
    assert onlooker.worked_s(600) == pytest.approx(5)


def test_a_restore_stops_the_clock_where_the_last_event_was() -> None:
    onlooker = shown((10, START), (12, RunPaused("")), (90, Restored(1)))
    assert onlooker.worked_s(100) == 2


def test_steps_that_overlap_have_lanes_of_their_own_and_later_ones_take_free_lanes() -> None:
    onlooker = shown(
        (1, START),
        (2, StepScheduled("b0.0", 1, "A")),
        (2, StepScheduled("b0.1", 1, "B")),
        (3, StepCompleted("b0.0", 1, "done")),
        (3, StepScheduled("b0.2", 1, "C")),
    )
    assert onlooker.lanes == {("b0.0", 1): 0, ("b0.1", 1): 1, ("b0.2", 1): 0}
    assert onlooker.n_lanes == 2


def test_a_retried_step_keeps_its_lane() -> None:
    step = StepScheduled("b0", 1, "A")
    onlooker = shown((1, START), (2, step), (3, StepFailed("b0", 1, "E", "no")), (4, StepScheduled("b0", 1, "A", 2)))
    assert onlooker.lanes == {("b0", 1): 0}


def test_words_that_are_streamed_have_no_number_and_are_kept_at_their_end() -> None:
    onlooker = shown((1, START), (2, StepScheduled("b0", 1, "A")))
    for word in ("one ", "two ", "x" * SPOKEN_LENGTH):
        onlooker.note(StepStreamed("b0", 1, "A", word), 3)
    assert onlooker.seq == 2
    assert onlooker.speaker is not None
    assert (onlooker.speaker.agent, onlooker.speaker.is_live) == ("A", True)
    assert onlooker.speaker.said == "x" * SPOKEN_LENGTH


def test_who_has_replied_has_spoken_also_by_an_action() -> None:
    onlooker = shown(
        (1, START), (2, StepScheduled("b0", 1, "A")), (3, StepCompleted("b0", 1, None, Invoke("B", "do it")))
    )
    assert onlooker.speaker is not None
    assert (onlooker.speaker.said, onlooker.speaker.began_at, onlooker.speaker.is_live) == ("do it", 2, False)


def test_a_checkpoint_names_the_position_before_it() -> None:
    records = [Record(1, 1.0, START), Record(2, 2.0, CheckpointCreated("here"))]
    assert Onlooker.of(records).marks == {"here": 1}
