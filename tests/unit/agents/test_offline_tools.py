"""The offline model: whom it hands over to, which tools it calls, and how it fills a form."""

from __future__ import annotations

import json
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from mars_nb.agents.dialogue import ModelSaid, ToolSaid, UserSaid
from tests.unit.agents.offline_dialogue import ANSWER, TEXT, ask, ask_in_parallel, hand_over, tool

DESK = {
    "Accounts": "bills, payments and refunds",
    "Shipping": "parcels and their delivery",
    "Repairs": "broken devices",
}
ROUTER = "You are the front desk. Route each message to the right team."
REGION = {"type": "string", "enum": ["North", "South", "East"]}
SALES = tool("regional_sales", "Sales of a region in a year.", region=REGION, year={"type": "integer"})


# ------------------------------------------------------------------------------------------------------------- routing


@pytest.mark.parametrize(
    ("message", "team"),
    [
        ("My parcel has not arrived.", "Shipping"),
        ("I was billed twice, please refund one payment.", "Accounts"),
        ("The device is broken!", "Repairs"),
    ],
)
def test_a_router_hands_the_message_to_whom_it_concerns_and_says_why(message: str, team: str) -> None:
    response = ask(ROUTER, message, tools=(hand_over(DESK), ANSWER))
    assert [(call.name, call.arguments) for call in response.calls] == [
        ("hand_over_to", {"agent": team, "request": message})
    ]
    assert response.text.startswith(f"This is for {team}: it speaks of ")


@pytest.mark.parametrize("message", ["Good morning!", "My bill came with the parcel."])
def test_where_nothing_decides_the_message_stays_plain_text(message: str) -> None:
    response = ask(ROUTER, message, tools=(hand_over(DESK), ANSWER))
    assert (response.text, response.calls) == (message, ())


@pytest.mark.parametrize(
    "instructions", ["You are a helper. Choose one who fits, and hand over.", "Hand over to Repairs."]
)
def test_what_comes_back_is_answered_and_not_handed_over_again(instructions: str) -> None:
    asked, tools = "The device is broken!", (hand_over(DESK), ANSWER)
    first = ask(instructions, asked, tools=tools)
    (call,) = first.calls
    assert (call.name, call.arguments["agent"]) == ("hand_over_to", "Repairs")
    turns = (ModelSaid(call.arguments["request"]), UserSaid("It is mended."))
    (call,) = ask(instructions, asked, *turns, tools=tools).calls
    assert (call.name, call.arguments) == ("answer", {"content": "It is mended."})


def test_a_new_request_after_an_answer_is_handed_over_again() -> None:
    broken, mended = "The device is broken!", "It is mended."
    turns = (ModelSaid(broken), UserSaid(mended), ModelSaid(mended), UserSaid("My parcel has not arrived."))
    (call,) = ask(ROUTER, broken, *turns, tools=(hand_over(DESK), ANSWER)).calls
    assert call.arguments["agent"] == "Shipping"


def test_the_instructions_tell_what_a_neighbour_is_for() -> None:
    instructions = "You answer the phone. Bills go to Ada, lost things go to Bob."
    (call,) = ask(instructions, "I lost my umbrella.", tools=(hand_over({"Ada": "", "Bob": ""}),)).calls
    assert call.arguments["agent"] == "Bob"


def test_a_worker_hands_its_work_to_the_one_whom_its_instructions_name() -> None:
    tools = (hand_over({"Editor": "", "User": ""}),)
    response = ask("You are a writer. Hand over to Editor when done.", "Tides turn. They are high.", tools=tools)
    assert response.calls[0].arguments == {"agent": "Editor", "request": response.text}


def test_of_several_who_are_to_work_together_those_who_fit_are_asked() -> None:
    tools = (ask_in_parallel(DESK),)
    (call,) = ask("Ask them in parallel.", "The parcel and the bill are wrong.", tools=tools).calls
    assert [each["agent"] for each in call.arguments["requests"]] == ["Accounts", "Shipping"]


def test_after_a_refusal_it_replies_in_plain_text() -> None:
    first = ask(ROUTER, "My parcel is lost.", tools=(hand_over(DESK),))
    refused = ToolSaid(first.calls[0].id, "hand_over_to", "This is not possible: turns are used up.", is_error=True)
    again = ask(ROUTER, "My parcel is lost.", ModelSaid(first.text, first.calls), refused, tools=(hand_over(DESK),))
    assert (again.text, again.calls) == ("My parcel is lost.", ())


# --------------------------------------------------------------------------------------------------------------- tools


def test_a_tool_is_called_for_each_choice_that_the_request_names_and_the_results_are_said() -> None:
    asked = "How did sales go in the North and in the South in 2025?"
    first = ask("You are an analyst.", asked, tools=(SALES,))
    assert [call.arguments for call in first.calls] == [
        {"region": "North", "year": 2025},
        {"region": "South", "year": 2025},
    ]
    results = [ToolSaid(call.id, call.name, f'{{"total": {at}}}') for at, call in enumerate(first.calls, start=7)]
    then = ask("You are an analyst.", asked, ModelSaid("", first.calls), *results, tools=(SALES,))
    assert then.calls == ()
    assert then.text == "**regional_sales(North, 2025):** total: 7.\n\n**regional_sales(South, 2025):** total: 8."


def test_every_call_has_an_id_of_its_own() -> None:
    calls = ask("", "Sales of North, South and East in 2025", tools=(SALES,)).calls
    assert len({call.id for call in calls}) == 3


@pytest.mark.parametrize(
    ("request_text", "arguments"),
    [
        ('Send an urgent e-mail to a@b.org, "Tides".', {"to": "a@b.org", "subject": "Tides", "urgent": True}),
        ('Send an e-mail to a@b.org, "Tides".', {"to": "a@b.org", "subject": "Tides"}),
    ],
)
def test_arguments_are_found_by_their_shape_and_their_name(request_text: str, arguments: dict[str, Any]) -> None:
    mail = tool(
        "send_email", "Send it.", ("urgent",), to={**TEXT, "format": "email"}, subject=TEXT, urgent={"type": "boolean"}
    )
    (call,) = ask("", request_text, tools=(mail,)).calls
    assert call.arguments == arguments


def test_numbers_go_to_the_parameter_beside_whose_name_they_stand() -> None:
    number = {"type": "number"}
    loan = tool("loan_rate", "Monthly rate of a loan.", years=number, amount=number)
    (call,) = ask("", "Work out the loan rate for an amount of 12,500.50 over 7 years.", tools=(loan,)).calls
    assert call.arguments == {"years": 7, "amount": 12500.5}


def test_a_tool_that_lacks_an_argument_is_not_called_and_the_reply_says_what_is_missing() -> None:
    weather = tool("get_weather", "Weather of a city.", ("day",), city=TEXT, day={**TEXT, "format": "date"})
    (call,) = ask("", "What will the weather be in New York on 2026-03-01?", tools=(weather,)).calls
    assert call.arguments == {"city": "New York", "day": "2026-03-01"}
    assert ask("", "Is the weather good?", tools=(weather,)).text == (
        "The offline model would call get_weather, but finds no 'city' in the request."
    )


def test_a_tool_that_failed_is_not_called_again_and_the_reply_says_so() -> None:
    search = tool("search", "Search the archive.", query=TEXT)
    first = ask("Search first.", "Describe the tides.", tools=(search,))
    assert first.calls[0].arguments == {"query": "the tides"}
    failed = ToolSaid(first.calls[0].id, "search", "ConnectionError: no archive", is_error=True)
    then = ask("Search first.", "Describe the tides.", ModelSaid("", first.calls), failed, tools=(search,))
    assert (then.calls, "ConnectionError: no archive" in then.text) == ((), True)


def test_a_tool_of_which_nobody_speaks_is_left_alone() -> None:
    assert ask("", "Tides turn twice a day.", tools=(tool("send_email", "Send an e-mail."),)).calls == ()


# --------------------------------------------------------------------------------------------------------------- forms


class Cost(BaseModel):
    item: str
    euros: float


class Study(BaseModel):
    title: str
    summary: str
    year: int
    energy: Literal["solar", "wind"]
    keywords: list[str]
    costs: list[Cost]
    place: str | None = None


def test_a_form_is_filled_from_the_text() -> None:
    text = "Study the wind. In 2024 the wind turbine of Sarn ran for 300 days. The crane cost 900 euros, item: crane."
    filled = Study.model_validate_json(ask("", text, output=Study.model_json_schema()).text)
    assert (filled.title, filled.year, filled.energy) == ("The wind", 2024, "wind")
    assert filled.costs == [Cost(item="crane", euros=900.0)]
    assert filled.place is None


def test_a_form_keeps_its_shape_when_the_text_holds_nothing() -> None:
    filled = json.loads(ask("", "", output=Study.model_json_schema()).text)
    assert (filled["year"], filled["energy"], filled["costs"]) == (0, "solar", [])
