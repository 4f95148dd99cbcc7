"""The machine in one line: processors, memory, disk; and what does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.binding import Binding

from trainwatch.draw import machine, troubles
from trainwatch.draw.rows import length
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Opened
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from trainwatch.draw.rows import Picture, Row

ALONE: Final = 4
"""Lines beyond which there is room for the troubles as well."""


class Machine(Panel):
    """One line; enter shows the machine, the process tree and every trouble."""

    NAME = "machine"
    TOPICS = Topic.MACHINE | Topic.TROUBLE | Topic.TIME
    BINDINGS = [
        Binding(
            "enter", "open", "troubles", id="machine.open", tooltip="machine, process and troubles"
        ),
    ]

    def picture(self, columns: int, lines: int) -> Picture:
        """The line."""
        run = self.desk.run
        sign = troubles.sign(run)
        room = columns - length(sign) if lines <= 0 else columns
        picture = machine.draw(run, room, lines, self.desk.now())
        rows = picture.rows
        if lines > ALONE:
            page: list[Row] = [[(" ", "text"), *row] for row in self._troubles(columns - 2)]
            rows = [rows[0], [], *page][:lines]
        return picture._replace(title=picture.title + sign, rows=rows)

    def action_open(self) -> None:
        """Everything known of the machine."""
        self.tell(Opened("machine", self._page))

    def _page(self, columns: int) -> list[Row]:
        line = machine.draw(self.desk.run, columns, 1, self.desk.now()).rows
        return [*line, [], *self._troubles(columns)]

    def _troubles(self, columns: int) -> list[Row]:
        return troubles.rows(self.desk.run, columns, self.desk.now())
