"""The list of several runs, from which one is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.ui.panels.fleet import Fleet
from trainwatch.ui.screens.live import LiveScreen
from trainwatch.ui.screens.watch import WatchScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from trainwatch.ui.rows import Desk


class FleetScreen(LiveScreen):
    """A row for each run. Its desk is that of the run under the cursor."""

    AUTO_FOCUS = "#fleet"

    def __init__(self, desks: Sequence[Desk]) -> None:
        super().__init__(desks[0])
        self._desks = desks

    def compose(self) -> ComposeResult:
        """The table and its keys."""
        yield Fleet(self._desks, id="fleet")
        yield self.keys

    def shows(self, desk: Desk) -> bool:
        """Every run is seen here."""
        return desk in self._desks

    def action_open(self) -> None:
        """The run under the cursor, whole."""
        self.app.push_screen(WatchScreen(self.desk))
