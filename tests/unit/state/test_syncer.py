from __future__ import annotations

import threading

import pytest

from mars_nb.state.syncer import Syncer


def test_who_waits_syncs_himself() -> None:
    by: list[threading.Thread] = []
    syncer = Syncer(lambda: by.append(threading.current_thread()), "test")
    syncer.wait()
    assert by == [threading.current_thread()]
    syncer.stop()


def test_what_is_urgent_is_synced_by_a_thread() -> None:
    synced = threading.Event()
    syncer = Syncer(synced.set, "test")
    syncer.soon(urgent=True)
    assert synced.wait(10)
    syncer.stop()


def test_of_many_who_wait_while_one_syncs_the_first_does_it_for_all() -> None:
    began, go_on = threading.Event(), threading.Event()
    n_syncs: list[int] = []

    def sync() -> None:
        n_syncs.append(1)
        began.set()
        assert go_on.wait(10)

    syncer = Syncer(sync, "test")
    first = threading.Thread(target=syncer.wait)
    first.start()
    assert began.wait(10)
    others = [threading.Thread(target=syncer.wait) for _ in range(5)]
    for each in others:
        each.start()
    # Whoever has not asked yet when the first sync ends may need one of his own; nobody needs more.
    go_on.set()
    for each in (first, *others):
        each.join()
    assert 2 <= len(n_syncs) <= 6
    syncer.stop()


def test_a_sync_that_failed_is_never_tried_again() -> None:
    tries: list[int] = []

    def sync() -> None:
        tries.append(1)
        raise OSError(5, "broken")

    syncer = Syncer(sync, "test")
    for _ in range(2):
        with pytest.raises(OSError, match="broken"):
            syncer.wait()
    assert len(tries) == 1
    syncer.stop()


def test_a_sync_that_was_interrupted_does_not_count() -> None:
    tries: list[int] = []

    def sync() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise KeyboardInterrupt

    syncer = Syncer(sync, "test")
    with pytest.raises(KeyboardInterrupt):
        syncer.wait()
    syncer.wait()
    assert len(tries) == 2
    syncer.stop()
