"""Whatever the run and the size: no error, and rows exactly as wide and as many as asked."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.draw.runs import START, hostile, training
from trainwatch.draw import (
    chart,
    checkpoint,
    checkpoints,
    devices,
    gap,
    header,
    log,
    loss,
    machine,
    metrics,
    plain,
    report,
    summary,
)
from trainwatch.draw.frame import framed
from trainwatch.draw.glyphs import suited
from trainwatch.draw.plot import ChartView
from trainwatch.draw.rows import Picture, Row, length

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainwatch.run.run import Run

NOW = START + 600


def exact(rows: list[Row], columns: int, lines: int) -> None:
    """Exactly this size, and nothing that a terminal would obey."""
    assert len(rows) == lines
    for row in rows:
        assert length(row) == columns
        assert all(c.isprintable() for text, _ in row for c in text), row


def view(rng: random.Random, run: Run) -> ChartView:
    """Any way to look at a chart, also with places that are not there."""
    place = rng.choice((None, None, 0.0, -5.0, 1e300, START, 700.0, float("nan")))
    return ChartView(
        axis=rng.choice(("step", "epoch", "time")),
        log_y=rng.random() < 0.4,
        smoothing=rng.choice((0.0, 0.6, 0.99, 1.0)),
        start=place,
        stop=rng.choice((None, None, 1.0, 1e300, 800.0)),
        cursor=rng.choice((None, 10.0, 1e18, -3.0)),
        robust=rng.random() < 0.5,
    )


def pictures(run: Run, rng: random.Random, w: int, h: int) -> Iterator[Picture]:
    yield chart.draw(loss.plot(run), view(rng, run), w, h)
    for plot in metrics.plots(run):
        yield chart.draw(plot, view(rng, run), w, h)
    yield gap.draw(run, w, h, NOW)
    yield checkpoints.draw(
        run,
        checkpoints.CheckpointsView(
            sort=rng.choice(checkpoints.SORTS),
            top=rng.randint(0, 9),
            reverse=rng.random() < 0.5,
            filter=rng.choice(("", "1", "zz")),
            measure=rng.choice(checkpoints.measures(run.checkpoints.rows())),
        ),
        w,
        h,
        NOW,
    )
    yield devices.draw(run, w, h, NOW + rng.choice((0, 1e4)))
    yield machine.draw(run, w, h, NOW)
    yield metrics.draw(
        run, metrics.MetricsView(rng.choice(("", "los", "(", "zz")), rng.randint(0, 9)), w, h
    )


def everything(run: Run, rng: random.Random, w: int, h: int) -> None:
    for picture in pictures(run, rng, w, h):
        exact(picture.rows, w, h)
        exact(framed(picture, w, h), w, h)
        exact(suited(framed(picture, w, h), "ascii"), w, h)
    shown = header.HeaderView(3600, rng.choice(("", "4x")))
    exact(header.rows(run, shown, w, h, NOW), w, h)
    exact(summary.rows(run, shown, w, h, NOW), w, h)
    for page in (devices.details(run.own, w, NOW), gap.details(run, w, NOW)):
        exact(page, w, len(page))
    for found in run.checkpoints.rows():
        for beside in (None, checkpoint.Beside(run.checkpoints.rows())):
            page = checkpoint.details(found, w, NOW, beside)
            exact(page, w, len(page))
    exact(metrics.grid(metrics.plots(run), ChartView(), (2, 2), w, h), w, h)


SIZES = ((1, 1), (2, 1), (1, 9), (2, 2), (3, 3), (23, 4), (24, 5), (40, 7), (80, 24), (500, 200))


@pytest.mark.parametrize("seed", range(40))
def test_any_run_at_any_size(seed: int) -> None:
    rng = random.Random(seed)
    run = hostile(seed)
    for w, h in (rng.choice(SIZES[:-1]), (rng.randint(1, 130), rng.randint(1, 50))):
        everything(run, rng, w, h)


@pytest.mark.parametrize(("w", "h"), SIZES)
def test_an_ordinary_run_at_every_size(w: int, h: int) -> None:
    everything(training(), random.Random(w), w, h)


@pytest.mark.parametrize("seed", range(12))
def test_text_pages_of_any_run(seed: int) -> None:
    run = hostile(seed)
    for text in (plain.status(run, 1 + seed * 9, NOW, glyphs="ascii"), report.report(run, NOW)):
        assert all(c.isprintable() or c == "\n" for c in text)
    assert plain.status(run, 60, NOW, glyphs="ascii").isascii()


@pytest.mark.parametrize(
    "text",
    ["", "\x1b[31mred\x1b[0m plain", "日本" * 40, "a\tb\rc\x00", "x" * 9000, None, "e\u0301" * 30],
)
@pytest.mark.parametrize("pattern", ["", "a", "(", "plain|本", "x*"])
def test_any_line_of_a_log(text: str | None, pattern: str) -> None:
    for columns in (0, 1, 2, 7, 80):
        for left in (0, 1, 50):
            exact([log.line(text, columns, left=left, pattern=pattern)], columns, 1)
