"""When a file was created, where the system can tell.

The law of this file: Python does not ask Linux for it, so the C library is asked (statx(2)); where
that is not possible the answer is None.
"""

import ctypes
import os
import struct
from typing import Optional

_HERE, _BTIME = -100, 0x800  # AT_FDCWD, STATX_BTIME
_SIZE, _OFFSET = 256, 80  # of struct statx, and of stx_btime in it
_TIME = struct.Struct("qI")


def birth(path: str) -> Optional[float]:
    """Seconds since the epoch at which the file at ``path`` was created."""
    try:
        return float(os.stat(path).st_birthtime)  # type: ignore[attr-defined,unused-ignore]
    except OSError:
        return None
    except AttributeError:
        return _ask_the_c_library(path)


def _ask_the_c_library(path: str) -> Optional[float]:
    answer = ctypes.create_string_buffer(_SIZE)
    try:
        statx = ctypes.CDLL(None).statx
    except (OSError, AttributeError):
        return None
    if statx(_HERE, os.fsencode(path), 0, _BTIME, answer) != 0:
        return None
    told = struct.unpack_from("I", answer)[0] & _BTIME
    seconds, nanoseconds = _TIME.unpack_from(answer, _OFFSET)
    return float(seconds + nanoseconds / 1e9) if told else None
