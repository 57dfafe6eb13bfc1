"""A run as a whole: limits in money and tokens, pauses, deadlines, questions that wait, and what the shell sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb.actions import AskUser, Final, Invoke
from mars_nb.engine.machine import evolve, route, settle
from mars_nb.engine.routing import Router
from mars_nb.engine.spawning import DynamicBranchSpawner
from mars_nb.events import (
    BranchEnded,
    BranchMoved,
    CheckpointCreated,
    DeadlinePassed,
    PauseRequested,
    QuestionAnswered,
    Restored,
    RunEnded,
    RunPaused,
    RunResumed,
    StepCompleted,
    StepCorrected,
    StepFailed,
    StepScheduled,
    TopologyChanged,
)
from tests.property.driver import Driver
from tests.unit.engine.play import Replies, Script, play

if TYPE_CHECKING:
    from collections.abc import Callable


def begun(topology: str, replies: Replies | None = None, person: Callable[[str], str] | None = None) -> Driver:
    driver = Driver(Script(replies or {}), person)
    driver.begin(topology, "TASK")
    return driver


def finish(driver: Driver) -> Driver:
    while driver.choices():
        driver.happen(driver.choices()[0])
    return driver


def complete(driver: Driver, step: str, *, n_tokens: int = 0, cost_usd: float = 0.0) -> None:
    """Complete a step that cost something."""
    asked = driver.running.pop(step)
    spent = StepCompleted(asked.branch, asked.step, content="text", n_output_tokens=n_tokens, cost_usd=cost_usd)
    driver.tell(spent)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("budget(0.5)", "budget(0.5) reached: $0.6000 are spent"),
        ("max_tokens(10)", "max_tokens(10) reached: 11 tokens are used"),
    ],
)
def test_a_limit_ends_the_run_before_the_next_step(rule: str, message: str) -> None:
    driver = begun(f"User -> A -> B\n{rule}")
    complete(driver, "b0#1", n_tokens=11, cost_usd=0.6)
    assert driver.state.status == "failed"
    assert message in str(driver.state.error)


def test_a_limit_that_is_reached_by_the_last_step_does_no_harm() -> None:
    driver = begun("User -> A\nbudget(0.5)")
    complete(driver, "b0#1", cost_usd=0.6)
    assert driver.state.status == "succeeded"


def test_a_run_with_a_raised_limit_goes_on_from_the_same_place() -> None:
    driver = begun("User -> A -> B -> C\nmax_steps(2)")
    finish(driver)
    assert driver.state.status == "failed"
    driver.tell(TopologyChanged(topology="User -> A -> B -> C\nmax_steps(3)", max_steps=3), RunResumed())
    assert [step.agent for step in finish(driver).steps] == ["A", "B", "C"]
    assert driver.final_response() == "C#1"


def test_a_deadline_ends_the_run() -> None:
    driver = begun("User -> A -> B")
    driver.tell(DeadlinePassed(2.5))
    assert driver.state.error == "timeout(2.5) reached: the run worked for 2.5 s"
    assert settle(driver.state) == ()


def test_a_pause_lets_running_steps_finish_and_starts_no_other() -> None:
    driver = begun("User -> A\nA -> B, C\nB -> D")
    driver.happen("b0#1")
    driver.tell(PauseRequested("a look"))
    driver.happen("b0.0#1")
    driver.happen("b0.1#1")
    assert isinstance(driver.events[-1], RunPaused)
    driver.tell(RunResumed())
    assert [step.agent for step in finish(driver).steps] == ["A", "B", "C", "D"]


def test_a_pause_at_once_asks_running_steps_again() -> None:
    driver = begun("User -> A -> B")
    driver.tell(PauseRequested("now", now=True))
    assert driver.state.status == "paused"
    driver.running.clear()
    driver.tell(RunResumed())
    assert [event.step_id for event in driver.events if isinstance(event, StepScheduled)] == ["b0#1", "b0#1"]


def test_pause_before_an_agent_holds_the_run_once() -> None:
    driver = begun("User -> A -> B -> C\npause_before(B)")
    finish(driver)
    assert (driver.state.status, driver.state.pause_reason) == ("paused", "pause_before(B)")
    driver.tell(RunResumed())
    assert finish(driver).state.status == "succeeded"


def test_pause_before_an_agent_that_would_start_at_once_holds_it_too() -> None:
    driver = begun("User -> A\nA -> B, C\nC -> B\npause_before(B)")
    finish(driver)
    assert [step.agent for step in driver.steps] == ["A", "C"]


def test_a_question_waits_in_a_paused_run_when_nobody_is_there() -> None:
    driver = begun("User -> A -> User", {"A": [AskUser("colour?"), Final("done")]}, person=str)
    driver.state.has_person = False
    driver.happen("b0#1")
    assert isinstance(driver.events[-1], RunPaused)
    assert "A asks a person, and nobody can be reached" in driver.state.pause_reason
    driver.tell(RunResumed(has_person=True))
    driver.tell(QuestionAnswered("b0", "blue"))
    assert [step.request for step in finish(driver).steps] == ["TASK", "blue"]


def test_a_failure_that_forbids_a_retry_is_final() -> None:
    driver = begun("User -> A\nretry(A, 3)")
    driver.running.clear()
    driver.tell(StepFailed("b0", 1, "NobodyToAsk", "no reply could help", final=True))
    assert driver.state.status == "failed"


def test_a_correction_belongs_to_its_step() -> None:
    driver = begun("User -> A")
    driver.tell(StepCorrected("b0", 1, "ask B instead"))
    trace = driver.state.steps[0]
    assert (trace.step_id, trace.n_corrections, trace.status) == ("b0#1", 1, "running")


def test_names_for_positions_change_nothing() -> None:
    driver = begun("User -> A -> B")
    evolve(driver.state, CheckpointCreated("here"))
    assert driver.state.status == "running"
    evolve(driver.state, Restored(2))
    assert driver.state.status == "paused"
    assert route(driver.state, Restored(2)) == ()


def test_a_cancelled_run_keeps_what_it_has() -> None:
    driver = begun("User -> A -> B")
    driver.happen("b0#1")
    driver.tell(RunEnded("cancelled", "the run was cancelled"))
    assert (driver.state.status, driver.state.n_completed) == ("cancelled", 1)


def test_the_router_and_the_spawner_give_the_events_that_follow() -> None:
    state = play("User -> A\nA <-> B\nA <-> C\nB -> User", {"A": [Invoke("B", "you")]}).state
    branch = state.branches["b0"]
    assert Router(state).route(branch) == (BranchEnded("b0", "delivered"),)
    names = [type(event).__name__ for event in DynamicBranchSpawner(state).spawn(branch, ["A", "User"])]
    assert names == ["ContentDelivered", "BranchForked", "BranchCreated"]
    branch.action = Invoke("A", "back")
    assert Router(state).route(branch) == (BranchMoved("b0", "A"),)


def test_a_branch_shows_where_it_stands() -> None:
    branch = play("User -> A").state.branches["b0"]
    assert repr(branch) == "<ExecutionBranch b0 at 'A': ended>"
