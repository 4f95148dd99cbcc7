"""trainwatch on a pty, seen from outside: what it writes and when, and what its processes cost."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
TICK = os.sysconf("SC_CLK_TCK")
TRAINWATCH = [sys.executable, "-m", "trainwatch"]

# As in an installation, whatever the shell says: otherwise every start compiles what is new.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class Cost(NamedTuple):
    """Of one process."""

    cpu: float  # seconds
    memory: int  # proportional set size, bytes


class Screen:
    """A command on a pty of its own."""

    def __init__(self, command: list[str], state: Path, columns: int = 120, rows: int = 40) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "TRAINWATCH_STATE": str(state)}
        environment["PYTHONPATH"] = str(ROOT)
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.written = 0

    def read(self, seconds: float, until: Callable[[bytes], bool] | None = None) -> bytes:
        """What it writes within ``seconds``, or until ``until`` likes what has come."""
        data = b""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self._master], [], [], left)[0]:
                try:
                    data += os.read(self._master, 1 << 16)
                except OSError:
                    break
                if until and until(data):
                    break
        self.written += len(data)
        return data

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def costs(self) -> dict[str, Cost]:
        """CPU and memory so far of the screen (with its guardian) and of the probe."""
        found = {"screen": Cost(0.0, 0), "probe": Cost(0.0, 0)}
        for pid in self.tree():
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
            name = "probe" if b"\0-c\0" in line else "screen"
            before = found[name]
            found[name] = Cost(before.cpu + cpu(pid), before.memory + _memory(pid))
        return found

    def tree(self) -> list[int]:
        """Guardian, screen and probe; a training is no child of theirs."""
        return _tree(self.process.pid)

    def leave(self) -> None:
        """Press q and wait."""
        if self.process.poll() is None:
            self.press("q")
            self.read(20, lambda _: self.process.poll() is not None)
        os.close(self._master)
        self.process.wait(20)


def _tree(pid: int) -> list[int]:
    """The process and all below it; a child is listed under the thread that started it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        found += [p for child in children for p in _tree(int(child))]
    return found


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) << 10
    return 0
