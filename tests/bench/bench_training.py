"""What being watched costs the training. Run: ``python tests/bench/bench_training.py [pairs]``.

The same work is done in pairs, alone with its output in a file and under the live screen with its
output read; the order of each pair alternates. The training times itself: wall and CPU.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.screen import TRAINWATCH, Screen

WORK = """
import sys, time, json
wall, cpu = time.perf_counter(), time.process_time()
for step in range(1, 301):
    total = 0.0
    for i in range(120_000):
        total += i * 0.5
    print(f"\\r{step}/300 [00:00<00:00]", end="", file=sys.stderr)
    print({"loss": round(9 / (1 + step), 4), "learning_rate": 1e-4, "epoch": round(step / 50, 2)}, flush=True)
took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
open(sys.argv[1], "w").write(json.dumps(took))
"""


def alone(folder: Path) -> dict[str, float]:
    with (folder / "alone.log").open("w") as log:
        command = [sys.executable, "-u", "-c", WORK, str(folder / "took")]
        subprocess.run(command, check=True, stdout=log, stderr=log)
    return took(folder)


def watched(folder: Path) -> dict[str, float]:
    command = [sys.executable, "-c", WORK, str(folder / "took")]
    screen = Screen([*TRAINWATCH, "run", "--", *command], folder / "state")
    screen.read(120, lambda _: (folder / "took").exists())
    screen.leave()
    return took(folder)


def took(folder: Path) -> dict[str, float]:
    import json

    text = (folder / "took").read_text()
    (folder / "took").unlink()
    found: dict[str, float] = json.loads(text)
    return found


def main(pairs: int) -> None:
    ratios: dict[str, list[float]] = {"wall": [], "cpu": []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for turn in range(pairs):
            first, second = (alone, watched) if turn % 2 else (watched, alone)
            results = {first: first(folder), second: second(folder)}
            for kind, values in ratios.items():
                values.append(results[watched][kind] / results[alone][kind])
    for kind, values in ratios.items():
        spread = sorted(values)[len(values) // 4], sorted(values)[3 * len(values) // 4]
        print(
            f"{kind}: watched / alone = {median(values):.4f} (quartiles {spread[0]:.4f} to"
            f" {spread[1]:.4f}, {pairs} pairs)"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
