"""One byte stream: lines in, records out.

The law of this file: what is read from a line depends on the lines before it and on nothing else.
The chunks that the bytes came in decide only how rows are bundled, never what they say; so rows,
their steps and the last state of every counter are the same in any chunking.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from trainwatch.read.bars import Bars
from trainwatch.read.carried import Carried
from trainwatch.read.clean import clean
from trainwatch.read.dialect import Bar
from trainwatch.read.formats import bar
from trainwatch.read.lines import Block, Blocks, Line, split
from trainwatch.read.meaning import NO_PLAN, Plan
from trainwatch.read.placing import Lot, Placing
from trainwatch.read.records import Notice, NoticeKind, Progress, Record, Unread
from trainwatch.read.rows import Rows, counts_steps, step_of
from trainwatch.read.sense import Row, Sense
from trainwatch.read.shapes import DIGITS, Shape, Shapes, ending, skeleton
from trainwatch.read.stretch import Fast, Stretch, states
from trainwatch.read.taught import Taught
from trainwatch.read.tokens import has_digit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.read.dialect import Dialect

READ_CAP = 1 << 16
"""Characters of one line that are looked at."""

_PLACE = re.compile(rb'\s*(?:\S+\.py:\d+: \w*Warning:|File "[^"\n]{1,400}", line \d+)')
"""Where Python warns or failed: its number is that of a line of a program."""
_CARRIES = re.compile(r"[=\[{]|:\s*[-\d]")  # a label with numbers of its own
_FINDINGS = 16  # of one line; what comes after is not looked at
_GLUED = re.compile(rb"(?<=[^\s])\[(?:rank|default)\d{1,5}\]:")
"""Where a rank's line begins behind another's, whose end came later: ``...[rank1]: step 2``."""

_SAMPLE = 200
_REMEMBERED = 4096  # bytes of whole lines, for comparison with one that may be cut
_KINDS = 20


class Stream:
    """Reads one source; an ``exact`` one is a file of numbers, no log."""

    def __init__(
        self,
        source: str,
        dialects: Sequence[Dialect],
        patterns: Sequence[tuple[str, str]] = (),
        *,
        exact: bool = False,
    ) -> None:
        self.source = source
        self.lines = 0
        self.points = 0
        self.understood: dict[str, int] = {}
        self._drawing = [d for d in dialects if getattr(d, "DRAWS", False)]
        self._sense = Sense([d for d in dialects if d not in self._drawing])
        self._taught = Taught(patterns)
        self._placing = Placing(exact)
        self._carried = Carried()
        self._blocks = Blocks()
        self._whole = b""  # the newest of what was whole lines
        self._shapes = Shapes()
        self._bars = Bars()
        self._rows = Rows()
        self._fast: Fast | None = None
        self._redraws: Callable[[bytes], re.Match[bytes] | None] | None = None
        self._bar_total: int | None = None
        self._notices: list[Notice] = []
        self._progress: dict[tuple[str, str, str], Progress] = {}
        self._urgent: list[Progress] = []
        self._unread = 0
        self._kinds: set[bytes] = set()  # of lines that were not understood, the first few
        self._strange: list[Line] = []  # the first of each kind, until told
        self._count = 0  # where the training's own bar stood
        self._live = -1  # offset of the unfinished bar that was already told
        self._at: float | None = None

    def feed(self, offset: int, data: bytes, at: float | None) -> list[Record]:
        """The records of these bytes."""
        self._at = at
        for block in self._blocks.feed(offset, data):
            self._block(block)
            newest = block.data[max(block.start, block.end - _REMEMBERED) : block.end]
            self._whole = (self._whole + newest)[-_REMEMBERED:]
        self._look_ahead()
        return self._take()

    def break_off(self, at: float | None) -> list[Record]:
        """The stream ended or continues nothing: the unfinished line is read as it is."""
        self._at = at
        block = self._blocks.break_off()
        if block:
            self._torn(block)
        for row in self._sense.finish():
            self._numbers(row.plan, [[value] for value in row.values], [row.offset])
        return self._take()

    def _torn(self, block: Block) -> None:
        """A line without end may be cut in a number: it is read to its last bracket.

        One that ends as a whole line did, with a number of as many digits, is not cut.
        """
        known = {ending(one) for one in re.split(rb"[\r\n]+", self._whole)}
        for line in block.lines():
            closed = max(line.data.rfind(b"}"), line.data.rfind(b"]")) + 1
            if ending(line.data) in known or not has_digit(line.text):
                closed = len(line.data)
            if closed:
                self._line(line.offset, line.data[:closed])
            if rest := line.data[closed:]:
                self._not_read(line.offset + closed, rest, skeleton(rest))

    # --- lines ----------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        """Whole lines: stretches of the usual shape the fast way, the lines between them singly."""
        base, data, start, stop = block
        known, sense, singly = self._shapes.known, self._sense, start
        while start < stop:
            if self._may_run() and start >= singly and self._fast:
                found = self._fast.take(data, start, stop, self._count)
                if isinstance(found, Stretch):
                    self._stretch(self._fast.shape, found, base, data)
                    start = found.end
                else:
                    singly = found
            end = data.find(b"\n", start, stop)
            end = stop if end < 0 else end
            if end > start:
                raw = data[start:end]
                mark = raw.translate(None, DIGITS)
                if known.get(mark, _NEW) is None and not (sense.attentive or self._taught):
                    self._not_read(base + start, raw, mark)
                else:
                    self._drawn(base + start, raw)
            self.lines += 1
            start = end + 1

    def _may_run(self) -> bool:
        return not (self._bars.strayed or self._sense.attentive or self._taught)

    def _stretch(self, shape: Shape, found: Stretch, base: int, data: bytes) -> None:
        """Take in many rows at once, and of the bars between them the first and the last."""
        if found.drawn:
            for end in found.drawn:
                self._state(base, data, end)
        offsets = [base + place for place in found.offsets]
        self._numbers(shape.plan, found.columns, offsets, found.steps)
        shape.rows += len(offsets)
        self.lines += len(offsets)

    def _drawn(self, offset: int, raw: bytes) -> None:
        """What came between two line feeds: states of one line, drawn over each other."""
        if b"\r" in raw and self._redraws and not self._bars.strayed:
            states = self._redraws(raw)
            if states:
                self._state(offset, raw, raw.index(b"]", states.end(1)) + 1)
                if states[2]:
                    self._state(offset, raw, raw.index(b"]", states.end(2)) + 1)
                offset, raw = offset + states.end(), raw[states.end() :]
        for line in split(offset, raw):
            self._line(line.offset, line.data)

    def _state(self, offset: int, data: bytes, end: int) -> None:
        """Read the state of the training's own bar that ends at ``end``."""
        start = max(data.rfind(b"\r", 0, end), data.rfind(b"\n", 0, end)) + 1
        found = bar.read(data[start:end].decode("utf-8", "replace"))
        if found:
            self._bar(found, offset + start)

    def _line(self, offset: int, raw: bytes) -> None:
        if raw.isspace() or (self._taught and self._by_pattern(offset, raw)):
            return
        mark = skeleton(raw)
        attentive = self._sense.attentive
        shape = _NEW if attentive else self._shapes.known.get(mark, _NEW)
        columns = shape.columns(raw) if shape else None
        if shape and columns:
            self._numbers(shape.plan, columns, [offset])
            self._prefer(shape)
        elif shape is None or not self._slow(offset, raw):
            self._not_read(offset, raw, mark)

    def _by_pattern(self, offset: int, raw: bytes) -> bool:
        row = self._taught.read(Line(offset, raw).text, offset)
        if row is None:
            return False
        self._numbers(row.plan, [[value] for value in row.values], [offset])
        self._understood("pattern")
        return True

    def _not_read(self, offset: int, raw: bytes, mark: bytes) -> None:
        if len(mark) == len(raw) or (b".py" in raw and _PLACE.match(raw)):
            return
        self._unread += 1
        if len(self._kinds) < _KINDS and mark not in self._kinds:
            self._kinds.add(mark)
            self._strange.append(Line(offset, raw))

    # --- rows -----------------------------------------------------------------------------

    def _prefer(self, shape: Shape) -> None:
        """Rows of the most frequent shape are read the fast way."""
        shape.rows += 1
        if self._fast is None or shape.rows > self._fast.shape.rows:
            self._fast = Fast(shape, self._bar_total)

    def _numbers(
        self,
        how: Plan,
        columns: Sequence[Sequence[float]],
        offsets: Sequence[int],
        steps: Sequence[int] = (),
    ) -> None:
        if how.trains:
            self._bars.logged()
            self._lock()
        for placed in self._placing.place(Lot(how, columns, offsets, steps)):
            self._rows.add(placed)
            self.points += len(placed.offsets) * len(placed.keys)
        self._counted(how, offsets[-1])

    def _counted(self, how: Plan, offset: int, heading: bool = False) -> None:
        """A line that tells a count and its total moves the progress; a heading needs no total."""
        counting = self._placing.counting
        stepped = how.step is not None or (how.batch is not None and how.epoch is None)
        if stepped and counting.step >= 0 and (counting.steps or heading):
            self._progressed(self._count_of(counting.step, counting.steps, "step", offset))
        elif heading and how.steps is not None and counting.steps and counting.step < 0:
            self._progressed(self._count_of(0, counting.steps, "step", offset))
        if how.epoch is not None and not how.joins and (counting.epochs or heading):
            self._progressed(self._count_of(counting.epoch, counting.epochs, "epoch", offset))

    def _count_of(
        self, done: float, total: float | None, unit: Literal["step", "epoch"], offset: int
    ) -> Progress:
        return Progress(
            self.source, offset, done, total, unit, "", "train", None, None, None, self._at
        )

    # --- one line, the slow way -----------------------------------------------------------

    def _slow(self, offset: int, raw: bytes) -> bool:
        """Everything that is in the line, left to right; False when nothing was understood."""
        glued = [found.start() for found in islice(_GLUED.finditer(raw), _FINDINGS)]
        if glued:
            ends = [0, *glued, len(raw)] if len(glued) < _FINDINGS else [0, *glued]
            for start, end in pairwise(ends):
                self._line(offset + start, raw[start:end])
            return True
        text = Line(offset, raw).text[:READ_CAP]
        found = self._first_bar(text)
        if found is None:
            return self._text(offset, text, raw)
        for _ in range(_FINDINGS):
            if found is None:
                break
            self._drawn_bar(offset, found, text[: found.start].strip().rstrip(":"))
            text = text[found.end :]
            found = self._first_bar(text)
        if text.strip():
            self._text(offset, text)
        return True

    def _first_bar(self, text: str) -> Bar | None:
        found = (dialect.read(text) for dialect in self._drawing)
        return min((b for b in found if isinstance(b, Bar)), key=attrgetter("start"), default=None)

    def _drawn_bar(self, offset: int, found: Bar, before: str) -> None:
        """A bar, and the numbers that it carries in front and behind."""
        if "{" in before and self._text(offset, before):
            found, before = found._replace(label=""), ""
        beside = self._sense.beside_bar(before)
        found = found._replace(settles=found.settles or self._sense.in_row)
        progress = self._bars.progress(found, self.source, offset, self._at)
        row = self._carried.news(found, beside, progress, self._placing.counting.epoch)
        if row:
            self._numbers(row.plan, [[value] for value in row.values], [offset])
        self._progressed(progress)

    def _text(self, offset: int, text: str, raw: bytes = b"") -> bool:
        """What a line without bars means; ``raw`` is given when it is a whole line."""
        meaning = self._sense.read(text, offset)
        for row in meaning.rows:
            if row.plan.summary:
                self._notice("summary", text.strip(), offset)
            else:
                self._numbers(row.plan, [[value] for value in row.values], [row.offset])
        if meaning.event:
            self._notice(meaning.event.kind, meaning.event.text, offset)
        if meaning.heading:
            self._head(meaning.heading)
        if raw and not self._sense.attentive:
            if meaning.pairs and not meaning.rows[0].plan.summary:
                self._shapes.learn(raw, meaning.pairs, meaning.rows[0].plan)
            elif not meaning.dialect and not self._sense.may_head(text):
                self._shapes.learn(raw, None, None)
        if meaning.dialect:
            self._understood(meaning.dialect)
        return bool(meaning.dialect)

    def _understood(self, dialect: str) -> None:
        self.understood[dialect] = self.understood.get(dialect, 0) + 1

    def _head(self, heading: Row) -> None:
        """Counts that hold for the lines below."""
        self._bars.headed()
        self._placing.head(
            Lot(heading.plan, [[value] for value in heading.values], [heading.offset])
        )
        self._counted(heading.plan, heading.offset, heading=True)

    # --- bars -----------------------------------------------------------------------------

    def _bar(self, drawn: Bar, offset: int) -> None:
        self._progressed(self._bars.progress(drawn, self.source, offset, self._at))

    def _progressed(self, progress: Progress) -> None:
        if counts_steps(progress):
            self._rows.stepped(step_of(int(progress.done), self._count))
            if self._rows.owes:
                self._urgent.append(progress)
                self._rows.owes = False
            self._count = int(progress.done)
            self._lock()
        self._progress[progress.split, progress.unit, progress.label] = progress

    def _lock(self) -> None:
        """Redraws of the own bar are known by its total."""
        total = self._bars.bare_total
        if total != self._bar_total:
            self._bar_total = total
            redraws = None if total is None else re.compile(states(total) + rb"(?:\r *)*(?:\r|$)")
            self._redraws = redraws.match if redraws else None
            if self._fast:
                self._fast = Fast(self._fast.shape, total)

    def _look_ahead(self) -> None:
        """A bar is read as soon as it is whole: the next redraw may be long in coming."""
        line = self._blocks.live()
        if line is None or line.offset <= self._live:
            return
        text = line.text.rstrip()
        found = self._first_bar(text) if text.endswith("]") else None
        bare = found and not found.settles and not _CARRIES.search(found.label)
        if found and bare and found.end == len(text):
            self._bar(found, line.offset)
            self._live = line.offset

    def _notice(self, kind: NoticeKind, text: str, offset: int) -> None:
        self._notices.append(Notice(kind, clean(text, _SAMPLE), self.source, offset, self._at))

    # --- records --------------------------------------------------------------------------

    def _take(self) -> list[Record]:
        """Everything of this feed, bundled.

        Counts come before rows: those that rows of an earlier feed wait for, and no count that was
        shown before a row may settle its step.
        """
        metrics = self._rows.take(self.source, self._at)
        newest = [p for p in self._progress.values() if p not in self._urgent]
        newest.sort(key=lambda p: p.offset)
        records: list[Record] = [*self._urgent, *newest, *metrics, *self._notices]
        records += self._not_understood()
        self._urgent.clear()
        self._notices.clear()
        self._progress.clear()
        return records

    def _not_understood(self) -> list[Unread]:
        """How many lines; those that are the first of their kind one by one."""
        strange, count = self._strange, self._unread
        self._strange, self._unread = [], 0
        if not count:
            return []
        rest = count - len(strange) + 1 if strange else count
        lines = strange or [Line(-1, b"")]
        return [
            Unread(
                self.source, 1 if place else rest, line.offset, clean(line.text, _SAMPLE), self._at
            )
            for place, line in enumerate(lines)
        ]


_NEW = Shape(NO_PLAN, b"")
"""Stands for a line whose like was never met."""
