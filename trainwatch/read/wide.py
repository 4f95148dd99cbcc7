"""UTF-16, as PowerShell writes it behind ``>``: turned into UTF-8 of the same length.

The law of this file: every line begins at the byte where it begins in the source, so that offsets stay
true; what a line is shorter by is filled with blanks before its end. Only whole lines are handed on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch import facts

_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_LOOKED_AT = 512  # bytes of a stream that is read from the middle
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")  # matches wherever it is tried: linear
_LONG = re.compile("[\u0800-\uffff]")  # three bytes in UTF-8, two in UTF-16
_HELD = 1 << 20
"""Bytes of one line that are waited for; longer ones are handed on in pieces."""


class _Held(NamedTuple):
    """The unfinished line of one stream."""

    coding: str
    offset: int
    data: bytes


class Narrow:
    """The streams of one run: those in UTF-16 are turned, all others pass."""

    def __init__(self) -> None:
        self._wide: dict[str, _Held | None] = {}

    def chunk(self, fact: facts.Chunk) -> facts.Chunk:
        """The chunk in UTF-8; without bytes when it finishes no line."""
        if fact.source not in self._wide or fact.offset == 0:
            self._wide[fact.source] = _begin(fact)
        held = self._wide[fact.source]
        if held is None:
            return fact
        data = held.data + fact.data if held.offset + len(held.data) == fact.offset else fact.data
        start = fact.offset + len(fact.data) - len(data)
        skipped = start % 2
        data, start = data[skipped:], start + skipped
        text = data[: len(data) // 2 * 2].decode(held.coding, "surrogatepass")
        cut = max(text.rfind("\n"), text.rfind("\r", 0, -1)) + 1
        if not cut and len(data) > _HELD:
            cut = len(text)
        size = len(text[:cut].encode(held.coding, "surrogatepass"))
        self._wide[fact.source] = _Held(held.coding, start + size, data[size:])
        return fact._replace(offset=start, data=_narrow(text[:cut]))

    def answer(self, fact: facts.FileBytes) -> facts.FileBytes:
        """Bytes of such a stream that were asked for again."""
        held = self._wide.get(fact.path)
        if held is None or not fact.data:
            return fact
        skipped = fact.offset % 2
        text = fact.data[skipped:].decode(held.coding, "replace")
        data = (b" " * skipped + _narrow(text))[: len(fact.data)]
        return fact._replace(data=data.ljust(len(fact.data)))

    def gap(self, source: str) -> None:
        """The stream continues nothing."""
        self._wide.pop(source, None)

    def rest(self) -> Iterator[tuple[str, int, bytes]]:
        """(source, offset, bytes) of the lines that will get no end."""
        for source, held in self._wide.items():
            if held is not None and held.data:
                whole = held.data[: len(held.data) // 2 * 2]
                self._wide[source] = held._replace(offset=held.offset + len(whole), data=b"")
                yield source, held.offset, _narrow(whole.decode(held.coding, "replace"))


def _begin(fact: facts.Chunk) -> _Held | None:
    coding = _MARKS.get(fact.data[:2]) if fact.offset == 0 else _coding(fact)
    return None if coding is None else _Held(coding, fact.offset, b"")


def _coding(fact: facts.Chunk) -> str | None:
    """By where the zero bytes are, for a stream that is not read from its beginning."""
    data = fact.data[fact.offset % 2 :][:_LOOKED_AT]
    if b"\0" not in data or len(data) < 8:
        return None
    high, low = data[1::2].count(0), data[::2].count(0)
    most = len(data) * 0.4
    return (
        "utf-16-le" if high > most and not low else "utf-16-be" if low > most and not high else None
    )


def _narrow(text: str) -> bytes:
    return b"".join(_filled(found[1], found[2]) for found in _LINE.finditer(text))


def _filled(body: str, end: str) -> bytes:
    """One line with as many bytes as it had."""
    room = len((body + end).encode("utf-16-le", "surrogatepass")) - len(end)
    body = body.removeprefix("\ufeff")
    data = body.encode("utf-8", "replace")
    if len(data) > room:
        data = _LONG.sub("?", body).encode("utf-8", "replace")[:room]
    return data.ljust(room) + end.encode()
