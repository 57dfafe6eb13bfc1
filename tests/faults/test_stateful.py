"""Any order of appending, crashing, closing, opening and salvaging does what a list in memory does.

``MARS_FAULTS=1000`` tries a thousand.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mars_nb.errors import JournalLocked
from mars_nb.events import BranchMoved, QuestionAnswered, StepCompleted
from mars_nb.state.storage import FileStorageBackend

if TYPE_CHECKING:
    from mars_nb.events import Event
    from mars_nb.state.journal import Journal

N_EXAMPLES = int(os.environ.get("MARS_FAULTS", "30"))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("$mars"), inner, max_size=3)
    ),
    max_leaves=6,
)
events = st.one_of(
    st.builds(BranchMoved, st.just("b0"), st.text(max_size=10)),
    st.builds(StepCompleted, st.just("b0"), st.integers(1, 9), content=json_values),
    st.builds(StepCompleted, st.just("b0"), st.integers(1, 9), content=st.integers(33_000, 50_000).map("x".__mul__)),
    st.builds(QuestionAnswered, st.just("b0"), st.text(max_size=10)),
)


class Sessions(RuleBasedStateMachine):
    """A session on the disk against a list of what it should hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.storage = FileStorageBackend(self.folder / "live", segment_bytes=2_000)
        self.journal: Journal | None = self.storage.create("s", {"n": 1})
        self.expected: list[Event] = []
        self.n_copies = 0

    @precondition(lambda self: self.journal is not None)
    @rule(event=events)
    def append(self, event: Event) -> None:
        assert self.journal is not None
        self.expected.append(event)
        assert self.journal.append(event) == len(self.expected)

    @precondition(lambda self: self.journal is not None)
    @rule(several=st.lists(events, max_size=3))
    def append_many(self, several: list[Event]) -> None:
        assert self.journal is not None
        self.expected.extend(several)
        assert self.journal.append_many(several) == len(self.expected)

    @precondition(lambda self: self.journal is not None)
    @rule()
    def sync(self) -> None:
        assert self.journal is not None
        self.journal.sync()

    @precondition(lambda self: self.journal is not None)
    @rule()
    def close(self) -> None:
        assert self.journal is not None
        self.journal.close()
        self.journal = None

    @precondition(lambda self: self.journal is None)
    @rule()
    def open(self) -> None:
        self.journal = self.storage.open("s")
        assert self.journal.n_events == len(self.expected)

    @precondition(lambda self: self.journal is not None)
    @rule()
    def open_twice(self) -> None:
        with pytest.raises(JournalLocked):
            FileStorageBackend(self.storage.path).open("s")

    @precondition(lambda self: self.journal is not None)
    @rule(torn=st.binary(max_size=30))
    def crash(self, torn: bytes) -> None:
        """Go on from a copy of the files as they are now, as after kill -9, half a line behind them."""
        assert self.journal is not None
        self.n_copies += 1
        copy = self.folder / str(self.n_copies)
        shutil.copytree(self.storage.path, copy)
        self.journal.close()
        last = max((copy / "s").glob("journal*.jsonl"), key=lambda path: (len(path.name), path.name))
        with last.open("ab") as file:
            file.write(torn.replace(b"\n", b""))
        self.storage = FileStorageBackend(copy, segment_bytes=2_000)
        self.journal = None

    @rule()
    def salvage(self) -> None:
        self.n_copies += 1
        name = f"copy-{self.n_copies}"
        assert self.storage.salvage("s", name) == len(self.expected)
        assert [record.event for record in self.storage.read(name)] == self.expected

    @invariant()
    def reads_as_expected(self) -> None:
        assert [record.event for record in self.storage.read("s")] == self.expected

    def teardown(self) -> None:
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder)
            if self.journal is not None:
                stack.callback(self.journal.close)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(max_examples=N_EXAMPLES, stateful_step_count=25, deadline=None)
