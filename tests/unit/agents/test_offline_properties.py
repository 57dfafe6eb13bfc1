"""The offline model: what holds whatever it is asked."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, create_model

from mars_nb.agents.dialogue import ModelRequest, ModelSaid, ToolCall, ToolSaid, ToolSpec, UserSaid
from mars_nb.agents.offline import OfflineModel
from mars_nb.agents.offline.filling import completed
from mars_nb.agents.offline.textrank import key_sentences
from tests.unit.agents.offline_dialogue import ANSWER, ASK_USER, END, ask, ask_in_parallel, hand_over

SPICE = """tides turn twice compare review plan route parallel all each North South 12 3.5 2026-03-01 ada@example.org
not true "spring tide" Write Please ? . ! : ; Approved. sentence two 月 潮。 is_feasible year cost"""
WORDS = [*SPICE.split(), "\n", "\n\n## ", "- "]
TEXTS = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join))
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=8))
SCHEMA_WORDS = """type properties required items enum const anyOf oneOf allOf $ref $defs format pattern minimum
maximum multipleOf exclusiveMinimum exclusiveMaximum minItems maxItems uniqueItems prefixItems minLength maxLength"""
KEYWORDS = SCHEMA_WORDS.split()
VALUES = st.one_of(
    SCALARS,
    st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null"]),
    st.sampled_from(["date", "email", "#/$defs/a", "#"]),
)
ANY_SCHEMA = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYWORDS), st.sampled_from("abc")), inner, max_size=5),
    ),
    max_leaves=12,
)
NAMES = st.lists(st.one_of(st.sampled_from(["North", "South", "Writer", "User"]), st.text(max_size=6)), max_size=3)
WORKING_TOOLS = st.builds(
    ToolSpec,
    st.sampled_from(["sales", "search", "plan_trip"]),
    TEXTS,
    st.dictionaries(st.sampled_from(KEYWORDS), ANY_SCHEMA, max_size=4),
)
TURNS = st.one_of(
    st.builds(UserSaid, TEXTS),
    st.builds(ModelSaid, TEXTS),
    st.just(ModelSaid("", (ToolCall("1", "sales", {"region": "North"}),))),
    st.builds(ToolSaid, st.just("1"), st.sampled_from(["sales", "answer"]), TEXTS, st.booleans()),
)


@st.composite
def requests(draw: st.DrawFn) -> ModelRequest:
    people = {name: draw(TEXTS) for name in draw(NAMES)}
    ways = (hand_over(people), ask_in_parallel(people), ANSWER, ASK_USER, END)
    tools = [*draw(st.lists(st.sampled_from(ways), max_size=3)), *draw(st.lists(WORKING_TOOLS, max_size=2))]
    output = draw(st.one_of(st.none(), st.dictionaries(st.sampled_from(KEYWORDS), ANY_SCHEMA, max_size=4)))
    return ModelRequest(draw(TEXTS), tuple(draw(st.lists(TURNS, max_size=5))), tuple(tools), output)


def named_in(call: ToolCall) -> list[str]:
    if call.name == "ask_in_parallel":
        return [each["agent"] for each in call.arguments["requests"]]
    return [call.arguments["agent"]] if call.name == "hand_over_to" else []


def allowed_by(request: ModelRequest, name: str) -> list[str]:
    for tool in request.tools:
        if tool.name == name and name in ("hand_over_to", "ask_in_parallel"):
            fields = tool.parameters["properties"]
            fields = fields["requests"]["items"]["properties"] if "requests" in fields else fields
            return list(fields["agent"]["enum"])
    return []


@given(requests())
def test_whatever_it_is_asked_it_answers_and_always_the_same(request: ModelRequest) -> None:
    heard: list[str] = []
    first = asyncio.run(OfflineModel().respond(request, emit=heard.append))
    second = asyncio.run(OfflineModel().respond(request, emit=lambda _: None))
    assert first == second
    assert "".join(heard) == first.text
    assert first.text.strip() or first.calls
    assert (first.model, first.cost_usd) == ("offline", 0.0)


@given(requests())
def test_it_calls_only_what_there_is_and_names_only_who_is_allowed(request: ModelRequest) -> None:
    calls = ask(request.instructions, *request.turns, tools=request.tools, output=request.output).calls
    assert {call.name for call in calls} <= {tool.name for tool in request.tools}
    for call in calls:
        assert set(named_in(call)) <= set(allowed_by(request, call.name)) - {"User"}
        assert all(value for value in call.arguments.values()) or call.name not in ("answer", "hand_over_to")
    assert len({call.id for call in calls}) == len(calls)


@given(requests())
def test_tools_come_to_an_end(request: ModelRequest) -> None:
    turns, tools = [UserSaid("sales North South"), *request.turns], request.tools
    for _ in range(5):
        response = ask(request.instructions, *turns, tools=tools)
        working = [call for call in response.calls if call.name in ("sales", "search", "plan_trip")]
        if not working:
            return
        turns += [ModelSaid("", response.calls), *(ToolSaid(call.id, call.name, "sales North 3") for call in working)]
    raise AssertionError(turns)


@given(ANY_SCHEMA, TEXTS)
def test_any_form_is_filled_with_json(schema: Any, text: str) -> None:
    json.dumps(completed(schema, text))


# --------------------------------------------------------------------------------------------------------------- forms


class Inner(BaseModel):
    name: str
    n: int = Field(ge=3, lt=9)


class Tree(BaseModel):
    name: str
    children: list[Tree] = []
    parent: Tree | None = None


TYPES: list[Any] = [
    str,
    int,
    float,
    bool,
    None,
    Inner,
    Tree,
    str | None,
    int | str,
    list[int],
    list[str],
    list[Inner],
    list[Tree],
    dict[str, int],
    tuple[int, str],
    set[int],
    set[str],
    Literal["solar", "wind"],
    list[Literal["North", "South"]],
    Inner | Tree,
]
FIELDS = st.one_of(
    st.sampled_from(TYPES).map(lambda kind: (kind, ...)),
    st.sampled_from(TYPES).map(lambda kind: (kind if kind is None else kind | None, None)),
    st.tuples(st.integers(-50, 50), st.integers(1, 40)).map(lambda b: (int, Field(ge=b[0], le=b[0] + b[1]))),
    st.tuples(st.integers(-50, 50), st.integers(1, 40)).map(lambda b: (float, Field(gt=b[0], lt=b[0] + b[1]))),
    st.integers(2, 9).map(lambda step: (int, Field(multiple_of=step, gt=step))),
    st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda b: (str, Field(min_length=b[0], max_length=sum(b)))),
    st.integers(0, 4).map(lambda n: (list[str], Field(min_length=n, max_length=n + 2))),
    st.integers(0, 4).map(lambda n: (set[int], Field(min_length=n))),
)
FIELD_NAMES = st.sampled_from(["title", "summary", "year", "n_boats", "is_open", "tags", "children", "name", "region"])


@given(st.dictionaries(FIELD_NAMES, FIELDS, min_size=1, max_size=5), TEXTS)
def test_an_answer_fits_the_form_that_was_asked_for(fields: dict[str, Any], text: str) -> None:
    form = create_model("Form", **fields)
    form.model_validate_json(ask("", text, output=form.model_json_schema()).text)


# ------------------------------------------------------------------------------------------------------------ summaries


@given(TEXTS, st.integers(1, 5))
def test_the_key_sentences_of_key_sentences_are_the_same(text: str, n: int) -> None:
    chosen = key_sentences(text, n)
    assert len(chosen) <= n
    assert key_sentences(chosen, n) == chosen


@given(TEXTS)
def test_an_approved_text_is_approved_again(text: str) -> None:
    once = ask("You are a reviewer.", text)
    again = ask("You are a reviewer.", text, ModelSaid(once.text), text)
    assert again.text.startswith("Approved.")


def test_another_process_says_the_same_whatever_its_hash_seed() -> None:
    program = (
        "import asyncio; from mars_nb.agents.dialogue import *; from mars_nb.agents.offline import OfflineModel\n"
        "text = 'Compare tides. ' + 'Tides turn. The moon draws tides. Turbines turn in tides. ' * 3\n"
        "tools = (ToolSpec('turn_tide', 'x', {'properties': {'n': {'enum': ['moon', 'tides']}}, 'required': ['n']}),)\n"
        "ask = lambda *tools: OfflineModel().respond(ModelRequest('Plan it', (UserSaid(text),), tools), emit=print)\n"
        "print(asyncio.run(ask()), asyncio.run(ask(*tools)))"
    )
    command = [sys.executable, "-c", program]
    said = [
        subprocess.run(command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1] != ""
