"""One NumPy array (``*.npy``, spaCy's vectors): its head tells how long the file is.

The law of this file: only the head is read, and of it only kind and shape. Format: NumPy's NEP 1.
"""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

HEAD = 1024
_MAGIC = b"\x93NUMPY"
_KIND = re.compile(rb"'descr': '[<>|=][a-zA-Z](\d{1,4})'")
_SHAPE = re.compile(rb"'shape': \(([\d, ]{0,200})\)")


def check_end(source: Source) -> None:
    """Raise DamagedError unless the file is as long as its head says."""
    head = source.read(0, HEAD)
    if not head.startswith(_MAGIC):
        raise DamagedError("it does not begin like a NumPy array" if head else "it is empty")
    width = 2 if head[6:7] == b"\1" else 4
    begins = 8 + width + int.from_bytes(head[8 : 8 + width], "little")
    kind, shape = _KIND.search(head[:begins]), _SHAPE.search(head[:begins])
    if len(head) < min(begins, HEAD):
        raise DamagedError("it is cut")
    if kind and shape:
        size = begins + int(kind[1]) * prod(int(n) for n in shape[1].split(b",") if n.strip())
        if source.size < size:
            raise DamagedError(f"it is cut at {100 * source.size // size} %")
        if source.size > size:
            raise DamagedError("it is longer than its head says")


_TEXT = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n"
SAMPLES = (_MAGIC + b"\1\0" + len(_TEXT).to_bytes(2, "little") + _TEXT + bytes(8),)
"""Whole files."""
