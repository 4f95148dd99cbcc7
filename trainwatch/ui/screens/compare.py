"""Several runs in one chart, over the whole screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw import compare
from trainwatch.draw.plot import settled
from trainwatch.ui.messages import Said
from trainwatch.ui.panels.chart import Chart
from trainwatch.ui.screens.live import LiveScreen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from trainwatch.draw.plot import Plot
    from trainwatch.draw.rows import Picture
    from trainwatch.ui.rows import Desk


class Compared(Chart):
    """The curves of several runs."""

    NAME = "comparison"

    def __init__(self, desks: Mapping[str, Desk]) -> None:
        first = next(iter(desks.values()))
        super().__init__(first, first.options.smoothing)
        self._desks = desks
        self._quantity = compare.usual(self._runs())

    def _runs(self) -> list[compare.Contender]:
        return [compare.Contender(name, desk.run) for name, desk in self._desks.items()]

    def plot(self) -> Plot:
        """The curves as they are now."""
        return compare.plot(self._runs(), self._quantity)

    def picture(self, columns: int, lines: int) -> Picture:
        """Chart and list."""
        self.set_reactive(Chart.view, settled(self.view, self.plot()))
        return compare.draw(self._runs(), self._quantity, self.view, columns, lines)

    def space(self) -> tuple[int, int]:
        """What the list leaves."""
        return compare.room(self._runs(), *super().space())

    def turn(self) -> None:
        """By the other quantity."""
        here = compare.QUANTITIES.index(self._quantity)
        self._quantity = compare.QUANTITIES[here - 1]
        self.tell(Said(f"compared by {self._quantity}"))
        self.redraw()


class CompareScreen(LiveScreen):
    """The chart and its keys."""

    BINDINGS = [
        Binding("m", "quantity", "eval loss or loss", id="compare.quantity", tooltip="compare by eval loss or by train loss"),
        Binding("q,escape,backspace", "dismiss", "back", id="compare.close", tooltip="back to the list of runs"),
    ]  # fmt: skip

    def __init__(self, desks: Mapping[str, Desk]) -> None:
        super().__init__(next(iter(desks.values())))
        self._desks = desks
        self._chart = Compared(desks)

    def compose(self) -> ComposeResult:
        """The chart and its keys."""
        yield self._chart
        yield self.keys

    def shows(self, desk: Desk) -> bool:
        """Whether it is one of them."""
        return desk in self._desks.values()

    def action_quantity(self) -> None:
        """Eval loss or loss."""
        self._chart.turn()
