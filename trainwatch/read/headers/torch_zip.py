"""What ``torch.save`` writes: a zip archive, its directory at the end, ``data.pkl`` first.

The law of this file: whether the archive is whole is told by its last bytes; what it will hold is
told by its first entry, even while the rest is still being written. Nothing is extracted. Format:
torch/serialization.py and caffe2/serialize of PyTorch (entries are stored, never compressed, and
every tensor is a view of one storage of so many elements).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from trainwatch.read import pickles
from trainwatch.read.headers import DamagedError, TooLargeError, archive
from trainwatch.read.pickles import Global, Made, Persistent

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.read.headers import Source

T = TypeVar("T")
LOOKS = (64 << 10, 1 << 20, 8 << 20)
"""How much of the file is read for the pickle, at first and if that is not enough."""
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before version 1.6
_BYTES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1,
    "Byte": 1, "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16, "Untyped": 1,
}  # fmt: skip
DTYPES = {
    "Double": "F64", "Float": "F32", "Half": "F16", "BFloat16": "BF16", "Long": "I64", "Int": "I32",
    "Short": "I16", "Char": "I8", "Byte": "U8", "Bool": "BOOL",
}  # fmt: skip
"""The names of safetensors for them."""


def width(kind: str) -> int:
    """Bytes of one number of a kind of storage."""
    return _BYTES.get(kind, 1)


class Storage(NamedTuple):
    """A block of numbers that a tensor looks into."""

    key: str
    dtype: str
    elements: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.elements * _BYTES.get(self.dtype, 1)


class OtherFormatError(DamagedError):
    """It may be whole, but ``torch.save`` did not write it."""


def check_end(source: Source) -> None:
    """Raise DamagedError unless the archive's directory stands whole at its end."""
    if source.read(0, len(_LEGACY)) == _LEGACY:
        _check_legacy(source)
    else:
        archive.check_end(source)


def damage(source: Source) -> str:
    """What its end says is wrong with it; "" for nothing. Raises WaitingError."""
    try:
        check_end(source)
    except DamagedError as error:
        return str(error)
    return ""


def contents(source: Source) -> object:
    """The pickled object, inert. Raises DamagedError, WaitingError."""
    return _looked(source, lambda data: pickles.load(data, _begin(data))[0])


def _looked(source: Source, understand: Callable[[bytes], T]) -> T:
    """What ``understand`` makes of the beginning, of more of it where that is not enough."""
    for look in LOOKS:
        data = source.read(0, look)
        try:
            return understand(data)
        except (TooLargeError, OtherFormatError):
            raise
        except DamagedError:
            if look >= source.size:
                raise
    raise TooLargeError("its pickle is too long to look into")


def _begin(data: bytes) -> int:
    """Where the pickle of the object begins."""
    return _legacy_begin(data) if data.startswith(_LEGACY) else _first_entry(data)


def _legacy_begin(data: bytes) -> int:
    """Behind the version of the protocol and what the machine was like."""
    after_version = pickles.load(data, len(_LEGACY))[1]
    return pickles.load(data, after_version)[1]


def _check_legacy(source: Source) -> None:
    """There is no directory: the pickle tells which storages come behind it, and how long they are."""
    try:
        size = _looked(source, _legacy_size)
    except TooLargeError:
        return
    if source.size < size:
        raise DamagedError(f"it is cut at {100 * source.size // size} %")


def _legacy_size(data: bytes) -> int:
    value, after = pickles.load(data, _legacy_begin(data))
    known = {storage.key: storage.size for storage in storages(value)}
    keys, after = pickles.load(data, after)
    if not isinstance(keys, list):
        raise DamagedError("its pickle makes no sense")
    return after + sum(8 + known.get(key, 0) for key in keys if isinstance(key, str))


def _first_entry(data: bytes) -> int:
    """Where the content of the first entry begins; it must be the pickle."""
    if len(data) < _LOCAL.size:
        raise DamagedError("it is cut inside its first entry")
    magic, _, _, method, *_, name_length, extra = _LOCAL.unpack(data[: _LOCAL.size])
    name = data[_LOCAL.size : _LOCAL.size + name_length]
    if magic != b"PK\x03\x04" or method or not name.endswith(b"/data.pkl"):
        raise OtherFormatError("it does not begin like a file of torch.save")
    return int(_LOCAL.size + name_length + extra)


def storages(value: object) -> list[Storage]:
    """Every storage that the object refers to, each once."""
    found: dict[str, Storage] = {}
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, Persistent):
            storage = _storage(each.id)
            if storage:
                found[storage.key] = storage
        elif isinstance(each, dict):
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
        elif isinstance(each, Made):
            waiting += [each.arguments, each.state, each.pairs]
    return list(found.values())


def held_bytes(value: object) -> int:
    """Bytes of everything that the object refers to."""
    return sum(storage.size for storage in storages(value))


def is_tensor(value: object) -> bool:
    """Whether this is the note of a tensor or parameter."""
    return (
        isinstance(value, Made)
        and isinstance(value.function, Global)
        and value.function.module.startswith("torch._utils")
    )


def _storage(reference: object) -> Storage | None:
    """("storage", its class, key, where it was, number of elements)."""
    match reference:
        case ("storage", Global(_, kind), str(key), _, int(elements)) if elements >= 0:
            return Storage(key, kind.removesuffix("Storage"), elements)
        case ("storage", Global(_, kind), str(key), _, int(elements), None) if elements >= 0:
            return Storage(key, kind.removesuffix("Storage"), elements)
    return None


SAMPLES = archive.SAMPLES
"""Whole files: an empty dict."""
