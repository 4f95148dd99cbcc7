"""``*.gguf`` read to its last byte.

The law of this file: the header is a claim: its values are stepped over, never built, each bounded by
the bytes that are there; the tensors it describes must follow one another without overlap and lie in
the file before they are believed. Format: docs/gguf.md of ggml-org/ggml; block sizes are ggml's.
"""

import struct
from typing import IO, Any, List, NamedTuple, Set, Tuple

from trainwatch.facts import TensorChecked
from trainwatch.probe.jobs import blocks
from trainwatch.probe.jobs.archives import DamagedError
from trainwatch.probe.jobs.progress import Progress

MAGIC = b"GGUF"
_MOST = 1 << 20  # pairs, tensors, strings of an array
_LONGEST = 16 << 20  # bytes of the header
_DEEPEST = 4
_MOST_DIMENSIONS = 4
_SHOWN = 400
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY, _BOOL, _U32 = 8, 9, 7, 4
_BLOCKS = {  # type -> (name, bytes, elements) of one block
    0: ("F32", 4, 1), 1: ("F16", 2, 1), 2: ("Q4_0", 18, 32), 3: ("Q4_1", 20, 32),
    6: ("Q5_0", 22, 32), 7: ("Q5_1", 24, 32), 8: ("Q8_0", 34, 32), 10: ("Q2_K", 84, 256),
    11: ("Q3_K", 110, 256), 12: ("Q4_K", 144, 256), 13: ("Q5_K", 176, 256), 14: ("Q6_K", 210, 256),
    15: ("Q8_K", 292, 256), 16: ("IQ2_XXS", 66, 256), 17: ("IQ2_XS", 74, 256),
    18: ("IQ3_XXS", 98, 256), 19: ("IQ1_S", 50, 256), 20: ("IQ4_NL", 18, 32), 21: ("IQ3_S", 110, 256),
    22: ("IQ2_S", 82, 256), 23: ("IQ4_XS", 136, 256), 24: ("I8", 1, 1), 25: ("I16", 2, 1),
    26: ("I32", 4, 1), 27: ("I64", 8, 1), 28: ("F64", 8, 1), 29: ("IQ1_M", 56, 256), 30: ("BF16", 2, 1),
}  # fmt: skip
_CANNOT_BE = "its header cannot be"


class Span(NamedTuple):
    """Where a tensor lies, counted from the end of the header."""

    begin: int
    size: int
    name: str
    dtype: str
    shape: List[int]


def check(file: IO[bytes], size: int, progress: Progress) -> Tuple[int, List[TensorChecked]]:
    """(checksum, tensors). Raises DamagedError, OSError, CancelledError."""
    head = file.read(min(size, _LONGEST))
    walk = _Walk(head, len(head) == size)
    spans = sorted(walk.spans())
    _check_apart(spans, walk.start, size)
    file.seek(0)
    crc = at = 0
    tensors: List[TensorChecked] = []
    for span in spans:
        crc = blocks.checksum(file, walk.start + span.begin - at, crc, progress)
        told = span.name, span.dtype, span.shape
        tensor, crc = blocks.tensor(file, span.size, told, crc, progress)
        tensors.append(tensor)
        at = walk.start + span.begin + span.size
    return blocks.checksum(file, size - at, crc, progress), tensors


def _check_apart(spans: List[Span], start: int, size: int) -> None:
    end = 0
    for span in spans:
        if span.begin < end:
            raise DamagedError("its header lets tensors overlap")
        end = span.begin + span.size
    if start + end > size:
        raise DamagedError("it is cut at {} %".format(100 * size // (start + end)))
    if len({span.name for span in spans}) < len(spans):
        raise DamagedError("its header names a tensor twice")


class _Walk:
    """Through the header, value by value."""

    def __init__(self, data: bytes, is_all: bool) -> None:
        self.start = 0  # of the tensors
        self._data = data
        self._is_all = is_all
        self._at = 0

    def spans(self) -> List[Span]:
        try:
            return self._spans()
        except struct.error:
            why = "it ends inside its header" if self._is_all else "its header is too long"
            raise DamagedError(why) from None

    def _spans(self) -> List[Span]:
        magic, version, tensors, pairs = self._take("<4sIQQ")
        if magic != MAGIC or version not in (2, 3) or tensors > _MOST or pairs > _MOST:
            raise DamagedError(_CANNOT_BE)
        alignment = 32
        keys: Set[str] = set()
        for _ in range(pairs):
            key, kind = self._string(), self._take("<I")[0]
            if key in keys:
                raise DamagedError("its header tells {} twice".format(key[:_SHOWN]))
            keys.add(key)
            if key == "general.alignment" and kind == _U32:
                alignment = self._take("<I")[0]
            else:
                self._value(kind, 0)
        if not 0 < alignment <= 1 << 20 or alignment & (alignment - 1):
            raise DamagedError(_CANNOT_BE)
        spans = [self._span(alignment) for _ in range(tensors)]
        self.start = -(-self._at // alignment) * alignment
        return spans

    def _take(self, form: str) -> Tuple[Any, ...]:
        values = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return values

    def _jump(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise struct.error
        passed = self._data[self._at : min(end, self._at + (64 << 10))]
        self._at = end
        return passed

    def _string(self) -> str:
        try:
            return self._jump(self._take("<Q")[0]).decode("utf-8")
        except UnicodeDecodeError:
            raise DamagedError("its header is no UTF-8") from None

    def _value(self, kind: int, depth: int) -> None:
        if kind == _STRING:
            self._jump(self._take("<Q")[0])  # tokens need not be UTF-8
        elif kind == _ARRAY and depth < _DEEPEST:
            inner, count = self._take("<IQ")
            if inner in _WIDTHS:
                self._jump(_WIDTHS[inner] * count)
            elif count <= _MOST and inner in (_STRING, _ARRAY):
                for _ in range(count):
                    self._value(inner, depth + 1)
            else:
                raise DamagedError(_CANNOT_BE)
        elif kind == _BOOL:
            if self._jump(1) not in (b"\0", b"\1"):
                raise DamagedError(_CANNOT_BE)
        elif kind in _WIDTHS:
            self._jump(_WIDTHS[kind])
        else:
            raise DamagedError(_CANNOT_BE)

    def _span(self, alignment: int) -> Span:
        name, dimensions = self._string(), self._take("<I")[0]
        if dimensions > _MOST_DIMENSIONS:
            raise DamagedError(_CANNOT_BE)
        shape = list(self._take("<{}Q".format(dimensions)))
        kind, begin = self._take("<IQ")
        count = 1
        for each in shape:
            count *= each
        if kind not in _BLOCKS or begin % alignment or begin >> 62 or count >> 62:
            raise DamagedError("its header describes a tensor that cannot be")
        dtype, width, elements = _BLOCKS[kind]
        if count % elements:
            raise DamagedError("its header describes a tensor that cannot be")
        return Span(begin, count // elements * width, name[:_SHOWN], dtype, shape[::-1])
