"""How a reply is read, and how it reaches whoever is next.

Whatever an agent returned becomes an action or content. It is copied on the way in and again on the way out, so that no
agent can change what was recorded, nor what another agent received.

Examples
--------
>>> to_content(("a", 1)), to_content({2, 1})
(['a', 1], [1, 2])
>>> as_text({"grüße": [1, 2]})
'{"grüße": [1, 2]}'
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from mars_nb.actions import Action, AskUser, EndConversation, Final, Invoke, Parallel
from mars_nb.agents.content import as_content, is_table

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TABLE_BYTES = 20_000
"""Most bytes of a table shown as text; of a longer one, the first rows are shown."""

_ACTIONS = frozenset(get_args(Action))


def to_content(value: Any) -> Any:
    """Read what an agent returned.

    Parameters
    ----------
    value : object
        An action, or anything that `as_content` takes.

    Returns
    -------
    action or content
        Shares nothing with `value` that could be changed.

    Raises
    ------
    ContentError
        If a part of it is of another type, is nested more than 200 levels deep, or holds itself.

    Examples
    --------
    >>> to_content(("a", 1)), to_content({2, 1})
    (['a', 1], [1, 2])
    >>> to_content(Invoke("Writer", ("a", 1)))
    Invoke(agent='Writer', request=['a', 1])
    """
    return _action(value) if type(value) in _ACTIONS else as_content(value)


def hand_over(content: Any) -> Any:
    """Give the content as a receiver gets it: a copy, so that changing it changes nobody else's.

    Parameters
    ----------
    content : content
        As `to_content` gave it.

    Returns
    -------
    content
        The same for text and numbers, a copy of anything else.
    """
    if isinstance(content, str):
        return content
    match content:
        case dict():
            return {key: hand_over(each) for key, each in content.items()}
        case list():
            return [hand_over(each) for each in content]
        case _:
            return content.copy() if is_table(content) else content


def as_text(content: Any) -> str:
    """Give the content as text: text as it is, tables as CSV, anything else as JSON.

    Parameters
    ----------
    content : content
        As `to_content` gave it.

    Returns
    -------
    str
        For a person or a model to read.
    """
    if isinstance(content, str):
        return content
    if is_table(content):
        return _table_text(content)
    return json.dumps(content, ensure_ascii=False, default=as_text)


def parsed(text: str) -> Any:
    """Read JSON that a model or a person wrote; NaN and infinity are none, since a journal could not keep them.

    Raises
    ------
    ValueError
        When it is no JSON, or nested too deep to be read.

    Examples
    --------
    >>> parsed('{"n": [1, 2]}')
    {'n': [1, 2]}
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def headed(contributions: Mapping[str, Any]) -> str:
    """Give what several agents contributed as one text, with a heading for each.

    Parameters
    ----------
    contributions : mapping of str to content
        As a join receives it.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> print(headed({"North": "rain", "South": [1, 2]}))
    ## North
    <BLANKLINE>
    rain
    <BLANKLINE>
    ## South
    <BLANKLINE>
    [1, 2]
    """
    return "\n\n".join(f"## {name}\n\n{as_text(each)}" for name, each in contributions.items())


# ------------------------------------------------------------------------------------------------------------ actions


def _action(action: Action) -> Action:
    match action:
        case Invoke(agent=agent, request=request):
            return Invoke(_name(agent), as_content(request))
        case Parallel(targets=targets):
            return Parallel([(_name(agent), as_content(request)) for agent, request in targets])
        case Final(content=content):
            return Final(as_content(content))
        case AskUser(question=question):
            return AskUser(as_text(as_content(question)))
        case EndConversation(content=content):  # pragma: no branch (mypy proves that no case is missing)
            return EndConversation(as_content(content))


def _name(agent: object) -> str:
    """Read whom an action names: a name, or an agent; nobody is the empty name, which no topology allows."""
    found = getattr(agent, "name", agent)
    return "" if found is None else as_text(as_content(str(found)))


def _table_text(table: Any) -> str:
    """Give a table as CSV; of a long one its first rows, and how many there are."""
    n_shown = len(table)
    text: str = table.to_csv()
    while len(text.encode()) > LONGEST_TABLE_BYTES and n_shown > 1:
        n_shown = max(1, n_shown * LONGEST_TABLE_BYTES // (len(text.encode()) + 1))
        text = table.head(n_shown).to_csv()
    n_columns = table.shape[1] if table.ndim > 1 else 1
    shown = "" if n_shown == len(table) else f"; the first {n_shown} rows"
    return f"{text}({len(table)} rows x {n_columns} columns{shown})"
