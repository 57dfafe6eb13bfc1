from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb.state.storage import FileStorageBackend, MemoryStorageBackend, StorageBackend
from mars_nb.testing.storage import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(params=["in memory", "process", "power", "memory", "small files"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageBackend:
    match request.param:
        case "in memory":
            return MemoryStorageBackend()
        case "small files":
            return FileStorageBackend(tmp_path / ".mars", segment_bytes=300)
        case _:
            return FileStorageBackend(tmp_path / ".mars", durability=request.param)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_storage_keeps_the_promise_that(
    check: Callable[[StorageBackend, str], None], storage: StorageBackend
) -> None:
    check(storage, "s")
    assert isinstance(storage, StorageBackend)
