"""What a chart shows, how a person looks at it, and where everything lies.

The law of this file: a layout asks the series for one value per dot column, once; the picture follows
from (plot, view, size) alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor, inf, isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw import axes
from trainwatch.draw.axes import Scale
from trainwatch.draw.cells import DOTS_X, DOTS_Y
from trainwatch.draw.curve import NOWHERE, Outside
from trainwatch.draw.window import Window, chosen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.run.series import Axis, Series, Span

_AXES: tuple[Axis, ...] = ("step", "epoch", "entry", "time")
_OUTLIERS = 0.02
"""Share of the columns that may be outliers at each end."""
_FENCE = 3.0
"""How many times higher than its core a curve must be before outliers leave the picture."""
_CROWDED = 10
"""Columns that the stretch of an epoch must have for its boundaries to be drawn."""
_LABEL = 5
"""Columns kept for the labels of the y axis; more where they need more."""


@dataclass(frozen=True)
class ChartView:
    """How a person looks at a chart; everything else follows from the run."""

    axis: Axis = "step"
    wanted: Axis | None = None  # to be shown over this one as soon as the run tells it
    log_y: bool = False
    smoothing: float = 0.6  # weight of the past in the moving average; 0 shows the raw curve alone
    start: float | None = None  # the window, in units of the axis; None = from the beginning
    stop: float | None = None  # None = to the end, and follow it
    cursor: float | None = None  # in units of the axis
    robust: bool = True  # outliers may leave the picture, marked at its edge


class Mark(NamedTuple):
    """A moment of the run; what is not known of it is None."""

    step: float | None
    epoch: float | None
    at: float | None
    value: float | None = None
    entry: float | None = None

    def place(self, axis: Axis) -> float | None:
        """Where it lies on the axis."""
        place = {"step": self.step, "epoch": self.epoch, "entry": self.entry, "time": self.at}[axis]
        return place if place is not None and isfinite(place) else None


@dataclass(frozen=True)
class Plot:
    """What a chart shows."""

    name: str
    line: Series | None  # drawn raw and smoothed
    points: tuple[Series, ...] = ()  # drawn as marked points; the first is the one that counts
    checkpoints: tuple[Mark, ...] = ()
    best: Mark | None = None
    origin: float | None = None  # what the time axis counts from, seconds since the epoch
    empty: tuple[str, ...] = ()  # what to say while there is nothing to draw
    exact: bool = False  # a quantity that is set, not measured: nothing to smooth
    marks: tuple[tuple[str, Style], ...] = ()
    """The sign and style of each of the points, where they are those of several runs."""

    @property
    def every(self) -> list[Series]:
        """All series, the line first."""
        return [s for s in (self.line, *self.points) if s is not None]


def settled(view: ChartView, plot: Plot) -> ChartView:
    """A run that tells no steps is shown over epochs, one that tells neither in its order.

    That is as long as it tells none: the first lines of a log may come before the bar that counts.
    """
    series = plot.every[0] if plot.every else None
    wanted = view.wanted or view.axis
    told = (a for a in (wanted, *_AXES) if series is not None and series.extent(a) is not None)
    axis = next(told, view.axis)
    if series is None or axis == view.axis:
        return view
    return replace(over(view, series, axis), wanted=wanted)


def over(view: ChartView, series: Series, axis: Axis) -> ChartView:
    """The same view over another axis: window and cursor stay on the same points."""

    def carried(place: float | None) -> float | None:
        index = None if place is None else series.nearest(view.axis, place)
        return None if index is None else series.places.place(axis, index)

    start, stop, cursor = carried(view.start), carried(view.stop), carried(view.cursor)
    if start is not None and stop is not None and start >= stop:
        start = stop = None
    return replace(view, axis=axis, wanted=None, start=start, stop=stop, cursor=cursor)


class Layout:
    """Where everything of one chart lies, ``width`` by ``height`` characters in all."""

    def __init__(self, plot: Plot, view: ChartView, width: int, height: int) -> None:
        self.plot, self.view = plot, view
        self.width, self.height = width, height
        self.bare = width < 24 or height < 5
        self.readout = 1 if height >= 7 and not self.bare and not plot.marks else 0
        self.rows = max(height - self.readout - (0 if self.bare else 2), 0)
        self._settle(_LABEL)

    def _settle(self, label: int) -> None:
        self.gutter = 0 if self.bare else label + 1
        self.columns = max(self.width - self.gutter, 0)
        longest = 0 if self.bare or self.window is None else max(map(len, self.labels), default=0)
        if longest > label:
            for name in ("window", "raw", "smooth", "marked", "scale", "ticks", "labels"):
                self.__dict__.pop(name, None)
            self._settle(longest)

    # --- the x axis -----------------------------------------------------------------------

    @cached_property
    def extent(self) -> tuple[float, float] | None:
        """The smallest and the largest place of anything drawn."""
        known = [e for s in self.plot.every if (e := s.extent(self.view.axis)) is not None]
        if not known:
            return None
        return min(e[0] for e in known), max(e[1] for e in known)

    @cached_property
    def zero(self) -> float:
        """The place that the axis calls 0."""
        if self.view.axis != "time" or self.extent is None:
            return 0.0
        origin = self.plot.origin
        return self.extent[0] if origin is None else min(origin, self.extent[0])

    @cached_property
    def window(self) -> Window | None:
        """The part of the axis that is shown, None while there is nothing to show."""
        if self.extent is None or not self.columns or not self.rows:
            return None
        zero, view = self.zero, self.view
        ends = [None if v is None else v - zero for v in (view.start, view.stop)]
        extent = self.extent[0] - zero, self.extent[1] - zero
        # The ladder counts from the zero of the axis: the start of the run where it shows time.
        found = chosen(extent, ends[0], ends[1], self.columns * DOTS_X)
        return Window(found.start + zero, found.stop + zero, found.columns)

    @cached_property
    def x_ticks(self) -> list[axes.Tick]:
        """The labelled places, counted from the zero of the axis."""
        window, zero = self.window, self.zero
        if window is None:
            return []
        return axes.spaced(
            window.start - zero,
            window.stop - zero,
            self.columns,
            lambda place: window.column(place + zero) // DOTS_X,
            self.view.axis,
        )

    @cached_property
    def epochs(self) -> list[float]:
        """Where on the axis epochs end, as far as the window shows them; none where they crowd."""
        series = next((s for s in self.plot.every if len(s) and s.epoch(len(s) - 1)), None)
        window, axis = self.window, self.view.axis
        if series is None or window is None:
            return []
        ends = [series.nearest(axis, window.start), series.nearest(axis, window.stop)]
        known = [e for i in ends if i is not None and (e := series.epoch(i)) is not None]
        if len(known) < 2 or not known[1] - known[0] <= self.columns / _CROWDED:
            return []
        whole = range(max(ceil(known[0]), 1), floor(known[1]) + 1)
        places = [_epoch_place(series, axis, epoch) for epoch in whole]
        return [place for place in places if place is not None]

    # --- the columns ----------------------------------------------------------------------

    def spans(self, series: Series, *, cut: bool = False) -> list[Span | None]:
        """One span per dot column; ``cut``: of what a restart ran again."""
        window = self.window
        if window is None:
            return []
        return series.spans(self.view.axis, window.start, window.stop, window.columns, cut=cut)

    def outside(self, series: Series) -> Outside:
        """The points next to the window, where the window is not the whole run."""
        window, axis = self.window, self.view.axis
        if window is None or (self.view.start is None and self.view.stop is None):
            return NOWHERE
        found = []
        for edge, way in ((window.start, -1), (window.stop, 1)):
            index = series.nearest(axis, edge)
            if (
                index is not None
                and window.start <= (series.places.place(axis, index) or edge) <= window.stop
            ):
                index += way
            found.append(self._beyond(series, index, way))
        return Outside(*found)

    def _beyond(self, series: Series, index: int | None, way: int) -> tuple[int, float] | None:
        """Column and value of a point on one side of the window."""
        if index is None or not 0 <= index < len(series) or self.window is None:
            return None
        place, value = series.places.place(self.view.axis, index), series.value(index)
        if place is None or not isfinite(value):
            return None
        column = self.window.column(place)
        return (
            (column, value) if (column < 0 if way < 0 else column >= self.window.columns) else None
        )

    @cached_property
    def raw(self) -> list[Span | None]:
        """The line, column by column."""
        return self.spans(self.plot.line) if self.plot.line is not None else []

    @cached_property
    def smooth(self) -> list[float | None]:
        """The moving average of the line, column by column; empty where none is drawn."""
        line, window, weight = self.plot.line, self.window, min(self.view.smoothing, 0.999)
        if line is None or window is None or not weight > 0 or self.plot.exact:
            return []
        return line.smoothed(self.view.axis, window.start, window.stop, window.columns, weight)

    @cached_property
    def marked(self) -> list[list[Span | None]]:
        """The points of each series, column by column."""
        return [self.spans(s) for s in self.plot.points]

    def means(self, number: int) -> list[float | None]:
        """What the points of a series are joined along; train losses of several runs are smoothed."""
        series, window, weight = self.plot.points[number], self.window, self.view.smoothing
        if not self.plot.marks or series.key.split != "train" or not weight > 0 or window is None:
            return [None if s is None else s.mean for s in self.marked[number]]
        axis = self.view.axis
        return series.smoothed(axis, window.start, window.stop, window.columns, min(weight, 0.999))

    # --- the y axis -----------------------------------------------------------------------

    @cached_property
    def scale(self) -> Scale:
        """What the y axis shows."""
        spans = [s for columns in (self.raw, *self.marked) for s in columns if s is not None]
        dots = max(self.rows * DOTS_Y, 1)
        if self.view.log_y and any(s.hi > 0 for s in spans):
            return self._log_scale([s for s in spans if s.hi > 0], dots)
        measure = _core if self.view.robust else _whole
        known = [[s for s in columns if s is not None] for columns in (self.raw, *self.marked)]
        ends = [measure(spans) for spans in known if spans] or [(0.0, 1.0)]
        low, high = min(e[0] for e in ends), max(e[1] for e in ends)
        return Scale(*_rounded(*axes.widened(low, high), self.most), dots)

    def _log_scale(self, spans: list[Span], dots: int) -> Scale:
        low = min(s.lo if s.lo > 0 else s.hi for s in spans)
        high = max(s.hi for s in spans)
        if low >= high:
            low, high = low / 2, min(high * 2, 1.7e308)
        return Scale(low, high, dots, log=low > 0) if low > 0 else Scale(0.0, high, dots)

    @cached_property
    def most(self) -> int:
        """How many parts the y axis is cut in at most."""
        return max(round(self.rows / 2.5), 1)

    @cached_property
    def ticks(self) -> list[float]:
        """The values that are labelled on the y axis."""
        scale = self.scale
        make = axes.log_ticks if scale.log else axes.ticks
        return make(scale.low, scale.high, self.most)

    @cached_property
    def labels(self) -> list[str]:
        """Their labels."""
        return (axes.log_labels if self.scale.log else axes.labels)(self.ticks)

    @cached_property
    def beyond(self) -> bool:
        """Whether anything lies outside of the y axis."""
        scale = self.scale
        every = (s for columns in (self.raw, *self.marked) for s in columns if s is not None)
        return any(s.hi > scale.high or s.lo < scale.low for s in every)


def _whole(spans: Sequence[Span]) -> tuple[float, float]:
    """The range of everything."""
    return min(s.lo for s in spans), max(s.hi for s in spans)


def _core(spans: Sequence[Span]) -> tuple[float, float]:
    """The range without outliers that would squeeze the rest flat."""
    lows, highs = sorted(s.lo for s in spans), sorted(s.hi for s in spans)
    skip = int(len(spans) * _OUTLIERS)
    low, high = lows[skip], highs[-1 - skip]
    height = high - low
    if not 0 < height < inf or highs[-1] - lows[0] <= _FENCE * height:
        return lows[0], highs[-1]
    return max(lows[0], low - height / 2), min(highs[-1], high + height / 2)


def _rounded(low: float, high: float, most: int) -> tuple[float, float]:
    """The range widened to quarters of a tick, so that it changes seldom while a run grows."""
    quarter = axes.step_of(low, high, most) / 4
    if not quarter or not isfinite(low / quarter) or not isfinite(high / quarter):
        return low, high
    below, above = floor(low / quarter) * quarter, -floor(-high / quarter) * quarter
    return (below, above) if isfinite(below) and isfinite(above) else (low, high)


def _epoch_place(series: Series, axis: Axis, epoch: int) -> float | None:
    if axis == "epoch":
        return float(epoch)
    index = series.nearest("epoch", epoch)
    if index is None:
        return None
    if axis == "time":
        return series.at(index)
    step, at = series.step(index), series.epoch(index)
    # The nearest line may lie a few steps off the boundary: follow the slope to it.
    return None if step is None or not at else step * epoch / at
