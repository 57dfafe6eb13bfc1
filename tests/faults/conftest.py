from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mars_nb.state import files
from tests.faults.disks import QuietDisk

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def quiet_disk() -> Iterator[None]:
    """Sync nothing in this process, so that a thousand sessions take seconds on a busy disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "os", QuietDisk())
        yield
