"""Rows of numbers on their way to ``Metrics``, and the steps that only the next bar tells.

The law of this file: a row that does not tell its step has the count that the training's own bar
shows when it is next drawn, because a bar is redrawn right after a record is written over it. A bar
that starts anew tells nothing about the rows before it: they belong to where the old one stood.
The run applies the same rule (``step_of``) to rows that were still waiting when a feed ended.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics, Progress

if TYPE_CHECKING:
    from trainwatch.read.placing import Placed


def counts_steps(progress: Progress) -> bool:
    """Whether this is the training's own counter of optimizer steps."""
    return progress.split == "train" and progress.unit == "step"


def step_of(shown: int, before: int) -> int:
    """The step of waiting rows, given what the own bar shows next and what it showed ``before``."""
    return max(shown, before)


class Batch:
    """Consecutive rows with the same columns."""

    def __init__(self, keys: tuple[Key, ...], joins: bool) -> None:
        self.keys = keys
        self.joins = joins
        self.columns = tuple(array("d") for _ in keys)
        self.steps = array("q")
        self.epochs = array("d")
        self.offsets = array("q")

    def metrics(self, source: str, at: float | None) -> Metrics:
        """The finished record."""
        return Metrics(
            source,
            self.keys,
            self.columns,
            self.steps,
            self.epochs,
            self.offsets,
            at,
            self.joins,
        )


class Rows:
    """The rows of one feed, in order; neighbours with the same columns share a batch."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._waiting: list[tuple[Batch, int]] = []
        self.owes = False
        """Rows that wait for their step have left in an earlier feed."""

    def add(self, placed: Placed) -> None:
        """Rows in their places. While some wait for a step, so do all that tell none."""
        batch = self._batch(placed.keys, placed.joins)
        first = len(batch.offsets)
        for column, values in zip(batch.columns, placed.columns, strict=True):
            column.extend(values)
        batch.offsets.extend(placed.offsets)
        batch.steps.extend(placed.steps)
        batch.epochs.extend(placed.epochs)
        if UNKNOWN_STEP in placed.steps and (placed.joins or self.waits):
            for row in range(first, len(batch.steps)):
                if batch.steps[row] == UNKNOWN_STEP:
                    self._waiting.append((batch, row))

    def _batch(self, keys: tuple[Key, ...], joins: bool) -> Batch:
        last = self._batches[-1] if self._batches else None
        if last is None or last.keys != keys or last.joins != joins:
            last = Batch(keys, joins)
            self._batches.append(last)
        return last

    @property
    def waits(self) -> bool:
        """Whether some rows wait for their step."""
        return self.owes or bool(self._waiting)

    def stepped(self, step: int) -> None:
        """The rows that waited for a step have it now."""
        for batch, row in self._waiting:
            batch.steps[row] = step
        self._waiting.clear()

    def take(self, source: str, at: float | None) -> list[Metrics]:
        """The finished records."""
        records = [batch.metrics(source, at) for batch in self._batches]
        self.owes = self.waits
        self._batches.clear()
        self._waiting.clear()
        return records
