"""What a reply may ask for.

An agent answers with plain content (any JSON value), and the topology decides where it goes; or with one of these five
actions, and decides for itself. Actions are frozen data: they are recorded in the journal as they are.

Examples
--------
>>> Invoke("Writer", "write it up")
Invoke(agent='Writer', request='write it up')
>>> Parallel([("North", "your half"), ("South", "yours")]).targets[0]
('North', 'your half')
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from mars_nb.errors import ReplyError


class Invoke(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Hand over to one neighbour: the branch moves there and only the request travels.

    Parameters
    ----------
    agent : str
        A neighbour of the agent that replies; ``"User"`` and ``"End"`` deliver.
    request : JSON value
        What the neighbour is asked.
    """

    agent: str
    request: Any = None


class Parallel(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Ask several neighbours at once; the same agent may be named twice.

    Parameters
    ----------
    targets : sequence of (str, JSON value)
        Whom to ask and what, in branch order.
    """

    targets: Sequence[tuple[str, Any]] = ()

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "targets", tuple(map(_target, self.targets)))


def _target(given: object) -> tuple[Any, Any]:
    match given:
        case (agent, request):
            return agent, request
        case _:
            raise ReplyError(f"{given!r:.80} is no target of Parallel; expected pairs: Parallel([('Writer', 'write')])")


class Final(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Answer whoever waits for this branch: the caller of its frame, else the run."""

    content: Any = None


class AskUser(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Ask a person; the reply becomes this agent's next request. Needs an edge from the agent to ``User``."""

    question: str


class EndConversation(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Leave the current conversation: the content goes on by the topology, without the partner."""

    content: Any = None


Action = Invoke | Parallel | Final | AskUser | EndConversation


class Choices(msgspec.Struct, frozen=True, gc=False):
    """What the topology and the remaining turns allow a reply to ask for, at one point of a run.

    Parameters
    ----------
    onward : tuple of str
        Where plain content would go; ``User`` or ``End`` deliver; empty when it would be the branch's answer.
    targets : tuple of str
        Whom `Invoke` may name.
    together : tuple of str
        Whom `Parallel` may name.
    can_answer : bool
        Whether `Final` is the way to deliver here, or to answer a caller.
    can_ask_user : bool
        Whether a person can be asked.
    can_end : bool
        Whether there is a conversation that `EndConversation` could leave.
    """

    onward: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    together: tuple[str, ...] = ()
    can_answer: bool = False
    can_ask_user: bool = False
    can_end: bool = False


class ToolCall(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A model asks for a tool.

    Parameters
    ----------
    id : str
        Tells the calls of a dialogue apart; the result is given under the same id.
    name : str
        Which tool.
    arguments : dict
        With what.
    malformed : str
        The arguments as the model wrote them, where they are no JSON object; `arguments` is empty then.
    """

    id: str
    name: str
    arguments: dict[str, Any] = {}
    malformed: str = ""


ACTIONS: frozenset[type] = frozenset(Action.__args__)
"""The types of actions, to tell one from plain content by its type."""


def said_by(action: Action) -> Any:
    """Give what an action says: the content that it hands over."""
    match action:
        case Invoke(request=request):
            return request
        case Parallel(targets=targets):
            return [request for _, request in targets]
        case Final(content=content) | EndConversation(content=content):
            return content
        case AskUser(question=question):
            return question
