"""The alerts of this watch on a page, and the key that acknowledges them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw import alerts
from trainwatch.run.topics import EVERYTHING
from trainwatch.ui.messages import Said
from trainwatch.ui.screens.live import LiveScreen
from trainwatch.ui.screens.page import Pages

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from trainwatch.draw.rows import Row
    from trainwatch.ui.rows import Desk


class AlertsPage(LiveScreen):
    """What was wrong, since when, and whether it still is."""

    BINDINGS = [
        Binding("a", "acknowledge", "acknowledge", id="alerts.acknowledge",
                tooltip="you have seen them: they count no longer"),
        Binding("escape,q,A", "dismiss", "back", id="alerts.close", tooltip="back to the run"),
    ]  # fmt: skip

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._pages = Pages(desk, "alerts", self._page)

    def compose(self) -> ComposeResult:
        """The page and its keys."""
        yield self._pages
        yield self.keys

    def _page(self, columns: int) -> list[Row]:
        desk = self.desk
        zone = time.localtime().tm_gmtoff
        return alerts.page(desk.run, desk.alerts.timeline, columns, desk.now(), zone)

    def action_acknowledge(self) -> None:
        """All of them at once."""
        count = self.desk.alerts.acknowledge()
        self.app.post_message(Said(f"acknowledged {count}" if count else "none was new"))
        self.publish(EVERYTHING)
