"""A ``%%agent`` cell: a function that becomes an agent, or instructions for a model.

A cell that parses as Python and defines exactly one function is a function agent; whatever else stands in it (imports,
constants) runs in the notebook as in any other cell. Anything else is instructions, for which a model speaks.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from mars_nb.agents.agent import Agent
from mars_nb.errors import AgentError, CellError
from mars_nb.jupyter.arguments import Verb, read_arguments
from mars_nb.jupyter.options import options_of
from mars_nb.jupyter.placeholders import fill
from mars_nb.jupyter.speaking import check_model, facts, tools_of
from mars_nb.topology.names import RESERVED, clean_name, unquoted

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
CODE = re.compile(r"^(?:async )?def \w+\(|^import \w|^from [\w.]+ import |^@\w|^class \w+[:(]|^\w+ = ", re.MULTILINE)
"""What nobody writes in instructions: the cell was meant as Python."""
LONGEST_DESCRIPTION = 120
USAGE = Verb(lambda *_: None, "NAME [options]", "", options_of("model", "tools", "description"), 20)
"""What may stand on the line."""


def define(shell: InteractiveShell, line: str, cell: str) -> str:
    """Define an agent.

    Parameters
    ----------
    shell : InteractiveShell
        Where the function is defined.
    line : str
        The name, then options: ``--model M``, ``--tools f,g``, ``--description D``.
    cell : str
        The function, or instructions.

    Returns
    -------
    str
        One line that says what is there now.

    Raises
    ------
    MarsError
        If there is no name, an option is wrong, or the cell is neither one function nor instructions.
    """
    given = read_arguments("%%agent", USAGE, line)
    name = _name(_filled(" ".join(given.words), shell, "line 1"))
    options = {key: _filled(text, shell, "line 1") for key, text in given.options.items()}
    function = _function(name, cell)
    if function is None:
        return _instructed(shell, name, options, cell)
    _refuse_options(options)
    _execute(shell, cell)
    answer = shell.user_ns[function]
    if isinstance(answer, Agent):
        answer = answer.answer
    made = Agent(name=name, answer=answer)
    about = f": {made.description}" if made.description else ""
    return f"agent {made.name!r} is ready (function {function}){about}"


def _instructed(shell: InteractiveShell, name: str, options: dict[str, Any], cell: str) -> str:
    """Make an agent for which a model speaks."""
    text = _filled(cell, shell, f"%%agent {name}")
    own = options.get("model")
    if own is not None:
        check_model(own)
    tools: Any = tools_of(options.get("tools", ""), shell.user_ns)
    about = options.get("description") or _first_sentence(text)
    Agent(own, name, instructions=text.strip(), tools=tools, description=about)
    return f"agent {name!r} is ready (instructions; {f'model: {own}' if own else facts()})"


def _filled(text: str, shell: InteractiveShell, place: str) -> str:
    """Fill in the placeholders of a text."""
    filled = fill(text, shell.user_ns)
    if filled.problems:
        raise CellError(f"{place}: {filled.problems[0].message}")
    return filled.text


def _first_sentence(text: str) -> str:
    """Give what others are told of an agent whose description was left out."""
    found = re.split(r"(?<=[.!?])\s|\n", text.strip(), maxsplit=1)[0]
    return found if len(found) <= LONGEST_DESCRIPTION else found[: LONGEST_DESCRIPTION - 1] + "…"


def _refuse_options(options: dict[str, Any]) -> None:
    for key in options:
        raise CellError(f"line 1: '--{key}' is for instructions; the cell holds a function, which speaks for itself")


def _name(name: str) -> str:
    if not name:
        raise CellError("line 1: %%agent needs a name: '%%agent Writer', and below it one function, or instructions")
    if (clean := clean_name(unquoted(name))) in RESERVED:
        raise CellError(f"line 1: {clean!r} is a marker of the topology and nobody who is asked; choose another name")
    return clean


def _function(name: str, cell: str) -> str | None:
    """Give the name of the one function that the cell defines; None if it holds instructions."""
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError) as error:
        if CODE.search(cell):
            raise _no_function(name, f"does not read as Python ({getattr(error, 'msg', error)})") from None
        body = []
    functions = [each.name for each in body if isinstance(each, FUNCTION)]
    if len(functions) > 1 or (not functions and CODE.search(cell)):
        raise _no_function(name, f"defines {len(functions) or 'no'} function{'s' if functions else ''}")
    if not functions and not cell.strip():
        raise _no_function(name, "is empty")
    return functions[0] if functions else None


def _no_function(name: str, found: str) -> AgentError:
    return AgentError(
        f"%%agent {name}: the cell {found}; expected exactly one function, such as 'def answer(request):', or "
        "instructions in plain words"
    )


def _execute(shell: InteractiveShell, cell: str) -> None:
    """Run the cell in the notebook, under a name by which a traceback and `inspect.getsource` find its lines."""
    file_name = shell.compile.cache(cell, shell.execution_count)
    shell.ex(compile(cell, file_name, "exec", dont_inherit=True))  # type: ignore[no-untyped-call]  # IPython
