"""The checkpoints: which there are, which one to keep, how to go on from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from textual.actions import SkipAction
from textual.binding import Binding
from textual.reactive import reactive

from trainwatch.draw import checkpoints, comparison, units
from trainwatch.draw.shapes import csv_of
from trainwatch.read.clean import clean
from trainwatch.run.comparison import compare
from trainwatch.run.marks import ANOTHER
from trainwatch.run.topics import Topic
from trainwatch.run.work import reach
from trainwatch.ui.export import written
from trainwatch.ui.memory import Taste, place_of
from trainwatch.ui.messages import Asked, Copied, Opened, Picked
from trainwatch.ui.panels.tending import Tending, keys
from trainwatch.ui.screens.checkpoint import CheckpointScreen

if TYPE_CHECKING:
    from textual import events

    from trainwatch.draw.rows import Picture, Row
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.ui.rows import Desk


class Checkpoints(Tending):
    """A list to walk through."""

    NAME = "checkpoints"
    TOPICS = Topic.CHECKPOINTS | Topic.VERDICT | Topic.TIME
    BINDINGS = [
        Binding("up,k", "move(-1)", id="checkpoints.up", show=False, tooltip="checkpoint before"),
        Binding("down,j", "move(1)", id="checkpoints.down", show=False, tooltip="next checkpoint"),
        Binding("enter", "open", "details", id="checkpoints.open", tooltip="everything known of it"),
        *keys("checkpoints"),
        Binding("s", "sort", "sort", id="checkpoints.sort", tooltip="by step, best, size or age"),
        Binding("S", "turn", id="checkpoints.turn", show=False, tooltip="the other way round"),
        Binding("space", "mark", id="checkpoints.mark", show=False,
                tooltip="mark it for a comparison"),
        Binding("equals_sign", "compare", id="checkpoints.compare", show=False,
                tooltip="compare the two marked"),
        Binding("b", "measure", id="checkpoints.measure", show=False,
                tooltip="what best means: another metric, or gold"),
        Binding("y", "export", id="checkpoints.export", show=False, tooltip="the table as CSV or Markdown"),
        Binding("home,g", "edge(0)", id="checkpoints.first", show=False, tooltip="first checkpoint"),
        Binding("end,G", "edge(-1)", id="checkpoints.last", show=False, tooltip="last checkpoint"),
        Binding("escape", "whole", id="checkpoints.whole", show=False, tooltip="no filter, no marks"),
    ]  # fmt: skip

    view: reactive[checkpoints.CheckpointsView] = reactive(
        checkpoints.CheckpointsView, init=False, repaint=False
    )

    def __init__(self, desk: Desk, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._marked: list[str] = []
        self._place = ""
        self._wanted = ""  # what best meant the last time, until there is such a metric

    def picture(self, columns: int, lines: int) -> Picture:
        """The list around the cursor."""
        return checkpoints.draw(self.desk.run, self.view, columns, lines, self.desk.now())

    def redraw(self) -> None:
        """Draw again, as it was looked at the last time."""
        self._recall()
        super().redraw()

    def _recall(self) -> None:
        memory, target = self.desk.options.memory, self.desk.run.target
        if memory is not None and target is not None and not self._place:
            self._place = place_of(target, self.desk.options.host)
            taste = memory.recall(self._place)
            if taste is not None:
                self._wanted, self._marked = taste.measure, list(taste.marked[-2:])
                chosen = frozenset(self._marked)
                self.set_reactive(Checkpoints.view, replace(self.view, chosen=chosen))
        if self._wanted and self._wanted in checkpoints.measures(self._every()):
            self.set_reactive(Checkpoints.view, replace(self.view, measure=self._wanted))
            self._wanted = ""

    def _remember(self) -> None:
        memory = self.desk.options.memory
        if memory is not None and self._place:
            measure = self._wanted or self.view.measure
            memory.keep(self._place, Taste(measure, tuple(self._marked)))

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
        self.tell(Picked(self, checkpoint.seen.step, None, None))

    def pick(self, step: int | None) -> None:
        """Put the cursor on the checkpoint nearest to a step that was picked elsewhere."""
        known = [c for c in self._listed() if c.seen.step is not None and ANOTHER not in c.marks]
        if step is not None and known:
            near = min(known, key=lambda c: abs((c.seen.step or 0) - step))
            self.view = replace(self.view, cursor=near.seen.path)

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a second one opens."""
        size = self.size.width - 2, self.size.height - 2
        found = checkpoints.at(self.desk.run, self.view, size, event.y - 1, self.desk.now())
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

    def search(self) -> Asked:
        """Show only those that hold what is typed."""

        def narrowed(text: str | None) -> None:
            self.view = replace(self.view, filter=text or "")

        return Asked("show only", narrowed, narrowed)

    def action_sort(self) -> None:
        """The next order."""
        sorts = checkpoints.SORTS
        sort = sorts[(sorts.index(self.view.sort) + 1) % len(sorts)]
        self.view = replace(self.view, sort=sort)
        name = self.view.measure if sort == checkpoints.SORTS[1] else sort
        self._say(f"checkpoints by {clean(name).replace('_', ' ')}")

    def action_turn(self) -> None:
        """The other way round."""
        self.view = replace(self.view, reverse=not self.view.reverse)

    def action_whole(self) -> None:
        """Everything again."""
        if not (self.view.filter or self.view.chosen):
            raise SkipAction  # the key may mean something to the screen
        self._marked = []
        self.view = replace(self.view, filter="", chosen=frozenset())
        self._remember()

    def action_measure(self) -> None:
        """The next thing that best can mean."""
        known = checkpoints.measures(self._every())
        here = known.index(self.view.measure) if self.view.measure in known else -1
        measure = known[(here + 1) % len(known)]
        self._wanted = ""
        self.view = replace(self.view, measure=measure)
        self._remember()
        self._say(f"best by {clean(measure)}" + ("" if known[1:] else ": there is no other metric"))

    def action_mark(self) -> None:
        """Take it for a comparison, or not; a third one lets the first go."""
        chosen = self._chosen()
        if chosen is None:
            return
        there = {c.seen.path for c in self._every()}
        path, marked = chosen.seen.path, [p for p in self._marked if p in there]
        self._marked = [p for p in marked if p != path] if path in marked else [*marked, path][-2:]
        self.view = replace(self.view, cursor=path, chosen=frozenset(self._marked))
        self._remember()
        self._say({0: "none marked", 1: "one marked: space on another, then ="}.get(
            len(self._marked), "two marked: = compares them"))  # fmt: skip

    def action_compare(self) -> None:
        """What differs between the two marked; both are read to their last byte for it."""
        pair = [c for path in self._marked for c in self._every() if c.seen.path == path]
        if len(pair) != 2:
            self._say("mark two with space first")
            return
        for each in pair:
            self.desk.look_into(each.seen)
            work = self.desk.run.works.of(each.seen)
            if work is None or work.ended is None or not work.sound:
                self._job("verify", *reach(each.seen))
        paths = pair[0].seen.path, pair[1].seen.path
        self.tell(Opened("two checkpoints", lambda columns: self._compared(paths, columns)))

    def _compared(self, paths: tuple[str, str], columns: int) -> list[Row]:
        run = self.desk.run
        pair = [c for path in paths for c in self._every() if c.seen.path == path]
        if len(pair) != 2:
            return [[("one of the two is not there any more", "label")]]
        first, second = (run.works.of(each.seen) for each in pair)
        if first is None or second is None or first.ended is None or second.ended is None:
            shares = [units.percent(w.share if w else None) for w in (first, second)]
            return [[(f"reading both to the last byte: {shares[0]} and {shares[1]}", "info")]]
        inside = run.contents.get(paths[0]), run.contents.get(paths[1])
        both = pair[0], pair[1]
        return comparison.rows(both, compare(both, (first, second), inside), columns)

    def action_export(self) -> None:
        """The table as shown: to the clipboard, or to a file that is named."""
        listed = self._listed()
        if not listed:
            self._say("there is no checkpoint to export")
            return

        def done(name: str | None) -> None:
            if name is not None and name.strip():
                self._say(written(listed, self._every(), name.strip()))
            elif name is not None:
                self.tell(Copied(f"{len(listed)} rows as CSV", csv_of(listed)))

        ask = "table to which .csv or .md (none: clipboard)"
        self.tell(Asked(ask, lambda _: None, done))

    def action_open(self) -> None:
        """Everything known of it, on a page of its own."""
        chosen = self._chosen()
        if chosen is not None:
            self.app.push_screen(CheckpointScreen(self.desk, chosen))
