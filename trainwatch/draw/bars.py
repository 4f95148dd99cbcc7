"""Bars, gauges and small curves of one line.

The law of this file: exactly as wide as asked; a share that is not known draws no bar at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row, Style

_EIGHTHS = " ▏▎▍▌▋▊▉"
_HEIGHTS = "▁▂▃▄▅▆▇█"


def bar(share: float | None, columns: int, style: Style = "bar") -> Row:
    """A filled bar, exact to an eighth of a column, its end marked; blank when unknown."""
    if share is None or columns <= 1:
        return [(" " * max(columns, 0), "bar-rest")]
    room = columns - 1
    whole, part = divmod(round(min(max(share, 0.0), 1.0) * room * 8), 8)
    text = "█" * whole + (_EIGHTHS[part] if part else "")
    return [(text, style), (" " * (room - len(text)) + "▕", "bar-rest")]


def line(share: float | None, columns: int, style: Style = "bar") -> Row:
    """A thin bar with its rest drawn: ━━━━╸───; blank when unknown."""
    if share is None or columns <= 0:
        return [(" " * max(columns, 0), "bar-rest")]
    halves = round(min(max(share, 0.0), 1.0) * columns * 2)
    text = "━" * (halves // 2) + ("╸" if halves % 2 else "")
    return [(text, style), ("─" * (columns - len(text)), "bar-rest")]


def small_bar(share: float | None) -> str:
    """A share in one column; a known one is never blank."""
    if share is None:
        return " "
    eighths = max(round(min(max(share, 0.0), 1.0) * 8), 1)
    return "█" if eighths == 8 else _EIGHTHS[eighths]


def history(values: Sequence[float | None], columns: int, top: float | None = 1.0) -> str:
    """The newest values as a curve of one line, newest at the right; a hole where one is unknown.

    ``top`` is the value of a full column; None scales to the values themselves.
    """
    shown = list(values[-columns:]) if columns > 0 else []
    known = [v for v in shown if v is not None]
    low, high = (
        (0.0, top) if top is not None else (min(known, default=0.0), max(known, default=0.0))
    )
    low, span = low / 2, (high / 2 - low / 2) or 1.0  # halves: all of it may be beyond any number
    marks = [
        " " if v is None else _HEIGHTS[round(min(max((v / 2 - low) / span, 0.0), 1.0) * 7)]
        for v in shown
    ]
    return "".join(marks).rjust(max(columns, 0))
