"""The curve of a quantity over the run.

The law of this file: back to front; each thing that is drawn is one layer of dots or a few glyphs.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from trainwatch.draw import curve
from trainwatch.draw.cells import DOTS_X, DOTS_Y, Canvas, span
from trainwatch.draw.plot import ChartView, Layout, Mark, Plot
from trainwatch.draw.readout import readout
from trainwatch.draw.rows import Picture, Row, clip, fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.run.series import Series, Span

__all__ = ["ChartView", "Mark", "Plot", "draw", "x_at"]

_EPOCH_DOTS = 0x1111_1111_1111_1111
"""A column with one dot in four: where an epoch ends."""
_MOST_MARKS = 400
"""So many marks of one kind are looked at; of more, as many spread evenly."""
_LETTERS = 6
"""So often the letter of a curve stands on it."""
_POINT_STYLES: tuple[tuple[str, Style], ...] = (("◆", "eval"), ("◇", "other"))


def draw(plot: Plot, view: ChartView, width: int, height: int) -> Picture:
    """The chart of a quantity: readout, curve, axes."""
    title: Row = [(plot.name, "title")]
    layout = Layout(plot, view, max(width, 0), max(height, 0))
    if layout.window is None:
        return Picture(title, [], said(_why_empty(plot, view), width, height))
    rows = [readout(layout)] if layout.readout else []
    rows += _body(layout)
    rows += [] if layout.bare else _foot(layout)
    return Picture(title, _note(layout), rows)


def x_at(plot: Plot, view: ChartView, width: int, height: int, column: int) -> float | None:
    """The place on the axis below a character column of the drawn chart, None beside the curve."""
    layout = Layout(plot, view, width, height)
    if layout.window is None or not layout.gutter <= column < width:
        return None
    return layout.window.place((column - layout.gutter) * DOTS_X + 0.5)


def _why_empty(plot: Plot, view: ChartView) -> Sequence[str]:
    if not any(len(s) for s in plot.every):
        return plot.empty
    if view.axis == "time":
        return ("no times known", "these lines were written before trainwatch looked")
    return (f"no {view.axis} known", "the lines with these values did not tell it")


def said(lines: Sequence[str], width: int, height: int) -> list[Row]:
    """Sentences in the middle of an otherwise empty panel."""
    width, height = max(width, 0), max(height, 0)
    above = max((height - len(lines)) // 2, 0)
    rows: list[Row] = [[] for _ in range(above)]
    for number, line in enumerate(lines[:height]):
        text = clip(line, max(width - 2, 0))
        left = max((width - len(text)) // 2, 0)
        rows.append([(" " * left, "text"), (text, "label" if number == 0 else "dim")])
    rows += [[] for _ in range(height - len(rows))]
    return [fit(row, width) for row in rows]


def _note(layout: Layout) -> Row:
    view = layout.view
    words = [view.axis, "log" if layout.scale.log else "linear"]
    several = layout.plot.marks and any(s.key.split == "train" for s in layout.plot.points)
    smooth = layout.smooth or (several and view.smoothing > 0)
    words.append(f"ema {view.smoothing:g}" if smooth else "raw")
    if view.start is not None or view.stop is not None:
        words.append("zoom")
    if layout.beyond:
        words.append("cut ↕")
    return [(" · ".join(words), "dim")]


# --- the curve ----------------------------------------------------------------------------


def _body(layout: Layout) -> list[Row]:
    """The curve with the labels of the y axis on its left."""
    canvas = Canvas(layout.columns, layout.rows)
    _paint_epochs(layout, canvas)
    for series in layout.plot.every:
        if series.superseded():
            canvas.paint(curve.envelope(layout.spans(series, cut=True), layout.scale), "dim")
    _paint_line(layout, canvas)
    for number, series in reversed(list(enumerate(layout.plot.points))):
        _paint_points(layout, canvas, series, number)
    _put_best(layout, canvas)
    _put_broken(layout, canvas)
    rows = canvas.rows()
    if not layout.gutter:
        return rows
    return [[*left, *row] for left, row in zip(_labels(layout), rows, strict=True)]


def _labels(layout: Layout) -> list[Row]:
    texts = dict(zip(layout.scale.rows(layout.ticks), layout.labels, strict=True))
    by_row = {dot // DOTS_Y: text for dot, text in texts.items()}
    room = layout.gutter - 1
    return [
        [(f"{by_row.get(y, ''):>{room}}", "dim"), ("┤" if y in by_row else "│", "border")]
        for y in range(layout.rows)
    ]


def _paint_line(layout: Layout, canvas: Canvas) -> None:
    line, scale = layout.plot.line, layout.scale
    broken = _broken_columns(layout, line) if line is not None else {}
    style: Style = "train-raw" if layout.smooth else "train"
    outside = layout.outside(line) if line is not None else curve.NOWHERE
    canvas.paint(curve.envelope(layout.raw, scale, broken, outside), style)
    _paint_cursor(layout, canvas)
    canvas.paint(curve.line(layout.smooth, scale, broken), "train")
    if sum(s is not None for s in layout.raw) == 1:
        _put_points(layout, canvas, layout.raw, "●", "train")


def _paint_points(layout: Layout, canvas: Canvas, series: Series, number: int) -> None:
    spans = layout.marked[number]
    several = layout.plot.marks
    glyph, style = several[number] if several else _POINT_STYLES[min(number, 1)]
    means = layout.means(number)
    broken, outside = _broken_columns(layout, series), layout.outside(series)
    canvas.paint(curve.line(means, layout.scale, broken, outside), style)
    known = [x for x, s in enumerate(spans) if s is not None]
    if several:
        _put_letters(layout, canvas, means, number)
    elif len(known) * 2 <= layout.columns:
        _put_points(layout, canvas, spans, glyph, style)


def _put_points(
    layout: Layout, canvas: Canvas, spans: Sequence[Span | None], glyph: str, style: Style
) -> None:
    for x, found in enumerate(spans):
        if found is not None:
            dot = layout.scale.dot(found.mean)
            if 0 <= dot < layout.scale.dots:
                canvas.put(x // DOTS_X, dot // DOTS_Y, glyph, style)


def _put_letters(
    layout: Layout, canvas: Canvas, means: Sequence[float | None], number: int
) -> None:
    """The letter of a curve on it, now and then and at its end; those of others stand elsewhere."""
    letter, style = layout.plot.marks[number]
    known = [x for x, value in enumerate(means) if value is not None]
    every = max(len(known) // _LETTERS, 1)
    first = every * number // len(layout.plot.marks)
    for x in [*known[first::every], *known[-1:]]:
        value = means[x]
        dot = layout.scale.dot(value) if value is not None else -1
        if 0 <= dot < layout.scale.dots:
            canvas.put(x // DOTS_X, dot // DOTS_Y, letter, style)


def _put_best(layout: Layout, canvas: Canvas) -> None:
    best, window = layout.plot.best, layout.window
    place = best.place(layout.view.axis) if best else None
    if best is None or place is None or best.value is None or window is None:
        return
    dot = layout.scale.dot(best.value)
    if 0 <= dot < layout.scale.dots:
        canvas.put(window.column(place) // DOTS_X, dot // DOTS_Y, "★", "best")


def _put_broken(layout: Layout, canvas: Canvas) -> None:
    """NaN and infinities as crosses, and arrows where the curve leaves the picture."""
    for series in layout.plot.every:
        for x, value in _broken_columns(layout, series).items():
            y = 0 if value > 0 else layout.rows - 1
            canvas.put(x // DOTS_X, y, "×", "critical")
    if layout.beyond:
        scale = layout.scale
        for columns in (layout.raw, *layout.marked):
            for x, s in enumerate(columns):
                if s is not None and s.hi > scale.high:
                    canvas.put(x // DOTS_X, 0, "↑", "warning")
                elif s is not None and s.lo < scale.low:
                    canvas.put(x // DOTS_X, layout.rows - 1, "↓", "warning")


def _broken_columns(layout: Layout, series: Series) -> dict[int, float]:
    """The dot columns with values that are not finite."""
    window, marks, axis = layout.window, series.marks, layout.view.axis
    if not marks or window is None:
        return {}
    first, last = series.nearest(axis, window.start), series.nearest(axis, window.stop)
    if first is not None and last is not None and first <= last and len(marks) > _MOST_MARKS:
        marks = marks[bisect_left(marks, (first,)) : bisect_left(marks, (last + 1,))]
    found = {}
    for index, value in [*marks[:: len(marks) // _MOST_MARKS + 1], *marks[-1:]]:
        place = series.places.place(axis, index)
        if place is not None and 0 <= (x := window.column(place)) < window.columns:
            found[x] = value
    return found


# --- the x axis ---------------------------------------------------------------------------


def _paint_epochs(layout: Layout, canvas: Canvas) -> None:
    columns = [0] * (layout.columns * DOTS_X)
    for place in layout.epochs:
        x = layout.window.column(place) if layout.window else -1
        if 0 < x < len(columns):
            columns[x] = _EPOCH_DOTS & span(0, layout.scale.dots - 1)
    canvas.paint(columns, "border")


def _paint_cursor(layout: Layout, canvas: Canvas) -> None:
    cursor, window = layout.view.cursor, layout.window
    if cursor is None or window is None:
        return
    x = window.column(cursor)
    if 0 <= x < window.columns:
        columns = [0] * window.columns
        columns[x] = span(0, layout.scale.dots - 1)
        canvas.paint(columns, "guide")


def _foot(layout: Layout) -> list[Row]:
    """The x axis: a line with ticks and checkpoints, and the labels below it."""
    line: list[tuple[str, Style]] = [("─", "border")] * layout.columns
    for tick in layout.x_ticks:
        line[tick.column] = ("┬", "border")
    _put_checkpoints(layout, line)
    _put_restarts(layout, line)
    left = " " * (layout.gutter - 1)
    return [
        [(left + "└", "border"), *_grouped(line)],
        [(" " + _centred(layout), "dim")],
    ]


def _put_restarts(layout: Layout, line: list[tuple[str, Style]]) -> None:
    """Where the training went back to run a stretch again."""
    series, window = layout.plot.line, layout.window
    if series is None or window is None:
        return
    for index in series.segments[1:][-_MOST_MARKS:]:
        mark = Mark(series.step(index), series.epoch(index), series.at(index))
        place = mark.place(layout.view.axis)
        x = -1 if place is None else window.column(place) // DOTS_X
        if 0 <= x < len(line):
            line[x + 1 if line[x][0] == "▴" and x + 1 < len(line) else x] = ("↺", "warning")


def _put_checkpoints(layout: Layout, line: list[tuple[str, Style]]) -> None:
    window, axis, best = layout.window, layout.view.axis, layout.plot.best
    for mark in layout.plot.checkpoints:
        place = mark.place(axis)
        if place is None or window is None:
            continue
        x = window.column(place) // DOTS_X
        if 0 <= x < len(line) and line[x] != ("▴", "best"):
            chosen = best is not None and best.step is not None and best.step == mark.step
            line[x] = ("▴", "best" if chosen else "accent")


def _centred(layout: Layout) -> str:
    """The labels below their ticks, the name of the axis at the right end."""
    gutter, width = layout.gutter - 1, layout.width - 1
    text = [" "] * width
    end = 0
    for _, x, label in layout.x_ticks:
        start = min(max(gutter + x - len(label) // 2, 0), width - len(label))
        text[start : start + len(label)] = label
        end = start + len(label)
    name: str = layout.view.axis
    if end + 2 + len(name) <= width:
        text[width - len(name) :] = name
    return "".join(text)


def _grouped(cells: Sequence[tuple[str, Style]]) -> Row:
    """Neighbours of one style joined."""
    row: Row = []
    for text, style in cells:
        if row and row[-1][1] == style:
            row[-1] = (row[-1][0] + text, style)
        else:
            row.append((text, style))
    return row
