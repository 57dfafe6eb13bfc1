"""What every test shares: how long Hypothesis may look, and that CI looks the same way every time."""

from __future__ import annotations

import os
import tempfile

from hypothesis import HealthCheck, settings

# No deadlines: the machine is shared, and a slow example is no wrong one.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile(
    "ci",
    parent=settings.get_profile("dev"),
    derandomize=True,
    max_examples=200,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# The key by which sessions made here are known: one of the tests' own, never that of whoever runs them.
os.environ["MARS_NB_HOME"] = tempfile.mkdtemp(prefix="mars_nb-")
