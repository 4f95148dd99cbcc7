"""The line of values above a chart: the newest ones, or those under the cursor.

The law of this file: it is the legend too; what does not fit is left out whole, from the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.rows import Row, fit, length
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.draw.plot import Layout
    from trainwatch.run.series import Series


def readout(layout: Layout) -> Row:
    """The values of every series with the sign it is drawn with."""
    cursor = layout.view.cursor
    groups = [] if cursor is None else [_place(layout, cursor)]
    if layout.plot.line is not None:
        groups.append(_line(layout, layout.plot.line))
    for number, series in enumerate(layout.plot.points):
        groups.append(_points(layout, series, number))
    groups += [_broken(layout), _best(layout), _checkpoints(layout)]
    return _fitted([g for g in groups if g], layout)


def _fitted(groups: list[Row], layout: Layout) -> Row:
    out: Row = [(" " * layout.gutter, "text")]
    used = layout.gutter
    for group in groups:
        size = length(group)
        gap = 3 if used > layout.gutter else 0
        if used + gap + size > layout.width:
            break
        out += [(" " * gap, "text"), *group]
        used += gap + size
    return fit(out, layout.width)


def _place(layout: Layout, cursor: float) -> Row:
    """Step, epoch and time of the point nearest to the cursor."""
    series = layout.plot.every[0]
    index = series.nearest(layout.view.axis, cursor)
    if index is None:
        return []
    step, epoch, at = series.step(index), series.epoch(index), series.at(index)
    words = [] if step is None else [f"step {units.count(step)}"]
    words += [] if epoch is None else [f"epoch {epoch:.2f}"]
    origin = layout.plot.origin
    words += [] if at is None or origin is None else [units.clock(at - origin)]
    return [(" · ".join(words), "accent")]


def _line(layout: Layout, series: Series) -> Row:
    name = "train" if series.key.split == "train" else series.key.split
    row: Row = [("──", "train"), (f" {name} ", "label"), (_value(layout, series), "value")]
    average = _average(layout)
    if average is not None:
        row += [(" ema ", "dim"), (units.number(average), "value")]
    return row


def _points(layout: Layout, series: Series, number: int) -> Row:
    name = clean(series.key.dataset or series.key.split, 24)
    glyph, style = ("◇ ", "other") if number else ("◆ ", "eval")
    value = _value(layout, series)
    return [
        (glyph, "other" if style == "other" else "eval"),
        (f"{name} ", "label"),
        (value, "value"),
    ]


def _value(layout: Layout, series: Series) -> str:
    """The value under the cursor, or the newest."""
    cursor = layout.view.cursor
    if cursor is None:
        return units.number(series.last)
    index = series.nearest(layout.view.axis, cursor)
    return units.number(None if index is None else series.value(index))


def _average(layout: Layout) -> float | None:
    """The moving average under the cursor, or its newest value."""
    window, cursor = layout.window, layout.view.cursor
    if not layout.smooth or window is None:
        return None
    end = window.columns - 1 if cursor is None else window.column(cursor)
    known = layout.smooth[: max(end, 0) + 1]
    return next((v for v in reversed(known) if v is not None), None)


def _broken(layout: Layout) -> Row:
    count = sum(len(s.marks) for s in layout.plot.every)
    return [("× ", "critical"), (f"{units.count(count)} not finite", "critical")] if count else []


def _best(layout: Layout) -> Row:
    best = layout.plot.best
    if best is None or layout.view.cursor is not None:
        return []
    where = "" if best.step is None else f" at {units.count(best.step)}"
    return [("★ ", "best"), ("best ", "label"), (units.number(best.value) + where, "value")]


def _checkpoints(layout: Layout) -> Row:
    return [("▴ ", "accent"), ("checkpoint", "label")] if layout.plot.checkpoints else []
