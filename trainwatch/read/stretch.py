"""The fast way through a log: rows of one shape, with redraws of the training's own bar between.

The law of this file: it takes only what it accounts for byte by byte, and stops at the first line
that is anything else; what it gives is exactly what reading line by line would give. Of bars only
the first and the last count before each row matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.rows import step_of
from trainwatch.read.shapes import numbers

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from trainwatch.read.shapes import Shape

# One state of a bare bar, and states drawn over each other with the blanks that tqdm clears a bar
# with. Runs of "anything but one character" are what the expression engine is fast at.
_STATE = rb"...%\|[^|]*\| (\d+)/TOTAL \[[^]]*(?<=it/s|s/it)\]"
_STATES = rb"\r?STATE(?:\rSTATE)*\r *"


def states(total: int) -> bytes:
    """An expression for redraws of a bare bar. Groups: the first count, the last if it is another."""
    return _STATES.replace(b"STATE", _STATE).replace(b"TOTAL", b"%d" % total)


class Stretch(NamedTuple):
    """Rows of one shape that follow each other."""

    columns: Sequence[array[float]]
    offsets: Sequence[int]  # where in the block each row starts
    steps: Sequence[int]  # of the first rows: what the bars after them showed
    drawn: tuple[int, int] | None  # where in the block its first and its last state end
    end: int  # where in the block the stretch ends


class Fast:
    """Takes stretches of one shape out of blocks."""

    def __init__(self, shape: Shape, bar_total: int | None) -> None:
        self.shape = shape
        self.bar_total = bar_total
        drawn = rb"()()" if bar_total is None else rb"(?:%s\r?)?" % states(bar_total)
        self._match = re.compile(drawn + rb"()" + shape.expression + rb"\n").match

    def take(self, data: bytes, start: int, stop: int, count: int) -> Stretch | int:
        """The stretch at ``start``; ``count`` is where the bar stood.

        Where there is none: the place up to which lines must be read singly.
        """
        rows: list[tuple[bytes, ...]] = []
        offsets, end, match = [], start, self._match
        while found := match(data, end, stop):
            rows.append(found.groups())
            offsets.append(found.start(3))
            end = found.end()
        if not rows or data.count(b"\n", start, end) != len(rows):
            return end
        first, last, _, *texts = zip(*rows, strict=True)
        columns = numbers(texts)
        if columns is None:
            return end
        if not any(first):
            return Stretch(columns, offsets, (), None, end)
        steps, (begin, final) = _join(first, last, count)
        opening = data.index(b"]", offsets[begin - 1] if begin else start) + 1
        closing = data.rindex(b"]", 0, offsets[final]) + 1
        return Stretch(columns, offsets, steps, (opening, closing), end)


def _join(
    first: Sequence[bytes | None], last: Sequence[bytes | None], count: int
) -> tuple[list[int], tuple[int, int]]:
    """The steps of the rows before bars, and the rows that the first and the last bar are before."""
    if all(first[1:]):
        stood = [int(end or begin or count) for begin, end in zip(first, last, strict=True)]
        shown = (int(begin or b"") for begin in first[1:])
        return list(map(step_of, shown, stood)), (0 if first[0] else 1, len(first) - 1)
    steps: list[int] = []
    drawn = [row for row, begin in enumerate(first) if begin]
    for row in drawn:
        begin = first[row] or b""
        if row:
            steps += [step_of(int(begin), count)] * (row - len(steps))
        count = int(last[row] or begin)
    return steps, (drawn[0], drawn[-1])
