"""The training's own words: raw lines, colours kept, everything else made harmless.

The law of this file: only the lines on the screen are ever looked at, so that a log of a million
lines scrolls like one of ten. Lines whose bytes are not at hand are asked for and shown as soon as
they come. A progress bar is one line at the end that changes in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from textual.actions import SkipAction
from textual.binding import Binding

from trainwatch import facts
from trainwatch.draw import log as drawn
from trainwatch.draw import units
from trainwatch.draw.rows import Picture, wrapped
from trainwatch.read.clean import clean
from trainwatch.run.topics import Topic
from trainwatch.ui.messages import Asked, Copied, Opened, Picked, Said
from trainwatch.ui.rows import Panel

if TYPE_CHECKING:
    from textual import events

    from trainwatch.draw.rows import Row
    from trainwatch.run.log import Log
    from trainwatch.ui.rows import Desk

AROUND: Final = 200
"""Lines asked for beyond those on the screen."""
MOST: Final = 1 << 18
"""Bytes asked for at a time."""
ERRORS: Final = r"\b(error|exception|traceback|fatal|critical|out of memory|nan)\b|\w+Error\b"


class LogPanel(Panel):
    """The log, followed or scrolled back."""

    NAME = "log"
    TOPICS = Topic.LOG
    BINDINGS = [
        Binding("up,k", "move(-1)", "line", id="log.up", tooltip="a line up; stops following"),
        Binding("down,j", "move(1)", "line", id="log.down", tooltip="a line down"),
        Binding("pageup,b", "leaf(-1)", "page", id="log.page-up", tooltip="a page up"),
        Binding("pagedown,space", "leaf(1)", "page", id="log.page-down", tooltip="a page down"),
        Binding("home,g", "top", "first", id="log.first", tooltip="to the first line"),
        Binding(
            "end,G,F", "follow", "follow", id="log.follow", tooltip="to the end, and follow it"
        ),
        Binding("n", "again(1)", "again", id="log.next", tooltip="the next line found"),
        Binding("N", "again(-1)", "again", id="log.before", tooltip="the found line before"),
        Binding("e", "error(1)", "error", id="log.error", tooltip="the next error in the log"),
        Binding("E", "error(-1)", "error", id="log.error-before", tooltip="the error before"),
        Binding("enter", "open", "whole line", id="log.open", tooltip="the whole line, wrapped"),
        Binding("c", "copy", "copy", id="log.copy", tooltip="copy the line"),
        Binding("left", "shift(-1)", id="log.left", show=False, tooltip="the start of long lines"),
        Binding("right", "shift(1)", id="log.right", show=False, tooltip="the rest of long lines"),
        Binding("escape", "release", id="log.release", show=False, tooltip="no search, and follow"),
    ]

    def __init__(self, desk: Desk, **keywords: Any) -> None:
        super().__init__(desk, **keywords)
        self._top = 0
        self._cursor: int | None = None  # None: follow the end
        self._pattern = ""
        self._left = 0
        self._asked: range = range(0)

    # --- drawing ----------------------------------------------------------------------------

    def picture(self, columns: int, lines: int) -> Picture:
        """The lines around the cursor, or the newest."""
        bar = self._log.live.strip() if self._following else ""
        room = max(lines - (1 if bar else 0), 0)
        self._settle(room)
        texts = self._log.window(self._top, room)
        self._ask(texts)
        rows = [self._line(self._top + n, text, columns) for n, text in enumerate(texts)]
        if bar:
            rows.append(drawn.live(bar, columns))
        if not rows and lines:
            rows = [[(" nothing printed yet", "dim")]]
        return Picture([("log", "title")], self._note(), rows)

    @property
    def _log(self) -> Log:
        return self.desk.run.log

    @property
    def _following(self) -> bool:
        return self._cursor is None

    def _settle(self, room: int) -> None:
        """Move the window so that the cursor, or the end, is in it."""
        lines = self._log.lines
        last = max(lines - room, 0)
        if self._cursor is None:
            self._top = last
            return
        self._cursor = max(0, min(self._cursor, lines - 1))
        self._top = max(0, min(self._top, last, self._cursor))
        self._top = max(self._top, self._cursor - room + 1)

    def _line(self, number: int, text: str | None, columns: int) -> Row:
        here = number == self._cursor
        return drawn.line(text, columns, left=self._left, pattern=self._pattern, at_cursor=here)

    def _note(self) -> Row:
        run = self.desk.run
        words = ["following" if self._following else f"line {units.count(self._top + 1)}"]
        if self._pattern:
            words.append(f"/{clean(self._pattern, 40)}")
        words.append(f"{units.count(run.lines)} lines")
        if run.unread:
            words.append(f"{units.count(run.unread)} unread")
        return [(" · ".join(words), "dim")]

    def _ask(self, texts: list[str | None]) -> None:
        """Have the probe send what is missing on the screen, once."""
        missing = [self._top + n for n, text in enumerate(texts) if text is None]
        if not missing or missing[0] in self._asked:
            return
        first, last = max(missing[0] - AROUND, 0), min(missing[-1] + AROUND, self._log.lines - 1)
        stream = self._log.stream(missing[0])
        first = next(n for n in range(first, self._log.lines) if self._log.stream(n) == stream)
        start, stop = self._log.start(first), self._log.start(missing[-1])
        while last > missing[-1] and (
            self._log.stream(last) != stream or self._log.start(last) - start > MOST
        ):
            last -= 1
        stop = max(stop + 1, self._log.start(last))
        self._asked = range(first, last + 1)
        self.desk.send(facts.Read(stream, start, min(stop - start + drawn.LONGEST, 2 * MOST)))

    # --- moving -----------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        """Move the cursor; past the end it follows again."""
        lines = self._log.lines
        here = lines if self._cursor is None else self._cursor
        self._to(None if here + by >= lines else max(here + by, 0))

    def action_leaf(self, by: int) -> None:
        """Move by a screenful."""
        page = max(self.size.height - 3, 1)
        if self._cursor is None and by < 0:
            self._cursor = max(self._log.lines - page, 0)
        else:
            self._top = max(self._top + by * page, 0)
        self.action_move(by * page)

    def action_top(self) -> None:
        """The first line."""
        self._to(0)

    def action_follow(self) -> None:
        """The end, whatever comes."""
        self._to(None)

    def action_release(self) -> None:
        """Forget the search and the shift; then follow."""
        if self._pattern or self._left:
            self._pattern, self._left = "", 0
            self.redraw()
        elif not self._following:
            self._to(None)
        else:
            raise SkipAction  # the key may mean something to the screen

    def action_shift(self, way: int) -> None:
        """Look at another part of long lines."""
        self._left = max(self._left + way * max(self.size.width // 2, 1), 0)
        self.redraw()

    def _to(self, line: int | None) -> None:
        """The cursor on a line, or following; the other panels are told."""
        self._cursor = line if self._log.lines else None
        self.redraw()
        if self._cursor is not None:
            self.tell(
                Picked(self, None, self._log.stream(self._cursor), self._log.start(self._cursor))
            )

    def pick(self, source: str | None, offset: int | None) -> None:
        """Show the line of a place that was picked elsewhere, without telling anybody."""
        if source is None or offset is None:
            return
        line = self._log.line_at(source, offset)
        if line is not None:
            self._cursor = line
            self._top = max(line - max(self.size.height - 2, 1) // 2, 0)
            self.redraw()

    def on_mouse_scroll_up(self, _: events.MouseScrollUp) -> None:
        """The wheel moves three lines."""
        self._scroll(-3)

    def on_mouse_scroll_down(self, _: events.MouseScrollDown) -> None:
        """The wheel moves three lines."""
        self._scroll(3)

    def _scroll(self, by: int) -> None:
        """Move the window; the cursor comes along."""
        room = max(self.size.height - 2, 1)
        lines = self._log.lines
        self._top = max(self._top + by, 0)
        if self._top + room > lines:
            self._cursor = None
        else:
            here = self._top if self._cursor is None else self._cursor
            self._cursor = max(self._top, min(here, self._top + room - 1))
        self.redraw()

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor on a line."""
        line = self._top + event.y - 1
        if 0 <= line < self._log.lines and 0 < event.y < self.size.height - 1:
            self._to(line)

    # --- searching --------------------------------------------------------------------------

    def search(self) -> Asked:
        """The question for a pattern; what it finds is shown while it is typed."""
        return Asked("search", self._typed, self._ended)

    def _typed(self, text: str) -> None:
        self._pattern = text
        self.redraw()

    def _ended(self, text: str | None) -> None:
        self._pattern = text or ""
        if self._pattern and not self._find(self._pattern, -1):
            self._find(self._pattern, 1)
        self.redraw()

    def action_again(self, way: int) -> None:
        """The next or the last line that has the pattern."""
        if not self._pattern:
            self.tell(self.search())
        elif not self._find(self._pattern, way):
            self.tell(Said(f"not found further {'down' if way > 0 else 'up'}"))

    def action_error(self, way: int) -> None:
        """The next or the last line that looks like an error."""
        if not self._find(ERRORS, way):
            self.tell(Said(f"no error further {'down' if way > 0 else 'up'}"))

    def _find(self, pattern: str, way: int) -> bool:
        start = self._log.lines - 1 if self._cursor is None else self._cursor + way
        if not 0 <= start < self._log.lines:
            return False
        found = self._log.search(pattern, start, backwards=way < 0)
        if found is None:
            return False
        self._top = max(found - max(self.size.height - 2, 1) // 2, 0)
        self._to(found)
        return True

    # --- one line ---------------------------------------------------------------------------

    def _text(self) -> str:
        """The line under the cursor, or the newest one."""
        line = self._log.lines - 1 if self._cursor is None else self._cursor
        found = self._log.window(line, 1) if line >= 0 else []
        return clean(found[0], 1 << 16) if found and found[0] is not None else ""

    def action_copy(self) -> None:
        """The line to the clipboard."""
        self.tell(Copied("line", self._text()))

    def action_open(self) -> None:
        """The whole line on a page of its own."""
        text = self._text()

        self.tell(
            Opened("line", lambda columns: [[(part, "text")] for part in wrapped(text, columns)])
        )
