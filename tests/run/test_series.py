"""Series against a naive list of points: any growth, any zoom, any restart."""

from __future__ import annotations

from array import array
from math import inf, isfinite, nan
from random import Random

import pytest

from trainwatch.read.records import UNKNOWN_STEP, Key
from trainwatch.run.pyramid import Pyramid
from trainwatch.run.rows import Rows
from trainwatch.run.series import Axis, Series, Span, averaged


def series_of(
    values: list[float],
    steps: list[int] | None = None,
    epochs: list[float] | None = None,
    times: list[float] | None = None,
    seed: int = 0,
) -> Series:
    """A series filled in chunks of random size, other rows in between."""
    random = Random(seed)
    rows = Rows()
    series = Series(Key("loss"), rows)
    steps = steps or list(range(len(values)))
    epochs = epochs or [max(s, 0) / 7 for s in steps]
    at = 0
    while at < len(values):
        size = 1 if times else random.choice((1, 1, 2, 3, 17, 400))
        chunk = slice(at, at + size)
        columns = array("q", steps[chunk]), array("d", epochs[chunk])
        n = len(columns[0])
        when = times[at] if times else None
        row = rows.extend("log", *columns, array("q", range(n)), when)
        back = [i for i in range(1, n) if 0 <= columns[0][i] < columns[0][i - 1]]
        series.extend(row, array("d", values[chunk]), back)
        at += n
        if random.random() < 0.2:
            rows.extend(
                "log", array("q", [columns[0][-1]]), array("d", [0.0]), array("q", [0]), None
            )
    return series


def naive_spans(
    xs: list[float], values: list[float], start: float, stop: float, width: int
) -> list[Span | None]:
    columns: list[list[float]] = [[] for _ in range(width)]
    edges = [start + (stop - start) / width * k for k in range(width)]
    for x, value in zip(xs, values, strict=True):
        if start <= x <= stop and isfinite(value):
            column = max(k for k in range(width) if edges[k] <= x)
            columns[column].append(value)
    return [Span(min(c), max(c), sum(c) / len(c), len(c)) if c else None for c in columns]


def close(found: list[Span | None], expected: list[Span | None]) -> bool:
    return [f and f._replace(mean=0.0) for f in found] == [
        e and e._replace(mean=0.0) for e in expected
    ] and [f.mean for f in found if f] == pytest.approx([e.mean for e in expected if e], abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_spans_are_those_of_a_list_of_points(seed: int) -> None:
    random = Random(seed)
    n = random.choice((1, 2, 15, 16, 17, 300, 3000))
    values = [random.choice((random.gauss(0, 1), nan, inf, 0.0)) for _ in range(n)]
    step, steps = 0, []
    for _ in range(n):
        step += random.choice((0, 1, 1, 5, 100))
        steps.append(step)
    series = series_of(values, steps, times=[float(s) for s in steps], seed=seed)
    for axis in ("step", "epoch", "time"):
        xs = [s / 7 if axis == "epoch" else float(s) for s in steps]
        ends = sorted((random.uniform(-1, xs[-1] + 1), random.uniform(-1, xs[-1] + 1)))
        for start, stop in ((xs[0], xs[-1]), (ends[0], ends[1])):
            width = max(random.choice((1, 2, 7, 240)), n // 100)
            if axis == "time" and len(set(steps)) < n:
                continue  # rows of one arrival are one place there
            assert close(
                series.spans(axis, start, stop, width), naive_spans(xs, values, start, stop, width)
            ), (axis, start, stop, width)


@pytest.mark.parametrize("seed", range(10))
def test_with_many_points_per_column_none_is_lost_or_doubled(seed: int) -> None:
    random = Random(seed)
    values = [random.gauss(0, 1) for _ in range(20_000)]
    values[7] = nan
    spike = random.randrange(8, 20_000)
    values[spike] = 99.0
    series = series_of(values, seed=seed)
    spans = [s for s in series.spans("step", 0, 19_999, 30) if s]
    assert sum(s.count for s in spans) == 19_999
    assert max(s.hi for s in spans) == 99.0
    assert min(s.lo for s in spans) == min(v for v in values if isfinite(v))
    held = next(k for k, s in enumerate(spans) if s.hi == 99.0)
    assert abs(held - spike * 30 // 20_000) <= 1
    total = sum(s.mean * s.count for s in spans)
    assert total == pytest.approx(sum(v for v in values if isfinite(v)))


@pytest.mark.parametrize("seed", range(20))
def test_a_pyramid_tells_what_a_walk_over_the_values_tells(seed: int) -> None:
    random = Random(seed)
    values = array("d")
    pyramid = Pyramid(values)
    for _ in range(30):
        values.extend(
            random.choice((random.random(), nan)) for _ in range(random.choice((0, 1, 16, 300)))
        )
        pyramid.grow()
        if values and random.random() < 0.3:
            at = random.randrange(len(values))
            values[at] = random.random()
            pyramid.changed(at)
        a, b = sorted(random.randrange(len(values) + 1) for _ in range(2))
        finite = [v for v in values[a:b] if isfinite(v)]
        low, high, total = pyramid.over(a, b)
        assert (low, high) == (min(finite, default=inf), max(finite, default=-inf))
        assert total == pytest.approx(sum(finite))


def test_a_restart_cuts_what_it_ran_again_from_the_older_stretch() -> None:
    steps = [*range(0, 70, 10), *range(40, 100, 10)]
    series = series_of([float(i) for i in range(13)], steps)
    assert series.segments == [0, 7]
    assert series.pieces() == [(0, 4), (7, 13)]
    assert series.superseded() == [(4, 7)]
    kept = [s.mean if s else None for s in series.spans("step", 0, 100, 10)]
    assert kept == [0, 1, 2, 3, 7, 8, 9, 10, 11, 12]
    cut = [s.mean if s else None for s in series.spans("step", 0, 100, 10, cut=True)]
    assert cut == [None] * 4 + [4, 5, 6] + [None] * 3


def test_a_second_restart_to_an_earlier_step_cuts_both_older_stretches() -> None:
    steps = [0, 10, 20, 30, 20, 30, 40, 10, 20]
    series = series_of([float(i) for i in range(9)], steps)
    assert series.pieces() == [(0, 1), (7, 9)]
    assert series.superseded() == [(1, 7)]


def test_a_restart_is_seen_by_epochs_where_nobody_tells_steps() -> None:
    series = series_of([1.0] * 4, [UNKNOWN_STEP] * 4, [0.1, 0.2, 0.1, 0.2])
    series.moved(0, 4)
    assert series.segments == [0, 2]
    assert series.extent("step") is None
    assert series.extent("epoch") == (0.1, 0.2)


def test_rows_without_a_step_are_in_no_extent_and_do_not_disturb_the_others() -> None:
    steps = [UNKNOWN_STEP, 10, 20, UNKNOWN_STEP]
    series = series_of([1.0, 2.0, 3.0, 4.0], steps, [0.0, 0.1, 0.2, 0.3])
    assert series.extent("step") == (10, 20)
    assert [series.step(i) for i in range(4)] == [None, 10, 20, None]
    assert series.spans("step", 10, 30, 2)[0] == Span(2.0, 2.0, 2.0, 1)


def test_points_that_came_late_are_put_in_their_place() -> None:
    rows = Rows()
    series = Series(Key("loss"), rows)
    row = rows.extend("log", array("q", [50, 60]), array("d", [5, 6]), array("q", [0, 1]), 7.0)
    series.extend(row, array("d", [5.0, nan]))
    late = rows.extend("old", array("q", [10, 20]), array("d", [1, 2]), array("q", [0, 1]), None)
    series.splice(0, late, array("d", [1.0, 2.0]))
    row = rows.extend("log", array("q", [70]), array("d", [7]), array("q", [2]), 9.0)
    series.extend(row, array("d", [7.0]))
    assert [series.step(i) for i in range(5)] == [10, 20, 50, 60, 70]
    assert [series.source(i) for i in range(5)] == ["old", "old", "log", "log", "log"]
    assert series.segments == [0]
    assert [i for i, _ in series.marks] == [3]
    assert series.extent("time") == (7.0, 9.0)
    assert [s and s.count for s in series.spans("time", 7, 9, 2)] == [1, 1]
    assert [s and s.count for s in series.spans("step", 0, 80, 4)] == [1, 1, 1, 1]


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_nearest(axis: Axis) -> None:
    series = series_of([1.0, 2.0, 3.0], [0, 7, 14], [0.0, 7.0, 14.0], [0.0, 7.0, 14.0])
    assert [series.nearest(axis, x) for x in (-5, 3, 4, 12, 99)] == [0, 0, 1, 2, 2]


def test_few_points_are_smoothed_exactly_and_without_a_start_bias() -> None:
    values = [4.0, 2.0, 3.0]
    assert averaged(values, 0.0) == values
    state = pytest.approx(
        [4.0, (0.5 * 2 + 0.25 * 4) / 0.75, (0.5 * 3 + 0.25 * 2 + 0.125 * 4) / 0.875]
    )
    assert averaged(values, 0.5) == state
    assert series_of(values).smoothed("step", 0, 3, 3, 0.5) == state
    assert averaged([1.0, nan, 1.0], 0.9) == [1.0, None, 1.0]


def test_zooming_into_many_points_hardly_changes_the_smoothed_curve() -> None:
    values = [1 / (1 + i / 1000) for i in range(50_000)]
    series = series_of(values)
    whole = series.smoothed("step", 0, 50_000, 100, 0.6)
    half = series.smoothed("step", 25_000, 50_000, 50, 0.6)
    assert half == pytest.approx(whole[50:], rel=1e-3)


def test_large_steps_and_offsets_need_no_preparation() -> None:
    rows = Rows()
    rows.extend("log", array("q", [1]), array("d", [nan]), array("q", [2]), None)
    rows.extend("log", array("q", [1 << 40]), array("d", [1.5]), array("q", [1 << 50]), None)
    rows.set_step(0, 1 << 41)
    assert [rows.step(0), rows.step(1)] == [1 << 41, 1 << 40]
    assert list(rows.offsets) == [2, 1 << 50]
    assert [rows.epoch(0), rows.epoch(1)] == [None, 1.5]
