"""One checkpoint on the whole screen: everything known of it, and everything to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.binding import Binding

from trainwatch.draw.checkpoint import Beside, details
from trainwatch.read.clean import clean
from trainwatch.ui.panels.tending import Tending, keys
from trainwatch.ui.screens.live import LiveScreen
from trainwatch.ui.screens.page import Scrolling

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from trainwatch.draw.rows import Row
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.ui.rows import Desk


class Sheet(Scrolling, Tending):
    """The rows, as many as fit."""

    NAME = "checkpoint"
    BINDINGS = [
        Binding("down,j", "scroll(1)", "scroll", id="checkpoint.down", tooltip="a line down"),
        Binding("up,k", "scroll(-1)", "scroll", id="checkpoint.up", tooltip="a line up"),
        Binding("pagedown,space", "leaf(1)", id="checkpoint.next", show=False, tooltip="a page down"),
        Binding("pageup,b", "leaf(-1)", id="checkpoint.back", show=False, tooltip="a page up"),
        Binding("home,g", "scroll(-1000000)", id="checkpoint.first", show=False, tooltip="to the top"),
        Binding("end,G", "scroll(1000000)", id="checkpoint.last", show=False, tooltip="to the end"),
        Binding("t", "unfold", "tensors", id="checkpoint.unfold", tooltip="every layer, or those alike once"),
        *keys("checkpoint"),
    ]  # fmt: skip

    def __init__(self, desk: Desk, checkpoint: Checkpoint) -> None:
        super().__init__(desk, clean(checkpoint.seen.name))
        self._path = checkpoint.seen.path
        self._folded = True
        self._made: tuple[object, list[Row]] | None = None
        desk.look_into(checkpoint.seen)

    def _chosen(self) -> Checkpoint | None:
        return next((c for c in self._every() if c.seen.path == self._path), None)

    def all_rows(self, columns: int) -> list[Row]:
        """Everything known now."""
        run = self.desk.run
        found = self._chosen()
        if found is None:
            return [[("it is not there any more", "label")]]
        work = run.works.of(found.seen)
        beside = Beside(self._every(), run.contents.get(self._path), work, self._folded)
        basis = found, beside, columns, int(self.desk.now()), work.share if work else 0
        if self._made is None or self._made[0] != basis:
            self._made = basis, details(found, columns, self.desk.now(), beside)
        return self._made[1]

    def action_unfold(self) -> None:
        """Every layer by itself, or those alike once."""
        self._folded = not self._folded
        self.redraw()


class CheckpointScreen(LiveScreen):
    """The sheet and its keys."""

    BINDINGS = [
        Binding("escape,q,enter", "dismiss", "back", id="checkpoint.close", tooltip="back to the run"),
    ]  # fmt: skip

    def __init__(self, desk: Desk, checkpoint: Checkpoint) -> None:
        super().__init__(desk)
        self._sheet = Sheet(desk, checkpoint)

    def compose(self) -> ComposeResult:
        """The sheet and its keys."""
        yield self._sheet
        yield self.keys
