"""The main chart: what the run has learnt so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw import loss
from trainwatch.ui.panels.chart import Chart

if TYPE_CHECKING:
    from trainwatch.draw.plot import Plot


class Loss(Chart):
    """Training and evaluation loss."""

    NAME = "loss"
    BINDINGS = [
        Binding("enter", "screen.full", id="loss.open", show=False, tooltip="on the whole screen"),
    ]

    def plot(self) -> Plot:
        """The loss of the run."""
        return loss.plot(self.desk.run, self.desk.now())
