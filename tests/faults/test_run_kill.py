"""Kill -9 at random moments of whole runs: nothing acknowledged is lost, nothing completed runs again.

``MARS_FAULTS=1000`` kills a thousand times. Every session is killed until it is done, and then has to have the answer
that a session has which nobody killed.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from mars_nb import FileStorageBackend
from mars_nb.events import StepCompleted

N_KILLS = int(os.environ.get("MARS_FAULTS", "20"))
RUNNER = Path(__file__).with_name("runner.py")
MOST_KILLS_OF_ONE = 5


@dataclass
class Figures:
    """What was counted over all sessions."""

    n_kills: int = 0
    n_sessions: int = 0
    n_steps: int = 0
    n_lost: int = 0
    n_again: int = 0
    n_in_doubt: int = 0


@dataclass
class Victim:
    """A session, its side file, and what was known to be done when a process died."""

    folder: Path
    name: str

    @property
    def side_file(self) -> Path:
        return self.folder / f"{self.name}.txt"

    def start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(RUNNER), str(self.folder / "sessions"), self.name, str(self.side_file)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(Path.cwd())})

    def noted(self) -> list[tuple[str, str]]:
        lines = self.side_file.read_text().splitlines() if self.side_file.exists() else []
        return [(word, key) for word, key in (line.split() for line in lines)]

    def completed(self) -> list[str]:
        """Give the steps whose outcome the journal has, which is read without a lock."""
        storage = FileStorageBackend(self.folder / "sessions")
        if self.name not in storage.list():
            return []
        events = [record.event for record in storage.read(self.name)]
        return [f"{self.name}/{event.step_id}" for event in events if isinstance(event, StepCompleted)]


def kill_once(victim: Victim, chance: random.Random, figures: Figures) -> bool:
    """Start a process, kill it after some more lines in its side file; False when it was faster."""
    n_before = len(victim.noted())
    patience = chance.choice([0, 0, 1, 2, 3, 5, 8, 13, 21, 34])
    with victim.start() as process:
        while len(victim.noted()) < n_before + patience and process.poll() is None:
            time.sleep(0.001)  # a kill has to come at some moment or other, so this one waits for no event
        time.sleep(chance.random() * (0.01 if patience else 0.5))
        was_running = process.poll() is None
        process.kill()
    figures.n_kills += was_running
    return was_running


def check(victim: Victim, before: set[str], n_noted: int, figures: Figures) -> set[str]:
    """Count what the process that has just ended did wrong, and give what is completed now."""
    completed, noted = victim.completed(), victim.noted()
    told = {key for word, key in noted if word == "done"}
    begun = [key for word, key in noted[n_noted:] if word == "begun"]
    figures.n_lost += len(told - set(completed)) + (len(completed) - len(set(completed)))
    figures.n_again += len(before & set(begun))
    figures.n_in_doubt += len(set(begun) - set(completed))
    return set(completed)


def live_through(victim: Victim, chance: random.Random, figures: Figures) -> bytes:
    """Kill a session a few times, then let it end; give its answer."""
    done: set[str] = set()
    for _ in range(min(MOST_KILLS_OF_ONE, N_KILLS - figures.n_kills)):
        n_noted = len(victim.noted())
        was_killed = kill_once(victim, chance, figures)
        done = check(victim, done, n_noted, figures)
        if not was_killed:
            break
    n_noted = len(victim.noted())
    with victim.start() as process:
        answer, _ = process.communicate()
    assert process.returncode == 0
    figures.n_steps += len(check(victim, done, n_noted, figures))
    figures.n_sessions += 1
    return answer


@pytest.mark.slow
@pytest.mark.timeout(120 + 3 * N_KILLS)
def test_runs_that_are_killed_at_random_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    chance, figures = random.Random(N_KILLS), Figures()  # noqa: S311 (where it kills need not be a secret)
    with Victim(tmp_path, "whole").start() as process:
        wanted, _ = process.communicate()
    n_steps = len(Victim(tmp_path, "whole").completed())
    while figures.n_kills < N_KILLS:
        victim = Victim(tmp_path, f"s{figures.n_sessions}")
        assert live_through(victim, chance, figures) == wanted
        assert len(victim.completed()) == n_steps
    sys.stdout.write(
        f"\n{figures.n_kills} kills over {figures.n_sessions} runs of {n_steps} steps: {figures.n_lost} acknowledged "
        f"events lost, {figures.n_again} completed steps run again, {figures.n_in_doubt} steps in doubt asked again\n"
    )
    assert (figures.n_lost, figures.n_again) == (0, 0)
