"""What happened to a branch."""

from __future__ import annotations

from typing import Literal

import msgspec


class AboutBranch(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """A branch was made, moved, joined or ended. ``branch`` is its id."""

    branch: str


class BranchCreated(AboutBranch, frozen=True, gc=False):
    """A branch was made at an agent.

    Parameters
    ----------
    agent : str
        Where it stands.
    parent : str or None
        The branch that forked; None for an entry.
    called : bool
        Whether it was called (a frame of its own, answers its parent) or sent forward.
    slot : int
        Position of its request in the parent's `Parallel`.
    """

    agent: str
    parent: str | None = None
    called: bool = False
    slot: int = 0


class BranchForked(AboutBranch, frozen=True, gc=False):
    """A reply went to several agents; the branch waits for the ``n_called`` that will answer, or is over."""

    n_called: int = 0


class BranchMoved(AboutBranch, frozen=True, gc=False):
    """A branch went on to one neighbour, and arrived there."""

    agent: str


class BranchesJoined(AboutBranch, frozen=True, gc=False):
    """Branches that arrived at one agent became one branch, ``branch``; ``settled`` were given up for it."""

    agent: str
    joined: tuple[str, ...]
    settled: tuple[str, ...] = ()


class BranchResumed(AboutBranch, frozen=True, gc=False):
    """A branch that waited goes on: all it waited for is there, or was given up (``settled``)."""

    settled: tuple[str, ...] = ()


class ContentDelivered(AboutBranch, frozen=True, gc=False):
    """A reply, or its request number ``slot``, was delivered to ``target`` (``User`` or ``End``)."""

    target: str
    slot: int = 0


class ContentReturned(AboutBranch, frozen=True, gc=False):
    """A reply, or its request number ``slot``, went to the branch that called this frame."""

    slot: int = 0


class BranchEnded(AboutBranch, frozen=True, gc=False):
    """A branch is over.

    Parameters
    ----------
    how : str
        ``"delivered"``, ``"returned"`` (to its caller), ``"answered"`` (a `Final` for the run), ``"exhausted"``
        (nowhere to go: its content is an answer) or ``"empty"`` (without content: everything moved on).
    """

    how: Literal["delivered", "returned", "answered", "exhausted", "empty"]


class QuestionAsked(AboutBranch, frozen=True, gc=False):
    """A person was asked; the question is the reply of the branch's last step."""


class QuestionAnswered(AboutBranch, frozen=True, gc=False):
    """A person answered; or could not be reached after all, and ``error`` says why.

    ``recorded``: the answer was taken from the record of another session.
    """

    answer: str
    error: str = ""
    recorded: bool = False
