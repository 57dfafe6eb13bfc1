"""What is kept: the journal of a run, the files it lives in, and the manager that lists sessions.

The journal is the only truth: state, result, tables and pictures are all folds of its events, and a checkpoint is a
name for a position in it.
"""

from __future__ import annotations
