"""Kill -9 at random points: what was acknowledged is there, exactly once, and the next process goes on.

``MARS_FAULTS=1000`` kills a thousand times.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mars_nb.state.storage import FileStorageBackend
from tests.faults.writer import event

N_KILLS = int(os.environ.get("MARS_FAULTS", "20"))


@pytest.mark.timeout(60 + 3 * N_KILLS)
@pytest.mark.parametrize("durability", ["process", "power"])
def test_no_acknowledged_event_is_lost_by_any_kill(durability: str, tmp_path: Path) -> None:
    chance = random.Random(N_KILLS)  # noqa: S311 - where it kills need not be a secret
    n_acknowledged = 0
    for _ in range(max(1, N_KILLS // 2)):
        n_acknowledged = max(n_acknowledged, _run_and_kill(tmp_path, durability, chance))
        assert _n_kept(tmp_path) >= n_acknowledged
    assert n_acknowledged > 0


def _run_and_kill(folder: Path, durability: str, chance: random.Random) -> int:
    """Let a process append, kill it after a random number of its lines, and give the last seq it acknowledged."""
    command = [sys.executable, str(Path(__file__).with_name("writer.py")), str(folder), durability]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.getcwd()}) as process:  # noqa: PTH109
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.choice([1, 2, 5, 20, 60, 200]))]
        process.kill()
        lines += process.stdout.readlines()
    whole = [int(line) for line in lines if line.endswith(b"\n") and line.strip().isdigit()]
    return max(whole, default=0)


def _n_kept(folder: Path) -> int:
    storage = FileStorageBackend(folder)
    if "s" not in storage.list():
        return 0
    records = list(storage.read("s"))
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    assert all(record.event == event(record.seq) for record in records)
    return len(records)
