"""Every metric of the run as a grid of small charts; what is typed filters them.

The law of this file: only the charts on the screen are drawn; the keys for moving are none that a
metric's name could hold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from textual.binding import Binding
from textual.reactive import reactive

from trainwatch.draw import metrics, units
from trainwatch.read.clean import clean
from trainwatch.run.topics import Topic
from trainwatch.ui.panels.chart import Chart
from trainwatch.ui.rows import Panel
from trainwatch.ui.screens.live import LiveScreen

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult

    from trainwatch.draw.plot import ChartView, Plot
    from trainwatch.draw.rows import Row
    from trainwatch.ui.rows import Desk

SHAPES: Final = ((1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4))
"""Charts down and across."""
LEAST: Final = (26, 7)
"""Columns and lines below which a chart says nothing."""


class Grid(Panel):
    """The charts, a cursor on one of them, and the filter."""

    NAME = "metrics"
    TOPICS = Topic.METRICS | Topic.CHECKPOINTS
    BINDINGS = [
        Binding("left", "move(-1)", "choose", id="grid.left", tooltip="the chart before"),
        Binding("right", "move(1)", "choose", id="grid.right", tooltip="the next chart"),
        Binding("up", "row(-1)", id="grid.up", show=False, tooltip="a row up"),
        Binding("down", "row(1)", id="grid.down", show=False, tooltip="a row down"),
        Binding("pageup", "page(-1)", "page", id="grid.page-up", tooltip="a page back"),
        Binding("pagedown", "page(1)", "page", id="grid.page-down", tooltip="a page on"),
        Binding("plus", "shape(1)", "more or fewer", id="grid.more", tooltip="more, smaller charts"),
        Binding("minus", "shape(-1)", "more or fewer", id="grid.fewer", tooltip="fewer, larger charts"),
        Binding("enter", "open", "large", id="grid.open", tooltip="the chart with all its keys"),
        Binding("backspace", "rub_out", id="grid.back", show=False, tooltip="take back a letter"),
        Binding("escape", "close", "back", id="grid.close", tooltip="no filter, then back to the run"),
    ]  # fmt: skip

    wanted: reactive[str] = reactive("", repaint=False)
    cursor: reactive[int] = reactive(0, repaint=False)
    shape: reactive[int] = reactive(4, repaint=False)

    def __init__(self, desk: Desk, view: ChartView) -> None:
        super().__init__(desk)
        self._view = replace(view, start=None, stop=None, cursor=None)
        self._across = 1
        self._shown = 1

    def found(self) -> list[Plot]:
        """The charts that the filter lets through."""
        return metrics.plots(self.desk.run, self.wanted)

    def rows(self, columns: int, lines: int) -> list[Row]:
        """The filter line, then as many charts as fit."""
        found = self.found()
        shape = self._fitting(columns, lines - 1, len(found))
        down, self._across = shape
        self._shown = down * self._across
        cursor = max(min(self.cursor, len(found) - 1), 0)
        first = cursor // self._shown * self._shown
        page = found[first : first + self._shown]
        rows = metrics.grid(
            page, self._view, shape, columns, max(lines - 1, 0), cursor=cursor - first
        )
        return [self._head(found, first, page), *rows]

    def _fitting(self, columns: int, lines: int, count: int) -> tuple[int, int]:
        """The shape that was asked for, smaller where it would not fit or charts are few."""
        wide, tall = LEAST
        fits = [
            (down, across)
            for down, across in SHAPES[: self.shape + 1]
            if across * wide <= columns and down * tall <= lines
        ]
        whole = (s for s in fits if s[0] * s[1] >= count)
        return next(whole, fits[-1] if fits else SHAPES[0])

    def _head(self, found: list[Plot], first: int, page: list[Plot]) -> Row:
        typed = clean(self.wanted, 80)
        row: Row = [
            (" metrics ", "title"),
            (f" {typed}▏" if typed else " type to filter ", "accent" if typed else "dim"),
        ]
        where = f"{first + 1}-{first + len(page)} of {units.count(len(found))}" if found else "none"
        return [*row, (f"  {where}", "label")]

    # --- moving -------------------------------------------------------------------------------

    def _to(self, cursor: int) -> None:
        self.cursor = max(0, min(cursor, len(self.found()) - 1))

    def action_move(self, by: int) -> None:
        """The next chart or the one before."""
        self._to(self.cursor + by)

    def action_row(self, by: int) -> None:
        """Down or up."""
        self._to(self.cursor + by * self._across)

    def action_page(self, by: int) -> None:
        """A page on or back."""
        self._to(self.cursor + by * self._shown)

    def action_shape(self, by: int) -> None:
        """More or fewer charts at a time."""
        self.shape = max(0, min(self.shape + by, len(SHAPES) - 1))

    def watch_wanted(self) -> None:
        """Another filter."""
        self.cursor = 0
        self.redraw()

    def watch_cursor(self) -> None:
        """Another chart."""
        self.redraw()

    def watch_shape(self) -> None:
        """Another grid."""
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click chooses a chart, a second one opens it."""
        down = max(self._shown // self._across, 1)
        column = event.x * self._across // max(self.size.width, 1)
        line = (event.y - 1) * down // max(self.size.height - 1, 1)
        self._to(self.cursor // self._shown * self._shown + line * self._across + column)
        if event.chain > 1:
            self.action_open()

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel turns pages."""
        self.action_page(1)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel turns pages."""
        self.action_page(-1)

    # --- the filter ---------------------------------------------------------------------------

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are the filter's, whatever they do elsewhere."""
        return character is not None and character.isprintable() and character not in "+-"

    def on_key(self, event: events.Key) -> None:
        """A letter goes to the filter."""
        if event.character and self.check_consume_key(event.key, event.character):
            self.wanted += event.character
            event.stop()
            event.prevent_default()

    def action_rub_out(self) -> None:
        """The last letter goes."""
        self.wanted = self.wanted[:-1]

    def action_close(self) -> None:
        """The filter goes, then the screen."""
        if self.wanted:
            self.wanted = ""
        else:
            self.screen.dismiss()

    def action_open(self) -> None:
        """The chosen chart, large."""
        found = self.found()
        if found:
            name = found[min(self.cursor, len(found) - 1)].name
            self.app.push_screen(ChartScreen(self.desk, name, self._view))


class MetricsScreen(LiveScreen):
    """The grid over the whole screen."""

    def __init__(self, desk: Desk, view: ChartView) -> None:
        super().__init__(desk)
        self._grid = Grid(desk, view)

    def compose(self) -> ComposeResult:
        """The grid and its keys."""
        yield self._grid
        yield self.keys


class MetricChart(Chart):
    """One metric by name."""

    NAME = "metric"

    def __init__(self, desk: Desk, name: str, view: ChartView, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self.set_reactive(Chart.view, view)
        self._name_of = name

    def action_reset(self) -> None:
        """Cursor, then window, then back to the grid."""
        if self.view.cursor is None and self.view.start is None and self.view.stop is None:
            self.screen.dismiss()
        super().action_reset()

    def plot(self) -> Plot:
        """The metric as it is now."""
        return next(plot for plot in metrics.plots(self.desk.run) if plot.name == self._name_of)


class ChartScreen(LiveScreen):
    """One metric over the whole screen."""

    BINDINGS = [
        Binding("q,m", "dismiss", "back", id="metric.close", tooltip="back to the grid"),
    ]

    def __init__(self, desk: Desk, name: str, view: ChartView) -> None:
        super().__init__(desk)
        self._chart = MetricChart(desk, name, view)

    def compose(self) -> ComposeResult:
        """The chart and its keys."""
        yield self._chart
        yield self.keys
