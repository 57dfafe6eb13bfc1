from __future__ import annotations

from typing import Any

import pytest

from mars_nb.jupyter.options import OPTIONS, parse_options


def values(line: str, **variables: object) -> dict[str, Any]:
    options = parse_options(line, variables)
    assert options.problems == ()
    return options.values


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {"name": "run"}),
        ("report", {"name": "report"}),
        ("run", {"name": "run"}),
        ("report << -b", {"name": "report", "background": True}),
        ("report<< # why", {"name": "report"}),
        ("-b -n -q -r", {"name": "run", "background": True, "dry_run": True, "quiet": True, "raw": True}),
        ("-t topo -s abc -m m:1", {"name": "run", "topology": "topo", "session": "abc", "model": "m:1"}),
        ("-c x -u replies -p A -f md", {"name": "run", "context": "x", "user": "replies", "pause_before": "A"}),
        ("--max-steps=5 --pace 0.5", {"name": "run", "max_steps": 5, "pace": 0.5}),
        ("--once --in-memory --stub", {"name": "run", "once": True, "in_memory": True, "stub": True}),
        ("--replace --keep-going", {"name": "run", "replace": True, "keep_going": True}),
        ("--checkpoint-every join", {"name": "run", "checkpoint_every": "join"}),
        ("--checkpoint-every 3 --view none", {"name": "run", "checkpoint_every": 3, "view": "none"}),
        ('-p "Market Researcher"', {"name": "run", "pause_before": "Market Researcher"}),
        ('-s a\\ b"c\\"d"\'e\\f\'', {"name": "run", "session": 'a bc"de\\f'}),
        ("-s 'issue #12'", {"name": "run", "session": "issue #12"}),
        ("-s issue#12", {"name": "run", "session": "issue#12"}),
        ("-s '--once'", {"name": "run", "session": "--once"}),
        ("-s --odd", {"name": "run", "session": "--odd"}),
    ],
)
def test_a_line_is_a_name_options_and_a_comment(line: str, expected: dict[str, Any]) -> None:
    expected = expected | ({"format": "md"} if "-f md" in line else {})
    assert values(line) == expected


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--max-step 5", "unknown option '--max-step'; did you mean '--max-steps'?"),
        ("--timeout 5", "'--timeout' is a rule and no option; write it as a line of the cell: 'timeout(…)'"),
        ("--max_steps 5", "unknown option '--max_steps'; did you mean '--max-steps'?"),
        ("--help", "unknown option '--help'; %mars help options lists them"),
        ("--zzz", "unknown option '--zzz'; %mars help options lists them"),
        ("-bq", "short options are not joined: did you mean '-b -q'?"),
        ("-s=abc", "did you mean '-s abc'?"),
        ("-x", "unknown option '-x'"),
        ("--quiet=yes", "'--quiet' takes no value"),
        ("--max-steps", "'--max-steps' needs a value: '--max-steps N'"),
        ("-s -q", "'-s' needs a value: '-s ID'"),
        ("--max-steps x", "'--max-steps x': expected a whole number from 1"),
        ("--max-steps 0", "expected a whole number from 1"),
        ("--pace -1", "expected seconds, such as 0.5"),
        ("--pace .", "expected seconds, such as 0.5"),
        ("--view lve", "expected live, static or none; did you mean 'live'?"),
        ("--format html", "expected md, text or json"),
        ("--checkpoint-every never", "expected 'join', 'step' or a whole number from 1"),
        ("-s ''", "expected some text"),
        ("-q --quiet", "'--quiet' is given twice"),
        ("a b", "unexpected 'b'"),
        ("-q report", "the name of the run stands first"),
        ("pause", "'pause' is a command"),
        ("class", "'class' is no name for a run"),
        ("2nd", "'2nd' is no name for a run"),
        ("-s 'a", "the quotation is not closed"),
        ('-s "a\\"', "the quotation is not closed"),
        ("-s " + "a" * 4_000, "expected at most 4,000"),
        ("--once -s a", "--once makes an id of its own"),
        ("-s {sid}", "the notebook has no variable 'sid'"),
    ],
)
def test_a_wrong_line_is_told(line: str, told: str) -> None:
    problems = parse_options(line, {}).problems
    assert told in problems[0]


def test_placeholders_in_values_are_filled_after_the_line_is_split() -> None:
    assert values("-s {sid} --max-steps {n}", sid="a b --once", n=4) == {
        "name": "run",
        "session": "a b --once",
        "max_steps": 4,
    }
    assert values("-r -s {sid}")["session"] == "{sid}"


def test_the_braces_of_a_pattern_are_no_placeholders() -> None:
    line = '-t "hierarchical(tree={A: [B], B: [C]})"'
    assert values(line, A=1, B=2)["topology"] == "hierarchical(tree={A: [B], B: [C]})"
    assert values('-t "ring(agents={names})"', names=["A", "B"])["topology"] == 'ring(agents=["A", "B"])'


def test_no_two_options_share_a_name() -> None:
    names = [name for option in OPTIONS for name in (option.long, option.short) if name]
    assert len(names) == len(set(names))
