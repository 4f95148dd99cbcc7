"""A real terminal to look at: tmux on a socket of its own."""

from __future__ import annotations

import shlex
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Terminal:
    """A real terminal of 120x36 (tmux on a socket of its own) in which the screen runs."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        self.socket = str(folder / "tmux")

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
        )
        return done.stdout

    def start(self, command: list[str]) -> None:
        self.tmux("new-session", "-d", "-x", "120", "-y", "36", shlex.join(command))

    def text(self) -> str:
        return self.tmux("capture-pane", "-p")

    def shows(self, *words: str, within: float = 120) -> str:
        """Wait until every word stands on the screen."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            text = self.text()
            if all(word in text for word in words):
                return text
            time.sleep(0.2)
        raise AssertionError(f"{words} not on the screen:\n{self.text()}")

    def is_over(self, within: float = 20) -> bool:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if not self.tmux("list-sessions"):
                return True
            time.sleep(0.1)
        return False
