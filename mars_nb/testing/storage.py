"""Does a storage keep what it promises? The checks that both of ours pass, for one of your own.

Each check is a function of a storage and a fresh session id; its name is the promise.

Examples
--------
>>> from mars_nb.state.storage import MemoryStorageBackend
>>> check_storage(MemoryStorageBackend())
"""

from __future__ import annotations

import contextlib
import secrets
from functools import partial
from typing import TYPE_CHECKING

from mars_nb.actions import Parallel
from mars_nb.errors import JournalLocked, SessionError, SessionNotFound, StorageError
from mars_nb.events import BranchCreated, BranchMoved, RunEnded, StepCompleted, StepScheduled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mars_nb.events import Event
    from mars_nb.state.journal import Journal
    from mars_nb.state.storage import StorageBackend

_EVENTS: tuple[Event, ...] = (
    BranchCreated("b0", "Writer"),
    StepScheduled("b0", 1, "Writer"),
    StepCompleted("b0", 1, content={"text": "Grüße 🦀 \u2028", "n": [1, 2.5, None, True], "$mars": "mine"}),
    BranchMoved("b0", "Critic"),
    StepCompleted("b0", 2, action=Parallel([("North", "your half"), ("South", {"part": 2})])),
    RunEnded("succeeded"),
)
_LARGE = StepCompleted("b0", 3, content="large " * 20_000)


def check_storage(storage: StorageBackend) -> None:
    """Prove that a storage keeps sessions as the engine needs it.

    Parameters
    ----------
    storage : StorageBackend
        May hold sessions already; those made here are deleted again.

    Raises
    ------
    AssertionError
        When it does not; the message says which promise it broke.
    """
    for check in CHECKS:
        session_id = f"check-{secrets.token_hex(6)}"
        try:
            check(storage, session_id)
        finally:
            _clean(storage, session_id)


def events_come_back_as_they_went_in(storage: StorageBackend, session_id: str) -> None:
    """Append events one by one and several at once, then read them."""
    with _created(storage, session_id) as journal:
        seqs = [journal.append(event) for event in _EVENTS[:3]]
        last = journal.append_many(_EVENTS[3:])
        _same(seqs, [1, 2, 3], "append gives the seq, from 1 without a gap")
        _same(last, len(_EVENTS), "append_many gives the seq of its last event")
        _same([record.event for record in journal.records()], list(_EVENTS), "records gives the events in order")
        _same([record.seq for record in journal.records(after=4)], [5, 6], "records(after) gives the later ones")
        _same(journal.n_events, len(_EVENTS), "n_events counts them")
        journal.sync()
    _same([record.event for record in storage.read(session_id)], list(_EVENTS), "read gives what was appended")


def a_session_goes_on_where_it_stopped(storage: StorageBackend, session_id: str) -> None:
    """Close a session and open it again."""
    with _created(storage, session_id) as journal:
        journal.append_many(_EVENTS[:2])
    before = list(storage.read(session_id))
    with contextlib.closing(storage.open(session_id)) as journal:
        _same(journal.append(_EVENTS[2]), 3, "seq goes on after open")
        _same([journal.at(1), journal.at(2)], [record.at for record in before], "times are kept")
    _same([record.event for record in storage.read(session_id)], list(_EVENTS[:3]), "nothing is lost or repeated")


def times_are_stamped_in_order(storage: StorageBackend, session_id: str) -> None:
    """Compare `at` with the records."""
    with _created(storage, session_id) as journal:
        journal.append_many(_EVENTS[:3])
        ats = [journal.at(seq) for seq in (1, 2, 3)]
        _same([record.at for record in journal.records()], ats, "at(seq) is the record's time")
        _same(ats, sorted(ats), "time does not go back while nobody turns the clock")
        _raises(IndexError, lambda: journal.at(4), "at refuses a seq that is not there")
        _raises(IndexError, lambda: journal.at(0), "at refuses 0")


def there_is_one_writer_and_any_number_of_readers(storage: StorageBackend, session_id: str) -> None:
    """Open twice, read meanwhile."""
    with _created(storage, session_id) as journal:
        journal.append(_EVENTS[0])
        journal.sync()
        _raises(JournalLocked, lambda: storage.open(session_id), "a second writer is refused")
        _raises(JournalLocked, lambda: storage.delete(session_id), "a session with a writer is not deleted")
        _same(len(list(storage.read(session_id))), 1, "a reader needs no lock")
        _holds(storage.has_writer(session_id), "has_writer tells")
    _holds(not storage.has_writer(session_id), "has_writer tells when nobody writes any more")
    storage.open(session_id).close()


def a_closed_journal_refuses(storage: StorageBackend, session_id: str) -> None:
    """Append after close, close twice."""
    with _created(storage, session_id) as journal:
        pass
    journal.close()
    _raises(StorageError, lambda: journal.append(_EVENTS[0]), "append after close is refused")
    _same(list(storage.read(session_id)), [], "and leaves no trace")


def an_id_is_used_once(storage: StorageBackend, session_id: str) -> None:
    """Create twice, look for what is not there, delete."""
    with _created(storage, session_id):
        _raises(SessionError, lambda: storage.create(session_id, {}), "an id is not given twice")
    _holds(session_id in storage.list(), "list has the session")
    storage.delete(session_id)
    _holds(session_id not in storage.list(), "delete removes it")
    for use in (storage.open, storage.header, storage.delete, storage.read):
        _raises(SessionNotFound, partial(use, session_id), "a session that is not there is SessionNotFound")


def hostile_ids_are_refused(storage: StorageBackend, session_id: str) -> None:
    """Try names that would leave the folder or name a device."""
    for name in ("", ".", "..", "../up", "a/b", "a\\b", "/abs", "con", "nul.txt", "a..b", "a\n", "ä", "x" * 65):
        _raises(SessionError, partial(storage.create, name, {}), f"{name!r} is refused as an id")
    _holds(session_id not in storage.list(), "and nothing is made")


def the_header_is_kept(storage: StorageBackend, session_id: str) -> None:
    """Ask for what `create` was told."""
    about = {"title": "A <b>title</b>", "parent": {"session": "other", "seq": 3}}
    storage.create(session_id, about).close()
    header = storage.header(session_id)
    _same({key: header[key] for key in about}, about, "header gives what create was told")
    _holds(isinstance(header["uuid"], str) and header["created_at"] > 0, "with uuid and created_at")


def a_session_can_begin_with_records(storage: StorageBackend, session_id: str) -> None:
    """Copy the beginning of one session into another, as a fork does."""
    other = f"{session_id}-copy"
    with _created(storage, session_id) as journal:
        journal.append_many([*_EVENTS, _LARGE])
    records = list(storage.read(session_id))[:4]
    try:
        with contextlib.closing(storage.create(other, {}, records=records)) as journal:
            _same(journal.n_events, len(records), "a copy begins with the records")
            journal.append(_LARGE)
        _same(list(storage.read(other))[:4], records, "with their seqs, times and events")
    finally:
        _clean(storage, other)


def large_events_and_blobs_are_kept(storage: StorageBackend, session_id: str) -> None:
    """Keep an event of 120 kB, and bytes by their digest."""
    with _created(storage, session_id) as journal:
        journal.append(_LARGE)
        digest = storage.put_blob(session_id, b"\x00picture")
        _same(storage.put_blob(session_id, b"\x00picture"), digest, "the same bytes have the same name")
    _same(storage.get_blob(session_id, digest), b"\x00picture", "get_blob gives the bytes back")
    _holds(digest in storage.blobs(session_id), "blobs lists it")
    _same([record.event for record in storage.read(session_id)], [_LARGE], "a large event comes back whole")
    for name in ("0" * 64, "../journal.jsonl", ""):
        _raises(LookupError, partial(storage.get_blob, session_id, name), f"no blob {name!r}")


def salvage_copies_a_session(storage: StorageBackend, session_id: str) -> None:
    """Salvage what is not damaged at all."""
    other = f"{session_id}-saved"
    with _created(storage, session_id) as journal:
        journal.append_many(_EVENTS)
    digest = storage.put_blob(session_id, b"kept")
    try:
        _same(storage.salvage(session_id, other), len(_EVENTS), "salvage gives the number of events")
        _same(list(storage.read(other)), list(storage.read(session_id)), "and copies all of them")
        _same(storage.get_blob(other, digest), b"kept", "and the blobs")
        _same(storage.header(other)["parent"], {"session": session_id, "seq": len(_EVENTS)}, "and says whence")
    finally:
        _clean(storage, other)


def what_comes_from_elsewhere_is_read_and_not_continued(storage: StorageBackend, session_id: str) -> None:
    """Create a session as an import does."""
    with contextlib.closing(storage.create(session_id, {}, trusted=False)) as journal:
        journal.append(_EVENTS[0])
    _holds(not storage.is_trusted(session_id), "what was created with trusted=False is not trusted")
    _raises(SessionError, lambda: storage.open(session_id), "and not opened for writing")
    _same([record.event for record in storage.read(session_id)], [_EVENTS[0]], "and can be read")
    storage.open(session_id, trust=True).close()
    _holds(storage.is_trusted(session_id), "until it is opened with trust=True")
    storage.open(session_id).close()


CHECKS: tuple[Callable[[StorageBackend, str], None], ...] = (
    events_come_back_as_they_went_in,
    a_session_goes_on_where_it_stopped,
    times_are_stamped_in_order,
    there_is_one_writer_and_any_number_of_readers,
    a_closed_journal_refuses,
    an_id_is_used_once,
    hostile_ids_are_refused,
    the_header_is_kept,
    a_session_can_begin_with_records,
    large_events_and_blobs_are_kept,
    salvage_copies_a_session,
    what_comes_from_elsewhere_is_read_and_not_continued,
)
"""Every promise, for a test that wants one case each."""


@contextlib.contextmanager
def _created(storage: StorageBackend, session_id: str) -> Iterator[Journal]:
    journal = storage.create(session_id, {})
    try:
        yield journal
    finally:
        journal.close()


def _clean(storage: StorageBackend, session_id: str) -> None:
    with contextlib.suppress(SessionError):
        storage.delete(session_id)


def _same(found: object, expected: object, promise: str) -> None:
    if found != expected:
        raise AssertionError(f"{promise}: found {found!r}, expected {expected!r}")


def _holds(found: bool, promise: str) -> None:  # noqa: FBT001 - it is what is checked
    _same(found, expected=True, promise=promise)


def _raises(expected: type[Exception], use: Callable[[], object], promise: str) -> None:
    try:
        found = use()
    except expected:
        return
    raise AssertionError(f"{promise}: expected {expected.__name__}, found {found!r}")
