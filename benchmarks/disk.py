"""Costs on the disk: how much is written (T6), and what waiting for it takes (T7).

Everything is kept in a folder for temporary files and deleted at once; ``TMPDIR`` chooses another disk. One in memory
makes T7 meaningless.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import team
from benchmarks.harness import Figure
from mars_nb import FileStorageBackend, StateManager
from mars_nb.events import BranchMoved, StepCompleted, StepScheduled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import FileIO

    from benchmarks.workloads import Scale
    from mars_nb.events import Event

PAYLOAD = "x" * 64
"""What the agents say (T6, T7)."""

_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)  # as the journal does


@contextmanager
def in_files() -> Iterator[Callable[[], StateManager]]:
    """Give what makes managers that keep journals in files, until the end of the block."""
    with TemporaryDirectory() as folder:
        yield lambda: StateManager(FileStorageBackend(folder))


def t6_disk(scale: Scale) -> list[Figure]:
    """Measure the bytes of a session's files for each step, what the agents said not counted."""
    talk, chain = team.talk(scale.n_many_turns // 2), team.chain(scale.n_steps)
    told = f"conversation of {talk.n_steps:,} steps, {len(PAYLOAD)} B each: disk a step over that"
    drawn = f"chain of {chain.n_steps:,} agents, the same"
    return [
        Figure("T6", told, [_bytes_a_step(talk) for _ in range(scale.n_repeats)], "three events a step"),
        Figure("T6", drawn, [_bytes_a_step(chain) for _ in range(scale.n_repeats)], "the drawing is on the disk, too"),
    ]


def t7_power(scale: Scale) -> list[Figure]:
    """Measure commits that each wait for the disk against writing and syncing the same bytes without a journal."""
    _samples(scale.n_commits)
    samples = [_samples(scale.n_commits) for _ in range(scale.n_repeats)]
    kept_us, bare_us = (median(each) * 1e6 for each in zip(*samples, strict=True))
    what = f'{scale.n_commits:,} commits of three events, durability "power": wall time over write and sync alone'
    detail = f"{kept_us:.0f} us a commit over {bare_us:.0f} us"
    return [Figure("T7", what, [kept_s / bare_s for kept_s, bare_s in samples], detail)]


def _bytes_a_step(drawn: team.Team) -> float:
    with TemporaryDirectory() as folder:
        asyncio.run(drawn.redrawn().run(StateManager(FileStorageBackend(folder)), PAYLOAD))
        n_bytes = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return n_bytes / drawn.n_steps - len(PAYLOAD)


def _samples(n_commits: int) -> tuple[float, float]:
    """Give the median wall seconds of a commit, and of the same bytes in a bare file right after it."""
    with TemporaryDirectory() as folder:
        journal = FileStorageBackend(folder, durability="power").create("session", {})
        path = Path(folder) / "session" / "journal.jsonl"
        with path.open("rb") as kept, (path.parent / "bare").open("ab", buffering=0) as bare:
            kept.read()
            timed = [
                (_wall_s(partial(journal.append_many, _commit(step))), _wall_s(partial(_write, bare, kept.read())))
                for step in range(n_commits)
            ]
        journal.close()
    kept_s, bare_s = zip(*timed, strict=True)
    return median(kept_s), median(bare_s)


def _commit(step: int) -> list[Event]:
    return [
        StepCompleted("b0", step, content=PAYLOAD),
        BranchMoved("b0", f"A{step}"),
        StepScheduled("b0", step + 1, f"A{step}"),
    ]


def _write(file: FileIO, data: bytes) -> None:
    file.write(data)
    _sync(file.fileno())


def _wall_s(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s
