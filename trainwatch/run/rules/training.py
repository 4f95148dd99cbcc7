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

    from trainwatch.run.course import Course
    from trainwatch.run.series import Series

SPIKE_WINDOW = 30
_BACK = 0.1
"""Within this share of a rise the loss is back where it came from."""
_SPIKE_REACH = 2_000
"""Spikes are looked for in so many newest logs."""


def diverging(case: Case) -> Finding:
    """The train loss far above its lowest, or train and eval loss both up since the best.

    No divergence: a spike that dies away, a rise that the run has come back from before.
    """
    rule = "diverging"
    if case.reinforced:
        return Finding(
            rule, "skipped", "the loss of reinforcement learning is no measure of progress"
        )
    if case.loss is None:
        return Finding(rule, "skipped", "no train loss is reported")
    enough = len(case.train_values) >= case.limits.fewest_logs
    rise = train_rise(case) if enough else None
    falls = rise is not None and _comes_down(case, rise)
    both = None if falls else _both_rose(case)
    if both is not None:
        return both
    if rise is None:
        told = f"{len(case.train_values)} of {case.limits.fewest_logs:g} train logs"
        return Finding(rule, "skipped", told)
    return _risen(case, case.loss, rise, falls)


def _risen(case: Case, loss: Series, rise: Rise, falls: bool) -> Finding:
    """What the train loss says without any evaluation."""
    evidence = {"lowest": rise.lowest, "now": rise.now, "first": rise.first}
    why = f"train loss {rise.now:.4g}, lowest before the newest logs {rise.lowest:.4g}"
    if rise.diverged and falls:
        why = f"{why}: it is coming down again"
    elif rise.diverged and _came_back(case, rise):
        why = f"{why}: it came back from as high before"
    elif rise.diverged:
        step = loss.step(rise.at)
        where = f" at step {step:,}" if step is not None else ""
        return Finding(
            "diverging", "fired", why, "critical",
            f"Train loss is {rise.now:.4g}, up from {rise.lowest:.4g}{where}.",
            f"Lower the learning rate or lengthen the warmup, and go back to {_before(case, step)}.",
            evidence,
        )  # fmt: skip
    return Finding("diverging", "clear", why, evidence=evidence)


def _before(case: Case, step: int | None) -> str:
    """The last checkpoint before the rise, by its name where one is known."""
    good = [s for s in case.setting.checkpoints if step is not None and s <= step]
    return case.setting.checkpoints[max(good)] if good else "a checkpoint before the rise"


def _kept(case: Case, chosen: Course) -> str:
    """The checkpoint of the best evaluation, by its name where it is known."""
    known = case.kept(chosen.series.step(chosen.indexes[chosen.best]))
    return known or "the checkpoint of the best evaluation"


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
    width = _width(case)
    now, start = median(values[-width:]), median(values[:width])
    lowest, at = case.lowest_train(width)
    margin = max(limits.diverged_rise * abs(lowest), limits.diverged_start * abs(start))
    risen = now > lowest + margin and now >= limits.diverged_height * start
    first = values[0]  # a single log, so its noise counts
    above = now > first + limits.diverged_rise * abs(first) + 4 * case.train_noise
    if above and not risen:
        return Rise(first, 0, now, start, True)
    return Rise(lowest, at, now, start, risen)


def _width(case: Case) -> int:
    """So many newest train logs are "now"."""
    count = len(case.train_values)
    return 3 if count < 20 else min(max(5, round(case.limits.diverged_share * count)), 25)


def _comes_down(case: Case, rise: Rise) -> bool:
    """Whether the newest train logs fall fast, and by more than their noise: a spike dies away."""
    values, width, height = case.train_values, _width(case), max(rise.now - rise.lowest, 0.0)
    for part in (width, width // 2):
        if part < 2 or len(values) < 2 * part:
            continue
        before, now = median(values[-2 * part : -part]), median(values[-part:])
        chance = case.train_noise * 1.25 * (2 / part) ** 0.5
        if before - now > max(2 * chance, case.limits.diverged_fall * height):
            return True
    return False


def _came_back(case: Case, rise: Rise) -> bool:
    """Whether the loss was as far above a low of its own before, and came back to that low.

    The losses of adversaries, and those of schedules that start over, do so all the time. It counts
    for as long as the newest rise has lasted no longer than twice that one.
    """
    values = case.train_values
    size = max(len(values) // 500, 1)
    width = min(size, 5)
    blocks = [median(values[i : i + width]) for i in range(0, len(values) - width + 1, size)]
    low, top, at, longest = blocks[0], blocks[0], 0, 0
    for place, value in enumerate(blocks):
        if value > low + _BACK * (top - low):
            top = max(top, value)
            continue
        if top - low >= case.limits.diverged_before * (rise.now - rise.lowest):
            longest = max(longest, place - at)
        low, top, at = value, value, place
    return longest > 0 and len(blocks) - at <= 2 * longest


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
            f"Lower the learning rate, and go back to {_kept(case, chosen)}.",
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
