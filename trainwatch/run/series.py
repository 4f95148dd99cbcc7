"""One quantity over the course of a run, cheap to draw at any zoom.

The law of this file: values are appended in the order of the axis; drawing asks the pyramid and
never walks points. Values that are not finite stay in the column, are listed in ``marks`` and are
in no summary.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import inf, isfinite
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.run.pyramid import Pyramid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import Key
    from trainwatch.run.rows import Rows

Axis: TypeAlias = Literal["step", "epoch", "time"]

EXACT_SMOOTHING = 4096
"""Up to so many points the moving average is taken over every point, beyond over columns."""


class Span(NamedTuple):
    """What one chart column shows of a series."""

    lo: float
    hi: float
    mean: float
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


class Series:
    """Values of one key with the rows they were reported in."""

    def __init__(self, key: Key, rows: Rows) -> None:
        self.key = key
        self.rows = rows
        self.values: array[float] = array("d")
        self.marks: list[tuple[int, float]] = []
        """Points that are not finite: (index, value)."""
        self.segments: list[int] = []
        """First index of each stretch; a restart that goes back begins a new one."""
        self.zeros = 0
        """How many values are exactly zero."""
        self._pyramid = Pyramid(self.values)
        self._run_index: array[int] = array("I")
        self._run_row: array[int] = array("I")
        self._anchors: dict[Axis, _Anchors] = {}

    def __len__(self) -> int:
        return len(self.values)

    # --- points ---------------------------------------------------------------------------

    @property
    def last(self) -> float | None:
        """The newest value, None for an empty series."""
        return self.values[-1] if self.values else None

    def value(self, index: int) -> float:
        """The value of one point; may be NaN or infinite."""
        return self.values[index]

    def row(self, index: int) -> int:
        """The row of the table that the point was reported in."""
        if index < 0:
            index += len(self.values)
        run = bisect_right(self._run_index, index) - 1
        return self._run_row[run] + index - self._run_index[run]

    def step(self, index: int) -> int | None:
        """The training step of the point."""
        return self.rows.step(self.row(index))

    def epoch(self, index: int) -> float | None:
        """The epoch of the point, as a fraction."""
        return self.rows.epoch(self.row(index))

    def at(self, index: int) -> float | None:
        """When the point arrived, seconds since the epoch; None for history."""
        return self.rows.at(self.row(index))

    def offset(self, index: int) -> int:
        """Where in its source the line of the point starts."""
        return self.rows.offsets[self.row(index)]

    def source(self, index: int) -> str:
        """The stream or file that the point was read from."""
        return self.rows.source(self.row(index))

    def runs(self) -> Sequence[tuple[int, int, int]]:
        """The points as stretches of consecutive rows: (first index, first row, length)."""
        ends = [*self._run_index[1:], len(self.values)]
        return [
            (i, r, end - i) for i, r, end in zip(self._run_index, self._run_row, ends, strict=True)
        ]

    # --- growing --------------------------------------------------------------------------

    def extend(self, row: int, values: array[float], breaks: Sequence[int] = ()) -> None:
        """Append the values of consecutive rows from ``row`` on.

        ``breaks``: places inside ``values`` where the steps go back.
        """
        first = len(self.values)
        if not first or self._goes_back(first - 1, row):
            self.segments.append(first)
        self.segments += [first + b for b in breaks]
        if not first or self.row(first - 1) + 1 != row:
            self._run_index.append(first)
            self._run_row.append(row)
        self.values.extend(values)
        if not isfinite(sum(values)):
            self.marks += [(first + i, v) for i, v in enumerate(values) if not isfinite(v)]
        self.zeros += values.count(0.0)
        self._pyramid.grow()

    def _goes_back(self, index: int, row: int) -> bool:
        old, new = self.step(index), self.rows.step(row)
        if old is not None and new is not None:
            return new < old
        was, now = self.epoch(index), self.rows.epoch(row)
        return was is not None and now is not None and now < was

    def refresh(self) -> None:
        """Steps of rows were corrected: what was derived from them is out of date."""
        self._anchors.clear()

    # --- axes -----------------------------------------------------------------------------

    def extent(self, axis: Axis) -> tuple[float, float] | None:
        """Smallest and largest place on the axis, None where no point has one."""
        anchors = self._known(axis)
        return (anchors.low, anchors.high) if anchors.places else None

    def _known(self, axis: Axis) -> _Anchors:
        anchors = self._anchors.setdefault(axis, _Anchors())
        anchors.grow(self, axis)
        return anchors

    def pieces(self) -> list[tuple[int, int]]:
        """The stretches that count, (start, stop): what a restart repeated is cut from the older."""
        ends = [*self.segments[1:], len(self.values)]
        kept: list[tuple[int, int]] = []
        limit = inf
        for start, end in zip(reversed(self.segments), reversed(ends), strict=True):
            stop = end
            if limit < inf:
                stop = start + bisect_left(
                    range(start, end), limit, key=lambda i: self.step(i) or 0
                )
            kept.append((start, stop))
            first = self.step(start)
            limit = min(limit, inf if first is None else first)
        return kept[::-1]

    def superseded(self) -> list[tuple[int, int]]:
        """The stretches that a restart ran again, (start, stop)."""
        ends = [*self.segments[1:], len(self.values)]
        return [
            (stop, end) for (_, stop), end in zip(self.pieces(), ends, strict=True) if stop < end
        ]

    # --- drawing --------------------------------------------------------------------------

    def spans(
        self, axis: Axis, start: float, stop: float, width: int, *, cut: bool = False
    ) -> list[Span | None]:
        """What each of ``width`` columns between the places ``start`` and ``stop`` shows.

        A column holds the points from its left edge up to its right edge, the last one also those
        on ``stop``. ``cut`` asks for the stretches that a restart ran again instead.
        """
        found: list[Span | None] = [None] * width
        if width < 1 or stop < start:
            return found
        edges = [start + (stop - start) * k / width for k in range(width)]
        anchors = self._known(axis)
        for low, high in self.superseded() if cut else self.pieces():
            indexes = anchors.locate(edges, low, high)
            indexes.append(anchors.after(stop, low, high))
            for column, span in enumerate(self._columns(indexes)):
                if span is not None:
                    old = found[column]
                    found[column] = span if old is None else _merged(old, span)
        return found

    def _columns(self, edges: list[int]) -> list[Span | None]:
        if edges[0] == edges[-1]:
            return [None] * (len(edges) - 1)
        found: list[Span | None] = []
        for (a, b), (lo, hi, total) in zip(
            pairwise(edges), self._pyramid.columns(edges), strict=True
        ):
            count = b - a - (self._marked(a, b) if self.marks else 0)
            if lo == inf:
                found.append(None)
            else:
                count = max(count, 1)
                found.append(Span(lo, hi, min(max(total / count, lo), hi), count))
        return found

    def _marked(self, start: int, stop: int) -> int:
        return bisect_left(self.marks, (stop,)) - bisect_left(self.marks, (start,))

    def smoothed(
        self, axis: Axis, start: float, stop: float, width: int, weight: float
    ) -> list[float | None]:
        """The debiased exponential moving average at each column, ``weight`` 0 (none) to 1.

        Over every point while there are few, over the means of the columns when there are many.
        """
        spans = self.spans(axis, start, stop, width)
        if len(self.values) > EXACT_SMOOTHING:
            return _averaged([None if s is None else s.mean for s in spans], weight)
        return self._averaged_points(axis, start, stop, width, weight)

    def _averaged_points(
        self, axis: Axis, start: float, stop: float, width: int, weight: float
    ) -> list[float | None]:
        anchors = self._known(axis)
        found: list[float | None] = [None] * width
        points = [i for low, high in self.pieces() for i in range(low, high)]
        smooth = _averaged([self.values[i] for i in points], weight)
        scale = width / (stop - start) if stop > start else 0.0
        for index, value in zip(points, smooth, strict=True):
            place = anchors.place(index)
            if place is not None and start <= place <= stop and value is not None:
                found[min(int((place - start) * scale), width - 1)] = value
        return found

    def nearest(self, axis: Axis, place: float) -> int | None:
        """The point nearest to a place on the axis."""
        anchors = self._known(axis)
        best: tuple[float, int] | None = None
        for low, high in self.pieces():
            after = anchors.locate([place], low, high)[0]
            for index in (after - 1, after):
                if low <= index < high and (x := anchors.place(index)) is not None:
                    best = min(best or (inf, 0), (abs(x - place), index))
        return None if best is None else best[1]


class _Anchors:
    """The known places of a series on one axis."""

    def __init__(self) -> None:
        self.places: array[float] = array("d")
        self.indexes: array[int] = array("I")
        self.low = inf
        self.high = -inf
        self._seen = 0

    def grow(self, series: Series, axis: Axis) -> None:
        """Take in the points that were appended since."""
        rows = series.rows
        tell = {"step": rows.step, "epoch": rows.epoch, "time": rows.at}[axis]
        for index in range(self._seen, len(series)):
            place = tell(series.row(index))
            if place is not None:
                self.places.append(place)
                self.indexes.append(index)
                self.low = min(self.low, place)
                self.high = max(self.high, place)
        self._seen = len(series)

    def place(self, index: int) -> float | None:
        """Where a point is."""
        at = bisect_left(self.indexes, index)
        known = at < len(self.indexes) and self.indexes[at] == index
        return self.places[at] if known else None

    def locate(self, places: Sequence[float], low: int, high: int) -> list[int]:
        """For each place the first index in ``low .. high`` that is not before it."""
        a, b = bisect_left(self.indexes, low), bisect_left(self.indexes, high)
        found = []
        for place in places:
            at = bisect_left(self.places, place, a, b)
            found.append(self.indexes[at] if at < b else high)
        return found

    def after(self, place: float, low: int, high: int) -> int:
        """The first index in ``low .. high`` beyond the place."""
        a, b = bisect_left(self.indexes, low), bisect_left(self.indexes, high)
        at = bisect_right(self.places, place, a, b)
        return self.indexes[at] if at < b else high


def _merged(one: Span, other: Span) -> Span:
    count = one.count + other.count
    mean = (one.mean * one.count + other.mean * other.count) / count
    return Span(min(one.lo, other.lo), max(one.hi, other.hi), mean, count)


def _averaged(values: Sequence[float | None], weight: float) -> list[float | None]:
    found: list[float | None] = []
    state, bias = 0.0, 1.0
    for value in values:
        if value is None or not isfinite(value):
            found.append(None)
            continue
        state = weight * state + (1 - weight) * value
        bias *= weight
        found.append(state / (1 - bias))
    return found
