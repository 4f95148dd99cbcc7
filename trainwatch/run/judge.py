"""The rules, in order of precedence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainwatch.run.pairing import pairs
from trainwatch.run.verdict import Best, Check, Gap, Verdict

if TYPE_CHECKING:
    from trainwatch.run.checkpoints import Checkpoints
    from trainwatch.run.metrics import MetricStore

LEAST_EVALS = 3


def judge(metrics: MetricStore, checkpoints: Checkpoints) -> Verdict:
    """The verdict on what is known now."""
    evals = metrics.eval_loss
    if evals is None or len(evals) < LEAST_EVALS:
        n = 0 if evals is None else len(evals)
        why = f"{n} of {LEAST_EVALS} evaluations"
        return Verdict(
            "not-enough-data", "info", f"Not enough data yet: {why}.",
            checks=(Check("overfitting", "skipped", why),),
        )  # fmt: skip
    known = pairs(metrics.loss, evals)
    names = {c.step: c.name for c in checkpoints.seen if c.step is not None}
    best = min(known, key=lambda p: p.eval)
    last = known[-1]
    marks = [
        Best(p.step, p.epoch, p.eval, None if p.step is None else names.get(p.step))
        for p in (best, last)
    ]
    gap = (
        None
        if last.train is None
        else Gap(last.eval - last.train, last.train, last.eval, last.step)
    )
    rise = last.eval / best.eval - 1 if best.eval > 0 else 0.0
    since = known[-1].index - best.index
    if rise > 0.05 and since >= 3:
        return Verdict(
            "overfitting", "warning",
            f"Eval loss is {rise:.0%} above its best {best.eval:.4g}, {since} evaluations ago.",
            best=marks[0], last=marks[1], gap=gap, evidence={"rise": rise, "since_best": since},
            checks=(Check("overfitting", "fired", ""),),
        )  # fmt: skip
    return Verdict(
        "healthy", "ok", f"Best eval loss {best.eval:.4g}, {since} evaluations ago.",
        best=marks[0], last=marks[1], gap=gap, evidence={"rise": rise, "since_best": since},
        checks=(Check("overfitting", "clear", ""),),
    )  # fmt: skip
