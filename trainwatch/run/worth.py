"""Which checkpoint is best, by each measure there is.

The law of this file: a loss, a task metric and a gold set are different measures; none overrules
another here. Which way a metric improves is guessed from its name (``lower_is_better``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from trainwatch.run.names import is_task_metric, lower_is_better

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trainwatch.run.checkpoints import Checkpoint


@dataclass(frozen=True)
class Worth:
    """Which checkpoint is best, by each measure there is."""

    best_by: Mapping[str, str]
    disagree: bool


def worth(rows: Sequence[Checkpoint]) -> Worth | None:
    """The pick of each measure; None where no checkpoint has any."""
    picks: dict[str, str] = {}
    for measure, scores in _measures(rows).items():
        top = (min if lower_is_better(measure) else max)(value for value, _ in scores)
        equal = [row.seen.name for value, row in scores if value == top]
        by_loss = picks.get("eval_loss")
        picks[measure] = by_loss if by_loss in equal and by_loss else equal[0]
    return Worth(picks, len(set(picks.values())) > 1) if picks else None


def _measures(rows: Sequence[Checkpoint]) -> dict[str, list[tuple[float, Checkpoint]]]:
    found: dict[str, list[tuple[float, Checkpoint]]] = {}
    for row in rows:
        if row.seen.state not in ("complete", "writing") or "final" in row.marks:
            continue
        if row.eval_loss is not None and isfinite(row.eval_loss):
            found.setdefault("eval_loss", []).append((row.eval_loss, row))
        for key, value in row.metrics:
            name = key.removeprefix("eval_")
            if is_task_metric(name) and isfinite(value):
                found.setdefault(name, []).append((value, row))
    return found
