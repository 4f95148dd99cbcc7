"""Start-up: the command, the training, the first paint. Run: ``python tests/bench/bench_start.py``.

Rivals in the same run, interleaved: an empty Python, a shell that starts the same command, an import
of Textual.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.screen import ROOT, TRAINWATCH, Screen

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 11


def clock(*command: str) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return time.perf_counter() - start


def version() -> float:
    return clock(*TRAINWATCH, "--version")


def nothing() -> float:
    return clock(sys.executable, "-c", "pass")


def textual() -> float:
    return clock(sys.executable, "-c", "import textual.app")


def paint(folder: Path, word: str = "loss") -> float:
    """From Enter to the first frame of a finished run of a hundred lines, or to ``word`` in it."""
    log = folder / "train.log"
    log.write_text(
        "".join(f"{{'loss': {2 / (i + 1):.4f}, 'epoch': {i / 9:.2f}}}\n" for i in range(100))
    )
    screen = Screen([*TRAINWATCH, "attach", str(log)], folder)
    seen = screen.read(5, lambda data: word.encode() in data and "╭".encode() in data)
    assert word.encode() in seen
    took = time.perf_counter() - screen.started
    screen.leave()
    return took


def training(folder: Path) -> float:
    """From Enter to the first instruction of the training."""
    mark = folder / "mark"
    start = time.time()
    command = ["sh", "-c", f"date +%s.%N > {mark}"]
    screen = Screen([*TRAINWATCH, "run", "--", *command], folder)
    screen.read(20, lambda data: "╭".encode() in data)
    screen.leave()
    return float(mark.read_text()) - start


def shell(folder: Path) -> float:
    mark = folder / "mark"
    start = time.time()
    subprocess.run(
        [sys.executable, "-c", f"import os; os.system('date +%s.%N > {mark}')"], check=True
    )
    return float(mark.read_text()) - start


def report(name: str, ours: list[float], rival: str, theirs: list[float]) -> None:
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    print(
        f"{name:34} {median(ours) * 1000:7.1f} ms   {rival} {median(theirs) * 1000:.1f} ms   x{ratio:.2f}"
    )


def pairs(
    ours: Callable[[], float], theirs: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """The first of each does not count: it may compile, and fills the caches of the disk."""
    both = [(ours(), theirs()) for _ in range(1 + ROUNDS)][1:]
    return [a for a, _ in both], [b for _, b in both]


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, theirs = pairs(version, nothing)
        report("trainwatch --version", ours, "python -c pass", theirs)
        ours, theirs = pairs(lambda: training(folder), lambda: shell(folder))
        report("Enter to the training's first step", ours, "python os.system", theirs)
        ours, theirs = pairs(lambda: paint(folder), textual)
        report("Enter to the first paint", ours, "import textual.app", theirs)
        ours, theirs = pairs(lambda: paint(folder, "0.0200"), textual)
        report("Enter to the curve on the screen", ours, "import textual.app", theirs)
        ours, theirs = pairs(lambda: paint(folder, "following"), textual)
        report("Enter to every panel, and keys", ours, "import textual.app", theirs)


if __name__ == "__main__":
    main()
