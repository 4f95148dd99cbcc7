"""What one frame of the live chart costs. Run: ``python tests/bench/bench_frame.py [frames]``.

A run grows by three points a frame; drawn is the whole chart as the screen draws it, axes and readout
included. The rival, in the same run, is plotext given the same run already reduced to two values per
dot column (what it costs on the points themselves is told for 10,000 points).
"""

from __future__ import annotations

import random
import sys
import time
from array import array
from math import exp
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

import plotext

from trainwatch.draw import chart
from trainwatch.draw.plot import ChartView, Layout, Plot
from trainwatch.draw.rows import Row
from trainwatch.read.records import Key, Metrics
from trainwatch.run.metrics import MetricStore

LOSS, EVAL = Key("loss", "train", None, "loss"), Key("loss", "eval", None, "eval_loss")
SIZES = ((80, 24), (120, 40), (200, 60))
GROWTH = 3


class Training:
    """A noisy loss that falls, with an evaluation every 500 steps."""

    def __init__(self) -> None:
        self.store = MetricStore()
        self.step = 0
        self._random = random.Random(1)

    def grow(self, points: int) -> None:
        steps = range(self.step + 1, self.step + points + 1)
        noise = self._random.gauss
        values = [0.5 + 2 * exp(-s / 4000) + noise(0, 0.05) for s in steps]
        self._add(LOSS, steps, values)
        for s in steps:
            if s % 500 == 0:
                self._add(EVAL, range(s, s + 1), [0.6 + 2 * exp(-s / 4200)])
        self.step += points

    def _add(self, key: Key, steps: range, values: list[float]) -> None:
        epochs = array("d", [s / 2000 for s in steps])
        self.store.add(
            Metrics(
                "log",
                (key,),
                (array("d", values),),
                array("q", steps),
                epochs,
                array("q", steps),
                1e9 + steps[-1],
            )
        )

    def plot(self) -> Plot:
        return Plot("loss", self.store.loss, tuple(self.store.evals))


def cost(work: object, repeat: int) -> float:
    """Milliseconds of CPU, the best of several: other processes share the machine."""
    best = float("inf")
    for _ in range(repeat):
        start = time.process_time()
        work()  # type: ignore[operator]
        best = min(best, time.process_time() - start)
    return best * 1000


def by_plotext(layout: Layout) -> str:
    figure = plotext.figure
    figure.clear()
    figure.plot_size(layout.width, layout.height)
    xs, ys = [], []
    for x, span in enumerate(layout.raw):
        if span is not None:
            xs += [x, x]
            ys += [span.lo, span.hi]
    for points in (
        (xs, ys),
        _points(layout.smooth),
        _points([s and s.mean for s in layout.marked[0]]),
    ):
        signal = figure.signal(*points, marker="braille")
        signal.lines()
        figure.draw(signal)
    return str(figure.build().string(False))


def _points(values: list[float | None]) -> tuple[list[int], list[float]]:
    known = [(x, v) for x, v in enumerate(values) if v is not None]
    return [x for x, _ in known], [v for _, v in known]


def raw_by_plotext(values: list[float]) -> str:
    figure = plotext.figure
    figure.clear()
    figure.plot_size(120, 40)
    signal = figure.signal(list(range(len(values))), values, marker="braille")
    signal.lines()
    figure.draw(signal)
    return str(figure.build().string(False))


def changed(old: list[Row], new: list[Row]) -> int:
    flat = [[(c, s) for text, s in row for c in text] for row in (*old, *new)]
    pairs = zip(flat[: len(old)], flat[len(old) :], strict=True)
    return sum(a != b for one, other in pairs for a, b in zip(one, other, strict=True))


def main(frames: int) -> None:
    plotext.terminal.limit(False, False)
    print("points      size     own ms   plotext ms   ratio   cells changed: median, most")
    for points in (1_000, 20_000, 1_000_000):
        training = Training()
        training.grow(points)
        for width, height in SIZES:
            own, rival, cells = [], [], []
            old = chart.draw(training.plot(), ChartView(), width, height).rows
            for n in range(frames):
                training.grow(GROWTH)
                plot = training.plot()
                own.append(cost(lambda: chart.draw(plot, ChartView(), width, height), 1))  # noqa: B023
                new = chart.draw(plot, ChartView(), width, height).rows
                cells.append(changed(old, new))
                old = new
                if n % 4 == 0:
                    layout = Layout(plot, ChartView(), width, height)
                    by_plotext(layout)
                    rival.append(cost(lambda: by_plotext(layout), 1))  # noqa: B023
            a, b = median(own), median(rival)
            print(
                f"{points:9,}  {width:4}x{height:<3} {a:9.2f} {b:12.2f} {b / a:7.1f}"
                f"   {median(cells):8.0f} {max(cells):8}"
            )
    training = Training()
    training.grow(10_000)
    series = training.store.loss
    assert series is not None
    values = list(series.values)
    plot = training.plot()
    a = cost(lambda: chart.draw(plot, ChartView(), 120, 40), 5)
    b = cost(lambda: raw_by_plotext(values), 3)
    print(
        f"10,000 points given to each as they are, 120x40: own {a:.2f} ms, plotext {b:.1f} ms, {b / a:.0f} times"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
