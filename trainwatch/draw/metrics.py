"""Every quantity the run reported: as a list with small curves, and as a grid of charts.

The law of this file: one entry per name; what was measured on other data stands in the same entry.
Only what is on the screen is drawn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainwatch.draw import chart, curve, loss, units
from trainwatch.draw.axes import Scale, widened
from trainwatch.draw.cells import DOTS_X, DOTS_Y, Canvas
from trainwatch.draw.frame import framed
from trainwatch.draw.plot import Plot
from trainwatch.draw.rows import Picture, Row, clip, fit, width
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.plot import ChartView
    from trainwatch.draw.rows import Style
    from trainwatch.run.run import Run
    from trainwatch.run.series import Series, Span

_NAME, _VALUE = 26, 11
_WIDE = 96
"""Columns from which on the list tells the smallest and the largest value too."""
_SET = frozenset({"learning_rate", "weight_decay", "momentum", "beta", "temperature"})
"""Quantities that a schedule sets."""


@dataclass(frozen=True)
class MetricsView:
    """How a person looks at the list."""

    wanted: str = ""  # what is typed: words, or a regular expression
    cursor: int = 0
    top: int = 0


def plots(run: Run, wanted: str = "") -> list[Plot]:
    """One plot per quantity, the loss first; only those that ``wanted`` names."""
    names: dict[str, list[Series]] = {}
    for series in run.metrics.series():
        names.setdefault(series.key.name, []).append(series)
    order = sorted(names, key=lambda name: (name != "loss", name != "learning_rate"))
    return [_plot(run, name, names[name]) for name in order if _matches(name, wanted)]


def _plot(run: Run, name: str, found: Sequence[Series]) -> Plot:
    if name == "loss":
        return loss.plot(run)
    line = next((s for s in found if s.key.split in ("train", "other")), None)
    points = [s for s in found if s.key.split in ("eval", "test")]
    return Plot(
        clean(name, 64), line, tuple(points), loss.checkpoints(run), None, loss.origin(run),
        ("no value yet",), exact=name in _SET,
    )  # fmt: skip


def _matches(name: str, wanted: str) -> bool:
    """Every word of ``wanted`` in the name, or the whole as a regular expression."""
    if all(word in name for word in wanted.lower().split()):
        return True
    try:
        return re.search(wanted, name, re.IGNORECASE) is not None
    except (re.error, OverflowError, RecursionError):
        return False


# --- the list -----------------------------------------------------------------------------


def draw(run: Run, view: MetricsView, columns: int, lines: int) -> Picture:
    """A line per quantity: newest values, smallest and largest, a small curve."""
    columns, lines = max(columns, 0), max(lines, 0)
    found = plots(run, view.wanted)
    every = len({s.key.name for s in run.metrics.series()})
    shown = f"{len(found)} of {every}" if view.wanted else f"{every}"
    note: Row = [(f"/{view.wanted}  " if view.wanted else "", "accent"), (shown, "dim")]
    title: Row = [("metrics", "title")]
    if not found:
        text = "no such metric" if every else "no number read yet"
        return Picture(title, note, chart.said((text,), columns, lines))
    room = max(lines - 1, 0)
    top = min(max(view.top, view.cursor - room + 1, 0), max(view.cursor, 0))
    rows = [_head(columns)]
    for number, plot in enumerate(found[top : top + room], top):
        rows.append(_entry(plot, columns, at_cursor=number == view.cursor))
    rows += [[] for _ in range(lines - len(rows))]
    return Picture(title, note, [fit(row, columns) for row in rows[:lines]])


def _head(columns: int) -> Row:
    text = f" {'metric':<{_NAME}}{'train':>{_VALUE}}{'eval':>{_VALUE}}"
    if columns >= _WIDE:
        text += f"{'lowest':>{_VALUE}}{'highest':>{_VALUE}}"
    return fit([(text, "dim")], columns)


def _entry(plot: Plot, columns: int, *, at_cursor: bool) -> Row:
    line = plot.line
    point = plot.points[0] if plot.points else None
    name = clip(plot.name, _NAME - 1)
    cells: Row = [
        ("›" if at_cursor else " ", "accent"),
        (name + " " * (_NAME - width(name)), "title" if at_cursor else "text"),
        (f"{units.number(line.last if line else None):>{_VALUE}}", "train"),
        (f"{units.number(point.last if point else None):>{_VALUE}}", "eval"),
    ]
    shown = line if line is not None else point
    if shown is not None:
        room = columns - _NAME - (4 if columns >= _WIDE else 2) * _VALUE - 4
        cells += _small(shown, room, "train" if line is not None else "eval", columns >= _WIDE)
    return fit(cells, columns)


def _small(series: Series, room: int, style: Style, wide: bool) -> Row:
    """Smallest and largest value, and the curve in one line."""
    spans = _all(series, max(room, 8) * DOTS_X)
    known = [s for s in spans if s is not None]
    if not known:
        return []
    low, high = min(s.lo for s in known), max(s.hi for s in known)
    row: Row = (
        [(f"{units.number(low):>{_VALUE}}{units.number(high):>{_VALUE}}", "label")] if wide else []
    )
    if room < 8:
        return row
    canvas = Canvas(room, 1)
    canvas.paint(curve.envelope(spans, Scale(*widened(low, high), DOTS_Y)), style)
    return [*row, ("  ", "text"), *canvas.rows()[0]]


def range_of(series: Series) -> tuple[float | None, float | None]:
    """The smallest and the largest finite value."""
    known = [s for s in _all(series, 8) if s is not None]
    return min((s.lo for s in known), default=None), max((s.hi for s in known), default=None)


def _all(series: Series, columns: int) -> list[Span | None]:
    """The whole series in so many columns, on the first axis that it has."""
    for axis in loss.AXES:
        extent = series.extent(axis)
        if extent is not None:
            return series.spans(axis, extent[0], extent[1], columns)
    return []


# --- the grid -----------------------------------------------------------------------------


def grid(
    found: Sequence[Plot], view: ChartView, shape: tuple[int, int], columns: int, lines: int, *,
    cursor: int = 0,
) -> list[Row]:  # fmt: skip
    """Charts in ``shape`` rows and columns, beginning with the first of ``found``."""
    down, across = max(shape[0], 1), max(shape[1], 1)
    rows: list[Row] = []
    for y in range(down):
        tall = lines * (y + 1) // down - lines * y // down
        band: list[Row] = [[] for _ in range(tall)]
        for x in range(across):
            wide = columns * (x + 1) // across - columns * x // across
            number = y * across + x
            plot = found[number] if number < len(found) else None
            cell = _cell(plot, view, wide, tall, focused=number == cursor)
            band = [[*left, *right] for left, right in zip(band, cell, strict=True)]
        rows += band
    return rows


def _cell(plot: Plot | None, view: ChartView, wide: int, tall: int, *, focused: bool) -> list[Row]:
    if plot is None:
        return [fit([], wide) for _ in range(tall)]
    picture = chart.draw(plot, view, wide - 2, tall - 2)
    return framed(picture._replace(note=[]), wide, tall, focused=focused)
