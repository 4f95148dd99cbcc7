"""MessagePack (spaCy, Flax): one value after another, each beginning with its length.

The law of this file: the values are stepped over, none is built; long ones are not read. So a file
that is cut anywhere is seen, a changed byte inside a value is not. Format: the MessagePack
specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

HEAD = 64 << 10
"""So much of the file is read at first, and at each place that is stepped to."""
_MOST = 200_000  # values
_FIXED = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1,
    0xD1: 2, 0xD2: 4, 0xD3: 8, 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17,
}  # fmt: skip
_LONG = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_MANY = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def check_end(source: Source) -> None:
    """Raise DamagedError unless the file is whole values to its very end."""
    if source.size == 0:
        raise DamagedError("it is empty")
    at, left, seen = 0, 1, 0
    window, begins = source.read(0, HEAD), 0
    while left:
        if seen >= _MOST:
            return  # nothing is wrong so far
        if at >= source.size:
            raise DamagedError("it is cut")
        if not begins <= at <= begins + len(window) - 5 and begins + len(window) < source.size:
            window, begins = source.read(at, HEAD), at
        size, inside = _value(window[at - begins : at - begins + 5])
        at, left, seen = at + size, left - 1 + inside, seen + 1
    if at > source.size:
        raise DamagedError("it is cut")
    if at < source.size:
        raise DamagedError("it is longer than what it holds")


def _value(head: bytes) -> tuple[int, int]:
    """How long a value is, and how many more stand in it."""
    kind = head[0]
    if kind < 0x80 or kind >= 0xE0:
        return 1, 0
    if kind < 0xA0:
        return 1, (kind & 15) * (2 if kind < 0x90 else 1)
    if kind < 0xC0:
        return 1 + (kind & 31), 0
    if kind in _FIXED:
        return 1 + _FIXED[kind], 0
    if kind in _LONG:
        width = _LONG[kind]
        extra = 1 if 0xC7 <= kind <= 0xC9 else 0  # the kind of an extension
        return 1 + width + extra + int.from_bytes(head[1 : 1 + width], "big"), 0
    if kind in _MANY:
        width, each = _MANY[kind]
        return 1 + width, each * int.from_bytes(head[1 : 1 + width], "big")
    raise DamagedError("it holds what is no value")


SAMPLES = (b"\x82\xa5nodes\x91\x80\xa6params\xc4\x04data", b"\x80")
"""Whole files."""
