"""The checkpoints with everything the run knows of them.

The law of this file: what a checkpoint is, its layout said; which one is best, newest or in danger
is said here, from the run's own numbers. A claim of the framework stays a claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isclose, isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.belonging import LOSSES, Since, strangers
from trainwatch.run.gold import GoldResults
from trainwatch.run.marks import ANOTHER, OLDER, home, marked
from trainwatch.run.resume import resume_command
from trainwatch.run.worth import Worth, worth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen, CheckpointsSeen, Key, Result
    from trainwatch.run.gold import Gold, Unjoined
    from trainwatch.run.kinship import Kinship
    from trainwatch.run.metrics import MetricStore
    from trainwatch.run.pairing import Pairing


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint."""

    seen: CheckpointSeen
    marks: tuple[str, ...]  # see run/marks.py
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

    def __init__(self, metrics: MetricStore, pairing: Pairing, kinship: Kinship) -> None:
        self.version = 0
        self.command: Sequence[str] = ()
        """The run's command line, for the one that resumes."""
        self.started: float | None = None
        self.ended: float | None = None
        """When the training ended: nothing more is deleted by it from then on."""
        self.told_resumed = False
        """The log says that it went on from an earlier save."""
        self._metrics = metrics
        self._pairing = pairing
        self._kinship = kinship
        self._strange: tuple[object, frozenset[str]] | None = None
        self._roots: dict[str, CheckpointsSeen] = {}
        self.gold = GoldResults()
        self._made: tuple[object, list[Checkpoint]] | None = None
        self._saving: dict[str, tuple[float, float]] = {}  # since when, and from how much on

    def apply(self, record: CheckpointsSeen) -> None:
        """The checkpoints below one root are these."""
        self._roots[record.root] = record
        self.version += 1
        writing = {c.path: c.progress for c in record.checkpoints if c.progress is not None}
        fresh = {path: (record.at, share) for path, share in writing.items()}
        self._saving = fresh | {p: since for p, since in self._saving.items() if p in writing}

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
        """Every checkpoint, run by run, by step, those without a step last."""
        found = {c.path: c for root in self._roots.values() for c in root.checkpoints}
        return sorted(
            found.values(),
            key=lambda c: (
                "" if self.started is not None else home(c),
                c.step is None,
                c.step or 0,
                c.is_final,
                c.created,
                c.path,
            ),
        )

    @property
    def own(self) -> list[CheckpointSeen]:
        """Those that are not known to be another training's."""
        strange = self.strangers
        return [c for c in self.seen if c.path not in strange]

    @property
    def strangers(self) -> frozenset[str]:
        """The paths of those that another training left in a folder that was only guessed."""
        basis = self._basis
        if self._strange is None or self._strange[0] != basis:
            self._strange = basis, strangers(self.seen, self._since, self._kinship, self._metrics)
        return self._strange[1]

    @property
    def _since(self) -> Since:
        asked = any("resume" in word for word in self.command)
        return Since(self.started, self.ended, asked or self.told_resumed)

    @property
    def _basis(self) -> object:
        """Another one when anything changed that rows are made of."""
        versions = self.version, self._metrics.version, self._kinship.version
        return versions, self.ended, self.told_resumed, self.started, tuple(self.command)

    def saved_in(self, seen: CheckpointSeen) -> float | None:
        """Seconds until a save is done, by how fast it went so far; None while that is not known."""
        since = self._saving.get(seen.path)
        at = max((root.at for root in self._roots.values()), default=0.0)
        if since is None or seen.progress is None or seen.progress <= since[1] or at <= since[0]:
            return None
        return (1 - seen.progress) * (at - since[0]) / (seen.progress - since[1])

    @property
    def odd(self) -> list[tuple[str, str]]:
        """Names that look like checkpoints and were not looked into, with the reason."""
        return [o for root in self._roots.values() for o in root.odd]

    def rows(self) -> list[Checkpoint]:
        """The checkpoints by step."""
        basis = self._basis
        if self._made is None or self._made[0] != basis:
            seen, strange = self.seen, self.strangers
            gold = self.gold.of(sorted(seen, key=lambda c: c.path in strange))
            rows = [replace(self._row(c), gold=gold.get(c.path, ())) for c in seen]
            marks = marked(rows, self._since, self.ended is not None, strange)
            self._made = basis, [replace(row, marks=marks[row.seen.path]) for row in rows]
        return self._made[1]

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the lowest eval loss."""
        return next((c for c in self.rows() if "best" in c.marks), None)

    @property
    def claim(self) -> Claim | None:
        """What the newest checkpoint's framework calls best; None where it calls none so."""
        telling = [c for c in self.own if c.claims_best]
        if not telling:
            return None
        newest = max(telling, key=lambda c: c.created)
        best = self.best
        return Claim(newest.claims_best or "", best.seen.name if best else None)

    @property
    def worth(self) -> Worth | None:
        """Which checkpoint is best, by each measure there is."""
        return worth([r for r in self.rows() if not {ANOTHER, OLDER} & set(r.marks)])

    # --- one row --------------------------------------------------------------------------

    def _row(self, seen: CheckpointSeen) -> Checkpoint:
        told = _told_loss(seen)
        if seen.path in self.strangers:
            size = sum(f.size for f in seen.files)
            return Checkpoint(seen, (), told, None, tuple(sorted(seen.metrics)), None, size)
        loss, gap = self._evaluation(seen.step) or (told, None)
        if told is not None and not isclose(told, loss or told, rel_tol=_PRINTED):
            loss, gap = told, None  # that step was another run's
        return Checkpoint(
            seen, (), loss, gap, self._at_step(seen), resume_command(self.command, seen),
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


_PRINTED = 1e-2  # by so much may a printed loss differ from the exact one
_TIMINGS = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")


def _spelled(key: Key) -> str:
    """A metric as the Trainer spells it: with the evaluation set in front of the name."""
    return f"eval_{key.dataset}_{key.name}" if key.dataset else f"eval_{key.name}"


def _told_loss(seen: CheckpointSeen) -> float | None:
    """The eval loss that the checkpoint itself tells."""
    metrics = dict(seen.metrics)
    plain = next((metrics[name] for name in LOSSES if name in metrics), None)
    if plain is not None:
        return plain
    return next((v for k, v in seen.metrics if k.startswith("eval_") and k.endswith("_loss")), None)
