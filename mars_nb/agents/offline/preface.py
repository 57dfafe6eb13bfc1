r"""The preface of a request: what an agent was told to be, and what a run told it about its surroundings.

The instructions that a model gets hold more than what the user wrote for the agent: its name, whom it works with, where
plain text goes, the task of the whole team, what was given to the run. Each is a paragraph that opens the same way.

Examples
--------
>>> told = preface_of("Check.\n\nYou are Ada.\n\nYou work with:\n- Writer: drafts\n\nThe task of the whole team: Ebb")
>>> told.instructions, told.name, told.people, told.task
('Check.', 'Ada', {'Writer': 'drafts'}, 'Ebb')
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mars_nb.agents.prompting import FORM, GIVEN, ONWARD, PEOPLE, TASK

_OPENINGS = {"people": PEOPLE, "onward": ONWARD, "task": TASK, "given": GIVEN, "form": FORM}
_OPENING = re.compile("|".join(rf"(?:^|(?<=\n\n))(?P<{part}>{re.escape(text)})" for part, text in _OPENINGS.items()))
_NAME = re.compile(r"(?:^|\n\n)You are (?!(?:an?|the|one|not|very)\b)([^\n.]{1,80})\.(?= |\n|$)", re.IGNORECASE)
_TASK = re.compile(r"^[^\w\n]*(?:the |your )?(?:\w+ )?task\b[^:.\n]{0,40}:\s*(.+)", re.IGNORECASE | re.MULTILINE)
_PERSON = re.compile(r"^- ([^:\n]{1,80}): (.*)$", re.MULTILINE)


class Preface(NamedTuple):
    """What a request says before anything is asked.

    Parameters
    ----------
    instructions : str
        What the user wrote for the agent, without its name.
    name : str
        Of the agent; empty if it was not said.
    people : dict of str to str
        Whom it works with, and what they are for.
    onward : tuple of str
        Whom plain text goes to.
    task : str
        Of the whole run.
    given : str
        The values that the run was given.
    """

    instructions: str
    name: str
    people: dict[str, str]
    onward: tuple[str, ...]
    task: str
    given: str


def preface_of(text: str) -> Preface:
    """Read the instructions of a request.

    Parameters
    ----------
    text : str
        As a model gets them; of any other origin, all of it is what the user wrote, but for a line "Task: ...".

    Returns
    -------
    Preface
        Its parts, empty where nothing is said.
    """
    parts = _parts(text)
    own, task = parts.get("own", ""), parts.get("task", "")
    if not task and (found := _TASK.search(own)):
        own, task = _TASK.sub("", own), found[1]
    name = _NAME.search(own)
    return Preface(
        instructions=_NAME.sub("\n\n", own).strip(),
        name=name[1] if name else "",
        people=dict(_PERSON.findall(parts.get("people", ""))),
        onward=tuple(each.strip() for each in parts.get("onward", "").rstrip(". \n").split(",") if each.strip()),
        task=task.strip(),
        given=parts.get("given", "").strip(),
    )


def _parts(text: str) -> dict[str, str]:
    """Cut the text at the openings; of an opening that comes twice, the first counts."""
    found = [(each.start(), each.end(), each.lastgroup or "") for each in _OPENING.finditer(text)]
    starts = [*(start for start, _, _ in found), len(text)]
    parts = {"own": text[: starts[0]]}
    for (_, begin, part), end in zip(found, starts[1:], strict=True):
        parts.setdefault(part, text[begin:end])
    return parts
