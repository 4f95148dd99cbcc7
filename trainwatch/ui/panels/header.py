"""Above the panels: the run in two lines, the panels by number, and a summary for tiny terminals."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.reactive import reactive

from trainwatch.draw import header, summary
from trainwatch.draw.header import HeaderView
from trainwatch.draw.rows import width
from trainwatch.run.topics import EVERYTHING, Topic
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from trainwatch.draw.rows import Row
    from trainwatch.ui.panels.chart import Chart
    from trainwatch.ui.rows import Desk


class Header(Panel, can_focus=False):
    """Is it alive, how far is it, when is it done."""

    NAME = "header"
    TOPICS = EVERYTHING & ~Topic.LOG

    def __init__(self, desk: Desk, replay: bool = False, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._view = HeaderView(time.localtime().tm_gmtoff, "journal" if replay else "")

    def _seen(self) -> HeaderView:
        return replace(self._view, alerts=len(self.desk.alerts.standing))

    def rows(self, columns: int, lines: int) -> list[Row]:
        """Two lines."""
        return header.rows(self.desk.run, self._seen(), columns, lines, self.desk.now())


class Summary(Header, can_focus=False):
    """Four lines that say the most, for a terminal too small for panels; then the loss."""

    NAME = "summary"

    def __init__(self, desk: Desk, loss: Chart, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._loss = loss

    def rows(self, columns: int, lines: int) -> list[Row]:
        """As much as there is room for; the loss as its own panel shows it."""
        view, chart = self._seen(), self._loss.view
        return summary.rows(self.desk.run, view, columns, lines, self.desk.now(), looked=chart)


class Tabs(Panel, can_focus=False):
    """The panels with their digits, where only one of them is seen."""

    NAME = "tabs"
    current: reactive[Panel | None] = reactive(None, repaint=False)

    def __init__(self, desk: Desk, panels: Sequence[Panel], **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self.set_reactive(Tabs.current, panels[0])
        self._panels = panels
        self._places: list[tuple[range, int]] = []

    def watch_current(self) -> None:
        """Another one is seen."""
        self.redraw()

    def rows(self, columns: int, lines: int) -> list[Row]:
        """One line; the names go where there is no room for all of them."""
        named = sum(width(panel.NAME) + 4 for panel in self._panels) + 1 <= columns
        row: Row = [(" ", "text")]
        self._places = []
        x = 1
        for number, panel in enumerate(self._panels, 1):
            here = panel is self.current
            text = f" {number} {panel.NAME} " if named or here else f" {number} "
            row += [(text, "cursor" if here else "label")]
            self._places.append((range(x, x + width(text)), number))
            x += width(text)
        return [row][:lines]

    async def on_click(self, event: events.Click) -> None:
        """A click goes there."""
        for columns, number in self._places:
            if event.x in columns:
                await self.run_action(f"screen.go({number})")
