"""A ``%%agent`` cell: a function that becomes an agent, or instructions for a model.

A cell that parses as Python and defines exactly one function is a function agent; whatever else stands in it (imports,
constants) runs in the notebook as in any other cell. Anything else is instructions, for which a model is needed.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from mars_nb.agents.agent import Agent
from mars_nb.errors import AgentError, CellError
from mars_nb.topology.names import clean_name, quoted, unquoted

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def define(shell: InteractiveShell, line: str, cell: str) -> str:
    """Define an agent.

    Parameters
    ----------
    shell : InteractiveShell
        Where the function is defined.
    line : str
        The name.
    cell : str
        The function.

    Returns
    -------
    str
        One line that says what is there now.

    Raises
    ------
    MarsError
        If there is no name, or not exactly one function.
    """
    name = _name(line)
    function = _function(name, cell)
    _execute(shell, cell)
    answer = shell.user_ns[function]
    if isinstance(answer, Agent):
        answer = answer.answer
    made = Agent(name=name, answer=answer)
    about = f": {made.description}" if made.description else ""
    return f"agent {made.name!r} is ready (function {function}){about}"


def _name(line: str) -> str:
    name = line.partition(" #")[0].strip()
    if not name:
        raise CellError("line 1: %%agent needs a name: '%%agent Writer', and below it one function")
    if name.startswith("-") or " -" in name:
        raise CellError(f"line 1: {quoted(name)}: %%agent takes a name and no options: '%%agent Writer'")
    return clean_name(unquoted(name))


def _function(name: str, cell: str) -> str:
    """Give the name of the one function that the cell defines."""
    try:
        body = ast.parse(cell).body
    except (SyntaxError, ValueError) as error:
        raise _no_function(name, f"does not read as Python ({getattr(error, 'msg', error)})") from None
    functions = [each.name for each in body if isinstance(each, FUNCTION)]
    if len(functions) != 1:
        raise _no_function(name, f"defines {len(functions) or 'no'} function{'s' if functions else ''}")
    return functions[0]


def _no_function(name: str, found: str) -> AgentError:
    return AgentError(
        f"%%agent {name}: the cell {found}; expected exactly one function, such as 'def answer(request):' "
        "(instructions need a model, which comes in a later release)"
    )


def _execute(shell: InteractiveShell, cell: str) -> None:
    """Run the cell in the notebook, under a name by which a traceback and `inspect.getsource` find its lines."""
    file_name = shell.compile.cache(cell, shell.execution_count)
    shell.ex(compile(cell, file_name, "exec", dont_inherit=True))  # type: ignore[no-untyped-call]  # IPython
