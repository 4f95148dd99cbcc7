"""The gap between training and evaluation, and the verdict in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw import gap
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Opened
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from trainwatch.draw.rows import Picture, Row


class Gap(Panel):
    """The gauge; enter shows what was checked and what could not be."""

    NAME = "gap"
    # with time, since a run that falls silent is stalled
    TOPICS = Topic.VERDICT | Topic.CHECKPOINTS | Topic.TARGET | Topic.TIME
    BINDINGS = [
        Binding(
            "enter", "open", "what was checked", id="gap.open", tooltip="the verdict's evidence"
        ),
    ]

    def picture(self, columns: int, lines: int) -> Picture:
        """The gauge and the sentence."""
        return gap.draw(self.desk.run, columns, lines, self.desk.now())

    def action_open(self) -> None:
        """Every rule with what came of it."""
        self.tell(Opened("what was checked", self._page))

    def _page(self, columns: int) -> list[Row]:
        return gap.details(self.desk.run, columns, self.desk.now())
