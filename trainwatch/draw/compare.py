"""Several runs in one chart: a curve for each, and below it which is which.

The law of this file: a curve is known by its letter, which stands on it, its colour only helps. All
are drawn by the same quantity; a run that does not have it stays in the list and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from trainwatch.draw import chart, units
from trainwatch.draw.plot import Layout, Plot
from trainwatch.draw.rows import Picture, Row, clip, fit, width
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.plot import ChartView
    from trainwatch.draw.rows import Style
    from trainwatch.run.run import Run
    from trainwatch.run.series import Series

Quantity: TypeAlias = Literal["eval loss", "loss"]
QUANTITIES: tuple[Quantity, ...] = ("eval loss", "loss")
MOST = 26
"""Runs that there are letters for."""
_STYLES: tuple[Style, ...] = ("eval", "train", "info", "best", "other", "accent")
_HEAD = 1
_NAME = 12
"""The fewest columns for a name."""
_SEARCHED = 20_000
"""Points among which the lowest is looked for each time it is drawn."""


class Contender(NamedTuple):
    """One of the runs."""

    name: str
    run: Run


@dataclass(frozen=True)
class _Entry:
    """One line of the list below the chart."""

    letter: str
    style: Style
    name: str
    series: Series | None


def usual(runs: Sequence[Contender]) -> Quantity:
    """The eval loss where two or more have one, else the loss."""
    known = sum(bool(one.run.metrics.eval_loss) for one in runs)
    return "eval loss" if known > 1 else "loss"


def plot(runs: Sequence[Contender], quantity: Quantity) -> Plot:
    """The curves of all that have one."""
    entries = [one for one in _entries(runs, quantity) if one.series]
    series = tuple(one.series for one in entries if one.series is not None)
    marks = tuple((one.letter, one.style) for one in entries)
    return Plot(
        quantity, None, series, empty=(f"none of these runs has a {quantity} yet",), marks=marks
    )


def room(runs: Sequence[Contender], columns: int, lines: int) -> tuple[int, int]:
    """Columns and lines of the chart itself; the list has what is left, at most half."""
    listed = min(len(runs[:MOST]) + _HEAD, max(lines // 2, 0))
    return max(columns, 0), max(lines - listed, 0)


def draw(
    runs: Sequence[Contender], quantity: Quantity, view: ChartView, columns: int, lines: int
) -> Picture:
    """The chart, and the list below it."""
    shown = plot(runs, quantity)
    wide, tall = room(runs, columns, lines)
    picture = chart.draw(shown, view, wide, tall)
    layout = Layout(shown, view, wide, tall)
    rows = [*picture.rows, *_list(_entries(runs, quantity), layout, wide, lines - tall)]
    return picture._replace(title=[(f"{quantity} of {len(runs)} runs", "title")], rows=rows)


def _entries(runs: Sequence[Contender], quantity: Quantity) -> list[_Entry]:
    found = []
    for number, (name, run) in enumerate(runs[:MOST]):
        series = run.metrics.eval_loss if quantity == "eval loss" else run.metrics.loss
        style = _STYLES[number % len(_STYLES)]
        found.append(_Entry(chr(ord("a") + number), style, clean(name, 80), series))
    return found


def _list(entries: Sequence[_Entry], layout: Layout, columns: int, lines: int) -> list[Row]:
    """Name, newest value (or that under the cursor), lowest value and where that was."""
    if lines < 1:
        return []
    size = min(max([width(one.name) for one in entries] + [_NAME]), max(columns - 40, _NAME))
    cursor = layout.view.cursor
    when = "newest" if cursor is None else f"at {cursor:,.4g}"
    rows: list[Row] = [[(f"   {'run':<{size}}  {when:>12}  {'lowest':>8}", "dim")]]
    rows += [_line(one, layout, size) for one in entries]
    if len(rows) > lines:
        left = len(rows) - lines + 1
        rows = [*rows[: lines - 1], [(f" … {left} more: a taller window shows them", "dim")]]
    rows += [[] for _ in range(lines - len(rows))]
    return [fit(row, columns) for row in rows[:lines]]


def _line(entry: _Entry, layout: Layout, size: int) -> Row:
    name = clip(entry.name, size)
    row: Row = [
        (f" {entry.letter} ", entry.style),
        (name + " " * (size - width(name)), "value" if entry.series else "dim"),
    ]
    if not entry.series:
        return [*row, (f"  no {layout.plot.name} yet", "dim")]
    series, cursor, axis = entry.series, layout.view.cursor, layout.view.axis
    index = len(series) - 1 if cursor is None else series.nearest(axis, cursor)
    value = None if index is None else series.value(index)
    row.append((f"  {units.number(value):>12}", "value"))
    if series.lowest is None:
        return row
    row.append((f"  {units.number(series.lowest):>8}", "text"))
    return [*row, (_where(series, series.lowest), "dim")] if len(series) <= _SEARCHED else row


def _where(series: Series, value: float) -> str:
    """The moment of the first point with that value."""
    index = series.values.index(value)
    step, epoch = series.step(index), series.epoch(index)
    if step is not None:
        return f" at step {units.count(step)}"
    return f" at epoch {epoch:.2f}" if epoch is not None else ""
