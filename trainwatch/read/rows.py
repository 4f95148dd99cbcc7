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

    from trainwatch.read.meaning import Plan


def counts_steps(progress: Progress) -> bool:
    """Whether this is the training's own counter of optimizer steps."""
    return progress.split == "train" and progress.unit == "step"


def step_of(shown: int, before: int) -> int:
    """The step of waiting rows, given what the own bar shows next and what it showed ``before``."""
    return max(shown, before)


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
    """The rows of one feed, in order; neighbours with the same columns share a batch."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._waiting: list[tuple[Batch, int]] = []

    def add(
        self,
        plan: Plan,
        columns: Sequence[Sequence[float]],
        offsets: Sequence[int],
        steps: Sequence[int] = (),
    ) -> None:
        """Rows that were read by one plan; ``steps`` are those of the first rows, if bars told them."""
        batch = self._batch(plan.keys)
        first = len(batch.offsets)
        for column, place in zip(batch.columns, plan.places, strict=True):
            column.extend(columns[place])
        batch.offsets.extend(offsets)
        rows = len(offsets)
        if plan.epoch is None:
            batch.epochs.extend([math.nan] * rows)
        else:
            batch.epochs.extend(columns[plan.epoch])
        told = [] if plan.step is None else [_step(value) for value in columns[plan.step]]
        batch.steps.extend(told or steps)
        batch.steps.extend([UNKNOWN_STEP] * (first + rows - len(batch.steps)))
        if UNKNOWN_STEP in batch.steps[first:]:
            self._wait(batch, first)

    def _wait(self, batch: Batch, first: int) -> None:
        for row in range(first, len(batch.steps)):
            if batch.steps[row] == UNKNOWN_STEP:
                self._waiting.append((batch, row))

    def _batch(self, keys: tuple[Key, ...]) -> Batch:
        if not self._batches or self._batches[-1].keys != keys:
            self._batches.append(Batch(keys))
        return self._batches[-1]

    @property
    def waits(self) -> bool:
        """Whether some rows wait for their step."""
        return bool(self._waiting)

    def stepped(self, step: int) -> None:
        """The rows that waited for a step have it now."""
        for batch, row in self._waiting:
            batch.steps[row] = step
        self._waiting.clear()

    def take(self, source: str, at: float | None) -> tuple[list[Metrics], bool]:
        """The finished records, and whether some rows still wait for their step."""
        records = [batch.metrics(source, at) for batch in self._batches]
        waits = bool(self._waiting)
        self._batches.clear()
        self._waiting.clear()
        return records, waits


def _step(value: float) -> int:
    return int(value) if 0 <= value < 1 << 53 and value == int(value) else UNKNOWN_STEP
