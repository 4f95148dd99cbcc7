"""The table of checkpoints.

The law of this file: a mark is a shape, never a colour alone; as the width shrinks columns go, the
step and the chosen measure last; where checkpoints lie in several folders, each says in which.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.draw import bars, units
from trainwatch.draw.rows import clip, fit
from trainwatch.read.clean import clean
from trainwatch.run.marks import ANOTHER, OLDER
from trainwatch.run.names import lower_is_better

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trainwatch.draw.rows import Row, Style
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.run import Run

MARKS: Mapping[str, tuple[str, Style, str]] = {
    "best": ("★", "best", "best eval loss"),
    "gold-best": ("◆", "eval", "best on the gold set"),
    "last": ("›", "accent", "newest complete"),
    "kept": ("■", "info", "kept on purpose"),
    "final": ("●", "ok", "final weights"),
    "next-to-go": ("×", "warning", "the next one the training deletes"),
    ANOTHER: ("≠", "dim", "another training's: never best, newest or resumed from"),
    OLDER: ("<", "dim", "older than this run"),
}
"""Shape, style and meaning of each mark, the weightiest first."""
STATES: Mapping[str, tuple[str, Style]] = {
    "writing": ("~", "info"), "incomplete": ("!", "warning"), "corrupt": ("!", "critical"),
    "unreadable": ("?", "warning"), "complete": (" ", "text"),
}  # fmt: skip
LOSS = "eval_loss"
SORTS = ("step", LOSS, "size", "age")
"""The second is the chosen measure, whichever that is."""
_TIMINGS = ("runtime", "per_second", "preparation_time")
_MARK = 4


@dataclass(frozen=True)
class CheckpointsView:
    """How a person looks at the list."""

    cursor: str | None = None  # path of the checkpoint that is stood on
    top: int = 0  # first row shown
    sort: str = "step"  # one of SORTS
    reverse: bool = False
    filter: str = ""  # only those that hold all these words
    measure: str = LOSS  # what "best" means: a metric, or "gold:" and one of a gold set
    chosen: frozenset[str] = field(default_factory=frozenset)  # paths picked for a comparison


def measures(rows: Sequence[Checkpoint]) -> list[str]:
    """Everything that can be called best by."""
    found = [LOSS]
    for row in rows:
        found += [k for k, _ in row.metrics if k != LOSS and not k.endswith(_TIMINGS)]
    found += [f"gold:{gold.metric}" for row in rows for gold in row.gold]
    return list(dict.fromkeys(found))


def value(checkpoint: Checkpoint, measure: str) -> float | None:
    """What a checkpoint reached by a measure."""
    if measure == LOSS:
        return checkpoint.eval_loss
    if measure.startswith("gold:"):
        found = (g.value for g in checkpoint.gold if f"gold:{g.metric}" == measure)
        return next(found, None)
    return dict(checkpoint.metrics).get(measure)


def ordered(run: Run, view: CheckpointsView) -> list[Checkpoint]:
    """The checkpoints as they are shown."""
    rows = run.checkpoints.rows()
    if view.measure != LOSS:
        rows = _marked(rows, view.measure)
    words = view.filter.lower().split()
    rows = [r for r in rows if all(word in _text(r) for word in words)]
    if view.sort == LOSS:
        sign = 1 if lower_is_better(view.measure) else -1
        found = [(value(r, view.measure), r) for r in rows]
        rows = [r for v, r in sorted(found, key=lambda p: (p[0] is None, sign * (p[0] or 0.0)))]
    elif view.sort == "size":
        rows = sorted(rows, key=lambda c: -c.bytes)
    elif view.sort == "age":
        rows = sorted(rows, key=lambda c: -c.seen.created)
    return rows[::-1] if view.reverse else rows


def _text(row: Checkpoint) -> str:
    seen = row.seen
    return f"{seen.path} {seen.state} {seen.layout} {' '.join(row.marks)}".lower()


def _marked(rows: Sequence[Checkpoint], measure: str) -> list[Checkpoint]:
    """The mark of the best moved to the best by this measure."""
    known = [
        (found, r)
        for r in rows
        if (found := value(r, measure)) is not None and isfinite(found)
        and r.seen.state == "complete" and not {"final", ANOTHER, OLDER} & set(r.marks)
    ]  # fmt: skip
    pick = min if lower_is_better(measure) else max
    best = pick(known, key=lambda pair: pair[0])[1] if known else None
    plain = [replace(r, marks=tuple(m for m in r.marks if m != "best")) for r in rows]
    return [
        replace(p, marks=("best", *p.marks)) if r is best else p
        for p, r in zip(plain, rows, strict=True)
    ]


class _Column(NamedTuple):
    """One column of the table."""

    name: str
    size: int
    rank: int  # the higher, the sooner it goes
    text: Callable[[Checkpoint, float], str]


def _step(c: Checkpoint, _: float) -> str:
    seen = c.seen
    return units.count(seen.step) if seen.step is not None else clip(clean(seen.name), 8)


def epoch(c: Checkpoint, _: float = 0.0) -> str:
    """The epoch with two decimals."""
    return units.UNKNOWN if c.seen.epoch is None else f"{c.seen.epoch:.2f}"


def _gold(c: Checkpoint, _: float) -> str:
    first = next(iter(c.gold), None)
    return units.number(first.value, 3) if first else units.UNKNOWN


def _folder(c: Checkpoint, _: float, back: int) -> str:
    return clip(clean((c.seen.path.rstrip("/").split("/")[:-1] or [""])[-back:][0]), 9)


def _differs(rows: Sequence[Checkpoint]) -> int:
    """Which folder above tells the checkpoints apart, counted upwards; 0 where none does.

    Of ``version_0/checkpoints`` and ``version_1/checkpoints`` it is the second.
    """
    above = [r.seen.path.rstrip("/").split("/")[:-1] for r in rows if "final" not in r.marks]
    depths = range(1, min(map(len, above), default=0) + 1)
    return next((back for back in depths if len({names[-back] for names in above}) > 1), 0)


def _parts(c: Checkpoint, _: float) -> str:
    """Weights and optimizer state."""
    sums = [c.seen.parts[part] for part in ("weights", "optimizer")]
    return "+".join(units.size(one) if one else units.UNKNOWN for one in sums)


def _columns(view: CheckpointsView, rows: Sequence[Checkpoint]) -> list[_Column]:
    name = view.measure.removeprefix("gold:")
    title = name if name == LOSS else clip(clean(name.removeprefix("eval_")), 9)
    found = [
        _Column("step", 8, 0, _step),
        _Column("epoch", 7, 6, epoch),
        _Column(title, 11, 1, lambda c, _: units.number(value(c, view.measure))),
        _Column("gap", 9, 3, lambda c, _: units.signed(c.gap)),
        _Column("gold", 7, 4, _gold),
        _Column("size", 8, 5, lambda c, _: units.size(c.bytes)),
        _Column("weights+opt", 14, 7, _parts),
        _Column("age", 6, 2, lambda c, now: units.age(now - c.seen.created)),
    ]
    if back := _differs(rows):
        found.insert(1, _Column("in", 10, 2, partial(_folder, back=back)))
    return found


class Table:
    """Which columns there is room for, and the scale of the small bars."""

    def __init__(self, run: Run, rows: Sequence[Checkpoint], columns: int, now: float,
                 view: CheckpointsView) -> None:  # fmt: skip
        self._columns, self._now, self._view = columns, now, view
        self._saved_in = run.checkpoints.saved_in
        kept = [
            c
            for c in _columns(view, rows)
            if c.rank < 2 or any(c.text(r, now).strip(units.UNKNOWN + "+") for r in rows)
        ]
        while len(kept) > 1 and _MARK + sum(c.size for c in kept) > columns:
            kept.remove(max(kept, key=lambda c: c.rank))
        self._kept = kept
        self._measured = next((c for c in kept if c.rank == 1), None)
        known = [v for r in rows if (v := value(r, view.measure)) is not None]
        self._low, self._high = min(known, default=0.0), max(known, default=0.0)
        spare = columns - _MARK - sum(c.size for c in kept)
        self._gap = min(max(spare // len(kept), 0), 4)

    def head(self) -> Row:
        """The names of the columns."""
        return [(" " * _MARK + self._joined([c.name for c in self._kept]), "dim")]

    def row(self, checkpoint: Checkpoint, view: CheckpointsView) -> Row:
        """One checkpoint; a bar of one column shows how its measure compares."""
        seen = checkpoint.seen
        if seen.path == view.cursor:
            return self._flat(checkpoint, view, "cursor")
        if {ANOTHER, OLDER} & set(checkpoint.marks):
            return self._flat(checkpoint, view, "dim")
        if seen.state != "complete":
            return [*marks(checkpoint, view), *self._unfinished(checkpoint)]
        out = marks(checkpoint, view)
        reached = value(checkpoint, view.measure)
        for column in self._kept:
            text = column.text(checkpoint, self._now)
            cell = text.rjust(column.size + self._gap)
            if column is self._measured and reached is not None:
                bar = bars.small_bar(self._share(reached))
                style: Style = "best" if "best" in checkpoint.marks else "value"
                out += [
                    (cell[: -len(text) - 2], "text"),
                    (bar, "bar"),
                    (" ", "text"),
                    (text, style),
                ]
            else:
                out.append((cell, "label" if column.rank else "value"))
        return out

    def _flat(self, checkpoint: Checkpoint, view: CheckpointsView, style: Style) -> Row:
        """A row in one style: under the cursor, or of another training."""
        before = "".join(text for text, _ in marks(checkpoint, view))
        if checkpoint.seen.state != "complete":
            rest = "".join(text for text, _ in self._unfinished(checkpoint))
        else:
            rest = self._joined([c.text(checkpoint, self._now) for c in self._kept])
        whole = fit([(before + rest, "text")], self._columns)
        return [("".join(text for text, _ in whole), style)]

    def _joined(self, texts: Sequence[str]) -> str:
        return "".join(t.rjust(c.size + self._gap) for t, c in zip(texts, self._kept, strict=True))

    def _share(self, reached: float) -> float:
        if self._high <= self._low or not isfinite(reached):
            return 0.0
        share = (reached - self._low) / (self._high - self._low)
        return share if lower_is_better(self._view.measure) else 1 - share

    def _unfinished(self, checkpoint: Checkpoint) -> Row:
        """What is wrong with it, or how far it is being written."""
        seen = checkpoint.seen
        step = _step(checkpoint, 0).rjust(self._kept[0].size + self._gap)
        style = STATES[seen.state][1]
        if seen.state == "writing":
            share = f" {units.percent(seen.progress)}" if seen.progress is not None else ""
            left = self._saved_in(seen)
            soon = f", {units.duration(left)} left" if left is not None else ""
            return [(step, "value"), (f"   saving …{share}{soon}", style)]
        why = f": {clean(seen.reason)}" if seen.reason else ""
        return [(step, "value"), (f"   {seen.state}{why}", style)]


def marks(checkpoint: Checkpoint, view: CheckpointsView) -> Row:
    """Two marks at most, the weightiest first."""
    found = [] if checkpoint.seen.state == "complete" else [STATES[checkpoint.seen.state]]
    found += [
        (shape, style) for name, (shape, style, _) in MARKS.items() if name in checkpoint.marks
    ]
    if checkpoint.seen.path in view.chosen:
        found.insert(0, ("=", "found"))
    found = found[:2]
    return [(" ", "text"), *found, (" " * (_MARK - 1 - len(found)), "text")]
