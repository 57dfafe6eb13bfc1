"""Kernels of three ages beside each other, for what ipykernel changed between them.

How a kernel hears a click changed in ipykernel 7.0 and again in 7.4, so the browser tests ask all three. An older one
is not an environment of its own: it is a folder that holds the few packages that differ, put in front of the newest by
``PYTHONPATH``. The folders are kept in ``out/kernels``, so that they are fetched once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
KEPT = ROOT / "out" / "kernels"

NEWEST = "newest"
REQUIREMENTS = {
    "ipykernel-6": ("ipykernel==6.*", "nest-asyncio", "psutil"),
    "ipykernel-7.3": ("ipykernel==7.3.*", "psutil"),
    NEWEST: (),
}
"""What is put in front of the environment, by the name of the kernel."""
KERNELS = tuple(REQUIREMENTS)


def install_kernels(data_folder: Path) -> None:
    """Write a ``kernel.json`` for each kernel below the data folder of a Jupyter server."""
    for name in KERNELS:
        paths = [*filter(None, [fetched(name)]), ROOT]
        write_spec(data_folder / "kernels" / name, name=name, paths=paths)


def write_spec(folder: Path, *, name: str, paths: list[Path]) -> None:
    folder.mkdir(parents=True)
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "env": {"PYTHONPATH": ":".join(map(str, paths))},
    }
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def fetched(name: str) -> Path | None:
    """Give the folder with the packages of a kernel, fetching them if they are not there; None if it needs none."""
    requirements = REQUIREMENTS[name]
    if not requirements:
        return None
    folder = KEPT / f"{name}-python{sys.version_info.major}.{sys.version_info.minor}"
    stamp = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not (stamp.is_file() and stamp.read_text("utf-8") == wanted):
        shutil.rmtree(folder, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
        subprocess.run([*pip, *requirements], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    return folder


if __name__ == "__main__":
    for each in KERNELS:
        fetched(each)
