"""One picture: what a real terminal showed at one moment of a recorded training."""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.terminal import Terminal
from trainwatch import wire

ROOT = Path(__file__).parents[2]
JOURNALS = ROOT / "tests" / "journals"
PICTURES = ROOT / "screenshots"


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    journal: str
    share: float  # how much of the journal is played
    columns: int
    rows: int
    keys: tuple[str, ...] = ()  # pressed before the picture is taken, as tmux names them
    waits: str = "q leave"  # what must stand on the screen first


def cut(journal: Path, share: float) -> bytes:
    """The first ``share`` of a journal, ending with a whole frame."""
    data = journal.read_bytes()
    end = place = len(wire.MAGIC)
    while place + 8 <= len(data) and place <= len(data) * share:
        end = place
        place += 8 + sum(struct.unpack_from(">II", data, place))
    return data[:end]


def take(shot: Shot, folder: Path) -> str:
    """What the terminal shows, with its colours."""
    journal = folder / f"{shot.journal}.tw"
    journal.write_bytes(cut(JOURNALS / f"{shot.journal}.tw", shot.share))
    environment = {**os.environ, "COLORTERM": "truecolor", "TRAINWATCH_STATE": str(folder)}
    terminal = Terminal(folder, environment, shot.columns, shot.rows)
    try:
        command = [sys.executable, "-m", "trainwatch", "replay", str(journal), "--speed", "0"]
        terminal.start(command)
        terminal.shows(shot.waits, within=60)
        terminal.settles()  # a key means what it means when everything has been read
        terminal.shows(shot.waits, within=60)  # what was said of it has been said
        for key in shot.keys:
            terminal.tmux("send-keys", key)
        terminal.settles()
        return terminal.tmux("capture-pane", "-p", "-e")
    finally:
        terminal.tmux("kill-server")
