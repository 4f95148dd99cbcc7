"""Several runs as a table: a row for each, and what is the matter with the one that is chosen.

The law of this file: a run that cannot be watched says why in its own row; as the width shrinks
columns go, name and state last. The best is marked only where all are measured by the same thing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw import member as cells
from trainwatch.draw import nodes, preview, units
from trainwatch.draw.compare import Contender
from trainwatch.draw.member import CURVE, Member
from trainwatch.draw.rows import Picture, Row, clip, fit, length, width, wrapped
from trainwatch.read.clean import clean
from trainwatch.run.node import called

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.facts import Trouble
    from trainwatch.run.state import Word

__all__ = ["Member", "at", "best", "draw", "first", "names", "ordered", "table"]

SORTS = ("as named", "name", "state", "loss", "eval loss", "last sign")
_ORDER = ("failed", "killed", "stalled", "unknown", "running", "replaying", "starting", "ended")
"""States in the order in which they want to be looked at."""
_COUNTED: tuple[tuple[Word, str], ...] = (
    ("running", "training"), ("stalled", "stalled"), ("failed", "failed"), ("killed", "killed"),
    ("ended", "ended"),
)  # fmt: skip
_GAP = 2
_LONGEST = 3  # lines of the sentence below the table
_NARROW = 20  # columns in which no sentence is broken into lines


@dataclass(frozen=True)
class FleetView:
    """How a person looks at the table."""

    cursor: str | None = None  # the word of the member that is stood on
    top: int = 0  # first row shown
    sort: str = SORTS[0]
    chosen: frozenset[str] = field(default_factory=frozenset)  # words picked for a comparison


def ordered(members: Sequence[Member], sort: str) -> list[Member]:
    """The members in the order in which they are shown; what is not known comes last."""
    if sort == "name":
        return sorted(members, key=lambda m: (m.host, cells.name(m)))
    if sort == "state":
        return sorted(members, key=lambda m: _ORDER.index(m.run.state().word))
    if sort == "loss":
        return sorted(members, key=lambda m: cells.ordinal(cells.loss(m)))
    if sort == "eval loss":
        return sorted(members, key=lambda m: cells.ordinal(cells.eval_loss(m)))
    if sort == "last sign":
        return sorted(members, key=lambda m: cells.ordinal(cells.age(m)))
    return list(members)


def draw(members: Sequence[Member], view: FleetView, columns: int, lines: int) -> Picture:
    """The table; below it the sentence about the member under the cursor."""
    columns, lines = max(columns, 0), max(lines, 0)
    rows = ordered(members, view.sort)
    table = _Table(rows, max(columns - 1, 0))
    head = [table.head()] if lines >= 3 else []
    foot = _sentence(rows, view) if lines >= len(head) + 4 else []
    room = max(lines - len(head) - len(foot), 0)
    foot = _unfolded(foot, columns, room - len(rows))
    room = min(room, max(lines - len(head) - len(foot), len(rows)))
    top = first(rows, view, room)
    shown = rows[top:][:room]
    body = [table.row(m, view) for m in shown]
    body += _preview(rows, view, columns, room - len(body))
    made = [fit(row, columns) for row in [*head, *body, *foot][:lines]]
    part = f"{top + 1}-{top + len(shown)} of " if len(shown) < len(rows) else ""
    return Picture([("runs", "title")], _note(members, part, columns), made)


def _unfolded(foot: list[Row], columns: int, spare: int) -> list[Row]:
    """What is wrong in up to three lines, where one is too short and the table leaves room for them.

    What is well stays on its line: its words change with every number, and the curve must stand still.
    """
    if not foot or spare <= 0 or foot[-1][-1][1] == "label":
        return foot
    *blank, [*before, (text, style)] = foot
    used = length(before)
    more = wrapped(text, max(columns - used, 1)) if columns > used + _NARROW else [text]
    last = min(1 + spare, _LONGEST) - 1
    parts = [*more[:last], " ".join(more[last:])] if len(more) > last else more
    rows: list[Row] = [[(" " * used, "text"), (part, style)] for part in parts[1:]]
    return [*blank, [*before, (parts[0], style)], *rows]


def _preview(rows: Sequence[Member], view: FleetView, columns: int, lines: int) -> list[Row]:
    """The curves of the marked runs, else of the one that is stood on, in the room that is left."""
    chosen = [member for member in rows if member.word in view.chosen]
    marked = [Contender(n, m.run) for n, m in zip(names(chosen), chosen, strict=True)]
    here = next((Contender(cells.name(m), m.run) for m in rows if m.word == view.cursor), None)
    return preview.rows(marked, here, columns, lines)


def table(members: Sequence[Member], columns: int) -> list[Row]:
    """The whole table, for a page or a pipe: no cursor, and a reason below the rows that need one."""
    made = _Table(members, columns)
    view = FleetView(cursor="")
    rows = [made.head()]
    rows += [made.row(member, view) for member in members]
    return [fit(row, columns) for row in rows]


def first(rows: Sequence[Member], view: FleetView, room: int) -> int:
    """The first row that is shown, so that the cursor is seen."""
    top = min(max(view.top, 0), max(len(rows) - room, 0))
    at = next((k for k, m in enumerate(rows) if m.word == view.cursor), 0)
    return min(max(top, at - room + 1), at)


def at(members: Sequence[Member], view: FleetView, lines: int, y: int) -> Member | None:
    """The member on line ``y`` of the drawn table."""
    rows = ordered(members, view.sort)
    head = 1 if lines >= 3 else 0
    foot = 2 if lines >= head + 4 else 0
    room = max(lines - head - foot, 0)
    number = first(rows, view, room) + y - head
    return rows[number] if 0 <= y - head < room and number < len(rows) else None


def best(members: Sequence[Member]) -> str | None:
    """The word of the member with the lowest evaluation loss, where two or more can be compared."""
    found = []
    for member in members:
        series, verdict = member.run.metrics.eval_loss, member.run.verdict(member.now)
        if series is not None and verdict.best is not None and isfinite(verdict.best.value):
            found.append((verdict.best.value, member.word, series.key.key))
    same = len({key for _, _, key in found}) == 1
    return min(found)[1] if len(found) > 1 and same else None


def names(members: Sequence[Member]) -> list[str]:
    """What each is called; where two would be called the same, as the person named it."""
    plain = [cells.name(member) for member in members]
    return [
        m.word if plain.count(name) > 1 else name for m, name in zip(members, plain, strict=True)
    ]


# --- the table ------------------------------------------------------------------------------


class _Column(NamedTuple):
    name: str
    size: int  # at least; a longer text widens it to ``most``
    most: int
    rank: int  # the higher, the sooner it goes
    text: Callable[[Member], str | tuple[str, Style]]
    left: bool = False  # text stands at the left, numbers at the right

    def sized(self, members: Sequence[Member]) -> _Column:
        """The column as wide as what stands in it."""
        wanted = max((width(_cell(self, m)[0]) for m in members), default=0)
        return self._replace(size=min(max(self.size, wanted), self.most))


_COLUMNS = (
    _Column("state", 10, 15, 0, cells.state, left=True),
    _Column("step", 9, 15, 3, cells.step),
    _Column("loss", 8, 8, 1, lambda m: (units.number(cells.loss(m)), "train")),
    _Column("", CURVE, CURVE, 7, lambda m: (cells.curve(m), "train-raw"), left=True),
    _Column("eval", 8, 8, 1, lambda m: (units.number(cells.eval_loss(m)), "eval")),
    _Column("verdict", 11, 15, 2, cells.verdict, left=True),
    _Column("GPU", 4, 5, 6, cells.busy),
    _Column("ETA", 7, 8, 4, cells.eta),
    _Column("sign", 4, 5, 5, cells.sign),
)
_MARKS = 4
_NAME = 12
"""The fewest columns for a name."""
_MOST = 40


class _Table:
    """Which columns there is room for."""

    def __init__(self, members: Sequence[Member], columns: int) -> None:
        self._columns = columns
        self._best = best(members)
        hosts = any(m.host or len(m.run.nodes) > 1 for m in members)
        self._host = min(max(width(cells.host(m)) for m in members), 16) if hosts else 0
        wanted = max([width(cells.name(m)) for m in members] + [_NAME])
        self._kept = [c.sized(members) for c in _COLUMNS]
        while len(self._kept) > 1 and self._needed() > columns:
            worst = max(c.rank for c in self._kept)
            self._kept = [c for c in self._kept if c.rank != worst]
        if self._needed() > columns:
            self._host = 0
        if self._needed() > columns:
            self._kept = []
        self._name = max(min(_NAME + columns - self._needed(), wanted, _MOST), 1)

    def _needed(self) -> int:
        host = self._host + _GAP if self._host else 0
        return _MARKS + host + _NAME + sum(c.size + _GAP for c in self._kept)

    def head(self) -> Row:
        """The names of the columns."""
        row: Row = [(" " * _MARKS, "dim")]
        if self._host:
            row.append((_padded("host", self._host, left=True) + " " * _GAP, "dim"))
        row.append((_padded("run", self._name, left=True), "dim"))
        for column in self._kept:
            row += [(" " * _GAP, "dim"), (_padded(column.name, column.size, column.left), "dim")]
        return row

    def row(self, member: Member, view: FleetView) -> Row:
        """One run; the reason instead of numbers where there are none."""
        here = view.cursor == member.word
        row: Row = [
            ("›" if here else " ", "accent"),
            ("■" if member.word in view.chosen else " ", "info"),
            ("★" if member.word == self._best else " ", "best"),
            (" ", "text"),
        ]
        if self._host:
            row.append((_padded(cells.host(member), self._host, left=True) + " " * _GAP, "label"))
        row.append(
            (_padded(cells.name(member), self._name, left=True), "cursor" if here else "value")
        )
        if member.trouble is not None:
            return [*row, *self._reason(member, length(row))]
        for column in self._kept:
            text, style = _cell(column, member)
            row += [(" " * _GAP, "text"), (_padded(text, column.size, column.left), style)]
        return row

    def _reason(self, member: Member, used: int) -> Row:
        text, style = cells.state(member)
        size = self._kept[0].size if self._kept else width(text)
        row: Row = [(" " * _GAP, "text"), (_padded(text, size, left=True), style)]
        left = self._columns - used - length(row) - _GAP
        return [*row, (" " * _GAP, "text"), (clip(_why(member.trouble), max(left, 0)), "label")]


def _cell(column: _Column, member: Member) -> tuple[str, Style]:
    made = column.text(member)
    text, style = made if isinstance(made, tuple) else (made, "text")
    return text, "dim" if text == units.UNKNOWN else style


def _padded(text: str, columns: int, left: bool) -> str:
    text = clip(text, columns)
    blank = " " * (columns - width(text))
    return text + blank if left else blank + text


def _why(trouble: Trouble | None) -> str:
    if trouble is None:
        return ""
    fix = f"; {clean(trouble.fix)}" if trouble.fix else ""
    return clean(trouble.text) + fix


def _note(members: Sequence[Member], part: str, columns: int) -> Row:
    """Which of them are seen, how many there are, and of what kind."""
    lost = [m for m in members if m.run.target and "link" in m.run.troubles]
    heard = [m for m in members if m.run.target and m not in lost]
    words = Counter(m.run.state().word for m in heard)
    said = [f"{part}{len(members)}"]
    said += [f"{words[word]} {name}" for word, name in _COUNTED if words[word]]
    out = sum(member.trouble is not None for member in members)
    said += [
        f"{count} {name}" for count, name in ((len(lost), "lost"), (out, "not reached")) if count
    ]
    while len(said) > 1 and len(" · ".join(said)) > columns - 12:
        said.pop()
    return [(" · ".join(said), "dim")]


def _sentence(rows: Sequence[Member], view: FleetView) -> list[Row]:
    """A blank line and what there is to say about the member under the cursor."""
    member = next((m for m in rows if m.word == view.cursor), rows[0] if rows else None)
    if member is None:
        return []
    style: Style = "label"
    link = member.run.troubles.get("link")
    if member.trouble is not None:
        text, style = _why(member.trouble), "critical"
    elif member.run.target is None:
        text = "others are connected first" if member.waits else "no answer yet"
    elif link is not None:
        text, style = _why(link), "warning"
    else:
        reason = member.run.state().reason
        text = (
            clean(reason)
            or nodes.sentence(member.run)
            or clean(member.run.verdict(member.now).headline)
        )
    everywhere = [clean(called(member.run, node), 40) for node in member.run.nodes]
    on = f"on {', '.join(everywhere)}: " if len(everywhere) > 1 else ""
    return [[], [(f" {cells.name(member)}: ", "value"), (on, "dim"), (text, style)]]
