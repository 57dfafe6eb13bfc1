"""Every session test runs on both storage backends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb import FileStorageBackend, MemoryStorageBackend

if TYPE_CHECKING:
    from pathlib import Path

    from mars_nb.state.storage import StorageBackend


@pytest.fixture(params=["memory", "files"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> StorageBackend:
    if request.param == "memory":
        return MemoryStorageBackend()
    return FileStorageBackend(tmp_path / ".mars", durability="memory")
