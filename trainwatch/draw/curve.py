"""Values per dot column to dots per dot column.

The law of this file: neighbouring columns always touch, so that a curve is one line and no spike is
lost; a column without values is bridged by a straight line, except where the numbers broke.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from trainwatch.draw.axes import Scale
    from trainwatch.run.series import Span

Extent: TypeAlias = tuple[int, int]
"""Topmost and bottommost dot of a column."""


def envelope(spans: Sequence[Span | None], scale: Scale, broken: Collection[int] = ()) -> list[int]:
    """From the smallest to the largest value of each column."""
    known = [s for s in spans if s is not None]
    tops = iter(scale.rows([s.hi for s in known]))
    bottoms = iter(scale.rows([s.lo for s in known]))
    columns = [None if s is None else (next(tops), next(bottoms)) for s in spans]
    return _dots(_touching(_bridged(columns, broken)), scale.dots)


def line(values: Sequence[float | None], scale: Scale, broken: Collection[int] = ()) -> list[int]:
    """Through one value per column."""
    rows = iter(scale.rows([v for v in values if v is not None]))
    columns: list[Extent | None] = []
    for value in values:
        row = None if value is None else next(rows)
        columns.append(None if row is None else (row, row))
    return _dots(_touching(_bridged(columns, broken)), scale.dots)


def _bridged(columns: list[Extent | None], broken: Collection[int]) -> list[Extent | None]:
    """Columns without values filled with the straight line between their neighbours."""
    if None not in columns:
        return columns
    out = list(columns)
    last: int | None = None
    for x, here in enumerate(columns):
        if x in broken:
            last = None
        if here is None:
            continue
        if last is not None and x - last > 1:
            before = columns[last]
            assert before is not None
            a, b = sum(before) / 2, sum(here) / 2
            for k in range(last + 1, x):
                row = int(a + (b - a) * (k - last) / (x - last) + 0.5)
                out[k] = (row, row)
        last = x
    return out


def _touching(columns: list[Extent | None]) -> list[Extent | None]:
    """Where two neighbours leave dots between them, each takes half."""
    out = list(columns)
    before: Extent | None = None
    for x, here in enumerate(columns):
        if here is not None and before is not None:
            (above, below), (top, bottom) = before, here
            if top > below + 1:
                middle = (below + top) // 2
                out[x - 1] = (out[x - 1] or before)[0], middle
                out[x] = middle + 1, bottom
            elif bottom < above - 1:
                middle = (bottom + above) // 2
                out[x - 1] = middle + 1, (out[x - 1] or before)[1]
                out[x] = top, middle
        before = here
    return out


def _dots(columns: list[Extent | None], height: int) -> list[int]:
    """The dots that lie on the canvas."""
    last = height - 1
    out = []
    for extent in columns:
        if extent is None:
            out.append(0)
            continue
        top, bottom = extent
        top, bottom = max(top, 0), min(bottom, last)
        out.append((1 << bottom + 1) - (1 << top) if bottom >= top else 0)
    return out
