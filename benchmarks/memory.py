"""Measures the memory of a fan-out, in the interpreter that it is started in: ``python -m benchmarks.memory 10000``.

The team is there before the count begins; all that the run allocates counts, its tasks, journal and state included. The
growth of the process is measured in a run of its own, since tracing allocates, too.
"""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
import tracemalloc

from benchmarks import team

BYTES_A_UNIT = 1 if sys.platform == "darwin" else 1024


def main(n_branches: int) -> None:
    """Print the bytes by which the process grew, the peak that Python allocated, and what a result keeps."""
    drawn = team.fan(n_branches)
    asyncio.run(team.fan(2).run())  # whatever is imported late is here now
    gc.collect()
    before = _peak_rss_bytes()
    asyncio.run(drawn.run())
    grown = _peak_rss_bytes() - before
    gc.collect()
    tracemalloc.start()
    result = asyncio.run(drawn.run())
    peak = tracemalloc.get_traced_memory()[1]
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    del result
    print(json.dumps({"peak": peak, "kept": kept, "rss": grown}))


def _peak_rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_A_UNIT


if __name__ == "__main__":
    main(int(sys.argv[1]))
