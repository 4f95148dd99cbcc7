"""TensorFlow's ``*.index``: a sorted table that says where in which data file each tensor lies.

The law of this file: offsets are followed only inside the bytes that are here, and each block once.
Formats: LevelDB's ``doc/table_format.md`` (stored uncompressed here); BundleEntryProto in
tensorflow ``core/protobuf/tensor_bundle.proto``.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from trainwatch.read.headers import DamagedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.headers import Source

LARGEST = 4 << 20
_FOOTER = 48
_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
_SHARD, _OFFSET, _SIZE = 3, 4, 5  # fields of BundleEntryProto
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


def lengths(source: Source) -> dict[int, int]:
    """How long each data file must be at least, by its number. Raises DamagedError, WaitingError."""
    if source.size < _FOOTER or source.read(source.size - 8, 8) != _MAGIC:
        raise DamagedError("it is cut: its end is missing" if source.size else "it is empty")
    if source.size > LARGEST:
        return {}
    data = source.read(0, source.size)
    try:
        return _lengths(data)
    except (IndexError, ValueError, struct.error):
        raise DamagedError("its table makes no sense") from None


def _lengths(data: bytes) -> dict[int, int]:
    least: dict[int, int] = {}
    footer = data[-_FOOTER:]
    _, at = _handle(footer, 0)
    index, _ = _handle(footer, at)
    for _, value in _entries(data, *index):
        block, _ = _handle(value, 0)
        for name, entry in _entries(data, *block):
            if name:  # the nameless one describes the bundle itself
                fields = dict(_fields(entry))
                shard = fields.get(_SHARD, 0)
                end = fields.get(_OFFSET, 0) + fields.get(_SIZE, 0)
                least[shard] = max(least.get(shard, 0), end)
    return least


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _entries(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block."""
    if offset + size + 1 > len(data) or data[offset + size] != 0:
        raise ValueError  # beyond the end, or compressed
    block = data[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    end = len(block) - 4 * (restarts + 1)
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        if at + fresh + length > end or shared > len(key):
            raise ValueError
        key = key[:shared] + block[at : at + fresh]
        yield key, block[at + fresh : at + fresh + length]
        at += fresh + length


def _fields(message: bytes) -> Iterator[tuple[int, int]]:
    """The numbers of a protocol buffer message, by field."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
        elif kind == _BYTES:
            length, at = _varint(message, at)
            at += length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    raise ValueError


def table(*entries: tuple[bytes, bytes]) -> bytes:
    """The smallest table that holds these (each below 128 bytes); samples are made of it."""
    block = _block(*entries)
    index = _block((b"\xff", bytes([0, len(block) - 5])))
    empty = _block()
    at = len(block)
    handles = bytes([at, len(empty) - 5, at + len(empty), len(index) - 5])
    return block + empty + index + handles.ljust(40, b"\0") + _MAGIC


def _block(*entries: tuple[bytes, bytes]) -> bytes:
    body = b"".join(bytes([0, len(key), len(value)]) + key + value for key, value in entries)
    return body + struct.pack("<II", 0, 1) + bytes(5)


SAMPLES = (table((b"", b"\x08\x01"), (b"w", bytes([0x08, 1, 0x20, 0, 0x28, 4]))),)
"""Whole files: one tensor of four bytes in the only data file."""
