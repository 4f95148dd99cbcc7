"""One line to type into, in the place of the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Input, Label

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from trainwatch.ui.messages import Asked


class Prompt(Horizontal):
    """Calls back with every change, and at the end with the text, or None where it was given up."""

    BINDINGS = [
        Binding("escape", "give_up", "give up", id="prompt.escape", tooltip="forget it"),
    ]

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked

    def compose(self) -> ComposeResult:
        """The label and the line."""
        yield Label(self._asked.label, markup=False)
        yield Input(self._asked.text, compact=True, select_on_focus=True)

    def on_mount(self) -> None:
        """The keys go here now."""
        line = self.query_one(Input)
        line.cursor_blink = False  # a blinking cursor would be a second clock
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """While it is typed."""
        event.stop()
        self._asked.changed(event.value)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        await self._end(event.value)

    async def action_give_up(self) -> None:
        """Escape."""
        await self._end(None)

    async def _end(self, text: str | None) -> None:
        await self.remove()
        self._asked.done(text)
