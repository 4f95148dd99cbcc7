"""Tables of an SQLite database, from the bytes of the file and of its write-ahead log.

The law of this file: bytes in, rows out. No lock is taken and nothing is opened, so a database is
read while its training writes into it: of the log counts what was committed and carries the right
checksum, and a page that makes no sense gives no rows.

Format: pages of a b-tree (5 inner, 13 leaf) with cells of varints; a log of frames (page number,
size of the database after a commit, two salts, two running checksums, the page). Sources:
https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Value: TypeAlias = "int | float | str | bytes | None"

MAGIC = b"SQLite format 3\0"
_LEAF, _INNER = 13, 5
_FRAME = struct.Struct(">6I")
_LOG_HEADER = struct.Struct(">8I")
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LONGEST = 1 << 24  # of one row
_KEY = re.compile(r"(?i)^[\"`\[]?(\w+)[\"`\]]?\s+integer\s+(?:not\s+null\s+)?primary\s+key\b")
_NO_COLUMN = re.compile(r"(?i)(?:primary\s+key|unique|check|foreign\s+key|constraint)\b")


class Database:
    """One database at one moment. ``log`` is the ``-wal`` file beside it, empty if there is none."""

    def __init__(self, data: bytes, log: bytes = b"") -> None:
        self._data = data
        size = int.from_bytes(data[16:18], "big") if data.startswith(MAGIC) else 0
        self._size = 1 << 16 if size == 1 else size
        self._usable = self._size - (data[20] if self._size else 0)
        logs = self._size >= 512 and data[18] == 2
        self._newer = committed(log, self._size) if logs else {}
        self._seen: set[int] = set()

    def table(self, name: str) -> Iterator[dict[str, Value]]:
        """The rows of a table by column name, in the order of their row numbers."""
        self._seen = set()
        for _, row in list(self._rows(1)):
            match row:
                case ["table", told, _, int(first), str(sql)] if told == name:
                    yield from self._named(first, *_columns(sql))

    def _named(self, first: int, columns: list[str], key: str) -> Iterator[dict[str, Value]]:
        for number, values in self._rows(first):
            found = dict(zip(columns, values, strict=False))
            yield {**found, key: number} if key else found

    def _page(self, number: int) -> bytes:
        newer = self._newer.get(number)
        if newer is not None:
            return newer
        page = self._data[(number - 1) * self._size : number * self._size] if number > 0 else b""
        return page if len(page) == self._size else b""

    def _rows(self, number: int) -> Iterator[tuple[int, list[Value]]]:
        page, head = self._page(number), 100 if number == 1 else 0
        if len(page) < head + 12 or page[head] not in (_LEAF, _INNER) or number in self._seen:
            return
        self._seen.add(number)
        cells = int.from_bytes(page[head + 3 : head + 5], "big")
        begin = head + (8 if page[head] == _LEAF else 12)
        for place in range(begin, begin + 2 * cells, 2):
            at = int.from_bytes(page[place : place + 2], "big")
            if page[head] == _INNER:
                yield from self._rows(int.from_bytes(page[at : at + 4], "big"))
                continue
            size, at = _varint(page, at)
            key, at = _varint(page, at)
            payload = self._payload(page, at, size)
            if payload is not None:
                yield key, _record(payload)
        if page[head] == _INNER:
            yield from self._rows(int.from_bytes(page[head + 8 : head + 12], "big"))

    def _payload(self, page: bytes, at: int, size: int) -> bytes | None:
        """The bytes of a row, those on overflow pages too; None when some are missing."""
        most = self._usable - 35
        if size <= most:
            return page[at : at + size]
        least = (self._usable - 12) * 32 // 255 - 23
        here = least + (size - least) % (self._usable - 4)
        here = here if here <= most else least
        found = bytearray(page[at : at + here])
        following = int.from_bytes(page[at + here : at + here + 4], "big")
        while following and len(found) < size <= _LONGEST:
            more = self._page(following)
            if not more:
                return None
            following = int.from_bytes(more[:4], "big")
            found += more[4 : self._usable]
        return bytes(found[:size]) if len(found) >= size else None


def committed(log: bytes, size: int) -> dict[int, bytes]:
    """The newest committed state of every page in a write-ahead log."""
    if len(log) < _LOG_HEADER.size:
        return {}
    magic, _, page_size, _, *salts, first, second = _LOG_HEADER.unpack_from(log)
    words = {0x377F0682: "<", 0x377F0683: ">"}.get(magic)
    sums = _checksum(log[:24], words, (0, 0)) if words else None
    if words is None or page_size != size or sums != (first, second):
        return {}
    whole: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(_LOG_HEADER.size, len(log) - size - _FRAME.size + 1, size + _FRAME.size):
        number, after, salt, other, *told = _FRAME.unpack_from(log, at)
        page = log[at + _FRAME.size : at + _FRAME.size + size]
        if [salt, other] != salts:
            break
        sums = _checksum(page, words, _checksum(log[at : at + 8], words, sums))
        if list(sums) != told:
            break
        pending[number] = page
        if after:
            whole.update(pending)
            pending.clear()
    return whole


def _checksum(data: bytes, order: str, before: tuple[int, int]) -> tuple[int, int]:
    first, second = before
    for one, two in struct.iter_unpack(order + "2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


def _columns(sql: str) -> tuple[list[str], str]:
    """The names in ``CREATE TABLE``, and the one that stands for the row number."""
    inside = sql[sql.find("(") + 1 : sql.rfind(")")]
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(inside + ","):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append(inside[start:at].strip())
            start = at + 1
    named = [part for part in parts if part and not _NO_COLUMN.match(part)]
    keys = [found[1] for part in named if (found := _KEY.match(part))]
    return [part.split()[0].strip('"`[]') for part in named], keys[0] if keys else ""


def _record(payload: bytes) -> list[Value]:
    """The values of a row."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < min(end, len(payload)):
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    at = end
    for kind in kinds:
        size = _INTEGERS.get(kind, 8 if kind == 7 else max(kind - 12, 0) // 2)
        values.append(_value(kind, payload[at : at + size]))
        at += size
    return values


def _value(kind: int, data: bytes) -> Value:
    if kind in _INTEGERS:
        return int.from_bytes(data, "big", signed=True)
    if kind == 7:
        return float(struct.unpack(">d", data)[0]) if len(data) == 8 else None
    if kind in (8, 9):
        return kind - 8
    if kind >= 12:
        return data.decode("utf-8", "replace") if kind % 2 else data
    return None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A whole number of up to nine bytes, the high ones first, and where it ends."""
    value = 0
    for place in range(at, min(at + 8, len(data))):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    end = at + 9
    if end > len(data):
        return 0, len(data) + 1
    value = value << 8 | data[end - 1]
    return value - (1 << 64) if value >> 63 else value, end
