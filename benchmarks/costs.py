"""Costs beside a run: the fold of a journal (T8), the import (T9), memory (T10), and tables (T12).

Import and memory are measured in fresh interpreters, which know nothing of what other workloads imported or allocated.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import team
from benchmarks.harness import Figure, cpu_s
from mars_nb.engine.machine import RunState, evolve
from mars_nb.state.codec import UnknownEvent

if TYPE_CHECKING:
    from benchmarks.workloads import Scale
    from mars_nb.views.history import History

ROOT = Path(__file__).parent.parent
EVENTS_A_TURN = 6


def t8_fold(scale: Scale) -> list[Figure]:
    """Measure the fold of an event: the journals of a chain and of a fan-out, read back into a state."""
    chain, fan = _history(team.chain(scale.n_steps)), _history(team.fan(scale.n_branches))
    return [
        Figure("T8", "fold of an event of the chain of T1", [_fold_us(chain) for _ in range(scale.n_repeats)]),
        Figure("T8", "fold of an event of the fan-out of T2", [_fold_us(fan) for _ in range(scale.n_repeats)]),
    ]


def t9_import(scale: Scale) -> list[Figure]:
    """Measure what an import costs over that of asyncio."""
    lazy = [_import_ms("import mars_nb") - _import_ms("") for _ in range(2 * scale.n_repeats)]
    used = [_import_ms("from mars_nb import *") - _import_ms("") for _ in range(2 * scale.n_repeats)]
    return [
        Figure("T9", "CPU time of `import mars_nb` over `import asyncio`", lazy, "public names are fetched when used"),
        Figure("T9", "CPU time of `from mars_nb import *` over `import asyncio`", used, "every public name is fetched"),
    ]


def t10_memory(scale: Scale) -> list[Figure]:
    """Measure the memory of a branch: the most that Python allocates while a fan-out runs (tracemalloc)."""
    n = scale.n_many_branches
    told = json.loads(_python("-m", "benchmarks.memory", str(n)))
    detail = f"{told['kept'] / n / 1e3:.2f} KB are kept with the result"
    return [
        Figure("T10", f"memory of a branch among {n:,}, at the peak (tracemalloc)", [told["peak"] / n / 1e3], detail)
    ]


def t12_timeline(scale: Scale) -> list[Figure]:
    """Measure how long the timeline of a long run takes."""
    result = asyncio.run(team.talk(scale.n_events // EVENTS_A_TURN).run())
    history = result.history
    result.timeline()
    n_events = history.journal.n_events if history else 0
    values = [cpu_s(result.timeline) for _ in range(min(scale.n_repeats, 5))]
    return [Figure("T12", f"CPU time of `timeline()` over {n_events:,} events", values, f"{result.total_steps:,} rows")]


def _history(drawn: team.Team) -> History:
    history = asyncio.run(drawn.run()).history
    if history is None:
        raise RuntimeError("a run gave a result without its history")
    return history


def _fold_us(history: History) -> float:
    state = RunState(history.state.plan)
    happened = [each.event for each in history.journal.records() if not isinstance(each.event, UnknownEvent)]

    def fold() -> None:
        for event in happened:
            evolve(state, event)

    return cpu_s(fold) / len(happened) * 1e6


def _import_ms(statement: str) -> float:
    program = f"import asyncio, time; {statement}\nprint(time.process_time())"
    return float(_python("-c", program)) * 1e3


def _python(*arguments: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 (our own words)
    return done.stdout
