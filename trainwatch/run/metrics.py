"""Every number the run reported, as series over shared rows.

The law of this file: each point exists once. What a line did not tell is filled in as soon as
something tells it (``reconcile``).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from itertools import islice
from math import isnan
from operator import le
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.read.records import UNKNOWN_STEP, Key, Metrics, Split
from trainwatch.run.rows import Rows
from trainwatch.run.series import Series

if TYPE_CHECKING:
    from collections.abc import Iterator


class Point(NamedTuple):
    """One reported number with everything known of it: the fields of ``export``."""

    split: Split
    name: str
    key: str
    dataset: str | None
    value: float
    step: int | None
    epoch: float | None
    rank: int | None
    time: float | None
    source: str
    offset: int


class MetricStore:
    """All series of a run."""

    def __init__(self) -> None:
        self.version = 0
        """Counts every change: what was computed from an older version is out of date."""
        self.rows = Rows()
        self._series: dict[Key, Series] = {}
        self._block_rows: array[int] = array("I")
        self._block_sets: array[int] = array("I")
        self._sets: dict[tuple[Key, ...], int] = {}
        self._pending: dict[str, int] = {}

    # --- growing --------------------------------------------------------------------------

    def add(self, record: Metrics) -> None:
        """Take in rows of numbers."""
        if not record.steps:
            return
        first = self.rows.extend(
            record.source, record.steps, record.epochs, record.offsets, record.at
        )
        block = self._sets.setdefault(record.keys, len(self._sets))
        if not self._block_sets or self._block_sets[-1] != block:
            self._block_rows.append(first)
            self._block_sets.append(block)
        breaks = _breaks(record.steps, record.epochs)
        for key, column in zip(record.keys, record.columns, strict=True):
            found = self._series.get(key.series)
            if found is None:
                found = self._series[key.series] = Series(key, self.rows)
            found.extend(first, column, breaks)
        if record.steps[-1] == UNKNOWN_STEP:
            self._pending.setdefault(record.source, first)
        self.version += 1

    def settle(self, source: str, step: int) -> bool:
        """The training's own counter of ``source`` shows ``step``: rows that waited for it get it."""
        first = self._pending.pop(source, None)
        if first is None:
            return False
        for row in range(first, len(self.rows)):
            if self.rows.step(row) is None and self.rows.source(row) == source:
                self.rows.set_step(row, step)
        self.version += 1
        return True

    # --- asking ---------------------------------------------------------------------------

    def series(self) -> list[Series]:
        """Every series, in the order in which they were first met."""
        return list(self._series.values())

    def find(
        self, name: str = "loss", split: Split = "train", dataset: str | None = None
    ) -> Series | None:
        """One series; of several ranks the lowest."""
        found = [
            s
            for k, s in self._series.items()
            if (k.name, k.split, k.dataset) == (name, split, dataset)
        ]
        return min(found, key=lambda s: -1 if s.key.rank is None else s.key.rank, default=None)

    @property
    def loss(self) -> Series | None:
        """The training loss."""
        return self.find()

    @property
    def evals(self) -> list[Series]:
        """The evaluation losses, one per evaluation set."""
        found = [s for k, s in self._series.items() if k.name == "loss" and k.split == "eval"]
        lowest: dict[str | None, Series] = {}
        for s in found:
            lowest.setdefault(s.key.dataset, s)
        return list(lowest.values())

    @property
    def eval_loss(self) -> Series | None:
        """The evaluation loss of the primary set: the unnamed one, else the first met."""
        evals = self.evals
        return next((s for s in evals if s.key.dataset is None), evals[0] if evals else None)

    def points(self) -> Iterator[Point]:
        """Every point, in the order read."""
        sets = [[(k, self._series[k.series]) for k in keys] for keys in self._sets]
        index: dict[Key, dict[int, int]] = {}
        for key, series in self._series.items():
            index[key] = {row: first for first, row, _ in series.places.runs()}
        ends = [*self._block_rows[1:], len(self.rows)]
        for first, block, end in zip(self._block_rows, self._block_sets, ends, strict=True):
            places = [(k, s, _place(index[k.series], first)) for k, s in sets[block]]
            for row in range(first, end):
                for key, series, start in places:
                    yield self._point(key, series.values[start + row - first], row)

    def _point(self, key: Key, value: float, row: int) -> Point:
        rows = self.rows
        return Point(
            key.split,
            key.name,
            key.key,
            key.dataset,
            value,
            rows.step(row),
            rows.epoch(row),
            key.rank,
            rows.at(row),
            rows.source(row),
            rows.offsets[row],
        )


def _place(starts: dict[int, int], row: int) -> int:
    """The index of the point in ``row``, of a series whose runs of rows start at ``starts``."""
    if row in starts:
        return starts[row]
    known = sorted(starts)
    start = known[bisect_right(known, row) - 1]
    return starts[start] + row - start


def _breaks(steps: array[int], epochs: array[float]) -> list[int]:
    """Where inside a block of rows a restart went back."""
    if steps[0] != UNKNOWN_STEP and all(map(le, steps, islice(steps, 1, None))):
        return []
    found = []
    for i in range(1, len(steps)):
        old, new = steps[i - 1], steps[i]
        if UNKNOWN_STEP not in (old, new):
            if new < old:
                found.append(i)
        elif not isnan(epochs[i]) and epochs[i] < epochs[i - 1]:
            found.append(i)
    return found
