"""Which checkpoint is best, newest, left over or in danger.

The law of this file: what lies in one folder is one run's; where several runs lie below the same
root each has a best and a newest of its own. Best is by the eval loss; where none was measured, by
the number that the training itself watches, or that most of its checkpoints tell, or else by name.
"""

from __future__ import annotations

import re
from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.names import is_task_metric, lower_is_better
from trainwatch.run.rotation import next_to_go
from trainwatch.run.worth import best_by_gold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen
    from trainwatch.run.belonging import Since
    from trainwatch.run.checkpoints import Checkpoint

_INSIDE = {
    "checkpoints", "checkpoint", "ckpts", "ckpt", "kept", "weights", "models", "backup",
    "best_model", "adapters", "snapshots",
}  # fmt: skip
_BEST = re.compile(r"(^|[-_./])best($|[-_.])")
ANOTHER = "another-run"
"""The mark of what is not this run's: it has no other but that it is old, or kept."""
OLDER = "older-run"
"""The mark of what an earlier run left in this run's folder."""
APART = frozenset((ANOTHER, OLDER, "kept"))
"""Marks of what this run would not go on from."""
_LEFT = 60.0
"""Seconds by which a checkpoint must be older than one of a lower step to be of an earlier run."""


class Measure(NamedTuple):
    """What "best" means where no eval loss is known."""

    name: str
    lower: bool


def home(seen: CheckpointSeen) -> str:
    """The folder of the run that it belongs to."""
    path = seen.path.rstrip("/")
    if seen.is_final:
        return path
    above, _, name = path.rpartition("/")[0].rpartition("/")
    return above if name in _INSIDE and above else f"{above}/{name}"


def marked(
    rows: Sequence[Checkpoint],
    since: Since,
    over: bool,
    strangers: frozenset[str] = frozenset(),
) -> dict[str, tuple[str, ...]]:
    """The marks of each path. ``since``: when the one run began whose checkpoints these are.

    ``strangers`` are the paths of those that are not its.
    """
    marks = {
        row.seen.path: _strange(row, since.started) for row in rows if row.seen.path in strangers
    }
    families: dict[str, list[Checkpoint]] = {}
    for row in rows:
        if row.seen.path in strangers:
            continue
        families.setdefault("" if since.started is not None else home(row.seen), []).append(row)
    for family in families.values():
        marks |= _family(family, since, over)
    return marks


def _strange(row: Checkpoint, started: float | None) -> tuple[str, ...]:
    old = started is not None and row.seen.created < started
    has = {ANOTHER: True, OLDER: old, "kept": _is_kept(row.seen)}
    return tuple(name for name, true in has.items() if true)


def _family(rows: Sequence[Checkpoint], since: Since, over: bool) -> dict[str, tuple[str, ...]]:
    left = _left_over(rows, since)
    whole = [r for r in rows if r.seen.state == "complete"]
    saved = [r for r in whole if not r.seen.is_final]
    recent = [r for r in saved if r.seen.path not in left]
    resumable = [r for r in recent if r.seen.resumable == "full" and not _is_kept(r.seen)]
    best, last, resume = _best(recent), _newest(recent), _newest(resumable)
    by_gold = _best_by_gold([r for r in rows if r.seen.path not in left])
    going = () if over else next_to_go([r.seen for r in rows if not _is_kept(r.seen)])
    found = {}
    for row in rows:
        has = {
            "best": row is best,
            "last": row is last,
            "newest-resumable": row is resume and row is not last,
            "gold-best": row is by_gold,
            "final": row.seen.is_final,
            "kept": _is_kept(row.seen),
            "next-to-go": row.seen.path in going,
            OLDER: row.seen.path in left,
        }
        found[row.seen.path] = tuple(name for name, true in has.items() if true)
    return found


def _newest(rows: Sequence[Checkpoint]) -> Checkpoint | None:
    """The one of the highest step; where they count none, of the highest epoch, or the newest."""
    return max(
        rows,
        key=lambda r: (
            r.seen.step or 0, r.seen.epoch or 0.0, not _is_kept(r.seen), r.seen.created,
        ),
        default=None,
    )  # fmt: skip


def _left_over(rows: Sequence[Checkpoint], since: Since) -> set[str]:
    """A second run into the same folder leaves the higher numbers of the first behind."""
    started = since.started
    if started is not None and not since.resumed:
        newer = any(r.seen.created >= started for r in rows)
        return {r.seen.path for r in rows if newer and r.seen.created < started}
    counted = [r.seen for r in rows if r.seen.step is not None and not r.seen.is_final]
    found = set()
    latest = 0.0
    for seen in sorted(counted, key=lambda seen: seen.step or 0):
        if seen.created < latest - _LEFT:
            found.add(seen.path)
        latest = max(latest, seen.created)
    return found


def _best(rows: Sequence[Checkpoint]) -> Checkpoint | None:
    by_loss = [r for r in rows if r.eval_loss is not None and isfinite(r.eval_loss)]
    if by_loss:
        return min(by_loss, key=lambda r: (r.eval_loss or 0.0, _is_kept(r.seen)))
    measure = _measure(rows)
    if measure is None:
        return next((r for r in rows if _BEST.search(r.seen.name)), None)
    known = [(value, r) for r in rows if (value := dict(r.metrics).get(measure.name)) is not None]
    known = [(value if measure.lower else -value, r) for value, r in known if isfinite(value)]
    return min(known, key=lambda pair: pair[0])[1] if known else None


def _measure(rows: Sequence[Checkpoint]) -> Measure | None:
    """What to go by: what the training watches, then a loss, then what measures the task."""
    told = Counter(name for row in rows for name, _ in row.metrics)
    for row in sorted(rows, key=lambda r: -r.seen.created):
        facts = dict(row.seen.facts)
        name = facts.get("metric_for_best_model", facts.get("monitor", ""))
        spelled = name if name in told else f"eval_{name}"
        if spelled in told:
            way = facts.get("greater_is_better")
            return Measure(spelled, lower_is_better(name) if way is None else way != "True")
    common = sorted(
        (n for n in told if is_task_metric(n) or n == "loss"), key=lambda n: (n != "loss", -told[n])
    )
    return Measure(common[0], lower_is_better(common[0])) if common else None


def _best_by_gold(rows: Sequence[Checkpoint]) -> Checkpoint | None:
    """The best by the first gold-set metric."""
    metric = next((g.metric for row in rows for g in row.gold), None)
    found = best_by_gold(rows, metric) if metric is not None else []
    return found[0] if found else None


def _is_kept(seen: CheckpointSeen) -> bool:
    *folders, name = seen.path.rstrip("/").split("/")
    return name.startswith("kept-") or "kept" in folders[-1:]
