"""How fast logs are read, beside ``grep -c loss`` over the same bytes in the same run.

Run it: ``python tests/bench/bench_read.py``. It prints ratios and times nothing else; it is no test.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from trainwatch import facts
from trainwatch.read.reader import Reader
from trainwatch.read.records import Metrics

ROUNDS = 7
CHUNK = 1 << 20


def record(rng: random.Random, step: int, total: int) -> str:
    """One line of the Trainer: transformers 4 and 5 in turns."""
    loss, norm, rate = rng.random() * 4, rng.random() * 3, 5e-5 * rng.random()
    epoch = 3 * step / total
    if step % 2:
        return f"{{'loss': {loss:.4f}, 'grad_norm': {norm!r}, 'learning_rate': {rate!r}, 'epoch': {epoch:.2f}}}\n"
    return f"{{'loss': '{loss:.4g}', 'grad_norm': '{norm:.4g}', 'learning_rate': '{rate:.4g}', 'epoch': '{epoch:.4g}'}}\n"


def bar(rng: random.Random, step: int, total: int) -> str:
    """One state of the Trainer's bar, as tqdm draws it."""
    eighths = step * 80 // total
    glyphs = "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
    minutes, seconds = divmod(step // 5, 60)
    return (
        f"\r{100 * step // total:3d}%|{glyphs:<10}| {step}/{total} "
        f"[{minutes:02d}:{seconds:02d}<{minutes:02d}:{seconds:02d}, {4 + rng.random():5.2f}it/s]"
    )


def dense(rng: random.Random) -> Iterator[str]:
    """Records only."""
    total = 220_000
    return (record(rng, step, total) for step in range(total))


def mixed(rng: random.Random) -> Iterator[str]:
    """Ten states of the bar to each record."""
    total = 200_000
    for step in range(1, total):
        yield bar(rng, step, total)
        if step % 10 == 0:
            yield "\r" + " " * 80 + "\r" + record(rng, step, total) + bar(rng, step, total)


def noise(rng: random.Random) -> Iterator[str]:
    """A million lines of other programs."""
    words = [
        "worker",
        "request",
        "handled",
        "cache",
        "queue",
        "node",
        "shard",
        "retry",
        "flush",
        "commit",
        "index",
    ]
    for i in range(1_000_000):
        yield f"2024-05-01 10:{i % 60:02d}:07,123 INFO {rng.choice(words)}: {rng.choice(words)} {i} in {i % 977} ms\n"


def grep(path: Path) -> float:
    """CPU seconds of ``grep -c loss``; into a pipe, for into /dev/null it stops at the first."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["grep", "-c", "loss", str(path)]
    subprocess.run(command, stdout=subprocess.PIPE, env={**os.environ, "LC_ALL": "C"}, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def read(chunks: list[facts.Chunk]) -> tuple[float, int]:
    """CPU seconds of reading, and the rows found."""
    reader = Reader()
    start, rows = time.process_time(), 0
    for chunk in chunks:
        for found in reader.feed(chunk):
            rows += len(found.steps) if isinstance(found, Metrics) else 0
    return time.process_time() - start, rows


def compare(name: str, lines: Callable[[random.Random], Iterator[str]], folder: Path) -> None:
    """Measure in turns and print."""
    path = folder / name
    text = "".join(lines(random.Random(1)))
    path.write_text(text, encoding="utf-8", newline="")
    data = path.read_bytes()
    starts = range(0, len(data), CHUNK)
    chunks = [facts.Chunk("log", start, data[start : start + CHUNK], 0.0) for start in starts]
    ours, theirs, rows = [], [], 0
    for _ in range(ROUNDS):
        theirs.append(grep(path))
        seconds, rows = read(chunks)
        ours.append(seconds)
    mine, rival = statistics.median(ours), statistics.median(theirs)
    print(
        f"{name:6} {len(data) / 1e6:5.1f} MB {text.count(chr(10)):8,} lines {rows:8,} rows:"
        f" {1000 * mine:6.0f} ms, grep {1000 * rival:5.1f} ms, ratio {mine / rival:5.1f};"
        f" {text.count(chr(10)) / mine:10,.0f} lines/s"
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for kind in (mixed, dense, noise):
            compare(kind.__name__, kind, Path(folder))
