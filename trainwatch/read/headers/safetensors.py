"""``*.safetensors``: a little-endian u64 length, that many bytes of JSON, then the tensors.

The law of this file: the JSON is walked entry by entry, so that a hostile header costs its own
length and nothing more. Format: the README of huggingface/safetensors. Every byte of the data
belongs to exactly one tensor; therefore the header tells the size of the finished file.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard

from trainwatch.read.headers import DamagedError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.headers import Source

NAMES = ("*.safetensors",)
LARGEST_HEADER = 16 << 20
_LENGTH = 8
_METADATA = '"__metadata__"'
_LONGEST_ENTRY = 4096
_MOST_DIMENSIONS = 32
_NO_JSON = "its header is no JSON object"
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "I16": 16, "U16": 16, "F16": 16,
    "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64, "C64": 64,
}  # fmt: skip


class Described(NamedTuple):
    """One tensor as the header describes it."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int  # relative to the end of the header
    end: int


class Header(NamedTuple):
    """What the header says in sum."""

    size: int  # bytes of the finished file
    tensors: int
    parameters: int


def read(source: Source) -> Header:
    """The header in sum. Raises DamagedError, WaitingError."""
    text, start = _text(source)
    spans: list[tuple[int, int]] = []
    parameters = 0
    for tensor in _walk(text):
        spans.append((tensor.begin, tensor.end))
        parameters += math.prod(tensor.shape)
    return Header(start + _seamless_end(spans), len(spans), parameters)


def tensors(source: Source) -> Iterator[Described]:
    """Every tensor in the order of the header. Raises DamagedError, WaitingError."""
    return _walk(_text(source)[0])


def _text(source: Source) -> tuple[str, int]:
    """The JSON, and where the data begins."""
    prefix = source.read(0, _LENGTH)
    if len(prefix) < _LENGTH:
        raise DamagedError("it ends inside its header")
    length = int.from_bytes(prefix, "little")
    if length > LARGEST_HEADER and length > source.size - _LENGTH:
        raise DamagedError(f"its header claims to be {length} bytes long")
    if length > LARGEST_HEADER:
        raise TooLargeError(f"its header is {length >> 20} MB long, too much to look into")
    if length > source.size - _LENGTH:
        raise DamagedError("it ends inside its header")
    raw = source.read(_LENGTH, length)
    if len(raw) < length or not raw.startswith(b"{"):
        raise DamagedError(_NO_JSON)
    try:
        return raw.decode(), _LENGTH + length
    except UnicodeDecodeError:
        raise DamagedError("its header is no UTF-8") from None


def _walk(text: str) -> Iterator[Described]:
    try:
        at = _skip(text, 1)
        while not text.startswith("}", at):
            after = _string(text, at)
            name = text[at:after]
            at = _symbol(text, after, ":")
            if name == _METADATA:
                at = _metadata(text, at)
            else:
                after = text.index("}", at) + 1
                yield _described(json.loads(_short(name)), json.loads(_short(text[at:after])))
                at = after
            at = _comma(text, at)
        if text[at + 1 :].strip():
            raise DamagedError("its header goes on after its end")
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, DamagedError) else DamagedError(_NO_JSON) from None


def _skip(text: str, at: int) -> int:
    while text.startswith((" ", "\n", "\t", "\r"), at):
        at += 1
    return at


def _symbol(text: str, at: int, symbol: str) -> int:
    """Past this symbol and the blanks around it."""
    at = _skip(text, at)
    if not text.startswith(symbol, at):
        raise DamagedError(_NO_JSON)
    return _skip(text, at + 1)


def _comma(text: str, at: int) -> int:
    """Past the comma between two entries, or at the end of the object."""
    at = _skip(text, at)
    if text.startswith("}", at):
        return at
    at = _symbol(text, at, ",")
    if not text.startswith('"', at):
        raise DamagedError(_NO_JSON)
    return at


def _string(text: str, at: int) -> int:
    """Past the string that begins here. Nothing is built: it may be megabytes long."""
    if not text.startswith('"', at):
        raise DamagedError(_NO_JSON)
    at += 1
    while True:
        end = text.index('"', at)
        escape = text.find("\\", at, end)
        if escape < 0:
            return end + 1
        at = escape + 2


def _metadata(text: str, at: int) -> int:
    """Past an object of strings."""
    at = _symbol(text, at, "{")
    while not text.startswith("}", at):
        at = _string(text, _symbol(text, _string(text, at), ":"))
        at = _comma(text, at)
    return at + 1


def _short(text: str) -> str:
    if len(text) > _LONGEST_ENTRY:
        raise DamagedError("its header describes a tensor that cannot be")
    return text


def _described(name: str, value: dict[str, Any]) -> Described:
    dtype, shape, span = (value.get(key) for key in ("dtype", "shape", "data_offsets"))
    if isinstance(dtype, str) and _is_counts(shape) and _is_counts(span) and len(span) == 2:
        begin, end = span
        bits = _BITS.get(dtype)
        if begin <= end and (bits is None or math.prod(shape) * bits == 8 * (end - begin)):
            return Described(name, dtype, tuple(shape), begin, end)
    raise DamagedError("its header describes a tensor that cannot be")


def _is_counts(value: object) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) <= _MOST_DIMENSIONS
        and all(type(item) is int and 0 <= item < 1 << 62 for item in value)
    )


def _seamless_end(spans: list[tuple[int, int]]) -> int:
    end = 0
    for begin, after in sorted(spans):
        if begin != end:
            raise DamagedError("its header leaves a hole or an overlap in the data")
        end = after
    return end


SAMPLES = (
    b"\2\0\0\0\0\0\0\0{}",
    b'\x36\0\0\0\0\0\0\0{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}\0\0\0\0',
)
"""Whole files."""
