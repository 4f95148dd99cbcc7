"""Two checkpoints side by side, in words.

The law of this file: tensors are told in groups with the layer's number as ``#``, because a model
has hundreds that differ alike; the whole list is for machines.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from trainwatch.draw import units
from trainwatch.draw.rows import clip
from trainwatch.draw.shapes import Json, number
from trainwatch.read.clean import clean
from trainwatch.run.names import is_task_metric, lower_is_better

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trainwatch.draw.rows import Row, Style
    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.comparison import Comparison

_GROUPS = 12
_LAYER = re.compile(r"(?<=\.)\d+(?=\.)")
_TIMINGS = ("runtime", "per_second", "preparation_time")


def rows(pair: tuple[Checkpoint, Checkpoint], found: Comparison, columns: int) -> list[Row]:
    """Everything that differs."""
    before, after = (clean(each.seen.name) for each in pair)
    if before == after:
        before, after = (clean(each.seen.path) for each in pair)
    out: list[Row] = [[(before, "value"), ("  against  ", "dim"), (after, "value")], []]
    out += _metrics(found)
    out += _arguments(found, columns)
    out += _tensors(found)
    out += [
        [("  not compared: ", "warning"), (f"{clean(path)}: {clean(why)}", "label")]
        for path, why in found.unread
    ]
    return out


def _metrics(found: Comparison) -> list[Row]:
    shown = [m for m in found.metrics if not m[0].endswith(_TIMINGS)]
    out: list[Row] = [[("metrics", "title")]] if shown else []
    for name, before, after in shown:
        row: Row = [
            (f"  {clip(clean(name), 28):<30}", "label"),
            (f"{units.number(before):>10} → {units.number(after):<10}", "value"),
        ]
        if before is not None and after is not None:
            style: Style = "text"
            if after != before and ("loss" in name or is_task_metric(name)):
                style = "ok" if (after < before) == lower_is_better(name) else "warning"
            row.append((f"  {units.signed(after - before, 4)}", style))
        out.append(row)
    return [*out, []] if out else []


def _arguments(found: Comparison, columns: int) -> list[Row]:
    out: list[Row] = [[("training arguments", "title")]]
    for change in found.arguments:
        was, now = (clean(v) if v is not None else units.UNKNOWN for v in change[1:])
        room = max((columns - 40) // 2, 12)
        out.append(
            [
                (f"  {clip(clean(change.name), 32):<34}", "label"),
                (f"{clip(was, room)} → {clip(now, room)}", "value"),
            ]
        )
    if not found.arguments:
        out.append([("  none differs", "dim")])
    return [*out, []]


def _tensors(found: Comparison) -> list[Row]:
    groups: tuple[tuple[str, Iterable[str], Style], ...] = (
        ("added", found.added, "info"),
        ("removed", found.removed, "warning"),
        ("reshaped", [f"{c.name}: {c.before} → {c.after}" for c in found.reshaped], "warning"),
        ("changed", found.changed, "accent"),
        ("equal", found.equal, "dim"),
    )
    out: list[Row] = [[("tensors", "title")]]
    for word, names, style in groups:
        listed = list(names)
        if not listed:
            continue
        out.append([(f"  {len(listed):>6,} {word}", style)])
        if word == "equal" and found.changed:
            continue
        grouped = Counter(_LAYER.sub("#", clean(name)) for name in listed)
        for name, count in list(grouped.items())[:_GROUPS]:
            times = f"  × {count}" if count > 1 else ""
            out.append([(f"           {name}{times}", "label")])
        if len(grouped) > _GROUPS:
            out.append([(f"           and {len(grouped) - _GROUPS:,} more kinds", "dim")])
    if len(out) == 1:
        out.append([("  none that can be compared", "dim")])
    elif found.same:
        out.append([("  the weights are identical", "ok")])
    return out


def shape(pair: tuple[Checkpoint, Checkpoint], found: Comparison) -> dict[str, Json]:
    """The same for machines, every tensor named."""
    return {
        "a": pair[0].seen.path,
        "b": pair[1].seen.path,
        "arguments": {c.name: [c.before, c.after] for c in found.arguments},
        "metrics": {name: [number(a), number(b)] for name, a, b in found.metrics},
        "tensors": {
            "added": list(found.added),
            "removed": list(found.removed),
            "reshaped": {c.name: [c.before, c.after] for c in found.reshaped},
            "changed": list(found.changed),
            "equal": list(found.equal),
        },
        "unread": [{"path": path, "why": why} for path, why in found.unread],
    }
