"""Numbers that are none: how many NaN and infinities a block of floats holds.

The law of this file: bytes in, counts out, with the standard library and at the speed of the disk.
Of a float (IEEE 754, little-endian) the top byte or two tell whether it is finite; the bytes of one
place of all numbers are looked at together, and the rest only where one is not.
"""

from typing import Dict, List, NamedTuple, Tuple


class _Kind(NamedTuple):
    width: int
    marks: Tuple[Tuple[int, int], ...]  # (byte from the top, its bits that are all set)
    fraction: int  # bits of the last of those bytes that belong to the fraction


_KINDS: Dict[str, _Kind] = {
    "F16": _Kind(2, ((0, 0x7C),), 0x03),
    "BF16": _Kind(2, ((0, 0x7F), (1, 0x80)), 0x7F),
    "F32": _Kind(4, ((0, 0x7F), (1, 0x80)), 0x7F),
    "F64": _Kind(8, ((0, 0x7F), (1, 0xF0)), 0x0F),
}


def width(dtype: str) -> int:
    """Bytes of one number; 1 where the type is none of those that can be broken."""
    return _KINDS[dtype].width if dtype in _KINDS else 1


def broken(dtype: str, data: bytes) -> Tuple[int, int]:
    """(NaN, infinities) in a block of whole numbers."""
    kind = _KINDS.get(dtype)
    if kind is None:
        return 0, 0
    top = data[kind.width - 1 :: kind.width]
    if not _may(top, kind.marks[0][1]):
        return 0, 0
    planes = [data[place :: kind.width] for place in range(kind.width - 1, -1, -1)]
    marked = [(planes[place], _set(bits)) for place, bits in kind.marks]
    last = kind.marks[-1][0]
    empty = [(planes[last], _clear(kind.fraction))]
    empty += [(plane, _clear(0xFF)) for plane in planes[last + 1 :]]
    odd = _count(marked)
    infinities = _count(marked + empty) if odd else 0
    return odd - infinities, infinities


def _may(top: bytes, bits: int) -> bool:
    """Whether any number may be odd, by its top byte."""
    if bits == 0x7F:
        return b"\x7f" in top or b"\xff" in top
    return b"\1" in top.translate(_set(bits))


def _set(bits: int) -> bytes:
    return bytes(int(value & bits == bits) for value in range(256))


def _clear(bits: int) -> bytes:
    return bytes(int(value & bits == 0) for value in range(256))


def _count(conditions: List[Tuple[bytes, bytes]]) -> int:
    """For how many numbers every plane meets its condition."""
    both = -1
    for plane, table in conditions:
        both &= int.from_bytes(plane.translate(table), "little")
    return both.to_bytes(len(conditions[0][0]), "little").count(1)
