"""Where and when every row of numbers was reported, kept once for all series of the row.

The law of this file: columns only grow; a repair may correct a step, an epoch or a place that was
unknown or rounded, never drop a row. A column nobody told anything about costs nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from math import isnan, nan
from operator import ne
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP

if TYPE_CHECKING:
    from collections.abc import Sequence


def narrow(values: Sequence[int]) -> array[int]:
    """The whole numbers as 32-bit column where they fit, as 64-bit column where they do not."""
    try:
        return array("i", values)
    except OverflowError:
        return array("q", values)


def joined(column: array[int], more: array[int]) -> array[int]:
    """``column`` with ``more`` behind it; the column itself where both have the same width."""
    if column.typecode != more.typecode:
        column, more = array("q", column), array("q", more)
    column.extend(more)
    return column


class Rows:
    """Step, epoch, source, offset and arrival time of each row, in the order read."""

    def __init__(self) -> None:
        self.steps: array[int] = array("i")
        self.offsets: array[int] = array("i")
        self._epochs: array[float] | None = None
        self._source_rows: array[int] = array("I")
        self._sources: list[str] = []
        self._time_rows: array[int] = array("I")
        self._times: array[float] = array("d")

    def __len__(self) -> int:
        return len(self.steps)

    def extend(
        self,
        source: str,
        steps: array[int],
        epochs: array[float],
        offsets: array[int],
        at: float | None,
    ) -> int:
        """Append rows and return the number of the first."""
        first = len(self.steps)
        self.steps = joined(self.steps, narrow(steps))
        self.offsets = joined(self.offsets, narrow(offsets))
        if self._epochs is not None:
            self._epochs.extend(epochs)
        elif not all(map(ne, epochs, epochs)):
            self._epochs = array("d", [nan]) * first + epochs
        if not self._sources or self._sources[-1] != source:
            self._source_rows.append(first)
            self._sources.append(source)
        if at is not None:
            self.arrived(first, at)
        return first

    def arrived(self, row: int, at: float) -> None:
        """Everything from ``row`` on was there at ``at``; a clock that goes back is held still."""
        if self._times and at <= self._times[-1]:
            return
        if self._time_rows and row <= self._time_rows[-1]:
            return
        self._time_rows.append(row)
        self._times.append(at)

    def step(self, row: int) -> int | None:
        """The training step, None where nobody told."""
        step = self.steps[row]
        return None if step == UNKNOWN_STEP else step

    def epoch(self, row: int) -> float | None:
        """The epoch as a fraction, None where nobody told."""
        if self._epochs is None or isnan(self._epochs[row]):
            return None
        return self._epochs[row]

    @property
    def epochs(self) -> array[float] | None:
        """The whole column, NaN where nobody told; None while nobody told any."""
        return self._epochs

    def source(self, row: int) -> str:
        """The stream or file that the row was read from."""
        return self._sources[bisect_right(self._source_rows, row) - 1]

    def at(self, row: int) -> float | None:
        """When the row arrived, seconds since the epoch; None for history."""
        found = bisect_right(self._time_rows, row) - 1
        return self._times[found] if found >= 0 else None

    @property
    def times(self) -> tuple[array[int], array[float]]:
        """The arrivals: (first row, seconds), both ascending."""
        return self._time_rows, self._times

    def set_step(self, row: int, step: int) -> None:
        """Correct the step of one row."""
        try:
            self.steps[row] = step
        except OverflowError:
            self.steps = array("q", self.steps)
            self.steps[row] = step

    def set_epoch(self, row: int, epoch: float) -> None:
        """Correct the epoch of one row."""
        if self._epochs is None:
            self._epochs = array("d", [nan]) * len(self.steps)
        self._epochs[row] = epoch
