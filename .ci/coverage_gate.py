"""Hold every package to its coverage.

``make test`` leaves a report in JSON; the thresholds stand in ``pyproject.toml`` under ``[tool.mars_nb.coverage]``, as
percent of lines and branches together. A file belongs to the most specific prefix that names it, so a package can have
a threshold of its own.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def prefix_of(path: str, prefixes: list[str]) -> str | None:
    """Give the longest prefix that is ``path`` itself or one of its folders."""
    return max((each for each in prefixes if path == each or path.startswith(f"{each}/")), key=len, default=None)


def percent_by_prefix(files: dict[str, Any], prefixes: list[str]) -> dict[str, float]:
    """Give the covered percent of lines and branches together, per prefix."""
    covered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for path, entry in files.items():
        prefix, summary = prefix_of(path, prefixes), entry["summary"]
        if prefix:
            covered[prefix] += summary["covered_lines"] + summary["covered_branches"]
            total[prefix] += summary["num_statements"] + summary["num_branches"]
    return {prefix: 100 * covered[prefix] / total[prefix] if total[prefix] else 100.0 for prefix in prefixes}


def main() -> int:
    """Print one line a prefix and give 1 when one of them is below its threshold."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    report = json.loads((ROOT / settings["coverage"]["json"]["output"]).read_text(encoding="utf-8"))
    floors: dict[str, float] = settings["mars_nb"]["coverage"]
    percents = percent_by_prefix(report["files"], sorted(floors))
    for prefix, percent in percents.items():
        verdict = "ok" if percent >= floors[prefix] else "TOO LOW"
        print(f"coverage of {prefix}: {percent:.2f} %, at least {floors[prefix]} %: {verdict}")
    return int(any(percent < floors[prefix] for prefix, percent in percents.items()))


if __name__ == "__main__":
    sys.exit(main())
