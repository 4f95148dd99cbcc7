"""A page to read: details, checks, help. It scrolls, and goes on living while it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw.rows import Picture
from trainwatch.run.topics import EVERYTHING
from trainwatch.ui.rows import Panel
from trainwatch.ui.screens.live import LiveScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events
    from textual.app import ComposeResult

    from trainwatch.draw.rows import Row
    from trainwatch.ui.rows import Desk


class Scrolling(Panel):
    """Rows that may be more than fit."""

    TOPICS = EVERYTHING

    def __init__(self, desk: Desk, title: str) -> None:
        super().__init__(desk)
        self._title = title
        self._top = 0

    def all_rows(self, columns: int) -> list[Row]:
        """Everything there is to read, drawn for so many columns."""
        raise NotImplementedError

    def picture(self, columns: int, lines: int) -> Picture:
        """The rows from the top one shown."""
        rows = self.all_rows(columns - 2)
        self._top = max(0, min(self._top, len(rows) - lines))
        last = min(self._top + lines, len(rows))
        note: Row = [(f"{self._top + 1}-{last} of {len(rows)}", "dim")] if len(rows) > lines else []
        body: list[Row] = [[(" ", "text"), *row] for row in rows[self._top : last]]
        return Picture([(self._title, "title")], note, body)

    def action_scroll(self, by: int) -> None:
        """Move by lines."""
        self._top += by
        self.redraw()

    def action_leaf(self, by: int) -> None:
        """Move by pages."""
        self.action_scroll(by * max(self.size.height - 3, 1))

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel moves three lines."""
        self.action_scroll(3)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel moves three lines."""
        self.action_scroll(-3)


class Pages(Scrolling):
    """Rows of somebody else, drawn for the width there is."""

    BINDINGS = [
        Binding("down,j", "scroll(1)", "scroll", id="page.down", tooltip="a line down"),
        Binding("up,k", "scroll(-1)", "scroll", id="page.up", tooltip="a line up"),
        Binding("pagedown,space", "leaf(1)", id="page.next", show=False, tooltip="a page down"),
        Binding("pageup,b", "leaf(-1)", id="page.back", show=False, tooltip="a page up"),
        Binding("home,g", "scroll(-1000000)", id="page.first", show=False, tooltip="to the top"),
        Binding("end,G", "scroll(1000000)", id="page.last", show=False, tooltip="to the end"),
    ]

    def __init__(self, desk: Desk, title: str, draw: Callable[[int], list[Row]]) -> None:
        super().__init__(desk, title)
        self._rows_for = draw

    def all_rows(self, columns: int) -> list[Row]:
        """What was given."""
        return self._rows_for(columns)


class Page(LiveScreen):
    """One page over the whole screen."""

    BINDINGS = [
        Binding("escape,q,enter", "dismiss", "back", id="page.close", tooltip="back to the run"),
    ]

    def __init__(self, desk: Desk, title: str, draw: Callable[[int], list[Row]]) -> None:
        super().__init__(desk)
        self._pages = Pages(desk, title, draw)

    def compose(self) -> ComposeResult:
        """The page and its keys."""
        yield self._pages
        yield self.keys
