"""Zstandard frames, as far as the index nodes of a checkpoint need them.

The law of this file: a frame is a stranger's claim; no more than ``most`` bytes are ever made of it,
and whatever breaks a rule is DamagedError. Python has a decoder of its own only from 3.14 on. Format:
RFC 8878, whose words are used here. Dictionaries are not supported; checksums are not looked at.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypeAlias

from trainwatch.read.headers import DamagedError

_MAGIC = b"\x28\xb5\x2f\xfd"
_LARGEST_BLOCK = 128 << 10
_LENGTH_BASE = (*range(16), 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, *(1 << n for n in range(7, 17)))
_LENGTH_BITS = (0,) * 16 + (1, 1, 1, 1, 2, 2, 3, 3, 4, 6, *range(7, 17))
_MATCH_BASE = (
    *range(3, 35), 35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, *((1 << n) + 3 for n in range(7, 17)),
)  # fmt: skip
_MATCH_BITS = (0,) * 32 + (1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, *range(7, 17))
_LENGTH_USUAL = (
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1,
)  # fmt: skip
_MATCH_USUAL = (1, 4, 3, 2, 2, 2, 2, 2, 2, *(1,) * 37, *(-1,) * 7)
_OFFSET_USUAL = (1, 1, 1, 1, 1, 1, 2, 2, 2, *(1,) * 15, *(-1,) * 5)


class _Cell(NamedTuple):
    """One state of a table of finite state entropy."""

    symbol: int
    bits: int
    base: int


_Fse: TypeAlias = tuple[_Cell, ...]
_Huffman: TypeAlias = tuple[tuple[tuple[int, int], ...], int]  # (symbol, its bits) by prefix; bits


def decompress(data: bytes, most: int) -> bytes:
    """The content of the first frame in ``data``. Raises DamagedError, also where it is too much."""
    try:
        return _Frame(data, most).content()
    except (IndexError, ValueError) as error:
        raise DamagedError(str(error) if isinstance(error, DamagedError) else "it is cut") from None


class _Forward:
    """Bits from the front of ``data``, the lowest of a byte first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self.at = 0

    def peek(self, count: int) -> int:
        return self._value >> self.at & (1 << count) - 1


class _Backward:
    """Bits from the back of ``data``, behind the one that marks its end."""

    def __init__(self, data: bytes) -> None:
        if not data or not data[-1]:
            raise DamagedError("a bit stream has no end")
        self._value = int.from_bytes(data, "little")
        self.left = self._value.bit_length() - 1

    def read(self, count: int) -> int:
        self.left -= count
        return self.peek_at(self.left, count)

    def peek_at(self, place: int, count: int) -> int:
        """``count`` bits above ``place``; below the stream there are zeros."""
        value = self._value >> place if place >= 0 else self._value << -place
        return value & (1 << count) - 1


class _Frame:
    def __init__(self, data: bytes, most: int) -> None:
        self._data = data
        self._most = most
        self._out = bytearray()
        self._huffman: _Huffman | None = None
        self._tables: dict[int, _Fse] = {}  # 0: lengths of literals, 1: offsets, 2: of matches
        self._recent = [1, 4, 8]

    def content(self) -> bytes:
        """Everything in the frame."""
        if self._data[:4] != _MAGIC:
            raise DamagedError("it is no Zstandard frame")
        about = self._data[4]
        single = about >> 5 & 1
        at = 5 + (0 if single else 1) + (0, 1, 2, 4)[about & 3]
        at += (single, 2, 4, 8)[about >> 6]
        last = 0
        while not last:
            header = int.from_bytes(self._part(at, 3), "little")
            last, kind, size = header & 1, header >> 1 & 3, header >> 3
            at += 3
            if kind == 1:
                self._put(self._part(at, 1) * min(size, self._most + 1))
                at += 1
            elif kind == 0:
                self._put(self._part(at, size))
                at += size
            else:
                self._block(self._part(at, size))
                at += size
        return bytes(self._out)

    def _part(self, at: int, size: int) -> bytes:
        part = self._data[at : at + size]
        if len(part) < size:
            raise DamagedError("it is cut")
        return part

    def _put(self, data: bytes | bytearray) -> None:
        if len(self._out) + len(data) > self._most:
            raise DamagedError("it is larger than it may be")
        self._out += data

    # --- literals -------------------------------------------------------------------------

    def _block(self, block: bytes) -> None:
        kind, form = block[0] & 3, block[0] >> 2 & 3
        if kind < 2:
            head = (1, 2, 1, 3)[form]
            size = int.from_bytes(block[:head], "little") >> (3 if head == 1 else 4)
            if size > _LARGEST_BLOCK:
                raise DamagedError("a block is too large")
            end = head + (size if kind == 0 else 1)
            literals = block[head:end] if kind == 0 else block[head:end] * size
        else:
            head, bits = (3, 3, 4, 5)[form], (10, 10, 14, 18)[form]
            told = int.from_bytes(block[:head], "little") >> 4
            size, packed = told & (1 << bits) - 1, told >> bits
            end = head + packed
            literals = self._unpacked(block[head:end], size, kind == 2, 1 if form == 0 else 4)
        if len(literals) != size:
            raise DamagedError("its literals are cut")
        self._sequences(block[end:], literals)

    def _unpacked(self, data: bytes, size: int, described: bool, streams: int) -> bytes:
        if described:
            self._huffman, used = _huffman(data)
            data = data[used:]
        if self._huffman is None or size > _LARGEST_BLOCK:
            raise DamagedError("its literals have no table")
        if streams == 1:
            return _decoded(self._huffman, data, size)
        each = -(-size // 4)
        ends = [6]
        for i in range(3):
            ends.append(ends[-1] + int.from_bytes(data[2 * i : 2 * i + 2], "little"))
        parts = [data[a:b] for a, b in zip(ends, [*ends[1:], len(data)], strict=True)]
        counts = (each, each, each, size - 3 * each)
        pairs = zip(parts, counts, strict=True)
        return b"".join(_decoded(self._huffman, part, count) for part, count in pairs)

    # --- sequences ------------------------------------------------------------------------

    def _sequences(self, data: bytes, literals: bytes) -> None:
        count, at = data[0], 1
        if count == 255:
            count, at = int.from_bytes(data[1:3], "little") + 0x7F00, 3
        elif count > 127:
            count, at = (count - 128 << 8) + data[1], 2
        if count:
            modes = data[at]
            at += 1
            for which, shift in ((0, 6), (1, 4), (2, 2)):
                at += self._table(which, modes >> shift & 3, data[at:])
            literals = self._copied(count, _Backward(data[at:]), literals)
        self._put(literals)

    def _table(self, which: int, mode: int, data: bytes) -> int:
        """Take in a table; how many bytes describe it."""
        if mode == 0:
            self._tables[which] = _usual(which)
        elif mode == 1:
            self._tables[which] = (_Cell(data[0], 0, 0),)
            return 1
        elif mode == 2:
            self._tables[which], used = _described(data, (9, 8, 9)[which])
            return used
        elif which not in self._tables:
            raise DamagedError("it repeats a table that it never had")
        return 0

    def _copied(self, count: int, bits: _Backward, literals: bytes) -> bytes:
        """Carry out the sequences; what is left of the literals."""
        tables = [self._tables[which] for which in range(3)]
        states = [bits.read(len(table).bit_length() - 1) for table in tables]
        at = 0
        for left in range(count - 1, -1, -1):
            cells = [table[state] for table, state in zip(tables, states, strict=True)]
            offset = (1 << cells[1].symbol) + bits.read(cells[1].symbol)
            match = _MATCH_BASE[cells[2].symbol] + bits.read(_MATCH_BITS[cells[2].symbol])
            length = _LENGTH_BASE[cells[0].symbol] + bits.read(_LENGTH_BITS[cells[0].symbol])
            self._put(literals[at : at + length])
            at += length
            self._match(self._distance(offset, length), match)
            if left:
                for which in (0, 2, 1):
                    states[which] = cells[which].base + bits.read(cells[which].bits)
            if bits.left < 0:
                raise DamagedError("its sequences are cut")
        return literals[at:]

    def _distance(self, offset: int, length: int) -> int:
        recent = self._recent
        if offset > 3:
            self._recent = [offset - 3, recent[0], recent[1]]
            return offset - 3
        place = offset - 1 + (length == 0)
        if place == 3:
            self._recent = [recent[0] - 1, recent[0], recent[1]]
        elif place:
            self._recent = [recent[place], *(r for i, r in enumerate(recent) if i != place)]
        return self._recent[0]

    def _match(self, distance: int, length: int) -> None:
        if not 0 < distance <= len(self._out):
            raise DamagedError("it refers to what is not there")
        found = self._out[-distance:][:length]
        self._put((found * -(-length // len(found)))[:length])


# --- tables -----------------------------------------------------------------------------------


@cache
def _usual(which: int) -> _Fse:
    shares = (_LENGTH_USUAL, _OFFSET_USUAL, _MATCH_USUAL)[which]
    return _fse(shares, (6, 5, 6)[which])


def _fse(shares: tuple[int, ...], log: int) -> _Fse:
    """The table of these shares of ``1 << log`` states; -1 is a share of less than one."""
    size = 1 << log
    symbols = [-1] * size
    top = size
    for symbol, share in enumerate(shares):
        if share == -1:
            top -= 1
            symbols[top] = symbol
    place = 0
    for symbol, share in enumerate(shares):
        for _ in range(max(share, 0)):
            symbols[place] = symbol
            place = place + (size >> 1) + (size >> 3) + 3 & size - 1
            while place >= top:
                place = place + (size >> 1) + (size >> 3) + 3 & size - 1
    nexts = [max(share, 1) for share in shares]
    cells = []
    for symbol in symbols:
        state = nexts[symbol]
        nexts[symbol] += 1
        bits = log - state.bit_length() + 1
        cells.append(_Cell(symbol, bits, (state << bits) - size))
    return tuple(cells)


def _described(data: bytes, largest: int) -> tuple[_Fse, int]:
    """A table from its description, and how many bytes that takes."""
    bits = _Forward(data[:256])
    log = bits.peek(4) + 5
    bits.at = 4
    if log > largest:
        raise DamagedError("a table is too large")
    left = (1 << log) + 1
    shares: list[int] = []
    while left > 1:
        width = left.bit_length()
        few = (1 << width) - 1 - left
        value = bits.peek(width)
        if value & (1 << width - 1) - 1 < few:
            value &= (1 << width - 1) - 1
            bits.at += width - 1
        else:
            bits.at += width
            value -= few if value >= 1 << width - 1 else 0
        shares.append(value - 1)
        left -= abs(value - 1)
        while shares[-1] == 0:
            zeros = bits.peek(2)
            bits.at += 2
            shares += [0] * zeros
            if zeros < 3:
                break
        if len(shares) > 256 or left < 1 or bits.at > 8 * len(data):
            raise DamagedError("a table is no table")
    return _fse(tuple(shares), log), (bits.at + 7) // 8


def _huffman(data: bytes) -> tuple[_Huffman, int]:
    """The code of the literals, and how many bytes describe it."""
    told = data[0]
    if told >= 128:
        used = 1 + (told - 126) // 2
        weights = [data[1 + i // 2] >> 4 * (1 - i % 2) & 15 for i in range(told - 127)]
    else:
        used = 1 + told
        weights = _weights(data[1:used])
    total = sum(1 << weight - 1 for weight in weights if weight)
    log = total.bit_length()
    rest = (1 << log) - total
    if not total or log > 11 or rest & rest - 1:
        raise DamagedError("its literals have no code")
    weights.append(rest.bit_length())
    cells: list[tuple[int, int]] = []
    for weight in range(1, log + 1):
        for symbol, each in enumerate(weights):
            if each == weight:
                cells += [(symbol, log + 1 - weight)] * (1 << weight - 1)
    return (tuple(cells), log), used


def _weights(data: bytes) -> list[int]:
    table, used = _described(data, 6)
    bits = _Backward(data[used:])
    log = len(table).bit_length() - 1
    states = [bits.read(log), bits.read(log)]
    weights: list[int] = []
    while len(weights) < 255:
        cell = table[states[0]]
        weights.append(cell.symbol)
        if bits.left < cell.bits:
            weights.append(table[states[1]].symbol)
            return weights
        states = [states[1], cell.base + bits.read(cell.bits)]
    raise DamagedError("its literals have no code")


def _decoded(huffman: _Huffman, data: bytes, count: int) -> bytes:
    cells, log = huffman
    bits = _Backward(data)
    out = bytearray()
    left = bits.left
    for _ in range(count):
        symbol, used = cells[bits.peek_at(left - log, log)]
        out.append(symbol)
        left -= used
    if left:
        raise DamagedError("its literals are cut")
    return bytes(out)
