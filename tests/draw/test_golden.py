"""The screens as text. To write them anew after a change that is wanted, and review the difference:

TRAINWATCH_GOLDEN=write python -m pytest tests/draw/test_golden.py
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.draw.fleet import members
from tests.draw.runs import GIB, ROOT, START, checkpoint, checkpoints, device, row, target, training
from tests.draw.test_compare import several
from trainwatch import facts
from trainwatch.draw import (
    chart,
    compare,
    devices,
    fleet,
    gap,
    header,
    loss,
    machine,
    metrics,
    plain,
    report,
    summary,
)
from trainwatch.draw import checkpoints as table
from trainwatch.draw.checkpoint import Beside, details
from trainwatch.draw.frame import framed
from trainwatch.draw.glyphs import suited
from trainwatch.draw.plot import ChartView
from trainwatch.draw.rows import plain as as_text
from trainwatch.read.records import CheckpointsSeen
from trainwatch.run.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.draw.glyphs import Glyphs
    from trainwatch.draw.rows import Picture, Row

FOLDER = Path(__file__).parents[1] / "golden"
NOW = START + 514
HEADER = header.HeaderView(zone=3600)


def boxed(draw: Callable[[int, int], Picture], columns: int, lines: int) -> list[Row]:
    return framed(draw(columns - 2, lines - 2), columns, lines)


def loss_chart(run: Run, view: ChartView, columns: int, lines: int) -> list[Row]:
    return boxed(lambda w, h: chart.draw(loss.plot(run), view, w, h), columns, lines)


def beside(left: list[Row], right: list[Row]) -> list[Row]:
    return [[*a, *b] for a, b in zip(left, right, strict=True)]


def screen(run: Run, columns: int, now: float) -> list[Row]:
    """The main screen as its panels lie on a wide terminal."""
    right = columns * 45 // 100
    left = columns - right
    top = beside(
        [*loss_chart(run, ChartView(), left, 18), *boxed(lambda w, h: gap.draw(run, w, h, now), left, 5)],
        [
            *boxed(lambda w, h: table.draw(run, table.CheckpointsView(), w, h, now), right, 15),
            *boxed(lambda w, h: devices.draw(run, w, h, now), right, 6),
            *boxed(lambda w, h: machine.draw(run, w, h, now), right, 2),
        ],
    )  # fmt: skip
    return [*header.rows(run, HEADER, columns, 2, now), *top]


def restarted() -> Run:
    """It went astray, died at step 700 and was continued from 400."""
    run = training(400, evals=100)
    for step in range(410, 701, 10):
        at = START + 250 + step / 3
        row(run, step, step / 500, at, loss=1.1 + (step - 400) / 400)
    for step in range(410, 1001, 10):
        at = START + 400 + step / 3
        row(run, step, step / 500, at, loss=0.5 + 1.7 * math.exp(-step / 300))
    return run


def broken() -> Run:
    """The numbers stop being numbers."""
    run = training(400)
    for step in range(410, 600, 10):
        row(run, step, step / 500, START, loss=math.nan if step < 500 else math.inf)
    return run


def spiked() -> Run:
    """One batch that would squeeze the whole curve flat."""
    run = training(400)
    row(run, 410, 0.82, START, loss=900.0)
    for step in range(420, 800, 10):
        row(run, step, step / 500, START, loss=0.6 + 0.05 * math.sin(step))
    return run


def few(points: int) -> Run:
    run = Run()
    run.apply(target())
    for n in range(points):
        row(run, 10 * (n + 1), 0.1, START, loss=2.5 - n / 2)
    return run


def without_gpu() -> Run:
    run = Run()
    run.apply(
        facts.Trouble(
            "devices",
            "No NVIDIA driver on this machine: libnvidia-ml.so.1 was not found.",
            "Nothing to do if this machine has no GPU.",
            START,
        )
    )
    return run


def cards(count: int) -> Run:
    run = training(100)
    for second in range(40):
        for index in range(count):
            ours = index % 4 != 3
            run.apply(
                device(
                    index,
                    at=START + 474 + second,
                    busy=abs(math.sin(second / 9 + index)),
                    pid=4212 if ours else 9,
                )
            )
    run.apply(device(1, at=START + 514, faults=[("*", "GPU is lost")], busy=None))
    run.apply(
        device(
            2,
            at=START + 514,
            faults=[("power", "not supported")],
            throttle=["power cap", "hot"],
            temperature=91.0,
        )
    )
    return run


def odd_checkpoints() -> Run:
    run = training(1300)
    seen = [*checkpoints((400, 800, 1200)).checkpoints, checkpoint(1300, None, state="writing")]
    seen.append(
        checkpoint(9, None, state="corrupt", name="checkpoint-9")._replace(
            reason="the header of model.safetensors is cut short", metrics=()
        )
    )
    seen[2] = seen[2]._replace(metrics=(*seen[2].metrics[:1], ("eval_accuracy", 0.99)))
    run.apply(CheckpointsSeen(ROOT, tuple(seen), (("latest", "a link that leads to itself"),), NOW))
    return run


def ended(code: int | None, signal: int | None, cause: str = "") -> Run:
    run = training(3000)
    run.apply(facts.Ended(code, signal, cause, START + 1100))
    return run


def headers() -> list[Row]:
    rows: list[Row] = []
    gone = training()
    gone.apply(facts.Trouble("link", "the connection broke", "", NOW - 40))
    silent = training()
    silent.apply(facts.ProcessReading(4211, "running", 0.0, 30 << 30, [4211], NOW + 600))
    for run, now in (
        (training(), NOW), (silent, NOW + 600), (gone, NOW), (Run(), NOW),
        (ended(0, None), NOW + 600), (ended(1, None), NOW + 600), (ended(None, 9, "oom"), NOW + 600),
    ):  # fmt: skip
        rows += [*header.rows(run, HEADER, 110, 2, now), []]
    for columns in (80, 60, 40, 20):
        rows += [*header.rows(training(), HEADER, columns, 2, NOW), []]
    return rows


def panel_sizes(draw: Callable[[int, int], Picture]) -> list[Row]:
    rows: list[Row] = []
    for columns, lines in ((66, 6), (44, 5), (30, 4), (90, 9)):
        rows += boxed(draw, columns, lines)
    return rows


def looked_at(columns: int) -> list[Row]:
    view = table.CheckpointsView(
        cursor=f"{ROOT}/checkpoint-800", chosen=frozenset({f"{ROOT}/checkpoint-400"})
    )
    return boxed(lambda w, h: table.draw(odd_checkpoints(), view, w, h, NOW), columns, 11)


def fleet_at(columns: int, lines: int) -> list[Row]:
    view = fleet.FleetView(cursor="gpu1:sft", chosen=frozenset({"sft"}))
    return boxed(lambda w, h: fleet.draw(members(), view, w, h), columns + 2, lines + 2)


def detail() -> list[Row]:
    found = odd_checkpoints().checkpoints.rows()
    shown = next(c for c in found if c.seen.step == 800)
    return details(shown, 70, NOW, Beside(found))


SCREENS: dict[str, Callable[[], list[Row]]] = {
    "screen": lambda: screen(training(), 120, NOW),
    "chart": lambda: loss_chart(training(), ChartView(), 100, 20),
    "chart-time-cursor": lambda: loss_chart(training(), ChartView("time", cursor=START + 300), 100, 16),
    "chart-epoch-log": lambda: loss_chart(training(), ChartView("epoch", log_y=True, smoothing=0.9), 80, 16),
    "chart-zoom": lambda: loss_chart(training(), ChartView(start=300, stop=500, smoothing=0), 80, 14),
    "chart-restart": lambda: loss_chart(restarted(), ChartView(), 80, 14),
    "chart-broken": lambda: loss_chart(broken(), ChartView(), 80, 12),
    "chart-outlier": lambda: loss_chart(spiked(), ChartView(), 80, 12),
    "chart-outlier-whole": lambda: loss_chart(spiked(), ChartView(robust=False), 80, 12),
    "chart-empty": lambda: loss_chart(few(0), ChartView(), 60, 7),
    "chart-one-point": lambda: loss_chart(few(1), ChartView(), 60, 9),
    "chart-two-points": lambda: loss_chart(few(2), ChartView(), 60, 9),
    "chart-ascii": lambda: suited(loss_chart(training(), ChartView(), 80, 16), "ascii"),
    "chart-block": lambda: suited(loss_chart(training(), ChartView(), 80, 16), "block"),
    "gap": lambda: panel_sizes(lambda w, h: gap.draw(training(), w, h, NOW)),
    "gap-empty": lambda: panel_sizes(lambda w, h: gap.draw(few(3), w, h, NOW)),
    "gap-details": lambda: gap.details(training(), 72, NOW),
    "checkpoints": lambda: [*looked_at(80), *looked_at(60), *looked_at(40)],
    "checkpoints-none": lambda: boxed(lambda w, h: table.draw(few(1), table.CheckpointsView(), w, h, NOW), 60, 6),
    "checkpoint": detail,
    "devices-one": lambda: panel_sizes(lambda w, h: devices.draw(training(), w, h, NOW)),
    "devices-stale": lambda: boxed(lambda w, h: devices.draw(training(), w, h, NOW + 90), 66, 5),
    "devices-eight": lambda: boxed(lambda w, h: devices.draw(cards(8), w, h, NOW), 90, 19),
    "devices-eight-small": lambda: boxed(lambda w, h: devices.draw(cards(8), w, h, NOW), 66, 8),
    "devices-none": lambda: panel_sizes(lambda w, h: devices.draw(without_gpu(), w, h, NOW)),
    "devices-details": lambda: devices.details(cards(3).own, 70, NOW),
    "headers": headers,
    "metrics": lambda: boxed(lambda w, h: metrics.draw(training(), metrics.MetricsView(cursor=1), w, h), 110, 8),
    "metrics-grid": lambda: metrics.grid(metrics.plots(training()), ChartView(), (2, 2), 110, 24),
    "fleet": lambda: [*fleet_at(118, 10), *fleet_at(78, 10), *fleet_at(58, 6), *fleet_at(18, 3)],
    "fleet-preview": lambda: fleet_at(100, 28),
    "compare": lambda: boxed(lambda w, h: compare.draw(several(), "eval loss", ChartView(cursor=700), w, h), 100, 22),
    "summary": lambda: summary.rows(training(), HEADER, 58, 4, NOW),
}  # fmt: skip


def check(name: str, text: str) -> None:
    file = FOLDER / f"{name}.txt"
    if os.environ.get("TRAINWATCH_GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_looks_as_before(name: str) -> None:
    check(name, as_text(SCREENS[name]()) + "\n")


@pytest.mark.parametrize("glyphs", ["braille", "ascii"])
def test_status_looks_as_before(glyphs: Glyphs) -> None:
    check(f"status-{glyphs}", plain.status(training(), 100, NOW, glyphs=glyphs, zone=3600))


def test_a_report_reads_as_before() -> None:
    check("report", report.report(ended(0, None), START + 1200))


def test_memory_of_a_run_and_of_others_is_told_apart() -> None:
    run = training()
    run.apply(device(at=NOW, pid=4212))
    text = as_text(boxed(lambda w, h: devices.draw(run, w, h, NOW), 80, 5))
    assert "this run: 70.0 GiB" in text
    assert "others hold 1.0 GiB" in text
    assert run.devices.cards[0].reading.memory_used == 71 * GIB
