"""What is freed and what is lost when checkpoints go.

The law of this file: everything that goes is named with its path before a person is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.rows import clip, width
from trainwatch.read.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.draw.rows import Row, Style
    from trainwatch.draw.shapes import Json
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.guards import Guard, Plan


def of_one(checkpoint: Checkpoint, against: Sequence[Guard] = ()) -> list[Row]:
    """One checkpoint that goes as a whole."""
    out: list[Row] = [
        [("goes: ", "warning"), (clean(checkpoint.seen.path), "value")],
        [("frees ", "dim"), (units.long_size(checkpoint.bytes), "value")],
        [("loses ", "dim"), (_lost(checkpoint), "text")],
    ]
    return out + [[("but ", "critical"), (guard.text, "critical")] for guard in against]


def optimizer_files(checkpoint: Checkpoint) -> tuple[str, ...]:
    """What only a training needs that goes on from it."""
    return tuple(f.path for f in checkpoint.seen.files if f.part == "optimizer")


def of_optimizer(checkpoint: Checkpoint) -> list[Row]:
    """The optimizer state of one checkpoint."""
    files = [f for f in checkpoint.seen.files if f.part == "optimizer"]
    named: list[Row] = [[(f"      {clean(f.path)}  {units.size(f.size)}", "label")] for f in files]
    return [
        [("goes: ", "warning"), (clean(checkpoint.seen.path), "value")],
        *named,
        [("frees ", "dim"), (units.long_size(sum(f.size for f in files)), "value")],
        [("the weights stay; a training can no longer go on exactly from here", "text")],
    ]


def of_many(plan: Plan) -> list[Row]:
    """What a clean-up would do."""
    out: list[Row] = []
    every = [*plan.going, *(row for row, _ in plan.staying)]
    wide = max((width(_name(row)) for row in every), default=0)
    out += [_line("stays", row, wide, clean(why)) for row, why in plan.staying]
    out += [_line("goes", row, wide, _lost(row)) for row in plan.going]
    if not plan.going:
        return [*out, [("nothing goes", "dim")]]
    count = f"{len(plan.going)} of {len(every)} checkpoints"
    return [*out, [(f"{count} go, {units.long_size(plan.freed)}", "value")]]


def _line(word: str, row: Checkpoint, wide: int, why: str) -> Row:
    style: Style = "ok" if word == "stays" else "warning"
    name = f"{_name(row):<{wide}}  {units.size(row.bytes):>6}  "
    return [(f"{word:<7}", style), (name, "value"), (why, "dim")]


def _name(row: Checkpoint) -> str:
    return clip(("kept/" if "kept" in row.marks else "") + clean(row.seen.name), 40)


def _lost(checkpoint: Checkpoint) -> str:
    seen = checkpoint.seen
    parts = [] if seen.step is None else [f"step {units.count(seen.step)}"]
    if checkpoint.eval_loss is not None:
        parts.append(f"eval loss {units.number(checkpoint.eval_loss)}")
    if seen.state != "complete":
        parts.append(f"{seen.state}{': ' + clean(seen.reason) if seen.reason else ''}")
    return ", ".join(parts) or clean(seen.layout)


def shape(plan: Plan) -> dict[str, Json]:
    """The same for machines."""
    return {
        "goes": [{"path": r.seen.path, "name": r.seen.name, "bytes": r.bytes} for r in plan.going],
        "stays": [
            {"path": r.seen.path, "name": r.seen.name, "bytes": r.bytes, "why": why}
            for r, why in plan.staying
        ],
        "freed": plan.freed,
    }
