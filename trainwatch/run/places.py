"""Where the points of one series stand in the table of rows, and so on every axis.

The law of this file: points are kept as stretches of consecutive rows; every question is answered
by bisection, first over the stretches, then inside one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from math import ceil, floor
from operator import itemgetter
from typing import TYPE_CHECKING, Literal, TypeAlias

from trainwatch.run.rows import LATE, NO_EPOCH, NO_STEP, NO_TIME, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Axis: TypeAlias = Literal["step", "epoch", "entry", "time"]
"""``entry``: the how-manieth row of numbers it was, for runs that tell neither step nor epoch."""
BLOCK = 4096
"""So many points are looked at at once for one that is known: mostly the first or last of them is."""

_FLAGS: dict[Axis, int] = {"step": NO_STEP, "epoch": NO_EPOCH, "entry": 0, "time": NO_TIME}
_UNKNOWN = {axis: bytes(flags & flag for flags in range(256)) for axis, flag in _FLAGS.items()}


class Places:
    """The rows of a growing list of points."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self._size = 0
        self._points: array[int] = array("I")  # first point of each stretch
        self._firsts: array[int] = array("I")  # its row
        # The same in the order of rows, apart for those that came in time and those spliced in late.
        self._arrived = self._points, self._firsts
        self._late = array("I"), array("I")

    def __len__(self) -> int:
        return self._size

    def row(self, index: int) -> int:
        """The row of a point."""
        if index < 0:
            index += self._size
        run = bisect_right(self._points, index) - 1
        return self._firsts[run] + index - self._points[run]

    def runs(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int, int]]:
        """The points ``start .. stop`` as stretches of rows: (first point, first row, length)."""
        stop = self._size if stop is None else stop
        run = max(bisect_right(self._points, start) - 1, 0)
        while start < stop:
            end = min(self._end(run), stop)
            yield start, self._firsts[run] + start - self._points[run], end - start
            start, run = end, run + 1

    def _end(self, run: int) -> int:
        return self._points[run + 1] if run + 1 < len(self._points) else self._size

    def index(self, row: int) -> int | None:
        """The point in a row."""
        points, firsts = self._late if self.rows.flags[row] & LATE else self._arrived
        run = bisect_right(firsts, row) - 1
        if run < 0:
            return None
        index = points[run] + row - firsts[run]
        return index if index < self._size and self.row(index) == row else None

    # --- growing --------------------------------------------------------------------------

    def extend(self, row: int, size: int) -> None:
        """Append ``size`` points in the rows from ``row`` on."""
        if not self._size or self.row(self._size - 1) + 1 != row:
            self._points.append(self._size)
            self._firsts.append(row)
            if self._arrived[0] is not self._points:
                self._arrived[0].append(self._size)
                self._arrived[1].append(row)
        self._size += size

    def splice(self, index: int, row: int, size: int) -> None:
        """Put ``size`` points in the rows from ``row`` on before the point ``index``."""
        for late in range(row, row + size):
            self.rows.flags[late] |= LATE
        behind = [(p + size, first) for p, first, _ in self.runs(index)]
        before = [(p, first) for p, first, _ in self.runs(0, index)]
        runs = [*before, (index, row), *behind]
        self._points, self._firsts = _columns(runs)
        self._size += size
        flags = self.rows.flags
        self._arrived = _columns([r for r in runs if not flags[r[1]] & LATE])
        self._late = _columns(sorted((r for r in runs if flags[r[1]] & LATE), key=itemgetter(1)))

    # --- axes -----------------------------------------------------------------------------

    def place(self, axis: Axis, index: int) -> float | None:
        """Where a point is on the axis; None where nobody told."""
        row = self.row(index)
        if axis == "entry":
            return row + 1.0
        if axis == "step":
            return self.rows.step(row)
        return self.rows.epoch(row) if axis == "epoch" else self.rows.at(row)

    def extent(self, axis: Axis, low: int, high: int) -> tuple[float, float] | None:
        """The first and the last known place of the points ``low .. high``."""
        if low >= high or (axis == "epoch" and self.rows.epochs is None):
            return None
        if axis == "entry":
            return self.row(low) + 1.0, self.row(high - 1) + 1.0
        runs = bisect_right(self._points, low) - 1, bisect_left(self._points, high)
        first = self._known(axis, range(runs[0], runs[1]), low, high, bytes.find)
        if first is None:
            return None
        last = self._known(axis, range(runs[1] - 1, runs[0] - 1, -1), low, high, bytes.rfind)
        ends = self.place(axis, first), self.place(axis, first if last is None else last)
        return None if ends[0] is None or ends[1] is None else (ends[0], ends[1])

    def _known(
        self, axis: Axis, runs: range, low: int, high: int, find: Callable[[bytes, int], int]
    ) -> int | None:
        """The first point, in the given order of stretches, whose place is known."""
        for run in runs:
            begin, end = max(self._points[run], low), min(self._end(run), high)
            shift = self._firsts[run] - self._points[run]
            blocks = range(begin, end, BLOCK)
            for start in reversed(blocks) if runs.step < 0 else blocks:
                flags = bytes(self.rows.flags[start + shift : min(start + BLOCK, end) + shift])
                found = find(flags.translate(_UNKNOWN[axis]), 0)
                if found >= 0:
                    return start + found
        return None

    def find(self, axis: Axis, place: float, low: int, high: int, *, after: bool = False) -> int:
        """The first point in ``low .. high`` that is not before ``place``, or is ``after`` it."""
        if low >= high:
            return high
        if axis == "time":
            return self._find_row(self.rows.first_at(place, after=after), low, high)
        if axis == "entry":
            return self._find_row(floor(place) if after else ceil(place) - 1, low, high)
        column = self.rows.steps if axis == "step" else self.rows.epochs
        if column is None:
            return high
        bisect = bisect_right if after else bisect_left
        run = bisect_right(self._points, low) - 1
        last = bisect_left(self._points, high) - 1
        if last > run:
            key = column.__getitem__
            run = bisect(self._firsts, place, run + 1, last + 1, key=key) - 1
        shift = self._firsts[run] - self._points[run]
        begin, end = max(self._points[run], low), min(self._end(run), high)
        return bisect(column, place, begin + shift, end + shift) - shift

    def edges(self, axis: Axis, places: Sequence[float], low: int, high: int) -> list[int]:
        """``find`` for each of the ascending ``places``."""
        column = self.rows.steps if axis == "step" else self.rows.epochs
        run = bisect_right(self._points, low) - 1
        if axis in ("entry", "time") or column is None or low >= high or self._end(run) < high:
            return [self.find(axis, place, low, high) for place in places]
        shift = self._firsts[run] - self._points[run]
        begin, end = low + shift, high + shift
        found = []
        for place in places:
            begin = bisect_left(column, place, begin, end)
            found.append(begin - shift)
        return found

    def _find_row(self, row: int, low: int, high: int) -> int:
        points, firsts = self._arrived
        run = bisect_right(firsts, row) - 1
        if run < 0:
            found = points[0] if points else high
        else:
            end = self._end(bisect_right(self._points, points[run]) - 1)
            found = min(points[run] + row - firsts[run], end)
        return min(max(found, low), high)

    def goes_back(self, before: int, after: int) -> bool:
        """Whether the second of two rows is earlier in the training than the first."""
        rows = self.rows
        old, new = rows.step(before), rows.step(after)
        if old is not None and new is not None:
            return new < old
        was, now = rows.epoch(before), rows.epoch(after)
        return was is not None and now is not None and now < was


def _columns(runs: Sequence[tuple[int, int]]) -> tuple[array[int], array[int]]:
    return array("I", (point for point, _ in runs)), array("I", (row for _, row in runs))
