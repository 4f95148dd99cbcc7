"""Series at ten million points: bytes per point, growing, any zoom.

Run: ``python tests/bench/bench_series.py [rows]``. It prints figures and their ratio to the rival,
a list of (step, value) tuples, measured in the same process.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from trainwatch.read.records import Key, Metrics
from trainwatch.run.metrics import MetricStore

NAMES = ("loss", "grad_norm", "learning_rate")


def record(first: int, size: int, names: tuple[str, ...], told: bool) -> Metrics:
    nan = float("nan")
    return Metrics(
        "output.log",
        tuple(Key(name, key=name) for name in names),
        tuple(array("d", (1 / (1 + i) + i % 7 for i in range(first, first + size))) for _ in names),
        array("q", range(first, first + size)),
        array("d", ((i / 1000 if told else nan) for i in range(first, first + size))),
        array("q", range(first * 100, (first + size) * 100, 100)),
        None,
    )


def memory(rows: int, names: tuple[str, ...], told: bool, size: int) -> None:
    tracemalloc.start()
    store = MetricStore()
    for first in range(0, rows, size):
        store.add(record(first, min(size, rows - first), names, told))
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    each = used / (rows * len(names))
    print(
        f"{len(names)} series, epoch {told!s:5}, {size:6} rows at once: {each:5.1f} bytes per point"
    )


def speed(rows: int) -> None:
    chunk = record(0, 10_000, NAMES, told=True)
    store = MetricStore()
    begin = time.process_time()
    for first in range(0, rows, 10_000):
        steps = array("q", range(first, first + 10_000))
        store.add(chunk._replace(steps=steps))
    grown = time.process_time() - begin
    begin = time.process_time()
    rival: list[tuple[int, float]] = []
    for first in range(0, rows, 10_000):
        rival += [(first + i, v) for i, v in enumerate(chunk.columns[0])]
    listed = (time.process_time() - begin) * len(NAMES)
    per = grown / rows / len(NAMES) * 1e9
    print(f"growing: {per:.0f} ns per point, {grown / listed:.1f} x lists of tuples")
    series = store.series()[0]
    for share in (1, 0.1, 0.01, 0.001, 0.00001):
        start = rows * (1 - share) / 2
        best = min(
            timed(lambda s=start, w=share: series.spans("step", s, s + rows * w, 240))
            for _ in range(7)
        )
        soft = min(
            timed(lambda s=start, w=share: series.smoothed("step", s, s + rows * w, 240, 0.6))
            for _ in range(3)
        )
        print(f"zoom on {share:8.3%}: spans {best * 1e3:.2f} ms, smoothed {soft * 1e3:.2f} ms")
    begin = time.process_time()
    naive = [None] * 240
    for step, value in rival:
        naive[step * 240 // rows] = value  # type: ignore[call-overload]
    walked = time.process_time() - begin
    print(f"walking the list once: {walked * 1e3:.0f} ms")


def timed(work: object) -> float:
    begin = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - begin


if __name__ == "__main__":
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    for names in (NAMES, NAMES[:2], NAMES[:1]):
        for told in (True, False):
            memory(200_000, names, told, 10_000)
    memory(20_000, NAMES, told=True, size=1)
    speed(total)
