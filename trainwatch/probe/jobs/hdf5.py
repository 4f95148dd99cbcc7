"""HDF5 files read to their last byte: the superblock tells where the file ends.

The law of this file: the end that the driver writes when it closes the file must be where the file
ends; what stands between holds no checksum in the form that Keras writes, and is only read. Format:
HDF5 File Format Specification 3.0, "Disk Format: Level 0A".
"""

import zlib
from typing import IO

from trainwatch.probe.jobs.archives import BLOCK, DamagedError
from trainwatch.probe.jobs.progress import Progress

MAGIC = b"\x89HDF\r\n\x1a\n"
_HEAD = 96
_END_AT = {0: 40, 1: 44, 2: 28, 3: 28}  # version of the superblock -> offset of the end's address


def check(file: IO[bytes], size: int, progress: Progress) -> int:
    """The checksum. Raises DamagedError, OSError, CancelledError."""
    head = file.read(_HEAD)
    if not head.startswith(MAGIC) or len(head) < _HEAD:
        raise DamagedError("it does not begin like an HDF5 file" if head else "it is empty")
    version = head[8]
    width = head[13] if version < 2 else head[9]
    if version not in _END_AT or width not in (2, 4, 8):
        raise DamagedError("its superblock cannot be")
    if width == 8:
        at = _END_AT[version]
        end = int.from_bytes(head[at : at + 8], "little")
        if size < end:
            raise DamagedError("it is cut at {} %".format(100 * size // end))
        if size > end:
            raise DamagedError("it is longer than its header says")
    crc = zlib.crc32(head)
    progress.add(len(head))
    while True:
        block = file.read(BLOCK)
        if not block:
            return crc
        crc = zlib.crc32(block, crc)
        progress.add(len(block))
