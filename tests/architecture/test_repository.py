"""The repository is for strangers: nothing in it knows the machine it was written on."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Pieced together, so that this file is not found by its own search.
MACHINE_PATH = re.compile(r"(?<![\w.~*)}\]-])/" + r"(?:work|farm|tmp|root|home|Users|opt)" + r"/(?!jovyan)")
WORKPLACE = re.compile(r"(?<![\w-])(?:" + "|".join(["shared" + "/", "farm" + "-bench", r"\.library" + "/"]) + ")")
BINARY = {".gif", ".ico", ".jpg", ".png", ".woff2"}


def tracked_files(root: Path) -> list[Path]:
    """Give the files of the repository, with those that are new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    return [path for path in map(root.joinpath, listed.stdout.splitlines()) if path.is_file()]


def test_no_file_names_a_path_or_a_tool_of_one_machine(root: Path) -> None:
    texts = {path: path.read_text("utf-8") for path in tracked_files(root) if path.suffix not in BINARY}
    found = [
        f"{path.relative_to(root)}:{number}: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE_PATH.search(line) or WORKPLACE.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("line", ["open('/" + "work/main/x')", "see " + "shared" + "/x", "`/" + "farm/bin`"])
def test_the_search_finds_a_machine_path(line: str) -> None:
    assert MACHINE_PATH.search(line) or WORKPLACE.search(line)


@pytest.mark.parametrize(
    "line", ["https://host/" + "work/x", "teamwork/", "network/", "../" + "tmp/x", "{base}/" + "tmp/x"]
)
def test_the_search_leaves_other_paths_alone(line: str) -> None:
    assert not MACHINE_PATH.search(line)
    assert not WORKPLACE.search(line)


def test_a_journal_keeps_its_line_ends(root: Path) -> None:
    assert "*.jsonl -text" in (root / ".gitattributes").read_text("utf-8").splitlines()


def test_ci_runs_what_a_person_runs(root: Path) -> None:
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make ci" in script.read_text("utf-8")
