"""What a person should know about the checkpoints without asking.

The law of this file: one sentence each, the most pressing first, with the names and numbers it rests
on; nothing where all is well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.guards import newest_resumable
from trainwatch.run.marks import ANOTHER, APART
from trainwatch.run.names import lower_is_better
from trainwatch.run.noise import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.checkpoints import Checkpoint
    from trainwatch.run.run import Run


class Runway(NamedTuple):
    """For how many more saves the disk has room."""

    saves: int
    seconds: float | None  # until it is full; None while the pace is not known
    keeps: int | None  # the training deletes down to so many, so that it is not filled at all


def runway(run: Run, rows: Sequence[Checkpoint]) -> Runway | None:
    """By the size of the last whole ones; None while that or the disk is not known."""
    whole = [r for r in rows if r.seen.state == "complete" and r.bytes and _is_live(r)]
    free = run.machine.disk_free if run.machine else None
    if not whole or free is None:
        return None
    usual = median([r.bytes for r in whole[-3:]])
    saves = int(free // max(usual, 1))
    steps = sorted({r.seen.step for r in whole if r.seen.step is not None})
    rate, seconds = run.pace.rate, None
    if len(steps) > 1 and rate and run.ended is None:
        seconds = saves * (steps[-1] - steps[-2]) / rate
    limit = dict(max(whole, key=lambda r: r.seen.created).seen.facts).get("save_total_limit", "")
    keeps = int(limit) if limit.isdigit() and 0 < int(limit) <= len(whole) else None
    return Runway(saves, seconds, keeps)


def advice(run: Run, rows: Sequence[Checkpoint]) -> list[str]:
    """The sentences."""
    rows = [row for row in rows if ANOTHER not in row.marks]
    found = [_damaged(rows), _unreadable(rows), _full(run, rows), _direction(rows)]
    return [sentence for sentence in found if sentence]


def short(checkpoint: Checkpoint) -> str:
    """Its step, or its name."""
    seen = checkpoint.seen
    return seen.name if seen.step is None else str(seen.step)


def _name(checkpoint: Checkpoint) -> str:
    return checkpoint.seen.name


def _is_live(row: Checkpoint) -> bool:
    return "final" not in row.marks and not APART.intersection(row.marks)


def _damaged(rows: Sequence[Checkpoint]) -> str:
    """The newest cannot be resumed from: which one can."""
    live = [r for r in rows if _is_live(r) and r.seen.state != "writing"]
    newest = max(live, key=lambda r: (r.seen.step or 0, r.seen.created), default=None)
    if newest is None or newest.seen.state not in ("incomplete", "corrupt"):
        return ""
    why = newest.seen.reason or newest.seen.state
    good = newest_resumable(rows)
    named = short if good is None or short(good) != short(newest) else _name
    then = f"resume from {named(good)}" if good else "none can be resumed from"
    return f"{named(newest)} is {newest.seen.state} ({why}): {then}"


def _unreadable(rows: Sequence[Checkpoint]) -> str:
    odd = [r for r in rows if r.seen.state == "unreadable"]
    if not odd:
        return ""
    more = f" and {len(odd) - 1} more" if odd[1:] else ""
    return f"{short(odd[0])}{more} cannot be judged: {odd[0].seen.reason or 'not readable'}"


def _full(run: Run, rows: Sequence[Checkpoint]) -> str:
    room = runway(run, rows)
    if room is None or room.saves >= 2 or run.ended is not None:
        return ""
    left = "the next save does not fit on the disk" if not room.saves else "one more save fits"
    return f"{left}: free some space (d deletes, x drops optimizer states)"


def _direction(rows: Sequence[Checkpoint]) -> str:
    """The Trainer maximises whatever does not end in "loss", unless it is told otherwise."""
    newest = max(rows, key=lambda r: r.seen.created, default=None)
    told = dict(newest.seen.facts) if newest else {}
    metric, greater = told.get("metric_for_best_model", ""), told.get("greater_is_better", "")
    if greater not in ("True", "False") or not metric:
        return ""
    if (greater == "True") == lower_is_better(metric):
        way = "largest" if greater == "True" else "smallest"
        return f"the Trainer keeps the {way} {metric} as best: is greater_is_better meant so?"
    return ""
