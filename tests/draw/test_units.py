"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from trainwatch.draw import units


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.47, "0.4700"), (2.41, "2.410"), (12.345, "12.35"), (1234.5, "1,234"), (0.0123, "0.0123"),
        (1.1e-4, "1.10e−04"), (0.0, "0"), (-0.02, "−0.0200"), (None, "–"), (math.nan, "NaN"),
        (math.inf, "∞"), (-math.inf, "−∞"), (5e-324, "4.94e−324"), (1e300, "1.00e+300"),
    ],
)  # fmt: skip
def test_metric_values_have_four_digits(value: float | None, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.18, "+0.18"),
        (-0.024, "−0.02"),
        (0.0, "0.00"),
        (1.1e-4, "+1.1e−04"),
        (None, "–"),
        (math.nan, "NaN"),
    ],
)
def test_differences_have_a_sign(value: float | None, text: str) -> None:
    assert units.signed(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(950, "950"), (18_200, "18.2k"), (1_240_000, "1.2M"), (0, "0"), (None, "–")]
)
def test_counts_shrink_to_five_characters(value: float | None, text: str) -> None:
    assert units.short(value) == text


@pytest.mark.parametrize(
    ("value", "short", "long"),
    [
        (0, "0B", "0 B"),
        (1023, "1023B", "1023 B"),
        (14 << 30, "14.0G", "14.0 GiB"),
        (1 << 40, "1.0T", "1.0 TiB"),
        (None, "–", "–"),
    ],
)
def test_sizes_are_binary(value: int | None, short: str, long: str) -> None:
    assert (units.size(value), units.long_size(value)) == (short, long)


def test_two_sizes_share_the_unit_of_the_larger() -> None:
    assert units.of_size(71 << 30, 141 << 30) == "71.0/141 GiB"
    assert units.of_size(None, 512 << 20) == "–/512 MiB"
    assert units.of_size(None, None) == "–/– GiB"


@pytest.mark.parametrize(
    ("seconds", "clock", "duration", "age"),
    [
        (0, "00:00:00", "0s", "0s"), (40, "00:00:40", "40s", "40s"), (730, "00:12:10", "12m 10s", "12m"),
        (11_100, "03:05:00", "3h 05m", "3h"), (187_200, "2d 04:00:00", "2d 4h", "2d"), (None, "–", "–", "–"),
        (math.inf, "–", "–", "–"), (-5, "00:00:00", "0s", "0s"),
    ],
)  # fmt: skip
def test_spans_of_time(seconds: float | None, clock: str, duration: str, age: str) -> None:
    assert (units.clock(seconds), units.duration(seconds), units.age(seconds)) == (
        clock,
        duration,
        age,
    )


@pytest.mark.parametrize(
    ("rate", "text"),
    [(2.41, "2.41 it/s"), (0.25, "4.00 s/it"), (1e-3, "16m 40s/it"), (0, "–"), (None, "–")],
)
def test_slow_steps_are_told_in_seconds(rate: float | None, text: str) -> None:
    assert units.rate(rate) == text


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        (50_000, 0, "13:53"),
        (50_000, 3600, "14:53"),
        (50_000 + 86_400, 0, "13:53 (+1d)"),
        (50_000, None, ""),
        (None, 0, ""),
    ],
)
def test_times_of_day_need_a_zone(at: float | None, zone: int | None, text: str) -> None:
    assert units.time_of_day(at, zone, 40_000) == text
