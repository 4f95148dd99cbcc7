"""Cells -> SVG.

The law of this file: braille and block characters are drawn as shapes, not written as text, so that a
chart looks the same wherever the picture is shown; only letters depend on a font.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tests.screenshots.ansi import PAPER, Look, Text, lines

if TYPE_CHECKING:
    from collections.abc import Iterator

W, H = 9.0, 19.0  # of a cell
SIZE, BASE = 15.0, 14.2  # of the letters, and where they stand in the cell
MARGIN = 14.0
FONTS = "'DejaVu Sans Mono', 'JetBrains Mono', Menlo, Consolas, monospace"
_DOTS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]  # column, row of each bit
_ARMS = {  # light box drawing: left, right, up, down
    "─": (1, 1, 0, 0), "│": (0, 0, 1, 1), "├": (0, 1, 1, 1), "┤": (1, 0, 1, 1), "┬": (1, 1, 0, 1),
    "┴": (1, 1, 1, 0), "┼": (1, 1, 1, 1), "└": (0, 1, 1, 0), "┘": (1, 0, 1, 0), "┌": (0, 1, 0, 1),
    "┐": (1, 0, 0, 1), "╴": (1, 0, 0, 0), "╶": (0, 1, 0, 0),
}  # fmt: skip
_CORNERS = {"╭": (1, 1), "╮": (-1, 1), "╰": (1, -1), "╯": (-1, -1)}  # where the arms point
_HEAVY = {"━": (0, 0.5, 1), "╸": (0, 0.5, 0.5), "╺": (0.5, 0.5, 1)}


def picture(captured: str, columns: int, rows: int) -> str:
    """The SVG of one captured screen."""
    width, height = columns * W + 2 * MARGIN, rows * H + 2 * MARGIN
    shapes = [
        shape
        for row, runs in enumerate(lines(captured))
        for run in runs
        for shape in drawn(run, MARGIN + row * H)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}">',
            f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{PAPER}"/>',
            f'<g font-family="{FONTS}" font-size="{SIZE:g}" xml:space="preserve">',
            *shapes,
            "</g>",
            "</svg>",
            "",
        ]
    )


def drawn(run: Text, y: float) -> Iterator[str]:
    """The shapes of one run."""
    ink, paper = run.look.colours
    x = MARGIN + run.column * W
    if paper != PAPER:
        yield f'<rect x="{x:g}" y="{y:g}" width="{len(run.text) * W:g}" height="{H:g}" fill="{paper}"/>'
    word, start = "", 0
    for place, char in enumerate(run.text + " "):
        shape, line = shaped(char, x + place * W, y), lined(char, x + place * W, y)
        if shape is None and line is None and char != " ":
            if not word:
                start = place
            word += char
            continue
        if word:
            yield written(word, x + start * W, y, run.look)
            word = ""
        if shape:
            yield f'<path d="{shape}" fill="{ink}"{faded(run.look)}/>'
        elif line:
            yield f'<path d="{line}" fill="none" stroke="{ink}" stroke-width="1.3"{faded(run.look)}/>'


def written(word: str, x: float, y: float, look: Look) -> str:
    """One word, each letter on its cell."""
    marks = ' font-weight="bold"' if look.bold else ""
    marks += ' font-style="italic"' if look.italic else ""
    marks += ' text-decoration="underline"' if look.underline else ""
    return (
        f'<text x="{x:g}" y="{y + BASE:g}" textLength="{len(word) * W:g}" '
        f'fill="{look.colours[0]}"{marks}{faded(look)}>{escape(word)}</text>'
    )


def faded(look: Look) -> str:
    """The mark of dim text."""
    return ' opacity="0.6"' if look.dim else ""


def shaped(char: str, x: float, y: float) -> str | None:
    """The outline of a character that is drawn; None for one that is written."""
    code = ord(char)
    if 0x2800 <= code <= 0x28FF:
        return "".join(
            box(x + W * (0.28 + 0.5 * column) - 1.2, y + H * (0.14 + 0.24 * row) - 1.2, 2.4, 2.4)
            for bit, (column, row) in enumerate(_DOTS)
            if code - 0x2800 >> bit & 1
        )
    if 0x2581 <= code <= 0x2588:  # lower eighths
        part = (code - 0x2580) / 8
        return box(x, y + H * (1 - part), W, H * part)
    if 0x2589 <= code <= 0x258F:  # left eighths
        return box(x, y, W * (0x2590 - code) / 8, H)
    if char in _HEAVY:
        left, middle, right = _HEAVY[char]
        return box(x + W * left, y + H * middle - 1.2, W * (right - left), 2.4)
    return None


def lined(char: str, x: float, y: float) -> str | None:
    """The line of a box-drawing character; None for another."""
    middle, centre = x + W / 2, y + H / 2
    if char in _ARMS:
        ends = ((x, centre), (x + W, centre), (middle, y), (middle, y + H))
        arms = zip(ends, _ARMS[char], strict=True)
        return "".join(
            f"M{middle:.2f} {centre:.2f}L{end[0]:.2f} {end[1]:.2f}" for end, there in arms if there
        )
    if char in _CORNERS:
        across, down = _CORNERS[char]
        side, end = middle + across * W / 2, centre + down * H / 2
        bend = centre + down * W / 2
        return (
            f"M{side:.2f} {centre:.2f}Q{middle:.2f} {centre:.2f} {middle:.2f} {bend:.2f}"
            f"L{middle:.2f} {end:.2f}"
        )
    return None


def box(x: float, y: float, width: float, height: float) -> str:
    """A filled rectangle as a path."""
    return f"M{x:.2f} {y:.2f}h{width:.2f}v{height:.2f}h{-width:.2f}z"
