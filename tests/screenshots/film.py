"""The moving picture of the README: ``python -m tests.screenshots film``.

Needs tmux, rsvg-convert, ImageMagick's convert and gifsicle. Every frame is a picture like the others: what a real
terminal showed at a moment of a recorded training, and then after each of a few keys.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.screenshots.shot import PICTURES, Shot, take
from tests.screenshots.svg import picture

WHOLE = Shot("film", "demo", 0.75, 120, 36)
MOMENTS = 22  # of the training, one frame each
KEYS = ("3", "Up", "Up", "Down", "Enter")  # around the best checkpoint, and all about it
PACE, LAST = 30, 300  # hundredths of a second that a frame stands, and the last one


def shots() -> list[Shot]:
    """The frames in order."""
    moments = [replace(WHOLE, share=WHOLE.share * (n + 1) / MOMENTS) for n in range(MOMENTS)]
    browsing = [replace(WHOLE, keys=KEYS[: n + 1]) for n in range(len(KEYS))]
    return moments + browsing


def film() -> Path:
    """Make it. Raises CalledProcessError where a program is missing that draws it."""
    target = PICTURES / "demo.gif"
    with tempfile.TemporaryDirectory() as name:
        frames = []
        for number, shot in enumerate(shots()):
            folder = Path(name) / f"{number:03}"
            folder.mkdir()
            svg, png = folder / "frame.svg", folder / "frame.png"
            svg.write_text(picture(take(shot, folder), shot.columns, shot.rows))
            subprocess.run(["rsvg-convert", "-o", str(png), str(svg)], check=True)
            frames.append(str(png))
        pace = ["-delay", str(PACE), *frames[:-1], "-delay", str(LAST), frames[-1]]
        subprocess.run(["convert", "-loop", "0", *pace, "+dither", str(target)], check=True)
    subprocess.run(["gifsicle", "-b", "-O3", "--colors", "48", str(target)], check=True)
    return target
