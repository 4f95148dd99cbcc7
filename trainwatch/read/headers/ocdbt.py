"""OCDBT files (tensorstore, so Orbax): each begins with its own length.

The law of this file: only the first twelve bytes are read; what a node refers to is compressed and
stays unknown, so a lost data file is not seen here. Format: tensorstore ``kvstore/ocdbt``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

HEAD = 12
_MANIFEST, _NODE = b"\x0c\xdb\x3a\x2a", b"\x0c\xdb\x20\xde"


def check_manifest(source: Source) -> None:
    """Raise DamagedError unless this is a manifest of exactly the length it tells."""
    head = source.read(0, HEAD)
    if len(head) < HEAD or not head.startswith(_MANIFEST):
        raise DamagedError("it does not begin like a manifest" if head else "it is empty")
    if source.size != _length(head):
        raise DamagedError("it is cut")


def check_data(source: Source) -> None:
    """Raise DamagedError if this begins with a node that does not fit, or is empty."""
    head = source.read(0, HEAD)
    if not head:
        raise DamagedError("it is empty")
    if _NODE.startswith(head[:4]) and (len(head) < HEAD or source.size < _length(head)):
        raise DamagedError("it is cut")


def _length(head: bytes) -> int:
    return int.from_bytes(head[4:HEAD], "little")


SAMPLES = (
    _MANIFEST + (13).to_bytes(8, "little") + b"\0",
    _NODE + (13).to_bytes(8, "little") + b"\0",
)
"""Whole files: a manifest and a node."""
