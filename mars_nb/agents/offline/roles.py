"""Roles: what kind of work instructions ask for, told by the words they use.

Each role has words that give it away. Those in the first sentence count most, for there an agent is told what it is.
Without any, the agent is a *helper*, which answers with the key sentences of what it got.

Examples
--------
>>> role_of("You are a planner. Split the task into steps.")
'planner'
>>> role_of("You write the report. A reviewer will check it.")
'writer'
>>> role_of("", "Translate this into French.")
'translator'
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from mars_nb.agents.offline.words import sentences, term_of, words

Role = Literal["helper", "planner", "router", "reviewer", "writer", "translator", "programmer", "poet", "painter"]
"""A kind of work; the last four are more than the offline model can do."""

UNABLE: dict[Role, str] = {
    "translator": "translate",
    "programmer": "write code",
    "poet": "invent stories or poems",
    "painter": "draw pictures",
}
"""What the offline model says it cannot do, by the role that it would take."""

_CUES: dict[Role, str] = {
    "helper": "research researcher analyst analyse analyze investigate investigator expert specialist summarise "
    "summarize summary scout librarian",
    "reviewer": "review reviewer critic critique criticise check checker proofread feedback assess evaluate "
    "referee approve examiner",
    "planner": "plan planner split decompose divide steps coordinate coordinator organise organizer delegate manager "
    "orchestrate orchestrator supervisor lead distribute moderator",
    "writer": "write writer report reporter author draft compose combine merge editor essay article reducer conclude "
    "judge",
    "router": "route router dispatch dispatcher triage receptionist forward switchboard",
    "translator": "translate translator translation übersetzer übersetze traducteur traductor interpreter",
    "programmer": "programmer coder developer code python javascript sql",
    "poet": "poet poem poetry haiku story novelist song joke rhyme",
    "painter": "painter draw image picture paint illustrate illustrator",
}
_ROLE_OF_TERM: dict[str, Role] = {term_of(cue): role for role, cues in _CUES.items() for cue in cues.split()}
_HANDS_OVER = re.compile(
    r"\bhands? (?:it |them |this )?(?:over|on)\b|\b(?:pass|send) (?:it|them|each|every|the)\b|\bgo(?:es)? to\b",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
FIRST_SENTENCE = 3


@lru_cache(maxsize=1024)
def role_of(instructions: str, directives: str = "") -> Role:
    """Tell what kind of work is asked for.

    Parameters
    ----------
    instructions : str
        What the agent always is told.
    directives : str
        What the request orders; asked only where the instructions say nothing.

    Returns
    -------
    Role
        ``"helper"`` if nothing tells.
    """
    told, asked = _told_by(instructions), _told_by(directives)
    # A helper does what it can, so that what it cannot do has to be told from what it is asked.
    return told if told and (told != "helper" or asked not in UNABLE) else asked or "helper"


def _told_by(text: str) -> Role | None:
    first, *others = sentences(_CAMEL.sub(" ", text)) or [""]
    scores: dict[Role, int] = {"router": len(_HANDS_OVER.findall(text))}
    for sentence, weight in ((first, FIRST_SENTENCE), (" ".join(others), 1)):
        for role in _roles_named(sentence):
            scores[role] = scores.get(role, 0) + weight
    best = max(scores, key=lambda role: scores[role])
    return best if scores[best] else None


def _roles_named(text: str) -> list[Role]:
    return [_ROLE_OF_TERM[term] for term in map(term_of, words(text)) if term in _ROLE_OF_TERM]
