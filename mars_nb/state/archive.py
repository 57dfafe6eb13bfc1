"""A session as one file: to send it, to publish it beside a paper, to keep it.

The file is a zip of ``journal.jsonl`` and ``blobs/<sha256>``, JSON and bytes and nothing that could become code. One
that comes from somebody else is not trusted: nothing is unpacked to the disk, only names of this very form are looked
at, sizes are bounded before anything is read, and every checksum has to hold.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from mars_nb.errors import JournalCorrupt, StorageError
from mars_nb.state import files
from mars_nb.state.file_journal import place
from mars_nb.state.folder import BLOB, BLOBS_NAME, check_blob, read_record
from mars_nb.state.record import Head, Header, decode_header, encode_header, encode_line, encode_mark, scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mars_nb.state.record import Record
    from mars_nb.state.storage import StorageBackend

MAX_BYTES = 1 << 30
"""Most that an archive may hold, unpacked."""

MAX_FILES = 100_000
"""Most files that an archive may hold."""

_JOURNAL_NAME = "journal.jsonl"
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the same session gives the same file


def export_session(storage: StorageBackend, session_id: str, path: str | Path) -> Path:
    """Write a session into one file.

    Parameters
    ----------
    storage : StorageBackend
        Where the session is; it may be running.
    session_id : str
        Its id.
    path : str or Path
        The file; replaced if it is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SessionNotFound
        When there is no such session.
    JournalCorrupt
        When it is damaged: salvage it first.
    """
    path = Path(path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        blobs = {digest: storage.get_blob(session_id, digest) for digest in storage.blobs(session_id)}
        lines = b"".join(_lines(storage, session_id, blobs))
        _add(archive, _JOURNAL_NAME, lines)
        for digest, data in sorted(blobs.items()):
            _add(archive, f"{BLOBS_NAME}/{digest}", data)
    try:
        files.write_new(path, packed.getvalue())
    except OSError as error:
        raise files.storage_error("write", path, error) from error
    return path


def _lines(storage: StorageBackend, session_id: str, blobs: dict[str, bytes]) -> Iterator[bytes]:
    """Give the lines of a session's journal, and put the large events into ``blobs``."""
    about = storage.header(session_id)
    uuid, at = about.pop("uuid"), about.pop("created_at")
    header = Header(uuid=uuid, at=at, session=about | {"exported": {"session": session_id}})
    yield encode_header(header)
    seq = 0
    for seq, at, event in storage.read(session_id):
        payload, blob = place(event)
        blobs.update(blob)
        yield encode_line(payload, Head(seq=seq, type="", at=at), seed=header.seed)
    yield encode_mark("JournalClosed", Head(seq=seq, type="", at=at, d=seq), seed=header.seed)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    entry = zipfile.ZipInfo(name, _NO_DATE)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, files.FILE_MODE << 16
    archive.writestr(entry, data)


def import_session(
    storage: StorageBackend, path: str | Path, *, session_id: str | None = None, max_bytes: int = MAX_BYTES
) -> str:
    """Keep a session that `export_session` wrote.

    Parameters
    ----------
    storage : StorageBackend
        Where to keep it.
    path : str or Path
        The file.
    session_id : str or None
        Its id here; None for the one it had.
    max_bytes : int
        Most that the file may hold, unpacked.

    Returns
    -------
    str
        Its id. The header says under ``"imported"`` whence it came, and it takes ``trust=True`` to go on from it.

    Raises
    ------
    SessionError
        When the id is taken or cannot be one.
    StorageError
        When the file is no such archive, holds anything else, or too much.
    JournalCorrupt
        When what it holds is damaged.
    """
    content = _unpack(Path(path), max_bytes)
    header, records = _read(content, Path(path))
    about = dict(header.session)
    match about.pop("exported", None):
        case {"session": str(old_id)}:
            pass
        case _:
            old_id = Path(path).stem
    about["imported"] = {"session": old_id, "uuid": header.uuid}
    new_id = session_id or old_id
    storage.create(new_id, about, records=records, trusted=False).close()
    for name, data in content.items():
        if name != _JOURNAL_NAME:
            storage.put_blob(new_id, data)
    return new_id


def _read(content: dict[str, bytes], path: Path) -> tuple[Header, list[Record]]:
    data = content.get(_JOURNAL_NAME, b"")
    header = decode_header(data)
    if header is None or header.seq or header.segment != 1:
        raise JournalCorrupt(f"{str(path)!r} holds no journal from its beginning; export the session again")
    found = scan(data, header=header)
    if found.status != "clean":
        seq = found.lines[-1].head.seq if found.lines else 0
        raise JournalCorrupt(f"{str(path)!r} is damaged after event {seq}; export the session again", last_good_seq=seq)

    def blob(digest: str) -> bytes:
        return check_blob(content.get(f"{BLOBS_NAME}/{digest}"), digest)

    return header, [read_record(line, blob) for line in found.lines if not line.head.is_mark]


def _unpack(path: Path, max_bytes: int) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(path, entries, max_bytes)
            return {entry.filename: archive.read(entry) for entry in entries}
    except StorageError:
        raise
    except OSError as error:
        raise files.storage_error("read", path, error) from error
    except Exception as error:  # zipfile raises a dozen types for a file that is none
        raise StorageError(f"{str(path)!r} is no archive of a session: {error}; export the session again") from error


def _check_entries(path: Path, entries: list[zipfile.ZipInfo], max_bytes: int) -> None:
    """Refuse an archive by its table of contents, before anything is unpacked."""
    names = Counter(entry.filename for entry in entries)
    for entry in entries:
        if not _is_known(entry) or names[entry.filename] > 1:
            raise StorageError(
                f"{str(path)!r} holds {entry.filename[:80]!r}, which no session has; nothing was imported"
            )
    n_bytes = sum(entry.file_size for entry in entries)
    if n_bytes > max_bytes or len(entries) > MAX_FILES:
        raise StorageError(
            f"{str(path)!r} holds {n_bytes:,} bytes in {len(entries):,} files; expected at most {max_bytes:,} in "
            f"{MAX_FILES:,}; raise max_bytes if you trust it"
        )


def _is_known(entry: zipfile.ZipInfo) -> bool:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return False
    folder_name, _, digest = entry.filename.rpartition("/")
    return entry.filename == _JOURNAL_NAME or (folder_name == BLOBS_NAME and BLOB.fullmatch(digest) is not None)
