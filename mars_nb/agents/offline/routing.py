"""Routing: whom the offline model hands over to, by the words that a request shares with what the neighbours are for.

Each neighbour is a small document: its name, its description, and the clauses of the instructions that name it ("bills
go to Accounts"). A word counts the more the fewer neighbours have it. Whoever shares clearly more with the request than
anybody else gets it; where nothing decides, the reply is plain text, and the drawing decides.

Examples
--------
>>> desk = [Target("Accounts", "bills, payments, refunds"), Target("Shipping", "parcels and delivery")]
>>> [target.name for target in fitting("Where is my parcel? It was to be delivered on Monday.", desk)]
['Shipping']
>>> fitting("Good morning!", desk)
[]
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mars_nb.agents.choosing import HAND_OVER, IN_PARALLEL
from mars_nb.agents.offline.schema import as_mapping, as_sequence, properties, resolved
from mars_nb.agents.offline.textrank import idf
from mars_nb.agents.offline.words import terms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mars_nb.agents.dialogue import ToolSpec

NOT_AGENTS = frozenset({"User", "End", "Start"})
CLEARLY = 1.3
"""How many times the score of the second the best needs."""

ALSO = 0.5
"""Which share of the best score still fits."""

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[_-]+")
_CLAUSE = re.compile(r"[.;\n]|, | and (?=[a-z]+ing\b)")
_EVERYBODY = re.compile(
    r"\b(?:ask|asks|asking|call|consult|question|involve|tell)\b[^.;:\n]{0,40}\b(?:all|each|every\w*|both)\b|"
    r"\b(?:all|each|both) of (?:them|the)\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(r"\b(?:parallel|at once|at the same time|simultaneously|side by side)\b", re.IGNORECASE)


class Target:
    """A neighbour who may be named in an action.

    Parameters
    ----------
    name : str
        Of the agent.
    description : str
        What it is for.
    """

    def __init__(self, name: str, description: str = "") -> None:
        self.name = name
        self.description = description

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Give the terms by which it is known."""
        return tuple(dict.fromkeys(terms(f"{_CAMEL.sub(' ', self.name)} {self.name} {self.description}")))

    def described(self, more: str) -> Target:
        """Give the same neighbour with more known about it."""
        return Target(self.name, f"{self.description} {more}".strip())

    def __repr__(self) -> str:
        return f"Target({self.name!r}, {self.description!r})"


def targets_of(tools: Sequence[ToolSpec], instructions: str = "") -> dict[str, list[Target]]:
    """Read from the routing tools who may be named in which.

    Parameters
    ----------
    tools : sequence of ToolSpec
        All that may be called.
    instructions : str
        Their clauses that name a neighbour tell what it is for.

    Returns
    -------
    dict of str to list of Target
        By the name of the tool; without markers and the user.
    """
    found = {tool.name: _named(tool) for tool in tools if tool.name in (HAND_OVER, IN_PARALLEL)}
    return {name: [_known(each, instructions, targets) for each in targets] for name, targets in found.items()}


def fitting(text: str, targets: Sequence[Target]) -> list[Target]:
    """Give the neighbours that fit a text, the best first.

    Parameters
    ----------
    text : str
        The request, or the part of it that counts.
    targets : sequence of Target
        Who may be named.

    Returns
    -------
    list of Target
        Empty if nobody shares a word with it; those that share at least half of what the best shares.
    """
    scores = _scores(text, targets)
    best = max(scores.values(), default=0.0)
    likely = [target for target in targets if best and scores[target.name] >= ALSO * best]
    return sorted(likely, key=lambda target: -round(scores[target.name], 9))


def clearly_best(text: str, targets: Sequence[Target]) -> Target | None:
    """Give the one neighbour that fits clearly better than any other, if there is one."""
    scores = _scores(text, targets)
    best, second = [*sorted(scores.values(), reverse=True), 0.0, 0.0][:2]
    is_clear = best > 0 and best >= CLEARLY * second
    return next((target for target in targets if is_clear and scores[target.name] == best), None)


def _scores(text: str, targets: Sequence[Target]) -> dict[str, float]:
    """Give how much each neighbour shares with a text: the rarities of the terms that both have."""
    rarity = idf([target.terms for target in targets])
    asked = frozenset(terms(text))
    return {target.name: sum(rarity[term] for term in target.terms if term in asked) for target in targets}


def asked_together(text: str, instructions: str, targets: Sequence[Target]) -> list[Target]:
    """Give whom the instructions have asked at the same time: all, or all who fit; nobody if they say nothing of it.

    Examples
    --------
    >>> desk = [Target("North"), Target("South")]
    >>> [target.name for target in asked_together("How warm is it?", "Ask each of them.", desk)]
    ['North', 'South']
    >>> asked_together("How warm is it?", "Choose one.", desk)
    []
    """
    if _EVERYBODY.search(instructions):
        return list(targets)
    if not _TOGETHER.search(instructions):
        return []
    likely = {target.name for target in fitting(text, targets)}
    return [target for target in targets if target.name in likely] if len(likely) > 1 else list(targets)


# ------------------------------------------------------------------------------------------------------------ schemas


def _named(tool: ToolSpec) -> list[Target]:
    """Give the agents that a tool allows; ``requests`` is a list of objects that each name one."""
    schema = tool.parameters
    if tool.name == IN_PARALLEL:
        requests = resolved(properties(schema).get("requests"), schema)
        schema = {**as_mapping(resolved(requests.get("items"), schema)), "$defs": schema.get("$defs", {})}
    return _choices(resolved(properties(schema).get("agent"), schema), tool.description)


def _choices(agent: Mapping[str, Any], about: str) -> list[Target]:
    text = f"{agent.get('description', '')}\n{about}"
    options = [as_mapping(option) for key in ("oneOf", "anyOf") for option in as_sequence(agent.get(key))]
    described = {option["const"]: str(option.get("description", "")) for option in options if "const" in option}
    names = [*as_sequence(agent.get("enum")), *([agent["const"]] if "const" in agent else []), *described]
    agents = [name for name in dict.fromkeys(names) if isinstance(name, str) and name not in NOT_AGENTS]
    return [Target(name, described.get(name) or _description(name, text, agents)) for name in agents]


def _description(name: str, text: str, names: Sequence[str]) -> str:
    """Find what a text says about a name: ``Name: what it is for``, up to the next line or the next name."""
    found = re.search(rf"(?<!\w){re.escape(name)}\b['\"`*]*\s*(?:[:=(—–]|-\s)\s*([^\n]*)", text)
    if not found:
        return ""
    others = "|".join(re.escape(each) for each in names if each != name)
    return re.split(rf"(?<!\w)(?:{others})\s*[:=(—–]", found[1])[0].strip(" ;,.)") if others else found[1].strip()


def _known(target: Target, instructions: str, targets: Sequence[Target]) -> Target:
    """Add what the instructions say in the clauses that name this neighbour and no other."""
    own = re.compile(rf"(?<!\w){re.escape(target.name)}(?!\w)", re.IGNORECASE)
    others = [
        re.compile(rf"(?<!\w){re.escape(each.name)}(?!\w)", re.IGNORECASE) for each in targets if each is not target
    ]
    clauses = [clause for clause in _CLAUSE.split(instructions) if own.search(clause)]
    return target.described(" ".join(each for each in clauses if not any(other.search(each) for other in others)))
