"""The curve: what must be seen, and what must stand still."""

from __future__ import annotations

import math
import random
from array import array
from typing import TYPE_CHECKING

import pytest

from tests.draw.runs import START, curve, row, training
from trainwatch.draw import chart, loss
from trainwatch.draw.axes import Scale
from trainwatch.draw.curve import NOWHERE, Outside, envelope, line
from trainwatch.draw.plot import ChartView, Layout
from trainwatch.draw.rows import plain
from trainwatch.read.records import Key, Metrics
from trainwatch.run.run import Run
from trainwatch.run.series import Span

if TYPE_CHECKING:
    from trainwatch.draw.rows import Row

W, H = 118, 38
SCALE = Scale(0.0, 39.0, 40)


def cells(rows: list[Row]) -> list[list[tuple[str, object]]]:
    return [[(c, s if c != " " else "") for text, s in row for c in text] for row in rows]


def changed(old: list[Row], new: list[Row]) -> int:
    pairs = zip(cells(old), cells(new), strict=True)
    return sum(a != b for one, other in pairs for a, b in zip(one, other, strict=True))


def lit(column: int) -> set[int]:
    return {k for k in range(column.bit_length()) if column >> k & 1}


def steps(run: Run, first: int, values: list[float]) -> None:
    keys = (Key("loss", "train", None, "loss"),)
    numbers = range(first, first + len(values))
    run.apply(
        Metrics(
            "log",
            keys,
            (array("d", values),),
            array("q", numbers),
            array("d", [math.nan] * len(values)),
            array("q", numbers),
            START,
        )
    )


# --- dots ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(30))
def test_every_column_covers_its_values_and_touches_its_neighbour(seed: int) -> None:
    rng = random.Random(seed)
    spans: list[Span | None] = []
    for _ in range(60):
        low = rng.uniform(0, 39)
        high = min(low + rng.uniform(0, 9), 39.0)
        spans.append(None if rng.random() < 0.3 else Span(low, high, low, 2))
    drawn = envelope(spans, SCALE)
    known = [x for x, s in enumerate(spans) if s is not None]
    for x, span in enumerate(spans):
        if span is not None:
            assert {SCALE.dot(span.lo), SCALE.dot(span.hi)} <= lit(drawn[x])
    for x in range(known[0], known[-1]):
        here, there = lit(drawn[x]), lit(drawn[x + 1])
        assert here
        assert min(abs(a - b) for a in here for b in there) <= 1


def test_numbers_that_broke_leave_a_hole() -> None:
    drawn = line([1.0, None, None, None, 5.0], SCALE, broken={2})
    assert [bool(c) for c in drawn] == [True, False, False, False, True]


def test_a_line_enters_from_a_point_outside() -> None:
    assert line([None, None], SCALE, (), Outside((-2, 39.0), (3, 39.0)))[0] == 1
    assert line([None, None], SCALE, (), NOWHERE) == [0, 0]


def test_what_lies_beyond_the_scale_is_cut_at_the_edge() -> None:
    drawn = envelope([Span(20, 500, 20, 2), Span(-9, 3, 0, 2), Span(90, 99, 95, 2)], SCALE)
    assert set(range(20)) <= lit(drawn[0])
    assert set(range(36, 40)) <= lit(drawn[1])
    assert all(c.bit_length() <= 40 for c in drawn)


# --- what is seen -------------------------------------------------------------------------


def test_a_spike_among_a_million_is_seen() -> None:
    run = Run()
    values = [1.0 + 0.01 * math.sin(n) for n in range(1_000_000)]
    values[700_000] = 1.5
    steps(run, 0, values)
    view = ChartView(smoothing=0, robust=False)
    layout = Layout(loss.plot(run), view, W, H)
    assert max(s.hi for s in layout.raw if s is not None) == 1.5
    top = chart.draw(loss.plot(run), view, W, H).rows[1:8]
    assert (
        sum(c not in " ┤│⠈⠁" and not c.isdigit() and c != "." for r in top for t, _ in r for c in t)
        > 0
    )


def test_points_that_are_not_finite_are_marked_where_they_are() -> None:
    run = training(200)
    row(run, 210, 0.42, START, loss=math.nan)
    text = plain(chart.draw(loss.plot(run), ChartView(), W, H).rows)
    assert "× 1 not finite" in text
    assert text.count("×") == 2


def test_the_cursor_reads_the_nearest_point() -> None:
    run = training()
    text = plain(chart.draw(loss.plot(run), ChartView(cursor=603), W, H).rows).split("\n")[0]
    assert "step 600 · epoch 1.20" in text
    assert f"train {curve(600):.4f}" in text


def test_a_column_and_its_place_lead_back_to_each_other() -> None:
    plot, view = loss.plot(training()), ChartView()
    layout = Layout(plot, view, W, H)
    assert layout.window is not None
    for column in range(layout.gutter, W):
        place = chart.x_at(plot, view, W, H, column)
        assert place is not None
        assert layout.window.column(place) // 2 + layout.gutter == column
    assert chart.x_at(plot, view, W, H, 0) is None


@pytest.mark.parametrize("negative", [-1.0, 0.0])
def test_a_logarithmic_axis_survives_values_it_cannot_show(negative: float) -> None:
    run = training(200)
    row(run, 210, 0.42, START, loss=negative)
    picture = chart.draw(loss.plot(run), ChartView(log_y=True), W, H)
    assert "log" in plain([picture.note])
    only = Run()
    steps(only, 1, [negative, negative])
    assert "linear" in plain([chart.draw(loss.plot(only), ChartView(log_y=True), W, H).note])


# --- what stands still --------------------------------------------------------------------


def test_a_growing_run_changes_few_cells() -> None:
    rng = random.Random(5)
    run = Run()
    steps(run, 1, [1.0 + rng.gauss(0, 0.02) for _ in range(20_000)])
    old = chart.draw(loss.plot(run), ChartView(), W, H).rows
    counts = []
    for n in range(80):
        steps(run, 20_001 + 5 * n, [1.0 + rng.gauss(0, 0.02) for _ in range(5)])
        new = chart.draw(loss.plot(run), ChartView(), W, H).rows
        counts.append(changed(old, new))
        old = new
    assert sorted(counts)[40] <= 20
    assert sum(c > 200 for c in counts) <= 2


def test_the_same_run_gives_the_same_picture() -> None:
    assert chart.draw(loss.plot(training()), ChartView(), W, H) == chart.draw(
        loss.plot(training()), ChartView(), W, H
    )
