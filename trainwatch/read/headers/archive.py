"""Zip archives: whole if the directory at their end fits.

The law of this file: the last bytes decide; nothing is extracted, no entry is believed. Format:
PKWARE's APPNOTE.TXT, with the 64-bit record that torch writes for large files.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

TAIL = 256
"""So many last bytes are enough to see the end of any archive without a comment."""
LISTED = 4096
"""So many show the whole directory of an archive of a few entries."""
_LARGEST = 64 << 10
_LISTED = struct.Struct("<4sHHHHHHIIIHHH")
_LISTED_WHOLE = 46  # bytes of an entry of the directory before its name
_END = struct.Struct("<4sHHHHIIH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")


def check_end(source: Source) -> None:
    """Raise DamagedError unless the archive's directory stands whole at its end."""
    _directory(source)


def entries(source: Source) -> dict[str, int]:
    """The names in a small archive and the bytes each takes. Raises DamagedError, WaitingError."""
    offset, length = _directory(source)
    data = source.read(offset, length) if length <= _LARGEST else b""
    found, at = {}, 0
    while len(data) - at >= _LISTED.size:
        magic, *_, size, _, name, extra, comment = _LISTED.unpack_from(data, at)
        if magic != b"PK\x01\x02":
            raise DamagedError("its directory makes no sense")
        at += _LISTED_WHOLE
        found[data[at : at + name].decode("utf-8", "replace")] = size
        at += name + extra + comment
    return found


def _directory(source: Source) -> tuple[int, int]:
    """Where the directory lies, and how long it is."""
    if source.size == 0:
        raise DamagedError("it is empty")
    if source.read(0, 4) != b"PK\x03\x04":
        raise DamagedError("it does not begin like a zip archive")
    tail_at = max(0, source.size - TAIL)
    tail = source.read(tail_at, TAIL)
    if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\x05\x06"):
        raise DamagedError("it is cut: its directory is missing")
    *_, length, offset, comment = _END.unpack(tail[-_END.size :])
    end = source.size - _END.size
    locator = tail[-_END.size - _END64_LOCATOR.size : -_END.size]
    if locator.startswith(b"PK\x06\x07"):
        end = _END64_LOCATOR.unpack(locator)[2]
        record = tail[end - tail_at :][: _END64.size] if end >= tail_at else b""
        if not record.startswith(b"PK\x06\x06") or len(record) < _END64.size:
            raise DamagedError("its directory does not fit its size")
        *_, length, offset = _END64.unpack(record)
    if comment or offset + length != end:
        raise DamagedError("its directory does not fit its size")
    return offset, length


def stored(name: bytes, data: bytes) -> bytes:
    """The smallest archive that holds this; samples are made of it."""
    about = struct.pack(
        "<HHHHIIIHH", 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0
    )
    entry = b"PK\x03\x04\x14\0" + about + name + data
    listed = b"PK\x01\x02\x14\0\x14\0" + about + bytes(14) + name
    return entry + listed + _END.pack(b"PK\x05\x06", 0, 0, 1, 1, len(listed), len(entry), 0)


SAMPLES = (stored(b"a/data.pkl", b"\x80\x02}."),)
"""Whole files: what torch.save({}) comes to."""
