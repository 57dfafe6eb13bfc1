"""Measures the memory of a fan-out, in the interpreter that it is started in: ``python -m benchmarks.memory 10000``.

The team is there before the count begins; all that Python allocates for the run counts, its tasks, journal and state
included. It is tracemalloc's count: a process takes somewhat more from the system.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import tracemalloc

from benchmarks import team


def main(n_branches: int) -> None:
    """Print the bytes allocated at the peak of a run, and those that its result keeps."""
    drawn = team.fan(n_branches)
    asyncio.run(team.fan(2).run())  # whatever is imported late is here now
    gc.collect()
    tracemalloc.start()
    result = asyncio.run(drawn.run())
    peak = tracemalloc.get_traced_memory()[1]
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    del result
    print(json.dumps({"peak": peak, "kept": kept}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
