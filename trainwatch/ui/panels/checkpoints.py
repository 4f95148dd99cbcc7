"""The checkpoints: which there are, which one to keep, how to go on from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.reactive import reactive

from trainwatch.draw import checkpoints
from trainwatch.read.clean import clean
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Copied, Opened, Picked, Said
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual import events

    from trainwatch.draw.rows import Picture, Row
    from trainwatch.run.checkpoints import Checkpoint


class Checkpoints(Panel):
    """A list to walk through."""

    NAME = "checkpoints"
    TOPICS = Topic.CHECKPOINTS | Topic.VERDICT | Topic.METRICS
    AGES = True
    BINDINGS = [
        Binding("up,k", "move(-1)", "choose", id="checkpoints.up", tooltip="checkpoint before"),
        Binding("down,j", "move(1)", "choose", id="checkpoints.down", tooltip="next checkpoint"),
        Binding("enter", "open", "details", id="checkpoints.open", tooltip="everything known of it"),
        Binding("c", "copy", "copy path", id="checkpoints.copy", tooltip="copy its path"),
        Binding("r", "resume", "resume", id="checkpoints.resume",
                tooltip="copy the command that continues from it"),
        Binding("s", "sort", "sort", id="checkpoints.sort", tooltip="by step, eval loss, size or age"),
        Binding("home,g", "edge(0)", id="checkpoints.first", show=False, tooltip="first checkpoint"),
        Binding("end,G", "edge(-1)", id="checkpoints.last", show=False, tooltip="last checkpoint"),
    ]  # fmt: skip

    view: reactive[checkpoints.CheckpointsView] = reactive(
        checkpoints.CheckpointsView, init=False, repaint=False
    )

    def picture(self, columns: int, lines: int) -> Picture:
        """The list around the cursor."""
        return checkpoints.draw(self.desk.run, self.view, columns, lines, self.desk.now())

    def watch_view(self) -> None:
        """The cursor moved or the order changed."""
        self.redraw()

    # --- walking ------------------------------------------------------------------------------

    def _listed(self) -> list[Checkpoint]:
        return checkpoints.ordered(self.desk.run, self.view)

    def _chosen(self) -> Checkpoint | None:
        """The checkpoint under the cursor; the one to keep while nothing was chosen."""
        listed = self._listed()
        best = (c for c in listed if "best" in c.marks)
        on = (c for c in listed if c.seen.path == self.view.cursor)
        return next(on, None) or next(best, None) or (listed[-1] if listed else None)

    def action_move(self, by: int) -> None:
        """The next one or the one before."""
        listed, chosen = self._listed(), self._chosen()
        if listed:
            paths = [c.seen.path for c in listed]
            here = paths.index(chosen.seen.path) if chosen else 0
            moved = here + by if self.view.cursor is not None else here
            self._choose(listed[max(0, min(moved, len(listed) - 1))])

    def action_edge(self, index: int) -> None:
        """The first or the last one."""
        listed = self._listed()
        if listed:
            self._choose(listed[index])

    def _choose(self, checkpoint: Checkpoint) -> None:
        self.view = replace(self.view, cursor=checkpoint.seen.path)
        self.post_message(Picked(self, checkpoint.seen.step, None, None))

    def pick(self, step: int | None) -> None:
        """Put the cursor on the checkpoint nearest to a step that was picked elsewhere."""
        known = [c for c in self._listed() if c.seen.step is not None]
        if step is not None and known:
            near = min(known, key=lambda c: abs((c.seen.step or 0) - step))
            self.view = replace(self.view, cursor=near.seen.path)

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one opens."""
        found = checkpoints.at(
            self.desk.run, self.view, self.size.width - 2, self.size.height - 2, event.y - 1
        )
        if found is None:
            return
        if found.seen.path == self.view.cursor and event.chain > 1:
            self.action_open()
        else:
            self._choose(found)

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel walks."""
        self.action_move(-1)

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel walks."""
        self.action_move(1)

    # --- what to do with one ------------------------------------------------------------------

    def action_sort(self) -> None:
        """The next order."""
        sorts = checkpoints.SORTS
        sort = sorts[(sorts.index(self.view.sort) + 1) % len(sorts)]
        self.view = replace(self.view, sort=sort)
        self.post_message(Said(f"checkpoints by {sort.replace('_', ' ')}"))

    def action_copy(self) -> None:
        """Its path to the clipboard."""
        chosen = self._chosen()
        if chosen is not None:
            self.post_message(Copied("path", clean(chosen.seen.path, 1 << 12)))

    def action_resume(self) -> None:
        """The command that continues from it to the clipboard."""
        chosen = self._chosen()
        if chosen is not None and chosen.resume:
            self.post_message(Copied("command", clean(chosen.resume, 1 << 14)))
        elif chosen is not None:
            self.post_message(Said("how to continue from it is not known"))

    def action_open(self) -> None:
        """Everything known of it, on a page."""
        chosen = self._chosen()
        if chosen is not None:
            path = chosen.seen.path
            self.post_message(
                Opened(clean(chosen.seen.name), lambda columns: self._page(path, columns))
            )

    def _page(self, path: str, columns: int) -> list[Row]:
        found = next((c for c in self._listed() if c.seen.path == path), None)
        if found is None:
            return [[("it is not there any more", "label")]]
        return checkpoints.details(found, columns, self.desk.now())
