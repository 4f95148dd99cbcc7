"""Rows of a ``Metrics`` record: a selection of them, and what neighbours say of each other.

The law of this file: pure functions over one record.
"""

from __future__ import annotations

from array import array
from itertools import islice
from math import isnan
from operator import le, lt
from typing import TYPE_CHECKING

from trainwatch.read.records import UNKNOWN_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainwatch.read.records import Metrics


def rows_of(record: Metrics, chosen: Iterable[int]) -> Metrics:
    """The record with only the chosen rows."""
    chosen = list(chosen)
    return record._replace(
        columns=tuple(array("d", (c[i] for i in chosen)) for c in record.columns),
        steps=array("q", (record.steps[i] for i in chosen)),
        epochs=array("d", (record.epochs[i] for i in chosen)),
        offsets=array("q", (record.offsets[i] for i in chosen)),
    )


def same(one: float, other: float) -> bool:
    """Equal, NaN being equal to NaN."""
    return one == other or (isnan(one) and isnan(other))


def said_once(record: Metrics) -> Metrics:
    """Without rows that say again what the row before said: every process of a job printed it."""
    steps = record.steps
    if len(steps) < 2 or all(map(lt, steps, islice(steps, 1, None))):
        return record
    kept = [i for i in range(len(steps)) if i == 0 or not _again(record, i)]
    return record if len(kept) == len(steps) else rows_of(record, kept)


def _again(record: Metrics, i: int) -> bool:
    step = record.steps[i]
    if step == UNKNOWN_STEP or step != record.steps[i - 1]:
        return False
    columns = (*record.columns, record.epochs)
    return all(same(column[i - 1], column[i]) for column in columns)


def breaks(steps: array[int], epochs: array[float]) -> list[int]:
    """The rows at which a restart went back."""
    if steps[0] != UNKNOWN_STEP and all(map(le, steps, islice(steps, 1, None))):
        return []
    found = []
    for i in range(1, len(steps)):
        old, new = steps[i - 1], steps[i]
        if UNKNOWN_STEP not in (old, new):
            if new < old:
                found.append(i)
        elif epochs[i] < epochs[i - 1]:  # never true of NaN
            found.append(i)
    return found
