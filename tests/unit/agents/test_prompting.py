"""What a model is told, read back by the offline model: neither can change without the other."""

from __future__ import annotations

from mars_nb.actions import Choices
from mars_nb.agents.agent import Agent
from mars_nb.agents.context import StepContext
from mars_nb.agents.dialogue import ModelRequest, ModelSaid, UserSaid
from mars_nb.agents.offline.brief import read
from mars_nb.agents.offline.preface import preface_of
from mars_nb.agents.prompting import instructions, opening, refusal
from mars_nb.agents.registry import AgentRegistry

PEOPLE = {"Writer": "Drafts the report.", "Critic": "Finds what is missing.", "North": "", "South": ""}


def test_every_paragraph_of_the_instructions_is_found_again() -> None:
    ada = Agent(name="Ada", instructions="Check the figures.", registry=AgentRegistry())
    context = StepContext(task="Compare the tides", values={"bay": "Fundy"}, neighbours=("Writer", "Critic"))
    told = instructions(ada, context, PEOPLE, Choices(onward=("Writer", "Critic")), {"type": "object"})
    found = preface_of(told)
    assert (found.instructions, found.name) == ("Check the figures.", "Ada")
    assert found.people == {"Writer": "Drafts the report.", "Critic": "Finds what is missing."}
    assert found.onward == ("Writer", "Critic")
    assert (found.task, found.given) == ("Compare the tides", "bay: Fundy")


def test_contributions_and_those_who_could_not_are_told_apart_again() -> None:
    failures = ({"agent": "South", "branch": "b0.1", "error": "TimeoutError: 30 s"},)
    turns = opening({"North": "It rains."}, StepContext(failures=failures), PEOPLE)
    brief = read(ModelRequest("", tuple(turns)))
    assert [(source.name, source.facts) for source in brief.sources] == [("North", ("It rains.",))]
    assert brief.absent == ("South: TimeoutError: 30 s",)


def test_a_refusal_is_no_request_of_its_own() -> None:
    turns = (UserSaid("Describe the tides."), ModelSaid("?"), UserSaid(refusal("the reply is empty")))
    brief = read(ModelRequest("", turns))
    assert (brief.request, brief.is_refused) == ("Describe the tides.", True)
