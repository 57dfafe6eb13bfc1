"""Who answers: agents, the registry that finds them by name, and how a reply is read.

An agent is a coroutine from a request to a reply. It may be written as a function, as a subclass, or be a model with
instructions; the rest of the package sees no difference.
"""

from __future__ import annotations

from mars_nb.agents.agent import Agent
from mars_nb.agents.context import StepContext
from mars_nb.agents.registry import AgentRegistry

__all__ = ["Agent", "AgentRegistry", "StepContext"]
