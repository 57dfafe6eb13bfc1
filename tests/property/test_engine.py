"""What holds on every topology: the engine against a naive model, against itself, and against a recount.

The engine is driven by hand: of the steps that run and the question that is open, the test says which is over next. A
failing property prints the case and the journal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, note, settings
from hypothesis import strategies as st

from mars_nb.engine.folding import fold
from mars_nb.errors import TopologyError
from mars_nb.events import BranchCreated, BranchesJoined
from mars_nb.topology.graph import TopologyAnalyzer
from mars_nb.topology.model import Topology
from mars_nb.views.answer import responses
from tests.property.driver import Driver
from tests.property.model import Model
from tests.property.recount import counted, recounted
from tests.property.topologies import Case, acyclic_topologies, any_topologies, cases

if TYPE_CHECKING:
    from mars_nb.engine.state import RunState

MAX_STEPS = 40
"""Steps after which a case that goes round and round has shown enough."""

WELL_BEHAVED = ("plain", "plain", "invoke", "parallel", "final", "ask")
FALLIBLE = ("plain", "plain", "plain", "parallel", "raise")
ORDERS = st.integers(0, 1_000)


def examples(n: int) -> settings:
    """Look at so many examples in CI, and at fewer elsewhere."""
    profile = settings.get_profile(settings.get_current_profile_name())
    return settings(max_examples=max(1, n * profile.max_examples // 200))


def played(case: Case, **options: Any) -> Driver:
    """Let a case run to its end, or until it has shown enough."""
    driver = Driver(case.reply(), case.person(), after_each=options.pop("after_each", None))
    try:
        go_on(begun(driver, case, **options), case.order)
    finally:
        note(driver.journal())
    return driver


def begun(driver: Driver, case: Case, **options: Any) -> Driver:
    driver.begin(case.topology, "TASK", **{"max_steps": 1_000, **options})
    return driver


def go_on(driver: Driver, order: int) -> None:
    while driver.choices() and len(driver.steps) < MAX_STEPS:
        driver.happen(driver.pick(order))


def is_sound(case: Case) -> bool:
    try:
        return bool(case.graph)
    except TopologyError:
        return False


def sound_cases(**options: Any) -> st.SearchStrategy[Case]:
    return cases(**options).filter(is_sound)


def outcome(driver: Driver) -> dict[str, Any]:
    """Give what must not depend on who is faster."""
    return {
        "status": driver.state.status,
        "error": driver.state.error,
        "steps": {step.id: (step.agent, step.request, step.memory) for step in driver.steps},
        "failures": driver.failures,
        "final response": driver.final_response(),
        "responses": responses(driver.state),
    }


# -------------------------------------------------------------------------------------------- plain agents, no cycles


@examples(400)
@given(acyclic_topologies(), ORDERS)
def test_plain_agents_without_cycles_run_once_each(topology: str, order: int) -> None:
    driver = played(Case(topology, {}, order=order))
    agents = TopologyAnalyzer().analyze(Topology.from_text(topology)).agents
    assert driver.state.status == "succeeded"
    assert sorted(step.agent for step in driver.steps) == sorted(agents)


@examples(300)
@given(acyclic_topologies(), ORDERS, ORDERS)
def test_who_is_faster_makes_no_difference_to_plain_agents_without_cycles(topology: str, one: int, other: int) -> None:
    assert outcome(played(Case(topology, {}, order=one))) == outcome(played(Case(topology, {}, order=other)))


@examples(300)
@given(sound_cases(acyclic=True, kinds=("plain", "plain", "raise")), ORDERS)
def test_who_is_faster_makes_no_difference_where_agents_fail_and_quorums_forgive(case: Case, order: int) -> None:
    other = Case(case.topology, case.script, case.has_person, order)
    assert outcome(played(case)) == outcome(played(other))


# ------------------------------------------------------------------------------------------------------- nothing hangs


@examples(400)
@given(sound_cases(), st.integers(1, 12), st.sampled_from(["", "\nmax_parallel(1)", "\nmax_parallel(2)"]))
def test_something_runs_or_is_asked_or_the_run_is_over(case: Case, max_steps: int, rule: str) -> None:
    limited = Case(case.topology + rule, case.script, case.has_person, case.order)
    driver = played(limited, max_steps=max_steps, max_branches=20)
    assert driver.state.n_completed <= max_steps
    assert driver.state.status in {"succeeded", "failed"} or len(driver.steps) == MAX_STEPS


# ------------------------------------------------------------------------------------------------------------ the model


def assert_same(driver: Driver, model: Model, case: Case) -> None:
    """Let both go on in the same order, and compare them at every step."""
    while driver.choices() and len(driver.steps) < MAX_STEPS:
        choice = driver.pick(case.order)
        driver.happen(choice)
        model.happen(choice)
        assert driver.steps[-1:] == model.steps[-1:]
        assert driver.choices() == model.choices()
    if not driver.choices():
        assert (driver.state.status == "succeeded") == model.success()
        assert not model.success() or driver.final_response() == model.final_response()


def compare_with_model(case: Case) -> None:
    driver, model = Driver(case.reply(), case.person()), Model(case.graph, case.reply(), case.person())
    model.max_steps = 1_000
    try:
        begun(driver, case)
        model.begin("TASK")
        assert driver.choices() == model.choices()
        assert_same(driver, model, case)
    finally:
        note(driver.journal())


@examples(500)
@given(sound_cases())
def test_the_engine_does_what_the_model_does(case: Case) -> None:
    compare_with_model(case)


@examples(300)
@given(any_topologies(max_agents=7), ORDERS, st.booleans())
def test_plain_agents_do_what_the_model_does(topology: str, order: int, has_person: bool) -> None:  # noqa: FBT001
    case = Case(topology, {}, has_person, order)
    assume(is_sound(case))
    compare_with_model(case)


@examples(300)
@given(sound_cases(acyclic=True, kinds=FALLIBLE))
def test_failures_climb_and_are_settled_as_in_the_model(case: Case) -> None:
    compare_with_model(case)


# ------------------------------------------------------------------------------------------------- limits, fold, index


@examples(200)
@given(sound_cases(kinds=WELL_BEHAVED))
def test_max_steps_is_exact(case: Case) -> None:
    driver = played(case)
    needed = driver.state.n_completed
    assume(driver.state.status == "succeeded" and len(driver.steps) == needed > 1)
    enough = played(case, max_steps=needed)
    assert outcome(enough) == outcome(driver)
    short = played(case, max_steps=needed - 1)
    assert (short.state.status, short.state.n_completed) == ("failed", needed - 1)
    assert "max_steps" in str(short.state.error)


@examples(200)
@given(sound_cases())
def test_the_state_is_the_fold_of_the_events(case: Case) -> None:
    driver = played(case)
    folded = fold(enumerate(driver.events, 1)).state
    assert {branch.id: standing(branch) for branch in folded.branches.values()} == {
        branch.id: standing(branch) for branch in driver.state.branches.values()
    }
    assert (folded.status, folded.error) == (driver.state.status, driver.state.error)
    assert responses(folded) == responses(driver.state)


def standing(branch: Any) -> tuple[Any, ...]:
    memory = {agent: exchange.messages() for agent, exchange in branch.memory.items()}
    return (branch.state, branch.agent, branch.request, branch.said, branch.ended, branch.error, memory)


def check_counts(state: RunState) -> None:
    assert counted(state) == recounted(state)


@examples(200)
@given(sound_cases())
def test_every_count_is_what_a_recount_gives_after_every_event(case: Case) -> None:
    played(case, after_each=check_counts)


@examples(200)
@given(sound_cases(acyclic=True, kinds=FALLIBLE))
def test_every_count_is_right_where_agents_fail_and_quorums_forgive(case: Case) -> None:
    played(case, after_each=check_counts)


# --------------------------------------------------------------------------------------------------------------- memory


@examples(200)
@given(sound_cases(kinds=WELL_BEHAVED))
def test_an_agent_remembers_only_what_was_said_in_its_lineage(case: Case) -> None:
    """A step of another branch is remembered only where that branch is an ancestor, in the same frame."""
    case = Case(case.topology, {}, case.has_person, case.order)
    driver = played(case)
    before = ancestors(driver)
    for step in driver.steps:
        branch = step.id.partition("#")[0]
        for _, reply in step.memory:
            assert reply.rpartition(" in ")[2].partition("#")[0] in before[branch]
            assert reply.startswith(f"{step.agent} in ")


def ancestors(driver: Driver) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in driver.events:
        match event:
            case BranchCreated(branch=name, parent=parent, called=called):
                found[name] = {name} if parent is None or called else {name, *found[parent]}
            case BranchesJoined(branch=name, joined=joined):
                found[name] = {name}.union(*(found[arm] for arm in joined))
            case _:
                pass
    return found


@examples(100)
@given(acyclic_topologies())
def test_without_cycles_nobody_has_a_memory(topology: str) -> None:
    assert all(step.memory == () for step in played(Case(topology, {})).steps)
