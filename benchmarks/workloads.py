"""Workloads: what is run again and again, by the number of its target.

T1 to T5 are here: whole runs, from the call of ``execute`` to its result, checks and planning included. What else costs
something is in `costs`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import disk, floor, team
from benchmarks.harness import Figure, interleaved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from benchmarks.harness import Sample
    from mars_nb import StateManager

N_SHORT_TALKS = 5
"""Short conversations measured together, for one is over too soon to be measured well."""


@dataclass(frozen=True)
class Scale:
    """How large the workloads are.

    Parameters
    ----------
    n_steps : int
        Steps of the chain (T1, T8).
    n_branches, n_many_branches : int
        Branches of the fan-out (T2), and of the one that shows growth (T3, T10).
    n_turns, n_many_turns : int
        Turns of the short and of the long conversation (T4).
    n_workers : int
        Workers that work at once (T5).
    work_s : float
        Seconds that each of them takes (T5).
    n_commits : int
        Commits that wait for the disk (T7).
    n_events : int
        Events of the run whose timeline is made (T12).
    n_repeats : int
        How often each is measured.
    state_manager : callable or None
        Makes what keeps the journals; None keeps them in memory (T1 and T2 also in files).
    """

    n_steps: int = 1_000
    n_branches: int = 1_000
    n_many_branches: int = 10_000
    n_turns: int = 100
    n_many_turns: int = 1_000
    n_workers: int = 100
    work_s: float = 0.05
    n_commits: int = 200
    n_events: int = 100_000
    n_repeats: int = 9
    state_manager: Callable[[], StateManager] | None = None

    def manager(self) -> StateManager | None:
        """Make what keeps the journals of a run."""
        return self.state_manager() if self.state_manager else None

    @property
    def journal(self) -> str:
        """Where the journals are, in words."""
        return "journal in memory" if self.state_manager is None else "journal kept by a state manager"


def t1_chain(scale: Scale) -> list[Figure]:
    """Measure a chain against its floor."""
    drawn, n = team.chain(scale.n_steps), scale.n_steps
    what = f"chain of {n:,} steps, {{}}, one subscriber, step deadlines"
    return _kept_each_way("T1", what, scale, partial(_against, drawn, partial(floor.chain, n), n))


def t2_fan(scale: Scale) -> list[Figure]:
    """Measure a fan-out and fan-in against its floor."""
    drawn, n = team.fan(scale.n_branches), scale.n_branches
    what = f"fan-out to {n:,} and fan-in, {{}}, one subscriber, deadlines"
    return _kept_each_way("T2", what, scale, partial(_against, drawn, partial(floor.fan, n), n))


def t3_branches(scale: Scale) -> list[Figure]:
    """Measure what a branch costs among many against what it costs among few."""
    n_few, n_many = scale.n_branches, scale.n_many_branches
    few, many = team.fan(n_few), team.fan(n_many)
    samples = asyncio.run(interleaved(partial(_run, many, scale), partial(_run, few, scale), scale.n_repeats))
    return [_growth("T3", "a branch", samples, n_few, n_many)]


def t4_turns(scale: Scale) -> list[Figure]:
    """Measure what a turn costs in a long conversation against what it costs in a short one."""
    n_few, n_many = scale.n_turns, scale.n_many_turns
    short, long = team.talk(n_few), team.talk(n_many)

    def short_ones() -> Awaitable[object]:
        return _in_turn([_run(short, scale) for _ in range(N_SHORT_TALKS)])

    samples = asyncio.run(interleaved(partial(_run, long, scale), short_ones, 2 * scale.n_repeats))
    return [_growth("T4", "a turn", [(run_s, few_s / N_SHORT_TALKS) for run_s, few_s in samples], n_few, n_many)]


def t5_workers(scale: Scale) -> list[Figure]:
    """Measure the wall time of workers that wait at once, on the loop and in threads."""
    n, work_s = scale.n_workers, scale.work_s

    async def waiting(request: Any) -> Any:
        await asyncio.sleep(work_s)
        return request

    def blocking(request: Any) -> Any:
        time.sleep(work_s)
        return request

    what = f"{n} workers of {work_s * 1e3:g} ms, wall time over {work_s * 1e3:g} ms"
    return [
        Figure("T5", f"{what}, async", asyncio.run(_walls(team.fan(n, waiting), scale))),
        Figure("T5", f"{what}, blocking", asyncio.run(_walls(team.fan(n, blocking), scale))),
    ]


def _kept_each_way(
    target_id: str, what: str, scale: Scale, measure: Callable[[Scale], tuple[list[float], str]]
) -> list[Figure]:
    """Measure with the journal where the scale has it; in files as well when that is in memory."""
    figures = [Figure(target_id, what.format(scale.journal), *measure(scale))]
    if scale.state_manager is None:
        with disk.in_files() as manager:
            found = measure(replace(scale, state_manager=manager))
        figures.append(Figure(target_id, what.format('journal in files ("process")'), *found))
    return figures


def _against(drawn: team.Team, bare: Callable[[], Awaitable[object]], n: int, scale: Scale) -> tuple[list[float], str]:
    """Give how often a run costs what its floor costs, and the microseconds behind that."""
    samples = asyncio.run(interleaved(partial(_run, drawn, scale), bare, 2 * scale.n_repeats))
    run_us = median(run_s for run_s, _ in samples) / n * 1e6
    floor_us = median(floor_s for _, floor_s in samples) / n * 1e6
    return [run_s / floor_s for run_s, floor_s in samples], f"{run_us:.1f} us each, the floor {floor_us:.1f}"


def _run(drawn: team.Team, scale: Scale) -> Awaitable[object]:
    return drawn.redrawn().run(scale.manager())


async def _in_turn(runs: Iterable[Awaitable[object]]) -> list[object]:
    return [await each for each in runs]


async def _walls(drawn: team.Team, scale: Scale) -> list[float]:
    """Give wall time over working time for each repetition; a first run has started the threads."""
    await _run(drawn, scale)
    found = []
    for _ in range(scale.n_repeats):
        waiting = _run(drawn, scale)
        began_s = time.perf_counter()
        await waiting
        found.append((time.perf_counter() - began_s) / scale.work_s)
    return found


def _growth(
    target_id: str, unit: str, samples: list[Sample] | list[tuple[float, float]], few: int, many: int
) -> Figure:
    few_us = median(few_s for _, few_s in samples) / few * 1e6
    many_us = median(many_s for many_s, _ in samples) / many * 1e6
    values = [(many_s / many) / (few_s / few) for many_s, few_s in samples]
    what = f"CPU time of {unit} among {many:,} over {unit} among {few:,}"
    return Figure(target_id, what, values, f"{many_us:.1f} us over {few_us:.1f} us")
