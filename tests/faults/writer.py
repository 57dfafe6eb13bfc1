"""Appends to a session for ever and says so: the process that the kill loop kills.

``python writer.py FOLDER DURABILITY`` prints ``opening``, then the seq of every event once `append` has returned.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
from typing import Any

from mars_nb.events import BranchesJoined, StepCompleted
from mars_nb.state.storage import FileStorageBackend

SEGMENT_BYTES = 200_000


def content(seq: int) -> str:
    """Give what event ``seq`` holds: mostly little, now and then up to 2 MB."""
    chance = random.Random(seq)  # noqa: S311 - the same for every process
    n_chars = chance.choice([10] * 60 + [5_000] * 6 + [40_000, 40_000, 2_000_000])
    return f"{seq}:".ljust(n_chars, chance.choice("abcdefgh"))


def event(seq: int) -> StepCompleted | BranchesJoined:
    """Give event ``seq``."""
    return BranchesJoined("b0", "Writer", ("b1",)) if seq % 7 == 0 else StepCompleted("b0", seq, content=content(seq))


def main(folder: str, durability: Any) -> None:
    """Append until killed."""
    os.write(1, b"opening\n")
    storage = FileStorageBackend(folder, durability=durability, segment_bytes=SEGMENT_BYTES)
    journal = storage.open("s") if "s" in storage.list() else storage.create("s", {})
    for seq in itertools.count(journal.n_events + 1):
        if journal.append(event(seq)) != seq:
            raise SystemExit("a seq was skipped")
        os.write(1, b"%d\n" % seq)
        if seq % 50 == 0:
            journal.close()
            journal = storage.open("s")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
