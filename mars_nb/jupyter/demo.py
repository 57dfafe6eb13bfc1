"""The demonstration: four functions that count primes, and the cell that runs them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mars_nb.actions import Parallel
from mars_nb.agents.agent import Agent
from mars_nb.agents.registry import AgentRegistry
from mars_nb.jupyter.cell import parse
from mars_nb.jupyter.display import show_answer, show_bundle, show_line
from mars_nb.jupyter.foreground import screen_of
from mars_nb.jupyter.jobs import cell_job
from mars_nb.jupyter.runner import run_there
from mars_nb.jupyter.runs import Run
from mars_nb.orchestra import Orchestra

if TYPE_CHECKING:
    from mars_nb.agents.functions import Answer
    from mars_nb.jupyter.desk import Desk

NAME = "demo_run"
CELL = """\
task: Where are primes denser: from 1 to 5,000, or from 5,001 to 10,000?
User -> Planner -> Lower Half, Upper Half -> Writer -> User
timeout(60)
"""
THINKING_S = 0.4
"""How long an agent of the demonstration takes, so that there is something to see."""


def plan(request: str) -> Parallel:
    """Split the range in two."""
    time.sleep(THINKING_S)
    ranges = {"Lower Half": [1, 5_000], "Upper Half": [5_001, 10_000]}
    return Parallel([(name, {"question": request, "range": ends}) for name, ends in ranges.items()])


def count(request: dict[str, Any]) -> dict[str, Any]:
    """Count the primes of a range."""
    time.sleep(THINKING_S)
    first, last = request["range"]
    n_primes = sum(n > 1 and all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(first, last + 1))
    return {"range": f"{first:,} to {last:,}", "n_primes": n_primes}


def write(request: dict[str, dict[str, Any]]) -> str:
    """Compare the counts."""
    time.sleep(THINKING_S)
    dense, sparse = sorted(request.values(), key=lambda each: -each["n_primes"])
    more = dense["n_primes"] - sparse["n_primes"]
    rows = [f"- {each['range']}: {each['n_primes']} primes" for each in request.values()]
    return "\n".join([f"**From {dense['range']}: {more} more primes there.**", "", *rows])


ANSWERS: dict[str, Answer] = {"Planner": plan, "Lower Half": count, "Upper Half": count, "Writer": write}


def run_demo(desk: Desk) -> None:
    """Run the demonstration.

    Parameters
    ----------
    desk : Desk
        Where its run is bound to ``demo_run``, unless that variable is taken. Its agents enter the notebook but where
        their names are taken; in the demonstration itself only its own play a part.
    """
    cell, registry = parse(f"{NAME} --in-memory --replace", CELL, {}), AgentRegistry()
    for name, answer in ANSWERS.items():
        made = Agent(name=name, answer=answer, registry=registry)
        if name not in AgentRegistry.default():
            AgentRegistry.default().register(made)
    job = cell_job(cell, {}, desk.store, None)
    job.orchestra = Orchestra(registry, state_manager=desk.store.memory)
    screen = screen_of(desk)
    run_there(job, screen)
    done = Run(job.record)
    desk.bind(done, replace=False)
    shows_answer = screen.shows_answer
    screen.settle(job.record)
    if not shows_answer:
        show_answer(done)
    _show_cell()
    show_line(job.record.next_steps)


def _show_cell() -> None:
    cell = f"%%mars {NAME}\n{CELL}"
    text = f"The cell that does it; its agents are four Python functions (%mars agents):\n\n{cell}"
    show_bundle({"text/plain": text, "text/markdown": text.replace(cell, f"```text\n{cell}```")})
