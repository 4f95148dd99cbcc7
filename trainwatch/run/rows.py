"""Where and when every row of numbers was reported, kept once for all series of the row.

The law of this file: columns only grow; a repair corrects what a row did not tell or told rounded,
and drops nothing. A step or epoch that a row did not tell is held at the last one its source told
and flagged, so that the columns can be searched by bisection. A column that nobody told anything
about costs nothing.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from math import isnan
from operator import ne
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_STEP = 1
"""Nobody told the step of the row."""
NO_EPOCH = 2
"""Nobody told the epoch of the row."""
NO_TIME = 4
"""The row was read from history: when it was written is not known."""
EXACT = 8
"""A history file told the row: its step and values have full precision."""
GUESSED = 16
"""The step was worked out from the epoch."""
LATE = 32
"""The row was read after rows that come later in the training."""


_WITHOUT_EPOCH = bytes(flags | NO_EPOCH for flags in range(256))


class Rows:
    """Step, epoch, source, offset and arrival time of each row, in the order read."""

    def __init__(self) -> None:
        self.steps: array[int] = array("i")
        self.epochs: array[float] | None = None
        self.offsets: array[int] = array("i")
        self.flags = bytearray()
        self._source_rows: array[int] = array("I")
        self._sources: list[str] = []
        self._time_rows: array[int] = array("I")
        self._times: array[float] = array("d")
        self._held: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self.steps)

    # --- growing --------------------------------------------------------------------------

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
        held_step, held_epoch = self._held.get(source, (0, 0.0))
        flags = bytearray([NO_TIME if at is None else 0]) * len(steps)
        told = not all(map(ne, epochs, epochs))
        steps = _held_steps(steps, held_step, flags)
        epochs = _held_epochs(epochs, held_epoch, flags, told)
        self._held[source] = steps[-1], epochs[-1]
        self.steps = joined(self.steps, narrow(steps))
        self.offsets = joined(self.offsets, narrow(offsets))
        if self.epochs is not None:
            self.epochs.extend(epochs)
        elif told:
            self.epochs = array("d", bytes(8 * first)) + epochs
        self.flags += flags
        if not self._sources or self._sources[-1] != source:
            self._source_rows.append(first)
            self._sources.append(source)
        if at is not None:
            self._arrived(first, at)
        return first

    def _arrived(self, row: int, at: float) -> None:
        if not self._times or at > self._times[-1]:  # a clock that goes back is held still
            self._time_rows.append(row)
            self._times.append(at)

    # --- asking ---------------------------------------------------------------------------

    def step(self, row: int) -> int | None:
        """The training step, None where nobody told."""
        return None if self.flags[row] & NO_STEP else self.steps[row]

    def epoch(self, row: int) -> float | None:
        """The epoch as a fraction, None where nobody told."""
        if self.epochs is None or self.flags[row] & NO_EPOCH:
            return None
        return self.epochs[row]

    def at(self, row: int) -> float | None:
        """When the row arrived, seconds since the epoch; None for history."""
        if self.flags[row] & NO_TIME:
            return None
        found = bisect_right(self._time_rows, row) - 1
        return self._times[found] if found >= 0 else None

    def source(self, row: int) -> str:
        """The stream or file that the row was read from."""
        return self._sources[bisect_right(self._source_rows, row) - 1]

    def first_at(self, at: float, *, after: bool = False) -> int:
        """The first row that arrived at ``at`` or later, or ``after`` it."""
        found = (bisect_right if after else bisect_left)(self._times, at)
        return self._time_rows[found] if found < len(self._times) else len(self.steps)

    def step_at(self, source: str, offset: int) -> int | None:
        """The step that the newest row told that starts at or before a place of its source."""
        ends = [*self._source_rows[1:], len(self.steps)]
        for name, first, end in zip(
            self._sources[::-1], self._source_rows[::-1], ends[::-1], strict=False
        ):
            row = bisect_right(self.offsets, offset, first, end) - 1
            if name == source and row >= first:
                return self.step(row)
        return None

    # --- repairing ------------------------------------------------------------------------

    def set_step(self, row: int, step: int, flag: int = 0) -> None:
        """The step of a row became known."""
        try:
            self.steps[row] = step
        except OverflowError:
            self.steps = array("q", self.steps)
            self.steps[row] = step
        self.flags[row] = self.flags[row] & ~(NO_STEP | GUESSED) | flag

    def set_epoch(self, row: int, epoch: float) -> None:
        """The epoch of a row became known, or known better."""
        if self.epochs is None:
            self.epochs = array("d", bytes(8 * len(self.steps)))
        self.epochs[row] = epoch
        self.flags[row] &= ~NO_EPOCH

    def hold(self, first: int) -> None:
        """Steps from ``first`` on were corrected: rows without one stand where the row before does."""
        for row in range(first, len(self.steps)):
            if self.flags[row] & NO_STEP and row:
                self.steps[row] = self.steps[row - 1]
            source = self.source(row)
            self._held[source] = self.steps[row], self._held[source][1]


def narrow(values: Sequence[int]) -> array[int]:
    """Whole numbers as a 32-bit column where they fit, as a 64-bit column where they do not."""
    try:
        return array("i", values)
    except OverflowError:
        return array("q", values)


def joined(column: array[int], more: array[int]) -> array[int]:
    """``column`` with ``more`` behind it, as wide as the wider of the two."""
    if column.typecode != more.typecode:
        column, more = array("q", column), array("q", more)
    column.extend(more)
    return column


def _held_steps(steps: array[int], held: int, flags: bytearray) -> array[int]:
    if min(steps) >= 0:
        return steps
    found = array("q")
    for i, step in enumerate(steps):
        if step == UNKNOWN_STEP:
            flags[i] |= NO_STEP
        else:
            held = step
        found.append(held)
    return found


def _held_epochs(epochs: array[float], held: float, flags: bytearray, told: bool) -> array[float]:
    if not told:
        flags[:] = flags.translate(_WITHOUT_EPOCH)
        return array("d", [held]) * len(epochs)
    if not isnan(sum(epochs)):
        return epochs
    found = array("d")
    for i, epoch in enumerate(epochs):
        if isnan(epoch):
            flags[i] |= NO_EPOCH
        else:
            held = epoch
        found.append(held)
    return found
