"""``python -m benchmarks``: measure, and print a table.

Names of targets select workloads (``python -m benchmarks T1 T2``); ``--json`` prints JSON lines instead of the table;
``--gate`` measures what means the same on every machine and fails when something is far past its limit.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from benchmarks import costs, disk, workloads
from benchmarks.harness import GENEROUS, json_lines, markdown
from benchmarks.target import TARGETS
from benchmarks.workloads import Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.harness import Figure

WORKLOADS: dict[str, Callable[[Scale], list[Figure]]] = {
    "T1": workloads.t1_chain,
    "T2": workloads.t2_fan,
    "T3": workloads.t3_branches,
    "T4": workloads.t4_turns,
    "T5": workloads.t5_workers,
    "T6": disk.t6_disk,
    "T7": disk.t7_power,
    "T8": costs.t8_fold,
    "T9": costs.t9_import,
    "T10": costs.t10_memory,
    "T12": costs.t12_timeline,
}


def main(arguments: Sequence[str] | None = None, scale: Scale | None = None) -> int:
    """Measure what is asked for, print it, and give the exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line; default: those of this process.
    scale : Scale, optional
        How large the workloads are; default: as the targets say.
    """
    asked = _read(arguments)
    size = scale or Scale(n_repeats=asked.repeats)
    figures = [figure for name in _chosen(asked) for figure in WORKLOADS[name](size)]
    print(json_lines(figures) if asked.json else markdown(figures))
    bad = [each for each in figures if each.is_far_over] if asked.gate else []
    for each in bad:
        print(
            f"{each.target_id}: {each.value:.2f} is over {GENEROUS:g} times its limit, {each.target.limit:g}",
            file=sys.stderr,
        )
    return 1 if bad else 0


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what the orchestration costs.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(WORKLOADS)}; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--gate", action="store_true", help="fail when a ratio is far past its limit")
    parser.add_argument("--repeats", type=int, default=Scale.n_repeats, help="repetitions (default %(default)s)")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.targets if name not in WORKLOADS]
    if unknown:
        parser.error(f"there is no workload {unknown[0]!r}; expected one of {', '.join(WORKLOADS)}")
    return asked


def _chosen(asked: argparse.Namespace) -> list[str]:
    wanted = asked.targets or list(WORKLOADS)
    return [name for name in wanted if TARGETS[name].is_portable or not asked.gate]


if __name__ == "__main__":
    sys.exit(main())
