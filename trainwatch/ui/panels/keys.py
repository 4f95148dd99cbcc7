"""The last line: the keys that work here, what was just said, or a line being typed.

The law of this file: it is the only place for words between the panels and the person. Keys typed
ahead are not lost: from the moment it is asked for, a line takes every key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.reactive import reactive

from trainwatch.draw.rows import clip, width, wrapped
from trainwatch.read.clean import clean
from trainwatch.ui.commands import Shown, shown_keys
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual import events
    from textual.widget import Widget

    from trainwatch.draw.rows import Row
    from trainwatch.ui.messages import Asked
    from trainwatch.ui.rows import Desk

SPOKEN = 6
"""Ticks after which the keys come back."""
MOST = 4
"""Lines that words may cover."""


def _shortened(said: str, columns: int) -> str:
    """``said`` in that room. What to do, after two blanks at its end, outlives what happened."""
    what, _, to_do = said.rpartition("  ")
    room = columns - width(to_do) - 2
    if width(said) <= columns or room < columns // 2:
        return clip(said, columns)
    return f"{clip(what, room)}  {to_do}"


class Spoken(Panel, can_focus=False):
    """What was said and is longer than a line: over the lowest lines of the screen, moving nothing."""

    NAME = "said"
    said: reactive[str] = reactive("", repaint=False)

    def rows(self, columns: int, lines: int) -> list[Row]:
        """As much as there is room for."""
        return [[(" ", "text"), (line, "accent")] for line in self._lines(columns)]

    def _lines(self, columns: int) -> list[str]:
        room = max(columns - 2, 1)
        lines = wrapped(self.said, room)
        if len(lines) > MOST:  # lines broken between words are not full: a sixth is left for that
            lines = wrapped(_shortened(self.said, room * MOST * 5 // 6), room)
        return lines

    def watch_said(self) -> None:
        """Stand where the words need more than the one line below the panels."""
        needed = len(self._lines(self.screen.size.width))
        self.styles.height = min(needed, MOST)
        self.display = needed > 1
        self.redraw()


class Keys(Panel, can_focus=False):
    """The keys of the focused panel and of the screen; each can be clicked."""

    NAME = "keys"

    def __init__(self, desk: Desk, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._said = ""
        self._words = Spoken(desk)
        self._words.display = False
        self._ticks = 0
        self._places: list[tuple[range, Shown]] = []
        self._asked: Asked | None = None
        self._typed = ""
        self._before: Widget | None = None

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.mount(self._words)
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.redraw())

    def rows(self, columns: int, lines: int) -> list[Row]:
        """One line."""
        self._places = []
        if self._asked is not None:
            return [self._prompt(columns)]
        if self._said:
            return [[(" ", "text"), (_shortened(self._said, columns - 2), "accent")]]
        row: Row = [(" ", "text")]
        x = 1
        for entry in shown_keys(self.screen):
            wide = width(entry.keys) + 1 + width(entry.words)
            if x + wide > columns:
                break
            self._places.append((range(x, x + wide), entry))
            row += [(entry.keys, "accent"), (" ", "text"), (entry.words, "label"), ("  ", "text")]
            x += wide + 2
        return [row[:-1] if len(row) > 1 else row]

    async def on_click(self, event: events.Click) -> None:
        """A click on a key does what the key does."""
        for columns, entry in self._places:
            if event.x in columns:
                await self.app.run_action(entry.action, entry.node)

    # --- saying -------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Show words in place of the keys for a while."""
        self._said = self._words.said = clean(text)
        self._ticks = SPOKEN
        self.redraw()

    def tick(self) -> None:
        """A second passed."""
        self._ticks -= 1
        if self._said and self._ticks <= 0:
            self._said = self._words.said = ""
            self.redraw()

    # --- asking -------------------------------------------------------------------------------

    @property
    def asking(self) -> bool:
        """Whether a line is being typed."""
        return self._asked is not None

    def ask(self, asked: Asked) -> None:
        """Take a line of text; all keys come here until it ends."""
        self._asked, self._typed = asked, ""
        self._words.display = False
        self._before = self.screen.focused
        self.can_focus = True
        self.screen.set_focus(self)
        self.redraw()

    def _prompt(self, columns: int) -> Row:
        assert self._asked is not None
        typed = "•" * len(self._typed) if self._asked.hidden else clean(self._typed)
        row: Row = [
            (f" {self._asked.label} ", "accent"),
            (typed, "text"),
            (" ", "cursor"),
        ]
        hint = "enter: done   esc: give up"
        used = sum(width(text) for text, _ in row)
        if used + len(hint) + 2 <= columns:
            row += [(" " * (columns - used - len(hint) - 1), "text"), (hint, "dim")]
        return row

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """While a line is typed, every key is its own."""
        return self.asking

    def on_key(self, event: events.Key) -> None:
        """Type, take back, end."""
        if event.key == "enter":
            self._end(self._typed)
        elif event.key == "escape":
            self._end(None)
        elif event.key in ("backspace", "ctrl+h"):
            self._type(self._typed[:-1])
        elif event.key == "ctrl+u":
            self._type("")
        elif event.character and event.character.isprintable():
            self._type(self._typed + event.character)

    def on_paste(self, event: events.Paste) -> None:
        """The first line of what is pasted."""
        if self._asked is not None:
            event.stop()
            self._type(self._typed + clean(event.text.partition("\n")[0]))

    def _type(self, text: str) -> None:
        self._typed = text
        self.redraw()
        if self._asked is not None:
            self._asked.changed(text)

    def _end(self, text: str | None) -> None:
        asked, self._asked, self._typed = self._asked, None, ""
        self.can_focus = False
        self.screen.set_focus(self._before)
        self.redraw()
        if asked is not None:
            asked.done(text)
