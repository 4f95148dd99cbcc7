"""The frame around a panel.

The law of this file: the frame's text gives way to the frame: the note goes first, then the title is
cut; the corners always stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw.rows import clip, fit, length

if TYPE_CHECKING:
    from trainwatch.draw.rows import Picture, Row, Style


def framed(picture: Picture, columns: int, lines: int, *, focused: bool = False) -> list[Row]:
    """The picture inside a frame, ``columns`` by ``lines`` in all.

    The picture's rows should be two columns and two lines smaller; they are cut or padded.
    """
    if columns < 2 or lines < 2:
        return [fit([], max(columns, 0)) for _ in range(lines)]
    style: Style = "focus" if focused else "border"
    inside = columns - 2
    rows = [[("╭", style), *_edge(picture, inside, style), ("╮", style)]]
    for y in range(lines - 2):
        row = picture.rows[y] if y < len(picture.rows) else []
        rows.append([("│", style), *fit(row, inside), ("│", style)])
    rows.append([("╰" + "─" * inside + "╯", style)])
    return rows


def _edge(picture: Picture, columns: int, style: Style) -> Row:
    """The upper edge between its corners: `` title ───── note ``."""
    note = picture.note
    room = columns - length(picture.title) - (4 if picture.title else 2)
    if note and length(note) + 2 > room:
        note = []
    room = columns - (length(note) + 3 if note else 1)
    out: Row = []
    if picture.title and room > 4:
        for text, part in picture.title:
            used = length(out)
            if used < room - 3:
                out.append((clip(text, room - 3 - used), part))
        out = [(" ", style), *out, (" ", style)]
    tail: Row = [(" ", style), *note, (" ─", style)] if note else []
    return [*out, ("─" * (columns - length(out) - length(tail)), style), *tail]
