from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest

from mars_nb.jupyter.display import FOLD_LENGTH, Text, answer_bundle, answer_text, folded, safe_markdown
from mars_nb.jupyter.records import RunRecord
from mars_nb.jupyter.runs import Run
from mars_nb.jupyter.screens import Screen
from mars_nb.topology.model import Topology
from mars_nb.views.result import OrchestraResult


class Answered(OrchestraResult):
    """A result whose several answers are what it is given."""

    @property
    def responses(self) -> dict[str, Any]:
        return self.final_response if self.metadata.get("several") else {"A": self.final_response}


def run_with(answer: Any, *, several: bool = False) -> Run:
    record = RunRecord("report", "x", Topology.from_text("User -> A -> User"))
    record.finish(Answered(success=True, final_response=answer, metadata={"several": several}), "succeeded")
    return Run(record)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("<img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)>"),
        ("<!-- hidden -->", "&lt;!-- hidden -->"),
        ("a < b, a <= b, a <- b, 1<2", "a < b, a <= b, a <- b, 1<2"),
        ("![cat](http://x/cat.png)", "[image: cat] http://x/cat.png"),
        ('![cat](http://x/cat.png "A cat")', "[image: cat] http://x/cat.png"),
        ("[![cat](http://x/c.png)](http://y)", "[[image: cat] http://x/c.png](http://y)"),
        ("![cat][ref]", r"!\[cat][ref]"),
        ("!![a](http://b)", "[image: a] http://b"),
        ("![a [b] c](http://d)", r"!\[a [b] c](http://d)"),
        ("[web](https://x/y?a=1&b=2)", "[web](https://x/y?a=1&b=2)"),
        (
            "[mail](mailto:a@b.c) [here](#there) [file](notes.md)",
            "[mail](mailto:a@b.c) [here](#there) [file](notes.md)",
        ),
        ("[x](javascript:alert(1))", r"[x]\(javascript:alert(1))"),
        ("[x](JaVaScRiPt&colon;alert(1))", r"[x]\(JaVaScRiPt&colon;alert(1))"),
        ("[x](<javascript:alert(1)>)", r"[x]\(&lt;javascript:alert(1)>)"),
        (r"[x](javascript\:alert(1))", r"[x]\(javascript\:alert(1))"),
        ("[x]: javascript:alert(1)", r"[x]\: javascript:alert(1)"),
        ("[x]:\n  data:text/html,hi", "[x]\\:\n  data:text/html,hi"),
        ("[x]: https://y", "[x]: https://y"),
        ("## Report\n\n- **a**: `x[0]`\n\n| a | b |", "## Report\n\n- **a**: `x[0]`\n\n| a | b |"),
    ],
)
def test_markdown_of_others_is_harmless_and_says_the_same(given: str, shown: str) -> None:
    assert safe_markdown(given) == shown


def test_characters_that_a_terminal_obeys_are_dropped() -> None:
    assert folded("a\x1b[31mred\x07\r\nb\u202etxt.exe\tc", "run") == "a[31mred\nbtxt.exe\tc"


def test_a_long_answer_is_folded_and_says_where_the_rest_is() -> None:
    text = folded("x" * (FOLD_LENGTH + 1_234), "report")
    assert text == "x" * FOLD_LENGTH + "…\n\n(1,234 characters more: report.final_response)"


def test_an_answer_is_markdown_and_the_same_text() -> None:
    assert answer_bundle(run_with("**yes**")) == {"text/markdown": "**yes**", "text/plain": "**yes**"}


def test_an_answer_as_text_is_not_rendered() -> None:
    assert answer_bundle(run_with("**yes**"), "text") == {"text/plain": "**yes**"}


def test_an_answer_as_json_is_json() -> None:
    assert answer_bundle(run_with({"a": "ä"}), "json") == {"text/plain": '{\n  "a": "ä"\n}'}


def test_a_table_as_json_is_read_back() -> None:
    table = pd.DataFrame({"n": [1, 2], "at": [pd.Timestamp("2024-01-01"), pd.NaT]}, index=["a", "b"])
    shown = json.loads(answer_bundle(run_with({"found": table}), "json")["text/plain"])
    assert shown["found"]["columns"] == ["n", "at"]
    assert shown["found"]["index"] == ["a", "b"]
    assert shown["found"]["data"][1] == [2, None]


def test_only_markdown_has_fences() -> None:
    bundle = answer_bundle(run_with({"A": 3.5, "B": pd.DataFrame({"n": [1]})}, several=True))
    assert bundle["text/markdown"] == "## A\n\n```json\n3.5\n```\n\n## B\n\n```text\n   n\n0  1\n```"
    assert bundle["text/plain"] == "## A\n\n3.5\n\n## B\n\n   n\n0  1"


def test_data_is_shown_in_a_fence() -> None:
    assert answer_text(run_with({"a": 1})) == '```json\n{\n  "a": 1\n}\n```'


def test_several_answers_are_shown_with_headings() -> None:
    assert answer_text(run_with({"A": "yes", "B": "no"}, several=True)) == "## A\n\nyes\n\n## B\n\nno"


def test_a_table_is_shown_with_its_first_rows_and_cells_cut() -> None:
    text = answer_text(run_with(pd.DataFrame({"a": ["x" * 200] * 30})))
    assert text.endswith("(30 rows)\n```")
    assert "x" * 70 in text
    assert "x" * 81 not in text


def test_a_series_is_shown_as_a_table() -> None:
    assert answer_text(run_with(pd.Series([1, 2], name="n"))) == "```text\n   n\n0  1\n1  2\n```"


def test_text_shows_itself_as_it_is() -> None:
    assert repr(Text("two\nlines")) == "two\nlines"


def test_a_picture_is_shown_once_and_then_repainted_when_it_changes(shown: list[dict[str, Any]]) -> None:
    screen = Screen("live")
    for picture in ("one", "one", "two"):
        screen.paint({"text/plain": picture})
    assert [(each["data"]["text/plain"], each["update"]) for each in shown] == [("one", False), ("two", True)]


def test_without_a_view_nothing_is_painted(shown: list[dict[str, Any]]) -> None:
    Screen("none").paint({"text/plain": "one"})
    assert shown == []
