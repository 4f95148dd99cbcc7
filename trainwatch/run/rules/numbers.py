"""Numbers that are none, and a training that does not train.

The law of this file: exact values only (NaN, infinity, zero, identical); nothing here is statistics.
"""

from __future__ import annotations

from itertools import islice
from math import isfinite, isnan
from typing import TYPE_CHECKING

from trainwatch.run.case import Case, Finding, named
from trainwatch.run.rules.training import train_rise

if TYPE_CHECKING:
    from trainwatch.run.series import Series


def broken_numbers(case: Case) -> Finding:
    """NaN or infinite loss, eval loss or grad_norm; or a loss of 0 behind which NaN is hidden."""
    rule = "broken-numbers"
    watched = [s for s in (case.loss, *case.metrics.evals, case.metrics.find("grad_norm")) if s]
    if not watched:
        return Finding(rule, "skipped", "no loss, eval loss or grad_norm is reported")
    past = ""
    for series in watched:
        if series.marks:
            if _lasts(case, series):
                return _broken(rule, case, series)
            if _never_recovered(case):
                return _broken(rule, case, series, "the train loss has not recovered since")
            past = f"{_printed(series)} was {_shown(series.marks[0][1])} {_place(series, series.marks[0][0])}, and recovered"
    hidden = _hidden(case)
    if hidden is not None:
        return hidden
    return Finding(
        rule, "clear", past or f"all values of {', '.join(map(_printed, watched))} finite"
    )


def _lasts(case: Case, series: Series) -> bool:
    """Whether the newest values are still broken, or a good part of all."""
    share, count = case.limits.broken_share, len(series)
    newest = max(case.limits.broken_newest, share * count)
    if series is case.metrics.find("grad_norm"):  # fp16 loss scaling skips a step now and then
        recent = [v for v in series.values[-int(newest) :] if not isfinite(v)]
        return len(recent) > len(series.values[-int(newest) :]) / 2
    return series.marks[-1][0] >= count - newest or len(series.marks) >= share * count


def _never_recovered(case: Case) -> bool:
    enough = len(case.train_values) >= case.limits.fewest_logs
    return enough and not case.reinforced and train_rise(case).diverged


def _broken(rule: str, case: Case, series: Series, more: str = "") -> Finding:
    index, value = series.marks[0]
    step = series.step(index)
    evidence = {"broken": float(len(series.marks)), "points": float(len(series))}
    if step is not None:
        evidence["first_step"] = float(step)
    return Finding(
        rule,
        "fired",
        f"{len(series.marks)} of {len(series)} values of {_printed(series)} are not finite",
        "critical",
        f"{_printed(series)} {'was' if more else 'is'} {_shown(value)}"
        f" {_place(series, index) if more else _where(series)}{', and ' * bool(more)}{more}.",
        _advice(case, step),
        evidence,
    )


def _hidden(case: Case) -> Finding | None:
    """Zero losses with a grad_norm of 0 or NaN: transformers shows a NaN loss as 0."""
    loss, grad = case.loss, case.metrics.find("grad_norm")
    if loss is None or grad is None or case.reinforced or len(grad) != len(loss):
        return None
    row = 0
    for value, norm in zip(reversed(loss.values), reversed(grad.values), strict=True):
        if value != 0.0 or not (norm == 0.0 or isnan(norm)):
            break
        row += 1
    if row < case.limits.zero_losses:
        return None
    first = len(loss) - row
    step = loss.step(first)
    return Finding(
        "broken-numbers",
        "fired",
        f"the last {row} losses are exactly 0 while grad_norm is 0 or NaN",
        "critical",
        f"The loss is exactly 0 {_at(loss, first)} and grad_norm is 0 or NaN: NaN is hidden behind it.",
        _advice(case, step),
        {"zero_losses": float(row), **({} if step is None else {"first_step": float(step)})},
    )


def _advice(case: Case, step: int | None) -> str:
    good = [s for s in case.setting.checkpoints if step is None or s < step]
    told = "Lower the learning rate, clip gradients, or train in bf16 rather than fp16"
    if good and step is not None:
        return f"{told}; the last checkpoint before it is {case.setting.checkpoints[max(good)]}."
    return f"{told}; weights that have become NaN do not recover."


def not_training(case: Case) -> Finding:
    """A learning rate or gradient of 0 throughout, or an evaluation that never changes."""
    rule = "not-training"
    frozen = _zero_column(case) or _frozen(case)
    if frozen is not None:
        return frozen
    rate = case.metrics.find("learning_rate")
    if rate is None and not case.courses:
        return Finding(rule, "skipped", "neither learning_rate nor evaluations are reported")
    if rate is not None and len(rate) < case.limits.fewest_logs:
        return Finding(rule, "skipped", f"{len(rate)} of {case.limits.fewest_logs:g} logs")
    return Finding(rule, "clear", "learning rate and evaluations move")


def _zero_column(case: Case) -> Finding | None:
    for name in ("learning_rate", "grad_norm"):
        series = case.metrics.find(name)
        if series is None or len(series) < case.limits.fewest_logs:
            continue
        if series.zeros >= case.limits.zero_rate_share * len(series):
            advice = (
                "Check the schedule, the warmup and the value that is really passed to the optimizer."
                if name == "learning_rate"
                else "Check that parameters require gradients and that the loss depends on them."
            )
            return Finding(
                "not-training",
                "fired",
                f"{name} is 0 on {series.zeros} of {len(series)} logs",
                "critical",
                f"Nothing is learned: {name} is 0 on {series.zeros} of {len(series)} logs.",
                advice,
                {f"zero_{name}": float(series.zeros), "logs": float(len(series))},
            )
    return None


def _frozen(case: Case) -> Finding | None:
    loss = case.loss
    moves = loss is not None and len(loss) > 2 and len(set(islice(loss.values, 10))) > 2
    for chosen in case.courses:
        same = chosen.values.count(chosen.values[0]) == len(chosen)
        if moves and same and len(chosen) >= case.limits.frozen_evals:
            return Finding(
                "not-training",
                "fired",
                f"{len(chosen)} evaluations are all {chosen.values[0]:.6g}",
                "critical",
                f"Eval loss{named(chosen, case)} is {chosen.values[0]:.6g} at each of"
                f" {len(chosen)} evaluations while the train loss moves.",
                "Check that the model under evaluation is the one being trained.",
                {"identical_evals": float(len(chosen))},
                chosen,
            )
    return None


def _printed(series: Series) -> str:
    return series.key.key or series.key.name


def _shown(value: float) -> str:
    return "NaN" if isnan(value) else "infinite"


def _where(series: Series) -> str:
    return _at(series, series.marks[0][0])


def _at(series: Series, index: int) -> str:
    return "since " + _place(series, index).removeprefix("at ")


def _place(series: Series, index: int) -> str:
    step, epoch = series.step(index), series.epoch(index)
    if step is not None:
        return f"at step {step:,}"
    return f"at epoch {epoch:.4g}" if epoch is not None else f"at value {index + 1}"
