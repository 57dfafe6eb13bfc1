"""Which sessions were made here: those that carry a signature by a key that never leaves this account.

A session that somebody sent, or that came with a repository, can be looked at and replayed; to go on from it is a
decision, ``trust=True``, as it is for a notebook that came from elsewhere. The signature is an HMAC over the header of
the journal and a length that the journal had; a journal only ever grows, so it holds for all that was appended since,
after a crash as well.

The key is made at first need in ``$MARS_NB_HOME``, by default a folder of the user's own. Where none can be made, one
is made up for this process, and what it signs is trusted by this process only.
"""

from __future__ import annotations

import contextlib
import functools
import hmac
import os
import secrets
from pathlib import Path

import msgspec

from mars_nb.errors import SessionError
from mars_nb.state import files

SIGNATURE_NAME = "signature"
KEY_NAME = "session_key"
_KEY_BYTES = 32


class Signature(msgspec.Struct, frozen=True):
    """What the file beside a journal holds: a length that the journal had, and the HMAC in hex."""

    n_bytes: int
    hmac: str


def sign(folder: Path, header: bytes, n_bytes: int) -> None:
    """Say that a session was made here, or is trusted here from now on.

    Parameters
    ----------
    folder : Path
        The session's folder.
    header : bytes
        First line of its journal.
    n_bytes : int
        Length of the journal, all of it on the disk.
    """
    signature = Signature(n_bytes, _hmac(header, n_bytes))
    files.write_new(folder / SIGNATURE_NAME, msgspec.json.encode(signature))


def is_signed(folder: Path, header: bytes, n_bytes: int) -> bool:
    """Tell whether a session was made here; for the parameters see `sign`."""
    try:
        signature = msgspec.json.decode(files.read(folder / SIGNATURE_NAME), type=Signature)
    except (FileNotFoundError, ValueError):
        return False
    same = hmac.compare_digest(signature.hmac.encode(), _hmac(header, signature.n_bytes).encode())
    return same and signature.n_bytes <= n_bytes


def untrusted(session_id: str) -> SessionError:
    """Give the error of going on from a session that was not made here."""
    return SessionError(
        f"session {session_id!r} was not made here: it can be read and replayed; to go on from it, give trust=True"
    )


def _hmac(header: bytes, n_bytes: int) -> str:
    text = b"%b\n%d" % (header.rstrip(b"\r\n"), n_bytes)  # git may have changed the line end
    return hmac.digest(_key(_home()), text, "sha256").hex()


def _home() -> Path:
    """Give the folder of what belongs to the user and not to a project."""
    own = os.environ.get("MARS_NB_HOME")
    if own:
        return Path(own)
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path("~/.local/share").expanduser()) / "mars_nb"


@functools.cache
def _key(home: Path) -> bytes:
    with contextlib.suppress(OSError, RuntimeError):
        home.mkdir(files.FOLDER_MODE, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            files.write_exclusive(home / KEY_NAME, secrets.token_bytes(_KEY_BYTES))
        key = files.read(home / KEY_NAME)
        if len(key) == _KEY_BYTES:
            return key
    return secrets.token_bytes(_KEY_BYTES)
