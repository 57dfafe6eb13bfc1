"""A knock at the door: how a process that does not run a session asks the one that does to pause it.

It is an empty file in the session's folder, which whoever runs the session looks for now and then, and takes away.
Nothing but a pause can be asked for so: it is the one thing that does no harm whoever asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mars_nb.state import files

if TYPE_CHECKING:
    from pathlib import Path

NAME: Final = "pause-asked"


def knock(session: Path) -> None:
    """Ask for a pause; once is as good as often."""
    files.write_new(session / NAME, b"", durable=False)


def take(session: Path) -> bool:
    """Tell whether somebody asked for a pause, and take that away."""
    path = session / NAME
    if not path.exists():
        return False
    path.unlink(missing_ok=True)
    return True
