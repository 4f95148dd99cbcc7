"""HDF5 files (``*.h5``, Keras weights): the superblock tells where the file ends.

The law of this file: only the superblock is read. Format: HDF5 File Format Specification 3.0,
"Disk Format: Level 0A". The driver writes the end-of-file address last, when it closes the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

HEAD = 64
_MAGIC = b"\x89HDF\r\n\x1a\n"
_END_AT = {0: 40, 1: 44, 2: 28, 3: 28}  # superblock version -> offset of the end-of-file address


def check_end(source: Source) -> None:
    """Raise DamagedError unless the file is as long as its superblock says."""
    head = source.read(0, HEAD)
    if not head.startswith(_MAGIC) or len(head) < HEAD:
        raise DamagedError("it does not begin like an HDF5 file" if head else "it is empty")
    version = head[8]
    width = head[13] if version < 2 else head[9]
    if version not in _END_AT or width != 8:
        return  # a form that says nothing we can read
    end = int.from_bytes(head[_END_AT[version] :][:8], "little")
    if source.size < end:
        raise DamagedError(f"it is cut at {100 * source.size // end} %")
    if source.size > end:
        raise DamagedError("it is longer than its header says")


SAMPLES = (
    _MAGIC + bytes([0, 0, 0, 0, 0, 8, 8]) + bytes(25) + (96).to_bytes(8, "little") + bytes(48),
    _MAGIC + bytes([2, 8, 8, 0]) + bytes(16) + (64).to_bytes(8, "little") + bytes(28),
)
"""Whole files, as far as a superblock tells."""
