"""Targets: what each figure may cost, and what it should.

A limit that is not met is a bug to be explained; an aim says when to stop. A ratio is the same on a fast and on a slow
machine, and bytes nearly so: CI may hold them to their limits (`Target.is_portable`). Seconds are for reading only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """What a figure may be.

    Parameters
    ----------
    limit, aim : float
        In `unit`; smaller is better.
    unit : str
        ``"x floor"``, ``"x"``, ``"us"``, ``"ms"``, ``"s"``, ``"B"`` or ``"KB"`` (1,000 bytes).
    is_portable : bool
        Whether it means the same on every machine.
    """

    limit: float
    aim: float
    unit: str
    is_portable: bool = True


TARGETS: dict[str, Target] = {
    "T1": Target(3, 1.5, "x floor"),
    "T2": Target(5, 3, "x floor"),
    "T3": Target(1.5, 1, "x"),
    "T4": Target(1.3, 1, "x"),
    "T5": Target(1.3, 1.1, "x"),
    "T6": Target(300, 200, "B"),
    "T7": Target(1.5, 1.1, "x", is_portable=False),
    "T8": Target(20, 5, "us", is_portable=False),
    "T9": Target(60, 30, "ms", is_portable=False),
    "T10": Target(8, 4, "KB"),
    "T12": Target(1, 0.3, "s", is_portable=False),
}
