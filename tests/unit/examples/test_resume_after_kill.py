"""The example that is killed and goes on: it runs as a user would run it, and proves what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[3] / "examples" / "resume_after_kill.py"


def test_the_example_proves_that_no_completed_step_runs_twice(tmp_path: Path) -> None:
    shown = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.count("proved:") == 5
    assert "completed steps ran again" in shown.stdout
