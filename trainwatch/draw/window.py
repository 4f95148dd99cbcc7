"""The stretch of the x axis that a chart shows.

The law of this file: the width of a dot column is 2**k or 1.5 * 2**k units of the axis, counted from
a fixed start; while a run grows, what was drawn stands still until the next rung of that ladder.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, frexp, isfinite, ldexp


@dataclass(frozen=True)
class Window:
    """The places ``start`` to ``stop`` over ``columns`` dot columns."""

    start: float
    stop: float
    columns: int

    def column(self, place: float) -> int:
        """The dot column of a place; outside of the window it is outside 0 .. columns-1."""
        share = min(max((place - self.start) / (self.stop - self.start), -1.0), 2.0)
        return floor(share * self.columns) - (place == self.stop)

    def place(self, column: float) -> float:
        """The place of the middle of a dot column."""
        return self.start + (self.stop - self.start) * (column + 0.5) / self.columns

    def zoomed(self, factor: float, around: float) -> tuple[float, float]:
        """The window's ends when it becomes ``factor`` times as wide and ``around`` stays in place."""
        return (
            around - (around - self.start) * factor,
            around + (self.stop - around) * factor,
        )

    def panned(self, share: float) -> tuple[float, float]:
        """The window's ends when it moves by a share of its width."""
        by = (self.stop - self.start) * share
        return self.start + by, self.stop + by


def rung(least: float) -> float:
    """The smallest of ..., 1, 1.5, 2, 3, 4, 6, 8, 12, ... that is not below ``least``."""
    if not (least > 0 and isfinite(least)):
        return 1.0
    fraction, power = frexp(least)  # least = fraction * 2**power, 0.5 <= fraction < 1
    if fraction == 0.5:
        return least
    return ldexp(0.75 if fraction <= 0.75 else 1.0, power)


def whole(low: float, high: float, columns: int) -> Window:
    """The window that holds all places from ``low`` to ``high``, on the ladder.

    It begins at 0 unless the places begin far from it, as those of a continued training do.
    """
    size = high - low
    if not size:
        size = abs(high) or 1.0
    if 0 <= low <= size:
        step = rung(high / columns or 1 / columns)
        return Window(0.0, step * columns, columns)
    block = max(columns // 16, 1)
    step = rung(size / columns)
    for _ in range(8):
        start = floor(low / step / block) * step * block
        if start + step * columns >= high:
            return Window(start, start + step * columns, columns)
        step = rung(step * 1.01)
    return Window(low, high, columns)  # too few columns to have one on the ladder


def chosen(
    extent: tuple[float, float], start: float | None, stop: float | None, columns: int
) -> Window:
    """The window for what a person asked for; None leaves an end to the run."""
    low, high = extent
    if start is None and stop is None:
        return whole(low, high, columns)
    if start is None:
        start = whole(low, high, columns).start
    if stop is None:
        stop = start + rung(max(high - start, 0.0) / columns) * columns
    column = (stop - start) / columns
    if not (isfinite(start) and isfinite(column) and start < start + column < stop + column):
        return whole(low, high, columns)
    return Window(start, stop, columns)
