"""The checkpoints with everything the run knows of them.

The law of this file: what a checkpoint is, its layout said; which one is best, newest or in danger
is said here, from the run's own numbers. A claim of the framework stays a claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.gold import GoldResults
from trainwatch.run.resume import resume_command
from trainwatch.run.rotation import next_to_go
from trainwatch.run.worth import Worth, best_by_gold, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen, CheckpointsSeen, Key, Result
    from trainwatch.run.gold import Gold, Unjoined
    from trainwatch.run.metrics import MetricStore
    from trainwatch.run.pairing import Pairing


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint."""

    seen: CheckpointSeen
    marks: tuple[str, ...]  # "best", "last", "gold-best", "final", "kept", "next-to-go"
    eval_loss: float | None  # of the primary evaluation set, at its step
    gap: float | None  # eval minus train loss there
    metrics: tuple[tuple[str, float], ...]  # at its step, with the framework's keys
    resume: str | None  # shell command
    bytes: int
    gold: tuple[Gold, ...] = ()  # scores on gold sets


class Claim(NamedTuple):
    """Which checkpoint the framework itself calls best, beside ours."""

    theirs: str
    ours: str | None

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return self.ours is not None and self.ours != self.theirs


class Checkpoints:
    """All checkpoints below all roots."""

    def __init__(self, metrics: MetricStore, pairing: Pairing) -> None:
        self.version = 0
        self.command: Sequence[str] = ()
        """The run's command line, for the one that resumes."""
        self.started: float | None = None
        self.over = False
        """The training has ended: nothing more is deleted."""
        self._metrics = metrics
        self._pairing = pairing
        self._roots: dict[str, CheckpointsSeen] = {}
        self.gold = GoldResults()
        self._made: tuple[object, list[Checkpoint]] | None = None

    def apply(self, record: CheckpointsSeen) -> None:
        """The checkpoints below one root are these."""
        self._roots[record.root] = record
        self.version += 1

    def measured(self, result: Result) -> None:
        """A results file of a gold-set evaluation was read."""
        self.gold.apply(result)
        self.version += 1

    @property
    def unjoined(self) -> list[Unjoined]:
        """Results files that belong to no checkpoint here, with the reason."""
        return self.gold.unjoined(self.seen)

    @property
    def seen(self) -> list[CheckpointSeen]:
        """Every checkpoint, by step, those without a step last."""
        found = {c.path: c for root in self._roots.values() for c in root.checkpoints}
        return sorted(
            found.values(),
            key=lambda c: (c.step is None, c.step or 0, _is_final(c), c.created, c.path),
        )

    @property
    def odd(self) -> list[tuple[str, str]]:
        """Names that look like checkpoints and were not looked into, with the reason."""
        return [o for root in self._roots.values() for o in root.odd]

    def rows(self, command: Sequence[str] | None = None) -> list[Checkpoint]:
        """The checkpoints by step."""
        words = self.command if command is None else command
        basis = self.version, self._metrics.version, self.over, self.started, tuple(words)
        if self._made is None or self._made[0] != basis:
            seen = self.seen
            gold = self.gold.of(seen)
            rows = [replace(self._row(c, words), gold=gold.get(c.path, ())) for c in seen]
            self._made = basis, self._marked(rows)
        return self._made[1]

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the lowest eval loss."""
        return next((c for c in self.rows() if "best" in c.marks), None)

    @property
    def claim(self) -> Claim | None:
        """What the newest checkpoint's framework calls best; None where it calls none so."""
        telling = [c for c in self.seen if c.claims_best]
        if not telling:
            return None
        newest = max(telling, key=lambda c: c.created)
        best = self.best
        return Claim(newest.claims_best or "", best.seen.name if best else None)

    @property
    def worth(self) -> Worth | None:
        """Which checkpoint is best, by each measure there is."""
        return worth(self.rows())

    # --- one row --------------------------------------------------------------------------

    def _row(self, seen: CheckpointSeen, command: Sequence[str]) -> Checkpoint:
        evaluation = self._evaluation(seen.step)
        loss, gap = evaluation or (_told_loss(seen), None)
        return Checkpoint(
            seen, (), loss, gap, self._at_step(seen), resume_command(command, seen),
            sum(f.size for f in seen.files),
        )  # fmt: skip

    def _evaluation(self, step: int | None) -> tuple[float, float | None] | None:
        """(eval loss, gap) that the run reported at a step."""
        evals = self._metrics.eval_loss
        if evals is None or step is None:
            return None
        index = evals.at_step(step)
        if index is None or not isfinite(evals.value(index)):
            return None
        pair = self._pairing.pair(evals, index)
        return pair.eval, None if self._pairing.apart() else pair.gap

    def _at_step(self, seen: CheckpointSeen) -> tuple[tuple[str, float], ...]:
        """What the layout found, and what the run reported at the step besides."""
        found = dict(seen.metrics)
        if seen.step is not None:
            for series in self._metrics.series():
                if series.key.split == "eval" and series.key.name not in _TIMINGS:
                    index = series.at_step(seen.step)
                    if index is not None:
                        found.setdefault(_spelled(series.key), series.value(index))
        return tuple(sorted(found.items()))

    # --- marks ----------------------------------------------------------------------------

    def _marked(self, rows: list[Checkpoint]) -> list[Checkpoint]:
        whole = [r for r in rows if r.seen.state == "complete"]
        known = [r for r in whole if r.eval_loss is not None and not _is_final(r.seen)]
        best = min(known, key=lambda r: r.eval_loss or 0.0, default=None)
        recent = [r for r in whole if self._of_this_run(r.seen) and not _is_final(r.seen)]
        last = max(recent, key=lambda r: (r.seen.step or 0, r.seen.created), default=None)
        by_gold = self._best_by_gold(rows)
        going = () if self.over else next_to_go([r.seen for r in rows])
        found = []
        for row in rows:
            marks = {
                "best": row is best,
                "last": row is last,
                "gold-best": row is by_gold,
                "final": _is_final(row.seen),
                "kept": _is_kept(row.seen),
                "next-to-go": row.seen.path in going,
            }
            found.append(replace(row, marks=tuple(name for name, has in marks.items() if has)))
        return found

    @staticmethod
    def _best_by_gold(rows: list[Checkpoint]) -> Checkpoint | None:
        """The best by the first gold-set metric."""
        metric = next((g.metric for row in rows for g in row.gold), None)
        found = best_by_gold(rows, metric) if metric is not None else []
        return found[0] if found else None

    def _of_this_run(self, seen: CheckpointSeen) -> bool:
        """A second run into the same folder leaves the higher numbers of the first behind."""
        started = self.started
        newer = [c for c in self.seen if started is not None and c.created >= started]
        return not newer or started is None or seen.created >= started


_TIMINGS = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


def _spelled(key: Key) -> str:
    """A metric as the Trainer spells it: with the evaluation set in front of the name."""
    return f"eval_{key.dataset}_{key.name}" if key.dataset else f"eval_{key.name}"


def _is_final(seen: CheckpointSeen) -> bool:
    return seen.name == "final"


def _is_kept(seen: CheckpointSeen) -> bool:
    *folders, name = seen.path.rstrip("/").split("/")
    return name.startswith("kept-") or "kept" in folders[-1:]


def _told_loss(seen: CheckpointSeen) -> float | None:
    """The eval loss that the checkpoint itself tells."""
    metrics = dict(seen.metrics)
    if "eval_loss" in metrics:
        return metrics["eval_loss"]
    return next((v for k, v in seen.metrics if k.startswith("eval_") and k.endswith("_loss")), None)
