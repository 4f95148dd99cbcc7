"""Which train loss stands beside an eval loss.

The law of this file: a gap is only told where both numbers speak of the same place of the run.
A logged train loss is a mean since the previous log, an eval loss is the value at one step; the
mean of the train losses in a window of half an evaluation interval around the evaluation is
closest to a value at that step. While the later half is not there yet the earlier half stands in.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import isfinite
from typing import NamedTuple

from trainwatch.run.series import Series

LEAST = 3
"""Fewer train losses than this in the window: the last three are taken."""


class Pair(NamedTuple):
    """The two losses at one evaluation."""

    index: int  # type: ignore[assignment]  # of the evaluation; hides tuple.index
    place: float  # on the common axis
    step: int | None
    epoch: float | None
    eval: float
    train: float | None
    centred: bool  # False: the later half of the window is still to come

    @property
    def gap(self) -> float | None:
        """Eval minus train; None where they cannot be compared."""
        return None if self.train is None else self.eval - self.train


def places(train: Series, evals: Series) -> tuple[list[float], list[float]]:
    """The places of both series on the first axis both are known on, else their ordinal."""
    for tell in (Series.step, Series.epoch):
        both = [[tell(s, i) for i in range(len(s))] for s in (train, evals)]
        if all(place is not None for column in both for place in column):
            return [float(p or 0) for p in both[0]], [float(p or 0) for p in both[1]]
    scale = len(evals) / max(len(train), 1)
    return [(i + 1) * scale for i in range(len(train))], [i + 1.0 for i in range(len(evals))]


def pairs(train: Series | None, evals: Series) -> list[Pair]:
    """Every finite evaluation with the train loss that stands beside it."""
    xs, at = places(train, evals) if train else ([], [i + 1.0 for i in range(len(evals))])
    found = []
    for i, place in enumerate(at):
        value = evals.value(i)
        if not isfinite(value):
            continue
        half = _half(at, i)
        beside, centred = _beside(train, xs, place, half) if train else (None, False)
        found.append(Pair(i, place, evals.step(i), evals.epoch(i), value, beside, centred))
    return found


def _half(at: list[float], i: int) -> float:
    steps = [abs(at[j] - at[j - 1]) for j in (i, i + 1) if 0 < j < len(at)]
    return min(steps, default=at[i]) / 2


def _beside(train: Series, xs: list[float], place: float, half: float) -> tuple[float | None, bool]:
    low = bisect_left(xs, place - half)
    here = bisect_right(xs, place)
    high = bisect_right(xs, place + half)
    centred = bool(xs) and xs[-1] >= place + half
    window = [v for v in train.values[low : high if centred else here] if isfinite(v)]
    if len(window) < LEAST:
        window = [v for v in train.values[max(here - LEAST, 0) : here] if isfinite(v)]
    return (sum(window) / len(window) if window else None), centred
