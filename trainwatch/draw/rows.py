"""What drawing produces: rows of (text, style name).

The law of this file: a style is a name; which colour it has is the theme's business. The text of a
row is exactly as wide as was asked for.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from trainwatch.read.clean import Sgr

Style: TypeAlias = Literal[
    "text", "dim", "label", "value", "accent", "title",
    "train", "train-raw", "eval", "best", "other",
    "ok", "info", "warning", "critical",
    "cursor", "found", "focus", "guide", "border", "bar", "bar-rest",
]  # fmt: skip
"""``cursor`` is where a person stands in a list, ``guide`` the line under a chart's cursor, ``found``
what a search found, ``focus`` the frame of the panel that has the keyboard."""
Cell: TypeAlias = tuple[str, Style | Sgr]
"""A piece of text with a style name, or with the colours that a training's log asked for."""
Row: TypeAlias = list[Cell]


_NARROW = re.compile(
    "[ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2030-\u205e\u2190-\u22ff\u2500-\u25fc\u2800-\u28ff]*"
)
"""What screens are made of: every character here takes one column."""


_CERTAIN = re.compile(
    r"[ -~\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u052f\u2010-\u2027\u2030-\u205e\u2190-\u22ff"
    r"\u2500-\u25fc\u2605\u26a0\u2713\u2717\u2800-\u28ff\u3000-\u3029\u3041-\u3096\u30a0-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]*"
)
"""Characters of which every terminal knows how many columns they take: one, or two in East Asian scripts."""
_NOTHING = (range(0x1160, 0x1200), range(0xD7B0, 0xD7FC))
"""Vowels and finals of Hangul, which stand in the cell of the letter before them."""
_LATELY_WIDE = (
    range(0x2630, 0x2638), range(0x268A, 0x2690), range(0x4DC0, 0x4E00), range(0x1D300, 0x1D357),
    range(0x1D360, 0x1D377),
)  # fmt: skip
"""Signs that became two columns wide with Unicode 16."""


class Picture(NamedTuple):
    """A panel: its inside, and what stands in the upper edge of its frame."""

    title: Row  # on the left
    note: Row  # on the right
    rows: list[Row]  # exactly as many, and as wide, as was asked for


def width(text: str) -> int:
    """Columns that ``text`` takes in a terminal. ``text`` must be clean (no control characters)."""
    if text.isascii() or _NARROW.fullmatch(text):
        return len(text)
    return sum(map(_cell, text))


@lru_cache(4096)
def _cell(character: str) -> int:
    code = ord(character)
    if unicodedata.category(character) in ("Mn", "Me", "Mc") or any(code in r for r in _NOTHING):
        return 0
    wide = unicodedata.east_asian_width(character) in "WF" or any(code in r for r in _LATELY_WIDE)
    return 2 if wide else 1


def certain(text: str) -> bool:
    """Whether every terminal gives ``text`` the same ``width``; they differ in emoji and some scripts."""
    return text.isascii() or _CERTAIN.fullmatch(text) is not None


def clip(text: str, columns: int) -> str:
    """``text`` cut to at most ``columns``, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for c in text:
        w = width(c)
        if used + w > columns - 1:
            break
        kept.append(c)
        used += w
    return "".join(kept) + "…" if columns > 0 else ""


def fit(row: Row, columns: int) -> Row:
    """The row cut or padded to exactly ``columns``; itself where it is that wide."""
    if length(row) == columns:
        return row
    out: Row = []
    left = columns
    for text, style in row:
        part = clip(text, left)
        if part:
            out.append((part, style))
            left -= width(part)
        if left <= 0:
            break
    if left > 0:
        out.append((" " * left, "text"))
    return out


def wrapped(text: str, columns: int) -> list[str]:
    """``text`` in lines of at most ``columns``, broken between words where there are some."""
    lines = [""]
    for word in text.split():
        for part in _parts(word, max(columns, 1)):
            if not lines[-1]:
                lines[-1] = part
            elif width(lines[-1]) + 1 + width(part) <= columns:
                lines[-1] += " " + part
            else:
                lines.append(part)
    return [line for line in lines if line]


def _parts(word: str, columns: int) -> list[str]:
    """A word in pieces of at most ``columns``; mostly itself."""
    parts = [""]
    for c in word:
        if parts[-1] and width(parts[-1]) + width(c) > columns:
            parts.append("")
        parts[-1] += c
    return parts


def length(row: Row) -> int:
    """Columns that a row takes."""
    return sum(width(text) for text, _ in row)


def plain(rows: list[Row]) -> str:
    """The rows as plain text, without trailing blanks: for golden tests and pipes."""
    return "\n".join("".join(text for text, _ in row).rstrip() for row in rows)
