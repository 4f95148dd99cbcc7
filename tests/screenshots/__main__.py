"""Make the pictures of the README from recorded real runs: ``python -m tests.screenshots [NAME ...]``.

Needs tmux, and rsvg-convert for the PNG files. Every picture is what a real terminal showed while
``trainwatch replay`` played a journal of ``tests/journals``, cut at a moment of the training.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.screenshots.svg import picture
from tests.terminal import Terminal
from trainwatch import wire

ROOT = Path(__file__).parents[2]
JOURNALS = ROOT / "tests" / "journals"
PICTURES = ROOT / "screenshots"


class Shot(NamedTuple):
    """One picture."""

    name: str
    journal: str
    share: float  # how much of the journal is played
    columns: int
    rows: int
    keys: tuple[str, ...] = ()  # pressed before the picture is taken, as tmux names them
    waits: str = "q leave"  # what must stand on the screen first


SHOTS = (
    Shot("lora-120x36", "lora", 0.6, 120, 36),
    Shot("lora-80x24", "lora", 0.6, 80, 24),
    Shot("demo-120x36", "demo", 0.7, 120, 36),
    Shot("demo-80x24", "demo", 0.7, 80, 24),
)


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
        for key in shot.keys:
            terminal.tmux("send-keys", key)
        terminal.settles()
        return terminal.tmux("capture-pane", "-p", "-e")
    finally:
        terminal.tmux("kill-server")


def main(names: list[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    for shot in SHOTS:
        if names and shot.name not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            drawn = picture(take(shot, Path(folder)), shot.columns, shot.rows)
        svg = PICTURES / f"{shot.name}.svg"
        svg.write_text(drawn)
        if shutil.which("rsvg-convert"):
            png = svg.with_suffix(".png")
            subprocess.run(["rsvg-convert", "-z", "2", "-o", str(png), str(svg)], check=True)
        print(svg.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1:])
