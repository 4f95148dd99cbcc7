"""One line out of pieces that matter more or less.

The law of this file: where a line is too narrow, pieces are left out whole, the least important
first; nothing is cut in the middle but the piece that may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw.rows import Row, fit, length

if TYPE_CHECKING:
    from collections.abc import Sequence


class Piece(NamedTuple):
    """A part of a line."""

    row: Row
    rank: int = 0  # pieces of a higher rank go first
    least: int = 0  # it may be cut to so many columns; 0 = never cut


def packed(
    left: Sequence[Piece], right: Sequence[Piece], columns: int, gap: Row | None = None
) -> Row:
    """The left pieces from the left edge, the right ones up to the right edge, ``columns`` wide.

    ``gap`` stands between neighbours, two blanks if None. A blank is kept at both edges where there
    is room for more than a word.
    """
    edge: Row = [(" ", "text")] if columns > 12 else []
    between: Row = [("  ", "text")] if gap is None else gap
    inside = columns - 2 * len(edge)
    sides = _chosen([[p for p in side if p.row] for side in (left, right)], between, inside)
    rows = _joined(sides, between, inside)
    space = max(inside - length(rows[0]) - length(rows[1]), 0)
    return fit([*edge, *rows[0], (" " * space, "text"), *rows[1], *edge], columns)


def _chosen(sides: list[list[Piece]], between: Row, columns: int) -> list[list[Piece]]:
    """The sides without the pieces that there is no room for; one always stays."""
    while sum(map(len, sides)) > 1 and _least(sides, between) > columns:
        worst = max(piece.rank for side in sides for piece in side)
        side = next(s for s in reversed(sides) if any(p.rank == worst for p in s))
        side.remove(next(p for p in reversed(side) if p.rank == worst))
    return sides


def _joined(sides: Sequence[Sequence[Piece]], between: Row, columns: int) -> list[Row]:
    """Both sides; what room is left goes to the pieces that may be cut, from the left."""
    room = columns - _least(sides, between)
    rows = []
    for side in sides:
        row: Row = []
        for piece in side:
            size = min(length(piece.row), max(_smallest(piece) + max(room, 0), 0))
            room -= size - _smallest(piece)
            row += [*(between if row else []), *_trimmed(piece.row, size)]
        rows.append(row)
    return rows


def _least(sides: Sequence[Sequence[Piece]], between: Row) -> int:
    """Columns that the pieces need when those that may be cut are."""
    gaps = sum(max(len(side) - 1, 0) for side in sides) * length(between)
    middle = 2 if all(sides) else 0
    return gaps + middle + sum(_smallest(p) for side in sides for p in side)


def _smallest(piece: Piece) -> int:
    size = length(piece.row)
    return min(size, piece.least) if piece.least else size


def _trimmed(row: Row, columns: int) -> Row:
    """The row cut to at most ``columns``."""
    return fit(row, columns) if length(row) > columns else row
