"""Pickles, read without ever running anything.

The law of this file: an opcode builds a plain value or an inert note of what Python would have
called; nothing is imported, called or looked up. Sizes are checked against the bytes that are
there before anything is made. Opcodes: Lib/pickletools.py of CPython, protocols 0 to 5.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from trainwatch.read.headers import DamagedError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_OPCODES = 400_000
_LONGEST_NUMBER = 1024


class Global(NamedTuple):
    """The name of something in a module."""

    module: str
    name: str


class Persistent(NamedTuple):
    """A reference to something outside the pickle (torch: a storage)."""

    id: object


class Made:
    """What a call would have returned."""

    __slots__ = ("arguments", "function", "pairs", "state")

    def __init__(self, function: object, arguments: Sequence[object]) -> None:
        self.function = function
        self.arguments = arguments
        self.state: object = None
        self.pairs: dict[object, object] | None = None


def load(data: bytes, start: int = 0) -> tuple[object, int]:
    """The value that begins at ``start``, and where the bytes after it begin. Raises DamagedError."""
    return _Machine(data, start).run()


def pairs(value: object) -> dict[object, object]:
    """The entries of a dict, or of anything that was filled like one."""
    if isinstance(value, dict):
        return value
    return (value.pairs or {}) if isinstance(value, Made) else {}


def attributes(value: object) -> dict[object, object]:
    """The attributes that an object would have been given."""
    return pairs(value.state) if isinstance(value, Made) else {}


def member(value: object) -> object:
    """The value of an enumeration's member, or its name in small letters; other values as they are.

    Python before 3.11.4, from 3.11 on, writes a member as ``getattr(Class, name)``. The
    enumerations of training libraries name their members after the values.
    """
    if not isinstance(value, Made):
        return value
    match value.function, list(value.arguments):
        case Global("builtins" | "__builtin__", "getattr"), [Global(), str(name)]:
            return name.lower()
        case _, [only]:
            return only
    return value


class _Mark:
    """The opening of a group on the stack."""


_MARK = _Mark()


class _Machine:
    """The bytes, the stack, the memo, and one method per kind of opcode."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._at = start
        self._stack: list[object] = []
        self._memo: dict[int, object] = {}

    def run(self) -> tuple[object, int]:
        try:
            for _ in range(MOST_OPCODES):
                code = self._take(1)
                if code == b".":
                    return self._stack.pop(), self._at
                method, *arguments = _OPCODES[code]
                method(self, *arguments)
        except (KeyError, IndexError, ValueError, TypeError, struct.error) as error:
            if isinstance(error, DamagedError):
                raise
            raise DamagedError("its pickle makes no sense") from None
        raise TooLargeError("its pickle is too long to look into")

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise DamagedError("its pickle ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def _number(self, width: int, signed: bool = False) -> int:
        return int.from_bytes(self._take(width), "little", signed=signed)

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at)
        if end < 0:
            raise DamagedError("its pickle ends too early")
        line = self._data[self._at : end]
        self._at = end + 1
        return line.decode("utf-8", "replace")

    def _digits(self) -> str:
        line = self._line()
        if len(line) > _LONGEST_NUMBER:
            raise ValueError
        return line.rstrip("L")

    def _group(self) -> list[object]:
        """Everything since the last mark."""
        at = len(self._stack) - 1
        while self._stack[at] is not _MARK:
            at -= 1
        group = self._stack[at + 1 :]
        del self._stack[at:]
        return group

    # --- constants and numbers ---

    def constant(self, value: object) -> None:
        self._stack.append(value)

    def empty(self, kind: Callable[[], object]) -> None:
        self._stack.append(kind())

    def integer(self) -> None:
        digits = self._digits()
        self._stack.append(digits == "01" if digits in ("00", "01") else int(digits))

    def floating(self) -> None:
        self._stack.append(float(self._digits()))

    def double(self) -> None:
        self._stack.append(struct.unpack(">d", self._take(8))[0])

    def fixed(self, width: int, signed: bool) -> None:
        self._stack.append(self._number(width, signed))

    def long(self, width: int) -> None:
        size = self._number(width)
        if size > _LONGEST_NUMBER:
            raise ValueError
        self._stack.append(self._number(size, signed=True))

    # --- strings ---

    def text(self, width: int) -> None:
        raw = self._take(self._number(width))
        self._stack.append(raw.decode("utf-8", "surrogatepass"))

    def old_text(self, width: int) -> None:
        self._stack.append(self._take(self._number(width)).decode("latin-1"))

    def text_line(self) -> None:
        self._stack.append(self._line().strip("'\""))

    def raw(self, width: int) -> None:
        self._stack.append(self._take(self._number(width)))

    def skip(self, count: int) -> None:
        self._take(count)

    # --- groups ---

    def pop(self) -> None:
        self._stack.pop()

    def pop_group(self) -> None:
        self._group()

    def again(self) -> None:
        self._stack.append(self._stack[-1])

    def last(self, count: int) -> None:
        if count > len(self._stack):
            raise IndexError
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._stack.append(items)

    def group(self, kind: Callable[[list[object]], object]) -> None:
        self._stack.append(kind(self._group()))

    def append(self) -> None:
        self._extend([self._stack.pop()])

    def extend(self) -> None:
        self._extend(self._group())

    def _extend(self, items: list[object]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)

    def assign(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._assign([key, value])

    def assign_all(self) -> None:
        self._assign(self._group())

    def _assign(self, group: list[object]) -> None:
        target = self._stack[-1]
        if isinstance(target, Made):
            target.pairs = target.pairs or {}
            target.pairs.update(_paired(group))
        elif isinstance(target, dict):
            target.update(_paired(group))

    def put(self, width: int) -> None:
        index = self._number(width) if width else int(self._digits())
        self._memo[index] = self._stack[-1]

    def memoize(self) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def get(self, width: int) -> None:
        index = self._number(width) if width else int(self._digits())
        self._stack.append(self._memo[index])

    # --- what Python would look up or call ---

    def named(self) -> None:
        module = self._line()
        self._stack.append(Global(module, self._line()))

    def named_on_stack(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(Global(str(module)[:200], str(name)[:200]))

    def registered(self, width: int) -> None:
        self._stack.append(Global("copyreg", f"extension {self._number(width)}"))

    def persistent(self) -> None:
        self._stack.append(Persistent(self._stack.pop()))

    def persistent_line(self) -> None:
        self._stack.append(Persistent(self._line()))

    def call(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._stack.append(Made(function, arguments if isinstance(arguments, tuple) else ()))

    def call_with_names(self) -> None:
        self._stack.pop()
        self.call()

    def call_group(self) -> None:
        function, *arguments = self._group()
        self._stack.append(Made(function, arguments))

    def call_named(self) -> None:
        module = self._line()
        function = Global(module, self._line())
        self._stack.append(Made(function, self._group()))

    def build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, Made):
            target.state = state


def _paired(group: list[object]) -> dict[object, object]:
    return {_key(k): v for k, v in zip(group[::2], group[1::2], strict=True)}


def _key(value: object) -> object:
    """A key that can be hashed without walking what a stranger has built."""
    return value if isinstance(value, str | int | float | bytes | None) else id(value)


_M = _Machine
_OPCODES: dict[bytes, tuple[Any, ...]] = {
    b"(": (_M.constant, _MARK), b"N": (_M.constant, None), b")": (_M.constant, ()),
    b"\x88": (_M.constant, True), b"\x89": (_M.constant, False),
    b"}": (_M.empty, dict), b"]": (_M.empty, list), b"\x8f": (_M.empty, list),
    b"I": (_M.integer,), b"L": (_M.integer,), b"F": (_M.floating,), b"G": (_M.double,),
    b"J": (_M.fixed, 4, True), b"K": (_M.fixed, 1, False), b"M": (_M.fixed, 2, False),
    b"\x8a": (_M.long, 1), b"\x8b": (_M.long, 4),
    b"X": (_M.text, 4), b"\x8c": (_M.text, 1), b"\x8d": (_M.text, 8),
    b"T": (_M.old_text, 4), b"U": (_M.old_text, 1), b"S": (_M.text_line,), b"V": (_M.text_line,),
    b"B": (_M.raw, 4), b"C": (_M.raw, 1), b"\x8e": (_M.raw, 8), b"\x96": (_M.raw, 8),
    b"\x80": (_M.skip, 1), b"\x95": (_M.skip, 8), b"\x98": (_M.skip, 0),
    b"\x97": (_M.constant, b""),
    b"0": (_M.pop,), b"1": (_M.pop_group,), b"2": (_M.again,),
    b"\x85": (_M.last, 1), b"\x86": (_M.last, 2), b"\x87": (_M.last, 3),
    b"t": (_M.group, tuple), b"l": (_M.group, list), b"d": (_M.group, _paired),
    b"\x91": (_M.group, tuple),
    b"a": (_M.append,), b"e": (_M.extend,), b"\x90": (_M.extend,),
    b"s": (_M.assign,), b"u": (_M.assign_all,),
    b"p": (_M.put, 0), b"q": (_M.put, 1), b"r": (_M.put, 4), b"\x94": (_M.memoize,),
    b"g": (_M.get, 0), b"h": (_M.get, 1), b"j": (_M.get, 4),
    b"c": (_M.named,), b"\x93": (_M.named_on_stack,),
    b"\x82": (_M.registered, 1), b"\x83": (_M.registered, 2), b"\x84": (_M.registered, 4),
    b"Q": (_M.persistent,), b"P": (_M.persistent_line,),
    b"R": (_M.call,), b"\x81": (_M.call,), b"\x92": (_M.call_with_names,),
    b"o": (_M.call_group,), b"i": (_M.call_named,), b"b": (_M.build,),
}  # fmt: skip
