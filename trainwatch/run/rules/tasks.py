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


class Standing(NamedTuple):
    """Where a metric stands that no loss is told beside."""

    sentence: str
    advice: str | None
    evidence: Mapping[str, float]


def standing(case: Case, name: str = "") -> Standing | None:
    """What can be said of a metric alone: its best, where, and how long ago.

    Of the metric called ``name``, else of the first that measures the task, on evaluations before the
    training's own numbers. No rule judges it: its noise and its scale are those of the task.
    """
    told = [s for s in case.metrics.series() if any(map(isfinite, s.values))]
    of_task = [s for s in told if (s.key.name == name if name else _measures(s.key.name))]
    series = min(
        of_task, key=lambda s: (s.key.split == "train", s.key.name != "accuracy"), default=None
    )
    if series is None:
        return None
    down = lower_is_better(series.key.name)
    known = [(-v if down else v, -i) for i, v in enumerate(series.values) if isfinite(v)]
    best, now = -max(known)[1], -min(known, key=lambda pair: pair[1])[1]
    printed, value = series.key.key or series.key.name, series.values[best]
    since = sum(-i > best for _, i in known)
    evidence = {"metric_best": value, "metric_last": series.values[now], "since_best": float(since)}
    if not since:
        sentence = f"By {printed} the newest is the best, {value:.4g}."
    else:
        ago = "1 value" if since == 1 else f"{since} values"
        sentence = f"By {printed} the best was {value:.4g}{_where(series, best)}, {ago} ago; now {series.values[now]:.4g}."
    kept = case.kept(series.step(best))
    return Standing(sentence, f"Keep {kept}: the best by {printed}." if kept else None, evidence)


def _measures(name: str) -> bool:
    return is_task_metric(name) or name == "perplexity"


def _where(series: Series, at: int) -> str:
    step, epoch = series.step(at), series.epoch(at)
    if step is not None:
        return f" at step {step:,}"
    return f" at epoch {epoch:.4g}" if epoch is not None else ""


def _steps(chosen: Course, series: Series, best: int) -> str:
    by_loss = chosen.series.step(chosen.indexes[chosen.best])
    by_metric = series.step(best)
    if by_loss is None or by_metric is None:
        return ""
    return f": the loss picks step {by_loss:,}, the metric step {by_metric:,}"
