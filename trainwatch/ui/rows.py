"""Drawn rows become cells of the terminal: the one base of all panels.

The law of this file: a panel is a pure drawing of the run and of its own view. It draws when its
topics changed, compares what it drew with what it shows, and has only the difference painted. A
panel that fails shows its error in its own box; the others live on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.segment import Segment
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from trainwatch.draw.frame import framed
from trainwatch.draw.glyphs import Glyphs, suited
from trainwatch.draw.rows import Picture, certain, clip, fit, length, width
from trainwatch.read.clean import clean
from trainwatch.run.alerts import Alerts
from trainwatch.run.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rich.style import Style as Ink

    from trainwatch.draw.rows import Cell, Row
    from trainwatch.read.clean import Sgr
    from trainwatch.read.records import CheckpointSeen
    from trainwatch.run.run import Run
    from trainwatch.ui.app import Options

SPAN_GAP: Final = 8
"""Unchanged columns that are cheaper to write again than to step over."""
_SEEN_WHEN_BLANK: Final = frozenset({"cursor", "found"})


@dataclass
class Look:
    """How everything is shown: what the theme, the terminal and the person allow."""

    inks: Mapping[str | Sgr, Ink]
    glyphs: Glyphs = "braille"


@dataclass(eq=False)
class Desk:
    """What every panel may use: the run to read, the time, a way to ask the probe, the look."""

    run: Run
    """Another one while only the newest part of a long log is here."""
    now: Callable[[], float]
    send: Callable[[Any], None]
    look: Look
    look_into: Callable[[CheckpointSeen], None]
    """Have the inside of a checkpoint read: ``run.contents`` will hold it."""
    options: Options
    """How this run is watched."""
    begun: Callable[[], bool]
    """Whether its turn to be connected has come."""
    attend: Callable[[Callable[[float], bool]], None]
    """Read on while the screen waits for another program, as ``Pump.attend``."""
    alerts: Alerts = field(default_factory=Alerts)
    gold_command: str = ""

    @property
    def here(self) -> bool:
        """Whether the run is on this very machine."""
        return not self.options.host

    @property
    def subject(self) -> str:
        """What stops this very run, also where the newest was named and a newer one has begun."""
        target = self.run.target
        return target.id if target is not None and target.kind == "run" else self.options.target


class Failed(Message):
    """An action or a message of one widget went wrong; everything goes on."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Robust(Widget):
    """A widget or screen whose own mistakes, once it stands, end neither it nor the application."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            if not self.is_mounted:  # half a screen is worse than none
                raise
            self.app.post_message(Failed(error))


class Panel(Robust, can_focus=True):
    """A rectangle of drawn rows. Subclasses say what to draw and which topics change it."""

    TOPICS: ClassVar[Topic] = Topic.NOTHING
    NAME: ClassVar[str] = ""
    """What a person calls it."""
    ALLOW_SELECT = False

    def __init__(self, desk: Desk, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.desk = desk
        self._rows: list[Row] = []
        self._strips: list[Strip] = []
        self._drawn: tuple[object, ...] = ()

    def picture(self, columns: int, lines: int) -> Picture:
        """What to show inside the frame. Subclasses override this, or ``rows`` if frameless."""
        raise NotImplementedError

    def rows(self, columns: int, lines: int) -> list[Row]:
        """Everything to show now."""
        picture = self.picture(max(columns - 2, 0), max(lines - 2, 0))
        return framed(picture, columns, lines, focused=self.has_focus)

    def redraw(self) -> None:
        """Draw again and have what changed painted."""
        if self.is_mounted and self.size and self.is_on_screen:
            regions = self._draw()
            if regions:
                self.refresh(*regions)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The cells that Textual asks for; drawn first when size, look or focus changed."""
        if self._drawn != self._state():
            self._draw()
        strips = self._strips[crop.y : crop.bottom]
        if crop.x or crop.right != self.size.width:
            strips = [strip.crop(crop.x, crop.right) for strip in strips]
        return strips

    def tell(self, message: Message) -> None:
        """Have the nearest above that handles it do so now: what it does comes before the next key."""
        for node in self.ancestors:
            handler: Callable[[Message], None] | None = getattr(node, message.handler_name, None)
            if handler is not None:
                handler(message)
                return

    def on_show(self) -> None:
        """Draw what changed while it was hidden."""
        self.redraw()

    def _state(self) -> tuple[object, ...]:
        look = self.desk.look
        return (self.size, id(look.inks), look.glyphs, self.has_focus)

    def _draw(self) -> list[Region]:
        """Bring rows and strips up to date; the regions in which they differ from before."""
        columns, lines = self.size
        before, self._drawn = self._drawn, self._state()
        old, self._rows = self._rows, self._safe(columns, lines)
        if before != self._drawn:
            self._strips = [self._strip(row, columns) for row in self._rows]
            return [self.size.region]
        regions = []
        for y, (was, row) in enumerate(zip(old, self._rows, strict=True)):
            if was != row:
                spans = changes(was, row) if _certain(was) and _certain(row) else [(0, columns)]
                regions += [Region(x, y, end - x, 1) for x, end in spans]
                self._strips[y] = self._strip(row, columns)
        return regions

    def _safe(self, columns: int, lines: int) -> list[Row]:
        """The rows, or the error of drawing them; always exactly as many as asked for."""
        try:
            rows = self.rows(columns, lines)
        except Exception as error:  # noqa: BLE001 - the law of this file
            rows = _broken(self.NAME, error, columns, lines)
        blank: Row = [(" " * columns, "text")]
        rows = [fit(row, columns) for row in rows[:lines]] + [blank] * (lines - len(rows))
        return suited(rows, self.desk.look.glyphs)

    def _strip(self, row: Row, columns: int) -> Strip:
        look = self.desk.look
        segments = [Segment(text, look.inks[style]) for text, style in row]
        return Strip(segments, columns)


def _broken(name: str, error: Exception, columns: int, lines: int) -> list[Row]:
    """A panel's own error, in its own box."""
    text = clean(f"{type(error).__name__}: {error}")
    body: list[Row] = [
        [(clip("this panel failed; the others go on", columns - 2), "critical")],
        [(clip(text, columns - 2), "label")],
    ]
    return framed(Picture([(name, "title")], [("error", "critical")], body), columns, lines)


def _certain(row: Row) -> bool:
    """Whether it ends where it should in every terminal; else its end must be written with it."""
    return all(certain(text) for text, _ in row)


def changes(old: Row, new: Row) -> Iterator[tuple[int, int]]:
    """The spans of columns in which two rows of the same width differ, near ones joined."""
    head = tail = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        head += 1
    for one, other in zip(reversed(old[head:]), reversed(new[head:]), strict=False):
        if one != other:
            break
        tail += 1
    left = length(old[:head])
    for start, end in _differences(old[head : len(old) - tail], new[head : len(new) - tail]):
        yield left + start, left + end


def _differences(old: Row, new: Row) -> Iterator[tuple[int, int]]:
    """The same, cell by cell."""
    before, after = list(_columns(old)), list(_columns(new))
    start = end = -1
    for x, (a, b) in enumerate(zip(before, after, strict=False)):
        if a == b:
            continue
        if start >= 0 and x - end > SPAN_GAP:
            yield _whole(before, after, start, end)
            start = x
        start, end = (x if start < 0 else start), x + 1
    if start >= 0:
        yield _whole(before, after, start, end)


def _columns(row: Row) -> Iterator[Cell]:
    """One cell per column; the second column of a wide character holds ""."""
    for text, style in row:
        seen = style in _SEEN_WHEN_BLANK
        for c in text:
            if c == " ":
                yield c, style if seen else "text"
            elif c.isascii():
                yield c, style
            else:
                yield from ((c, style), ("", style))[: width(c)]


def _whole(before: list[Cell], after: list[Cell], start: int, end: int) -> tuple[int, int]:
    """The span widened so that it cuts no wide character in two."""
    while start > 0 and "" in (before[start][0], after[start][0]):
        start -= 1
    while end < len(after) and "" in (before[end][0], after[end][0]):
        end += 1
    return start, end
