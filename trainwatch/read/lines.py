"""Bytes of one stream, in any chunking, become blocks of whole lines, and blocks become lines.

The law of this file: no byte is read twice and none is lost; where a line starts in the source is
kept; work is linear and memory bounded whatever arrives. A line ends at LF, CR or CRLF, at a run of
backspaces or NULs, or where the cursor is moved: a redrawn progress bar is many lines. Which chunks
the bytes came in never shows in the lines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.clean import strip_escapes

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_CAP = 1 << 20
"""Bytes of one line that are kept; the rest is only counted."""

LIVE_CAP = 4096
"""Bytes of an unfinished line that are worth looking at."""

# Cursor movement, erase display, scrolling (ECMA-48 CUU CUD CUF CUB CNL CPL CHA CUP ED SU SD VPA HVP),
# save and restore. Erase-in-line is none: compilers colour with it in the middle of words.
SPECIAL = (b"\x1b", b"\x08", b"\0")
"""What makes a line more than text, besides CR."""

_BREAK = re.compile(rb"[\r\n\0\x08]+|\x1b\[[0-9;]{0,16}[A-HJSTdfsu]")
_END = re.compile(rb"[\r\n\0]")


class Line(NamedTuple):
    """One line without its end. ``offset`` is where it starts in the source."""

    offset: int
    data: bytes

    @property
    def text(self) -> str:
        """The line as text: UTF-8 with replacement, without escape sequences."""
        text = self.data.decode("utf-8", "replace")
        return strip_escapes(text) if "\x1b" in text else text


class Block(NamedTuple):
    """Whole lines with their ends: ``data[start:end]``.

    The byte at ``data[i]`` is at ``base + i`` in the source.
    """

    base: int
    data: bytes
    start: int
    end: int

    def lines(self) -> Iterator[Line]:
        """The lines of the block that are not empty, in order."""
        return split(self.base + self.start, self.data[self.start : self.end])


class Blocks:
    """Chunks in, blocks of whole lines out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # of the unfinished line
        self._start = 0  # where it starts in the source
        self._kept = 0  # bytes of it that are kept
        self.missed = 0  # bytes that lines over the cap lost

    def feed(self, offset: int, data: bytes) -> list[Block]:
        """Add the bytes at ``offset``; the lines that they finish, in at most three blocks."""
        blocks, first, end = [], 0, _last_end(data)
        if end and self._parts:
            found = _END.search(data)
            first = found.end() if found else end
            self._keep(offset, data[: first - 1])
            line = b"".join([*self._parts, data[first - 1 : first]])
            blocks.append(Block(self._start, line, 0, len(line)))
        if first < end:
            blocks.append(Block(offset, data, first, end))
        if end:
            self._drop()
        self._keep(offset + end, data[end:])
        return blocks + self._moved()

    def _moved(self) -> list[Block]:
        """What cursor movement finishes of the unfinished line."""
        if not self._parts or self._kept > LIVE_CAP:
            return []
        line = b"".join(self._parts)
        self._parts = [line]
        if b"\x1b" not in line and b"\x08" not in line:
            return []
        end = max((found.end() for found in _BREAK.finditer(line)), default=0)
        if not end:
            return []
        start = self._start
        self._drop()
        self._keep(start + end, line[end:])
        return [Block(start, line, 0, end)]

    def break_off(self) -> Block | None:
        """The stream continues nothing (or ended): what is unfinished is all there will be."""
        line = b"".join(self._parts)
        self._drop()
        return Block(self._start, line, 0, len(line)) if line else None

    def live(self) -> Line | None:
        """The unfinished line; None when there is none or it is too long to look at."""
        if not self._parts or self._kept > LIVE_CAP:
            return None
        return Line(self._start, b"".join(self._parts))

    def _keep(self, offset: int, data: bytes) -> None:
        if not data:
            return
        if not self._parts:
            self._start = offset
        kept = data[: LINE_CAP - self._kept]
        self.missed += len(data) - len(kept)
        if kept:
            self._parts.append(kept)
            self._kept += len(kept)

    def _drop(self) -> None:
        self._parts.clear()
        self._kept = 0


def _last_end(data: bytes) -> int:
    end = max(data.rfind(b"\n"), data.rfind(b"\r"))
    return (max(end, data.rfind(b"\0")) if b"\0" in data else end) + 1


def split(offset: int, data: bytes) -> Iterator[Line]:
    """The lines in ``data`` that are not empty, in order."""
    start = 0
    for found in _BREAK.finditer(data):
        if found.start() > start:
            yield Line(offset + start, data[start : min(found.start(), start + LINE_CAP)])
        start = found.end()
    if start < len(data):
        yield Line(offset + start, data[start : start + LINE_CAP])
