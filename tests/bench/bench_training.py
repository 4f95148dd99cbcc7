"""What being watched costs the training. Run: ``python tests/bench/bench_training.py [pairs]``.

One training times each of its steps while screen, guardian and probe are frozen and thawed by turns, in
the order A B B A, so that neither the drift of the machine nor the order favours one side. A pair is two
neighbouring turns; what is told is the mean of all ratios with twice its standard error.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import mean, median, stdev
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.screen import TRAINWATCH, Screen

WORK = """
import json, os, sys, time
folder, took, step = sys.argv[1], [], 0
while not os.path.exists(folder + "/enough"):
    step += 1
    start, used = time.perf_counter(), time.process_time()
    total = 0.0
    for i in range(1_000_000):
        total += i * 0.5
    print(f"\\r{step}/100000 [00:00<00:00]", end="", file=sys.stderr)
    print({"loss": round(9 / (1 + step), 4), "learning_rate": 1e-4, "epoch": step / 500}, flush=True)
    took.append((start, time.perf_counter() - start, time.process_time() - used))
json.dump(took, open(folder + "/took", "w"))
"""
TURN, CALM = 3.0, 0.3  # seconds of a turn, and how much of its beginning does not count


class Step(NamedTuple):
    """One step as the training timed it, in seconds."""

    start: float
    wall: float
    cpu: float


class Turn(NamedTuple):
    """A stretch of time in which it was watched, or was not."""

    watched: bool
    start: float
    stop: float


def turns(screen: Screen, pairs: int) -> list[Turn]:
    """Watch and look away, and thaw everything at the end."""
    done = []
    for number in range(2 * pairs):
        watched = number % 4 in (0, 3)
        _tell(screen, signal.SIGCONT if watched else signal.SIGSTOP)
        start = time.perf_counter()
        screen.read(TURN)
        done.append(Turn(watched, start + CALM, time.perf_counter()))
    _tell(screen, signal.SIGCONT)
    return done


def _tell(screen: Screen, number: signal.Signals) -> None:
    for pid in screen.tree():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def ratios(steps: list[Step], stretches: list[Turn], kind: str) -> list[float]:
    """Watched by alone, for each pair of turns."""
    medians = [
        median(
            getattr(step, kind)
            for step in steps
            if turn.start <= step.start and step.start + step.wall <= turn.stop
        )
        for turn in stretches
    ]
    paired = zip(stretches[::2], medians[::2], medians[1::2], strict=True)
    return [one / other if turn.watched else other / one for turn, one, other in paired]


def main(pairs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        screen = Screen(
            [*TRAINWATCH, "run", "--", sys.executable, "-c", WORK, name], folder / "state"
        )
        screen.read(5)
        try:
            stretches = turns(screen, pairs)
        finally:
            (folder / "enough").touch()
        screen.read(20, lambda _: (folder / "took").exists())
        screen.leave()
        steps = [Step(*one) for one in json.loads((folder / "took").read_text())]
    print(f"{len(steps)} steps of {median(s.wall for s in steps) * 1000:.0f} ms, one line each")
    for kind in ("wall", "cpu"):
        found = ratios(steps, stretches, kind)
        error = stdev(found) / len(found) ** 0.5
        print(f"{kind}: watched / alone = {mean(found):.4f} +- {2 * error:.4f} ({pairs} pairs)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
