"""Facts <-> frames.

A stream is MAGIC, then frames; the first frame is Hello. A frame is a big-endian u32 header length,
a u32 raw length, a JSON header and raw bytes. The header is ``[name, [field, ...]]``; the field named
``data`` travels as the raw bytes. A journal file holds exactly the same bytes as the wire.

The law of this file: bytes in, facts out, no I/O; whatever a peer sends, the only exception that
leaves ``Decoder.feed`` is WireError, and no peer can make it hold more than one capped frame.
"""

import json
import struct
from typing import Any, Dict, List, NamedTuple, Type

from trainwatch import facts

VERSION = 1
MAGIC = b"\0\0TW1\n"
MAX_HEADER = 16 << 20
MAX_RAW = 16 << 20
_LENGTHS = struct.Struct(">II")

_KINDS = {
    name: kind
    for name, kind in vars(facts).items()
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields")
}  # type: Dict[str, Type[NamedTuple]]


class WireError(Exception):
    """The peer does not speak this protocol."""


def encode(fact):
    # type: (Any) -> bytes
    """One fact as one frame."""
    kind = type(fact)
    raw = b""
    values = list(fact)
    if "data" in kind._fields:
        index = kind._fields.index("data")
        raw, values[index] = values[index], None
    header = json.dumps([kind.__name__, values], separators=(",", ":")).encode("ascii")
    return _LENGTHS.pack(len(header), len(raw)) + header + raw


class Decoder:
    """Bytes of a stream in any chunking -> facts."""

    def __init__(self, magic=True):
        # type: (bool) -> None
        self._pending = bytearray()
        self._magic = magic

    def feed(self, data):
        # type: (bytes) -> List[Any]
        """Add bytes and return the facts they complete. Raises WireError."""
        self._pending += data
        if self._magic:
            if not MAGIC.startswith(bytes(self._pending[: len(MAGIC)])):
                raise WireError("this is not a trainwatch stream")
            if len(self._pending) < len(MAGIC):
                return []
            del self._pending[: len(MAGIC)]
            self._magic = False
        found = []
        start = 0
        while len(self._pending) - start >= _LENGTHS.size:
            header, raw = _LENGTHS.unpack_from(self._pending, start)
            if header > MAX_HEADER or raw > MAX_RAW:
                raise WireError("a frame of {} bytes is over the limit".format(header + raw))
            end = start + _LENGTHS.size + header + raw
            if end > len(self._pending):
                break
            body = start + _LENGTHS.size
            found.append(
                _decode(
                    bytes(self._pending[body : body + header]),
                    bytes(self._pending[body + header : end]),
                )
            )
            start = end
        del self._pending[:start]
        return found


def _decode(header, raw):
    # type: (bytes, bytes) -> Any
    try:
        name, values = json.loads(header.decode("ascii"))
        kind = _KINDS[name]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise WireError("unknown frame: {!r}".format(header[:80]))
    if not isinstance(values, list) or len(values) != len(kind._fields):
        raise WireError("{} has the wrong number of fields".format(name))
    types = kind.__annotations__
    checked = []
    for field, value in zip(kind._fields, values):
        checked.append(raw if field == "data" else _typed(types[field], value, name, field))
    return kind(*checked)


def _typed(kind, value, name, field):
    # type: (Any, Any, str, str) -> Any
    """The value as ``kind``, or WireError: a lying peer must not put a string where a number is due."""
    parts = getattr(kind, "__args__", None)
    if parts and type(None) in parts:
        return None if value is None else _typed(parts[0], value, name, field)
    if hasattr(kind, "_fields"):
        if isinstance(value, list) and len(value) == len(kind._fields):
            inner = kind.__annotations__
            return kind(*[_typed(inner[f], v, name, f) for f, v in zip(kind._fields, value)])
    elif parts and isinstance(value, list):
        if getattr(kind, "__origin__", None) in (tuple, _TUPLE_36):
            if len(value) == len(parts):
                return tuple(_typed(k, v, name, field) for k, v in zip(parts, value))
        else:
            return [_typed(parts[0], item, name, field) for item in value]
    elif kind is float and type(value) in (int, float):
        return float(value) if abs(value) < 1e300 or value != value else _bad(name, field, value)
    elif type(value) is kind:
        return value
    return _bad(name, field, value)


def _bad(name, field, value):
    # type: (str, str, Any) -> Any
    raise WireError("{}.{} cannot be {!r}".format(name, field, value)[:200])


_TUPLE_36 = getattr(facts.Tuple, "__origin__", None) or facts.Tuple  # its own origin before 3.7
