"""What an onlooker notices: the time at work, lanes, checkpoints, who speaks."""

from __future__ import annotations

import pytest

from mars_nb import Invoke
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


def test_a_run_that_nobody_carries_on_worked_until_its_last_event() -> None:
    onlooker = shown((10, START), (13, StepScheduled("b0", 1, "A")))
    onlooker.leave_off()
    assert (onlooker.worked_s(600), onlooker.is_at_work) == (3, False)


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


def test_nobody_takes_the_lane_of_a_step_that_may_be_tried_again() -> None:
    onlooker = shown(
        (1, START),
        (2, StepScheduled("b0.0", 1, "A")),
        (3, StepFailed("b0.0", 1, "E", "no")),
        (3, StepScheduled("b0.1", 1, "B")),
        (4, StepScheduled("b0.0", 1, "A", 2)),
    )
    assert onlooker.lanes == {("b0.0", 1): 0, ("b0.1", 1): 1}


def test_steps_that_are_done_again_after_a_restore_have_lanes_of_their_own() -> None:
    both = (
        (StepScheduled("b0.0", 1, "A"), StepCompleted("b0.0", 1, "a")),
        (
            StepScheduled("b0.1", 1, "B"),
            StepCompleted("b0.1", 1, "b"),
        ),
    )
    one_after_another = [(at, event) for at, event in enumerate([each for pair in both for each in pair], start=2)]
    at_once = [(11, both[1][0]), (12, both[0][0])]
    onlooker = shown((1, START), *one_after_another, (9, Restored(1)), (10, RunResumed()), *at_once)
    assert onlooker.lanes == {("b0.1", 1): 0, ("b0.0", 1): 1}


def test_after_a_restore_nobody_has_spoken_yet() -> None:
    said = (2, StepScheduled("b0", 1, "A")), (3, StepCompleted("b0", 1, "later undone"))
    assert shown((1, START), *said, (9, Restored(1))).speaker is None


def test_words_that_are_streamed_have_no_number_and_are_kept_at_their_end() -> None:
    onlooker = shown((1, START), (2, StepScheduled("b0", 1, "A")))
    for word in ("one ", "two ", "x" * SPOKEN_LENGTH):
        onlooker.note(StepStreamed("b0", 1, "A", word), 3)
    assert onlooker.seq == 2
    assert onlooker.speaker is not None
    assert (onlooker.speaker.agent, onlooker.speaker.is_live) == ("A", True)
    assert onlooker.speaker.said == "x" * SPOKEN_LENGTH


def two_speak(*spoken: tuple[float, str, str]) -> Onlooker:
    """Let two agents stream words at some times."""
    onlooker = shown((1, START), (2, StepScheduled("b0.0", 1, "A")), (2, StepScheduled("b0.1", 1, "B")))
    for at, branch, word in spoken:
        onlooker.note(StepStreamed(branch, 1, "A" if branch == "b0.0" else "B", word), at)
    return onlooker


def said(onlooker: Onlooker) -> tuple[str, str, bool]:
    assert onlooker.speaker is not None
    return onlooker.speaker.agent, onlooker.speaker.said, onlooker.speaker.is_live


def test_the_next_response_within_a_step_does_not_go_on_from_the_one_before() -> None:
    onlooker = Onlooker()
    onlooker.note(StepScheduled("b0", 1, "A"), 2)
    onlooker.note(StepStreamed("b0", 1, "A", "let me see"), 3)
    onlooker.note(ModelResponded("b0", 1, "let me see"), 3)
    onlooker.note(StepStreamed("b0", 1, "A", "it rains"), 4)
    assert onlooker.speaker is not None
    assert onlooker.speaker.said == "it rains"


def test_of_two_who_speak_at_once_one_is_shown_until_it_has_finished() -> None:
    onlooker = two_speak((3, "b0.0", "one "), (3.1, "b0.1", "uno "), (3.2, "b0.0", "two"), (3.3, "b0.1", "due "))
    assert said(onlooker) == ("A", "one two", True)
    onlooker.note(StepCompleted("b0.0", 1, "one two"), 3.4)
    assert said(onlooker) == ("A", "one two", False)
    onlooker.note(StepStreamed("b0.1", 1, "B", "tre"), 3.5)
    assert said(onlooker) == ("B", "uno due tre", True)


def test_who_is_silent_for_a_while_is_interrupted_and_nothing_said_is_lost() -> None:
    onlooker = two_speak((3, "b0.0", "one "), (6, "b0.1", "uno "))
    assert said(onlooker) == ("B", "uno ", True)
    onlooker.note(StepCompleted("b0.1", 1, "uno due"), 6.1)
    onlooker.note(StepStreamed("b0.0", 1, "A", "two"), 6.2)
    assert said(onlooker) == ("A", "one two", True)


def test_who_has_finished_does_not_interrupt_and_who_has_failed_speaks_no_longer() -> None:
    onlooker = two_speak((3, "b0.0", "one "))
    onlooker.note(StepCompleted("b0.1", 1, "done"), 3.1)
    assert said(onlooker) == ("A", "one ", True)
    onlooker.note(StepFailed("b0.0", 1, "E", "no"), 3.2)
    assert said(onlooker) == ("A", "one ", False)


def test_who_has_replied_has_spoken_also_by_an_action() -> None:
    onlooker = shown(
        (1, START), (2, StepScheduled("b0", 1, "A")), (3, StepCompleted("b0", 1, None, Invoke("B", "do it")))
    )
    assert onlooker.speaker is not None
    assert (onlooker.speaker.said, onlooker.speaker.began_at, onlooker.speaker.is_live) == ("do it", 2, False)


def test_a_checkpoint_names_the_position_before_it() -> None:
    records = [Record(1, 1.0, START), Record(2, 2.0, CheckpointCreated("here"))]
    assert Onlooker.of(records).marks == {"here": 1}
