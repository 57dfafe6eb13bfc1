"""The harness: how something is measured, and how a figure is shown.

CPU time of this process, never wall time (but where waiting is what is measured). What a run is compared with is
measured right before and right after it; the figure is the median over the repetitions of the *ratios*, so a machine
that slows down for a second moves both sides of one ratio and no figure.
"""

from __future__ import annotations

import datetime as dt
import gc
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from benchmarks.target import TARGETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from benchmarks.target import Target

LIBRARIES = ("mars_nb", "msgspec", "pydantic", "pandas")
GENEROUS = 2.0
"""How far past its limit a figure may be before CI fails: a busy machine is no reason."""


class Sample(NamedTuple):
    """CPU seconds of a run, and of what it is compared with."""

    run_s: float
    beside_s: float


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Parameters
    ----------
    target_id : str
        Which target it is held to, as ``"T1"``.
    what : str
        What was measured, in words.
    values : sequence of float
        One for each repetition, in the unit of the target.
    detail : str
        What helps to read it, such as the microseconds behind a ratio.
    """

    target_id: str
    what: str
    values: Sequence[float]
    detail: str = ""

    @property
    def target(self) -> Target:
        """What it is held to."""
        return TARGETS[self.target_id]

    @property
    def value(self) -> float:
        """The median of the repetitions."""
        return median(self.values)

    @property
    def is_within(self) -> bool:
        """Whether the limit is met."""
        return self.value <= self.target.limit

    @property
    def is_far_over(self) -> bool:
        """Whether it is past its limit by more than a busy machine explains; never so for seconds."""
        return self.target.is_portable and self.value > GENEROUS * self.target.limit


def cpu_s(work: Callable[[], object]) -> float:
    """Give the CPU seconds of some work; what it gives back is freed after the clock is read."""
    gc.collect()
    began_s = time.process_time()
    kept = work()
    spent_s = time.process_time() - began_s
    del kept
    return spent_s


async def awaited_cpu_s(work: Callable[[], Awaitable[object]]) -> float:
    """Give the CPU seconds of some work that is awaited; what the call itself does prepares it and is not measured."""
    waiting = work()
    gc.collect()
    began_s = time.process_time()
    kept = await waiting
    spent_s = time.process_time() - began_s
    del kept
    return spent_s


async def interleaved(
    run: Callable[[], Awaitable[object]], beside: Callable[[], Awaitable[object]], n_repeats: int
) -> list[Sample]:
    """Measure a run again and again, each time between two measurements of what it is compared with."""
    await beside()
    await run()
    samples = []
    for _ in range(n_repeats):
        before_s = await awaited_cpu_s(beside)
        run_s = await awaited_cpu_s(run)
        samples.append(Sample(run_s, (before_s + await awaited_cpu_s(beside)) / 2))
    return samples


# ----------------------------------------------------------------------------------------------------------- output


def machine() -> dict[str, str | int]:
    """Tell where and when this is measured."""
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "cpu": _cpu_model(),
        "n_cores": os.cpu_count() or 0,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def _cpu_model() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text("utf-8").splitlines() if listing.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "unknown"


def json_lines(figures: Iterable[Figure]) -> str:
    """Give one JSON object a line for each figure, with the machine in each."""
    where = machine()
    rows = [
        {
            "target": each.target_id,
            "what": each.what,
            "value": round(each.value, 4),
            "unit": each.target.unit,
            "limit": each.target.limit,
            "aim": each.target.aim,
            "is_within": each.is_within,
            "detail": each.detail,
            "values": [round(value, 4) for value in each.values],
            **where,
        }
        for each in figures
    ]
    return "\n".join(msgspec.json.encode(row).decode() for row in rows)


def markdown(figures: Iterable[Figure]) -> str:
    """Give the figures as a table, with the machine above it."""
    told = machine()
    where = "{date}, {cpu} with {n_cores} cores, {system}, Python {python}".format(**told)
    libraries = ", ".join(f"{name} {told[name]}" for name in LIBRARIES)
    head = ["#", "what", "measured", "spread", "limit", "aim", "verdict", "behind it"]
    rows = [head, ["---"] * len(head), *(_cells(each) for each in figures)]
    return "\n".join([f"{where}; {libraries}.", "", *("| " + " | ".join(row) + " |" for row in rows)])


def _cells(figure: Figure) -> list[str]:
    target = figure.target
    return [
        figure.target_id,
        figure.what,
        f"**{number(figure.value)} {target.unit}**",
        f"{number(min(figure.values))} to {number(max(figure.values))}",
        number(target.limit),
        number(target.aim),
        "PASS" if figure.is_within else "over",
        figure.detail,
    ]


def number(value: float) -> str:
    """Give a number with as many digits as mean something.

    Examples
    --------
    >>> number(1.5), number(3), number(12.345), number(0.0123)
    ('1.50', '3', '12.3', '0.012')
    """
    if value == int(value):
        return str(int(value))
    if abs(value) < 0.1:  # noqa: PLR2004 (two digits that are not 0)
        return f"{value:.2g}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"  # noqa: PLR2004 (three digits are enough)
