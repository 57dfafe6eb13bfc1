"""Plans: a task cut into steps, and who does which.

The steps are the clauses of the task itself: nothing is invented. Each goes to the neighbours whose name or description
shares a word with it; a neighbour whom no clause speaks of gets the first one, which says what it is all about.

Examples
--------
>>> from mars_nb.agents.offline.routing import Target
>>> orders = clauses("Compare solar and wind power, and say which is cheaper.")
>>> for step in steps(orders, [Target("Solar"), Target("Wind")]):
...     print(step)
Step(agents=('Solar', 'Wind'), text='Compare solar and wind power')
Step(agents=(), text='Say which is cheaper')
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mars_nb.agents.offline.directives import clauses, without_order
from mars_nb.agents.offline.summary import LONGEST_SENTENCE_WORDS, title
from mars_nb.agents.offline.textrank import key_sentences
from mars_nb.agents.offline.words import clipped, sentences, terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mars_nb.agents.offline.brief import Brief
    from mars_nb.agents.offline.routing import Target

MOST_STEPS = 7


class Step(NamedTuple):
    """A part of the task, and who does it: nobody in particular if empty."""

    agents: tuple[str, ...]
    text: str


def plan(brief: Brief, targets: Sequence[Target]) -> str:
    """Write the plan as a numbered list, and hand on the material that came with the task.

    Parameters
    ----------
    brief : Brief
        What is to be done.
    targets : sequence of Target
        Whom the planner knows; those whom its instructions name count if there are none.

    Returns
    -------
    str
        Markdown.
    """
    heading = title(brief)
    lines = [_line(number, step) for number, step in enumerate(planned(brief, targets), start=1)]
    # Without orders the steps were made from the material itself.
    material = material_of(brief) if brief.directives else ""
    parts = [
        f"### Plan: {heading}" if heading else "### Plan",
        "\n".join(lines),
        material and f"### Material\n\n{material}",
    ]
    return "\n\n".join(part for part in parts if part)


def planned(brief: Brief, targets: Sequence[Target]) -> list[Step]:
    """Give the steps of what is asked."""
    orders = [clause for sentence in brief.directives for clause in clauses(sentence)][:MOST_STEPS]
    n = brief.length.n_sentences if brief.length.is_said else MOST_STEPS
    return steps(orders or [each.rstrip(".") for each in key_sentences(brief.facts, n)], targets)


def steps(orders: Sequence[str], targets: Sequence[Target]) -> list[Step]:
    """Give each order to the neighbours whom it speaks of, and the first one to those of whom none speaks.

    Parameters
    ----------
    orders : sequence of str
        The clauses of the task.
    targets : sequence of Target
        Who is there.

    Returns
    -------
    list of Step
        In the order of the clauses.
    """
    if not orders:
        return []
    meant = [[target.name for target in targets if _is_meant(target, order)] for order in orders]
    known = {name for names in meant for name in names}
    idle = [target.name for target in targets if target.name not in known]
    meant[0] = [target.name for target in targets if target.name in {*meant[0], *idle}]
    return [Step(tuple(names), order) for names, order in zip(meant, orders, strict=True)]


def request_for(target: Target, brief: Brief, targets: Sequence[Target]) -> str:
    """Write what one neighbour is asked: its steps, and the sentences of the material that concern it.

    Parameters
    ----------
    target : Target
        Who is asked.
    brief : Brief
        What is to be done.
    targets : sequence of Target
        Who is asked besides.

    Returns
    -------
    str
        The request.
    """
    mine = [step.text for step in planned(brief, targets) if target.name in step.agents] if brief.directives else []
    orders = " ".join(f"{target.name}: {each.rstrip('?')}{'?' if each.endswith('?') else '.'}" for each in mine)
    focus = frozenset(target.terms)
    concerned = [fact for fact in brief.facts if focus.intersection(terms(fact))] or brief.facts
    return "\n\n".join(part for part in (orders, _paragraph(concerned)) if part) or brief.request


def material_of(brief: Brief) -> str:
    """Give the material as text, each named source under its heading."""
    parts = (
        f"## {each.name}\n\n{_paragraph(each.facts)}" if each.name else _paragraph(each.facts) for each in brief.sources
    )
    return "\n\n".join(parts)


def _is_meant(target: Target, order: str) -> bool:
    """Tell whether a clause speaks of a neighbour: by its name, or by what it is about."""
    return bool(
        frozenset(terms(target.name)).intersection(terms(order))
        or frozenset(target.terms).intersection(terms(without_order(order)))
    )


def _line(number: int, step: Step) -> str:
    whom = f"{', '.join(step.agents)}: " if step.agents else ""
    return f"{number}. {whom}{clipped(step.text, LONGEST_SENTENCE_WORDS)}{'' if step.text.endswith('?') else '.'}"


def _paragraph(facts: Iterable[str]) -> str:
    return " ".join(facts)


def named_in(instructions: str) -> list[str]:
    """Give the names that instructions call the colleagues by: words with a capital inside a sentence.

    Examples
    --------
    >>> named_in("You are a planner. Split the task between Solar and Wind.")
    ['Solar', 'Wind']
    """
    inside = (word for sentence in sentences(instructions) for word in sentence.split()[1:])
    bare = (word.strip(".,:;!?()\"'") for word in inside)
    return list(dict.fromkeys(word for word in bare if word[:1].isupper() and word.isalnum() and terms(word)))
