"""The canvas: dots to characters, without a step per dot.

The law of this file: a dot column is an integer (bit 0 is the topmost dot), a layer is one integer
per dot column, and a picture costs a few operations on whole rows of bytes. A cell belongs to the
last layer that touched it: its dots replace those below, so that a line stays legible inside a
cloud, with colour or without.
"""

from __future__ import annotations

import re
from codecs import charmap_decode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row, Style

DOTS_X, DOTS_Y = 2, 4
"""Dots of one character cell."""

# Which bit of a braille character each dot is, from the top: Unicode block 2800-28FF.
_LEFT = (0x01, 0x02, 0x04, 0x40)
_RIGHT = (0x08, 0x10, 0x20, 0x80)

BRAILLE = " " + "".join(chr(0x2800 + pattern) for pattern in range(1, 256))
"""The character of each dot pattern; the empty one is a space: cheaper to send and to compare."""


def _nibbles(dots: Sequence[int], shift: int) -> bytes:
    """Table: four bits of a byte, from ``shift`` on -> those dots of a braille character."""
    return bytes(
        sum(dot for k, dot in enumerate(dots) if byte >> (shift + k) & 1) for byte in range(256)
    )


# A byte of a dot column is two cells: the low nibble the upper one.
_UPPER_LEFT, _UPPER_RIGHT = _nibbles(_LEFT, 0), _nibbles(_RIGHT, 0)
_LOWER_LEFT, _LOWER_RIGHT = _nibbles(_LEFT, 4), _nibbles(_RIGHT, 4)
_COVERED = bytes([0] + [255] * 255)
_RUN = re.compile(rb"\0*([^\0])(?:\1|\0)*|\0+")


def span(top: int, bottom: int) -> int:
    """The dots ``top`` to ``bottom`` of a column, both included; none when ``bottom < top``."""
    return (1 << bottom + 1) - (1 << top) if bottom >= top else 0


class Canvas:
    """A picture of ``width`` by ``height`` characters, painted from back to front."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = max(width, 0), max(height, 0)
        self._pairs = (self.height + 1) // 2
        self._styles: list[Style] = ["text"]
        self._upper, self._lower = _Half(), _Half()
        self._glyphs: list[dict[int, tuple[str, Style]]] = [{} for _ in range(self.height)]

    def paint(self, columns: Sequence[int], style: Style) -> None:
        """Lay dots over everything painted so far.

        ``columns`` are the dot columns from the left, at most ``2 * width``; bits from
        ``4 * height`` on are cut off.
        """
        if not (self.width and self.height and any(columns)):
            return
        number = self._number(style)
        left, right = self._transposed(columns)
        self._upper.cover(left.translate(_UPPER_LEFT), right.translate(_UPPER_RIGHT), number)
        self._lower.cover(left.translate(_LOWER_LEFT), right.translate(_LOWER_RIGHT), number)

    def put(self, x: int, y: int, glyph: str, style: Style) -> None:
        """Write one character of width 1 over cell (x, y); outside of the canvas it is dropped."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._glyphs[y][x] = (glyph, style)

    def rows(self) -> list[Row]:
        """The picture, each row exactly ``width`` columns."""
        size = self.width * self._pairs
        halves = [(half.dots(size), half.owners(size)) for half in (self._upper, self._lower)]
        out = []
        for y in range(self.height):
            dots, owners = halves[y & 1]
            start = (y >> 1) * self.width
            stop = start + self.width
            out.append(self._row(dots[start:stop], owners[start:stop], self._glyphs[y]))
        return out

    def _number(self, style: Style) -> int:
        if style not in self._styles:
            self._styles.append(style)
        return self._styles.index(style)

    def _transposed(self, columns: Sequence[int]) -> tuple[bytes, bytes]:
        """Left and right dot columns as rows of bytes, each byte four dots of two cells."""
        pairs, wanted = self._pairs, DOTS_X * self.width
        full = (1 << DOTS_Y * self.height) - 1
        data = b"".join([(c & full).to_bytes(pairs, "little") for c in columns[:wanted]])
        data = data.ljust(pairs * wanted, b"\0")
        step = DOTS_X * pairs
        left = b"".join([data[k::step] for k in range(pairs)])
        right = b"".join([data[pairs + k :: step] for k in range(pairs)])
        return left, right

    def _row(self, dots: bytes, owners: bytes, glyphs: dict[int, tuple[str, Style]]) -> Row:
        text = charmap_decode(dots, "strict", BRAILLE)[0]
        if glyphs:
            characters, changed = list(text), bytearray(owners)
            for x, (glyph, style) in glyphs.items():
                characters[x], changed[x] = glyph, self._number(style)
            text, owners = "".join(characters), bytes(changed)
        styles = self._styles
        return [
            (text[run.start() : run.end()], styles[ord(run.group(1) or b"\0")])
            for run in _RUN.finditer(owners)
        ]


class _Half:
    """Every other row of cells: dot patterns and the number of the layer that owns each cell."""

    def __init__(self) -> None:
        self._dots = 0
        self._owners = 0

    def cover(self, left: bytes, right: bytes, number: int) -> None:
        new = int.from_bytes(left, "little") | int.from_bytes(right, "little")
        cells = new.to_bytes(len(left), "little")
        covered = int.from_bytes(cells.translate(_COVERED), "little")
        owned = int.from_bytes(cells.translate(bytes([0] + [number] * 255)), "little")
        self._dots = self._dots & ~covered | new
        self._owners = self._owners & ~covered | owned

    def dots(self, size: int) -> bytes:
        return self._dots.to_bytes(size, "little")

    def owners(self, size: int) -> bytes:
        return self._owners.to_bytes(size, "little")
