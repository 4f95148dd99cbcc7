"""One quantity over the course of a run, cheap to draw at any zoom.

The law of this file: values stand in the order of the axis; drawing asks the pyramid and never
walks points. Values that are not finite stay in the column, are listed in ``marks`` and are in no
summary.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import chain, pairwise
from math import inf, isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.places import Axis, Places
from trainwatch.run.pyramid import Pyramid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import Key
    from trainwatch.run.rows import Rows

__all__ = ["Axis", "Series", "Span"]

EXACT_SMOOTHING = 4096
"""Up to so many points the moving average is taken over every point, beyond over columns."""
MOST_LOOKS = 8
"""So many views are remembered, so that a frame of a growing run costs only what is new."""
WARM_UP = 0.5
"""The moving average begins so many widths before what is shown: zooming hardly changes it."""


class Span(NamedTuple):
    """What one chart column shows of a series."""

    lo: float
    hi: float
    mean: float
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs here


class _Look(NamedTuple):
    """The columns of one view of a series as they were last."""

    level: int
    edges: Sequence[int]
    columns: list[Span | None]


class Series:
    """Values of one key with the rows they were reported in."""

    def __init__(self, key: Key, rows: Rows) -> None:
        self.key = key
        self.rows = rows
        self.values: array[float] = array("d")
        self.places = Places(rows)
        self.marks: list[tuple[int, float]] = []
        """Points that are not finite: (index, value)."""
        self.segments: list[int] = []
        """First index of each stretch; a restart that goes back begins a new one."""
        self.zeros = 0
        """How many values are exactly zero."""
        self._pyramid = Pyramid(self.values)
        self._looks: dict[object, _Look] = {}

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

    def mean(self, start: int, stop: int) -> float | None:
        """The mean of the finite values of the points ``start .. stop``."""
        count = stop - start - (self._marked(start, stop) if self.marks else 0)
        return self._pyramid.over(start, stop)[2] / count if count > 0 else None

    def highest(self) -> float | None:
        """The largest finite value."""
        found = self._pyramid.over(0, len(self.values))[1]
        return found if isfinite(found) else None

    @property
    def lowest(self) -> float | None:
        """The smallest finite value."""
        found = self._pyramid.over(0, len(self.values))[0]
        return found if isfinite(found) else None

    def step(self, index: int) -> int | None:
        """The training step of the point."""
        return self.rows.step(self.places.row(index))

    def epoch(self, index: int) -> float | None:
        """The epoch of the point, as a fraction."""
        return self.rows.epoch(self.places.row(index))

    def at(self, index: int) -> float | None:
        """When the point arrived, seconds since the epoch; None for history."""
        return self.rows.at(self.places.row(index))

    def offset(self, index: int) -> int:
        """Where in its source the line of the point starts."""
        return self.rows.offsets[self.places.row(index)]

    def source(self, index: int) -> str:
        """The stream or file that the point was read from."""
        return self.rows.source(self.places.row(index))

    # --- growing --------------------------------------------------------------------------

    def extend(self, row: int, values: array[float], breaks: Sequence[int] = ()) -> None:
        """Append the values of consecutive rows from ``row`` on.

        ``breaks``: places inside ``values`` where the steps go back.
        """
        first = len(self.values)
        if not first or self.places.goes_back(self.places.row(first - 1), row):
            self.segments.append(first)
        self.segments += [first + b for b in breaks]
        self.places.extend(row, len(values))
        self.values.extend(values)
        if not isfinite(sum(values)):
            self.marks += [(first + i, v) for i, v in enumerate(values) if not isfinite(v)]
        self.zeros += values.count(0.0)
        self._pyramid.grow()

    def splice(self, index: int, row: int, values: array[float]) -> None:
        """Put the values of consecutive rows from ``row`` on before the point ``index``."""
        size = len(values)
        self.places.splice(index, row, size)
        self.values[index:index] = values
        self.zeros += values.count(0.0)
        moved = [(i + size, v) for i, v in self.marks if i >= index]
        new = [(i, v) for i, v in enumerate(values, index) if not isfinite(v)]
        self.marks = [(i, v) for i, v in self.marks if i < index] + new + moved
        self.segments = [s + size if s >= index and s else s for s in self.segments] or [0]
        self.moved(index, index + size)
        self.corrected(index)

    def correct(self, index: int, value: float) -> None:
        """The value of a point became known more precisely; ``corrected`` takes it over."""
        self.zeros += (value == 0.0) - (self.values[index] == 0.0)
        self.values[index] = value

    def corrected(self, start: int) -> None:
        """Values from ``start`` on were corrected."""
        self._looks.clear()
        self._pyramid.changed(start)

    def moved(self, start: int, stop: int) -> None:
        """The steps of the points ``start .. stop`` were corrected."""
        low, high = max(start - 1, 0), min(stop + 1, len(self.values))
        rows = chain.from_iterable(range(r, r + n) for _, r, n in self.places.runs(low, high))
        back = [
            index
            for index, (before, after) in enumerate(pairwise(rows), low + 1)
            if self.places.goes_back(before, after)
        ]
        before = [s for s in self.segments if s <= low]
        self.segments = before + back + [s for s in self.segments if s >= high]

    # --- stretches ------------------------------------------------------------------------

    def stretches(self) -> list[tuple[int, int]]:
        """The stretches between restarts, (start, stop)."""
        ends = [*self.segments[1:], len(self.values)] if self.segments else []
        return list(zip(self.segments, ends, strict=True))

    def pieces(self, axis: Axis = "step") -> list[tuple[int, int]]:
        """The stretches that count, (start, stop): what a restart repeated is cut from the older.

        In the order of time nothing lies over anything, and nothing is cut.
        """
        if axis in ("entry", "time") or len(self.segments) < 2:
            return self.stretches()
        by: Axis = "epoch" if self.step(0) is None else "step"
        kept: list[tuple[int, int]] = []
        limit = inf
        for start, end in reversed(self.stretches()):
            stop = self.places.find(by, limit, start, end) if limit < inf else end
            if stop > start:
                kept.append((start, stop))
            first = self.places.place(by, start)
            limit = min(limit, inf if first is None else first)
        return kept[::-1]

    def superseded(self) -> list[tuple[int, int]]:
        """The stretches that a restart ran again, (start, stop)."""
        found = []
        at = 0
        for start, stop in [*self.pieces(), (len(self.values), 0)]:
            if at < start:
                found.append((at, start))
            at = stop
        return found

    def extent(self, axis: Axis) -> tuple[float, float] | None:
        """Smallest and largest place on the axis, None where no point has one."""
        all_pieces = (self.places.extent(axis, *piece) for piece in self.pieces(axis))
        found = [e for e in all_pieces if e is not None]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    def at_step(self, step: int) -> int | None:
        """The newest point at exactly that step, not one that a restart ran again."""
        for low, high in reversed(self.pieces()):
            index = self.places.find("step", step, low, high, after=True) - 1
            if index >= low and self.step(index) == step:
                return index
        return None

    def nearest(self, axis: Axis, place: float) -> int | None:
        """The point nearest to a place on the axis."""
        best: tuple[float, int] | None = None
        for low, high in self.pieces(axis):
            after = self.places.find(axis, place, low, high)
            for index in (after - 1, after):
                if low <= index < high and (x := self.places.place(axis, index)) is not None:
                    best = min(best or (inf, 0), (abs(x - place), index))
        return None if best is None else best[1]

    # --- drawing --------------------------------------------------------------------------

    def spans(
        self, axis: Axis, start: float, stop: float, width: int, *, cut: bool = False
    ) -> list[Span | None]:
        """What each of ``width`` columns between the places ``start`` and ``stop`` shows.

        A column holds the points from its left edge up to its right edge, the last one also those
        on ``stop``. Where hundreds of points share a column its edges may be off by an eighth of
        it. ``cut`` asks for the stretches that a restart ran again instead.
        """
        found: list[Span | None] = [None] * max(width, 0)
        if width < 1 or not start <= stop:
            return found
        for number, piece in enumerate(self.superseded() if cut else self.pieces(axis)):
            edges = self._edges(axis, piece, start, stop, width)
            columns = self._columns((axis, start, stop, width, cut, number), edges)
            for column, span in enumerate(columns):
                if span is not None:
                    old = found[column]
                    found[column] = span if old is None else _merged(old, span)
        return found

    def _edges(
        self, axis: Axis, piece: tuple[int, int], start: float, stop: float, width: int
    ) -> list[int]:
        step = (stop - start) / width
        inner = self.places.edges(axis, [start + step * k for k in range(width)], *piece)
        return [*inner, self.places.find(axis, stop, *piece, after=True)]

    def _columns(self, view: object, edges: Sequence[int]) -> list[Span | None]:
        """The columns between ``edges``; those that no growth could reach are kept from last time."""
        level, edges = self._pyramid.snapped(edges)
        kept = self._unchanged(view, level, edges)
        columns = self._looks[view].columns[:kept] if kept else []
        tail = edges[kept:]
        sums = self._pyramid.columns(level, tail)
        for (a, b), (lo, hi, total) in zip(pairwise(tail), sums, strict=True):
            count = b - a - (self._marked(a, b) if self.marks else 0)
            columns.append(Span(lo, hi, total / count, count) if count > 0 else None)
        if len(self._looks) >= MOST_LOOKS:
            self._looks.clear()
        self._looks[view] = _Look(level, edges, columns)
        return columns

    def _unchanged(self, view: object, level: int, edges: Sequence[int]) -> int:
        """How many columns are as they were at the last look at the same view."""
        old = self._looks.get(view)
        if old is None or old.level != level:
            return 0
        settled = bisect_left(old.edges, old.edges[-1])  # the others end where the series ended
        same = edges[:settled] == old.edges[:settled]
        return max(settled - 1, 0) if same else 0

    def _marked(self, start: int, stop: int) -> int:
        return bisect_left(self.marks, (stop,)) - bisect_left(self.marks, (start,))

    def smoothed(
        self, axis: Axis, start: float, stop: float, width: int, weight: float
    ) -> list[float | None]:
        """The debiased exponential moving average at each column, ``weight`` from 0 (none) to 1.

        Over every point while few are shown, over the means of the columns when many are.
        """
        if width < 1 or not start <= stop:
            return [None] * max(width, 0)
        find = self.places.find
        shown = [
            (find(axis, start, a, b), find(axis, stop, a, b, after=True))
            for a, b in self.pieces(axis)
        ]
        if sum(b - a for a, b in shown) <= EXACT_SMOOTHING:
            return self._smoothed_points(axis, start, stop, width, weight)
        warm = int(width * WARM_UP)
        before = start - (stop - start) * warm / width
        spans = self.spans(axis, before, stop, width + warm)
        return averaged([None if s is None else s.mean for s in spans], weight)[warm:]

    def _smoothed_points(
        self, axis: Axis, start: float, stop: float, width: int, weight: float
    ) -> list[float | None]:
        found: list[float | None] = [None] * width
        for low, high in self.pieces(axis):
            edges = self._edges(axis, (low, high), start, stop, width)
            first = max(low, edges[0] - EXACT_SMOOTHING)
            smooth = averaged(self.values[first : edges[-1]], weight)
            for column, (a, b) in enumerate(pairwise(edges)):
                last = next(
                    (v for v in reversed(smooth[a - first : b - first]) if v is not None), None
                )
                found[column] = found[column] if last is None else last
        return found


def _merged(one: Span, other: Span) -> Span:
    count = one.count + other.count
    mean = (one.mean * one.count + other.mean * other.count) / count
    return Span(min(one.lo, other.lo), max(one.hi, other.hi), mean, count)


def averaged(values: Sequence[float | None], weight: float) -> list[float | None]:
    """The exponential moving average, without the pull of its start value towards zero.

    Kingma and Ba, Adam (arXiv 1412.6980), section 3: divide by 1 - weight^n.
    """
    found: list[float | None] = []
    state, bias = 0.0, 1.0
    for value in values:
        if value is None or not isfinite(value):
            found.append(None)
            continue
        state = weight * state + (1 - weight) * value
        bias *= weight
        found.append(state / (1 - bias) if bias < 1 else value)
    return found
