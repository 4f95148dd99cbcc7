"""What ``torch.save`` writes: a zip archive, its directory at the end, ``data.pkl`` first.

The law of this file: whether the archive is whole is told by its last bytes; what it will hold is
told by its first entry, even while the rest is still being written. Nothing is extracted. Formats:
PKWARE's APPNOTE.TXT; torch/serialization.py and caffe2/serialize of PyTorch (entries are stored,
never compressed, and every tensor is one storage of so many elements).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read import pickles
from trainwatch.read.headers import DamagedError
from trainwatch.read.pickles import Global, Made, Persistent

if TYPE_CHECKING:
    from trainwatch.read.headers import Source

LARGEST_PICKLE = 8 << 20
TAIL = 256
"""So many last bytes are enough to see the end of any archive without a comment."""
_FIRST_LOOK = 64 << 10
_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_END = struct.Struct("<4sHHHHIIH")
_END64_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LEGACY = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # torch.save before version 1.6
_BYTES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1,
    "Byte": 1, "Bool": 1, "ComplexFloat": 8, "ComplexDouble": 16, "Untyped": 1,
}  # fmt: skip


class Storage(NamedTuple):
    """A block of numbers that a tensor looks into."""

    key: str
    dtype: str
    elements: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.elements * _BYTES.get(self.dtype, 1)


def check_end(source: Source) -> None:
    """Raise DamagedError unless the archive's directory stands whole at its end."""
    if source.size == 0:
        raise DamagedError("it is empty")
    head = source.read(0, 4)
    if head != b"PK\x03\x04":
        if source.read(0, len(_LEGACY)) == _LEGACY:
            return  # has no directory: its end cannot be seen
        raise DamagedError("it does not begin like a file of torch.save")
    tail_at = max(0, source.size - TAIL)
    tail = source.read(tail_at, TAIL)
    if len(tail) < _END.size or not tail[-_END.size :].startswith(b"PK\x05\x06"):
        raise DamagedError("it is cut: its directory is missing")
    *_, length, offset, comment = _END.unpack(tail[-_END.size :])
    end = source.size - _END.size
    locator = tail[-_END.size - _END64_LOCATOR.size : -_END.size]
    if locator.startswith(b"PK\x06\x07"):
        end = _END64_LOCATOR.unpack(locator)[2]
        record = tail[end - tail_at :][: _END64.size] if end >= tail_at else b""
        if not record.startswith(b"PK\x06\x06") or len(record) < _END64.size:
            raise DamagedError("its directory does not fit its size")
        *_, length, offset = _END64.unpack(record)
    if comment or offset + length != end:
        raise DamagedError("its directory does not fit its size")


def contents(source: Source) -> object:
    """The pickled object, inert. Raises DamagedError, WaitingError."""
    look = _FIRST_LOOK
    while True:
        data = source.read(0, look)
        try:
            return pickles.load(data, _first_entry(data))[0]
        except DamagedError:
            if look >= min(source.size, LARGEST_PICKLE):
                raise
            look = LARGEST_PICKLE


def _first_entry(data: bytes) -> int:
    """Where the content of the first entry begins; it must be the pickle."""
    if len(data) < _LOCAL.size:
        raise DamagedError("it is cut inside its first entry")
    magic, _, _, method, *_, name_length, extra = _LOCAL.unpack(data[: _LOCAL.size])
    name = data[_LOCAL.size : _LOCAL.size + name_length]
    if magic != b"PK\x03\x04" or method or not name.endswith(b"/data.pkl"):
        raise DamagedError("it does not begin like a file of torch.save")
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


def _storage(reference: object) -> Storage | None:
    """("storage", its class, key, where it was, number of elements)."""
    match reference:
        case ("storage", Global(_, kind), str(key), _, int(elements)) if elements >= 0:
            return Storage(key, kind.removesuffix("Storage"), elements)
        case ("storage", Global(_, kind), str(key), _, int(elements), None) if elements >= 0:
            return Storage(key, kind.removesuffix("Storage"), elements)
    return None


_EMPTY_DICT = (
    b"PK\3\4\x14\0\0\0\0\0\0\0!\0=\xb7\xde\x89\4\0\0\0\4\0\0\0\x0a\0\0\0a/data.pkl\x80\2}."
    b"PK\1\2\x14\3\x14\0\0\0\0\0\0\0!\0=\xb7\xde\x89\4\0\0\0\4\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0\0\x80\1"
    b"\0\0\0\0a/data.pklPK\5\6\0\0\0\0\1\0\1\x008\0\0\0,\0\0\0\0\0"
)
SAMPLES = (_EMPTY_DICT,)
"""Whole files."""
