"""Kill -9 between a response of a model and the tool call that it asks for: nothing is paid for, or done, twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.models.server import Answer, Call, Say, serving

RUNNER = Path(__file__).with_name("runner.py")
WORDS = ["mars", "phobos", "deimos"]


def dialogue(body: dict[str, Any]) -> Answer:
    """Ask for one tool after another, so that none is on its way when another one's result is written, and reply."""
    n_answered = sum(message["role"] == "assistant" for message in body["messages"])
    return Call("look_up", {"word": WORDS[n_answered]}) if n_answered < len(WORDS) else Say("written at last")


@pytest.mark.slow
async def test_no_completed_request_is_repeated_and_each_tool_runs_once(tmp_path: Path) -> None:
    side = tmp_path / "side.txt"
    codes: list[int | None] = []
    async with serving(dialogue) as server:
        while not codes or codes[-1] == -signal.SIGKILL:
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(RUNNER), str(tmp_path / "sessions"), server.url, str(side),
                stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            )  # fmt: skip
            out, _ = await process.communicate()
            codes.append(process.returncode)
    assert codes == [-signal.SIGKILL] * (len(codes) - 1) + [0]
    assert len(codes) == 2 * len(WORDS) + 2  # killed after each of four responses and three results
    assert out.decode().strip() == "written at last"
    assert Counter(side.read_text().split()) == dict.fromkeys(WORDS, 1)
    assert len(server.completed) == len(set(server.completed)) == 4
