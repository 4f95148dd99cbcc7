"""A question before something is deleted or started: what exactly, and yes or no.

The law of this file: nothing happens before a person says yes to what is shown; what is guarded is
done only after its name was typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.screen import ModalScreen

from trainwatch.draw.rows import Picture, wrapped
from trainwatch.ui.messages import Asked
from trainwatch.ui.panels.keys import Keys
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from trainwatch.draw.rows import Row
    from trainwatch.run.topics import Topic
    from trainwatch.ui.messages import Questioned
    from trainwatch.ui.rows import Desk


class Question(Panel):
    """What is asked."""

    NAME = "question"
    BINDINGS = [
        Binding("y", "yes", "yes", id="question.yes", tooltip="do what is shown"),
    ]

    def __init__(self, desk: Desk, asked: Questioned) -> None:
        super().__init__(desk)
        self._asked = asked

    def picture(self, columns: int, lines: int) -> Picture:
        """Every word of it: a path or command is wrapped, never cut."""
        rows = [line for row in self._asked.rows for line in _lines(row, columns - 2)]
        asked = self._asked
        how = f"{asked.word}: y, then type {asked.typed}" if asked.typed else f"{asked.word}?"
        rows += [[], [(how, "value")]]
        return Picture(
            [(asked.title, "title")], [], [[(" ", "text"), *row] for row in rows[:lines]]
        )

    def action_yes(self) -> None:
        """Do it, or have its name typed first."""
        asked = self._asked
        if not asked.typed:
            self._do()
            return
        label = f"type {asked.typed} to {asked.word}:"
        self.screen.query_one(Keys).ask(Asked(label, lambda _: None, self._typed))

    def _typed(self, text: str | None) -> None:
        if text is not None and text.strip() == self._asked.typed:
            self._do()
        elif text is not None:
            self.screen.query_one(Keys).say("that is another one: nothing was done")

    def _do(self) -> None:
        self.screen.dismiss()
        self._asked.act()


def _lines(row: Row, columns: int) -> list[Row]:
    """The row, its last piece wrapped where it is too long."""
    if not row:
        return [row]
    *first, (text, style) = row
    used = sum(len(part) for part, _ in first)
    parts = wrapped(text, max(columns - used, 12)) or [""]
    out: list[Row] = [[*first, (parts[0], style)]]
    return out + [[(" " * used, "text"), (part, style)] for part in parts[1:]]


class Ask(ModalScreen[None]):
    """Asks, over whatever is seen."""

    BINDINGS = [
        Binding(
            "escape,n,q", "dismiss", "no", id="question.no", tooltip="leave everything as it is"
        ),
    ]

    def __init__(self, desk: Desk, asked: Questioned) -> None:
        super().__init__()
        self._desk = desk
        self._question = Question(desk, asked)

    def compose(self) -> ComposeResult:
        """The box and its keys."""
        yield self._question
        yield Keys(self._desk, id="keys")

    def publish(self, _: Topic) -> None:
        """What is asked stays what it is."""
