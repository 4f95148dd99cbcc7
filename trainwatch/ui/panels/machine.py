"""The machine in one line: processors, memory, disk; and what does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw import machine, troubles
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Opened
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from trainwatch.draw.rows import Picture, Row


class Machine(Panel):
    """One line; enter shows the machine, the process tree and every trouble."""

    NAME = "machine"
    TOPICS = Topic.MACHINE | Topic.TROUBLE
    AGES = True
    BINDINGS = [
        Binding(
            "enter", "open", "troubles", id="machine.open", tooltip="machine, process and troubles"
        ),
    ]

    def picture(self, columns: int, lines: int) -> Picture:
        """The line."""
        run = self.desk.run
        picture = machine.draw(run, columns, lines, self.desk.now())
        return picture._replace(title=picture.title + troubles.sign(run))

    def action_open(self) -> None:
        """Everything known of the machine."""
        self.post_message(Opened("machine", self._page))

    def _page(self, columns: int) -> list[Row]:
        run, now = self.desk.run, self.desk.now()
        return [*machine.draw(run, columns, 1, now).rows, [], *troubles.rows(run, columns, now)]
