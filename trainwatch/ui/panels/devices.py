"""The accelerators: those of this run first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.reactive import reactive

from trainwatch.draw import nodes
from trainwatch.draw.rows import wrapped
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Opened
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual.geometry import Size

    from trainwatch.draw.rows import Picture, Row
    from trainwatch.ui.rows import Desk


class Devices(Panel):
    """One block per card of this run; the others folded until asked for."""

    NAME = "GPU"
    TOPICS = Topic.DEVICES | Topic.TIME
    BINDINGS = [
        Binding("enter", "open", "details", id="gpu.open", tooltip="everything known of every GPU"),
        Binding("o", "others", "others", id="gpu.others", tooltip="fold or unfold other GPUs"),
    ]

    unfolded: reactive[bool] = reactive(False, repaint=False)

    def __init__(self, desk: Desk, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._wanted = 0

    def picture(self, columns: int, lines: int) -> Picture:
        """The cards, as fully as there is room."""
        return nodes.draw(self.desk.run, columns, lines, self.desk.now())

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Lines that the cards need, and the frame."""
        run = self.desk.run
        if len(run.nodes) > 1:
            return nodes.height(run) + 2
        known = run.devices
        cards = known.cards
        if not cards:
            words = [
                line
                for text in (known.trouble, known.fix)
                for line in wrapped(text or "", width - 4)
            ]
            return min(max(len(words), 1), 6) + 2
        ours = sum(card.ours for card in cards) or len(cards)
        others = len(cards) - ours
        each = 3 if ours == 1 else 2 if ours == 2 else 1
        folded = (others + 1 if self.unfolded else 1) if others else 0
        return each * ours + folded + 2

    def redraw(self) -> None:
        """Another card, or a folded one, changes the layout."""
        wanted = self.get_content_height(self.size, self.size, self.size.width)
        if wanted != self._wanted:
            self._wanted = wanted
            self.refresh(layout=True)
        super().redraw()

    def watch_unfolded(self) -> None:
        """Folded or not."""
        self.redraw()

    def action_others(self) -> None:
        """Fold or unfold the cards that this run does not use."""
        self.unfolded = not self.unfolded

    def action_open(self) -> None:
        """Every card with every value."""
        self.tell(Opened("GPU", self._page))

    def _page(self, columns: int) -> list[Row]:
        return nodes.details(self.desk.run, columns, self.desk.now())
