"""The live screen at 120x40, seen from its terminal. Run: ``python tests/bench/bench_screen.py``.

- a frame: CPU and bytes that one more point of the curve costs, for the chart and for everything;
- ten million points: from a key that zooms, pans or changes the axis to its picture;
- latency: from the write of a line to its number on the terminal;
- a finished log of a million lines: first curve, and what a key has to wait while it is read.

The rival of a frame, in the same run, is plotext drawing the same curve.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from textual.app import App

from tests.bench.bench_frame import raw_by_plotext
from tests.bench.bench_series import record
from tests.bench.screen import TRAINWATCH, Screen
from tests.ui import scenes
from tests.ui.stage import watching
from trainwatch import facts
from trainwatch.run.topics import Topic
from trainwatch.ui.paint import Exact, exact

if TYPE_CHECKING:
    from collections.abc import Callable

FRAMES = 60
KEYS = 12
LINE = "{{'loss': '{:.4f}', 'grad_norm': '1.2', 'learning_rate': '1e-04', 'epoch': '{:.4f}'}}\n"


async def frames() -> None:
    """One line with one point, then a frame; counted is what the driver would write."""
    async with watching(scenes.running(), (120, 40)) as stage:
        app, written = stage.app, [0]
        original = App._display

        def display(self: App[object], screen: object, update: object) -> None:
            painted = exact(update)  # type: ignore[arg-type]
            if isinstance(painted, Exact):
                written[0] += len(painted.render_segments(self.console).encode())
            original(self, screen, update)  # type: ignore[arg-type]

        type(app)._display = display  # type: ignore[assignment]
        place = len(scenes.log(1240).encode())
        for name, everything in (("the chart alone", False), ("the whole screen", True)):
            spent, sent = [], []
            for n in range(FRAMES):
                line = (
                    "\r"
                    + LINE.format(0.6 + n % 7 / 100, 1.24 + n / 1000)
                    + scenes.bar(1240 + n, 3000)
                ).encode()
                changed = stage.session.feed(
                    facts.Chunk("output.log", place, line, scenes.BEGUN + 520 + n)
                )
                place += len(line)
                written[0], start = 0, time.process_time()
                if everything:
                    stage.watching.publish(changed)
                else:
                    stage.watching.loss.redraw()
                app.screen._on_timer_update()
                spent.append((time.process_time() - start) * 1e3)
                sent.append(written[0])
                await asyncio.sleep(0)
            print(f"{name}: {median(spent):.2f} ms CPU, {median(sent):.0f} bytes a frame")
        loss = stage.run.metrics.loss
        assert loss is not None
        values = [loss.value(n) for n in range(len(loss))]
        print(f"plotext, the curve alone: {rival(values):.2f} ms CPU a frame")


async def zooms(points: int = 10_000_000, keys: int = 120) -> None:
    """Keys on a curve of ten million points, each to its painted rows; the rival walks them once."""
    async with watching(scenes.running(), (120, 40)) as stage:
        for first in range(5000, points, 100_000):
            stage.run.apply(record(first, 100_000, ("loss",), told=False))
        chart, spent = stage.watching.loss, []
        acts: list[Callable[[], None]] = [
            lambda: chart.action_zoom(1),
            lambda: chart.action_zoom(1),
            lambda: chart.action_pan(-1),
            lambda: chart.action_zoom(-1),
            lambda: chart.action_smooth(1),
            chart.action_log,
            lambda: chart.action_move(-1),
        ]
        stage.watching.publish(Topic.METRICS)
        for n in range(keys):
            start = time.perf_counter()
            acts[n % len(acts)]()
            stage.app.screen._on_timer_update()
            spent.append((time.perf_counter() - start) * 1e3)
            await asyncio.sleep(0)
        loss = stage.run.metrics.loss
        assert loss is not None
        start = time.perf_counter()
        max(loss.values)
        walk = (time.perf_counter() - start) * 1e3
        print(
            f"{len(loss):,} points, a key to its picture: p50 {median(spent):.1f} ms,"
            f" p95 {quantiles(spent, n=20)[-1]:.1f}, most {max(spent):.1f}"
            f" (max() over the points {walk:.0f} ms)"
        )


def rival(values: list[float]) -> float:
    spent = []
    for _ in range(9):
        start = time.process_time()
        raw_by_plotext(values)
        spent.append((time.process_time() - start) * 1e3)
    return median(spent)


def latency(folder: Path, lines: int = 60) -> None:
    log = folder / "train.log"
    log.write_text("".join(LINE.format(2 / (n + 1), n / 100) for n in range(50)))
    screen = Screen([*TRAINWATCH, "attach", str(log)], folder)
    screen.read(4)
    waits, rng = [], random.Random(1)
    with log.open("a", buffering=1) as file:
        for n in range(lines):
            # No letter of a line is at the same place in the line before: all of it is painted.
            mark = "".join(rng.choices("abcdefghijklm" if n % 2 else "nopqrstuvwxyz", k=8))
            time.sleep(0.15 + n % 7 / 50)
            start = time.perf_counter()
            file.write(f"{mark}\n")
            seen = screen.read(5, _has(mark))
            assert mark.encode() in seen
            waits.append((time.perf_counter() - start) * 1e3)
    screen.leave()
    print(
        f"line written -> on the screen: p50 {median(waits):.0f} ms, p95 {quantiles(waits, n=20)[-1]:.0f} ms"
    )


def _has(mark: str) -> Callable[[bytes], bool]:
    return lambda data: mark.encode() in data


def million(folder: Path) -> None:
    log = folder / "long.log"
    with log.open("w") as file:
        file.writelines(LINE.format(2 / (1 + n / 9e4), n / 1e5) for n in range(1_000_000))
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
    imported = time.perf_counter() - start
    screen = Screen([*TRAINWATCH, "attach", str(log)], folder)
    screen.read(
        30,
        lambda data: (
            "┤".encode() in data
            and any(0x2800 < ord(c) < 0x2900 for c in data.decode("utf-8", "ignore"))
        ),
    )
    first = time.perf_counter() - screen.started
    waits = []
    for n in range(KEYS):
        screen.read(0.1)
        start = time.perf_counter()
        screen.press("l")
        screen.read(1, _has("linear" if n % 2 else "log"))  # in the title of the curve
        waits.append((time.perf_counter() - start) * 1e3)
    costs = screen.costs()
    screen.leave()
    print(
        f"a million lines: first curve {first:.2f} s ({first / imported:.1f} x import textual.app)"
    )
    print(f"key -> paint while reading: p50 {median(waits):.0f} ms, worst {max(waits):.0f} ms")
    print(
        f"memory then: screen {costs['screen'].memory / 1e6:.0f} MB, probe {costs['probe'].memory / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    asyncio.run(frames())
    asyncio.run(zooms())
    with tempfile.TemporaryDirectory() as name:
        os.environ.setdefault("LC_ALL", "C.UTF-8")
        latency(Path(name))
        million(Path(name))
