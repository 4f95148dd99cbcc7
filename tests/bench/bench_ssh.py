"""Another machine: how soon its newest line is seen, how late a line is, what silence costs.

    python tests/bench/bench_ssh.py

A real sshd on loopback; what is slow about the slow line is made by tests/proxy.py: 100 ms each way
and 32,000 bytes a second (256 kbit/s), from the connection's first byte on.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.cli.terminal import TRAINWATCH, Terminal, environment
from tests.proxy import Proxy
from tests.sshd import Box
from trainwatch import facts
from trainwatch.link.bundle import bundle
from trainwatch.link.child import ChildLink

ROUNDS = 5
LINES = 100
LINE = b"{'loss': %.4f, 'grad_norm': 1.2345678, 'learning_rate': %.3e, 'epoch': %.4f}\n"
NEWEST = b"{'loss': 0.4321, 'epoch': 999.0, 'note': 'the newest line'}\n"


def log_of(folder: Path, size: int) -> Path:
    """A log of about so many bytes that ends with NEWEST."""
    path, number, written = folder / "train.log", 0, 0
    with path.open("wb") as log:
        while written < size:
            number += 1
            noise = number * 7919 % 1000 / 10000
            written += log.write(
                LINE % (3.0 / (1 + number / 20000) + noise, 1 / number, number / 1000)
            )
        log.write(NEWEST)
    return path


def on_screen(box: Box, folder: Path, log: Path) -> float:
    """Seconds until the newest line is on the screen of ``trainwatch attach box:...``."""
    env = environment(folder / "state", PATH=f"{box.ssh()}:{os.environ['PATH']}")
    began = time.monotonic()
    terminal = Terminal([*TRAINWATCH, "attach", f"box:{log}"], env)
    try:
        terminal.until("the newest line", 300)
        return time.monotonic() - began
    finally:
        terminal.type("q")
        terminal.wait()
        terminal.close()


def true(box: Box) -> float:
    """Seconds of ``ssh box true``."""
    began = time.monotonic()
    subprocess.run([f"{box.ssh()}/ssh", "box", "true"], check=True)
    return time.monotonic() - began


class Client:
    """A link, and what came over it."""

    def __init__(self, box: Box, log: Path) -> None:
        self.facts: list[Any] = []
        self.link = ChildLink(box.door())
        self.link.open(lambda: None)
        self.link.send(facts.Watch(str(log), [], [], [], False))
        self.until(lambda: any(isinstance(fact, facts.CaughtUp) for fact in self.facts))

    def until(self, condition: Any) -> None:
        while not condition():
            self.link.wait(1.0)
            self.facts += self.link.take(1000)

    def lateness(self, log: Path) -> list[float]:
        """Milliseconds from the writing of a line to its arrival."""
        found = []
        with log.open("ab", buffering=0) as more:
            for number in range(LINES):
                self.facts.clear()
                mark = b"line %d\n" % number
                began = time.monotonic()
                more.write(mark)
                self.until(
                    lambda mark=mark: any(mark in getattr(f, "data", b"") for f in self.facts)
                )
                found.append((time.monotonic() - began) * 1000)
                time.sleep(0.02)
        return found

    @property
    def probe(self) -> int:
        return next(fact.pid for fact in self.facts if isinstance(fact, facts.Hello))


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        box = Box(folder)
        proxy = Proxy(box.port)
        box.entry = proxy.port
        box.start()
        try:
            measure(box, proxy, folder)
        finally:
            proxy.end()
            box.end()


def measure(box: Box, proxy: Proxy, folder: Path) -> None:
    print(f"the probe, compressed: {len(bundle().first):,} and {len(bundle().rest):,} bytes")
    short = log_of(folder, 10_000)
    bare = [true(box) for _ in range(ROUNDS)]
    seen = [on_screen(box, folder, short) for _ in range(ROUNDS)]
    print(f"ssh box true: {statistics.median(bare):.2f} s (median of {ROUNDS})")
    print(f"attach box: to the newest line on the screen: {statistics.median(seen):.2f} s")
    client = Client(box, short)
    rss = Path(f"/proc/{client.probe}/status").read_text().partition("VmRSS:")[2].split()[0]
    late = sorted(client.lateness(short))
    print(
        f"a line there is here after: p50 {late[LINES // 2]:.1f} ms, p95 {late[LINES * 95 // 100]:.1f} ms"
    )
    before = proxy.carried
    time.sleep(20)
    print(f"silence: {(proxy.carried - before) / 20:.0f} bytes a second from there")
    print(f"memory of the probe: {int(rss) / 1024:.1f} MiB")
    client.link.close()
    long = log_of(folder, 17_000_000)
    proxy.delay, proxy.rate = 0.1, 32_000
    slow = true(box)
    print(f"slow line: ssh box true {slow:.1f} s", flush=True)
    print(
        f"slow line, 17 MB: the newest line is on the screen after {on_screen(box, folder, long):.1f} s"
    )


if __name__ == "__main__":
    main()
