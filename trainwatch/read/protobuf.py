"""The wire format of protocol buffers, as far as reading needs it: fields by number.

The law of this file: bytes in, (number, value) out; what is cut or wrong ends the sequence quietly,
because the checksum of what holds it was looked at before.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: whole numbers as ``int``, everything else as its bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind, number = tag & 7, tag >> 3
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value - (1 << 64) if value >> 63 else value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or at + size > len(data):
            return
        yield number, data[at : at + size]
        at += size


def floats(data: bytes, form: str) -> list[float]:
    """Numbers of one ``struct`` form, packed."""
    whole = len(data) - len(data) % struct.calcsize(form)
    return [float(value) for (value,) in struct.iter_unpack(form, data[:whole])]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, len(data)
