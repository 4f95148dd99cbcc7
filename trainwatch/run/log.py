"""The lines of the log: where each begins, and the newest of them at hand.

The law of this file: text stays in the source; kept are offsets (8 bytes per line) and a bounded
window of bytes. A progress bar that redraws itself with carriage returns is one line, its last
state.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwatch.facts import Chunk, FileBytes, Gap

RESIDENT = 4 << 20
"""Bytes of the newest log kept at hand."""
_RETURN = ord("\r")
LIVE = 4096
"""Bytes of an unfinished line kept."""


def _last_state(data: bytearray, start: int, end: int) -> int:
    """Where the last state of a line begins that may have been redrawn with carriage returns."""
    while end > start and data[end - 1] == _RETURN:
        end -= 1
    return max(data.rfind(b"\r", start, end) + 1, start)


class Log:
    """An index over the lines of all streams, in the order in which they were finished."""

    def __init__(self) -> None:
        self._starts: array[int] = array("q")
        self._stream_lines: array[int] = array("I")
        self._streams: list[str] = []
        self._data: dict[str, bytearray] = {}
        self._base: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        self._live = ""

    @property
    def lines(self) -> int:
        """Finished lines."""
        return len(self._starts)

    @property
    def live(self) -> str:
        """The unfinished line: usually the progress bar."""
        return self._live

    def apply(self, fact: Chunk) -> None:
        """Bytes of a stream arrived."""
        data = self._data.setdefault(fact.source, bytearray())
        base = self._base.setdefault(fact.source, fact.offset)
        if fact.offset != base + len(data):
            data.clear()
            base = self._base[fact.source] = self._begun[fact.source] = fact.offset
        fresh = len(data)
        data += fact.data
        begun = self._begun.get(fact.source, base)
        end = data.find(b"\n", fresh)  # an endless line is not searched twice
        while end >= 0:
            self._line(fact.source, base + _last_state(data, max(begun - base, 0), end))
            begun = base + end + 1
            end = data.find(b"\n", end + 1)
        self._begun[fact.source] = begun
        rest = bytes(data[max(begun - base, len(data) - LIVE, 0) :])
        self._live = rest.decode("utf-8", "replace").rpartition("\r")[2]
        if len(data) > 2 * RESIDENT:
            drop = len(data) - RESIDENT
            del data[:drop]
            self._base[fact.source] = base + drop

    def _line(self, stream: str, start: int) -> None:
        if not self._streams or self._streams[-1] != stream:
            self._stream_lines.append(len(self._starts))
            self._streams.append(stream)
        self._starts.append(start)

    def gap(self, fact: Gap) -> None:
        """The stream broke: what was unfinished stays so."""
        self._data.pop(fact.source, None)
        self._base.pop(fact.source, None)
        self._begun.pop(fact.source, None)

    def answer(self, fact: FileBytes) -> None:
        """Bytes that were asked for arrived."""

    def stream(self, line: int) -> str:
        """The stream that a line belongs to."""
        return self._streams[bisect_right(self._stream_lines, line) - 1]

    def start(self, line: int) -> int:
        """The offset of a line in its stream."""
        return self._starts[line]

    def line_at(self, stream: str, offset: int) -> int | None:
        """The line of ``stream`` that holds ``offset``."""
        for line in range(len(self._starts) - 1, -1, -1):
            if self.stream(line) == stream and self._starts[line] <= offset:
                return line
        return None

    def window(self, first: int, count: int) -> list[str | None]:
        """Raw text of ``count`` lines from ``first`` on; None where the bytes are not at hand."""
        return [self._text(i) for i in range(first, min(first + count, len(self._starts)))]

    def _text(self, line: int) -> str | None:
        stream, start = self.stream(line), self._starts[line]
        data, base = self._data.get(stream), self._base.get(stream, 0)
        if data is None or start < base:
            return None
        end = data.find(b"\n", start - base)
        return bytes(data[start - base : end]).decode("utf-8", "replace").rstrip("\r")

    def search(self, pattern: str, start: int, backwards: bool = False) -> int | None:
        """The next line at hand, from ``start`` on, that the regular expression matches."""
        try:
            wanted = re.compile(pattern, re.IGNORECASE)
        except re.error:
            wanted = re.compile(re.escape(pattern), re.IGNORECASE)
        order = range(start, -1, -1) if backwards else range(start, len(self._starts))
        for line in order:
            text = self._text(line)
            if text is not None and wanted.search(text):
                return line
        return None
