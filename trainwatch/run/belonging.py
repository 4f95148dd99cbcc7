"""Which checkpoints are another training's, where the folder that they lie in was only guessed.

The law of this file: what lies where the command says is this run's. Elsewhere a folder is another
training's when its metric files are, when the losses that its checkpoints tell are not those of the
log, or when nothing in it was written while the run lasted; never because nothing is known of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.kinship import is_after
from trainwatch.run.marks import home

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trainwatch.read.records import CheckpointSeen
    from trainwatch.run.kinship import Kinship
    from trainwatch.run.metrics import MetricStore

LOSSES = ("eval_loss", "val_loss", "valid_loss", "validation_loss", "dev_loss")
_PROOF = 2  # told losses
_FAR = 0.05  # relative; no rounding and no other averaging explains more


class Since(NamedTuple):
    """What is known of the one run whose checkpoints these should be."""

    started: float | None
    ended: float | None
    resumed: bool  # it went on from an earlier save


def strangers(
    seen: Iterable[CheckpointSeen], since: Since, kinship: Kinship, metrics: MetricStore
) -> frozenset[str]:
    """The paths of those that are not this run's."""
    families: dict[str, list[CheckpointSeen]] = {}
    for each in seen:
        if kinship.is_guessed(each.path):
            families.setdefault(home(each), []).append(each)
    return frozenset(
        each.path
        for folder, members in families.items()
        if _is_strange(folder, members, since, kinship, metrics)
        for each in members
    )


def _is_strange(
    folder: str,
    members: Sequence[CheckpointSeen],
    since: Since,
    kinship: Kinship,
    metrics: MetricStore,
) -> bool:
    ours = kinship.owns(folder)
    if ours is not None:
        return not ours
    if since.started is not None and all(each.created < since.started for each in members):
        return not since.resumed
    if all(is_after(each.created, since.ended) for each in members):
        return True
    found = [_contradicts(each, metrics) for each in members]
    return found.count(True) >= _PROOF and False not in found


def _contradicts(seen: CheckpointSeen, metrics: MetricStore) -> bool | None:
    """Whether the log tells another eval loss for that step; None where either tells none."""
    told = next((value for name, value in seen.metrics if name in LOSSES), None)
    evals = metrics.eval_loss
    index = evals.at_step(seen.step) if evals is not None and seen.step is not None else None
    if told is None or evals is None or index is None:
        return None
    return abs(evals.value(index) - told) > _FAR * abs(told)
