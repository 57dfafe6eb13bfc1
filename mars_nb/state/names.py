"""Names that become files: session ids and checkpoint names.

A name ends up in a path, on three operating systems, so what is allowed is narrow: letters, digits, dot, dash and
underscore, no dot at either end, no two dots in a row, and no name that Windows keeps for a device. A title is free
text and stands inside the journal instead.
"""

from __future__ import annotations

import re
import secrets
import time

from mars_nb.errors import SessionError

_ALLOWED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])?", re.ASCII)
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE | re.ASCII)
_N_SHOWN = 80


def check_id(name: str, what: str = "session") -> str:
    """Give ``name`` back if it may become a file name.

    Parameters
    ----------
    name : str
        A session id or a checkpoint name.
    what : str
        What it names, for the message.

    Returns
    -------
    str
        The same name.

    Raises
    ------
    SessionError
        When it may not; the message says what is allowed.

    Examples
    --------
    >>> check_id("report-2.final")
    'report-2.final'
    >>> check_id("../../etc")
    Traceback (most recent call last):
    mars_nb.errors.SessionError: '../../etc' is no session name; expected 1 to 64 of A-Z a-z 0-9 . _ -, ...
    """
    if _is_allowed(name):
        return name
    raise SessionError(
        f"{str(name)[:_N_SHOWN]!r} is no {what} name; expected 1 to 64 of A-Z a-z 0-9 . _ -, starting with a letter "
        "or digit, not ending in a dot, without '..' and without a device name such as 'con'"
    )


def _is_allowed(name: object) -> bool:
    if not isinstance(name, str) or ".." in name or _DEVICE.fullmatch(name):
        return False
    return _ALLOWED.fullmatch(name) is not None


def new_session_id() -> str:
    """Give an id that sorts by time and is free: ``"20260301-142233-9f3a1c"``."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
