"""What happened to the run as a whole."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class AboutRun(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Something happened to the run as a whole."""


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Who an agent is that a model speaks for; enough to make it again, and never a key.

    Parameters
    ----------
    model : str
        Which model speaks, such as ``"openai:gpt-5"`` or ``"offline"``.
    instructions, description : str
        What it is told, and what others are told about it.
    tools : tuple of str
        Names of the tools that it may call.
    is_own : bool
        Whether the model is the agent's own choice, not that of the run or the process.
    base_url : str
        Where it was asked, if not where its provider is; without a password.
    unsafe_tools, approved_tools : tuple of str
        Those of its tools that cannot be taken back, and those that a person approves.
    """

    model: str
    instructions: str = ""
    description: str = ""
    tools: tuple[str, ...] = ()
    is_own: bool = False
    base_url: str = ""
    unsafe_tools: tuple[str, ...] = ()
    approved_tools: tuple[str, ...] = ()


class RunStarted(AboutRun, frozen=True, gc=False, kw_only=True):
    """A task was given to a topology.

    Parameters
    ----------
    task : JSON value
        What the user asked.
    topology : str
        The topology as text, rules included.
    context : dict
        What ``context=`` gave to every agent.
    max_steps : int
        The limit that holds for this run.
    agents : dict of str to str
        Digest of each agent, to notice a changed one later.
    can_ask : bool
        Whether a question makes sense: a person can be reached, or the run is kept and can wait for one.
    has_person : bool
        Whether a person can be reached now.
    max_branches : int
        Most branches that may be alive at once.
    profiles : dict of str to Profile
        The agents for which a model speaks.
    """

    task: Any
    topology: str
    context: dict[str, Any] = {}
    max_steps: int = 100
    agents: dict[str, str] = {}
    can_ask: bool = False
    has_person: bool = False
    max_branches: int = 1_000
    profiles: dict[str, Profile] = {}


class DeadlinePassed(AboutRun, frozen=True, gc=False):
    """The run worked for as long as ``timeout(seconds)`` allows."""

    limit_s: float


class PauseRequested(AboutRun, frozen=True, gc=False):
    """From here on no step starts; the run pauses when the running ones are over, or at once (``now``)."""

    reason: str
    now: bool = False


class RunPaused(AboutRun, frozen=True, gc=False):
    """Nothing runs, nothing is lost, and the run can be resumed."""

    reason: str


class RunResumed(AboutRun, frozen=True, gc=False):
    """The run goes on: what was running or had failed for good, and was not made up for, is asked again."""

    has_person: bool = False


class TopologyChanged(AboutRun, frozen=True, gc=False, kw_only=True):
    """The run goes on from the same place under another topology, other rules or other agents.

    Parameters
    ----------
    topology : str
        The topology as text, rules included.
    max_steps : int
        The limit that holds from here on.
    agents : dict of str to str
        Digest of each agent.
    max_branches : int
        Most branches that may be alive at once.
    profiles : dict of str to Profile
        The agents for which a model speaks.
    """

    topology: str
    max_steps: int
    agents: dict[str, str] = {}
    max_branches: int = 1_000
    profiles: dict[str, Profile] = {}


class CheckpointCreated(AboutRun, frozen=True, gc=False):
    """The position right before this event got a name."""

    name: str


class Restored(AboutRun, frozen=True, gc=False):
    """The state is again what it was after event ``to_seq``; what came in between stays in the journal."""

    to_seq: int


class RunEnded(AboutRun, frozen=True, gc=False):
    """Nothing more will happen: it succeeded, failed (``error`` tells why) or was cancelled."""

    status: Literal["succeeded", "failed", "cancelled"]
    error: str | None = None
