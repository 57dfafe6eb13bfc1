"""Models in a notebook: instructions, which model, who speaks, and agents that the journal remembers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mars_nb import Agent, AgentRegistry, CellError, ModelUnavailable, RuleError, ScriptedModel, Tool
from mars_nb.agents import providers
from mars_nb.errors import RunFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.jupyter.conftest import Notebook

TEAM = "task: Tell about Mars. Mars is red and cold. Mars has two moons.\nUser -> Writer -> User"


@pytest.fixture(autouse=True)
def choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MARS_MODEL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    yield
    providers.choose(None)


def test_a_cell_with_instructions_is_an_agent(notebook: Notebook) -> None:
    notebook.variables |= {"style": "plain", "look_up": str.upper, "count": len}

    def look_up(word: str) -> str:
        return word

    notebook.variables["look_up"] = look_up
    notebook.agent(
        "Data Writer --model offline --tools look_up -d 'Writes reports.'  # ours", "Write in {style} words.\nBe brief."
    )
    made = AgentRegistry.default().get("Data Writer")
    assert notebook.texts == ["agent 'Data Writer' is ready (instructions; model: offline)"]
    assert (made.kind, made.instructions) == ("model", "Write in plain words.\nBe brief.")
    assert (made.description, [tool.name for tool in made.tools]) == ("Writes reports.", ["look_up"])


def test_the_line_of_an_agent_is_filled_in_as_well(notebook: Notebook) -> None:
    notebook.variables |= {"who": "Writer", "model": "offline"}
    notebook.agent("{who} -m {model} -d 'a {who}'", "Write.")
    assert AgentRegistry.default().get("Writer").description == "a Writer"
    with pytest.raises(CellError, match=r"line 1: '.whom.': the notebook has no variable 'whom'; did you"):
        notebook.agent("{whom}", "Write.")


def test_a_marker_is_no_agent(notebook: Notebook) -> None:
    with pytest.raises(CellError, match="'User' is a marker of the topology and nobody who is asked"):
        notebook.agent("User", "Write.")


def test_without_a_description_others_are_told_the_first_sentence(notebook: Notebook) -> None:
    notebook.agent("Writer", "You write well. Never lie.")
    assert AgentRegistry.default().get("Writer").description == "You write well."


def test_the_line_below_a_run_says_who_speaks(notebook: Notebook) -> None:
    notebook.agent("Writer", "Write.")
    notebook.mars("--view none", TEAM)
    assert notebook.texts[-1].endswith("model offline speaks for Writer")


def test_the_model_of_the_process_is_shown_and_chosen(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "model: offline" in str(notebook.mars("model"))
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY is not set"):
        notebook.mars("model openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-no-use")
    assert "openai:gpt-5-mini" in str(notebook.mars("model openai:gpt-5-mini"))
    assert "what its agents are told is sent there" in str(notebook.mars())
    assert "model: offline" in str(notebook.mars("model offline"))


def test_a_misspelt_model_is_an_error_although_nobody_needs_one(notebook: Notebook) -> None:
    notebook.agent("Writer", "def write(request): return request")
    with pytest.raises(ModelUnavailable, match="serves the model 'oflfine'; did you mean 'offline'"):
        notebook.mars("report -m oflfine", TEAM)
    notebook.mars("report -q -m openai:gpt-5-mini", TEAM)
    assert notebook.variables["report"].success


def test_a_missing_key_is_one_line_and_binds_nothing(notebook: Notebook) -> None:
    notebook.agent("Writer", "Write.")
    with pytest.raises(ModelUnavailable, match="needs a key"):
        notebook.mars("report -m openai:gpt-5-mini", TEAM)
    assert "report" not in notebook.variables
    assert notebook.mars("sessions").empty


def test_a_budget_without_a_price_binds_nothing(notebook: Notebook) -> None:
    notebook.agent("Writer", "Write.")
    with pytest.raises(RuleError, match="price of the model 'ollama:qwen3' is not known"):
        notebook.mars("report -m ollama:qwen3", TEAM + "\nbudget(1)")


def test_agents_are_made_again_from_the_journal(notebook: Notebook) -> None:
    def look_up(word: str) -> str:
        return word

    notebook.variables["look_up"] = look_up
    notebook.agent("Writer --tools look_up -d Writes.", "Write well.")
    notebook.mars("report --view none", TEAM)
    before = AgentRegistry.default().get("Writer").digest
    AgentRegistry.default().clear()
    del notebook.variables["look_up"]
    assert notebook.mars("agents --from report-1")["here"].tolist() == ["missing"]
    assert "needs the tools look_up" in notebook.texts[-1]
    notebook.variables["look_up"] = look_up
    assert notebook.mars("agents --from report-1")["here"].tolist() == ["the same"]
    made = AgentRegistry.default().get("Writer")
    assert (made.instructions, made.description, made.digest) == ("Write well.", "Writes.", before)


def test_the_cost_of_an_unknown_price_is_unknown(notebook: Notebook) -> None:
    from mars_nb import Agent
    from mars_nb.agents.dialogue import ModelResponse

    Agent(ScriptedModel([ModelResponse("x", (), 10, 5, None)]), "Writer")
    Agent(ScriptedModel([ModelResponse("y", (), 10, 5, 0.5)]), "Other")
    notebook.mars("report --view none", "task: x\nUser -> Writer -> Other -> User")
    cost = notebook.mars("cost report")
    assert cost["cost_usd"].isna().tolist() == [True, False, True]
    assert cost.loc["total", "n_input_tokens"] == 20


def test_a_call_waits_for_the_answer_of_a_person(notebook: Notebook) -> None:
    from mars_nb import Agent, RunPaused, Tool
    from mars_nb.testing import call

    paid: list[int] = []

    def pay(amount: int) -> str:
        paid.append(amount)
        return "paid"

    Agent(ScriptedModel([call("pay", amount=5), "all is paid"]), "Clerk", tools=[Tool(pay, effect="unsafe")])
    with pytest.raises(RunPaused, match=r"Clerk wants to call pay"):
        notebook.mars("bill --view none", "task: pay\nUser -> Clerk -> User")
    notebook.mars('answer {"amount": 3}')
    assert (notebook.variables["bill"].final_response, paid) == ("all is paid", [3])


def test_an_agent_that_is_made_again_is_as_careful_as_it_was(notebook: Notebook) -> None:
    def pay(amount: int) -> str:
        return f"paid {amount}"

    notebook.variables["pay"] = pay
    config: Any = {"name": "mine", "base_url": "http://127.0.0.1:9/v1"}
    Agent(name="Writer", instructions="Write.", tools=[Tool(pay, effect="unsafe")])
    Agent(config, "Reviewer", instructions="Review.")
    with pytest.raises(RunFailed):
        notebook.mars("report", "task: Pay\nUser -> Reviewer -> Writer -> User")
    AgentRegistry.default().clear()
    notebook.mars("agents --from report-1")
    assert [repr(each) for each in AgentRegistry.default().get("Writer").tools] == [
        "Tool('pay', unsafe, needs approval)"
    ]
    # Where its words, and a key, would be sent is not taken from a journal.
    assert "Reviewer" not in AgentRegistry.default()
    assert "Reviewer asked mine at http://127.0.0.1:9/v1: run the cell that defines it" in notebook.texts
