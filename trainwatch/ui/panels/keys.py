"""The last line: the keys that work here, or what was just said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainwatch.draw.rows import width
from trainwatch.read.clean import clean
from trainwatch.ui.commands import Shown, shown_keys
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual import events

    from trainwatch.draw.rows import Row
    from trainwatch.ui.rows import Desk

SPOKEN = 6
"""Ticks after which the keys come back."""


class Keys(Panel, can_focus=False):
    """The keys of the focused panel first, then those of the whole screen; each can be clicked."""

    NAME = "keys"

    def __init__(self, desk: Desk, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._said = ""
        self._ticks = 0
        self._places: list[tuple[range, Shown]] = []

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.redraw())

    def say(self, text: str) -> None:
        """Show one line in place of the keys for a while."""
        self._said = clean(text)
        self._ticks = SPOKEN
        self.redraw()

    def tick(self) -> None:
        """A second passed."""
        self._ticks -= 1
        if self._said and self._ticks <= 0:
            self._said = ""
            self.redraw()

    def rows(self, columns: int, lines: int) -> list[Row]:
        """One line."""
        self._places = []
        if self._said:
            return [[(" ", "text"), (self._said, "accent")]]
        row: Row = [(" ", "text")]
        x = 1
        for entry in shown_keys(self.screen):
            wide = width(entry.keys) + 1 + width(entry.words)
            if x + wide > columns:
                break
            self._places.append((range(x, x + wide), entry))
            row += [(entry.keys, "accent"), (" ", "text"), (entry.words, "label"), ("  ", "text")]
            x += wide + 2
        return [row][:lines]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        for columns, entry in self._places:
            if event.x in columns:
                await self.app.run_action(entry.action, entry.node)
