"""The checkpoints as a table, and one of them in full.

The law of this file: a mark is a shape with a letter behind it in the details, never a colour alone;
as the width shrinks columns go, the step and the loss last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw import bars, units
from trainwatch.draw.packing import Piece, packed
from trainwatch.draw.rows import Picture, Row, clip, fit, width, wrapped
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trainwatch.draw.rows import Style
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.run import Run

MARKS: Mapping[str, tuple[str, Style, str]] = {
    "best": ("★", "best", "best eval loss"),
    "gold-best": ("◆", "eval", "best on the gold set"),
    "last": ("›", "accent", "newest complete"),
    "kept": ("■", "info", "kept on purpose"),
    "final": ("●", "ok", "final weights"),
    "next-to-go": ("×", "warning", "the next one the training deletes"),
}
"""Shape, style and meaning of each mark, the weightiest first."""
_STATES: Mapping[str, tuple[str, Style]] = {
    "writing": ("~", "info"), "incomplete": ("!", "warning"), "corrupt": ("!", "critical"),
    "unreadable": ("?", "warning"), "complete": (" ", "text"),
}  # fmt: skip
SORTS = ("step", "eval_loss", "size", "age")


@dataclass(frozen=True)
class CheckpointsView:
    """How a person looks at the list."""

    cursor: str | None = None  # path of the checkpoint that is stood on
    top: int = 0  # first row shown
    sort: str = "step"  # one of SORTS
    chosen: frozenset[str] = field(default_factory=frozenset)  # paths picked for a comparison


def ordered(run: Run, view: CheckpointsView) -> list[Checkpoint]:
    """The checkpoints in the order in which they are shown."""
    rows = run.checkpoints.rows(run.target.command if run.target else ())
    if view.sort == "eval_loss":
        return sorted(rows, key=lambda c: (c.eval_loss is None, c.eval_loss or 0.0))
    if view.sort == "size":
        return sorted(rows, key=lambda c: -c.bytes)
    if view.sort == "age":
        return sorted(rows, key=lambda c: -c.seen.created)
    return rows


def draw(run: Run, view: CheckpointsView, columns: int, lines: int, now: float) -> Picture:
    """The table with its footer."""
    columns, lines = max(columns, 0), max(lines, 0)
    rows = ordered(run, view)
    title: Row = [("checkpoints", "title")]
    if not rows:
        return Picture(title, [], _none(run, columns, lines))
    table = _Table(rows, max(columns - 1, 0), now)
    foot = _foot(run, columns) if lines >= 4 else []
    head = [table.head()] if lines >= 3 else []
    room = max(lines - len(head) - len(foot), 0)
    shown = rows[first(rows, view, room) :][:room]
    body = [table.row(c, view) for c in shown]
    body += [[] for _ in range(room - len(body))]
    made = [fit(row, columns) for row in [*head, *body, *foot][:lines]]
    return Picture(title, _note(run, rows), made)


def first(rows: Sequence[Checkpoint], view: CheckpointsView, room: int) -> int:
    """The first row that is shown, so that the cursor is seen."""
    top = min(max(view.top, 0), max(len(rows) - room, 0))
    at = next((k for k, c in enumerate(rows) if c.seen.path == view.cursor), None)
    if at is None:
        return max(len(rows) - room, 0) if view.cursor is None and view.top == 0 else top
    return min(max(top, at - room + 1), at)


def at(run: Run, view: CheckpointsView, columns: int, lines: int, y: int) -> Checkpoint | None:
    """The checkpoint on line ``y`` of the drawn table."""
    rows = ordered(run, view)
    head = 1 if lines >= 3 else 0
    room = max(lines - head - (len(_foot(run, columns)) if lines >= 4 else 0), 0)
    number = first(rows, view, room) + y - head
    return rows[number] if 0 <= y - head < room and number < len(rows) else None


def _note(run: Run, rows: Sequence[Checkpoint]) -> Row:
    total = sum(c.bytes for c in rows)
    words = [units.count(len(rows)), units.long_size(total)]
    whole = [c.bytes for c in rows if c.seen.state == "complete" and c.bytes]
    free = run.machine.disk_free if run.machine else None
    style: Style = "dim"
    if whole and free is not None:
        room = int(free // max(whole[-1], 1))
        words.append(f"room for {units.short(room)} more")
        style = "warning" if room < 2 else "dim"
    return [(" · ".join(words), style)]


def _none(run: Run, columns: int, lines: int) -> list[Row]:
    roots = run.target.roots if run.target else []
    trouble = run.troubles.under("folder")
    texts = ["no checkpoint yet"]
    if trouble is not None:
        texts = [clean(trouble.text), clean(trouble.fix)]
    elif roots:
        texts.append(
            f"watching {clean(roots[0])}" + (f" and {len(roots) - 1} more" if roots[1:] else "")
        )
    else:
        texts.append("the output folder is not known: attach it by its path")
    texts += [f"{clean(name)}: {clean(why)}" for name, why in run.checkpoints.odd]
    rows: list[Row] = [[] for _ in range(max((lines - len(texts)) // 2, 0))]
    for number, text in enumerate(t for t in texts if t):
        short = clip(text, max(columns - 2, 0))
        rows.append(
            [
                (" " * max((columns - width(short)) // 2, 0), "text"),
                (short, "dim" if number else "label"),
            ]
        )
    rows += [[] for _ in range(max(lines - len(rows), 0))]
    return [fit(row, columns) for row in rows[:lines]]


def _foot(run: Run, columns: int) -> list[Row]:
    """Which checkpoint each measure picks, and what was not looked into."""
    verdict = run.verdict()
    rows: list[Row] = []
    worth = verdict.worth
    if worth is not None and worth.best_by:
        said = "they disagree: " if worth.disagree else ""
        pieces = []
        for rank, (measure, picked) in enumerate(worth.best_by.items()):
            name: Row = [(f"{_plain(measure)} picks ", "dim"), (_number(picked), "value")]
            pieces.append(Piece([(said, "warning"), *name] if not rank else name, rank))
        rows.append(packed(pieces, [], columns, [(" · ", "dim")]))
    elif verdict.best is not None and verdict.best.checkpoint:
        rows.append([(" eval_loss picks ", "dim"), (_number(verdict.best.checkpoint), "value")])
    odd = run.checkpoints.odd
    if odd:
        more = f" and {len(odd) - 1} more" if odd[1:] else ""
        rows.append([(f" {clean(odd[0][0])}: {clean(odd[0][1])}{more}", "dim")])
    return rows


def _plain(measure: str) -> str:
    return clean(measure.removeprefix("gold:")) if ":" in measure else clean(measure)


def _number(name: str) -> str:
    """The step in a checkpoint's name, or the name itself."""
    return clean(name.removeprefix("checkpoint-"))


# --- the table ----------------------------------------------------------------------------


class _Column(NamedTuple):
    """One column of the table."""

    name: str
    size: int
    rank: int  # the higher, the sooner it goes
    text: Callable[[Checkpoint, float], str]


def _epoch(c: Checkpoint, _: float) -> str:
    return units.UNKNOWN if c.seen.epoch is None else f"{c.seen.epoch:.2f}"


_COLUMNS = (
    _Column("step", 8, 0, lambda c, _: units.count(c.seen.step) if c.seen.step is not None else clip(clean(c.seen.name), 8)),
    _Column("epoch", 7, 5, _epoch),
    _Column("eval_loss", 11, 1, lambda c, _: units.number(c.eval_loss)),
    _Column("gap", 9, 3, lambda c, _: units.signed(c.gap)),
    _Column("size", 8, 4, lambda c, _: units.size(c.bytes)),
    _Column("age", 6, 2, lambda c, now: units.age(now - c.seen.created)),
)  # fmt: skip
_MARK = 4


class _Table:
    """Which columns there is room for, and the scale of the small bars."""

    def __init__(self, rows: Sequence[Checkpoint], columns: int, now: float) -> None:
        self._columns, self._now = columns, now
        kept = [
            c for c in _COLUMNS if c.rank < 2 or any(c.text(r, now) != units.UNKNOWN for r in rows)
        ]
        while len(kept) > 1 and _MARK + sum(c.size for c in kept) > columns:
            kept.remove(max(kept, key=lambda c: c.rank))
        self._kept = kept
        losses = [r.eval_loss for r in rows if r.eval_loss is not None]
        self._low, self._high = min(losses, default=0.0), max(losses, default=0.0)
        spare = columns - _MARK - sum(c.size for c in kept)
        self._gap = min(max(spare // len(kept), 0), 4)

    def head(self) -> Row:
        """The names of the columns."""
        return [(" " * _MARK + self._joined([c.name for c in self._kept]), "dim")]

    def row(self, checkpoint: Checkpoint, view: CheckpointsView) -> Row:
        """One checkpoint; a bar of one column shows how its loss compares."""
        seen = checkpoint.seen
        if seen.path == view.cursor:
            return self._flat(checkpoint, view)
        if seen.state != "complete":
            return [*_marks(checkpoint, view), *self._unfinished(checkpoint)]
        out = _marks(checkpoint, view)
        for column in self._kept:
            text = column.text(checkpoint, self._now)
            cell = text.rjust(column.size + self._gap)
            if column.name == "eval_loss" and checkpoint.eval_loss is not None:
                bar = bars.small_bar(self._share(checkpoint.eval_loss))
                out += [
                    (cell[: -len(text) - 2], "text"),
                    (bar, "bar"),
                    (" ", "text"),
                    (text, _loss_style(checkpoint)),
                ]
            else:
                out.append((cell, "label" if column.rank else "value"))
        return out

    def _flat(self, checkpoint: Checkpoint, view: CheckpointsView) -> Row:
        """The row under the cursor, in one style."""
        marks = "".join(text for text, _ in _marks(checkpoint, view))
        if checkpoint.seen.state != "complete":
            rest = "".join(text for text, _ in self._unfinished(checkpoint))
        else:
            rest = self._joined([c.text(checkpoint, self._now) for c in self._kept])
        whole = fit([(marks + rest, "text")], self._columns)
        return [("".join(text for text, _ in whole), "cursor")]

    def _joined(self, texts: Sequence[str]) -> str:
        return "".join(t.rjust(c.size + self._gap) for t, c in zip(texts, self._kept, strict=True))

    def _share(self, loss: float) -> float:
        return 0.0 if self._high <= self._low else (loss - self._low) / (self._high - self._low)

    def _unfinished(self, checkpoint: Checkpoint) -> Row:
        """What is wrong with it, or how far it is being written."""
        seen = checkpoint.seen
        step = self._kept[0].text(checkpoint, self._now).rjust(self._kept[0].size + self._gap)
        style = _STATES[seen.state][1]
        if seen.state == "writing":
            text = (
                "saving …" if seen.progress is None else f"saving … {units.percent(seen.progress)}"
            )
            return [(step, "value"), (f"   {text}", style)]
        why = f": {clean(seen.reason)}" if seen.reason else ""
        return [(step, "value"), (f"   {seen.state}{why}", style)]


def _loss_style(checkpoint: Checkpoint) -> Style:
    return "best" if "best" in checkpoint.marks else "value"


def _marks(checkpoint: Checkpoint, view: CheckpointsView) -> Row:
    """Two marks at most, the weightiest first."""
    state = _STATES[checkpoint.seen.state]
    found = [] if checkpoint.seen.state == "complete" else [state]
    found += [
        (shape, style) for name, (shape, style, _) in MARKS.items() if name in checkpoint.marks
    ]
    if checkpoint.seen.path in view.chosen:
        found.insert(0, ("=", "found"))
    found = found[:2]
    return [(" ", "text"), *found, (" " * (_MARK - 1 - len(found)), "text")]


# --- one checkpoint in full ---------------------------------------------------------------


def details(checkpoint: Checkpoint, columns: int, now: float) -> list[Row]:
    """Summary, metrics at that step, files, and what is known besides."""
    seen = checkpoint.seen
    rows: list[Row] = [[(clean(seen.name), "title"), ("  " + seen.state, _STATES[seen.state][1])]]
    rows += [[(line, "dim")] for line in wrapped(clean(seen.path), columns)]
    if seen.reason:
        rows += [[(line, _STATES[seen.state][1])] for line in wrapped(clean(seen.reason), columns)]
    rows += [_mark_line(name) for name in MARKS if name in checkpoint.marks]
    rows += [[], *_facts(checkpoint, now)]
    if checkpoint.metrics:
        rows += [[], [("metrics at this step", "title")]]
        rows += [_pair(clean(k), units.number(v)) for k, v in sorted(checkpoint.metrics)]
    rows += [[], [(f"files ({len(seen.files)})", "title")]]
    for file in sorted(seen.files, key=lambda f: -f.size):
        rows.append(
            [
                (f"  {units.size(file.size):>6}  ", "value"),
                (f"{file.part:<10}", "dim"),
                (clean(file.path), "text"),
            ]
        )
    if checkpoint.resume:
        rows += [[], [("resume", "title")]]
        rows += [
            [("  " + line, "accent")]
            for line in wrapped(clean(checkpoint.resume), max(columns - 2, 1))
        ]
    return [fit(row, max(columns, 0)) for row in rows]


def _mark_line(name: str) -> Row:
    shape, style, meaning = MARKS[name]
    return [(f"{shape} ", style), (meaning, "label")]


def _facts(checkpoint: Checkpoint, now: float) -> list[Row]:
    seen = checkpoint.seen
    resumable = {"full": "everything", "weights": "weights only", "no": "no"}[seen.resumable]
    known = [
        ("step", units.count(seen.step)),
        ("epoch", _epoch(checkpoint, now)),
        ("layout", clean(seen.layout)),
        ("size", units.long_size(checkpoint.bytes)),
        ("age", units.duration(now - seen.created)),
        ("resumable", resumable),
        *((clean(k), clean(v)) for k, v in seen.facts),
    ]
    return [_pair(name, value) for name, value in known]


def _pair(name: str, value: str) -> Row:
    return [(f"  {clip(name, 24):<26}", "label"), (value, "value")]
