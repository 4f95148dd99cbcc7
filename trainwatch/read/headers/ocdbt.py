"""OCDBT (tensorstore, so Orbax): a tree of nodes in data files, and a manifest that names its roots.

The law of this file: a node says which parts of which files it stands on, so that a lost or cut file
is seen without reading a value; each node carries its length and a checksum. A node that is too
large to be looked into in a moment is believed. Format: tensorstore ``kvstore/ocdbt/format``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read import zstd
from trainwatch.read.crc32c import crc32c
from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.headers import Source

HEAD = 12
LARGEST = 128 << 10
"""Bytes of a node, packed, up to which it is looked into."""
_UNPACKED = 512 << 10
_MANIFEST, _NODE = b"\x0c\xdb\x3a\x2a", b"\x0c\xdb\x20\xde"
_MOST_ENTRIES = 100_000
_NOWHERE = 1 << 62  # the place of a tree that holds nothing


class Place(NamedTuple):
    """A part of a data file that something refers to."""

    path: str  # relative to the folder of the manifest
    base: str  # what the paths in it are relative to
    offset: int
    length: int
    height: int | None  # of the node there; None: a value, whose bytes say nothing


@dataclass(frozen=True)
class Node:
    """Reads the node at a place of a file: everything that it refers to."""

    place: Place

    def __call__(self, source: Source) -> tuple[Place, ...]:
        """Raises DamagedError, WaitingError."""
        place = self.place
        if place.length > LARGEST:
            return ()
        body = _Body(_unpacked(source.read(place.offset, place.length), _NODE))
        if body.byte() != place.height:
            raise DamagedError("a node is not the one that is referred to")
        files = body.files(place.base)
        found = body.below(files, place.height) if place.height else body.values(files)
        return tuple(found)


def check_manifest(source: Source) -> None:
    """Raise DamagedError unless this is a manifest of exactly the length it tells."""
    head = source.read(0, HEAD)
    if len(head) < HEAD or not head.startswith(_MANIFEST):
        raise DamagedError("it does not begin like a manifest" if head else "it is empty")
    if source.size != _length(head):
        raise DamagedError("it is cut")


def roots(source: Source) -> tuple[Place, ...]:
    """The roots that a manifest names, the newest last. Raises DamagedError, WaitingError."""
    check_manifest(source)
    if source.size > LARGEST:
        return ()
    body = _Body(_unpacked(source.read(0, source.size), _MANIFEST))
    body.at += 16  # its identity
    if body.number():
        return ()  # the roots stand in files of their own
    body.number(), body.number(), body.byte()  # limits of nodes
    if body.number():
        body.at += 4  # how it is packed
    files = body.files("")
    count = body.number()
    body.numbers(count)  # generations
    heights = [body.byte() for _ in range(count)]
    return tuple(body.places(files, count, heights))


def check_data(source: Source) -> None:
    """Raise DamagedError if this begins with a node that does not fit, or is empty."""
    head = source.read(0, HEAD)
    if not head:
        raise DamagedError("it is empty")
    if _NODE.startswith(head[:4]) and (len(head) < HEAD or source.size < _length(head)):
        raise DamagedError("it is cut")


def _length(head: bytes) -> int:
    return int.from_bytes(head[4:HEAD], "little")


def _unpacked(data: bytes, magic: bytes) -> bytes:
    """The content of a node or manifest."""
    if not data.startswith(magic) or len(data) < HEAD + 6 or _length(data) != len(data):
        raise DamagedError("a node is not where it is said to be")
    if crc32c(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise DamagedError("the checksum of a node does not fit")
    version, packed, body = data[HEAD], data[HEAD + 1], data[HEAD + 2 : -4]
    if version or packed > 1:
        raise DamagedError("it is of a version that is not known")
    return zstd.decompress(body, _UNPACKED) if packed else body


class _Body:
    """Reads a node from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        if self.at > len(self._data):
            raise DamagedError("a node is cut")
        return self._data[self.at - 1]

    def number(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
        raise DamagedError("a node holds a number that is none")

    def numbers(self, count: int) -> list[int]:
        if not 0 <= count <= _MOST_ENTRIES:
            raise DamagedError("a node claims too many entries")
        return [self.number() for _ in range(count)]

    def files(self, base: str) -> list[tuple[str, str]]:
        """The data files by number: (path, what paths in it are relative to)."""
        count = self.number()
        shared = [0, *self.numbers(max(count - 1, 0))]
        lengths, bases = self.numbers(count), self.numbers(count)
        found = []
        last = b""
        for keep, more, ends in zip(shared, lengths, bases, strict=False):
            last = last[:keep] + self._data[self.at : self.at + more]
            self.at += more
            path = last.decode("utf-8", "replace")
            found.append((base + path, base + path[:ends]))
        return found

    def _skip_keys(self, count: int, interior: bool) -> None:
        self.numbers(count - 1)
        suffixes = self.numbers(count)
        if interior:
            self.numbers(count)
        self.at += sum(suffixes)

    def below(self, files: list[tuple[str, str]], height: int) -> Iterator[Place]:
        """The nodes under an inner one."""
        count = self.number()
        self._skip_keys(count, interior=True)
        return self.places(files, count, [height - 1] * count)

    def values(self, files: list[tuple[str, str]]) -> Iterator[Place]:
        """The values of a leaf that do not stand in it."""
        count = self.number()
        self._skip_keys(count, interior=False)
        lengths = self.numbers(count)
        kinds = [self.byte() for _ in range(count)]
        outside = [length for length, kind in zip(lengths, kinds, strict=True) if kind]
        where, offsets = self.numbers(len(outside)), self.numbers(len(outside))
        for file, offset, length in zip(where, offsets, outside, strict=True):
            yield _place(files, file, offset, length, None)

    def places(
        self, files: list[tuple[str, str]], count: int, heights: list[int]
    ) -> Iterator[Place]:
        """Places of nodes."""
        where, offsets = self.numbers(count), self.numbers(count)
        lengths = self.numbers(count)
        for file, offset, length, height in zip(where, offsets, lengths, heights, strict=True):
            if length < _NOWHERE:
                yield _place(files, file, offset, length, height)


def _place(
    files: list[tuple[str, str]], file: int, offset: int, length: int, height: int | None
) -> Place:
    if file >= len(files):
        raise DamagedError("a node refers to no file")
    return Place(*files[file], offset, length, height)


def _framed(magic: bytes, body: bytes) -> bytes:
    whole = magic + (HEAD + 6 + len(body)).to_bytes(8, "little") + b"\0\0" + body
    return whole + crc32c(whole).to_bytes(4, "little")


_LEAF = _framed(_NODE, bytes([0, 1, 3, 0]) + b"d/v" + bytes([1, 1]) + b"k" + bytes([2, 1, 0, 0]))
SAMPLES = (
    _framed(
        _MANIFEST,
        bytes(16) + b"\0\x80\x08\x80\x08\4\0" + bytes([1, 3, 0]) + b"d/0"
        + bytes([1, 1, 0, 0, 0, len(_LEAF), 1, 1, 1]) + bytes(9),
    ),
    _LEAF,
)  # fmt: skip
"""Whole files: a manifest, and the leaf ``d/0`` that it refers to, whose one value is all of ``d/v``."""
