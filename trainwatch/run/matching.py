"""Which row of the log a row of a metric file repeats, and where one belongs that repeats none.

The law of this file: two rows are the same when they agree on the step, or else on the epoch, and
on the value as far as it was printed. A row of the log stands for one row of a file only.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP
from trainwatch.run.batch import same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.read.records import Metrics
    from trainwatch.run.metrics import MetricStore
    from trainwatch.run.series import Axis, Series


_ALIKE = ("learning_rate", "runtime", "samples_per_second", "steps_per_second")
"""Schedules of several runs are the same, and so may be the times that they take."""


def match(store: MetricStore, record: Metrics, i: int) -> int | None:
    """The row of the table that row ``i`` of ``record`` is the same as; None when it is new."""
    for key, column in zip(record.keys, record.columns, strict=True):
        series = store.get(key)
        if series is not None and len(series):
            found = _point(store, series, record.steps[i], record.epochs[i], column[i])
            return None if found is None else series.places.row(found)
    return None


def agrees(store: MetricStore, record: Metrics, i: int) -> bool | None:
    """Whether the log says the same as row ``i``; None where it says nothing of that moment."""
    told = None
    for key, column in zip(record.keys, record.columns, strict=True):
        series = store.get(key)
        if series is None or not len(series) or key.name in _ALIKE:
            continue
        grain = store.grain(series)
        for index in _candidates(series, record.steps[i], record.epochs[i]):
            if not store.told_by_file(series.places.row(index), series):
                if grain.agrees(series.values[index], column[i]):
                    return True
                told = False
    return told


def _point(store: MetricStore, series: Series, step: int, epoch: float, value: float) -> int | None:
    claimed = None
    grain = store.grain(series)
    for index in _candidates(series, step, epoch):
        if not store.told_by_file(series.places.row(index), series):
            if grain.agrees(series.values[index], value):
                return index
        elif claimed is None and same(series.values[index], value):
            claimed = index if series.step(index) in (None, step) else None
    return claimed


def _candidates(series: Series, step: int, epoch: float) -> Iterator[int]:
    if step != UNKNOWN_STEP:
        yield from _between(series, "step", step, step)
    if not isnan(epoch):
        near = epoch_half(epoch)
        yield from _between(series, "epoch", epoch - near, epoch + near)


def _between(series: Series, axis: Axis, first: float, last: float) -> Iterator[int]:
    """The points from one place to another, those of the newest stretch first."""
    for low, high in reversed(series.stretches()):
        a = series.places.find(axis, first, low, high)
        yield from range(a, series.places.find(axis, last, low, high, after=True))


def epoch_half(epoch: float) -> float:
    """How far a printed epoch may be from the true one.

    transformers 4 prints two decimals, transformers 5 four significant digits.
    """
    return max(0.005, abs(epoch) * 5e-4) * 1.001


def position(series: Series, step: int, epoch: float) -> int:
    """Before which point a row that the log never showed belongs."""
    axis: Axis = "epoch" if step == UNKNOWN_STEP else "step"
    place = epoch if step == UNKNOWN_STEP else step
    if isnan(place):
        return len(series)
    for low, high in reversed(series.stretches()):
        first = series.places.place(axis, low)
        if first is not None and first <= place:
            return series.places.find(axis, place, low, high, after=True)
    return 0
