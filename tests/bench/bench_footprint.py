"""CPU and memory of the screen and of the probe. Run: ``python tests/bench/bench_footprint.py [seconds]``.

At 0, 1 and 1,000 lines a second; the rival, measured at the same time, is ``tail -f`` of the same log.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.bench.screen import TRAINWATCH, Screen, cpu

WRITER = """
import sys, time
rate, path = float(sys.argv[1]), sys.argv[2]
with open(path, "a", buffering=1) as log:
    step = 0
    start = time.time()
    while True:
        while rate and step < (time.time() - start) * rate:
            step += 1
            log.write(f"{{'loss': '{2 + 1 / step:.4g}', 'learning_rate': '1e-04', 'epoch': '{step / 50:.4g}'}}\\n")
        time.sleep(0.02)
"""


def measure(rate: float, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log = folder / "train.log"
        log.write_text("{'loss': '3.1', 'learning_rate': '1e-04', 'epoch': '0.02'}\n" * 50)
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(rate), str(log)])
        tail = subprocess.Popen(["tail", "-f", str(log)], stdout=subprocess.DEVNULL)
        screen = Screen([*TRAINWATCH, "attach", str(log)], folder)
        try:
            screen.read(4)
            before, tail_before, start = screen.costs(), cpu(tail.pid), time.perf_counter()
            screen.written = 0
            screen.read(seconds)
            after, took = screen.costs(), time.perf_counter() - start
            tailed = (cpu(tail.pid) - tail_before) / took
            parts = [
                f"{who} {(after[who].cpu - before[who].cpu) / took:6.2%} CPU {after[who].memory / 1e6:5.1f} MB"
                for who in ("screen", "probe")
            ]
            print(
                f"{rate:6g} lines/s: {'   '.join(parts)}   {screen.written / took:8.0f} bytes/s"
                f"   (tail -f {tailed:.2%})"
            )
        finally:
            screen.leave()
            writer.kill()
            tail.kill()
            writer.wait()
            tail.wait()


def main(seconds: float) -> None:
    for rate in (0, 1, 1000):
        measure(rate, seconds)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20)
