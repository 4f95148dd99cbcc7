"""Weights & Biases' own offline log: ``run-*.wandb``.

The law of this file: records are taken whole and checked by their checksum; a short one is waited
for, a damaged one passed over. Only logged history is read, and its step is the training's own
counter where the run logs one, else the number of the log call.

Format: 7 bytes of header, then the blocks of a LevelDB log (32 KiB; a record is a little-endian u32
crc32 of type and data, u16 length, u8 type: 1 whole, 2 first, 3 middle, 4 last), each record a
protobuf {2: history {1: item {1: key, 2: nested key, 16: value as JSON}, 2: step {1: number}}}.
"""

from __future__ import annotations

import json
import math
import struct
import zlib
from typing import TYPE_CHECKING

from trainwatch.facts import Want
from trainwatch.read.dialect import Term
from trainwatch.read.meaning import plan
from trainwatch.read.placing import Lot, Placing
from trainwatch.read.protobuf import fields
from trainwatch.read.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.records import Metrics

_HEAD = 256 << 10
WANTS = (Want("*run-*.wandb", _HEAD, 0),)

_MAGIC = b":W&B"
_START = 7
_BLOCK = 32 << 10
_HEADER = struct.Struct("<IHB")
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_LONGEST = 16 << 20


def follow(source: str) -> History:
    """Begin to read one file."""
    return History(source)


class History:
    """One offline log."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._rest = bytearray()
        self._start = 0  # of the rest, in the file
        self._parts: list[bytes] = []  # of a record that goes on in the next block
        self._lost = False
        self._counted = False  # the run logs a step of its own
        self._placing = Placing(exact=True)

    def feed(self, offset: int, data: bytes) -> list[Metrics]:
        """The history in the records that these bytes complete."""
        if not self._rest:
            self._start = offset
        self._rest += data
        rows = Rows()
        for at, record in self._records():
            for number, value in fields(record):
                if number == 2 and isinstance(value, bytes):
                    self._row(rows, at, value)
        return rows.take(self._source, None)

    def _records(self) -> Iterator[tuple[int, bytes]]:
        at = 0
        if self._start == 0 and len(self._rest) >= _START:
            self._lost = not self._rest.startswith(_MAGIC)
            at = _START
        while not self._lost and (part := self._part(at)):
            begin, kind, data = part
            at = begin + _HEADER.size + len(data)
            record = self._joined(kind, data)
            if record is not None:
                yield self._start + begin, record
        del self._rest[:at]
        self._start += at

    def _part(self, at: int) -> tuple[int, int, bytes] | None:
        """The next part of a record: where it begins, its type, its data; None while it is short."""
        left = _BLOCK - (self._start + at) % _BLOCK
        if left < _HEADER.size:
            at += left
        if at + _HEADER.size > len(self._rest):
            return None
        check, length, kind = _HEADER.unpack_from(self._rest, at)
        begin = at + _HEADER.size
        if begin + length > len(self._rest):
            return None
        data = bytes(self._rest[begin : begin + length])
        if zlib.crc32(bytes((kind,)) + data) != check:
            kind = 0
        return at, kind, data

    def _joined(self, kind: int, data: bytes) -> bytes | None:
        if kind == _WHOLE:
            self._parts = []
            return data
        if kind == _FIRST:
            self._parts = [data]
            return None
        if kind not in (_MIDDLE, _LAST) or not self._parts:
            self._parts = []
            return None
        self._parts.append(data)
        if kind == _MIDDLE and sum(map(len, self._parts)) < _LONGEST:
            return None
        record, self._parts = b"".join(self._parts), []
        return record if kind == _LAST else None

    def _row(self, rows: Rows, offset: int, history: bytes) -> None:
        numbers: dict[str, float] = {}
        for number, value in fields(history):
            if number == 1 and isinstance(value, bytes):
                key, told = _item(value)
                if key and told is not None:
                    numbers[key] = told
        call = numbers.pop("_step", math.nan)
        named = {key: value for key, value in numbers.items() if not key.startswith("_")}
        how = plan(tuple(map(Term, named)), joins=True)
        self._counted = self._counted or how.step is not None
        if not self._counted and not math.isnan(call):
            named["step"] = call
            how = plan(tuple(map(Term, named)), joins=True)
        if how.keys:
            for placed in self._placing.place(Lot(how, [[v] for v in named.values()], [offset])):
                rows.add(placed)


def _item(data: bytes) -> tuple[str, float | None]:
    """A key, nested ones joined by ``/``, and its value if that is a number."""
    keys, value = [], None
    for number, content in fields(data):
        if not isinstance(content, bytes):
            continue
        if number in (1, 2):
            keys.append(content.decode("utf-8", "replace"))
        elif number == 16:
            value = _number(content)
    return "/".join(key for key in keys if key), value


def _number(text: bytes) -> float | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isinstance(value, float) or abs(value) < 1 << 1000 else None
