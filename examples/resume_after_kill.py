"""A run of twenty steps is killed in the middle and goes on in a new process; no finished step runs twice.

``python examples/resume_after_kill.py`` needs nothing but this package. It

1. starts a run of twenty steps in a child process, whose agents write down in a side file when they begin and when they
   are done;
2. kills that process with SIGKILL while a step in the middle runs;
3. goes on with the session in another new process, from the journal alone;
4. proves from the side file that no step with a recorded outcome ran again, and that the one which was in the air when
   the process died did, under the same idempotency key.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mars_nb import Agent, AgentRegistry, FileStorageBackend, Orchestra, StateManager, StepContext
from mars_nb.events import StepCompleted

N_STEPS = 20
KILLED_AT = 11
NAMES = [f"Station{n:02}" for n in range(1, N_STEPS + 1)]
TOPOLOGY = " -> ".join(["User", *NAMES, "User"])
SESSION = "parcel"


def stations(side_file: Path) -> AgentRegistry:
    """Make the agents: each notes that it begins, works a little, and notes that it is done."""
    registry = AgentRegistry()

    def note(word: str, context: StepContext) -> None:
        with side_file.open("a", encoding="utf-8") as file:
            file.write(f"{word} {context.step_key} {os.getpid()}\n")

    async def handle(parcel: int, context: StepContext) -> int:
        note("begun", context)
        await asyncio.sleep(0.02)
        note("done", context)
        return parcel + 1

    for name in NAMES:
        Agent(name=name, answer=handle, registry=registry)
    return registry


async def work(folder: Path) -> None:
    """Run the session, or go on with it, in this process."""
    storage = FileStorageBackend(folder / "sessions")
    orchestra = Orchestra(stations(folder / "side.txt"), state_manager=StateManager(storage))
    if SESSION in storage.list():
        result = await orchestra.resume_session(SESSION)
    else:
        session = await orchestra.create_session(0, session_id=SESSION)
        result = await session.run(TOPOLOGY)
    print(result.final_response)


def child(folder: Path) -> subprocess.Popen[str]:
    """Start a process that works on the session."""
    command = [sys.executable, str(Path(__file__).resolve()), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 (this very file)


def lines(folder: Path) -> list[list[str]]:
    """Give what the agents noted: word, step key and process of each line."""
    path = folder / "side.txt"
    return [line.split() for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def begun(noted: list[list[str]]) -> list[str]:
    """Give the keys of the steps that began."""
    return [key for word, key, _ in noted if word == "begun"]


def kill_in_the_middle(folder: Path) -> None:
    """Start the run, and kill it while the step in the middle runs."""
    with child(folder) as process:
        while len(begun(lines(folder))) < KILLED_AT and process.poll() is None:
            time.sleep(0.002)
        process.kill()
    print(f"process {process.pid} was killed when {len(begun(lines(folder)))} of {N_STEPS} steps had begun")


def completed(folder: Path) -> set[str]:
    """Give the keys of the steps whose outcome the journal has."""
    records = FileStorageBackend(folder / "sessions").read(SESSION)
    return {f"{SESSION}/{record.event.step_id}" for record in records if isinstance(record.event, StepCompleted)}


def drive(folder: Path) -> None:
    """Kill, resume, and prove."""
    kill_in_the_middle(folder)
    before, finished = lines(folder), completed(folder)
    in_the_air = set(begun(before)) - finished
    with child(folder) as process:
        answer, _ = process.communicate()
    print(f"process {process.pid} went on from the journal and answered {answer.strip()}")

    after = lines(folder)[len(before) :]
    again = set(begun(after))
    prove(answer.strip() == str(N_STEPS), f"the parcel came through all {N_STEPS} stations")
    prove(not finished & again, f"none of the {len(finished)} completed steps ran again")
    prove(
        in_the_air <= again, f"what was in the air ran again, under the same key: {', '.join(in_the_air) or 'nothing'}"
    )
    prove(len(finished | again) == N_STEPS, "together the two processes ran every step")
    times_begun = Counter(begun(before + after))
    prove({key for key, n in times_begun.items() if n > 1} <= in_the_air, "and no other step ran twice")


def prove(holds: bool, sentence: str) -> None:  # noqa: FBT001 (reads as a sentence)
    """Say what was proved, or stop."""
    if not holds:
        raise SystemExit(f"NOT TRUE: {sentence}")
    print(f"proved: {sentence}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(work(Path(sys.argv[1])))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            drive(Path(temporary))
