"""What helps to test a team of agents without a model: scripted agents, a clock that is moved by hand, and checks.

Importable by users; it needs no test runner.
"""

from __future__ import annotations

from mars_nb.testing.scripted import PlainAgent, ScriptedAgent, Stage, plain
from mars_nb.testing.storage import check_storage

__all__ = ["PlainAgent", "ScriptedAgent", "Stage", "check_storage", "plain"]
