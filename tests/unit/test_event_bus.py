"""Listeners watch and have no say."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from mars_nb import EventBus, MarsError, Orchestra
from mars_nb.events import BranchMoved, RunEnded, StepCompleted, StepScheduled
from mars_nb.testing import PlainAgent

MOVED = BranchMoved("b0", "Writer")


def heard_by(event_type: str | type, *events: Any) -> list[Any]:
    bus = EventBus()
    heard: list[Any] = []
    bus.subscribe(event_type, heard.append)
    for event in events:
        bus.publish(event)
    return heard


def test_a_listener_hears_the_type_it_asked_for_by_name_or_by_class() -> None:
    ended = RunEnded("succeeded")
    assert heard_by("BranchMoved", MOVED, ended) == [MOVED]
    assert heard_by(RunEnded, MOVED, ended) == [ended]


def test_a_star_hears_everything_and_a_family_its_members() -> None:
    done = StepCompleted("b0", 1, "x")
    assert heard_by("*", MOVED, done) == [MOVED, done]
    assert heard_by("StepEvent", MOVED, done) == [done]
    assert heard_by("BranchEvent", MOVED, done) == [MOVED]


def test_listeners_are_told_in_the_order_in_which_they_subscribed() -> None:
    bus = EventBus()
    heard: list[Any] = []
    bus.subscribe("*", lambda _event: heard.append("first"))
    bus.subscribe("BranchMoved", lambda _event: heard.append("second"))
    bus.publish(MOVED)
    assert heard == ["first", "second"]


def test_a_subscription_ends_when_asked_and_ending_it_twice_is_harmless() -> None:
    bus = EventBus()
    heard: list[Any] = []
    stop = bus.subscribe("*", heard.append)
    stop()
    stop()
    bus.unsubscribe("*", heard.append)
    bus.publish(MOVED)
    assert heard == []


def test_an_unknown_event_is_an_error_that_suggests_the_nearest() -> None:
    with pytest.raises(MarsError, match=r"there is no event 'StepComplete'; .* did you mean 'StepCompleted'\?"):
        EventBus().subscribe("StepComplete", print)


def test_a_listener_that_cannot_be_called_is_an_error() -> None:
    with pytest.raises(MarsError, match="a listener is a function"):
        EventBus().subscribe("*", "print")  # type: ignore[arg-type]


async def test_a_failing_listener_is_reported_once_and_never_hurts_the_run(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_event: object) -> None:
        raise ValueError("no such luck")

    PlainAgent("A")
    orchestra = Orchestra()
    orchestra.event_bus.subscribe("StepEvent", fail)
    with caplog.at_level(logging.ERROR):
        result = await orchestra.execute("task", "User -> A -> User")
    assert result.success
    assert [str(error) for _, error in orchestra.event_bus.failures] == ["no such luck"] * 2
    assert len(caplog.records) == 1
    assert "no such luck" in caplog.text


async def test_an_async_listener_runs_beside_the_agents_and_its_failure_is_reported() -> None:
    bus = EventBus()
    heard: list[Any] = []

    async def listen(event: object) -> None:
        heard.append(event)
        raise ValueError("later")

    bus.subscribe("*", listen)
    bus.publish(MOVED)
    assert heard == []
    for _ in range(3):
        await asyncio.sleep(0)
    assert heard == [MOVED]
    assert [str(error) for _, error in bus.failures] == ["later"]


async def test_events_that_a_listener_causes_are_published_after_those_that_caused_them() -> None:
    PlainAgent("A")
    PlainAgent("B")
    orchestra = Orchestra()
    order: list[str] = []

    def listen(event: object) -> None:
        order.append(type(event).__name__)

    orchestra.event_bus.subscribe("*", listen)
    await orchestra.execute("task", "User -> A -> B -> User")
    assert order[:3] == ["RunStarted", "BranchCreated", "StepScheduled"]
    assert order[-1] == "RunEnded"
    assert StepScheduled.__name__ in order
