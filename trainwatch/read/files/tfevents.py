"""TensorBoard event files: ``events.out.tfevents.*``.

The law of this file: records are taken whole and checked by their checksum, a short one is waited
for, a damaged one is passed over. Only scalars are read, from ``simple_value`` and from the tensors
that TensorFlow 2 and Keras write instead.

Format: TFRecord (u64 length, u32 masked crc32c of it, data, u32 masked crc32c of the data), each
an Event protobuf {1: wall_time, 2: step, 5: summary {1: value {1: tag, 2: simple_value, 8: tensor
{1: dtype, 4: content, 5: float_val, 6: double_val, 7: int_val, 10: int64_val}}}}.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.crc32c import crc32c
from trainwatch.read.dialect import Term
from trainwatch.read.meaning import plan
from trainwatch.read.placing import Lot, Placing
from trainwatch.read.protobuf import fields, floats
from trainwatch.read.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.records import Metrics

_HEAD = 256 << 10
WANTS = (Want("*events.out.tfevents.*", _HEAD, 0),)

_LENGTH = struct.Struct("<QI")
_CRC = struct.Struct("<I")
_LONGEST = 16 << 20  # of one record; images are longer than any scalar, and passed over
_EPOCH = "epoch_"  # Keras counts epochs where it says step
_DTYPES = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}


def follow(source: str) -> Events:
    """Begin to read one file."""
    return Events(source)


class Events:
    """One event file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._rest = bytearray()
        self._start = 0  # of the rest, in the file
        self._lost = False
        self._placing = Placing(exact=True)

    def feed(self, offset: int, data: bytes) -> list[Metrics]:
        """The scalars of the records that these bytes complete."""
        if self._lost:
            return []
        if not self._rest:
            self._start = offset
        self._rest += data
        rows = Rows()
        for at, record in self._records():
            self._scalars(rows, at, record)
        return rows.take(self._source, None)

    def _records(self) -> Iterator[tuple[int, bytes]]:
        at = 0
        while len(self._rest) - at >= _LENGTH.size:
            length, check = _LENGTH.unpack_from(self._rest, at)
            if masked_crc(bytes(self._rest[at : at + 8])) != check:
                self._lost = True  # nothing tells where the next record begins
                break
            begin = at + _LENGTH.size
            end = begin + length + _CRC.size
            if end > len(self._rest):
                break
            record = bytes(self._rest[begin : begin + length])
            if (
                length <= _LONGEST
                and masked_crc(record) == _CRC.unpack_from(self._rest, end - 4)[0]
            ):
                yield self._start + at, record
            at = end
        del self._rest[:at]
        self._start += at

    def _scalars(self, rows: Rows, offset: int, record: bytes) -> None:
        step, found = 0, []
        for number, value in fields(record):
            if number == 2 and isinstance(value, int):
                step = value
            elif number == 5 and isinstance(value, bytes):
                found += [part for n, part in fields(value) if n == 1 and isinstance(part, bytes)]
        for part in found:
            tag, scalar = _scalar(part)
            if tag and scalar is not None:
                self._row(rows, offset, tag, scalar, step)

    def _row(self, rows: Rows, offset: int, tag: str, value: float, step: int) -> None:
        by_epoch = tag.startswith(_EPOCH)
        count = Term("epoch" if by_epoch else "step")
        name = tag.removeprefix(_EPOCH) if by_epoch else tag
        how = plan((Term(name), count), joins=True)
        if how.keys:
            columns = [[value], [float(step + by_epoch)]]
            for placed in self._placing.place(Lot(how, columns, [offset])):
                rows.add(placed)


def _scalar(part: bytes) -> tuple[str, float | None]:
    tag, value = "", None
    for number, content in fields(part):
        if number == 1 and isinstance(content, bytes):
            tag = content.decode("utf-8", "replace")
        elif number == 2 and isinstance(content, bytes):
            value = struct.unpack("<f", content)[0]
        elif number == 8 and isinstance(content, bytes):
            value = _tensor(content)
    return tag, value


def _tensor(content: bytes) -> float | None:
    """The value of a tensor that holds one number."""
    dtype, found = 0, []
    raw = b""
    for number, value in fields(content):
        if number == 1 and isinstance(value, int):
            dtype = value
        elif number == 4 and isinstance(value, bytes):
            raw = value
        elif number in (5, 6) and isinstance(value, bytes):
            found += floats(value, "<f" if number == 5 else "<d")
        elif number in (7, 10) and isinstance(value, int):
            found.append(float(value))
    shape = _DTYPES.get(dtype)
    if raw and shape:
        found += floats(raw, shape)
    return found[0] if len(found) == 1 else None


def masked_crc(data: bytes) -> int:
    """The checksum of TFRecord: crc32c, rotated and shifted."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
