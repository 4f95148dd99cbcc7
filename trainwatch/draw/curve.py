"""Values per dot column to dots per dot column.

The law of this file: neighbouring columns always touch, so that a curve is one line and no spike is
lost; a column without values is bridged by a straight line, except where the numbers broke.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from trainwatch.draw.axes import Scale
    from trainwatch.run.series import Span

Extent: TypeAlias = tuple[int, int]
"""Topmost and bottommost dot of a column."""


class Outside(NamedTuple):
    """The points next to the picture, so that the line enters and leaves it: (column, value)."""

    before: tuple[int, float] | None = None  # a column below 0
    after: tuple[int, float] | None = None  # a column beyond the last


NOWHERE = Outside()


def envelope(
    spans: Sequence[Span | None],
    scale: Scale,
    broken: Collection[int] = (),
    outside: Outside = NOWHERE,
) -> list[int]:
    """From the smallest to the largest value of each column."""
    known = [s for s in spans if s is not None]
    tops = iter(scale.rows([s.hi for s in known]))
    bottoms = iter(scale.rows([s.lo for s in known]))
    columns = [None if s is None else (next(tops), next(bottoms)) for s in spans]
    return _joined(columns, scale, broken, outside)


def line(
    values: Sequence[float | None],
    scale: Scale,
    broken: Collection[int] = (),
    outside: Outside = NOWHERE,
) -> list[int]:
    """Through one value per column."""
    rows = iter(scale.rows([v for v in values if v is not None]))
    columns: list[Extent | None] = []
    for value in values:
        row = None if value is None else next(rows)
        columns.append(None if row is None else (row, row))
    return _joined(columns, scale, broken, outside)


def _joined(
    columns: list[Extent | None], scale: Scale, broken: Collection[int], outside: Outside
) -> list[int]:
    columns = _entered(columns, scale, outside)
    return _dots(_touching(_bridged(columns, broken)), scale.dots)


def _entered(columns: list[Extent | None], scale: Scale, outside: Outside) -> list[Extent | None]:
    """The first and the last column filled from the line to the points outside."""
    if outside is NOWHERE or not columns:
        return columns
    before, after = [
        [] if point is None else [(point[0], float(scale.dot(point[1])))] for point in outside
    ]
    known = [(x, sum(extent) / 2) for x, extent in enumerate(columns) if extent is not None]
    points = [*before, *known, *after]
    out = list(columns)
    if before and len(points) > 1:
        out[0] = out[0] or _between(points[0], points[1], 0)
    if after and len(points) > 1:
        out[-1] = out[-1] or _between(points[-2], points[-1], len(out) - 1)
    return out


def _between(one: tuple[int, float], other: tuple[int, float], x: int) -> Extent:
    """Where the straight line between two points crosses a column."""
    row = int(one[1] + (other[1] - one[1]) * (x - one[0]) / (other[0] - one[0]) + 0.5)
    return row, row


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
            ends = (last, sum(before) / 2), (x, sum(here) / 2)
            for k in range(last + 1, x):
                out[k] = _between(*ends, k)
        last = x
    return out


def _touching(columns: list[Extent | None]) -> list[Extent | None]:
    """Where two neighbours leave dots between them, each takes half."""
    out = list(columns)
    before: Extent | None = None
    for x, here in enumerate(columns):
        if here is not None and before is not None:
            (above, below), (top, bottom) = before, here
            reached = out[x - 1] or before
            if top > below + 1:
                middle = (below + top) // 2
                out[x - 1] = reached[0], max(reached[1], middle)
                out[x] = middle + 1, bottom
            elif bottom < above - 1:
                middle = (bottom + above) // 2
                out[x - 1] = min(reached[0], middle + 1), reached[1]
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
