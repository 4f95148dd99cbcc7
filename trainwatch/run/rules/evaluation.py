"""What the evaluation losses say.

The law of this file: the rise of an eval loss over its own best decides, never the gap; it counts
when it is larger than what noise explains. Of several evaluation sets each is judged and the worst
is named.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from trainwatch.run.case import Case, Finding, Severity, evaluations, named
from trainwatch.run.noise import steady, trend
from trainwatch.run.rules.tasks import still_improving

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainwatch.run.course import Course, Scale


def _worst(case: Case, rule: str, one: Callable[[Case, Course], Finding], needed: float) -> Finding:
    """The worst finding over the evaluation sets; skipped where none has enough evaluations."""
    if not case.courses:
        return Finding(rule, "skipped", "no evaluation: there is no generalisation signal")
    if case.reinforced:
        return Finding(rule, "skipped", case.comparable)
    enough = [c for c in case.courses if len(c) >= needed]
    if not enough:
        most = max(len(c) for c in case.courses)
        return Finding(rule, "skipped", f"{most} of {needed:g} evaluations")
    found = [one(case, c) for c in enough]
    fired = [f for f in found if f.result == "fired"]
    return max(fired, key=lambda f: f.evidence.get("rise", 0.0)) if fired else found[0]


# --- overfitting --------------------------------------------------------------------------


def risen(case: Case, chosen: Course) -> Scale | None:
    """The view in which the loss is above its best by more than the limit and more than chance."""
    limits = case.limits
    since = chosen.values[chosen.best + 1 :]
    if len(chosen) < limits.noise_evals and any(b < a for a, b in pairwise(since)):
        return None  # of so few the noise is not known: one that came down again is taken for it
    together = steady(since, limits.steady_trend)
    for scale in chosen.scales:
        share, height = chosen.relative(scale, limits)
        least = limits.overfit_span if chosen.near_zero(scale, limits) else limits.overfit_rise
        if together:
            enough = least * height + limits.steady_bias * scale.bias
        else:
            chance = scale.bias + limits.noise_margin * scale.noise
            enough = max(chance, least * height + limits.noise_bias * scale.bias)
        if share > least and scale.rise > enough:
            return scale
    return None


def train_change(
    case: Case, chosen: Course, scale: Scale, newest: int = 0
) -> tuple[float, float] | None:
    """(change of the train loss since the best evaluations as a share, its noise).

    ``newest``: so many evaluations are "now", those of the view where it is 0.
    """
    start, stop = scale.at, scale.at + scale.width
    then = case.train_over(chosen, start, stop)
    now = case.train_over(chosen, len(chosen) - (newest or scale.width), len(chosen))
    if then is None or now is None or then[0] <= 0:
        return None
    noise = case.train_noise * (1 / then[1] + 1 / now[1]) ** 0.5
    return now[0] / then[0] - 1, noise / then[0]


def train_rose(case: Case, chosen: Course, scale: Scale) -> bool:
    """Whether the train loss rose as well: then it diverges, and does not overfit."""
    change = train_change(case, chosen, scale)
    if change is None or change[0] < case.limits.both_rise + 2 * change[1]:
        return False
    return _matters(case, chosen, scale, change[0])


def _matters(case: Case, chosen: Course, scale: Scale, change: float) -> bool:
    """Whether a rise of the train loss can be seen beside that of the eval loss.

    Each is a share of where its loss began: a train loss that has fallen to nearly nothing may double
    without telling anything.
    """
    then = case.train_over(chosen, scale.at, scale.at + scale.width)
    begun, first = abs(case.train_values[0]), abs(chosen.values[0])
    if then is None or not begun or not first:
        return True
    return change * then[0] / begun >= case.limits.both_least * scale.rise / first


def _rose_alike(case: Case, chosen: Course, scale: Scale, share: float) -> bool:
    """Whether the train loss went up with the eval loss: what is harder for both is no overfitting.

    Looked at in the same view as the eval loss, and since the evaluation before the newest alone: where
    the data or the weighting of the loss changed, wider windows reach back across the change.
    """
    changes = (
        train_change(case, chosen, scale),
        train_change(case, chosen, scale, newest=1),
    )
    return any(
        change[0] >= max(case.limits.both_alike * share, 2 * change[1])
        and _matters(case, chosen, scale, change[0])
        for change in changes
        if change is not None
    )


def overfitting(case: Case) -> Finding:
    """Eval loss above its best by more than chance while the train loss is not."""
    return _worst(case, "overfitting", _overfitting, case.limits.fewest_evals)


def _overfitting(case: Case, chosen: Course) -> Finding:
    rule, scale = "overfitting", risen(case, chosen)
    share, height = chosen.relative(scale or chosen.scales[0], case.limits)
    evidence = {
        "rise": share,
        "noise": chosen.sigma / height if height > 0 else 0.0,
        "evals": float(len(chosen)),
        "since_best": float(chosen.since_best),
    }
    above = _above(case, chosen, scale or chosen.scales[0])
    if scale is None:
        return Finding(rule, "clear", f"eval loss{named(chosen, case)} {above}", evidence=evidence)
    change = train_change(case, chosen, scale)
    if change is not None:
        evidence["train_change"] = change[0]
    if train_rose(case, chosen, scale) or _rose_alike(case, chosen, scale, share):
        return Finding(rule, "clear", "train loss rose as well", evidence=evidence)
    strong = share > case.limits.strong_rise and chosen.since_best >= case.limits.strong_evals
    headline = (
        f"Eval loss{named(chosen, case)} {above}{_place(chosen)}, {evaluations(chosen.since_best)} ago"
        f"{_beside(case, change)}."
    )
    metric = still_improving(case, chosen)
    severity: Severity = "critical" if strong and not metric else "warning"
    if metric:
        headline = f"{headline[:-1]}; {metric.sentence}."
        evidence |= metric.evidence
    return Finding(
        rule, "fired", f"rise {share:.1%}, noise {evidence['noise']:.1%}", severity,
        headline, _advice(case, chosen, strong, metric is not None), evidence, chosen,
    )  # fmt: skip


def _above(case: Case, chosen: Course, scale: Scale) -> str:
    """How far it is above the best, in numbers that fit each other."""
    best, last = chosen.values[chosen.best], chosen.values[-1]
    share, _ = chosen.relative(scale, case.limits)
    if chosen.near_zero(scale, case.limits):
        return f"{last:.4g} is {share:.0%} of its fall above the best {best:.4g}"
    shown = last / best - 1
    if scale.width > 1 and abs(shown - share) > 0.5 * share:
        last, shown = scale.tail, scale.tail / best - 1
        return (
            f"{last:.4g} (median of {scale.width}) is {_percent(shown)} above the best {best:.4g}"
        )
    return f"{last:.4g} is {_percent(shown)} above the best {best:.4g}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if abs(share) >= 0.1 else f"{share:.1%}"


def _beside(case: Case, change: tuple[float, float] | None) -> str:
    if change is None:
        return "" if case.loss else "; no train loss to compare with"
    moved = "fell" if change[0] < 0 else "rose"
    return f" while the train loss {moved} {abs(change[0]):.0%}"


def _place(chosen: Course) -> str:
    index = chosen.indexes[chosen.best]
    step, epoch = chosen.series.step(index), chosen.series.epoch(index)
    if step is not None:
        return f" at step {step:,}"
    return f" at epoch {epoch:.4g}" if epoch is not None else f" at evaluation {index + 1}"


def _advice(case: Case, chosen: Course, strong: bool, improving: bool) -> str:
    kept = case.kept(chosen.series.step(chosen.indexes[chosen.best]))
    if kept:
        keep = f"Keep {kept}"
    elif case.setting.checkpoints:
        keep = "No checkpoint is kept at the best evaluation"
    else:
        keep = f"The model to keep is the one{_place(chosen)}; no checkpoint is known here"
    if improving:
        return f"{keep}, and judge by the task metric which of the two is worth more."
    if case.setting.over:
        return f"{keep}; more data, regularisation or fewer epochs would help."
    if strong:
        return f"{keep}; stopping now loses nothing by this curve."
    return f"{keep}; watch the next evaluations before stopping{_rate_note(case)}."


def _rate_note(case: Case) -> str:
    return "" if decayed(case) is not False else " (the learning rate has not decayed yet)"


def decayed(case: Case) -> bool | None:
    """Whether the learning rate is well below its highest; None where it is not reported."""
    rate = case.metrics.find("learning_rate")
    if rate is None or len(rate) < 2:
        return None
    highest = rate.highest()
    return None if highest is None or not highest else rate.values[-1] < 0.5 * highest


# --- the quieter states -------------------------------------------------------------------


def turning(case: Case) -> Finding:
    """Slightly above the best with a trend: said quietly."""
    return _worst(case, "turning", _turning, case.limits.fewest_evals)


def _turning(case: Case, chosen: Course) -> Finding:
    limits, scale = case.limits, chosen.scales[0]
    share, _ = chosen.relative(scale, limits)
    z = trend(chosen.values[chosen.best :])
    evidence = {"rise": share, "trend": z, "since_best": float(chosen.since_best)}
    if train_rose(case, chosen, scale):
        return Finding("turning", "clear", "train loss rose as well", evidence=evidence)
    if share < limits.turning_rise or z <= limits.turning_trend:
        return Finding("turning", "clear", f"rise {share:.1%}, trend z {z:.2f}", evidence=evidence)
    return Finding(
        "turning", "fired", f"rise {share:.1%}, trend z {z:.2f}", "info",
        f"Eval loss{named(chosen, case)} has risen {share:.1%} over"
        f" {evaluations(chosen.since_best)} since its best{_place(chosen)}.",
        f"It may be turning: see what the next evaluations say{_rate_note(case)}.",
        evidence, chosen,
    )  # fmt: skip


def plateau(case: Case) -> Finding:
    """No better evaluation worth the name for a good part of the run."""
    return _worst(case, "plateau", _plateau, case.limits.fewest_evals)


def _plateau(case: Case, chosen: Course) -> Finding:
    limits, n = case.limits, len(chosen)
    since = _since_gain(case, chosen)
    least = max(limits.plateau_evals, limits.plateau_share * n)
    evidence = {"since_gain": float(since), "least": least, "evals": float(n)}
    why = f"{evaluations(since)} without a gain of {limits.plateau_gain:.1%}, {least:.0f} needed"
    if since < least:
        return Finding("plateau", "clear", why, evidence=evidence)
    advice = {
        None: "More of the same is unlikely to help.",
        True: "The learning rate has decayed: more of the same is unlikely to help.",
        False: "The learning rate has not decayed yet: a drop may bring the next gain.",
    }[decayed(case)]
    return Finding(
        "plateau", "fired", why, "info",
        f"Eval loss{named(chosen, case)} has gained nothing for {evaluations(since)}:"
        f" {chosen.values[-1]:.4g}, best {chosen.values[chosen.best]:.4g}{_place(chosen)}.",
        advice, evidence, chosen,
    )  # fmt: skip


def _since_gain(case: Case, chosen: Course) -> int:
    """Evaluations since the last one that was lower by the least gain and by more than noise."""
    scale, medians = chosen.scales[0], chosen.medians
    height = chosen.relative(scale, case.limits)[1]
    gain = max(case.limits.plateau_gain * max(height, 0.0), 2 * scale.noise)
    lowest, at = medians[0], 0
    for i, value in enumerate(medians):
        if value < lowest - gain:
            lowest, at = value, i
    return len(medians) - 1 - at


def never_better(case: Case) -> Finding:
    """The first evaluation was the best."""
    return _worst(case, "never-better", _never_better, case.limits.never_evals)


def _never_better(case: Case, chosen: Course) -> Finding:
    first, others = chosen.values[0], chosen.values[1:]
    mean = sum(others) / len(others)
    spread = (sum((v - mean) ** 2 for v in others) / len(others)) ** 0.5
    noise = max(chosen.sigma, min(spread, abs(min(others) - mean)))
    evidence = {"first": first, "best_after": min(others), "noise": noise}
    if min(others) <= first + noise or min(others) <= first * (1 + case.limits.plateau_gain):
        return Finding(
            "never-better", "clear", f"best after the first {min(others):.4g}", evidence=evidence
        )
    return Finding(
        "never-better", "fired", f"first {first:.4g}, best after it {min(others):.4g}", "warning",
        f"No evaluation{named(chosen, case)} beat the first ({first:.4g}).",
        "A learning rate that is too high, or an evaluation split that is not what it should be.",
        evidence, chosen,
    )  # fmt: skip
