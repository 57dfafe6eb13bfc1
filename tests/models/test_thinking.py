"""How an agent that a model speaks for comes to a reply: tools, corrections, people, limits, and going on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable  # noqa: TC003 (a tool's hints are read when it is made)
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel

from mars_nb import (
    Agent,
    AgentError,
    AgentRegistry,
    FileStorageBackend,
    ModelError,
    ModelUnavailable,
    Orchestra,
    RuleError,
    ScriptedModel,
    StateManager,
    StepContext,
    Tool,
    tool,
)
from mars_nb.agents import providers
from mars_nb.agents.dialogue import ModelResponse, ToolSaid, UserSaid
from mars_nb.agents.models import ModelConfig
from mars_nb.events import ModelResponded, ToolReturned
from mars_nb.testing.model import call

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb import OrchestraResult, Session

PAIR = "User -> Writer -> User"
LOOP = "User -> Writer\nWriter <-> Reviewer\nWriter -> User"


class Ledger:
    """Tools that note each time they are called."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def look_up(self, word: str, times: int = 1) -> str:
        """Look a word up."""
        self.calls.append(word)
        return f"{word} x{times}"

    def pay(self, amount: int) -> str:
        """Pay somebody."""
        self.calls.append(amount)
        return f"paid {amount}"


def writer(lines: Any, registry: AgentRegistry | None = None, **more: Any) -> tuple[AgentRegistry, ScriptedModel]:
    registry = AgentRegistry() if registry is None else registry
    model = lines if isinstance(lines, ScriptedModel) else ScriptedModel(lines)
    Agent(model, "Writer", registry=registry, **more)
    return registry, model


async def wrote(lines: Any, drawn: str = PAIR, user: Any = None, **more: Any) -> tuple[OrchestraResult, ScriptedModel]:
    registry, model = writer(lines, **more)
    return await Orchestra.run("write", drawn, registry, user=user), model


async def session(folder: Path, registry: AgentRegistry, drawn: str = PAIR, **more: Any) -> Session:
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(folder)))
    made = await orchestra.create_session("write", session_id="s", **more)
    await made.run(drawn)
    return made


# --------------------------------------------------------------------------------------------------------- tools


def takes_a_function(function: Callable[[], int]) -> int:
    """Take what no model can give."""
    return function()


_NOTHING = object()


def odd_names(schema: str, model_config: int, copy: Any = _NOTHING, _hidden: Literal["a", "b"] = "a") -> str:
    """Have parameters that pydantic's models have, too."""
    return f"{schema} {model_config} {copy is _NOTHING} {_hidden}"


async def test_a_tool_may_name_its_parameters_as_it_likes() -> None:
    result, model = await wrote([call("odd_names", schema="s", model_config="2", _hidden="b"), "ok"], tools=[odd_names])
    assert result.success
    assert model.requests[1].turns[-1].content == "s 2 True b"  # type: ignore[union-attr]
    parameters = model.requests[0].tools[0].parameters
    assert list(parameters["properties"]) == ["schema", "model_config", "copy", "_hidden"]
    assert parameters["properties"]["_hidden"] == {"default": "a", "enum": ["a", "b"], "type": "string"}
    assert parameters["required"] == ["schema", "model_config"]


async def test_a_model_calls_a_tool_and_replies_with_what_it_heard() -> None:
    ledger = Ledger()
    result, model = await wrote([call("look_up", word="mars", times=2), "done"], tools=[ledger.look_up])
    assert (result.final_response, ledger.calls) == ("done", ["mars"])
    last = model.requests[1].turns[-1]
    assert isinstance(last, ToolSaid)
    assert (last.content, last.is_error) == ("mars x2", False)
    assert model.requests[0].tools[0].parameters["required"] == ["word"]


async def test_wrong_arguments_are_told_to_the_model_and_the_tool_does_not_run() -> None:
    ledger = Ledger()
    result, model = await wrote(
        [call("look_up", wort="mars"), call("look_up", word="mars"), "ok"], tools=[ledger.look_up]
    )
    assert (result.final_response, ledger.calls) == ("ok", ["mars"])
    told = model.requests[1].turns[-1]
    assert isinstance(told, ToolSaid)
    assert told.is_error
    assert "'word': Field required" in told.content


async def test_a_tool_that_raises_is_told_to_the_model() -> None:
    def broken() -> None:
        raise ZeroDivisionError("by nothing")

    result, model = await wrote([call("broken"), "so be it"], tools=[broken])
    told = model.requests[1].turns[-1]
    assert result.success
    assert isinstance(told, ToolSaid)
    assert told.content == "ZeroDivisionError: by nothing"


async def test_tools_called_together_run_together() -> None:
    both = asyncio.Barrier(2)

    async def meet() -> str:
        await both.wait()
        return "met"

    result, _ = await wrote([[call("meet"), call("meet")], "both met"], tools=[meet])
    assert result.final_response == "both met"


async def test_a_tool_gets_the_context_of_the_step() -> None:
    def where(context: StepContext) -> str:
        """Tell where we are."""
        return f"{context.step_key} {context['city']}"

    registry, model = writer([call("where"), "ok"], tools=[where])
    await Orchestra.run("write", PAIR, registry, {"city": "Oslo", "session_id": "here"})
    told = model.requests[1].turns[-1]
    assert isinstance(told, ToolSaid)
    assert told.content == "here/b0#1 Oslo"
    assert model.requests[0].tools[0].parameters["properties"] == {}


async def test_an_object_that_answers_with_something_else_is_named() -> None:
    class Odd:
        name = "odd"

        async def respond(self, request: Any, *, emit: Any) -> Any:  # noqa: ARG002
            return "text"

    registry = AgentRegistry()
    Agent(Odd(), "Writer", registry=registry)
    result = await Orchestra.run("write", PAIR, registry)
    assert "the model 'odd' gave a str; expected a ModelResponse" in str(result.error)


async def test_a_model_that_only_calls_tools_comes_to_an_end() -> None:
    result, model = await wrote(lambda _request: call("look_up", word="x"), tools=[Ledger().look_up])
    assert "called tools in 25 responses" in str(result.error)
    assert len(model.requests) == 25


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([lambda x: x], "needs a name"),
        (["look_up"], "is no tool"),
        (Ledger.look_up, "expected a list"),
        ([Ledger().pay, Ledger().pay], "another tool has it"),
        ([Tool(Ledger().pay, name="answer")], "a way to hand over"),
        ([Tool(lambda *many: many, name="many")], "no name by which"),
        ([takes_a_function], "tool 'takes_a_function' cannot be told to a model: Cannot generate a JsonSchema"),
        ([Tool(int, name="number")], "no signature found"),
    ],
)
def test_a_tool_that_cannot_be_told_to_a_model_is_refused_at_once(tools: Any, words: str) -> None:
    with pytest.raises(AgentError, match=words):
        Agent(name="Writer", tools=tools, registry=AgentRegistry())


# ------------------------------------------------------------------------------------------------------- replies


async def test_what_is_not_possible_is_corrected_and_the_model_hears_why() -> None:
    result, model = await wrote([call("hand_over_to", agent="Nobody", request="?"), "", "fine"], PAIR)
    assert result.final_response == "fine"
    told = model.requests[1].turns[-1]
    assert isinstance(told, ToolSaid)
    assert told.content.startswith("This is not possible: 'hand_over_to' is not possible now; possible are answer")
    assert model.requests[2].turns[-1] == UserSaid("This is not possible: the reply is empty. Reply again.")


async def test_corrections_are_as_many_as_the_agent_says() -> None:
    result, model = await wrote(["", "x"], corrections=0)
    assert "ReplyError: the reply is empty" in str(result.error)
    assert len(model.requests) == 1


async def test_mistakes_made_together_are_corrected_together() -> None:
    wrong = [call("look_up", wort="x"), call("no_such"), call("nor_this"), call("hand_over_to", agent="Nobody")]
    result, model = await wrote([wrong, wrong, "fine"], tools=[Ledger().look_up])
    assert result.final_response == "fine"
    assert [turn.name for turn in model.requests[1].turns[-4:]] == [each.name for each in wrong]  # type: ignore[union-attr]
    result, model = await wrote([wrong] * 3, tools=[Ledger().look_up])
    assert (result.success, len(model.requests)) == (False, 3)


@pytest.mark.parametrize("nested", ["\ud83d", [["deep"]]])
async def test_arguments_that_cannot_be_kept_are_told_to_the_model(nested: Any, tmp_path: Path) -> None:
    for _ in range(500 if isinstance(nested, list) else 0):
        nested = [nested]
    registry, model = writer([call("look_up", word=nested), "fine"], tools=[Ledger().look_up])
    first = await session(tmp_path, registry)
    assert first.result.final_response == "fine"
    assert (await first.replay()).final_response == "fine"
    assert len(model.requests) == 2


async def test_a_retry_after_a_reply_error_asks_the_model_again() -> None:
    result, model = await wrote(["", "fine"], PAIR + "\nretry(Writer, 2)", corrections=0)
    assert result.final_response == "fine"
    assert len(model.requests) == 2


async def test_two_ways_at_once_are_none() -> None:
    two = [call("answer", content="a"), call("answer", content="b")]
    result, model = await wrote([two, call("answer", content="c")])
    assert result.final_response == "c"
    assert "only one way" in model.requests[1].turns[-1].content  # type: ignore[union-attr]


async def test_the_ways_are_those_of_the_topology_and_its_turns() -> None:
    registry, model = writer(["v1", "v2", "the end"])
    reviewer = ScriptedModel(["mend it", "better"])
    Agent(reviewer, "Reviewer", registry=registry, description="Reads drafts.")
    result = await Orchestra.run("write", LOOP + "\nmax_turns(Writer <-> Reviewer, 2)", registry, user=["x"])
    assert result.final_response == "the end"
    offered = [[each.name for each in request.tools] for request in model.requests]
    assert offered == [
        ["hand_over_to", "answer", "ask_user"],
        ["hand_over_to", "answer", "ask_user", "end_conversation"],
        ["answer", "ask_user", "end_conversation"],
    ]
    who = model.requests[0].tools[0].parameters["properties"]["agent"]
    assert (who["enum"], who["description"]) == (["Reviewer"], "Reviewer: Reads drafts.")


async def test_a_model_asks_several_at_once_each_with_its_own_request() -> None:
    registry = AgentRegistry()
    both = [{"agent": "North", "request": "n"}, {"agent": "South", "request": "s"}]
    _, model = writer([call("ask_in_parallel", requests=both), "joined"], registry)
    for name in ("North", "South"):
        Agent(name=name, answer=lambda request: request * 2, registry=registry)
    result = await Orchestra.run(
        "write", "User -> Writer\nWriter <-> North\nWriter <-> South\nWriter -> User", registry
    )
    assert result.final_response == "joined"
    assert model.requests[1].turns[-1] == UserSaid("## North\n\nnn\n\n## South\n\nss")


async def test_what_several_contributed_has_a_heading_for_each() -> None:
    registry, model = writer(["x"])
    for name in ("North", "South"):
        Agent(name=name, answer=lambda request: request, registry=registry)
    await Orchestra.run("rain", "User -> North, South -> Writer -> User", registry)
    assert model.requests[0].turns == (UserSaid("## North\n\nrain\n\n## South\n\nrain"),)


class Report(BaseModel):
    """What is wanted."""

    title: str
    pages: int = 1


async def test_structured_output_is_checked_and_becomes_content() -> None:
    fenced = '```JSON\n{"title": "Mars", "pages": 2}\n```'
    result, model = await wrote(["no json", '{"pages": "many"}', fenced], output=Report)
    assert "the reply is no JSON" in model.requests[1].turns[-1].content  # type: ignore[union-attr]
    assert result.final_response == {"title": "Mars", "pages": 2}
    assert model.requests[0].output == Report.model_json_schema()
    result, _ = await wrote([call("answer", content={"title": "Mars"})], output=Report)
    assert result.final_response == {"title": "Mars", "pages": 1}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"output": 5}, "output= of 'Writer' cannot be told to a model"),
        ({"output": "Nowhere"}, "output= of 'Writer' cannot be told to a model"),
        ({"instructions": None}, "instructions= is a NoneType; expected text"),
        ({"description": 5}, "description= is a int; expected text"),
        ({"corrections": "x"}, "corrections='x' does not fit"),
    ],
)
def test_what_an_agent_is_given_is_checked_at_once(given: dict[str, Any], words: str) -> None:
    with pytest.raises(AgentError, match=words):
        Agent(name="Writer", registry=AgentRegistry(), **given)


async def test_an_answer_that_cannot_be_kept_is_asked_for_again() -> None:
    result, model = await wrote(["[" * 300 + "]" * 300, "[1]"], output=list)
    assert (result.final_response, len(model.requests)) == ([1], 2)
    assert "the reply cannot be kept: " in str(model.requests[1].turns[-1])


async def test_nan_is_no_json() -> None:
    result, model = await wrote(["NaN", "2.5"], output=float)
    assert (result.final_response, len(model.requests)) == (2.5, 2)


class Chapter(BaseModel):
    """A part of a book."""

    title: str


class Book(BaseModel):
    """Something with parts."""

    chapters: list[Chapter]


async def test_what_a_schema_refers_to_is_found_in_the_tools_that_hold_it() -> None:
    _, model = await wrote(['{"chapters": []}'], output=Book)
    parameters = model.requests[0].tools[0].parameters
    assert parameters["properties"]["content"]["properties"]["chapters"]["items"] == {"$ref": "#/$defs/Chapter"}
    assert parameters["$defs"]["Chapter"]["properties"]["title"]["type"] == "string"
    assert "$defs" not in parameters["properties"]["content"]


# -------------------------------------------------------------------------------------------------------- people


@pytest.mark.parametrize(
    ("answer", "called", "told"),
    [
        ("yes", [5], "paid 5"),
        ('{"amount": 3}', [3], "paid 3"),
        ("no, too dear", [], "a person refused this call: too dear"),
        ("", [], "a person refused this call: no reason given"),
    ],
)
async def test_a_person_approves_edits_or_refuses_a_call(answer: str, called: list[int], told: str) -> None:
    ledger, asked = Ledger(), []

    def person(question: str) -> str:
        asked.append(question)
        return answer

    approved = Tool(ledger.pay, needs_approval=True)
    result, model = await wrote([call("pay", amount=5), "ok"], user=person, tools=[approved])
    assert (result.final_response, ledger.calls) == ("ok", called)
    assert asked == ["Writer wants to call pay({\"amount\": 5}). Reply 'yes', other arguments as JSON, or why not."]
    assert model.requests[1].turns[-1].content == told  # type: ignore[union-attr]


async def test_arguments_that_do_not_fit_are_asked_for_again() -> None:
    ledger = Ledger()
    tools = [Tool(ledger.pay, effect="unsafe")]
    result, _ = await wrote([call("pay", amount=5), "ok"], user=['{"amount": "x"}', '{"amount": 4}'], tools=tools)
    assert (result.success, ledger.calls) == (True, [4])


async def test_without_anybody_to_ask_an_approval_fails_in_one_line() -> None:
    result, _ = await wrote([call("pay", amount=5)], tools=[Tool(Ledger().pay, effect="unsafe")])
    assert "NobodyToAsk: a call of 'pay' needs a person" in str(result.error)


async def test_an_approval_waits_for_a_restart_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    ledger = Ledger()
    tools = [tool(ledger.look_up), Tool(ledger.pay, effect="unsafe")]
    registry, model = writer([[call("look_up", word="w"), call("pay", amount=5)]], tools=tools)
    first = await session(tmp_path, registry)
    assert (first.status, ledger.calls) == ("paused", ["w"])

    registry, again = writer(["ok"], tools=tools)
    resumed = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path))).session("s", user=["yes"])
    result = await resumed.resume()
    assert (result.final_response, ledger.calls) == ("ok", ["w", 5])
    assert (len(model.requests), len(again.requests)) == (1, 1)
    assert (await resumed.replay()).final_response == "ok"


# ----------------------------------------------------------------------------------------------------- going on


async def test_a_failed_step_goes_on_from_what_it_has_paid_for(tmp_path: Path) -> None:
    ledger = Ledger()
    lines = [call("look_up", word="once"), ModelError("down")]
    registry, model = writer(lines, tools=[ledger.look_up])
    first = await session(tmp_path, registry)
    assert first.status == "failed"
    model._left.append("done")
    result = await first.resume()
    assert (result.final_response, ledger.calls, len(model.requests)) == ("done", ["once"], 3)
    assert (await first.replay()).final_response == "done"


async def test_a_pause_at_once_keeps_what_was_said(tmp_path: Path) -> None:
    ledger, reached = Ledger(), asyncio.Event()

    async def waiting(_request: object) -> str:
        reached.set()
        await asyncio.Event().wait()
        return ""

    script: list[Any] = [call("look_up", word="once")]
    model = ScriptedModel(lambda request: script.pop(0) if script else waiting(request))
    registry, _ = writer(model, tools=[ledger.look_up])
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    made = await orchestra.create_session("write", session_id="s")
    running = asyncio.create_task(made.run(PAIR))
    await reached.wait()
    await made.pause(now=True)
    assert (await running).metadata["status"] == "paused"
    script.append("done")
    assert (await made.resume()).final_response == "done"
    assert ledger.calls == ["once"]


async def test_an_unsafe_call_in_doubt_asks_a_person(tmp_path: Path) -> None:
    reached, calls = asyncio.Event(), []

    async def send() -> str:
        calls.append(1)
        reached.set()
        await asyncio.Event().wait()
        return ""

    tools = [Tool(send, effect="unsafe", needs_approval=False)]
    registry, _ = writer([call("send")], tools=tools)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    made = await orchestra.create_session("write", session_id="s")
    running = asyncio.create_task(made.run(PAIR))
    await reached.wait()
    await made.pause(now=True)
    await running
    asked: list[str] = []

    def person(question: str) -> str:
        asked.append(question)
        return "done: it was sent"

    registry, model = writer(["ok"], tools=tools)
    again = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path))).session("s", user=person)
    assert (await again.resume()).final_response == "ok"
    assert "was calling send({})" in asked[0]
    assert (calls, model.requests[0].turns[-1].content) == ([1], "it was sent")  # type: ignore[union-attr]


async def test_a_changed_agent_still_asks_about_a_call_in_doubt(tmp_path: Path) -> None:
    reached, calls = asyncio.Event(), []

    async def send() -> str:
        calls.append(1)
        reached.set()
        await asyncio.Event().wait()
        return ""

    tools = [Tool(send, effect="unsafe", needs_approval=False)]
    registry, _ = writer([call("send")], tools=tools)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    made = await orchestra.create_session("write", session_id="s")
    running = asyncio.create_task(made.run(PAIR))
    await reached.wait()
    await made.pause(now=True)
    await running
    registry, model = writer(["ok"], tools=tools, instructions="Be other.")
    again = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path))).session(
        "s", user=["done: sent"]
    )
    assert (await again.resume()).final_response == "ok"
    assert (calls, model.requests[0].turns[-1].content) == ([1], "sent")  # type: ignore[union-attr]


async def test_an_edited_call_in_doubt_is_asked_about_and_made_as_it_was_edited(tmp_path: Path) -> None:
    reached, amounts, asked = asyncio.Event(), [], []

    async def pay(amount: int) -> str:
        amounts.append(amount)
        reached.set()
        if len(amounts) == 1:
            await asyncio.Event().wait()
        return "paid"

    def person(question: str) -> str:
        asked.append(question)
        return "yes"

    tools = [Tool(pay, effect="unsafe")]
    registry, _ = writer([call("pay", amount=5)], tools=tools)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)), user=['{"amount": 3}'])
    made = await orchestra.create_session("write", session_id="s")
    running = asyncio.create_task(made.run(PAIR))
    await reached.wait()
    await made.pause(now=True)
    await running
    registry, _ = writer(["ok"], tools=tools)
    again = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path))).session("s", user=person)
    assert (await again.resume()).final_response == "ok"
    assert 'was calling pay({"amount": 3})' in asked[0]
    assert amounts == [3, 3]


async def test_a_changed_agent_begins_its_step_anew(tmp_path: Path) -> None:
    registry, _ = writer([call("look_up", word="w"), ModelError("down")], tools=[Ledger().look_up])
    first = await session(tmp_path, registry)
    other = Agent(ScriptedModel(["other"]), "Writer", instructions="Be other.", registry=AgentRegistry())
    result = await first.resume(agents=[other])
    assert result.final_response == "other"
    assert other.model_config.requests[0].turns == (UserSaid("write"),)  # type: ignore[union-attr]


# ---------------------------------------------------------------------------------------------------- money


def spent(text: str, n: int = 10, cost: float | None = 0.25) -> ModelResponse:
    return ModelResponse(text, (), n, n, cost)


async def test_what_a_run_costs_is_the_sum_of_its_steps_also_of_failed_ones() -> None:
    registry, _ = writer([spent(""), spent("draft")])
    Agent(ScriptedModel([spent(""), spent(""), spent("")]), "Reviewer", registry=registry)
    result = await Orchestra.run("write", "User -> Writer -> Reviewer -> User", registry)
    assert not result.success
    assert result.cost_usd == pytest.approx(1.25)
    assert result.usage == {"n_input_tokens": 50, "n_output_tokens": 50, "n_responses": 5}
    assert result.timeline()["cost_usd"].sum() == pytest.approx(1.25)


async def test_an_unknown_price_is_none_and_never_zero() -> None:
    result, _ = await wrote([spent("", cost=None), spent("x")])
    assert result.cost_usd is None
    assert result.timeline()["cost_usd"].isna().all()


async def test_a_budget_stops_in_the_middle_of_a_step_and_a_raised_one_goes_on(tmp_path: Path) -> None:
    ledger = Ledger()
    lines = [ModelResponse(calls=(call("look_up", word="w"),), cost_usd=0.6), "done"]
    registry, model = writer(lines, tools=[ledger.look_up])
    first = await session(tmp_path, registry, PAIR + "\nbudget(0.5)\nretry(Writer, 3)")
    assert "LimitReached: budget(0.5) reached" in str(first.result.error)
    result = await first.resume(rules=["budget(5)"])
    assert (result.final_response, len(model.requests), ledger.calls) == ("done", 2, ["w"])


async def test_tokens_of_a_failed_step_count_as_they_land() -> None:
    result, _ = await wrote([spent("", n=600), "never"], PAIR + "\nmax_tokens(1000)\nretry(Writer, 2)")
    assert "max_tokens(1000) reached: 1200 tokens are used" in str(result.error)


async def test_a_budget_needs_a_price() -> None:
    registry = AgentRegistry()
    Agent({"name": "ollama:something-new"}, "Writer", registry=registry)
    with pytest.raises(RuleError, match=r"price of the model 'ollama:something-new' is not known"):
        await Orchestra.run("write", PAIR + "\nbudget(1)", registry)


async def test_a_budget_stops_where_a_response_comes_without_its_price() -> None:
    result, model = await wrote([spent("", cost=None), "never"], PAIR + "\nbudget(5)")
    assert "budget(5) cannot be kept, since the price of a response is not known" in str(result.error)
    assert len(model.requests) == 1


def test_events_of_a_dialogue_hold_what_was_said() -> None:
    assert ModelResponded("b0", 1, "x").step_id == "b0#1"
    assert ToolReturned("b0", 1, "c", "look_up", "y").is_error is False


async def test_a_fork_takes_the_replies_that_were_paid_for(tmp_path: Path) -> None:
    registry, model = writer(["first"])
    other = ScriptedModel(["second"])
    Agent(other, "Reviewer", registry=registry)
    first = await session(tmp_path, registry, "User -> Writer -> Reviewer -> User")
    fork = await first.fork("Writer#1", edit="edited", new_id="f")
    other._left.append("third")
    assert (await fork.resume()).final_response == "third"
    assert (len(model.requests), len(other.requests)) == (1, 2)
    assert other.requests[1].turns == (UserSaid("edited"),)


async def test_a_fork_with_another_model_asks_that_model(tmp_path: Path) -> None:
    registry = AgentRegistry()
    for name in ("Writer", "Reviewer"):
        Agent(name=name, registry=registry)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    made = await orchestra.create_session("write", session_id="s")
    one, two = ScriptedModel(["one", "one"], name="one"), ScriptedModel(["two"], name="two")
    await made.run("User -> Writer -> Reviewer -> User", model=one)
    same = await made.fork("Writer#1", new_id="same")
    assert (await same.resume(model=one)).final_response == "one"
    other = await made.fork("Writer#1", new_id="other")
    assert (await other.resume(model=two)).final_response == "two"
    assert (len(one.requests), len(two.requests)) == (2, 1)


async def test_a_run_is_not_handed_to_another_server_by_going_on_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def opened(config: Any) -> ScriptedModel:
        asked.append(config)
        return ScriptedModel([ModelError("down")])

    monkeypatch.setattr(providers, "open_model", opened)
    registry = AgentRegistry()
    Agent(name="Writer", registry=registry)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    made = await orchestra.create_session("write", session_id="s")
    here = {
        "name": "openai:gpt-5-mini",
        "base_url": "http://bob:hush-hush@127.0.0.1:9/v1",
        "api_key": "a-key-of-no-use",
    }
    await made.run(PAIR, model=here)
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-that-must-stay")
    with pytest.raises(ModelUnavailable, match=r"was asked at http://bob:\[secret\]@127.0.0.1:9/v1; to go on, name it"):
        await orchestra.resume_session("s")
    monkeypatch.setattr(providers, "_process_choice", ModelConfig.of(here))
    await orchestra.resume_session("s")
    await orchestra.resume_session("s", model=here)
    assert [each.api_key.get_secret_value() for each in asked] == ["a-key-of-no-use"] * 3


async def test_a_run_goes_on_with_the_model_that_spoke_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def opened(config: Any) -> ScriptedModel:
        asked.append(config.name)
        return ScriptedModel([ModelError("down")] if len(asked) == 1 else ["done"])

    monkeypatch.setattr(providers, "open_model", opened)
    monkeypatch.setattr(providers, "check", lambda _config: None)
    registry = AgentRegistry()
    Agent(name="Writer", registry=registry)
    orchestra = Orchestra(registry, state_manager=StateManager(FileStorageBackend(tmp_path)))
    made = await orchestra.create_session("write", session_id="s")
    assert not (await made.run(PAIR, model="openai:one")).success
    assert (await orchestra.resume_session("s")).final_response == "done"
    assert asked == ["openai:one", "openai:one"]
