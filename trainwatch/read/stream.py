"""One byte stream: lines in, records out.

The law of this file: what is read from a line depends on the lines before it and on nothing else.
The chunks that the bytes came in decide only how rows are bundled, never what they say; so rows,
their steps and the last state of every counter are the same in any chunking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.read.bars import Bars
from trainwatch.read.clean import clean
from trainwatch.read.dialect import Bar, Dialect, Event, Found, Pairs
from trainwatch.read.formats import bar
from trainwatch.read.lines import Block, Blocks, Line
from trainwatch.read.meaning import plan
from trainwatch.read.records import Notice, NoticeKind, Progress, Record, Unread
from trainwatch.read.rows import Rows, counts_steps, step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

READ_CAP = 1 << 16
"""Characters of one line that are looked at."""

_FINDINGS = 16  # of one line; what comes after is not looked at
_SAMPLE = 200


class Stream:
    """Reads one source."""

    def __init__(self, source: str, dialects: Sequence[Dialect]) -> None:
        self.source = source
        self.lines = 0
        self.points = 0
        self.understood: dict[str, int] = {}
        self._dialects = dialects
        self._blocks = Blocks()
        self._bars = Bars()
        self._rows = Rows()
        self._notices: list[Notice] = []
        self._progress: dict[tuple[str, str, str], Progress] = {}
        self._urgent: list[Progress] = []
        self._unread: tuple[int, Line] | None = None
        self._count: float | None = None  # where the training's own bar stood
        self._owes = False  # rows without a step have left in an earlier feed
        self._live = -1  # offset of the unfinished bar that was already told

    def feed(self, offset: int, data: bytes, at: float | None) -> list[Record]:
        """The records of these bytes."""
        for block in self._blocks.feed(offset, data):
            self._block(block, at)
        self._look_ahead(at)
        return self._take(at)

    def break_off(self, at: float | None) -> list[Record]:
        """The stream ended or continues nothing: the unfinished line is read as it is."""
        block = self._blocks.break_off()
        if block:
            self._block(block, at)
        return self._take(at)

    def _block(self, block: Block, at: float | None) -> None:
        for line in block.lines():
            self._line(line, at)

    def _line(self, line: Line, at: float | None) -> None:
        self.lines += 1
        text = line.text[:READ_CAP]
        if not self._text(text, line.offset, at) and any(c.isdigit() for c in text):
            count, first = self._unread or (0, line)
            self._unread = (count + 1, first)

    def _text(self, text: str, offset: int, at: float | None) -> bool:
        """Everything that is in the line, left to right; False when nothing was understood."""
        understood = False
        for _ in range(_FINDINGS):
            name, found = self._first(text)
            if found is None:
                break
            self._found(found, offset, at)
            self.understood[name] = self.understood.get(name, 0) + 1
            understood = True
            text = text[found.end :]
        return understood

    def _first(self, text: str) -> tuple[str, Found | None]:
        """What begins first in ``text``; of two at one place, the more specific dialect's."""
        name, first = "", None
        for dialect in self._dialects:
            found = dialect.read(text)
            if found and (first is None or found.start < first.start):
                name, first = dialect.__name__.rpartition(".")[2], found
        return name, first

    def _found(self, found: Found, offset: int, at: float | None) -> None:
        if isinstance(found, Bar):
            self._bar(found, offset, at)
        elif isinstance(found, Event):
            self._notice(found.kind, found.text, offset, at)
        else:
            self._pairs(found, offset, at)

    def _pairs(self, found: Pairs, offset: int, at: float | None) -> None:
        how = plan(found.keys)
        if how is None:
            return
        if how.summary:
            text = ", ".join(f"{k} {v:g}" for k, v in zip(found.keys, found.values, strict=True))
            self._notice("summary", text, offset, at)
            return
        if how.trains:
            self._bars.logged()
        row = how.row(found.values)
        self._rows.add(how.keys, row, offset, how.step_of(found.values), how.epoch_of(found.values))
        self.points += len(row)

    def _bar(self, drawn: Bar, offset: int, at: float | None) -> None:
        progress = self._bars.progress(drawn, self.source, offset, at)
        if counts_steps(progress):
            self._rows.stepped(step_of(progress, self._count))
            if self._owes:
                self._urgent.append(progress)
                self._owes = False
            self._count = progress.done
        self._progress[progress.split, progress.unit, progress.label] = progress

    def _notice(self, kind: NoticeKind, text: str, offset: int, at: float | None) -> None:
        self._notices.append(Notice(kind, clean(text, _SAMPLE), self.source, offset, at))

    def _look_ahead(self, at: float | None) -> None:
        """A bar is read as soon as it is whole: the next redraw may be long in coming."""
        for line in self._blocks.live():
            found = bar.read(line.text)
            if found and line.offset > self._live:
                self._bar(found, line.offset, at)
                self._live = line.offset

    def _take(self, at: float | None) -> list[Record]:
        """Everything of this feed, bundled: what rows wait for first, then rows, then the rest."""
        metrics, waits = self._rows.take(self.source, at)
        self._owes = self._owes or waits
        unread = []
        if self._unread:
            count, first = self._unread
            unread = [Unread(self.source, count, first.offset, clean(first.text, _SAMPLE), at)]
        newest = [p for p in self._progress.values() if p not in self._urgent]
        newest.sort(key=lambda p: p.offset)
        records: list[Record] = [*self._urgent, *metrics, *self._notices, *newest, *unread]
        self._urgent.clear()
        self._notices.clear()
        self._progress.clear()
        self._unread = None
        return records
