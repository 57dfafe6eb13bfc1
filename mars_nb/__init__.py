"""Teams of agents in a notebook: draw who may talk to whom, run it, watch it, pause it, rewind it and fork it.

A *topology* says who may talk to whom. ``Orchestra.run`` carries a task through it and keeps a *journal* of everything
that happens; results, tables, pictures and checkpoints are views of that journal. ``%load_ext mars_nb`` brings the
``%%mars`` cell.

All public names live here and are fetched from their modules when first asked for (PEP 562), so that importing this
package costs next to nothing.

Examples
--------
>>> import mars_nb
>>> mars_nb.Invoke("Writer", "write it up")
Invoke(agent='Writer', request='write it up')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mars_nb.actions import AskUser, EndConversation, Final, Invoke, Parallel
    from mars_nb.agents.agent import Agent, agent
    from mars_nb.agents.context import StepContext
    from mars_nb.agents.registry import AgentRegistry
    from mars_nb.agents.tools import Tool, tool
    from mars_nb.engine.branch import ExecutionBranch
    from mars_nb.engine.routing import Router
    from mars_nb.engine.rules import RulesEngine
    from mars_nb.engine.spawning import DynamicBranchSpawner
    from mars_nb.engine.validation import ValidationProcessor
    from mars_nb.errors import (
        AgentError,
        AgentNotFound,
        CellError,
        ContentError,
        FigureError,
        JournalCorrupt,
        JournalLocked,
        JournalPoisoned,
        LimitReached,
        MarsError,
        ModelBusy,
        ModelError,
        ModelGarbled,
        ModelRejected,
        ModelTimeout,
        ModelUnavailable,
        NobodyToAsk,
        NotationError,
        ReplyError,
        RuleError,
        RunFailed,
        RunNotFound,
        RunPaused,
        RunStopped,
        SessionError,
        SessionNotFound,
        StepTimeout,
        StorageError,
        TopologyError,
        TopologyTypeError,
    )
    from mars_nb.event_bus import EventBus
    from mars_nb.execution.branch import BranchExecutor
    from mars_nb.execution.step import StepExecutor
    from mars_nb.orchestra import Orchestra
    from mars_nb.session import Session
    from mars_nb.state.file_storage import FileStorageBackend
    from mars_nb.state.manager import StateManager
    from mars_nb.state.storage import MemoryStorageBackend
    from mars_nb.testing.model import ScriptedModel
    from mars_nb.testing.scripted import ScriptedAgent
    from mars_nb.topology.convert import ensure_topology
    from mars_nb.topology.graph import TopologyAnalyzer, TopologyGraph
    from mars_nb.topology.model import Edge, Topology
    from mars_nb.topology.patterns import PatternConfig, PatternConfigConverter
    from mars_nb.topology.rules import (
        BudgetRule,
        MaxParallelRule,
        MaxStepsRule,
        MaxTokensRule,
        MaxTurnsRule,
        ParallelRule,
        PauseBeforeRule,
        QuorumRule,
        RetryRule,
        TimeoutRule,
    )
    from mars_nb.views.compare import compare
    from mars_nb.views.result import BranchResult, OrchestraResult

__version__ = "0.2.0"

# fmt: off
# One name a line would be three screens of nothing to read.
__all__ = [
    "Agent", "AgentError", "AgentNotFound", "AgentRegistry", "AskUser", "BranchExecutor", "BranchResult",
    "BudgetRule", "CellError", "ContentError", "DynamicBranchSpawner", "Edge", "EndConversation", "EventBus",
    "ExecutionBranch", "FigureError", "FileStorageBackend", "Final", "Invoke", "JournalCorrupt", "JournalLocked",
    "JournalPoisoned", "LimitReached", "MarsError", "MaxParallelRule", "MaxStepsRule", "MaxTokensRule",
    "MaxTurnsRule", "MemoryStorageBackend", "ModelBusy", "ModelError", "ModelGarbled", "ModelRejected",
    "ModelTimeout", "ModelUnavailable", "NobodyToAsk", "NotationError", "Orchestra", "OrchestraResult", "Parallel",
    "ParallelRule", "PatternConfig", "PatternConfigConverter", "PauseBeforeRule", "QuorumRule", "ReplyError",
    "RetryRule", "Router", "RuleError", "RulesEngine", "RunFailed", "RunNotFound", "RunPaused", "RunStopped",
    "ScriptedAgent", "ScriptedModel", "Session", "SessionError", "SessionNotFound", "StateManager", "StepContext",
    "StepExecutor", "StepTimeout", "StorageError", "TimeoutRule", "Tool", "Topology", "TopologyAnalyzer",
    "TopologyError", "TopologyGraph", "TopologyTypeError", "ValidationProcessor", "agent", "compare",
    "ensure_topology", "tool",
]
# fmt: on

# The imports above once more, for the running program; what is not listed is an error class.
_HOMES = {
    "mars_nb.actions": "AskUser EndConversation Final Invoke Parallel",
    "mars_nb.agents.agent": "Agent agent",
    "mars_nb.agents.context": "StepContext",
    "mars_nb.agents.registry": "AgentRegistry",
    "mars_nb.agents.tools": "Tool tool",
    "mars_nb.engine.branch": "ExecutionBranch",
    "mars_nb.engine.routing": "Router",
    "mars_nb.engine.rules": "RulesEngine",
    "mars_nb.engine.spawning": "DynamicBranchSpawner",
    "mars_nb.engine.validation": "ValidationProcessor",
    "mars_nb.event_bus": "EventBus",
    "mars_nb.execution.branch": "BranchExecutor",
    "mars_nb.execution.step": "StepExecutor",
    "mars_nb.orchestra": "Orchestra",
    "mars_nb.session": "Session",
    "mars_nb.state.manager": "StateManager",
    "mars_nb.state.file_storage": "FileStorageBackend",
    "mars_nb.state.storage": "MemoryStorageBackend",
    "mars_nb.testing.model": "ScriptedModel",
    "mars_nb.testing.scripted": "ScriptedAgent",
    "mars_nb.topology.convert": "ensure_topology",
    "mars_nb.topology.graph": "TopologyAnalyzer TopologyGraph",
    "mars_nb.topology.model": "Edge Topology",
    "mars_nb.topology.patterns": "PatternConfig PatternConfigConverter",
    "mars_nb.topology.rules": (
        "BudgetRule MaxParallelRule MaxStepsRule MaxTokensRule MaxTurnsRule "
        "ParallelRule PauseBeforeRule QuorumRule RetryRule TimeoutRule"
    ),
    "mars_nb.views.compare": "compare",
    "mars_nb.views.result": "BranchResult OrchestraResult",
}
_HOME_OF = dict.fromkeys(__all__, "mars_nb.errors") | {
    name: home for home, names in _HOMES.items() for name in names.split()
}

# Hidden from type checkers: to them a module with a ``__getattr__`` has every name, so a typo would pass.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Fetch a public name from its module, once."""
        if name not in _HOME_OF:
            message = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=import_module(__name__))
        value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ipython: InteractiveShell) -> None:
    """Bring ``%%mars`` and ``%mars`` into a notebook; ``%load_ext mars_nb`` calls this.

    Parameters
    ----------
    ipython : InteractiveShell
        The shell of the notebook.
    """
    from mars_nb import jupyter

    jupyter.load_ipython_extension(ipython)


def unload_ipython_extension(ipython: InteractiveShell) -> None:
    """Take ``%%mars`` and ``%mars`` away again; ``%unload_ext mars_nb`` calls this.

    Parameters
    ----------
    ipython : InteractiveShell
        The shell of the notebook.
    """
    from mars_nb import jupyter

    jupyter.unload_ipython_extension(ipython)
