"""What speaks against taking a checkpoint away, and which of many may go.

The law of this file: a hard reason cannot be overruled, because a training would break or nobody
could name what goes; every other one gives way to a person who says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.marks import ANOTHER, APART
from trainwatch.run.work import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.checkpoints import Checkpoint


class Guard(NamedTuple):
    """One reason."""

    text: str  # "it is ..."
    hard: bool = False


class Plan(NamedTuple):
    """Which checkpoints go, and why the others stay."""

    going: tuple[Checkpoint, ...]
    staying: tuple[tuple[Checkpoint, str], ...]

    @property
    def freed(self) -> int:
        """Bytes, as far as nothing shares them."""
        return sum(each.bytes for each in self.going)


def guards(checkpoint: Checkpoint, rows: Sequence[Checkpoint], over: bool) -> list[Guard]:
    """Why this one should stay, the hard reasons first. ``over``: the training has ended."""
    seen, marks = checkpoint.seen, checkpoint.marks
    found = []
    if seen.state == "writing":
        found.append(Guard("it is being written", hard=True))
    if not is_apart(checkpoint, rows):
        found.append(Guard("it is not a folder or file of its own", hard=True))
    if ANOTHER in marks:
        found.append(Guard("it is another training's"))
    if "best" in marks:
        found.append(Guard("it has the best eval loss"))
    if "gold-best" in marks:
        found.append(Guard("it is the best on the gold set"))
    if checkpoint is newest_resumable(rows):
        found.append(Guard(f"it is the newest that can be resumed from{'' if over else ' now'}"))
    if "kept" in marks:
        found.append(Guard("it is kept on purpose"))
    if "final" in marks:
        found.append(Guard("it holds the final weights"))
    return found


def is_apart(checkpoint: Checkpoint, rows: Sequence[Checkpoint]) -> bool:
    """Whether what lies at its path is this checkpoint and nothing else."""
    path = checkpoint.seen.path.rstrip("/")
    others = [r.seen.path for r in rows if r is not checkpoint]
    inside = any(other == path or other.startswith(path + "/") for other in others)
    named = path.rpartition("/")[2] == checkpoint.seen.name
    return named and not inside and not reach(checkpoint.seen)[1]


def newest_resumable(rows: Sequence[Checkpoint]) -> Checkpoint | None:
    """The one that a training would go on from."""
    whole = [
        r
        for r in rows
        if r.seen.state == "complete"
        and r.seen.resumable == "full"
        and not APART.intersection(r.marks)
    ]
    return max(whole, key=lambda r: (r.seen.step or 0, r.seen.created), default=None)


def plan(rows: Sequence[Checkpoint], last: int, over: bool) -> Plan:
    """All may go but the guarded ones and the newest ``last`` complete ones."""
    whole = [r for r in rows if r.seen.state == "complete" and not APART.intersection(r.marks)]
    newest = sorted(whole, key=lambda r: (r.seen.step or 0, r.seen.created))[-last:] if last else []
    paths = {r.seen.path for r in newest}
    going, staying = [], []
    for row in rows:
        reasons = [guard.text.removeprefix("it ") for guard in guards(row, rows, over)]
        if row.seen.path in paths:
            reasons.append("is the newest" if last == 1 else f"is among the newest {last}")
        if reasons:
            staying.append((row, ", ".join(reasons)))
        else:
            going.append(row)
    return Plan(tuple(going), tuple(staying))
