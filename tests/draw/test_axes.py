"""Scales, ticks and windows over any numbers."""

from __future__ import annotations

import math
import random
import sys
from itertools import pairwise

import pytest

from trainwatch.draw.axes import (
    Scale,
    clock_labels,
    clock_ticks,
    labels,
    log_labels,
    log_ticks,
    spaced,
    ticks,
    widened,
)
from trainwatch.draw.window import Window, chosen, rung, whole

BIG = sys.float_info.max
RANGES = [
    (0.0, 1.0), (0.47, 2.4), (-1e308, 1e308), (-BIG, BIG), (0.0, 5e-324), (0.001, 0.0011), (3.0, 3.0),
    (-5.0, 20.0), (1e6, 3e6), (0.0, 0.0), (1e-7, 2e-7), (BIG, BIG), (-1e-300, 1e300),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_any_range_has_a_scale_with_both_ends_on_it(low: float, high: float) -> None:
    low, high = widened(low, high)
    scale = Scale(low, high, 40)
    assert (scale.dot(low), scale.dot(high)) == (39, 0)
    if high - low > 1e-300:
        assert scale.dot(low / 2 + high / 2) in (19, 20)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, BIG, -BIG])
def test_values_beyond_the_scale_stay_near_it(value: float) -> None:
    assert -40 <= Scale(0.0, 1.0, 40).dot(value) <= 80


@pytest.mark.parametrize(("low", "high"), RANGES)
def test_ticks_lie_inside_and_are_few(low: float, high: float) -> None:
    low, high = widened(low, high)
    found = ticks(low, high, 5)
    slack = (high / 1e6 - low / 1e6) or 1e-300
    assert 1 <= len(found) <= 7
    assert all(low - slack <= v <= high + slack for v in found)
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("low", "high", "texts"),
    [
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.0, 12345.0, ["0", "2.5k", "5.0k", "7.5k", "10.0k"]),
        (100000.0, 100100.0, ["100000", "100020", "100040", "100060", "100080", "100100"]),
        (1e6, 3e6, ["1.0M", "1.5M", "2.0M", "2.5M", "3.0M"]),
        (0.0, 2e-4, ["0", "5.0e-05", "1.0e-04", "1.5e-04", "2.0e-04"]),
    ],
)
def test_labels_are_round_and_alike(low: float, high: float, texts: list[str]) -> None:
    assert labels(ticks(low, high, 5)) == texts


def test_decades_are_labelled_on_a_logarithmic_axis() -> None:
    assert log_labels(log_ticks(1e-3, 1e2, 6)) == ["0.001", "0.01", "0.1", "1", "10", "100"]


@pytest.mark.parametrize(("low", "high"), [(5e-324, BIG), (1e-300, 1e300), (0.4, 2.4), (1.0, 1.01)])
def test_a_logarithmic_axis_has_ticks_inside(low: float, high: float) -> None:
    found = log_ticks(low, high, 5)
    assert found
    assert all(low * 0.99 <= v <= high for v in found)


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        (50, ["0s", "10s", "20s", "30s", "40s", "50s"]),
        (500, ["0m", "2m", "4m", "6m", "8m"]),
        (20000, ["0h", "1h", "2h", "3h", "4h", "5h"]),
        (1e6, ["0d", "2d", "4d", "6d", "8d", "10d"]),
    ],
)
def test_times_are_told_in_minutes_hours_and_days(seconds: float, texts: list[str]) -> None:
    assert clock_labels(clock_ticks(0, seconds, 6)) == texts


@pytest.mark.parametrize("seed", range(50))
def test_labels_of_the_x_axis_never_overlap(seed: int) -> None:
    rng = random.Random(seed)
    columns = rng.randint(1, 200)
    window = Window(0.0, 10 ** rng.uniform(-3, 9), columns * 2)
    axis = rng.choice(("step", "epoch", "time"))
    found = spaced(window.start, window.stop, columns, lambda v: window.column(v) // 2, axis)  # type: ignore[arg-type]
    for before, after in pairwise(found):
        assert after.column - before.column >= len(before.label) / 2 + len(after.label) / 2 + 1


@pytest.mark.parametrize("least", [5e-324, 1e-9, 0.3, 1.0, 1.01, 1.5, 2.0, 7.0, 1e300])
def test_a_rung_is_the_next_of_the_ladder(least: float) -> None:
    found = rung(least)
    fraction, _ = math.frexp(found)
    assert fraction in (0.5, 0.75)
    assert least <= found <= least * 1.5 or least < 1e-300


@pytest.mark.parametrize("seed", range(200))
def test_the_window_of_the_whole_run_holds_it_and_wastes_little(seed: int) -> None:
    rng = random.Random(seed)
    low = rng.choice((0.0, 1.0, 10.0, rng.uniform(0, 1e7), rng.uniform(-1e3, 0)))
    high = low + rng.choice((0.0, 1.0, rng.uniform(0, 1e6)))
    columns = rng.randint(32, 400)
    window = whole(low, high, columns)
    assert window.start <= low
    assert window.stop >= high
    assert 0 <= window.column(low) <= window.column(high) < columns
    if low == 0 < high:
        assert window.column(high) >= columns * 0.6


def test_the_window_stands_still_while_a_run_grows() -> None:
    windows = {whole(10, high, 200) for high in range(1000, 2000, 10)}
    assert len(windows) <= 4


@pytest.mark.parametrize(
    "ends", [(math.nan, None), (None, math.inf), (5.0, 5.0), (9.0, 1.0), (1e300, None)]
)
def test_a_window_that_cannot_be_is_the_whole_run(ends: tuple[float | None, float | None]) -> None:
    window = chosen((0.0, 100.0), *ends, 50)
    assert math.isfinite(window.start)
    assert window.start < window.stop < math.inf
