"""Gold-set results, and the checkpoint that each was measured on.

The law of this file: a result is joined by what it says of itself, in a fixed order, or it is not
joined and the reason is told; nothing is guessed. The newest of several results counts. A result
that is older than the weights was measured on other weights and says so.
"""

from __future__ import annotations

import re
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.read.records import CheckpointSeen, Result, Score

WIDE = 1.96
"""Standard errors on either side of a 95 % interval."""


class Gold(NamedTuple):
    """One gold-set score of a checkpoint."""

    metric: str
    value: float
    n: int | None
    stderr: float | None  # as told, else that of a share of n
    higher_is_better: bool | None
    source: str  # path of the results file
    stale: bool  # measured before the weights were written
    made: float


class Unjoined(NamedTuple):
    """A results file that belongs to no checkpoint here."""

    path: str
    why: str


class GoldResults:
    """All results files of a run."""

    def __init__(self) -> None:
        self._results: dict[tuple[str, int | None, tuple[str, ...]], Result] = {}

    def apply(self, result: Result) -> None:
        """A results file was read, again or for the first time."""
        self._results[result.path, result.step, result.names] = result

    def of(self, checkpoints: Sequence[CheckpointSeen]) -> dict[str, tuple[Gold, ...]]:
        """Checkpoint path -> its scores, the newest of each metric."""
        found: dict[str, dict[str, Gold]] = {}
        for result in sorted(self._results.values(), key=lambda r: r.made):
            joined = join(result, checkpoints)
            if isinstance(joined, Unjoined):
                continue
            for score in result.scores:
                gold = _gold(score, result, joined)
                found.setdefault(joined.path, {})[gold.metric] = gold
        return {path: tuple(scores.values()) for path, scores in found.items()}

    def unjoined(self, checkpoints: Sequence[CheckpointSeen]) -> list[Unjoined]:
        """The results files that belong to no checkpoint here, with the reason."""
        joined = (join(r, checkpoints) for r in self._results.values())
        return [j for j in joined if isinstance(j, Unjoined)]


def _gold(score: Score, result: Result, checkpoint: CheckpointSeen) -> Gold:
    error = score.stderr
    if error is None and score.n and 0 <= score.value <= 1:
        error = sqrt(score.value * (1 - score.value) / score.n)
    stale = result.made < checkpoint.created
    return Gold(
        score.metric, score.value, score.n, error, score.higher_is_better, result.path, stale, result.made
    )  # fmt: skip


def join(result: Result, checkpoints: Sequence[CheckpointSeen]) -> CheckpointSeen | Unjoined:
    """The checkpoint that a result was measured on; the first of these that tells one.

    It lies inside the checkpoint; a string in it names the checkpoint; its own path does; it tells
    the step; it lies in the output folder and so speaks of the final model.
    """
    for checkpoint in checkpoints:
        if not checkpoint.is_final and result.path.startswith(checkpoint.path.rstrip("/") + "/"):
            return checkpoint
    named = [(n, c) for n in result.names for c in checkpoints if _names(n, c)]
    for name, checkpoint in named:
        if not _elsewhere(name, checkpoint):
            return checkpoint
    if named:
        return Unjoined(result.path, f"it names {named[0][0]}, which is of another run")
    segments = re.split(r"/|__", result.path)
    for checkpoint in checkpoints:
        if not checkpoint.is_final and checkpoint.name in segments:
            return checkpoint
    return _by_step(result, checkpoints)


def _by_step(result: Result, checkpoints: Sequence[CheckpointSeen]) -> CheckpointSeen | Unjoined:
    if result.step is not None:
        found = next((c for c in checkpoints if c.step == result.step), None)
        return found or Unjoined(result.path, f"there is no checkpoint of step {result.step}")
    folder = result.path.rpartition("/")[0]
    final = next((c for c in checkpoints if c.is_final and c.path.rstrip("/") == folder), None)
    return final or Unjoined(result.path, "it does not tell which checkpoint it was measured on")


def _names(name: str, checkpoint: CheckpointSeen) -> bool:
    """Whether a string is the checkpoint's path or ends with its name."""
    if checkpoint.is_final:
        return name.rstrip("/") == checkpoint.path.rstrip("/")
    return name.rstrip("/").rpartition("/")[2] == checkpoint.name


def _elsewhere(name: str, checkpoint: CheckpointSeen) -> bool:
    """Whether a path that ends alike lies in a folder of another name: another run's checkpoint."""
    theirs, ours = name.rstrip("/").split("/")[-2:-1], checkpoint.path.rstrip("/").split("/")[-2:-1]
    return bool(theirs) and theirs[0] not in ("", ".", "..") and theirs != ours


def within_chance(one: Gold, other: Gold) -> bool:
    """Whether two scores differ by no more than the examples they were measured on explain."""
    if one.stderr is None or other.stderr is None:
        return one.value == other.value
    return abs(one.value - other.value) <= WIDE * sqrt(one.stderr**2 + other.stderr**2)
