"""The line of values above a chart: the newest ones, or those under the cursor.

The law of this file: it is the legend too; what does not fit is left out whole, from the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Row, fit
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from trainwatch.draw.plot import Layout
    from trainwatch.draw.rows import Cell
    from trainwatch.run.series import Series


def readout(layout: Layout) -> Row:
    """The values of every series with the sign it is drawn with."""
    plot, cursor = layout.plot, layout.view.cursor
    pieces = [] if cursor is None else [Piece(_place(layout, cursor), 1)]
    if plot.line is not None:
        pieces += [Piece(_line(layout, plot.line), 0), Piece(_average(layout), 6)]
    for number, series in enumerate(plot.points):
        pieces.append(Piece(_points(layout, series, number), 2 + number))
    pieces += [Piece(_broken(layout), 2), Piece(_best(layout), 5), *_signs(layout)]
    left = max(layout.gutter - 1, 0)
    row = packed(pieces, [], max(layout.width - left, 0), [("   ", "text")])
    return fit([(" " * left, "text"), *row], layout.width)


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
    return [("── ", "train"), (f"{name} ", "label"), (_value(layout, series), "value")]


def _points(layout: Layout, series: Series, number: int) -> Row:
    name = clean(series.key.dataset or series.key.split, 24)
    sign: Cell = ("◇ ", "other") if number else ("◆ ", "eval")
    return [sign, (f"{name} ", "label"), (_value(layout, series), "value")]


def _value(layout: Layout, series: Series) -> str:
    """The value under the cursor, or the newest."""
    cursor = layout.view.cursor
    if cursor is None:
        return units.number(series.last)
    index = series.nearest(layout.view.axis, cursor)
    return units.number(None if index is None else series.value(index))


def _average(layout: Layout) -> Row:
    """The moving average under the cursor, or its newest value."""
    window, cursor = layout.window, layout.view.cursor
    if not layout.smooth or window is None:
        return []
    end = window.columns - 1 if cursor is None else window.column(cursor)
    known = layout.smooth[: max(end, 0) + 1]
    value = next((v for v in reversed(known) if v is not None), None)
    return [] if value is None else [("ema ", "dim"), (units.number(value), "label")]


def _broken(layout: Layout) -> Row:
    count = sum(len(s.marks) for s in layout.plot.every)
    return [("× ", "critical"), (f"{units.count(count)} not finite", "critical")] if count else []


def _best(layout: Layout) -> Row:
    best = layout.plot.best
    if best is None or layout.view.cursor is not None:
        return []
    where = "" if best.step is None else f" at {units.count(best.step)}"
    return [("★ ", "best"), ("best ", "label"), (units.number(best.value) + where, "value")]


def _signs(layout: Layout) -> list[Piece]:
    """What the remaining signs on the chart mean."""
    found = []
    if layout.plot.checkpoints:
        found.append(Piece([("▴ ", "accent"), ("checkpoint", "dim")], 7))
    if layout.plot.line is not None and len(layout.plot.line.segments) > 1:
        found.append(Piece([("↺ ", "warning"), ("restart", "dim")], 6))
    if layout.epochs:
        found.append(Piece([("⋮ ", "dim"), ("epoch", "dim")], 8))
    return found
