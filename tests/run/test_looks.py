"""What was remembered of a view of a growing series is what a fresh look would find."""

from __future__ import annotations

import math
import random
from array import array

import pytest

from trainwatch.read.records import Key, Metrics
from trainwatch.run.metrics import MetricStore
from trainwatch.run.series import MOST_LOOKS, Series, Span


def grow(store: MetricStore, first: int, values: list[float]) -> Series:
    steps = array("q", range(first, first + len(values)))
    told = array("d", [math.nan] * len(values))
    store.add(Metrics("log", (Key("loss"),), (array("d", values),), steps, told, steps, None))
    series = store.loss
    assert series is not None
    return series


def fresh(series: Series, start: float, stop: float, width: int) -> list[Span | None]:
    series._looks.clear()
    return series.spans("step", start, stop, width)


@pytest.mark.parametrize("seed", range(6))
def test_a_growing_series_looks_as_if_seen_for_the_first_time(seed: int) -> None:
    rng = random.Random(seed)
    store = MetricStore()
    at = 0
    for _ in range(30):
        size = rng.choice((1, 2, 17, 400, 6000))
        values = [
            rng.choice((math.nan, rng.gauss(1, 1))) if rng.random() < 0.02 else rng.gauss(1, 1)
            for _ in range(size)
        ]
        series = grow(store, at, values)
        at = at + size if rng.random() < 0.9 else max(at - 50, 0)
        for view in ((0.0, 60_000.0, 230), (0.0, 20_000.0, 64), (100.0, 900.0, 31)):
            known = series.spans("step", *view)
            assert known == fresh(series, *view)
            series.spans("step", *view)


def test_a_corrected_value_is_seen() -> None:
    store = MetricStore()
    series = grow(store, 0, [1.0] * 100)
    series.spans("step", 0, 100, 10)
    series.correct(5, 9.0)
    series.corrected(5)
    span = series.spans("step", 0, 100, 10)[0]
    assert span is not None
    assert span.hi == 9.0


def test_few_views_are_remembered() -> None:
    store = MetricStore()
    series = grow(store, 0, [1.0] * 100)
    for width in range(1, 50):
        series.spans("step", 0, 100, width)
    assert len(series._looks) <= MOST_LOOKS
