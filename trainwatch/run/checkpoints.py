"""The checkpoints with everything the run knows of them.

The law of this file: what a checkpoint is, its layout said; which one is best, newest or in danger
is said here, from the run's own numbers. A claim of the framework stays a claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainwatch.run.resume import resume_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen, CheckpointsSeen


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint."""

    seen: CheckpointSeen
    marks: tuple[str, ...]  # "best", "last", "gold-best", "final", "kept", "next-to-go"
    eval_loss: float | None
    gap: float | None
    metrics: tuple[tuple[str, float], ...]
    resume: str | None
    bytes: int


class Checkpoints:
    """All checkpoints below all roots."""

    def __init__(self) -> None:
        self._roots: dict[str, CheckpointsSeen] = {}
        self.version = 0

    def apply(self, record: CheckpointsSeen) -> None:
        """The checkpoints below one root are these."""
        self._roots[record.root] = record
        self.version += 1

    @property
    def seen(self) -> list[CheckpointSeen]:
        """Every checkpoint, by step, the ones without a step last."""
        found = [c for root in self._roots.values() for c in root.checkpoints]
        return sorted(found, key=lambda c: (c.step is None, c.step or 0, c.created))

    @property
    def odd(self) -> list[tuple[str, str]]:
        """Names that look like checkpoints and were not looked into, with the reason."""
        return [o for root in self._roots.values() for o in root.odd]

    def rows(self, command: Sequence[str] = ()) -> list[Checkpoint]:
        """The checkpoints by step."""
        seen = self.seen
        losses = [dict(c.metrics).get("eval_loss") for c in seen]
        known = [v for v in losses if v is not None]
        whole = [c for c in seen if c.state == "complete"]
        found = []
        for checkpoint, loss in zip(seen, losses, strict=True):
            marks = []
            if loss is not None and loss == min(known):
                marks.append("best")
            if whole and checkpoint is whole[-1]:
                marks.append("last")
            found.append(
                Checkpoint(
                    checkpoint,
                    tuple(marks),
                    loss,
                    None,
                    checkpoint.metrics,
                    resume_command(command, checkpoint),
                    sum(f.size for f in checkpoint.files),
                )
            )
        return found

    @property
    def best(self) -> Checkpoint | None:
        """The complete checkpoint with the lowest eval loss."""
        return next((c for c in self.rows() if "best" in c.marks), None)
