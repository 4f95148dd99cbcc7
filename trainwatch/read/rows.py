"""Rows of numbers on their way to ``Metrics``, and the steps that only the next bar tells.

The law of this file: a row that does not tell its step has the count that the training's own bar
shows when it is next drawn, because a bar is redrawn right after a record is written over it. A bar
that starts anew tells nothing about the rows before it: they belong to where the old one stood.
The run applies the same rule (``step_of``) to rows that were still waiting when a feed ended.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics, Progress

if TYPE_CHECKING:
    from collections.abc import Sequence


def counts_steps(progress: Progress) -> bool:
    """Whether this is the training's own counter of optimizer steps."""
    return progress.split == "train" and progress.unit == "step"


def step_of(progress: Progress, before: float | None) -> int:
    """The step of waiting rows, given the next own count and the one ``before`` them."""
    anew = before is not None and progress.done < before
    return int(before if anew and before is not None else progress.done)


class Batch:
    """Consecutive rows with the same columns."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        self.keys = keys
        self.columns = tuple(array("d") for _ in keys)
        self.steps = array("q")
        self.epochs = array("d")
        self.offsets = array("q")

    def metrics(self, source: str, at: float | None) -> Metrics:
        """The finished record."""
        return Metrics(source, self.keys, self.columns, self.steps, self.epochs, self.offsets, at)


class Rows:
    """The rows of one feed, in order; rows with the same columns share a batch."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._waiting: list[tuple[Batch, int]] = []

    def add(
        self,
        keys: tuple[Key, ...],
        values: Sequence[float],
        offset: int,
        step: int = UNKNOWN_STEP,
        epoch: float = math.nan,
    ) -> None:
        """One row. Columns that already were in an open batch of another shape begin a new one."""
        batch = self._batch(keys)
        for column, value in zip(batch.columns, values, strict=True):
            column.append(value)
        batch.steps.append(step)
        batch.epochs.append(epoch)
        batch.offsets.append(offset)
        if step == UNKNOWN_STEP:
            self._waiting.append((batch, len(batch.steps) - 1))

    def _batch(self, keys: tuple[Key, ...]) -> Batch:
        if not self._batches or self._batches[-1].keys != keys:
            self._batches.append(Batch(keys))
        return self._batches[-1]

    def stepped(self, step: int) -> bool:
        """The rows that waited for a step have it now; False when none waited."""
        for batch, row in self._waiting:
            batch.steps[row] = step
        waited = bool(self._waiting)
        self._waiting.clear()
        return waited

    def take(self, source: str, at: float | None) -> tuple[list[Metrics], bool]:
        """The finished records, and whether some rows still wait for their step."""
        records = [batch.metrics(source, at) for batch in self._batches]
        waits = bool(self._waiting)
        self._batches.clear()
        self._waiting.clear()
        return records, waits
