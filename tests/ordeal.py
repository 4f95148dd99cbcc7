"""A log that is followed over a connection to which everything happens.

The law of this file: what arrived is compared with the file itself, byte for byte, and its owner, the
writer, must not have noticed anything.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.proxy import Proxy
from tests.sshd import Box, lose
from trainwatch import facts
from trainwatch.link.child import ChildLink

KINDS = ("ssh", "probe", "session", "cut", "stop", "hole")


class Ordeal:
    """Follows a growing file on ``box`` through a bad network."""

    def __init__(self, folder: Path, seed: int = 0, hole: float = 12.0) -> None:
        self.draw = random.Random(seed)
        self.suffered: Counter[str] = Counter()
        self.received = 0
        self.hellos: list[facts.Hello] = []
        self.lost_after: list[float] = []  # seconds from the start of a black hole to its notice
        self._hole = hole
        self._sum = hashlib.sha256()
        self.is_troubled = False
        self.log = folder / "train.log"
        self.log.write_bytes(b"")
        self.box = Box(folder)
        self.proxy = Proxy(self.box.port)
        self.box.entry = self.proxy.port
        self.box.start()
        self.link = ChildLink(self.box.door(), backoff=(0.02,))
        self.link.open(lambda: None)
        self.link.send(facts.Watch(str(self.log), [], [], [], False))
        self._writing = threading.Event()
        self._writing.set()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def suffer(self, kind: str) -> None:
        """One fault, and until the log goes on."""
        self.suffered[kind] += 1
        self.wait_for_more()
        time.sleep(self.draw.uniform(0.0, 0.1))
        probe, known = self.hellos[-1].pid, len(self.hellos)
        if kind == "ssh":
            _kill(_child("ssh"))
        elif kind == "probe":
            _kill(probe)
        elif kind == "session":
            lose(self.box)
        elif kind == "cut":
            self.proxy.cut()
        elif kind == "stop":
            os.kill(probe, signal.SIGSTOP)
            time.sleep(self.draw.uniform(0.0, 0.5))
            os.kill(probe, signal.SIGCONT)
        elif kind == "hole":
            self._fall_into_a_hole()
        if kind in ("ssh", "probe", "session", "cut"):
            self.wait(lambda: len(self.hellos) > known)
        self.wait_for_more()

    def _fall_into_a_hole(self) -> None:
        self.take()
        self.is_troubled = False
        self.proxy.passes.clear()
        began = time.monotonic()
        while time.monotonic() < began + self._hole:
            self.link.wait(0.05)
            self.take()
            if self.is_troubled:
                self.lost_after.append(time.monotonic() - began)
                break
        self.proxy.passes.set()

    def wait_for_more(self) -> None:
        """Until bytes arrive that were not there."""
        seen = self.received
        self.wait(lambda: self.received > seen)

    def wait(self, condition: Any, seconds: float = 60.0) -> None:
        """Until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"nothing comes any more after {self.suffered}"
            self.link.wait(0.2)
            self.take()

    def take(self) -> None:
        """Take in what has arrived."""
        for fact in self.link.take(1000):
            assert not isinstance(fact, facts.Gap), f"after {self.suffered}"
            if isinstance(fact, facts.Hello):
                self.hellos.append(fact)
            elif isinstance(fact, facts.Trouble) and fact.where == "link" and fact.text:
                self.is_troubled = True
            elif isinstance(fact, facts.Chunk):
                assert fact.offset == self.received
                self._sum.update(fact.data)
                self.received += len(fact.data)

    def finish(self) -> tuple[int, bool]:
        """Bytes of the file, and whether exactly those arrived."""
        self._writing.clear()
        self._writer.join()
        whole = self.log.read_bytes()
        self.wait(lambda: self.received >= len(whole))
        return len(whole), self._sum.digest() == hashlib.sha256(whole).digest()

    def end(self) -> None:
        """Clean up."""
        self._writing.clear()
        self._writer.join()
        self.link.close()
        self.proxy.end()
        self.box.end()

    def _write(self) -> None:
        """About 500 lines a second, some of them long, in writes that end anywhere."""
        number, rest = 0, b""
        with self.log.open("ab", buffering=0) as log:
            while self._writing.is_set():
                number += 1
                rest += b"{'loss': %d, 'note': '%s'}\n" % (number, b"x" * (number * 7919 % 300))
                cut = len(rest) * 2 // 3
                log.write(rest[:cut])
                rest = rest[cut:]
                time.sleep(0.002)
            log.write(rest)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _child(name: str) -> int:
    """The process id of our child with that name."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with suppress(OSError):
                if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                    return int(pid)
    return 0x7FFFFFFF
