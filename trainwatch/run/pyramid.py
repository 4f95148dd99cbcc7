"""Minimum, maximum and sum of any stretch of a column without walking it.

The law of this file: level ``n`` summarises complete blocks of 16 blocks of level ``n - 1``, the
column itself being level 0; values that are not finite are in no summary.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from math import inf, isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FAN = 16
"""Blocks per block: 16 costs 1.6 bytes per point and keeps a query to a few slices."""


NOTHING = (inf, -inf, 0.0)
"""Minimum, maximum and sum of no values."""


class Pyramid:
    """Summaries over a growing column of numbers."""

    __slots__ = ("_levels", "_values")

    def __init__(self, values: array[float]) -> None:
        self._values = values
        self._levels: list[tuple[array[float], array[float], array[float]]] = []
        self.grow()

    def grow(self) -> None:
        """Summarise what was appended to the column since."""
        values = self._values
        if len(values) // FAN == (len(self._levels[0][0]) if self._levels else 0):
            return
        if len(values) >= FAN and not self._levels:
            self._levels.append((array("d"), array("d"), array("d")))
        if self._levels:
            lows, highs, sums = self._levels[0]
            for start in range(len(lows) * FAN, len(values) - FAN + 1, FAN):
                block = values[start : start + FAN]
                total = sum(block)
                if isfinite(total):
                    lows.append(min(block))
                    highs.append(max(block))
                    sums.append(total)
                else:
                    low, high, total = _finite(block)
                    lows.append(low)
                    highs.append(high)
                    sums.append(total)
            self._grow_levels()

    def _grow_levels(self) -> None:
        below = self._levels[0]
        level = 1
        while len(below[0]) >= FAN:
            if level == len(self._levels):
                self._levels.append((array("d"), array("d"), array("d")))
            here = self._levels[level]
            for start in range(len(here[0]) * FAN, len(below[0]) - FAN + 1, FAN):
                here[0].append(min(below[0][start : start + FAN]))
                here[1].append(max(below[1][start : start + FAN]))
                here[2].append(sum(below[2][start : start + FAN]))
            below = here
            level += 1

    def changed(self, start: int) -> None:
        """The column was changed from ``start`` on: that is summarised again when it is asked for."""
        for lows, highs, sums in self._levels:
            start //= FAN
            del lows[start:], highs[start:], sums[start:]

    def over(self, start: int, stop: int) -> tuple[float, float, float]:
        """(minimum, maximum, sum) of the finite values in ``start .. stop``; ``NOTHING`` for none."""
        self.grow()
        low, high, total = inf, -inf, 0.0
        level = -1
        while start < stop:
            end = start // FAN * FAN + FAN if start % FAN else start
            head = min(end, stop)
            tail = max(stop // FAN * FAN, head)
            if level + 1 == len(self._levels):
                head = tail = stop
            for a, b in ((start, head), (tail, stop)):
                if a < b:
                    part = self._part(level, a, b)
                    low = min(low, part[0])
                    high = max(high, part[1])
                    total += part[2]
            start, stop = head // FAN, tail // FAN
            if head >= tail:
                break
            level += 1
        return low, high, total

    def snapped(self, edges: Sequence[int]) -> tuple[int, Sequence[int]]:
        """A level to take the columns between ``edges`` from, and the edges moved onto it.

        The inner edges snap down to a block no wider than an eighth of a column: each value is in
        exactly one column, every extreme survives, and the cost does not depend on the length.
        """
        self.grow()
        count = len(edges) - 1
        level, block = -1, 1
        while level + 1 < len(self._levels) and block * FAN * 8 * count <= edges[-1] - edges[0]:
            level, block = level + 1, block * FAN
        if level < 0 or count == 1:
            return -1, edges
        first = -(-edges[0] // block) * block
        inner = (max(e // block * block, first) for e in edges[1:-1])
        return level, [edges[0], *inner, edges[-1]]

    def columns(self, level: int, edges: Sequence[int]) -> list[tuple[float, float, float]]:
        """``over`` for each pair of neighbouring edges that are ``snapped`` to ``level``."""
        if level < 0:
            return [self._few(a, b) for a, b in pairwise(edges)]
        block = FAN ** (level + 1)
        lows, highs, sums = self._levels[level]
        found = []
        for start, stop in pairwise(edges):
            a, b = start // block, stop // block
            if start % block or stop % block:
                found.append(self.over(start, stop))
            else:
                found.append(
                    (min(lows[a:b]), max(highs[a:b]), sum(sums[a:b])) if a < b else NOTHING
                )
        return found

    def _few(self, start: int, stop: int) -> tuple[float, float, float]:
        if start >= stop:
            return NOTHING
        return self._part(-1, start, stop) if stop - start < 8 * FAN else self.over(start, stop)

    def _part(self, level: int, start: int, stop: int) -> tuple[float, float, float]:
        if level >= 0:
            lows, highs, sums = self._levels[level]
            return min(lows[start:stop]), max(highs[start:stop]), sum(sums[start:stop])
        block = self._values[start:stop]
        total = sum(block)
        return (min(block), max(block), total) if isfinite(total) else _finite(block)


def _finite(block: array[float]) -> tuple[float, float, float]:
    kept = [v for v in block if isfinite(v)]
    return (min(kept), max(kept), sum(kept)) if kept else NOTHING
