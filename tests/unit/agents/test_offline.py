"""The offline model: the work it does in its roles."""

from __future__ import annotations

import asyncio

import pytest

from mars_nb.agents.dialogue import Model, ModelRequest, ModelResponse, ModelSaid, UserSaid
from mars_nb.agents.offline import ABOUT, OfflineModel
from mars_nb.agents.replies import headed
from tests.unit.agents.offline_dialogue import ANSWER, ASK_USER, END, ask, ask_in_parallel, hand_over

QUESTION = "Compare solar and wind power for a small island, and say which is cheaper."
ISLAND = """The island of Sarn has 1,200 inhabitants and burns 900 tonnes of diesel a year. Solar panels have fallen in
price by about 80 percent since 2010. On Sarn the sun shines for 1,900 hours a year, most of them between April and
September. Solar power stops at night, so that the island would need batteries for about 12 hours. Wind turbines run day
and night, and in winter the wind on Sarn is strongest. Wind turbines need a crane and a harbour to be built. The
harbour of Sarn is too shallow for the ship that carries the crane. Batteries cost about 150 euros for each
kilowatt-hour in 2024."""
TASK = f"{QUESTION}\n\n{ISLAND}"
PEOPLE = {"Solar": "knows about solar panels", "Wind": "knows about wind turbines"}
FOUND = headed(
    {
        "Solar": "Solar panels have fallen in price by 80 percent. They stop at night.",
        "Wind": "Wind turbines run at night. They need a harbour.",
    }
)


def told(instructions: str, name: str, *, onward: str = "", task: str = QUESTION, given: str = "") -> str:
    """Write the instructions as a run gives them."""
    parts = [
        instructions,
        f"You are {name}.",
        f"What you reply as plain text goes to {onward}." if onward else "",
        f"The task of the whole team: {task}",
        f"What is given:\n{given}" if given else "",
    ]
    return "\n\n".join(part for part in parts if part)


def test_it_says_what_it_is_and_costs_nothing() -> None:
    model: Model = OfflineModel()
    response = ask("", "Tides turn twice a day.")
    assert (model.name, response.model, response.cost_usd) == ("offline", "offline", 0.0)
    assert (response.n_input_tokens, response.n_output_tokens) == (7, 7)
    assert "no language model" in ABOUT
    assert "\n" not in ABOUT


def test_what_it_streams_is_what_it_says_word_by_word() -> None:
    heard: list[str] = []
    request = ModelRequest("", (UserSaid(ISLAND),))
    response = asyncio.run(OfflineModel().respond(request, emit=heard.append))
    assert "".join(heard) == response.text
    assert len(heard) > 20


# ------------------------------------------------------------------------------------------------------------- summary


@pytest.mark.parametrize(
    ("instructions", "n_sentences"),
    [("Answer in one sentence.", 1), ("Use at most 2 sentences.", 2), ("Summarise.", 3), ("Summarise briefly.", 2)],
)
def test_a_summary_is_as_long_as_the_instructions_ask(instructions: str, n_sentences: int) -> None:
    assert ask(instructions, ISLAND).text.count(". ") + 1 == n_sentences


def test_bullet_points_are_bullets() -> None:
    lines = ask("Give five bullet points.", ISLAND).text.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("- ") for line in lines)


def test_a_researcher_finds_what_concerns_its_subject() -> None:
    text = ask("You are a researcher on wind power.", TASK).text
    assert "Wind turbines" in text
    assert "Solar" not in text


def test_a_question_is_answered_with_the_sentences_that_speak_of_it() -> None:
    assert ask("", f"How much do batteries cost? {ISLAND}").text.startswith("Batteries cost about 150 euros")


def test_without_facts_it_says_that_it_knows_none() -> None:
    text = ask("You are a helpful assistant.", "What is the capital of France?").text
    assert text.startswith("The offline model knows no facts of its own")


def test_what_it_says_of_itself_is_no_fact_for_others() -> None:
    text = ask(
        "You are a writer.", headed({"A": "The offline model knows no facts of its own.", "B": "It rains."})
    ).text
    assert "offline model" not in text


def test_a_translator_says_plainly_that_it_cannot_and_gives_the_key_sentences() -> None:
    text = ask("You are a translator into French.", ISLAND).text
    assert text.startswith("The offline model cannot translate.")
    assert "Wind turbines" in text


def test_an_agent_that_was_told_no_facts_uses_those_given_to_the_run() -> None:
    instructions = told("", "Researcher", given=f"notes: {ISLAND}\ntable: ,a,b\n0,1,2")
    assert "Wind turbines" in ask(instructions, "Describe the wind turbines.").text


# ---------------------------------------------------------------------------------------------------------------- plan


def test_a_planner_makes_steps_of_the_clauses_and_gives_them_to_whom_they_concern() -> None:
    text = ask("You are a planner. Split the task into steps.", QUESTION, tools=(hand_over(PEOPLE),)).text
    assert text == (
        "### Plan: Solar and wind power for a small island\n\n"
        "1. Solar, Wind: Compare solar and wind power for a small island.\n"
        "2. Say which is cheaper."
    )


def test_a_planner_hands_the_material_on() -> None:
    text = ask(told("Split the task.", "Planner", onward="Solar, Wind", task=TASK), TASK).text
    assert "1. Solar, Wind: Compare" in text
    assert "The harbour of Sarn is too shallow" in text


def test_a_planner_that_is_to_ask_in_parallel_sends_each_what_concerns_it() -> None:
    tools = (hand_over(PEOPLE), ask_in_parallel(PEOPLE))
    (call,) = ask("You are a planner. Ask all researchers in parallel.", TASK, tools=tools).calls
    asked = {each["agent"]: each["request"] for each in call.arguments["requests"]}
    assert list(asked) == ["Solar", "Wind"]
    assert "Solar panels have fallen" in asked["Solar"]
    assert "Wind turbines" not in asked["Solar"]


def test_a_planner_answers_with_what_came_back() -> None:
    instructions = "You are a planner. Ask all researchers in parallel."
    tools = (ask_in_parallel(PEOPLE), ANSWER)
    before = ask(instructions, TASK, tools=tools)
    (call,) = ask(instructions, TASK, ModelSaid(before.text, before.calls), FOUND, tools=tools).calls
    assert call.name == "answer"
    assert "**Solar:** Solar panels have fallen" in call.arguments["content"]


# -------------------------------------------------------------------------------------------------------------- report


def test_a_report_has_a_title_and_names_its_sources() -> None:
    text = ask(told("Write a report.", "Writer"), FOUND).text
    assert text.startswith("# Solar and wind power for a small island\n")
    assert "**Solar:** Solar panels have fallen in price by 80 percent." in text
    assert "**Wind:** Wind turbines run at night." in text


def test_a_report_says_who_could_not_contribute() -> None:
    lost = f"{headed({'Solar': 'It shines.'})}\n\nThese could not contribute:\n- Wind: TimeoutError: 30 s"
    assert ask(told("", "Writer"), lost).text.endswith("Nothing came from Wind: TimeoutError: 30 s.")


def test_a_report_of_nothing_says_so() -> None:
    assert ask("You are a writer.", "").text == "No findings came in."


def test_an_approved_draft_stays_as_it_is() -> None:
    draft = "# Tides\n\nThey turn."
    assert ask("You are a writer.", FOUND, ModelSaid(draft), "Approved. Counted: 3 words.").text == draft


def test_a_long_sentence_is_split_when_a_reviewer_asks() -> None:
    long = "The tide comes from the sea and fills the bay twice a day for six hours in spring, " * 2
    fact = f"{long.rstrip(', ')}; the moon draws it and the sun helps in a smaller way on every day of the year."
    draft = ask("You are a writer.", fact).text
    text = ask("You are a writer.", fact, ModelSaid(draft), "Please split the long sentence.").text
    assert ". The moon draws it" in text


# -------------------------------------------------------------------------------------------------------------- review


def test_a_reviewer_names_changes_that_can_be_counted() -> None:
    text = ask(told("Review the report.", "Reviewer", onward="Writer"), "Wind is strong.").text
    assert text == (
        "Please change:\n"
        "1. Say more: 3 words are few, at least 25 are expected.\n"
        '2. Write about "solar", "power" and "small": the task names them.\n'
        "3. Give a number: the task asks for one."
    )


def test_a_limit_of_words_and_what_must_be_named_are_heeded() -> None:
    instructions = "Review it: at most 10 words, and it must mention the harbour."
    text = ask(instructions, "Tides turn twice a day in every bay of the northern sea.").text
    assert "Shorten it: 12 words are more than the 10 allowed." in text
    assert 'Write about "harbour"' in text


def conversation(n_turns: int) -> list[ModelResponse]:
    """Let a writer and a reviewer talk as a run would."""
    writer = told("Write a short report.", "Writer", onward="Reviewer")
    reviewer = told("Review the report; it must mention the harbour.", "Reviewer", onward="Writer")
    to_writer: list[str | ModelSaid] = [FOUND]
    to_reviewer: list[str | ModelSaid] = []
    said = []
    for _ in range(n_turns):
        draft = ask(writer, *to_writer)
        verdict = ask(reviewer, *to_reviewer, draft.text, tools=(END,))
        to_writer += [ModelSaid(draft.text), verdict.text]
        to_reviewer += [draft.text, ModelSaid(verdict.text)]
        said += [draft, verdict]
    return said


def test_a_writer_and_a_reviewer_come_to_an_end() -> None:
    draft, changes, second, approval, third, _ = conversation(3)
    assert changes.text.startswith("Please change:")
    assert "harbour" not in draft.text
    assert "They need a harbour." in second.text
    assert 'The sources hold nothing on "cheaper".' in second.text
    assert approval.text.startswith("Approved. Counted:")
    assert third.text == second.text


def test_an_approval_ends_the_conversation_with_the_text_itself() -> None:
    *_, draft, approval = conversation(2)
    (call,) = approval.calls
    assert (call.name, call.arguments) == ("end_conversation", {"content": draft.text})


def test_without_a_way_to_end_it_the_approved_text_follows_the_approval() -> None:
    draft = "Tides turn 2 times a day. " * 8
    text = ask("You are a reviewer.", draft).text
    assert text.startswith("Approved. Counted: 48 words, 8 sentences, 8 numbers.")
    assert text.endswith(draft.strip())


def test_a_reviewer_whom_nobody_could_answer_delivers_with_what_is_open() -> None:
    response = ask(told("", "Reviewer"), "Wind is strong.", tools=(ANSWER,))
    assert response.text.startswith("Approved.")
    assert "Still open, for a person to decide:\n1. Say more" in response.text
    assert response.calls[0].arguments == {"content": "Wind is strong."}


# -------------------------------------------------------------------------------------------------------------- people


def test_a_person_is_asked_once_and_the_answer_joins_the_request() -> None:
    instructions = "You are a planner. Ask the user if something is unclear."
    first = ask(instructions, "Plan a trip to Oslo.", tools=(ASK_USER,))
    assert first.calls[0].arguments == {"question": 'Is this what is wanted: "A trip to Oslo"?'}
    then = ask(instructions, "Plan a trip to Oslo.", ModelSaid(first.text), "Book a hotel.", tools=(ASK_USER,))
    assert then.calls == ()
    assert "1. Plan a trip to Oslo.\n2. Book a hotel." in then.text


def test_a_question_that_the_instructions_word_is_asked_so() -> None:
    response = ask('Ask the user "Shall I publish it?" first.', "Tides turn.", tools=(ASK_USER,))
    assert response.calls[0].arguments == {"question": "Shall I publish it?"}


# -------------------------------------------------------------------------------------------------------------- others


def test_what_the_user_said_is_no_contribution() -> None:
    text = ask("You are a writer.", headed({"User": QUESTION, "Pro": "It is cheap.", "Con": "It is loud."})).text
    assert text.startswith("# Solar and wind power for a small island\n")
    assert "**User:**" not in text


def test_a_judge_reports_what_the_sides_said() -> None:
    text = ask("Judge the debate.", headed({"Pro": "It is cheap.", "Con": "It is loud."})).text
    assert text == "# Findings of Pro and Con\n\n**Pro:** It is cheap.\n\n**Con:** It is loud."


def test_the_sections_of_a_draft_are_no_contributions() -> None:
    assert ask("You are a reviewer.", "## Cost\n\nIt is cheap.\n\n## Noise\n\nIt is loud.").text.startswith(
        "Please change:"
    )


def test_a_reply_that_was_refused_is_no_request() -> None:
    refused = "This is not possible: the reply is empty. Reply again."
    assert ask("", "Tides turn twice a day.", ModelSaid("?"), refused).text == "Tides turn twice a day."
