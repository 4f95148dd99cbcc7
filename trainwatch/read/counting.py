"""Where the training stands, as the lines so far have told it.

The law of this file: a count that begins again with each epoch is made one that runs through, from
the moment that shows it to begin again; a count that goes back without a new epoch is a restart and
stays as it is printed. Lines that tell no count of their own stand where the last ones stood.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from trainwatch.read.records import UNKNOWN_STEP


class Told(NamedTuple):
    """The counts of one line, as printed; None where it does not tell."""

    step: float | None = None
    epoch: float | None = None
    batch: float | None = None
    batches: float | None = None


class Counting:
    """The counts of one stream."""

    def __init__(self, literal: bool = False) -> None:
        self._literal = literal
        self.step = UNKNOWN_STEP  # running through
        self.epoch = math.nan
        self.steps: float | None = None  # totals
        self.epochs: float | None = None
        self._printed = -1.0  # the last step as it was printed
        self._in_epoch = math.nan  # the epoch it was printed in
        self._stride = 0.0
        self._base = 0.0
        self._first_epoch = math.nan

    def stand(self, told: Told, trains: bool) -> tuple[int, float]:
        """The step and the epoch of a row, from what its line tells and what is known."""
        if told.epoch is not None and math.isfinite(told.epoch):
            self.epoch = told.epoch
            if math.isnan(self._first_epoch):
                self._first_epoch = told.epoch if told.epoch < 1 else math.floor(told.epoch)
        if told.step is not None and _counts(told.step):
            self.step = self._through(told.step)
        elif trains and told.batch is not None and (told.batches or not math.isnan(self.epoch)):
            self.step = self._within(told.batch, told.batches)
        return self.step, self.epoch

    def _through(self, printed: float) -> int:
        """A printed step as one that runs through the epochs."""
        if self._literal:
            return int(printed)
        if printed < self._printed:
            later = self.epoch > self._in_epoch
            self._base = self.step + self._stride - printed if later else 0.0
        elif printed > self._printed >= 0 and self.epoch == self._in_epoch:
            self._stride = printed - self._printed
        self._printed, self._in_epoch = printed, self.epoch
        return int(self._base + printed)

    def _within(self, batch: float, batches: float | None) -> int:
        """A count of one epoch as one that runs through."""
        if math.isnan(self.epoch):
            self.steps = batches
        elif batches:
            if self.step < 0 and self._first_epoch > 1 and batch >= batches:
                return UNKNOWN_STEP  # only how an epoch ended was shown, and not of the first ones
            return int((math.floor(self.epoch) - self._first_epoch) * batches + batch)
        return self._through(batch)


def _counts(value: float) -> bool:
    return 0 <= value < 1 << 53 and value == int(value)
