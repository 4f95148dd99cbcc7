"""A real terminal to look at: tmux on a socket of its own."""

from __future__ import annotations

import shlex
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Terminal:
    """A terminal of a known size in which one command runs."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], columns: int = 120, rows: int = 36
    ) -> None:
        self.environment = dict(environment)
        self.size = (columns, rows)
        self.socket = str(folder / "tmux")

    def tmux(self, *arguments: str) -> str:
        """What a tmux command prints; nothing when the terminal is gone."""
        command = ["tmux", "-S", self.socket, "-f", "/dev/null", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=self.environment, check=False
        ).stdout

    def start(self, command: list[str]) -> None:
        """Open the terminal and run ``command`` in it."""
        columns, rows = map(str, self.size)
        self.tmux("new-session", "-d", "-x", columns, "-y", rows, shlex.join(command))

    def text(self) -> str:
        """What stands on it."""
        return self.tmux("capture-pane", "-p")

    def shows(self, *words: str, within: float = 120) -> str:
        """Wait until every word stands on it."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            text = self.text()
            if all(word in text for word in words):
                return text
            time.sleep(0.1)
        raise AssertionError(f"{words} not on the screen:\n{self.text()}")

    def settles(self, within: float = 20) -> str:
        """Wait until it shows the same for half a second."""
        deadline = time.monotonic() + within
        seen, since = self.text(), time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - since < 0.5:
            time.sleep(0.1)
            if (text := self.text()) != seen:
                seen, since = text, time.monotonic()
        return seen

    def is_over(self, within: float = 20) -> bool:
        """Whether the command leaves and the terminal closes."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if not self.tmux("list-sessions"):
                return True
            time.sleep(0.1)
        return False
