"""What every screen of a run has in common: panels that hear what changed, and keys below them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from trainwatch.run.topics import Topic
from trainwatch.ui.panels.keys import Keys
from trainwatch.ui.rows import Panel, Robust

if TYPE_CHECKING:
    from trainwatch.ui.rows import Desk


class LiveScreen(Robust, Screen[None]):
    """Draws its panels when the pump publishes what they show."""

    def __init__(self, desk: Desk, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.desk = desk
        self.keys = Keys(desk, id="keys")

    def shows(self, desk: Desk) -> bool:
        """Whether something of that run is seen here."""
        return desk is self.desk

    def publish(self, changed: Topic) -> None:
        """Have the panels drawn that this concerns."""
        if changed & Topic.TIME:
            self.keys.tick()
        for panel in self.query(Panel):
            if panel.TOPICS & changed:
                panel.redraw()

    def on_screen_resume(self) -> None:
        """Draw what changed while another screen was seen."""
        for panel in self.query(Panel):
            panel.redraw()
