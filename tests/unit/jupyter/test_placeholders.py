from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel, SecretStr

from mars_nb.errors import CellError, RunNotFound
from mars_nb.jupyter.placeholders import fill, is_run, is_table, only_name, text_of, value_of


class Limits(BaseModel):
    low: int = 1


class Result:
    def __init__(self, final_response: object) -> None:
        self.final_response = final_response


class Finished(Result):
    final_response: object = None


class Failed:
    final_response = None
    success = False


class Broken:
    @property
    def final_response(self) -> object:
        raise AttributeError


class Unfinished:
    @property
    def final_response(self) -> object:
        raise RunNotFound("it has not ended yet")


def filled(text: str, **variables: object) -> str:
    found = fill(text, variables)
    assert found.problems == ()
    return found.text


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {"b": [1]}}',
        "{v:k for k,v in d.items()} and ({ name, widget })",
        r"\frac{a}{b} \sqrt[3]{x} \frac{\sqrt{a}}{b} \text{d} \textbf*{x}",
        "{ x } {} {{}} {1} {x: 1} {x.a\n}",
        "{x + 1}",
        "if (x) { return }",
        "{unknown.attr} {unknown[0]}",
        "{x.y",
    ],
)
def test_every_other_brace_is_text(text: str) -> None:
    assert filled(text, a=1, b=2, x=3, d=4) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{x}{x}", "33"),
        ("{{x}}", "{x}"),
        ("{{unknown}}", "{unknown}"),
        ("{{x}", "{3"),
        ("{{{x}}}", "{{x}}"),
        (r"C:\temp\{x}", r"C:\temp\3"),
        (r"\n{x}", r"\n3"),
        ("{größe}", "{x}"),
        ("file_{x}.csv", "file_3.csv"),
    ],
)
def test_a_plain_name_is_filled_in_once(text: str, expected: str) -> None:
    assert filled(text, x=3, größe="{x}") == expected


@pytest.mark.parametrize("text", ["{x.shape}", "{x[0]}", "{x:.2f}", "{x()}", "{x!r}", "{x=}"])
def test_nothing_is_evaluated(text: str) -> None:
    (problem,) = fill(f"a {text}", {"x": 1}).problems
    assert problem.message == f"{text!r}: only plain names are filled in; compute it in a Python cell first"
    assert problem.at == 2


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    (problem,) = fill("{tabel} {tabel}", {"table": 1, "_tabel": 2}).problems
    assert "did you mean 'table'?; for the literal text write '{{tabel}}'" in problem.message


def test_the_whole_text_may_be_one_placeholder() -> None:
    assert only_name(" {x} ") == "x"
    assert only_name("{x} y") is None
    assert only_name("{{x}}") is None


@pytest.mark.parametrize(
    ("value", "text", "whole"),
    [
        ("text", "text", "text"),
        (3, "3", 3),
        (0.5, "0.5", 0.5),
        (True, "true", True),
        (None, "null", None),
        ({"ü": [1, {"b": None}]}, '{"ü": [1, {"b": null}]}', {"ü": [1, {"b": None}]}),
        (Limits(), '{"low": 1}', {"low": 1}),
        (np.array([[1, 2], [3, 4]]), "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        (np.int64(7), "7", 7),
        (Finished("answer"), "answer", "answer"),
    ],
)
def test_a_value_becomes_text_or_stays_a_value(value: object, text: str, whole: object) -> None:
    assert text_of("x", value) == text
    assert value_of("x", value) == whole


def test_a_table_is_csv_in_text_and_itself_as_a_value() -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert text_of("t", table) == "(2 rows x 2 columns)\na,b\n1,x\n2,y"
    assert text_of("t", table.set_index("b")) == "(2 rows x 1 columns)\nb,a\nx,1\ny,2"
    assert text_of("t", table["a"]) == "(2 rows x 1 columns)\na\n1\n2"
    assert value_of("t", table) is table
    assert is_table(table["a"])
    assert not is_table([table])


@pytest.mark.parametrize("n_rows", [5_000, 30_000])
def test_a_large_table_belongs_into_context(n_rows: int) -> None:
    table = pd.DataFrame({"a": range(n_rows)})
    with pytest.raises(CellError, match=r"more than 20 kB as text; name it in a line 'context: t'"):
        text_of("t", table)
    assert value_of("t", table) is table


NESTED: list[Any] = []
NESTED.append(NESTED)
SHARED: list[Any] = [1]
for _ in range(40):
    SHARED = [SHARED, SHARED]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (print, "is of type builtin_function_or_method; expected text, numbers, JSON"),
        ({1, 2}, "is of type set"),
        ({1: 2}, "is of type dict; expected text, numbers, JSON (dicts with text keys)"),
        ([object()], "holds something of type object"),
        (float("nan"), "holds nan, which is no JSON"),
        (NESTED, "nested too deeply"),
        (SHARED, "too large"),
        (np.zeros(1_001), "an array of 1,001 elements; expected at most 1,000"),
        (SecretStr("x"), "is a secret"),
        (Broken(), "is of type Broken"),
        (Failed(), "is a run that has no answer: it did not succeed"),
        (Unfinished(), "is a run without a result yet: it has not ended yet"),
        ("sk-abcdefghijklmnopqrst", "looks like a key"),
        ({"token": "ghp_abcdefghijklmnopqrstuvwxyz"}, "looks like a key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "looks like a key"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_both(value: object, told: str) -> None:
    for use in (text_of, value_of):
        with pytest.raises(CellError) as error:
            use("x", value)
        assert told in str(error.value)
        assert "'{x}'" in str(error.value)


def test_a_variable_that_is_called_like_a_key_is_refused() -> None:
    with pytest.raises(CellError, match="looks like a key"):
        text_of("OPENAI_API_KEY", "anything")
    assert text_of("token", "a word") == "a word"


def test_runs_are_told_from_other_things() -> None:
    assert is_run(Finished(1))
    assert is_run(Unfinished())
    assert not is_run("text")


def test_lenient_filling_takes_the_rest_as_text() -> None:
    assert fill("{A: [B]} {B} {C} {{B}}", {"A": 1, "B": 2}, lenient=True).text == "{A: [B]} 2 {C} {{B}}"
