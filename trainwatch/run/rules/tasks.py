"""What a task metric says where the eval loss says overfitting.

The law of this file: loss and metric are two measures, and a best of the one is not a best of the
other.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.names import is_task_metric, lower_is_better

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainwatch.run.case import Case
    from trainwatch.run.course import Course
    from trainwatch.run.series import Series

NEAR = 0.01
"""A metric counts as at its best within 1 % of it."""


class Improving(NamedTuple):
    """A task metric whose best came after that of the loss."""

    series: Series
    best: int  # index in the series
    sentence: str
    evidence: Mapping[str, float]


def task_metrics(case: Case, chosen: Course) -> list[Series]:
    """The metrics of the same evaluation set that measure the task rather than the run."""
    return [
        s
        for s in case.metrics.series()
        if s.key.split == "eval"
        and s.key.dataset == chosen.series.key.dataset
        and is_task_metric(s.key.name)
    ]


def still_improving(case: Case, chosen: Course) -> Improving | None:
    """A metric that got better after the best loss and still stands near its own best."""
    best_row = chosen.series.places.row(chosen.indexes[chosen.best])
    for series in task_metrics(case, chosen):
        at_loss_best = series.places.index(best_row)
        if at_loss_best is None:
            continue
        down = lower_is_better(series.key.name)
        values = [v if isfinite(v) else None for v in series.values]
        known = [(-v if down else v, i) for i, v in enumerate(values) if v is not None]
        if not known or values[at_loss_best] is None or values[-1] is None:
            continue
        best = max(known, key=lambda pair: (pair[0], -pair[1]))[1]
        then, top, now = series.values[at_loss_best], series.values[best], series.values[-1]
        gained = (then - top if down else top - then) > 0.005 * max(abs(top), abs(then))
        lost = abs(now - top) > NEAR * max(abs(top), abs(then)) + 0.25 * abs(top - then)
        if best > at_loss_best and gained and not lost:
            name = series.key.key or series.key.name
            place = _steps(chosen, series, best)
            return Improving(
                series, best, f"{name} went on from {then:.4g} to {top:.4g}{place}",
                {"metric_at_best_loss": then, "metric_best": top, "metric_last": now},
            )  # fmt: skip
    return None


def _steps(chosen: Course, series: Series, best: int) -> str:
    by_loss = chosen.series.step(chosen.indexes[chosen.best])
    by_metric = series.step(best)
    if by_loss is None or by_metric is None:
        return ""
    return f": the loss picks step {by_loss:,}, the metric step {by_metric:,}"
