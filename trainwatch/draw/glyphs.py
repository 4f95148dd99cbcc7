"""Pictures for terminals that lack characters.

The law of this file: everything is drawn once, with the best characters; what a poorer terminal
cannot show is replaced here, one character by one of the same width, as the last thing before rows
leave the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from trainwatch.draw.rows import width

if TYPE_CHECKING:
    from trainwatch.draw.rows import Row

Glyphs: TypeAlias = Literal["braille", "block", "ascii"]
"""What the terminal can show: everything; block and line drawing (a Linux console); ASCII."""

_DOT_ROWS = (0x09, 0x12, 0x24, 0xC0)  # the two dots of each row of a braille character


def _rows_lit(pattern: int) -> int:
    return sum(1 << k for k, dots in enumerate(_DOT_ROWS) if pattern & dots)


# The picture of each set of lit dot rows, bit 0 being the topmost.
_HALVES = [" ▀▄█"[bool(lit & 3) + 2 * bool(lit & 12)] for lit in range(16)]
_LINES = {0: " ", 1: "'", 2: "-", 3: "'", 4: "-", 6: "-", 8: "_", 12: "."}
_STROKES = [_LINES.get(lit, ":" if lit in (5, 9, 10) else "|") for lit in range(16)]


def _table(characters: str, stand_ins: str) -> dict[int, str]:
    return {ord(c): s for c, s in zip(characters, stand_ins, strict=True)}


_BLOCK: dict[int, str] = {
    **{0x2800 + pattern: _HALVES[_rows_lit(pattern)] for pattern in range(256)},
    **_table("▏▎▍▌▋▊▉▕", " ▌▌▌▌██│"),
    **_table("▁▂▃▅▆▇", "▄▄▄▄██"),
    **_table("╭╮╰╯┊╸━╺", "┌┐└┘│─═─"),
    **_table("◆◇★●○◌▴›‹↺⋮✗✓", "♦♦*ooo^><<:x+"),
    **_table("–−…×", "--~x"),
}  # fmt: skip
_ASCII: dict[int, str] = {
    **{0x2800 + pattern: _STROKES[_rows_lit(pattern)] for pattern in range(256)},
    **_table("▏▎▍▌▋▊▉█▐▕", " ::=#####|"),
    **_table("▁▂▃▄▅▆▇▀░▒▓", "__--==##::#"),
    **_table("╭╮╰╯┌┐└┘├┤┬┴┼", "+" * 13),
    **_table("─━═╸╺╴╶│┃║┊╎╷╵", "-===" + "---" + "|||::||"),
    **_table("◆◇♦★●○■▶◌▴▲▾▼›‹→←↑↓↕↺✓✗✕⋮", "oOo*@o#>o^^vv><><^v|<+xx:"),
    **_table("–−—…×·•°±µ≤≥≈“”‘’", "---~x.* +u<>~\"\"''"),
}  # fmt: skip


def suited(rows: list[Row], glyphs: Glyphs) -> list[Row]:
    """The rows in the characters that the terminal has; their widths do not change."""
    if glyphs == "braille":
        return rows
    if glyphs == "block":
        return [[(text.translate(_BLOCK), style) for text, style in row] for row in rows]
    return [[(to_ascii(text), style) for text, style in row] for row in rows]


def to_ascii(text: str) -> str:
    """``text`` with every character replaced by one, or for wide ones two, of ASCII."""
    if text.isascii():
        return text
    return "".join(c if c.isascii() else _stand_in(c) for c in text.translate(_ASCII))


def _stand_in(character: str) -> str:
    return "?" * width(character)
