"""What the train loss says by itself.

The law of this file: the training is judged by medians, so that a spike is a spike and not the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trainwatch.run.case import Case, Finding, named
from trainwatch.run.noise import MAD_TO_SIGMA, median
from trainwatch.run.rules.evaluation import risen, train_change, train_rose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainwatch.run.series import Series

SPIKE_WINDOW = 30
_SPIKE_REACH = 2_000
"""Spikes are looked for in so many newest logs."""


def diverging(case: Case) -> Finding:
    """The train loss far above its lowest, or train and eval loss both up since the best."""
    rule = "diverging"
    if case.reinforced:
        return Finding(
            rule, "skipped", "the loss of reinforcement learning is no measure of progress"
        )
    both = _both_rose(case)
    if both is not None:
        return both
    if case.loss is None:
        return Finding(rule, "skipped", "no train loss is reported")
    if len(case.train_values) < case.limits.fewest_logs:
        told = f"{len(case.train_values)} of {case.limits.fewest_logs:g} train logs"
        return Finding(rule, "skipped", told)
    rise = train_rise(case)
    evidence = {"lowest": rise.lowest, "now": rise.now, "first": rise.first}
    why = f"train loss {rise.now:.4g}, lowest {rise.lowest:.4g}"
    if not rise.diverged:
        return Finding(rule, "clear", why, evidence=evidence)
    step = case.loss.step(rise.at)
    where = f" at step {step:,}" if step is not None else ""
    return Finding(
        rule, "fired", why, "critical",
        f"Train loss is {rise.now:.4g}, up from {rise.lowest:.4g}{where}.",
        "Lower the learning rate or lengthen the warmup, and go back to a checkpoint before the rise.",
        evidence,
    )  # fmt: skip


class Rise(NamedTuple):
    """Where the train loss was lowest and where it is now."""

    lowest: float
    at: int
    now: float
    first: float
    diverged: bool


def train_rise(case: Case) -> Rise:
    """The train loss now against its lowest, and against its very first value."""
    values, limits = case.train_values, case.limits
    width = 3 if len(values) < 20 else 5
    now, start = median(values[-width:]), median(values[:width])
    lowest, at = case.lowest_train(width)
    margin = max(limits.diverged_rise * abs(lowest), limits.diverged_start * abs(start))
    risen = now > lowest + margin and now >= limits.diverged_height * start
    first = values[0]  # a single log, so its noise counts
    above = now > first + limits.diverged_rise * abs(first) + 4 * case.train_noise
    if above and not risen:
        return Rise(first, 0, now, start, True)
    return Rise(lowest, at, now, start, risen)


def _both_rose(case: Case) -> Finding | None:
    for chosen in case.courses:
        if len(chosen) < case.limits.fewest_evals:
            continue
        scale = risen(case, chosen)
        if scale is None or not train_rose(case, chosen, scale):
            continue
        change = train_change(case, chosen, scale)
        share = chosen.relative(scale, case.limits)[0]
        train = change[0] if change else 0.0
        return Finding(
            "diverging", "fired", f"eval loss up {share:.0%}, train loss up {train:.0%}", "critical",
            f"Train and eval loss{named(chosen, case)} both rose since the best evaluation:"
            f" eval {share:.0%}, train {train:.0%}.",
            "Lower the learning rate, and go back to the checkpoint of the best evaluation.",
            {"rise": share, "train_change": train}, chosen,
        )  # fmt: skip
    return None


# --- remarks ------------------------------------------------------------------------------


def stairs(case: Case) -> Finding:
    """Drops of the train loss right at epoch boundaries: examples are recognised again."""
    rule, loss = "stairs", case.loss
    found = epoch_starts(loss) if loss else []
    if loss is None or not found:
        return Finding(rule, "skipped", "no two epochs of train logs")
    drops = [(i, d) for i in found if (d := _drop(case, loss, i)) is not None]
    if not drops:
        return Finding(rule, "clear", f"no drop at {len(found)} epoch boundaries")
    most = max(d for _, d in drops)
    return Finding(
        rule, "fired",
        f"train loss drops by up to {most:.0%} at {len(drops)} of {len(found)} epoch boundaries:"
        " examples seen before are memorised",
        "info", evidence={"drops": float(len(drops)), "largest": most},
    )  # fmt: skip


def epoch_starts(loss: Series) -> list[int]:
    """The first log of each epoch but the first, by bisection."""
    extent = loss.extent("epoch")
    if extent is None or extent[1] < 1 or extent[1] > 1000:
        return []
    low, high = loss.pieces("epoch")[-1]
    starts = (
        loss.places.find("epoch", epoch, low, high, after=True)
        for epoch in range(1, int(extent[1]) + 1)
    )
    return [i for i in dict.fromkeys(starts) if low + 3 <= i <= high - 3]


def _drop(case: Case, loss: Series, start: int) -> float | None:
    before, after = loss.mean(start - 3, start), loss.mean(start, start + 3)
    earlier = loss.mean(max(start - 6, 0), start - 3) if start >= 6 else None
    if before is None or after is None or before <= 0:
        return None
    drop = before - after
    slope = max(earlier - before, 0.0) if earlier is not None else drop
    noise = case.train_noise * (2 / 3) ** 0.5
    beyond = drop > case.limits.stair_drop * before and drop > case.limits.stair_noise * noise
    return drop / before if beyond and drop > 2 * slope else None


def spikes(case: Case) -> Finding:
    """Single logs far above their neighbourhood, told as one finding."""
    rule = "spikes"
    values = case.train_values[-_SPIKE_REACH:]
    if len(values) <= SPIKE_WINDOW:
        return Finding(rule, "skipped", f"{len(values)} of {SPIKE_WINDOW + 1} train logs")
    found = spike_places(case, values)
    if not found:
        return Finding(rule, "clear", "none")
    many = "one spike" if len(found) == 1 else f"noisy: {len(found)} spikes"
    return Finding(
        rule, "fired", f"{many} in {len(values)} train logs", "info",
        evidence={"spikes": float(len(found)), "logs": float(len(values))},
    )  # fmt: skip


def spike_places(case: Case, values: Sequence[float]) -> list[int]:
    """The places in ``values`` that are spikes."""
    limits = case.limits
    start = limits.spike_start * abs(case.train_values[0])
    found = []
    for i in range(SPIKE_WINDOW, len(values)):
        value = values[i]
        if value <= values[i - 1] or value < (1 + limits.spike_rise) * min(values[i - 3 : i]):
            continue  # cheap: most values are no higher than what was just there
        window = values[i - SPIKE_WINDOW : i]
        middle = median(window)
        rise = value - middle
        if rise > max(limits.spike_rise * abs(middle), start):
            spread = MAD_TO_SIGMA * median([abs(v - middle) for v in window])
            if rise > limits.spike_deviation * spread:
                found.append(i)
    return found
