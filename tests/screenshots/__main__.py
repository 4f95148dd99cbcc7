"""Make the pictures of the README from recorded real runs: ``python -m tests.screenshots [NAME ...]``.

Needs tmux, and rsvg-convert for the PNG files. Every picture is what a real terminal showed while
``trainwatch replay`` played a journal of ``tests/journals``, cut at a moment of the training. The moving
one is made only where it is named: ``film``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.screenshots.film import film
from tests.screenshots.shot import PICTURES, ROOT, Shot, take
from tests.screenshots.svg import picture

SHOTS = (
    Shot("lora-120x36", "lora", 0.6, 120, 36),
    Shot("lora-80x24", "lora", 0.6, 80, 24),
    Shot("demo-120x36", "demo", 0.7, 120, 36),
    Shot("demo-80x24", "demo", 0.7, 80, 24),
)


def main(names: list[str]) -> None:
    PICTURES.mkdir(exist_ok=True)
    if "film" in names:
        print(film().relative_to(ROOT))
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
