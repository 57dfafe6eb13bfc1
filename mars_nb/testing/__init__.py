"""What helps to test a team of agents without a model: scripted agents and models, and checks.

Importable by users; it needs no test runner.
"""

from __future__ import annotations

from mars_nb.testing.model import ScriptedModel, call
from mars_nb.testing.scripted import PlainAgent, ScriptedAgent, Stage, plain
from mars_nb.testing.storage import check_storage

__all__ = ["PlainAgent", "ScriptedAgent", "ScriptedModel", "Stage", "call", "check_storage", "plain"]
