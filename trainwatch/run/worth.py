"""Which checkpoint is best, by each measure there is.

The law of this file: a loss, a task metric and a gold set are different measures; none overrules
another here. Which way a metric improves is guessed from its name (``lower_is_better``).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from trainwatch.run.gold import within_chance
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
        _pick(picks, measure, [row.seen.name for value, row in scores if value == top])
    for metric in dict.fromkeys(g.metric for row in rows for g in row.gold):
        _pick(picks, f"gold:{metric}", [row.seen.name for row in best_by_gold(rows, metric)])
    return Worth(picks, len(set(picks.values())) > 1) if picks else None


def _pick(picks: dict[str, str], measure: str, equal: list[str]) -> None:
    """Of equally good ones the one that the loss picks: nothing then speaks against it."""
    by_loss = picks.get("eval_loss", "")
    if equal:
        picks[measure] = by_loss if by_loss in equal else equal[0]


def best_by_gold(rows: Sequence[Checkpoint], metric: str) -> list[Checkpoint]:
    """The best by a gold-set metric first, then all that differ from it by no more than chance."""
    scores = [(g, row) for row in rows for g in row.gold if g.metric == metric and not g.stale]
    if not scores:
        return []
    told = next((g.higher_is_better for g, _ in scores if g.higher_is_better is not None), None)
    higher = not lower_is_better(metric) if told is None else told
    ordered = sorted(scores, key=lambda pair: -pair[0].value if higher else pair[0].value)
    top = ordered[0][0]
    return [row for g, row in ordered if within_chance(top, g)]


def _measures(rows: Sequence[Checkpoint]) -> dict[str, list[tuple[float, Checkpoint]]]:
    """Every measure of the training's own evaluations, the loss first."""
    found: dict[str, list[tuple[float, Checkpoint]]] = {"eval_loss": []}
    for row in rows:
        if row.seen.state not in ("complete", "writing") or "final" in row.marks:
            continue
        if row.eval_loss is not None and isfinite(row.eval_loss):
            found["eval_loss"].append((row.eval_loss, row))
        for key, value in row.metrics:
            name = key.removeprefix("eval_")
            if is_task_metric(name) and isfinite(value):
                found.setdefault(name, []).append((value, row))
    return {measure: scores for measure, scores in found.items() if scores}
