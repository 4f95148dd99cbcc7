"""Facts <-> frames.

A stream is MAGIC, then frames; the first frame is Hello. A frame is a big-endian u32 header length,
a u32 raw length, a JSON header and raw bytes. The header is ``[name, [field, ...]]``; the field named
``data`` travels as the raw bytes. A journal file holds exactly the same bytes as the wire.

The law of this file: bytes in, facts out, no I/O. Whatever a peer sends, the only exception that
leaves ``Decoder`` is WireError, every value has the type that ``facts`` declares, and no peer can
make it hold more than one capped frame beside what was just fed. Facts that stand before a broken
frame are never lost: the facts returned do not depend on how the bytes were cut into chunks.
"""

import json
import struct
from typing import Any, Callable, Dict, List, Optional, Tuple

from trainwatch import facts

VERSION = 1
MAGIC = b"\0\0TW1\n"
MAX_HEADER = 4 << 20
MAX_RAW = 16 << 20
MAX_INT = (1 << 63) - 1
MAX_FLOAT = 1e300
_LENGTHS = struct.Struct(">II")

_Check = Callable[[Any], Any]


class WireError(Exception):
    """The peer does not speak this protocol, or the stream is cut."""


def encode(fact: Any) -> bytes:
    """One fact as one frame. Raises WireError where it is over the limits of a frame."""
    return b"".join(pieces(fact))


def pieces(fact: Any) -> Tuple[bytes, bytes]:
    """The same as lengths with header, and the raw bytes uncopied."""
    kind = type(fact)
    raw = b""
    values = list(fact)
    if "data" in kind._fields:
        index = kind._fields.index("data")
        raw, values[index] = values[index], None
    header = json.dumps([kind.__name__, values], separators=(",", ":")).encode("ascii")
    if len(header) > MAX_HEADER or len(raw) > MAX_RAW:
        raise WireError("a {} of {} bytes is over the limit".format(kind.__name__, len(header)))
    return _LENGTHS.pack(len(header), len(raw)) + header, raw


class Decoder:
    """Bytes of a stream in any chunking -> facts."""

    def __init__(self, magic: bool = True) -> None:
        self._pending = bytearray()
        self._magic = magic
        self._error: Optional[WireError] = None

    def feed(self, data: bytes) -> List[Any]:
        """Add bytes and return the facts they complete.

        Raises WireError at the first broken frame, once the facts before it have been returned;
        from then on every call raises it.
        """
        if self._error is None:
            self._pending += data
            found = self._facts()
            if found or self._error is None:
                return found
        raise self._error

    def finish(self) -> None:
        """The stream has ended. Raises WireError if it ended badly or in the middle of a frame."""
        if self._error is None and (self._pending or self._magic):
            what = "is cut in the middle of a frame" if self._pending else "is empty"
            self._error = WireError("the stream " + what)
        if self._error is not None:
            raise self._error

    def _facts(self) -> List[Any]:
        found: List[Any] = []
        start = 0
        try:
            if self._magic:
                start = self._skip_magic()
            while not self._magic:
                frame = self._frame(start)
                if frame is None:
                    break
                header, raw, start = frame
                found.append(_decode(header, raw))
        except WireError as error:
            self._error, start = error, len(self._pending)
        del self._pending[:start]
        return found

    def _skip_magic(self) -> int:
        if not MAGIC.startswith(bytes(self._pending[: len(MAGIC)])):
            raise WireError("this is not a trainwatch stream")
        self._magic = len(self._pending) < len(MAGIC)
        return 0 if self._magic else len(MAGIC)

    def _frame(self, start: int) -> Optional[Tuple[bytes, bytes, int]]:
        """Header, raw bytes and end of the frame at ``start``; None while it is not complete."""
        if len(self._pending) - start < _LENGTHS.size:
            return None
        header, raw = _LENGTHS.unpack_from(self._pending, start)
        if header > MAX_HEADER or raw > MAX_RAW:
            raise WireError("a frame of {} bytes is over the limit".format(header + raw))
        body = start + _LENGTHS.size
        end = body + header + raw
        if end > len(self._pending):
            return None
        with memoryview(self._pending) as view:
            return bytes(view[body : body + header]), bytes(view[body + header : end]), end


def _decode(header: bytes, raw: bytes) -> Any:
    try:
        name, values = json.loads(header.decode("ascii"))
        check, has_data = _KINDS[name]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise WireError("unknown frame: {!r}".format(header[:80])) from None
    if raw and not has_data:
        raise WireError("{} carries no bytes".format(name))
    fact = check(values)
    return fact._replace(data=raw) if has_data else fact


# A lying peer must not put a string where a number is due: every declared type has one check.


def _refuse(expected: str, value: Any) -> WireError:
    return WireError("{} expected, not {}".format(expected, type(value).__name__))


def _integer(value: Any) -> int:
    if type(value) is int and -MAX_INT <= value <= MAX_INT:
        return value
    raise _refuse("a 64-bit integer", value)


def _number(value: Any) -> float:
    if type(value) in (int, float) and not abs(value) > MAX_FLOAT:
        return float(value)
    raise _refuse("a number", value)


def _exactly(kind: type) -> _Check:
    def check(value: Any) -> Any:
        if type(value) is kind:
            return value
        raise _refuse(kind.__name__, value)

    return check


def _optional(inner: _Check) -> _Check:
    return lambda value: None if value is None else inner(value)


def _many(inner: _Check) -> _Check:
    def check(value: Any) -> Any:
        if type(value) is list:
            return [inner(item) for item in value]
        raise _refuse("a list", value)

    return check


def _fields(make: Callable[[List[Any]], Any], name: str, inner: List[_Check], least: int) -> _Check:
    def check(value: Any) -> Any:
        if type(value) is not list or not least <= len(value) <= len(inner):
            raise _refuse("{} of {} fields".format(name, len(inner)), value)
        return make([one(item) for one, item in zip(inner, value)])

    return check


def _check_of(kind: Any) -> _Check:
    """The check for a declared type. ``typing`` looks different before Python 3.7."""
    parts: Any = getattr(kind, "__args__", None) or ()
    if type(None) in parts:
        return _optional(_check_of(parts[0]))
    if hasattr(kind, "_fields"):
        return _tuple_check(kind)
    if getattr(kind, "__origin__", None) in (tuple, Tuple):
        return _fields(tuple, "a tuple", [_check_of(part) for part in parts], len(parts))
    if parts:
        return _many(_check_of(parts[0]))
    if kind is bytes:
        return _exactly(type(None))
    return {int: _integer, float: _number}.get(kind) or _exactly(kind)


def _tuple_check(kind: Any) -> _Check:
    """What came later has a default: an older peer, or a journal of last year, does without."""
    checks = [_check_of(kind.__annotations__[field]) for field in kind._fields]
    later = len(getattr(kind, "_field_defaults", ()))
    return _fields(lambda values: kind(*values), kind.__name__, checks, len(checks) - later)


_KINDS: Dict[str, Tuple[_Check, bool]] = {
    name: (_tuple_check(kind), "data" in kind._fields)
    for name, kind in vars(facts).items()
    if hasattr(kind, "_fields")
}
