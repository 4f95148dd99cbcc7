"""One checkpoint in full.

The law of this file: what a person decides by comes first (state, marks, metrics beside the best and
the one before, how to resume), what fills pages last; a letter is never the only sign of a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainwatch.draw import proof, tensors, units
from trainwatch.draw.rows import clip, fit, wrapped
from trainwatch.draw.table import MARKS, STATES, epoch
from trainwatch.read.clean import clean
from trainwatch.run.names import is_task_metric, lower_is_better

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row, Style
    from trainwatch.read.records import ContentsSeen
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.work import Work

_FILES = 40


@dataclass(frozen=True)
class Beside:
    """What else is known when one checkpoint is shown."""

    rows: Sequence[Checkpoint] = ()  # all checkpoints, by step
    contents: ContentsSeen | None = None
    work: Work | None = None  # reading it to the last byte
    folded: bool = True  # layers that are alike stand there once


def details(
    checkpoint: Checkpoint, columns: int, now: float, beside: Beside | None = None
) -> list[Row]:
    """Everything known."""
    beside = beside or Beside()
    seen = checkpoint.seen
    rows: list[Row] = [[(clean(seen.name), "title"), ("  " + seen.state, STATES[seen.state][1])]]
    rows += [[(line, "dim")] for line in wrapped(clean(seen.path), columns)]
    if seen.reason:
        rows += [[(line, STATES[seen.state][1])] for line in wrapped(clean(seen.reason), columns)]
    rows += [_mark_line(name) for name in MARKS if name in checkpoint.marks]
    if beside.work is not None:
        rows += [[], *proof.rows(checkpoint, beside.work)]
    rows += [[], *_facts(checkpoint, now)]
    rows += _metrics(checkpoint, beside.rows)
    rows += _resume(checkpoint, columns)
    rows += _files(checkpoint)
    rows += _inside(beside, columns)
    return [fit(row, max(columns, 0)) for row in rows]


def _mark_line(name: str) -> Row:
    shape, style, meaning = MARKS[name]
    return [(f"{shape} ", style), (meaning, "label")]


def _facts(checkpoint: Checkpoint, now: float) -> list[Row]:
    seen = checkpoint.seen
    resumable = {"full": "everything", "weights": "weights only", "no": "no"}[seen.resumable]
    known = [
        ("step", units.count(seen.step)),
        ("epoch", epoch(checkpoint)),
        ("layout", clean(seen.layout)),
        ("size", units.long_size(checkpoint.bytes)),
        ("age", units.duration(now - seen.created)),
        ("resumable", resumable),
        *((clean(k), clean(v)) for k, v in seen.facts),
    ]
    return [_pair(name, value) for name, value in known]


def _metrics(checkpoint: Checkpoint, rows: Sequence[Checkpoint]) -> list[Row]:
    """Each metric here, its difference to the best and to the one before."""
    if not checkpoint.metrics:
        return []
    before = _before(checkpoint, rows)
    out: list[Row] = [[], [("metrics at this step", "title")]]
    others = [dict(r.metrics) for r in rows if r.seen.state == "complete"]
    if rows:
        out[-1].append((f"{'against the best':>31}{'the one before':>17}", "dim"))
    for key, here in sorted(checkpoint.metrics):
        row = _pair(clean(key), f"{units.number(here):<10}")
        values = [o[key] for o in others if key in o]
        if ("loss" in key or is_task_metric(key)) and len(values) > 1:
            best = (min if lower_is_better(key) else max)(values)
            row.append(
                _difference(here, best, key, 12) if here != best else (f"{'best':>12}", "best")
            )
            earlier = dict(before.metrics).get(key) if before else None
            if earlier is not None:
                row.append(_difference(here, earlier, key, 17))
        out.append(row)
    return out


def _before(checkpoint: Checkpoint, rows: Sequence[Checkpoint]) -> Checkpoint | None:
    """The one that was saved before it."""
    step = checkpoint.seen.step
    earlier = [
        r for r in rows if r.seen.step is not None and step is not None and r.seen.step < step
    ]
    return max(earlier, key=lambda r: r.seen.step or 0, default=None)


def _difference(here: float, there: float, key: str, columns: int) -> tuple[str, Style]:
    change = here - there
    style: Style = "text"
    if change:
        style = "ok" if (change < 0) == lower_is_better(key) else "warning"
    return units.signed(change, 4).rjust(columns), style


def _resume(checkpoint: Checkpoint, columns: int) -> list[Row]:
    if not checkpoint.resume:
        return []
    out: list[Row] = [[], [("resume", "title")]]
    lines = wrapped(clean(checkpoint.resume), max(columns - 2, 1))
    return out + [[("  " + line, "accent")] for line in lines]


def _files(checkpoint: Checkpoint) -> list[Row]:
    files = sorted(checkpoint.seen.files, key=lambda f: -f.size)
    told = ", ".join(f"{p} {units.size(n)}" for p, n in checkpoint.seen.parts.items() if n)
    out: list[Row] = [[], [(f"files ({len(files)})", "title"), (f"  {told}", "dim")]]
    out += [
        [
            (f"  {units.size(file.size):>6}  ", "value"),
            (f"{file.part:<10}", "dim"),
            (clean(file.path), "text"),
        ]
        for file in files[:_FILES]
    ]
    if len(files) > _FILES:
        out.append([(f"  and {len(files) - _FILES} smaller ones", "dim")])
    return out


def _inside(beside: Beside, columns: int) -> list[Row]:
    contents = beside.contents
    if contents is None:
        return []
    out: list[Row] = []
    if contents.tensors:
        out += [[], [("tensors", "title")]]
        out += tensors.rows(contents.tensors, columns, folded=beside.folded)
    if contents.arguments:
        out += [[], [("training arguments", "title")]]
        out += [_pair(name, value) for name, value in contents.arguments]
    out += [[("  " + name, "label"), (f": {why}", "warning")] for name, why in contents.faults]
    if not contents.done:
        out += [[], [("reading …", "dim")]]
    return out


def _pair(name: str, value: str) -> Row:
    return [(f"  {clip(name, 24):<26}", "label"), (value, "value")]
