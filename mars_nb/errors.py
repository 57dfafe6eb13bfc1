"""Every error this package raises, in one tree.

An error says what happened, what was expected and how to mend it, in one line, and carries its data. Each leaf also
inherits the builtin that a careful caller would catch. What an *agent* does wrong is data, not an exception of ours: it
ends as ``success=False`` with a chain of causes in ``OrchestraResult.error``.

::

    MarsError
    |-- TopologyError (ValueError)        the drawing is wrong; raised before anything runs
    |   |-- NotationError                 a line of text is no edge, rule, header or name
    |   `-- RuleError                     a rule is unknown, malformed or names an unknown node
    |-- TopologyTypeError (TypeError)     this type of object is no topology
    |-- CellError (ValueError)            a %%mars cell, option or placeholder is wrong
    |-- AgentError (ValueError)           an agent is defined or registered wrongly
    |   `-- AgentNotFound (LookupError)   no agent of this name
    |-- ReplyError (ValueError)           an agent asked for something the topology does not allow
    |-- StepTimeout (TimeoutError)        one attempt of a step took longer than its timeout rule allows
    |-- ModelError (RuntimeError)         a model gave no answer
    |   |-- ModelUnavailable              it is not installed, has no key, or its server cannot be reached
    |   |-- ModelRejected                 its server refused the request for good: the key, the name, the request
    |   |-- ModelBusy                     its server had no time or failed, also when asked again
    |   |-- ModelTimeout (TimeoutError)   it took longer than its timeout allows
    |   `-- ModelGarbled                  its answer was cut or no valid JSON, also when asked again
    |-- LimitReached (RuntimeError)       money or tokens of the run are used up in the middle of a step
    |-- NobodyToAsk (RuntimeError)        a question, and no person who could be reached
    |-- SessionError (RuntimeError)       a session cannot do what was asked in the state it is in
    |   `-- SessionNotFound (LookupError) no session of this id
    |-- StorageError (OSError)            files beside the notebook could not be read or written
    |   |-- JournalCorrupt                acknowledged history is damaged
    |   |-- JournalPoisoned               a write failed in a way that forbids trying again
    |   `-- JournalLocked                 another writer holds the journal
    |-- ContentError (TypeError)          a value is no JSON, so it cannot be kept or handed over
    |-- FigureError (ValueError)          a picture of this kind, size or file type cannot be made
    |-- RunNotFound (LookupError)         no run of this name, or it has not ended
    `-- RunStopped (RuntimeError)         a foreground run did not end well; ends its cell
        |-- RunPaused
        `-- RunFailed

Two more live elsewhere: `mars_nb.testing.ScriptEnded`, for tests, and `mars_nb.agents.approvals.ApprovalNeeded`, which
is no error: by it a step says that a person has to be asked, and it never gets out of the step.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class MarsError(Exception):
    """The root of every error that this package raises.

    Attributes
    ----------
    is_final : bool
        Whether another attempt at the same could not help.
    """

    is_final = False

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook; IPython, nbclient and papermill ask for this."""
        return [f"mars: {self}"]


class TopologyError(MarsError, ValueError):
    """The topology is wrong: the message names the culprit, what was expected and the nearest right name."""


class NotationError(TopologyError):
    """A line of text is not what the notation allows there.

    Parameters
    ----------
    message : str
        One line: what was found, what was expected, how to mend it.
    line : int or None
        Number of the line, counted from 1, if the text has lines.
    """

    def __init__(self, message: str, *, line: int | None = None) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.line = line


class RuleError(TopologyError):
    """A rule is unknown, malformed, or names a node that is not in the topology."""


class TopologyTypeError(MarsError, TypeError):
    """The object given as a topology is of a type that cannot be one."""


class CellError(MarsError, ValueError):
    """A ``%%mars`` cell, one of its options or one of its placeholders is wrong."""


class AgentError(MarsError, ValueError):
    """An agent is defined or registered in a way that cannot work."""


class AgentNotFound(AgentError, LookupError):
    """No agent of this name is registered."""


class ReplyError(MarsError, ValueError):
    """A reply asks for something that the topology does not allow at this point.

    Parameters
    ----------
    message : str
        What the reply asked for and what is allowed.
    allowed : iterable of str
        The names that could have been asked.
    """

    def __init__(self, message: str, *, allowed: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class StepTimeout(MarsError, TimeoutError):
    """One attempt of a step took longer than its ``timeout(Agent, s)`` rule allows."""


class ModelError(MarsError, RuntimeError):
    """A model gave no answer."""


class ModelUnavailable(ModelError):
    """The model is not installed, has no key, or its server cannot be reached."""


class ModelRejected(ModelError):
    """The request was refused for good, so asking again is no use: a wrong key, name, address or setting."""

    is_final = True


class ModelBusy(ModelError):
    """The server had no time (429) or failed (5xx), also when it was asked again."""


class ModelTimeout(ModelError, TimeoutError):
    """The model took longer than its ``timeout_s`` allows."""


class ModelGarbled(ModelError):
    """The answer was cut, or was no valid JSON, also when it was asked for again."""


class LimitReached(MarsError, RuntimeError):
    """The money or the tokens of the run are used up in the middle of a step; what was said so far is kept."""

    is_final = True


class NobodyToAsk(MarsError, RuntimeError):
    """An agent asked a person, and none can be reached."""


class SessionError(MarsError, RuntimeError):
    """A session cannot do what was asked in the state it is in."""


class SessionNotFound(SessionError, LookupError):
    """No session of this id is stored here."""


class StorageError(MarsError, OSError):
    """The files beside the notebook could not be read or written."""


class JournalCorrupt(StorageError):
    """Acknowledged history is damaged; ``last_good_seq`` is the last event that can be trusted."""

    def __init__(self, message: str, *, last_good_seq: int = 0) -> None:
        super().__init__(message)
        self.last_good_seq = last_good_seq


class JournalPoisoned(StorageError):
    """A write failed in a way that forbids trying again: reopen the session."""


class JournalLocked(StorageError):
    """Another writer holds this journal; it can be read, not written."""


class ContentError(MarsError, TypeError):
    """A value is not JSON, so it could not be handed over, kept or shown again."""


class FigureError(MarsError, ValueError):
    """A picture of this kind, size or file type cannot be made."""


class RunNotFound(MarsError, LookupError):
    """No run of this name, or it has not come to an end yet."""


class RunStopped(MarsError, RuntimeError):
    """A foreground run did not end well; the error ends its cell so that *Run All* stops there."""


class RunPaused(RunStopped):
    """A foreground run was paused."""


class RunFailed(RunStopped):
    """A foreground run failed."""


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LONGEST_TEXT = 2_000


def describe(error: BaseException, *, clean: Callable[[str], str] | None = None) -> str:
    """Give an exception's text and its cause's, on one line of at most 2,000 characters.

    What may not be shown is taken out (``clean``) before the text is cut, for half of a secret would not be known.
    """
    text = _one_line(error)
    cause = error.__cause__
    if cause:
        text += f" (because of {type(cause).__name__}: {_one_line(cause)})"
    return (clean(text) if clean else text)[:_LONGEST_TEXT]


def _one_line(error: BaseException) -> str:
    """Give an exception's text without line ends and what else could steer a terminal."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 (a broken __str__ must not hide the error)
        return "(its text cannot be read)"
    return " ".join(_CONTROLS.sub(" ", text).split())


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name that looks most like ``name``, or None when none is close.

    Examples
    --------
    >>> nearest("Planer", ["Planner", "Writer"])
    'Planner'
    """
    by_folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give ``"; did you mean 'X'?"`` for the nearest known name, or an empty string."""
    close = nearest(name, known)
    return f"; did you mean {close!r}?" if close else ""
