"""GGUF files: counts, key-value pairs, tensor descriptions, then the tensors.

The law of this file: values are stepped over, not built. Format: docs/gguf.md of ggml-org/ggml;
the sizes of the blocks are those of ggml.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

LOOKS = (64 << 10, 1 << 20, 16 << 20)
_MOST = 1 << 20  # pairs, tensors, array items that are walked one by one
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9
_BLOCKS = {  # type -> (bytes, elements) of one block
    0: (4, 1), 1: (2, 1), 2: (18, 32), 3: (20, 32), 6: (22, 32), 7: (24, 32), 8: (34, 32),
    10: (84, 256), 11: (110, 256), 12: (144, 256), 13: (176, 256), 14: (210, 256), 15: (292, 256),
    16: (66, 256), 17: (74, 256), 18: (98, 256), 19: (50, 256), 20: (18, 32), 21: (110, 256),
    22: (82, 256), 23: (136, 256), 24: (1, 1), 25: (2, 1), 26: (4, 1), 27: (8, 1), 28: (8, 1),
    29: (56, 256), 30: (2, 1),
}  # fmt: skip


class Header(NamedTuple):
    """What the header says in sum."""

    size: int  # bytes of the finished file, at least
    tensors: int
    parameters: int


def read(source: Source) -> Header:
    """The header in sum. Raises DamagedError, WaitingError."""
    for look in LOOKS:
        try:
            return _Walk(source.read(0, look)).header()
        except (struct.error, IndexError):
            if look >= source.size:
                raise DamagedError("it ends inside its header") from None
    raise DamagedError("its header is too long")


class _Walk:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def header(self) -> Header:
        magic, version, tensors, pairs = self._take("<4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise DamagedError("it does not begin like a GGUF file")
        if tensors > _MOST or pairs > _MOST:
            raise DamagedError("its header cannot be")
        alignment = 32
        for _ in range(pairs):
            key = self._string()
            kind = self._number("<I")
            if key == b"general.alignment" and kind == 4:
                alignment = max(self._number("<I"), 1)
            else:
                self._skip(kind)
        described = [self._tensor() for _ in range(tensors)]
        start = -(-self._at // alignment) * alignment
        end = max((offset + size for offset, size, _ in described), default=0)
        return Header(start + end, tensors, sum(count for *_, count in described))

    def _take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _number(self, form: str) -> int:
        return int(self._take(form)[0])

    def _string(self) -> bytes:
        length = self._number("<Q")
        self._at += length
        if self._at > len(self._data):
            raise IndexError
        return self._data[self._at - length : self._at]

    def _skip(self, kind: int, depth: int = 0) -> None:
        if kind == _STRING:
            self._string()
        elif kind == _ARRAY and depth < 4:
            inner, count = self._number("<I"), self._number("<Q")
            if inner in _WIDTHS:
                self._at += _WIDTHS[inner] * count
            elif count <= _MOST:
                for _ in range(count):
                    self._skip(inner, depth + 1)
            else:
                raise DamagedError("its header cannot be")
        elif kind in _WIDTHS:
            self._at += _WIDTHS[kind]
        else:
            raise DamagedError("its header cannot be")

    def _tensor(self) -> tuple[int, int, int]:
        """Offset, bytes and elements."""
        self._string()
        dimensions = self._number("<I")
        if dimensions > 8:
            raise DamagedError("its header cannot be")
        count = math.prod(self._take(f"<{dimensions}Q"))
        kind, offset = self._take("<IQ")
        width, elements = _BLOCKS.get(kind, (0, 1))
        return offset, count // elements * width, count


_ONE = (1).to_bytes(8, "little")
SAMPLES = (
    b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + _ONE + b"k" + struct.pack("<IB", 0, 7)
    + _ONE + b"t" + struct.pack("<IQIQ", 1, 4, 0, 0) + bytes(25 + 16),
)  # fmt: skip
"""Whole files."""
