"""A curve that can be looked at from near and far: zoom, pan, cursor, by keys and by mouse.

The law of this file: it changes nothing but its own view; where things lie is asked of the drawing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, get_args

from textual.actions import SkipAction
from textual.binding import Binding
from textual.reactive import reactive

from trainwatch.draw import chart
from trainwatch.draw.plot import ChartView, Layout, over, settled
from trainwatch.run.series import Axis
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Picked
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual import events

    from trainwatch.draw.plot import Plot
    from trainwatch.draw.rows import Picture
    from trainwatch.draw.window import Window
    from trainwatch.run.series import Series
    from trainwatch.ui.rows import Desk

ZOOM: Final = 0.5
PAN: Final = 0.25
WEIGHTS: Final = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
"""The smoothing weights that + and - step through; TensorBoard's slider covers the same range."""
_AXES: Final[tuple[Axis, ...]] = get_args(Axis)


class Chart(Panel):
    """One plot and how a person looks at it."""

    TOPICS = Topic.METRICS | Topic.CHECKPOINTS | Topic.TARGET
    BINDINGS = [
        Binding("l", "log", "log-y", id="chart.log", tooltip="logarithmic or linear values"),
        Binding("x", "axis", "axis", id="chart.axis", tooltip="steps, epochs or time"),
        Binding("plus,equals_sign", "smooth(1)", "smooth", id="chart.smoother", tooltip="smoother"),
        Binding("minus", "smooth(-1)", "smooth", id="chart.rougher", tooltip="less smooth"),
        Binding("z,up", "zoom(1)", "zoom", id="chart.closer", tooltip="zoom in at the cursor"),
        Binding("Z,down", "zoom(-1)", "zoom", id="chart.wider", tooltip="zoom out"),
        Binding("left", "move(-1)", "cursor", id="chart.left", tooltip="cursor left"),
        Binding("right", "move(1)", "cursor", id="chart.right", tooltip="cursor right"),
        Binding("ctrl+left", "move(-10)", id="chart.far-left", show=False, tooltip="cursor far left"),
        Binding("ctrl+right", "move(10)", id="chart.far-right", show=False, tooltip="cursor far right"),
        Binding("home", "edge(0)", id="chart.first", show=False, tooltip="cursor to the first point"),
        Binding("end", "edge(-1)", id="chart.last", show=False, tooltip="cursor to the newest point"),
        Binding("n", "mark(1)", id="chart.next", show=False, tooltip="cursor to the next evaluation"),
        Binding("p", "mark(-1)", id="chart.before", show=False, tooltip="cursor to the evaluation before"),
        Binding("shift+left,left_square_bracket", "pan(-1)", id="chart.pan-left", show=False, tooltip="pan left"),
        Binding("shift+right,right_square_bracket", "pan(1)", id="chart.pan-right", show=False, tooltip="pan right"),
        Binding("o", "robust", id="chart.outliers", show=False, tooltip="show or cut outliers"),
        Binding("0,escape", "reset", id="chart.whole", show=False, tooltip="no cursor, then the whole run"),
    ]  # fmt: skip

    view: reactive[ChartView] = reactive(ChartView, init=False, repaint=False)

    def __init__(self, desk: Desk, smoothing: float = 0.6, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self.set_reactive(Chart.view, ChartView(smoothing=smoothing))
        self._grabbed: float | None = None

    def plot(self) -> Plot:
        """What is shown. Subclasses say."""
        raise NotImplementedError

    def picture(self, columns: int, lines: int) -> Picture:
        """The chart as the view asks for it, on an axis that the run has."""
        self.set_reactive(Chart.view, settled(self.view, self.plot()))
        return chart.draw(self.plot(), self.view, columns, lines)

    def watch_view(self) -> None:
        """The view changed: draw it, and tell what the cursor stands on."""
        self.redraw()

    # --- the window -------------------------------------------------------------------------

    def action_zoom(self, closer: int) -> None:
        """Make the window half or twice as wide around the cursor, else around its right end."""
        window = self._window()
        if window is not None:
            cursor = self.view.cursor
            inside = cursor is not None and window.start <= cursor <= window.stop
            around = cursor if inside and cursor is not None else self._newest(window)
            self._frame(window.zoomed(ZOOM if closer > 0 else 1 / ZOOM, around))

    def action_pan(self, way: int) -> None:
        """Move the window by a quarter of its width."""
        window = self._window()
        if window is not None:
            self._frame(window.panned(PAN * way))

    def action_reset(self) -> None:
        """Take the cursor away; without one show the whole run."""
        if self.view.cursor is not None:
            self.view = replace(self.view, cursor=None)
        elif self.view.start is not None or self.view.stop is not None:
            self.view = replace(self.view, start=None, stop=None)
        else:
            raise SkipAction  # the key may mean something to the screen

    def _frame(self, ends: tuple[float, float]) -> None:
        """Show what lies between ``ends``; the whole run, followed, where they hold all of it."""
        extent = self._layout().extent
        start, stop = ends
        if extent is None or not start < stop:
            return
        low, high = extent
        width = stop - start
        if start <= low and stop >= high:
            self.view = replace(self.view, start=None, stop=None)
            return
        start = min(max(start, low - width / 2), high - width / 2)
        self.view = replace(self.view, start=start, stop=start + width)

    # --- the look ---------------------------------------------------------------------------

    def action_log(self) -> None:
        """Logarithmic or linear."""
        self.view = replace(self.view, log_y=not self.view.log_y)

    def action_robust(self) -> None:
        """With or without outliers."""
        self.view = replace(self.view, robust=not self.view.robust)

    def action_smooth(self, way: int) -> None:
        """The next weight."""
        now = self.view.smoothing
        near = min(range(len(WEIGHTS)), key=lambda n: abs(WEIGHTS[n] - now))
        self.view = replace(self.view, smoothing=WEIGHTS[max(0, min(near + way, len(WEIGHTS) - 1))])

    def action_axis(self) -> None:
        """The next axis that this run has; window and cursor stay on the same points."""
        view, series = self.view, self._series()
        if series is None:
            return
        known = [axis for axis in _AXES if series.extent(axis) is not None] or [view.axis]
        if {"step", "epoch"} & set(known):
            known.remove("entry")  # says nothing beside a count of the training's own
        axis = known[(known.index(view.axis) + 1) % len(known)] if view.axis in known else known[0]
        self.view = over(view, series, axis)

    # --- the cursor -------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor by columns, at least to the next point."""
        window, series = self._window(), self._series()
        if window is None or series is None:
            return
        if self.view.cursor is None:
            self._point(series, series.nearest(self.view.axis, self._newest(window)))
            return
        here = series.nearest(self.view.axis, self.view.cursor)
        step = (window.stop - window.start) / window.columns * 2
        there = series.nearest(self.view.axis, self.view.cursor + by * step)
        if there == here and here is not None:
            there = max(0, min(here + (1 if by > 0 else -1), len(series) - 1))
        self._point(series, there)

    def action_edge(self, index: int) -> None:
        """The first or the newest point."""
        series = self._series()
        if series is not None and len(series):
            self._point(series, index % len(series))

    def action_mark(self, way: int) -> None:
        """The next or the last evaluation from the cursor."""
        points = self.plot().points
        window = self._window()
        if not points or not len(points[0]) or window is None:
            return
        series, axis = points[0], self.view.axis
        cursor = self.view.cursor
        index = series.nearest(axis, self._newest(window) if cursor is None else cursor)
        if index is None:
            return
        place = series.places.place(axis, index)
        beyond = cursor is None or place is None or (place - cursor) * way > 0
        if not beyond:
            index = max(0, min(index + way, len(series) - 1))
        self._point(series, index)

    def pick(self, step: int | None) -> None:
        """Put the cursor on a step that was picked elsewhere, without telling anybody."""
        series = self._series()
        index = None if series is None or step is None else series.nearest("step", step)
        if series is not None and index is not None:
            self._look_at(series.places.place(self.view.axis, index))
        elif step is None:
            self._look_at(None)

    def _point(self, series: Series, index: int | None) -> None:
        """Put the cursor on a point, and tell the other panels."""
        if index is None:
            return
        self._look_at(series.places.place(self.view.axis, index))
        self.tell(Picked(self, series.step(index), series.source(index), series.offset(index)))

    def _look_at(self, place: float | None) -> None:
        """The cursor at a place; the window moves along where it must."""
        window = self._window()
        view = replace(self.view, cursor=place)
        if window is not None and place is not None and not window.start <= place <= window.stop:
            width = window.stop - window.start
            view = replace(view, start=place - width / 2, stop=place + width / 2)
        self.view = view

    # --- the mouse --------------------------------------------------------------------------

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel zooms where the pointer is; with shift or ctrl it pans."""
        self._wheel(event, 1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel zooms where the pointer is; with shift or ctrl it pans."""
        self._wheel(event, -1)

    def on_mouse_scroll_left(self, _: events.MouseScrollLeft) -> None:
        """A sideways wheel pans."""
        self.action_pan(-1)

    def on_mouse_scroll_right(self, _: events.MouseScrollRight) -> None:
        """A sideways wheel pans."""
        self.action_pan(1)

    def _wheel(self, event: events.MouseEvent, way: int) -> None:
        if event.shift or event.ctrl:
            self.action_pan(-way)
            return
        window, place = self._window(), self._place(event)
        if window is not None and place is not None:
            self._frame(window.zoomed(0.75 if way > 0 else 1 / 0.75, place))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Where a drag begins."""
        self._grabbed = self._place(event)
        self.capture_mouse()

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """A click puts the cursor; a drag shows the stretch that was dragged over."""
        self.release_mouse()
        begun, self._grabbed = self._grabbed, None
        ended, series, window = self._place(event), self._series(), self._window()
        if begun is None or ended is None or series is None or window is None:
            return
        if abs(ended - begun) * window.columns < 6 * (window.stop - window.start):
            self._point(series, series.nearest(self.view.axis, ended))
        else:
            self._frame((min(begun, ended), max(begun, ended)))

    # --- where things lie -------------------------------------------------------------------

    def space(self) -> tuple[int, int]:
        """Columns and lines of the chart inside the frame."""
        return self.size.width - 2, self.size.height - 2

    def _layout(self) -> Layout:
        return Layout(self.plot(), self.view, *self.space())

    def _window(self) -> Window | None:
        return self._layout().window

    def _newest(self, window: Window) -> float:
        extent = self._layout().extent
        return window.stop if extent is None else min(window.stop, extent[1])

    def _place(self, event: events.MouseEvent) -> float | None:
        return chart.x_at(self.plot(), self.view, *self.space(), event.x - 1)

    def _series(self) -> Series | None:
        every = self.plot().every
        return every[0] if every else None
