"""Real processes, and a real tmux server of one's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from trainwatch.probe import panes


class Tmux:
    """A tmux server on a socket where trainwatch looks for it, as a user would have it."""

    def __init__(self, folder: Path) -> None:
        self.socket = str(folder / f"tmux-{os.getuid()}" / "default")
        Path(self.socket).parent.mkdir(mode=0o700)

    def ask(self, *words: str) -> str:
        command = ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def pane(self, command: str, *options: str) -> panes.Pane:
        """A new pane in which a shell runs ``command``."""
        named = "has-session"
        known = subprocess.run(
            ["tmux", "-S", self.socket, named], capture_output=True, check=False
        ).returncode
        how = ["new-session", "-d", "-x", "80", "-y", "24"] if known else ["new-window"]
        name = self.ask(*how, "-P", "-F", "#{pane_id}", *options, command).strip()
        return next(pane for pane in panes.on(self.socket) if pane.id == name)


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tmux]:
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMUX_TMPDIR", str(folder))
    monkeypatch.delenv("TMUX", raising=False)
    server = Tmux(folder)
    yield server
    subprocess.run(["tmux", "-S", server.socket, "kill-server"], capture_output=True, check=False)


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start processes that are gone afterwards, with everything below them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(command: str | list[str], **options: object) -> subprocess.Popen[bytes]:
        words = ["bash", "-c", command] if isinstance(command, str) else command
        process = subprocess.Popen(words, start_new_session=True, **options)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        subprocess.run(["pkill", "-9", "-s", str(process.pid)], check=False)
        process.kill()
        process.wait()


def wait_for_file(path: Path) -> None:
    until(path.exists)
