"""Several runs as a list to walk through and to open one from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.binding import Binding
from textual.reactive import reactive

from trainwatch.draw import fleet
from trainwatch.run.topics import EVERYTHING, Topic
from trainwatch.ui.messages import Said
from trainwatch.ui.rows import Panel
from trainwatch.ui.screens.compare import CompareScreen
from trainwatch.ui.screens.live import LiveScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual import events

    from trainwatch.draw.rows import Picture
    from trainwatch.ui.rows import Desk


class Fleet(Panel):
    """A row for each run. Its desk is that of the run under the cursor."""

    NAME = "runs"
    TOPICS = EVERYTHING & ~Topic.LOG
    BINDINGS = [
        Binding("up,k", "move(-1)", "choose", id="fleet.up", tooltip="the run before"),
        Binding("down,j", "move(1)", "choose", id="fleet.down", tooltip="the next run"),
        Binding("enter", "screen.open", "open", id="fleet.open", tooltip="see this run whole"),
        Binding("space", "mark", "mark", id="fleet.mark", tooltip="mark this run to compare it, or not"),
        Binding("equals_sign", "compare", "compare", id="fleet.compare",
                tooltip="the marked runs, or all, in one chart"),
        Binding("s", "sort", "sort", id="fleet.sort",
                tooltip="sort by name, state, loss, eval loss or age"),
        Binding("home,g", "edge(0)", id="fleet.first", show=False, tooltip="first run"),
        Binding("end,G", "edge(-1)", id="fleet.last", show=False, tooltip="last run"),
    ]  # fmt: skip

    view: reactive[fleet.FleetView] = reactive(fleet.FleetView, init=False, repaint=False)

    def __init__(self, desks: Sequence[Desk], **keywords: Any) -> None:
        super().__init__(desks[0], **keywords)
        self._desks = {desk.options.word: desk for desk in desks}
        self.set_reactive(Fleet.view, fleet.FleetView(cursor=next(iter(self._desks))))

    def picture(self, columns: int, lines: int) -> Picture:
        """The table around the cursor."""
        return fleet.draw(self._members(), self.view, columns, lines)

    def watch_view(self) -> None:
        """The cursor moved or the order changed."""
        self.redraw()

    def _members(self) -> list[fleet.Member]:
        return [
            fleet.Member(word, desk.run, desk.now(), desk.options.host, waits=not desk.begun())
            for word, desk in self._desks.items()
            if desk.run.leader is None
        ]

    def _listed(self) -> list[str]:
        return [member.word for member in fleet.ordered(self._members(), self.view.sort)]

    def action_move(self, by: int) -> None:
        """The next one or the one before."""
        words = self._listed()
        here = words.index(self.view.cursor) if self.view.cursor in words else 0
        self._stand(words[max(0, min(here + by, len(words) - 1))])

    def action_edge(self, index: int) -> None:
        """The first or the last one."""
        self._stand(self._listed()[index])

    def action_sort(self) -> None:
        """The next order."""
        sort = fleet.SORTS[(fleet.SORTS.index(self.view.sort) + 1) % len(fleet.SORTS)]
        self.view = replace(self.view, sort=sort)
        self.tell(Said(f"runs {sort}" if sort == fleet.SORTS[0] else f"runs by {sort}"))

    def action_mark(self) -> None:
        """Marked, or no longer."""
        word = self.view.cursor
        if word is not None:
            self.view = replace(self.view, chosen=self.view.chosen ^ {word})

    def action_compare(self) -> None:
        """The marked runs in one chart."""
        members = fleet.ordered(self._members(), self.view.sort)
        chosen = [m for m in members if m.word in self.view.chosen or not self.view.chosen]
        if len(chosen) < 2:
            self.tell(Said("mark another one too (space): two or more are compared"))
            return
        names = fleet.names(chosen)
        desks = {name: self._desks[m.word] for name, m in zip(names, chosen, strict=True)}
        self.app.push_screen(CompareScreen(desks))

    def _stand(self, word: str) -> None:
        self.view = replace(self.view, cursor=word)
        self.desk = self._desks[word]
        if isinstance(self.screen, LiveScreen):
            self.screen.desk = self.desk  # at once: the next key may be for this run
            self.app.refresh_bindings()

    async def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one opens."""
        found = fleet.at(self._members(), self.view, self.size.height - 2, event.y - 1)
        if found is not None:
            again = found.word == self.view.cursor and event.chain > 1
            self._stand(found.word)
            if again:
                await self.run_action("screen.open")

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel walks."""
        self.action_move(-1)

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel walks."""
        self.action_move(1)
