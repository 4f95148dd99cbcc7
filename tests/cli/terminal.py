"""A terminal of our own with a command in it, as a person would sit before it."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TRAINWATCH = [sys.executable, "-m", "trainwatch"]


def environment(state: Path, **more: str) -> dict[str, str]:
    """An environment in which nothing of the tester's own settings is left."""
    kept = {
        n: v for n, v in os.environ.items() if not n.startswith(("TRAINWATCH", "XDG", "NO_COL"))
    }
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TRAINWATCH_STATE": str(state),
        "TRAINWATCH_CONFIG": str(state.parent / "no-config.toml"),
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        **more,
    }


def own(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What ``list --json`` tells, without the trainings that run beside the tests."""
    return [shape for shape in listed if shape["kind"] == "run"]


class Terminal:
    """A command as the leader of a session whose terminal we hold the other end of."""

    def __init__(
        self, command: list[str], env: dict[str, str], columns: int = 120, rows: int = 36
    ) -> None:
        self._master, self._slave = os.openpty()
        self.resize(columns, rows)
        self.modes = self.modes_now()
        self.output = b""
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=env,
        )

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size, as a window manager does."""
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def modes_now(self) -> list[Any]:
        """What ``stty`` would show."""
        return termios.tcgetattr(self._slave)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def read(self, seconds: float) -> bytes:
        """What is written next, within ``seconds``."""
        if not select.select([self._master], [], [], seconds)[0]:
            return b""
        data = os.read(self._master, 1 << 16)
        self.output += data
        return data

    def until(self, text: str, seconds: float = 30.0, start: int = 0) -> None:
        """Read until ``text`` was written after position ``start``."""
        end = time.monotonic() + seconds
        while text.encode() not in self.output[start:]:
            assert time.monotonic() < end, f"{text!r} never came: {self.output[-2000:]!r}"
            self.read(0.2)

    def wait(self, seconds: float = 30.0) -> int:
        """The exit code."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self.output[-2000:]!r}"
            self.read(0.05)
        while self.read(0.05):
            pass
        return self.process.returncode

    def close(self) -> None:
        """Take the terminal away, as a lost connection does."""
        for fd in (self._slave, self._master):
            if fd >= 0:
                os.close(fd)
        self._slave = self._master = -1
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
