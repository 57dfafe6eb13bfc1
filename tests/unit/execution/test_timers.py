"""Deadlines wait in one heap; alarms ring unless the run is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from mars_nb.execution.branch import Job
from mars_nb.execution.timers import LONGEST_PAUSE_S, Alarms, Deadlines, retry_pause_s

if TYPE_CHECKING:
    import asyncio


class HandClock:
    """A loop whose time is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Any]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, act: Any) -> HandTimer:
        timer = HandTimer()
        self.due.append((when, (timer, act)))
        return timer

    def call_later(self, seconds: float, act: Any) -> HandTimer:
        return self.call_at(self.now + seconds, act)

    def move_to(self, now: float) -> None:
        self.now = now
        ripe = sorted((each for each in self.due if each[0] <= now), key=lambda each: each[0])
        self.due = [each for each in self.due if each[0] > now]
        for _, (timer, act) in ripe:
            if not timer.is_cancelled:
                act()


class HandTimer:
    def __init__(self) -> None:
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Watched(Job):
    def __init__(self) -> None:
        super().__init__()
        self.n_expired = 0

    def expire(self) -> None:
        self.n_expired += 1


def clock_and_deadlines() -> tuple[HandClock, Deadlines]:
    clock = HandClock()
    return clock, Deadlines(cast("asyncio.AbstractEventLoop", clock))


def test_a_step_that_is_still_running_at_its_deadline_is_stopped() -> None:
    clock, deadlines = clock_and_deadlines()
    job = Watched()
    deadlines.add(job, 1.0)
    clock.move_to(0.9)
    assert job.n_expired == 0
    clock.move_to(1.0)
    assert job.n_expired == 1


def test_a_deadline_of_an_earlier_step_is_void() -> None:
    clock, deadlines = clock_and_deadlines()
    job = Watched()
    deadlines.add(job, 1.0)
    job.serial += 1
    clock.move_to(2.0)
    assert job.n_expired == 0


def test_an_earlier_deadline_that_is_added_later_still_comes_first() -> None:
    clock, deadlines = clock_and_deadlines()
    slow, fast = Watched(), Watched()
    deadlines.add(slow, 5.0)
    deadlines.add(fast, 1.0)
    clock.move_to(1.0)
    assert (slow.n_expired, fast.n_expired) == (0, 1)
    clock.move_to(5.0)
    assert (slow.n_expired, fast.n_expired) == (1, 1)


def test_deadlines_of_one_moment_do_not_get_in_each_others_way() -> None:
    clock, deadlines = clock_and_deadlines()
    jobs = [Watched() for _ in range(5)]
    for job in jobs:
        deadlines.add(job, 1.0)
    clock.move_to(1.0)
    assert [job.n_expired for job in jobs] == [1] * 5


def test_deadlines_of_steps_that_are_over_do_not_pile_up() -> None:
    _clock, deadlines = clock_and_deadlines()
    job = Watched()
    for _ in range(5_000):
        deadlines.add(job, 10.0)
        job.serial += 1
    assert len(deadlines._heap) <= 1_001


def test_closed_deadlines_stop_nobody() -> None:
    clock, deadlines = clock_and_deadlines()
    job = Watched()
    deadlines.add(job, 1.0)
    deadlines.close()
    clock.move_to(2.0)
    assert job.n_expired == 0


def test_an_alarm_rings_once_and_not_after_it_was_closed() -> None:
    clock = HandClock()
    alarms = Alarms(cast("asyncio.AbstractEventLoop", clock))
    rung: list[str] = []
    alarms.after(1.0, lambda: rung.append("first"))
    alarms.after(3.0, lambda: rung.append("second"))
    clock.move_to(1.0)
    alarms.close()
    clock.move_to(5.0)
    assert rung == ["first"]


@pytest.mark.parametrize(("attempt", "most_s"), [(1, 0.1), (2, 0.2), (4, 0.8), (30, LONGEST_PAUSE_S)])
def test_the_pause_before_a_retry_doubles_up_to_a_limit_and_has_jitter(attempt: int, most_s: float) -> None:
    pauses = {retry_pause_s(attempt) for _ in range(20)}
    assert all(most_s / 2 <= pause <= most_s for pause in pauses)
    assert len(pauses) > 1
