"""What the probe costs the machine of a training: ``python tests/bench/probe_cost.py [SECONDS]``.

Prints CPU and memory of the probe while a run is idle, prints one line a second and a thousand lines
a second, and the time from a line's write to its fact. Nothing here is a test: the figures depend on
the machine and on what else it does.
"""

import os
import re
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from trainwatch import facts
from trainwatch.link.child import ChildLink, local_probe

TRAINING = """
import sys, time
rate, text = float(sys.argv[1]), "{'loss': 0.5, 'grad_norm': 1.0, 'learning_rate': 1e-5, 'epoch': 1.0}"
begin, n = time.time(), 0
while True:
    n += 1
    time.sleep(max(0, begin + n / rate - time.time()) if rate else 1e6)
    sys.stdout.write("%r %s\\n" % (time.time(), text))
    sys.stdout.flush()
"""


WRITTEN = re.compile(rb"(?:^|\n)(\d+\.\d+) \{")


class Watched:
    """A run with ``rate`` lines a second, and the probe that follows it."""

    def __init__(self, rate: float, folder: str) -> None:
        os.environ["TRAINWATCH_STATE"] = folder
        self.link = ChildLink(local_probe())
        self.link.open(lambda: None)
        name = f"rate-{rate}"
        self.link.send(
            facts.Launch([sys.executable, "-c", TRAINING, str(rate)], folder, name, False)
        )
        self.link.send(facts.Watch(name, ["checkpoint-*"], [], [], False))
        self.probe = self.training = 0
        self.delays: list[float] = []
        while not (self.probe and self.training):
            self.take(1.0)

    def take(self, seconds: float) -> None:
        """Take in what comes, noting how old each line is."""
        self.link.wait(seconds)
        now = time.time()
        for fact in self.link.take(100_000):
            self._note(fact, now)

    def _note(self, fact: Any, now: float) -> None:
        if isinstance(fact, facts.Hello):
            self.probe = fact.pid
        elif isinstance(fact, facts.Target):
            self.training = fact.pid or 0
        elif isinstance(fact, facts.Chunk):
            found = WRITTEN.findall(fact.data)
            self.delays += [now - float(time_of_line) for time_of_line in found]

    def cpu(self) -> float:
        """Seconds of CPU that the probe has used."""
        words = Path(f"/proc/{self.probe}/stat").read_text().rpartition(")")[2].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Its resident kilobytes."""
        lines = Path(f"/proc/{self.probe}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

    def end(self) -> None:
        """Stop the training and the probe."""
        self.link.close()
        os.kill(self.training, signal.SIGKILL)


def measure(rate: float, seconds: float) -> None:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(rate, folder)
        try:
            print(line_of(watched, rate, seconds))
        finally:
            watched.end()


def line_of(watched: Watched, rate: float, seconds: float) -> str:
    """Its figures over ``seconds``, once it has settled."""
    settled = time.monotonic() + 3
    while time.monotonic() < settled:
        watched.take(0.5)
    watched.delays.clear()
    before, began = watched.cpu(), time.monotonic()
    while time.monotonic() < began + seconds:
        watched.take(0.5)
    share = (watched.cpu() - before) / (time.monotonic() - began)
    delays = sorted(watched.delays) or [float("nan")]
    return (
        f"{rate:7.0f} lines/s: {share:6.2%} of a core, {watched.memory() / 1024:5.1f} MB,"
        f" written to seen: median {statistics.median(delays) * 1e3:.1f} ms,"
        f" p95 {delays[int(len(delays) * 0.95)] * 1e3:.1f} ms"
    )


if __name__ == "__main__":
    for lines in (0, 1, 1000):
        measure(lines, float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)
