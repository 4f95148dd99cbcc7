"""The lines of the log: where each begins, and the newest of them at hand.

The law of this file: text stays in the source; kept are offsets (4 bytes per line, 8 in a log over 4 GiB) and a bounded
window of bytes. A progress bar that redraws itself with carriage returns is one line, its last
state.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainwatch.facts import Chunk, FileBytes, Gap

RESIDENT = 2 << 20
"""Bytes of the newest log kept at hand."""
_RETURN = ord("\r")
ANSWERED = 4 << 20
"""Bytes of older log kept at hand, of those that were asked for."""
LIVE = 4096
"""Bytes of an unfinished line kept."""


class Log:
    """An index over the lines of all streams, in the order in which they were finished."""

    def __init__(self) -> None:
        self._starts: array[int] = array("I")
        self._stream_lines: array[int] = array("I")
        self._streams: list[str] = []
        self._data: dict[str, bytearray] = {}
        self._base: dict[str, int] = {}
        self._begun: dict[str, int] = {}
        self._live = ""
        self._answers: list[tuple[str, int, bytes]] = []  # (stream, offset, bytes), newest last

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
        try:
            self._starts.append(start)
        except OverflowError:
            self._starts = array("q", self._starts)
            self._starts.append(start)

    def gap(self, fact: Gap) -> None:
        """The stream broke: what was unfinished stays so."""
        self._answers = [a for a in self._answers if a[0] != fact.source]
        self._data.pop(fact.source, None)
        self._base.pop(fact.source, None)
        self._begun.pop(fact.source, None)

    def answer(self, fact: FileBytes) -> bool:
        """Older bytes of a stream that were asked for arrived; False when they are of no stream."""
        if fact.path not in self._streams:
            return False
        self._answers.append((fact.path, fact.offset, fact.data))
        while len(self._answers) > 1 and sum(len(a[2]) for a in self._answers) > ANSWERED:
            del self._answers[0]
        return True

    def stream(self, line: int) -> str:
        """The stream that a line belongs to."""
        return self._streams[bisect_right(self._stream_lines, line) - 1]

    def start(self, line: int) -> int:
        """The offset of a line in its stream."""
        return self._starts[line]

    def line_at(self, stream: str, offset: int) -> int | None:
        """The line of ``stream`` that holds ``offset``; of the newest writing where there were more."""
        ends = [*self._stream_lines[1:], len(self._starts)]
        for run in range(len(self._streams) - 1, -1, -1):
            first, end = self._stream_lines[run], ends[run]
            if self._streams[run] == stream and self._starts[first] <= offset:
                return bisect_right(self._starts, offset, first, end) - 1
        return None

    def window(self, first: int, count: int) -> list[str | None]:
        """Raw text of ``count`` lines from ``first`` on; None where the bytes are not at hand."""
        return [self._text(i) for i in range(first, min(first + count, len(self._starts)))]

    def _text(self, line: int) -> str | None:
        stream, start = self.stream(line), self._starts[line]
        data, base = self._data.get(stream), self._base.get(stream, 0)
        if data is not None and start >= base:
            return _line_in(data, start - base)
        for source, offset, answer in reversed(self._answers):
            if source == stream and offset <= start < offset + len(answer):
                return _line_in(answer, start - offset)
        return None

    def search(self, pattern: str, start: int, backwards: bool = False) -> int | None:
        """The next line at hand, from ``start`` on, that the regular expression matches."""
        try:
            wanted = re.compile(pattern, re.IGNORECASE)
        except re.error:
            wanted = re.compile(re.escape(pattern), re.IGNORECASE)
        oldest = 0 if self._answers else self._oldest()
        order = range(start, oldest - 1, -1) if backwards else range(max(start, oldest), self.lines)
        for line in order:
            text = self._text(line)
            if text is not None and wanted.search(text):
                return line
        return None

    def _oldest(self) -> int:
        """A line before which none is at hand."""
        if len(self._data) != 1 or not self._stream_lines:
            return 0
        ((stream, base),) = self._base.items()
        first = self._stream_lines[-1]
        return bisect_left(self._starts, base, first) if self._streams[-1] == stream else 0


def _line_in(data: bytes | bytearray, start: int) -> str | None:
    """The line that starts there; None where its end is not in the bytes."""
    end = data.find(b"\n", start)
    return None if end < 0 else bytes(data[start:end]).decode("utf-8", "replace").rstrip("\r")


def _last_state(data: bytearray, start: int, end: int) -> int:
    """Where the last state of a line begins that may have been redrawn with carriage returns."""
    while end > start and data[end - 1] == _RETURN:
        end -= 1
    return max(data.rfind(b"\r", start, end) + 1, start)
