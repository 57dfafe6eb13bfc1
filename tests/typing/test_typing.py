"""What a user's type checker says: nothing about a right program, and the right thing about a wrong one.

The checks run outside the checkout, with no settings but ``--strict``, on the installed package, as they do for a user.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ERROR = re.compile(r"^.*?:(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$")
EXPECTED = re.compile(r"# expect: (?P<code>[a-z-]+)$")


def mypy(program: Path, *, cwd: Path) -> list[str]:
    """Give the lines that mypy prints about one program."""
    cache = HERE.parent.parent / ".mypy_cache" / "user"
    options = ["--strict", "--config-file=", "--no-error-summary", "--hide-error-context", f"--cache-dir={cache}"]
    command = [sys.executable, "-m", "mypy", *options, str(program)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def expected_errors(program: Path) -> list[tuple[int, str]]:
    lines = enumerate(program.read_text("utf-8").splitlines(), start=1)
    return [(number, found["code"]) for number, line in lines if (found := EXPECTED.search(line))]


@pytest.mark.timeout(300)
def test_a_users_program_satisfies_a_strict_type_checker(tmp_path: Path) -> None:
    assert mypy(HERE / "user_code.py", cwd=tmp_path) == []


@pytest.mark.timeout(300)
def test_a_users_mistakes_are_found(tmp_path: Path) -> None:
    lines = mypy(HERE / "user_mistakes.py", cwd=tmp_path)
    found = [(int(error["line"]), error["code"]) for line in lines if (error := ERROR.match(line))]
    assert found == expected_errors(HERE / "user_mistakes.py"), "\n".join(lines)


def test_a_users_program_runs(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(HERE / "user_code.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:1] == ["True Writer wrote: A report, brief 2 None"], done.stderr
