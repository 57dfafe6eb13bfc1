from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from IPython.core.completer import provisionalcompleter

from mars_nb import agent

if TYPE_CHECKING:
    from tests.unit.jupyter.conftest import Notebook


@pytest.fixture
def team(notebook: Notebook) -> Notebook:
    for name in ("Planner", "Market Researcher", "Writer"):
        agent(name)(lambda request: request)
    notebook.variables.update(table=[1], _hidden=2)
    notebook.mars("report --dry-run --view none", "User -> Planner -> User")
    return notebook


def completed(notebook: Notebook, text: str) -> list[str]:
    """Give the whole cell as it would be after each completion at its end."""
    with provisionalcompleter():
        found = list(notebook.shell.Completer.completions(text, len(text)))
    return [text[: each.start] + each.text for each in found]


def last_words(notebook: Notebook, text: str) -> list[str]:
    with provisionalcompleter():
        return [each.text for each in notebook.shell.Completer.completions(text, len(text))]


def test_agents_after_an_arrow(team: Notebook) -> None:
    assert completed(team, "%%mars\nUser -> Pla") == ["%%mars\nUser -> Planner"]


def test_agents_with_spaces_in_their_names(team: Notebook) -> None:
    assert completed(team, "%%mars\nUser -> A, market re") == ["%%mars\nUser -> A, Market Researcher"]


def test_agents_inside_a_rule_and_after_entry(team: Notebook) -> None:
    assert last_words(team, "%%mars\ntimeout(Wri") == ["Writer"]
    assert last_words(team, "%%mars\nentry: Wri") == ["Writer"]


def test_names_that_were_only_drawn_above(team: Notebook) -> None:
    assert last_words(team, "%%mars\nUser -> Newcomer\nNewc") == ["Newcomer"]


def test_rules_and_headers_at_the_start_of_a_line(team: Notebook) -> None:
    assert last_words(team, "%%mars\nmax_t")[:1] == ["max_turns("]
    assert last_words(team, "%%mars\nta") == ["task: "]


def test_variables_in_placeholders_and_context(team: Notebook) -> None:
    assert completed(team, "%%mars\ntask: compare {ta") == ["%%mars\ntask: compare {table"]
    assert last_words(team, "%%mars\ncontext: ta") == ["table"]


def test_the_text_of_a_task_is_left_alone_by_ours(team: Notebook) -> None:
    assert "Planner" not in last_words(team, "%%mars\ntask: Pla")
    assert "Planner" not in last_words(team, "%%mars\ntask: x\n  Pla")


def test_options_and_their_values(team: Notebook) -> None:
    assert last_words(team, "%%mars report --dry") == ["--dry-run"]
    assert last_words(team, "%%mars --view st") == ["static"]
    assert last_words(team, "%%mars -t ta") == ["table"]


def test_an_option_that_was_given_is_not_offered_and_models_are(team: Notebook) -> None:
    assert "--dry-run" not in last_words(team, "%%mars --dry-run --d")
    assert last_words(team, "%%mars --model off") == ["offline"]
    assert last_words(team, "%mars model oll") == ["ollama:"]


def test_verbs_topics_and_runs(team: Notebook) -> None:
    assert last_words(team, "%mars ti") == ["timeline"]
    assert last_words(team, "df = %mars ti") == ["timeline"]
    assert last_words(team, "%mars help ru") == ["rules"]
    assert last_words(team, "%mars timeline re") == ["report"]


def test_sessions_and_agents_after_their_options(team: Notebook) -> None:
    team.mars("done -q --stub", "task: x\nUser -> Echo -> User")
    assert last_words(team, "%%mars -s do") == ["done-1"]
    assert last_words(team, "%%mars -p Wri") == ["Writer"]
    assert last_words(team, "%%mars --checkpoint-every j") == ["join"]


def test_runs_sessions_and_positions_after_a_verb(team: Notebook) -> None:
    team.mars("done -q", "task: x\nUser -> Planner -> User")
    team.mars("checkpoint first")
    assert last_words(team, "%mars show don") == ["done", "done-1"]
    assert completed(team, "%mars fork done@fi") == ["%mars fork done@first"]
    assert last_words(team, "%mars fork done@Pl") == ["Planner#1"]
    assert last_words(team, "%mars restore fir") == ["first"]
    assert last_words(team, "%mars fork nobody@fir") != ["first"]
    assert last_words(team, "%mars fork report@fir") != ["first"]


def test_options_of_a_verb_and_their_values(team: Notebook) -> None:
    assert last_words(team, "%mars resume --ba") == ["--background"]
    assert last_words(team, "%mars resume --view st") == ["static"]
    assert last_words(team, "%mars resume -u ta") == ["table"]
    assert last_words(team, "%mars pause rep") != ["report"]
    assert "report" not in last_words(team, "%mars nonsense rep")


def test_every_word_of_a_verb_is_of_its_own_kind(team: Notebook) -> None:
    team.mars("done -q", "task: x\nUser -> Planner -> User")
    team.mars("save team.mars")
    assert last_words(team, "%mars compare done re") == ["report"]
    assert last_words(team, "%mars run te") == ["team.mars"]
    assert last_words(team, "%mars run ./te") == ["./team.mars"]
    assert last_words(team, "%mars run team.mars report --max") == ["--max-steps"]
    assert last_words(team, "%mars figure a.png done@Pl") == ["Planner#1"]
    assert last_words(team, "%mars show Pl") == ["Pl"]
    assert last_words(team, "%mars restore Pl") == ["Planner#1"]
    assert last_words(team, "%mars agents --from do") == ["done", "done-1"]
    assert completed(team, "%mars fork done@1 --agent Planner=Wri") == ["%mars fork done@1 --agent Planner=Writer"]
    assert last_words(team, "%mars resume --rule budg") == ["budget("]
    assert last_words(team, "%mars answer {ta") == ["table"]


def test_a_value_behind_an_equals_sign_and_the_next_of_several(team: Notebook) -> None:
    assert completed(team, "%%mars --view=st") == ["%%mars --view=static"]
    assert completed(team, "%%mars -c table,re") == ["%%mars -c table,report"]


def test_the_line_of_an_agent(team: Notebook) -> None:
    team.variables["look_up"] = lambda word: word
    assert last_words(team, "%%agent Pla") == ["Planner"]
    assert last_words(team, "%%agent Writer --to") == ["--tools"]
    assert last_words(team, "%%agent Writer --tools lo") == ["look_up"]
    assert last_words(team, "%%agent Writer -m off") == ["offline"]
    assert "--tools" not in last_words(team, "%%agent Writer\n--to")


def test_only_what_can_be_filled_in_is_offered(team: Notebook) -> None:
    team.variables |= {"tabulate": print, "Table": dict, "tables": pytest}
    assert last_words(team, "%%mars\ntask: {ta") == ["table"]
    assert last_words(team, "%%mars -u ta") == ["table", "tabulate"]


@pytest.mark.parametrize(
    "text",
    [
        "%mars answer impo",
        "%mars figure nothing/impo",
        "%%mars\ntask: impo",
        "%%mars\ntask: x\n  impo",
        "%%mars\ntask: x {{impo",
        '%%mars\ntask: """\nUser -> Pla',
        "%%mars -t report\nUser -> Pla",
        "%%mars --max-steps impo",
    ],
)
def test_where_nothing_of_ours_fits_python_is_silent(team: Notebook, text: str) -> None:
    assert completed(team, text) == [text]


@pytest.mark.parametrize("text", ["%mars", "%%mars"])
def test_the_magic_itself_is_left_to_ipython(team: Notebook, text: str) -> None:
    assert "%%mars" in last_words(team, text)


def test_hidden_variables_and_those_of_the_shell_are_not_offered(team: Notebook) -> None:
    words = last_words(team, "%%mars -t ")
    assert {"table", "report"} <= set(words)
    assert not {"_hidden", "In", "Out"} & set(words)


@pytest.mark.parametrize("text", ["Pla", "%%time\nPla", "x = 1\nPla", "# only a comment\nPla"])
def test_other_cells_are_left_to_python(team: Notebook, text: str) -> None:
    assert "Planner" not in last_words(team, text)


def test_a_cell_below_comments_is_a_cell(team: Notebook) -> None:
    assert last_words(team, "# nightly\n\n%%mars\nUser -> Pla") == ["Planner"]
