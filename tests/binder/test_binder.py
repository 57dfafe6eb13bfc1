"""Binder opens the notebooks with what `binder/` says and nothing else; so does this test, in a fresh environment."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
BINDER = ROOT / "binder"


def run(*command: str | Path, bin_folder: Path) -> None:
    """Run a command as Binder would: with the environment's programs first, and none of the tester's settings."""
    ours = ("COVERAGE_", "COV_", "PYTHON", "VIRTUAL_ENV", "PYTEST_", "MPLBACKEND")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    variables["PATH"] = f"{bin_folder}{os.pathsep}{variables['PATH']}"
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the environment that the requirements describe."""
    folder = tmp_path_factory.mktemp("binder") / "venv"
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    requirements = BINDER / "requirements.txt"
    run(programs / "python", "-m", "pip", "install", "--quiet", "-r", requirements, bin_folder=programs)
    return programs


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_quickstart_runs_in_the_environment_that_binder_builds(bin_folder: Path, tmp_path: Path) -> None:
    notebook = ROOT / "notebooks" / "00_quickstart.ipynb"
    options = ["nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path)]
    run(BINDER / "postBuild", bin_folder=bin_folder)
    run(bin_folder / "jupyter", *options, notebook, bin_folder=bin_folder)
    assert (tmp_path / "00_quickstart.ipynb").is_file()


def test_the_script_that_prepares_binder_can_be_run() -> None:
    assert os.access(BINDER / "postBuild", os.X_OK)
    assert (BINDER / "postBuild").read_text("utf-8").startswith("#!")


def test_binder_runs_a_python_that_the_package_supports() -> None:
    assert (BINDER / "runtime.txt").read_text("utf-8").strip() == "python-3.11"
