"""Several runs as a table: a row for each, and what is the matter with the one that is chosen.

The law of this file: a run that cannot be watched says why in its own row; as the width shrinks
columns go, name and state last. The best is marked only where all are measured by the same thing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw import bars, gap, header, nodes, units
from trainwatch.draw.rows import Picture, Row, clip, fit, length, width
from trainwatch.read.clean import clean
from trainwatch.run.node import called

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.facts import Trouble
    from trainwatch.run.run import Run
    from trainwatch.run.state import Word

SORTS = ("as named", "name", "state", "loss", "eval loss", "last sign")
CURVE = 12
"""Columns of the small curve of the loss."""
_ALIVE = ("starting", "running", "stalled", "replaying")
_ORDER = ("failed", "killed", "stalled", "unknown", "running", "replaying", "starting", "ended")
"""States in the order in which they want to be looked at."""
_COUNTED: tuple[tuple[Word, str], ...] = (
    ("running", "training"), ("stalled", "stalled"), ("failed", "failed"), ("killed", "killed"),
    ("ended", "ended"),
)  # fmt: skip
_GAP = 2


class Member(NamedTuple):
    """One of the runs, at a moment."""

    word: str  # the TARGET as it was named; no two are the same
    run: Run
    now: float  # on the clock of its machine
    host: str = ""  # as ssh knows it; "" = this machine
    waits: bool = False  # for others to be connected first

    @property
    def trouble(self) -> Trouble | None:
        """Why nothing at all is known of it."""
        troubles = self.run.troubles
        return None if self.run.target else troubles.get("target") or troubles.get("link")


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
        return sorted(members, key=lambda m: (m.host, _name(m)))
    if sort == "state":
        return sorted(members, key=lambda m: _ORDER.index(m.run.state(m.now).word))
    if sort == "loss":
        return sorted(members, key=lambda m: _last(_loss(m)))
    if sort == "eval loss":
        return sorted(members, key=lambda m: _last(_eval_loss(m)))
    if sort == "last sign":
        return sorted(members, key=lambda m: _last(_age(m)))
    return list(members)


def draw(members: Sequence[Member], view: FleetView, columns: int, lines: int) -> Picture:
    """The table; below it the sentence about the member under the cursor."""
    columns, lines = max(columns, 0), max(lines, 0)
    rows = ordered(members, view.sort)
    table = _Table(rows, max(columns - 1, 0))
    head = [table.head()] if lines >= 3 else []
    foot = _sentence(rows, view) if lines >= len(head) + 4 else []
    room = max(lines - len(head) - len(foot), 0)
    shown = rows[first(rows, view, room) :][:room]
    body = [table.row(m, view) for m in shown]
    body += [[] for _ in range(room - len(body))]
    made = [fit(row, columns) for row in [*head, *body, *foot][:lines]]
    return Picture([("runs", "title")], _note(members), made)


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
    plain = [_name(member) for member in members]
    return [
        m.word if plain.count(name) > 1 else name for m, name in zip(members, plain, strict=True)
    ]


# --- what stands in the cells ---------------------------------------------------------------


def _last(value: float | None) -> tuple[bool, float]:
    """To sort by a number: unknown and broken ones behind."""
    return (value is None or not isfinite(value), value or 0.0)


def _name(member: Member) -> str:
    target = member.run.target
    known = target is not None and (target.name or target.id)
    return clean(known or member.word.removeprefix(f"{member.host}:"), 80) or "the newest run"


def _host(member: Member) -> str:
    """Where it runs; of several machines the first, and how many more."""
    others = len(member.run.nodes) - 1
    return (clean(member.host) or "here") + (f" +{others}" if others else "")


def _state(member: Member) -> tuple[str, Style]:
    trouble = member.trouble
    if trouble is not None:
        return "✗ " + ("not found" if trouble.where == "target" else "no link"), "critical"
    if member.run.target is None:
        return ("○ waiting" if member.waits else "○ connecting"), "dim"
    link = member.run.troubles.get("link")
    if link is not None:
        return f"◌ lost {units.age(member.now - link.at)}", "critical"
    unwell = nodes.state(member.run, member.now)
    text, style = (unwell or header.sign(member.run, header.HeaderView(), member.now))[0]
    return text, style if isinstance(style, str) else "text"


def _step(member: Member) -> str:
    progress = member.run.progress
    done = progress.done
    if done is None:
        loss = member.run.metrics.loss
        done = loss.step(len(loss) - 1) if loss is not None and len(loss) else None
    if done is None:
        return _epoch(member)
    return units.count(done) + (f"/{units.count(progress.total)}" if progress.total else "")


def _epoch(member: Member) -> str:
    """For a training that counts no steps."""
    loss = member.run.metrics.loss
    epoch = member.run.progress.epoch
    if epoch is None and loss is not None and len(loss):
        epoch = loss.epoch(len(loss) - 1)
    return units.UNKNOWN if epoch is None or not isfinite(epoch) else f"epoch {epoch:.2f}"


def _loss(member: Member) -> float | None:
    series = member.run.metrics.loss
    return series.last if series is not None else None


def _eval_loss(member: Member) -> float | None:
    series = member.run.metrics.eval_loss
    return series.last if series is not None else None


def _curve(member: Member) -> str:
    """The loss as means of equal shares of its points."""
    loss = member.run.metrics.loss
    if loss is None or len(loss) < 2:
        return ""
    wide = min(CURVE, len(loss))
    edges = [len(loss) * k // wide for k in range(wide + 1)]
    means = [loss.mean(a, b) for a, b in pairwise(edges)]
    return bars.history([m if m is None or isfinite(m) else None for m in means], CURVE, None)


def _verdict(member: Member) -> tuple[str, Style]:
    verdict = member.run.verdict(member.now)
    if verdict.state == "not-enough-data":
        return units.UNKNOWN, "dim"
    return gap.word(verdict), gap.SEVERITIES[verdict.severity]


def _busy(member: Member) -> str:
    """The mean of the cards that this run uses."""
    cards = [
        card
        for node in member.run.nodes
        for card in node.devices.cards
        if card.ours and not card.stale(node.now(member.now))
    ]
    known = [c.reading.busy for c in cards if c.reading.busy is not None]
    return units.percent(sum(known) / len(known)) if known else units.UNKNOWN


def _eta(member: Member) -> str:
    run = member.run
    if run.state(member.now).word != "running":
        return units.UNKNOWN
    left = run.pace.remaining(member.now)
    return units.duration(left) if left is not None else units.UNKNOWN


def _age(member: Member) -> float | None:
    """Seconds since it last printed something, or since its end."""
    run = member.run
    if run.ended is not None:
        return max(member.now - run.ended.at, 0.0)
    return run.pace.silence(member.now)


def _sign(member: Member) -> str:
    age = _age(member)
    if age is None:
        return units.UNKNOWN
    longer = not member.run.pace.grew and member.run.ended is None
    return (">" if longer else "") + units.age(age)


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
    _Column("state", 10, 14, 0, _state, left=True),
    _Column("step", 9, 15, 2, _step),
    _Column("loss", 8, 8, 1, lambda m: (units.number(_loss(m)), "train")),
    _Column("", CURVE, CURVE, 7, lambda m: (_curve(m), "train-raw"), left=True),
    _Column("eval", 8, 8, 1, lambda m: (units.number(_eval_loss(m)), "eval")),
    _Column("verdict", 11, 15, 3, _verdict, left=True),
    _Column("GPU", 4, 5, 6, _busy),
    _Column("ETA", 7, 8, 4, _eta),
    _Column("sign", 4, 5, 5, _sign),
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
        self._host = min(max(width(_host(m)) for m in members), 16) if hosts else 0
        wanted = max([width(_name(m)) for m in members] + [_NAME])
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
            row.append((_padded(_host(member), self._host, left=True) + " " * _GAP, "label"))
        row.append((_padded(_name(member), self._name, left=True), "cursor" if here else "value"))
        if member.trouble is not None:
            return [*row, *self._reason(member, length(row))]
        for column in self._kept:
            text, style = _cell(column, member)
            row += [(" " * _GAP, "text"), (_padded(text, column.size, column.left), style)]
        return row

    def _reason(self, member: Member, used: int) -> Row:
        text, style = _state(member)
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


def _note(members: Sequence[Member]) -> Row:
    """How many there are, and of what kind."""
    words = Counter(m.run.state(m.now).word for m in members if m.run.target)
    said = [f"{len(members)}"]
    said += [f"{words[word]} {name}" for word, name in _COUNTED if words[word]]
    lost = sum(member.trouble is not None for member in members)
    return [(" · ".join([*said, f"{lost} not reached"] if lost else said), "dim")]


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
        reason = member.run.state(member.now).reason
        text = clean(reason) or clean(member.run.verdict(member.now).headline)
    everywhere = [clean(called(member.run, node), 40) for node in member.run.nodes]
    on = f"on {', '.join(everywhere)}: " if len(everywhere) > 1 else ""
    return [[], [(f" {_name(member)}: ", "value"), (on, "dim"), (text, style)]]
