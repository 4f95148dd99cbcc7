"""A stretch of a file, block by block, and the tensor that lies there.

The law of this file: bounded memory, and a file that becomes shorter meanwhile is damaged.
"""

import zlib
from typing import IO, List, Tuple

from trainwatch.facts import TensorChecked
from trainwatch.probe.jobs import floats
from trainwatch.probe.jobs.archives import BLOCK, DamagedError
from trainwatch.probe.jobs.progress import Progress


def block(file: IO[bytes], count: int) -> bytes:
    """The next bytes, at most ``count``. Raises DamagedError where there are none."""
    data = file.read(min(BLOCK, count))
    if not data:
        raise DamagedError("it became shorter while it was read")
    return data


def checksum(file: IO[bytes], count: int, crc: int, progress: Progress) -> int:
    """``crc`` continued over the next ``count`` bytes, in which no tensor is looked at."""
    while count > 0:
        data = block(file, count)
        crc = zlib.crc32(data, crc)
        count -= len(data)
        progress.add(len(data))
    return crc


def tensor(
    file: IO[bytes], size: int, told: Tuple[str, str, List[int]], crc: int, progress: Progress
) -> Tuple[TensorChecked, int]:
    """The next ``size`` bytes as the tensor (name, dtype, shape), and ``crc`` continued over them."""
    name, dtype, shape = told
    left, own, nans, infinities = size, 0, 0, 0
    while left:
        data = block(file, left)
        left -= len(data)
        own, crc = zlib.crc32(data, own), zlib.crc32(data, crc)
        if len(data) % floats.width(dtype) == 0:
            found = floats.broken(dtype, data)
            nans, infinities = nans + found[0], infinities + found[1]
        progress.add(len(data))
    return TensorChecked(name, dtype, shape, size, own, nans, infinities), crc
